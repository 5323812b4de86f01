"""How an audio effect is doing, as data."""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

KEPT = 1000
"""Blocks that `AudioEffectStats.to_frame` tells of, 20 s; the oldest are forgotten beyond it."""


class BlockTiming(NamedTuple):
    """What one block went through."""

    time_s: float
    """Unix time when its result was ready."""
    wait_s: float
    """From its packet's arrival at the engine to the call of the function."""
    run_s: float
    """How long the function took."""
    is_error: bool


@dataclass(frozen=True, repr=False)
class AudioEffectStats:
    """How an audio effect does, since it was set."""

    name: str
    """The function, as a person knows it."""
    blocks: int = 0
    """Blocks of 20 ms that it was called with."""
    late: int = 0
    """Blocks of silence that the others heard because the function's were not ready in time."""
    dropped: int = 0
    """Blocks that were left out, so that the sound does not stay late."""
    errors: int = 0
    """Blocks for which it raised or returned something else than its samples; the others heard silence."""
    wait_s: float = 0.0
    """How old the last block was when the function was called, in seconds since the engine received it."""
    run_s: float = 0.0
    """How long the function took for it, in seconds."""
    delay_s: float = 0.0
    """How old it was when its result was ready: the sum of both."""
    working_s: float = 0.0
    """How long it had been working on the present block, in seconds; 0 while it waits for one. It grows where
    the function does not return; the others hear silence."""
    timings: Sequence[BlockTiming] = field(default=(), repr=False, compare=False)
    """Of the last 1,000 blocks, oldest first."""

    def __repr__(self) -> str:
        return (
            f"<nbrtc.AudioEffectStats {self.name}: {self.blocks} blocks, {self.late} late, "
            f"{self.dropped} dropped, {self.errors} errors; "
            f"waits {1000 * self.wait_s:.1f} ms, runs {1000 * self.run_s:.1f} ms>"
        )

    def to_frame(self) -> "pd.DataFrame":
        """Of the last 1,000 blocks: ``wait_s``, ``run_s``, ``delay_s`` (s, float) and ``is_error``.

        The index is the time when each was ready (UTC).
        """
        import pandas as pd

        rows = self.timings
        index = pd.to_datetime([row.time_s for row in rows], unit="s", utc=True).rename("time")
        return pd.DataFrame(
            {
                "wait_s": pd.Series([row.wait_s for row in rows], index=index, dtype="float64"),
                "run_s": pd.Series([row.run_s for row in rows], index=index, dtype="float64"),
                "delay_s": pd.Series([row.wait_s + row.run_s for row in rows], index=index, dtype="float64"),
                "is_error": pd.Series([row.is_error for row in rows], index=index, dtype="bool"),
            },
            index=index,
        )


class AudioEffectMeter:
    """Counts for one effect. Written by its thread, read by any."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._timings: deque[BlockTiming] = deque(maxlen=KEPT)
        self._blocks = self._errors = self._late = self._dropped = 0
        self._began_s: float | None = None

    def count(self, *, late: int, dropped: int) -> None:
        """What the engine tells."""
        with self._lock:
            self._late += late
            self._dropped += dropped

    @property
    def working_s(self) -> float:
        """See `AudioEffectStats.working_s`."""
        began_s = self._began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def begin(self) -> None:
        """The function gets a block now."""
        self._began_s = time.monotonic()

    def add(self, timing: BlockTiming) -> None:
        """The function is done with it."""
        with self._lock:
            self._began_s = None
            self._blocks += 1
            self._errors += timing.is_error
            self._timings.append(timing)

    def stats(self) -> AudioEffectStats:
        """As it is now."""
        with self._lock:
            timings = tuple(self._timings)
            last = timings[-1] if timings else BlockTiming(0.0, 0.0, 0.0, False)
            return AudioEffectStats(
                name=self._name,
                blocks=self._blocks,
                late=self._late,
                dropped=self._dropped,
                errors=self._errors,
                wait_s=last.wait_s,
                run_s=last.run_s,
                delay_s=last.wait_s + last.run_s,
                working_s=self.working_s,
                timings=timings,
            )
