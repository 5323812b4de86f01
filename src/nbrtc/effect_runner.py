"""Runs the video effect on a thread of its own, frame by frame."""

import asyncio
import inspect
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from .effect import VideoEffect, to_planes
from .engine_port import Bridge
from .errors import EngineError
from .frame import Frame
from .port import FramePort, Result
from .turns import quick_turns
from .video_effect_stats import EffectRow, VideoEffectStats

POLL_S = 0.1
"""A thread without frames looks this often whether it is to end."""
STUCK_S = 1.0
"""A function that works on one frame for longer is not expected to return."""

HANGS_S = 4.0
"""One that works on a frame for longer is said to: longer than a model takes to load at its first frame, and
soon enough for whoever looks at a picture that stands still."""

Complaint = Callable[[VideoEffect, BaseException, str], None]
Left = Callable[[VideoEffect, float], None]
Stuck = Callable[[VideoEffect, float, str], None]


def _unheard(*about: object) -> None:
    """For whom it is no trouble."""


class EffectRunner:
    """Runs the current video effect of one call.

    A function that never returns keeps its thread, and nothing else: the next effect gets one of its own.

    Parameters
    ----------
    bridge
        The way to the engine.
    call
        Whose camera.
    on_error
        Told the effect, its error and the traceback, on the runner's thread, for every failure.
    on_left
        Told, as it is taken off, an effect that has worked on one frame for longer than `STUCK_S`, and how
        many seconds.
    on_stuck
        Told by `look`, once for each such frame, an effect that has worked on it for longer than `HANGS_S`,
        how many seconds, and the stack where it is.
    """

    def __init__(
        self,
        bridge: Bridge,
        call: str,
        on_error: Complaint,
        on_left: Left = _unheard,
        on_stuck: Stuck = _unheard,
    ) -> None:
        self._bridge = bridge
        self._call = call
        self._on_error = on_error
        self._on_left = on_left
        self._on_stuck = on_stuck
        self._run: _Run | None = None

    @property
    def stats(self) -> VideoEffectStats | None:
        """Of the current effect; None without one."""
        run = self._run
        return None if run is None else run.stats

    def use(self, effect: VideoEffect | None, number: int = 0) -> None:
        """Swap the effect; the old one ends after the frame that it works on, whose result is not sent.

        Parameters
        ----------
        number
            See `SetVideoEffect.number`.
        """
        run, self._run = self._run, None
        if run is not None:
            run.stop()
            if (working_s := run.stats.working_s) > STUCK_S:
                self._on_left(run.effect, working_s)
        if effect is not None:
            self._run = _Run(effect, number, self._bridge, self._call, self._on_error)

    def look(self) -> None:
        """Say of an effect that it hangs: its own thread cannot. To be called every now and then."""
        run = self._run
        if run is not None and not run.is_told and (working_s := run.stats.working_s) > HANGS_S:
            run.is_told = True
            self._on_stuck(run.effect, working_s, run.stack())

    def close(self) -> None:
        """End after the frame that is worked on. Idempotent."""
        self.use(None)


class _Run:
    """One effect, from the moment it is set until it is swapped or taken off."""

    def __init__(
        self, effect: VideoEffect, number: int, bridge: Bridge, call: str, on_error: Complaint
    ) -> None:
        self.stats = VideoEffectStats(effect.name)
        self.effect = effect
        self.is_told = False
        """Whether it was said of the frame in work that the function does not return."""
        self._number = number
        self._bridge = bridge
        self._call = call
        self._on_error = on_error
        self._stopped = threading.Event()
        self.thread = threading.Thread(target=self._loop, name="nbrtc-video-effect", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Send nothing more, and end when the function returns."""
        self._stopped.set()

    def stack(self) -> str:
        """Where its thread is at this moment, as a traceback shows it; empty if it has ended."""
        frame = sys._current_frames().get(self.thread.ident or 0)
        return "" if frame is None else "".join(traceback.format_stack(frame))

    def _loop(self) -> None:
        result: Result | None = None
        # coroutine functions share one loop, which ends with the tasks that they left
        with quick_turns(), FramePort(self._bridge, self._call) as port, asyncio.Runner() as runner:
            port.ask_for(self.effect.size, queued=self.effect.policy == "block", effect=self._number)
            while not self._stopped.is_set():
                try:
                    frame = port.receive(POLL_S, result)
                except EngineError:
                    return  # nbrtc was closed
                result = None
                if frame is not None:
                    self.stats.mark_sent(frame.header.sent_timestamp, frame.header.sent_s)
                    if not self._stopped.is_set():
                        result = self._apply(frame, runner)

    def _apply(self, frame: Frame, runner: asyncio.Runner) -> Result | None:
        effect, header = self.effect, frame.header
        self.is_told = False
        self.stats.begin()
        row = EffectRow(frame.number, frame.age_s, 0.0, dropped=frame.skipped, timestamp=header.timestamp)
        try:
            value = effect(frame)
            if inspect.isawaitable(value):
                value = runner.run(_awaited(value))
            width, height, planes = to_planes(value, effect.name)
        except BaseException as error:  # noqa: BLE001  SystemExit would end the thread without a word
            if not self._stopped.is_set():  # an effect that was taken off has nothing to say any more
                self.stats.add(row._replace(run_s=frame.age_s - row.wait_s, error=True))
                self._on_error(effect, error, traceback.format_exc())
            return None
        self.stats.add(row._replace(run_s=frame.age_s - row.wait_s))
        return msgspec.structs.replace(header, width=width, height=height, skipped=0), planes


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
