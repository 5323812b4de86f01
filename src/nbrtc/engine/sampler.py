"""A beat for measuring: on time, never twice for what was missed. On the engine's loop."""

import asyncio
from collections.abc import Callable


class Sampler:
    """Calls `measure` every so many seconds between `start` and `stop`.

    Parameters
    ----------
    interval_s
        Asked after each call; say `hurry` when it has changed.
    measure
        Returns at once.
    """

    def __init__(self, interval_s: Callable[[], float], measure: Callable[[], None]) -> None:
        self._interval_s = interval_s
        self._measure = measure
        self._timer: asyncio.TimerHandle | None = None
        self._last_s = 0.0

    @property
    def is_running(self) -> bool:
        """Whether a beat is to come."""
        return self._timer is not None

    def start(self) -> None:
        """Begin; the first call comes after one interval."""
        self._last_s = asyncio.get_running_loop().time()
        self._aim()

    def hurry(self) -> None:
        """The interval is another one: it counts from the last call on."""
        if self.is_running:
            self._aim()

    def stop(self) -> None:
        """End; `start` may follow. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _aim(self) -> None:
        self.stop()
        loop = asyncio.get_running_loop()
        due_s = max(loop.time(), self._last_s + self._interval_s())
        self._timer = loop.call_at(due_s, self._beat, due_s)

    def _beat(self, due_s: float) -> None:
        late_s = asyncio.get_running_loop().time() - due_s
        # a little late keeps the beat; much later begins a new one
        self._last_s = due_s if late_s < self._interval_s() else due_s + late_s
        self._aim()
        self._measure()
