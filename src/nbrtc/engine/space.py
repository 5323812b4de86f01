"""How much more fits on a recording's disk: a warning in time, and the end while it can be finished."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path

from ..errors import RecordingError

logger = logging.getLogger(__name__)

LOOK_S = 1.0
RATE_S = 10.0
"""How fast the files grow is measured over so long."""
LOW_S = 600.0
LOW_BYTES = 200_000_000
"""Low is less than ten minutes at the present rate, or this, whichever is less."""
FULL_S = 10.0
RESERVE_BYTES = 2 << 20
"""Full is less than ten seconds at the present rate, or this: finishing writes an index and the manifest."""
RESERVE_FRACTION = 0.05
"""Of the file system: no more than that is reserved, so that on a tiny one a recording can begin at all."""
RECOVERED = 1.25
"""So many times what is low is plenty again; below it, a warning is not repeated."""


def free_bytes(folder: Path) -> int:
    """Bytes that this user may still write there."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def total_bytes(folder: Path) -> int:
    """Size of the file system."""
    found = os.statvfs(folder)
    return found.f_blocks * found.f_frsize


def check(folder: Path) -> None:
    """Refuse to begin where there is no room for anything.

    Raises
    ------
    RecordingError
        If the disk is full, or cannot be asked.
    """
    try:
        free, total = free_bytes(folder), total_bytes(folder)
    except OSError as error:
        raise RecordingError(
            f"The disk of {str(folder)!r} cannot be asked for its space ({error})"
        ) from error
    if free < full_mark(0.0, total):
        raise RecordingError(
            f"The disk of {str(folder)!r} is full ({amount(free)} left): free some space or record elsewhere"
        )


def full_mark(rate_bps: float, total: int) -> float:
    """Bytes below which a recording ends."""
    return min(max(RESERVE_BYTES, rate_bps / 8 * FULL_S), total * RESERVE_FRACTION)


def low_mark(rate_bps: float, total: int) -> float:
    """Bytes below which there is a warning."""
    return max(min(LOW_BYTES, rate_bps / 8 * LOW_S), full_mark(rate_bps, total))


class Growth:
    """How fast a recording's files grow."""

    def __init__(self, now_s: float) -> None:
        self._sizes: deque[tuple[float, int]] = deque([(now_s, 0)])  # of the last RATE_S

    def measure(self, now_s: float, size_bytes: int) -> None:
        """The files have this size now."""
        self._sizes.append((now_s, size_bytes))
        while now_s - self._sizes[0][0] > RATE_S:
            self._sizes.popleft()

    @property
    def rate_bps(self) -> float:
        """Bits a second; 0 while it is not known."""
        (from_s, from_bytes), (to_s, to_bytes) = self._sizes[0], self._sizes[-1]
        return 0.0 if to_s <= from_s else 8 * (to_bytes - from_bytes) / (to_s - from_s)


class Space:
    """Looks every second. On the engine's loop; a disk that does not answer holds up nothing else.

    Parameters
    ----------
    folder
        Of the recording.
    rate_bps
        What the recording writes now.
    on_low
        Told a sentence when little is left: once, and again after there was plenty.
    on_full
        Told a sentence when the recording has to end now: once, and then nothing is looked at any more.
    free_bytes, total_bytes
        Ask the disk, on a thread.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rate_bps: Callable[[], float],
        on_low: Callable[[str], None],
        on_full: Callable[[str], None],
        free_bytes: Callable[[Path], int] = free_bytes,
        total_bytes: Callable[[Path], int] = total_bytes,
    ) -> None:
        self._folder = folder
        self._rate_bps = rate_bps
        self._on_low, self._on_full = on_low, on_full
        self._free_bytes, self._total_bytes = free_bytes, total_bytes
        self._is_low = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, at once."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch(), name="nbrtc-space")

    def close(self) -> None:
        """Stop looking; nobody is told anything after this. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _watch(self) -> None:
        is_known = True
        while True:
            try:
                free, total = await asyncio.to_thread(self._ask)
            except OSError as error:
                if is_known:
                    logger.warning("The space of %s is not known: %s", self._folder, error)
                is_known = False
            else:
                is_known = True
                if self._judge(free, total):
                    return
            await asyncio.sleep(LOOK_S)

    def _ask(self) -> tuple[int, int]:
        return self._free_bytes(self._folder), self._total_bytes(self._folder)

    def _judge(self, free: int, total: int) -> bool:
        """Tell what has to be told; whether the recording has to end."""
        rate_bps = max(0.0, self._rate_bps())
        low = low_mark(rate_bps, total)
        if free < full_mark(rate_bps, total):
            self._on_full(f"{_left(free, rate_bps)}. The recording was ended while it could be finished.")
            return True
        if free < low and not self._is_low:
            self._is_low = True
            self._on_low(f"{_left(free, rate_bps)}. Free some space, or record somewhere else.")
        elif free >= low * RECOVERED:
            self._is_low = False
        return False


def amount(size_bytes: float) -> str:
    """Bytes for a person: ``"1.9 MB"``."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= one:
            return f"{size_bytes / one:.1f} {unit}"
    return f"{size_bytes:.0f} bytes"


def _left(free: int, rate_bps: float) -> str:
    left = f"The disk of the recording has only {amount(free)} left"
    if rate_bps <= 0:
        return left
    seconds = free * 8 / rate_bps
    lasts = f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
    return f"{left}, which lasts {lasts}"
