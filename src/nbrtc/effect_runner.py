"""Runs the video effect: in the kernel, on a thread of its own, newest frame wins."""

import asyncio
import inspect
import threading
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from .bridge import Bridge
from .effect import VideoEffect, to_planes
from .errors import EngineError
from .frame import Frame
from .port import FramePort, Result
from .turns import quick_turns

POLL_S = 0.1
"""A thread without frames looks this often whether it is to end."""


@dataclass(frozen=True)
class EffectStatus:
    """How a video effect is doing, since it was set."""

    name: str
    """The function, as a person knows it."""
    frames: int = 0
    """Pictures that it made."""
    skipped: int = 0
    """Frames of the camera that it was too slow for; the newest one wins."""
    errors: int = 0
    """Frames for which it raised or returned something else than a picture."""
    run_s: float = 0.0
    """How long it took for the last picture, in seconds."""
    delay_s: float = 0.0
    """Age of the last frame when its result was ready, in seconds since the engine received it."""


Complaint = Callable[[VideoEffect, BaseException, str], None]


class EffectRunner:
    """Runs the current video effect of one call.

    Parameters
    ----------
    bridge
        The way to the engine.
    call
        Whose camera.
    on_error
        Told the effect, its error and the traceback, on the runner's thread, for every failure.
    """

    def __init__(self, bridge: Bridge, call: str, on_error: Complaint) -> None:
        self._bridge = bridge
        self._call = call
        self._on_error = on_error
        self._effect: VideoEffect | None = None
        self._status: EffectStatus | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def status(self) -> EffectStatus | None:
        """Of the current effect; None without one."""
        return self._status

    def use(self, effect: VideoEffect | None) -> None:
        """Swap the effect from the next frame on; None ends the thread after the frame that it works on."""
        with self._lock:
            self._effect = effect
            self._status = None if effect is None else EffectStatus(effect.name)
            if effect is None:
                self._stopped.set()
            elif self._thread is None or self._stopped.is_set():
                self._stopped = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopped,), name="nbrtc-video-effect", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """End the thread after the frame that it works on. Idempotent."""
        self.use(None)

    def _run(self, stopped: threading.Event) -> None:
        result: Result | None = None
        # coroutine functions share one loop, which ends with the tasks that they left
        with quick_turns(), FramePort(self._bridge, self._call) as port, asyncio.Runner() as runner:
            while not stopped.is_set():
                try:
                    frame = port.receive(POLL_S, result)
                except EngineError:
                    return  # nbrtc was closed
                effect, result = self._effect, None
                if frame is not None and effect is not None:
                    result = self._apply(effect, frame, runner)

    def _apply(self, effect: VideoEffect, frame: Frame, runner: asyncio.Runner) -> Result | None:
        began_s = frame.age_s
        try:
            value = effect(frame)
            if inspect.isawaitable(value):
                value = runner.run(_awaited(value))
            width, height, planes = to_planes(value, effect.name)
        except BaseException as error:  # noqa: BLE001  SystemExit would end the thread without a word
            self._count(effect, skipped=frame.skipped, errors=1)
            self._on_error(effect, error, traceback.format_exc())
            return None
        self._count(effect, skipped=frame.skipped, frames=1, run_s=frame.age_s - began_s, delay_s=frame.age_s)
        return msgspec.structs.replace(frame.header, width=width, height=height, skipped=0), planes

    def _count(
        self,
        effect: VideoEffect,
        *,
        skipped: int,
        frames: int = 0,
        errors: int = 0,
        run_s: float | None = None,
        delay_s: float | None = None,
    ) -> None:
        with self._lock:
            known = self._status
            if known is None or self._effect is not effect:
                return  # swapped meanwhile
            self._status = EffectStatus(
                name=known.name,
                frames=known.frames + frames,
                skipped=known.skipped + skipped,
                errors=known.errors + errors,
                run_s=known.run_s if run_s is None else run_s,
                delay_s=known.delay_s if delay_s is None else delay_s,
            )


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
