"""Which picture of somebody is seen at a time of the recording."""

from collections import deque
from collections.abc import Generator, Sequence
from pathlib import Path

import av

from nbrtc.recordings.decoding import pictures
from nbrtc.recordings.film.scenes import LEAD_MS

FREEZE_MS = 3000.0
"""The last picture stands so long when no other comes."""
_LATE_MS = 8.0
"""So much later than half a frame a picture may be shown rather than left out: unsteady times skip none."""
_HIDDEN_MS = 5000.0
"""Whoever was not seen for so long is not decoded all the way, but from the keyframe before."""
_MAX_PENDING = 8
"""Pictures that wait for their time; a faster camera loses its older ones."""

Shot = tuple[float, av.VideoFrame]
"""When a picture was taken, in the recording's milliseconds, and the picture."""


class Face:
    """The pictures of one person over all their files.

    Parameters
    ----------
    pieces
        Each file and where its time zero lies, in the order of time.
    half_frame_ms
        Half of the time between two pictures of the film.
    """

    def __init__(self, pieces: Sequence[tuple[Path, float]], half_frame_ms: float) -> None:
        self._pieces = pieces
        self._early_ms = half_frame_ms
        self._late_ms = half_frame_ms + _LATE_MS
        self._shots: Generator[Shot] | None = None
        self._pending: deque[Shot] = deque()
        self._asked_ms = 0.0
        self._shown: Shot | None = None

    def at(self, time_ms: float) -> Shot | None:
        """The newest picture of that time, or the first one shortly before its own; else None. Times rise."""
        if self._shots is None or time_ms - self._asked_ms > _HIDDEN_MS:
            self.close()
            self._pending.clear()
            self._shots = self._read(max(0.0, time_ms - FREEZE_MS))
        self._asked_ms = time_ms
        until_ms = time_ms + self._early_ms
        while not self._pending or self._pending[-1][0] <= until_ms:
            shot = next(self._shots, None)
            if shot is None:
                break
            if len(self._pending) == _MAX_PENDING:
                self._pending.popleft()
            self._pending.append(shot)
        while self._pending and self._pending[0][0] <= until_ms:
            self._shown = self._pending.popleft()
            if self._shown[0] >= time_ms - self._late_ms:
                break
        if self._shown is None and self._pending and self._pending[0][0] - time_ms <= LEAD_MS:
            return self._pending[0]
        return self._shown

    def close(self) -> None:
        """Close the file; may be called twice."""
        if self._shots is not None:
            self._shots.close()
            self._shots = None

    def _read(self, from_ms: float) -> Generator[Shot]:
        starts_ms = [start_ms for _, start_ms in self._pieces]
        for (path, start_ms), end_ms in zip(self._pieces, [*starts_ms[1:], float("inf")], strict=True):
            if end_ms <= from_ms:
                continue
            found = pictures(path, max(0.0, from_ms - start_ms))
            for time_ms, frame in found:
                if start_ms + time_ms >= end_ms:
                    break
                yield start_ms + time_ms, frame
            found.close()
