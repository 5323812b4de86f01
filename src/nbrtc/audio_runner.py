"""Runs the audio effect: in the kernel, on a thread of its own, block by block and in order."""

import asyncio
import inspect
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from .audio_effect import BLOCK, AudioEffect
from .audio_effect_stats import AudioEffectMeter, AudioEffectStats, BlockTiming
from .audio_port import AudioPort, Result
from .bridge import Bridge
from .errors import EngineError
from .messages import AudioHeader
from .turns import quick_turns

POLL_S = 0.1
"""A thread without sound looks this often whether it is to end."""

STUCK_S = 1.0
"""A function that works on one block for longer is not expected to return."""

Complaint = Callable[[AudioEffect, BaseException, str], None]
Stuck = Callable[[AudioEffect, float], None]


class AudioRunner:
    """Runs the current audio effect of one call.

    Each effect has a thread and a port of its own, so that one whose function never returns does not stand
    in the way of the next; what it still returns is nobody's.

    Parameters
    ----------
    bridge
        The way to the engine.
    call
        Whose microphone.
    on_error
        Told the effect, its error and the traceback, on the effect's thread, for every failure.
    on_stuck
        Told an effect that has been working on one block for longer than `STUCK_S`, and how many seconds:
        whenever the engine says that it waits for it, and as the effect is taken off.
    """

    def __init__(self, bridge: Bridge, call: str, on_error: Complaint, on_stuck: Stuck) -> None:
        self._bridge = bridge
        self._call = call
        self._on_error = on_error
        self._on_stuck = on_stuck
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._present: tuple[AudioEffect, AudioEffectMeter] | None = None

    @property
    def stats(self) -> AudioEffectStats | None:
        """Of the current effect; None without one."""
        present = self._present
        return None if present is None else present[1].stats()

    def use(self, effect: AudioEffect | None) -> None:
        """Swap the effect from the next block on; None ends it after the block that it works on."""
        self._look()
        with self._lock:
            self._stopped.set()
            self._present = None
            if effect is None:
                return
            self._stopped = threading.Event()
            self._present = effect, AudioEffectMeter(effect.name)
            threading.Thread(
                target=self._run,
                args=(*self._present, self._stopped),
                name="nbrtc-audio-effect",
                daemon=True,
            ).start()

    def behind(self, late: int, dropped: int) -> None:
        """The engine counted blocks that it cannot tell the effect's thread of, which works on one."""
        present = self._present
        if present is not None:
            present[1].count(late=late, dropped=dropped)
            self._look()

    def _look(self) -> None:
        """Say of an effect that it hangs."""
        present = self._present
        if present is not None and (working_s := present[1].working_s) > STUCK_S:
            self._on_stuck(present[0], working_s)

    def close(self) -> None:
        """End it after the block that it works on. Idempotent."""
        self.use(None)

    def _run(self, effect: AudioEffect, meter: AudioEffectMeter, stopped: threading.Event) -> None:
        result: Result | None = None
        # coroutine functions share one loop, which ends with the tasks that they left
        with quick_turns(), AudioPort(self._bridge, self._call) as port, asyncio.Runner() as runner:
            while not stopped.is_set():
                try:
                    given = port.receive(POLL_S, result)
                except EngineError:
                    return  # nbrtc was closed
                result = None
                if given is not None and not stopped.is_set():
                    result = self._apply(effect, meter, runner, *given)

    def _apply(
        self,
        effect: AudioEffect,
        meter: AudioEffectMeter,
        runner: asyncio.Runner,
        header: AudioHeader,
        data: memoryview,
    ) -> Result:
        import numpy as np

        meter.count(late=header.late, dropped=header.dropped)
        meter.begin()
        samples = np.frombuffer(data, np.int16).reshape(BLOCK, header.channels)
        began_s = time.monotonic()
        is_error = False
        try:
            value = effect(samples)
            if inspect.isawaitable(value):
                value = runner.run(_awaited(value))
            made = effect.to_samples(value)
        except BaseException as error:  # noqa: BLE001  SystemExit would end the thread without a word
            is_error = True
            made = np.zeros_like(samples)  # never the voice as it was
            self._on_error(effect, error, traceback.format_exc())
        meter.add(BlockTiming(time.time(), began_s - header.arrived_s, time.monotonic() - began_s, is_error))
        answer = msgspec.structs.replace(header, dropped=0, late=0)
        return answer, np.ascontiguousarray(made).tobytes()


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
