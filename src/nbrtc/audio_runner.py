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

Complaint = Callable[[AudioEffect, BaseException, str], None]


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
    """

    def __init__(self, bridge: Bridge, call: str, on_error: Complaint) -> None:
        self._bridge = bridge
        self._call = call
        self._on_error = on_error
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._meter: AudioEffectMeter | None = None

    @property
    def stats(self) -> AudioEffectStats | None:
        """Of the current effect; None without one."""
        meter = self._meter
        return None if meter is None else meter.stats()

    def use(self, effect: AudioEffect | None) -> None:
        """Swap the effect from the next block on; None ends it after the block that it works on."""
        with self._lock:
            self._stopped.set()
            self._meter = None if effect is None else AudioEffectMeter(effect.name)
            if effect is None or self._meter is None:
                return
            self._stopped = threading.Event()
            threading.Thread(
                target=self._run,
                args=(effect, self._meter, self._stopped),
                name="nbrtc-audio-effect",
                daemon=True,
            ).start()

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
