"""Everybody's sound at its place in time, and all of it mixed."""

from collections.abc import Generator, Sequence
from pathlib import Path

import numpy as np

from nbrtc.recordings.decoding import SAMPLE_RATE, Samples, sounds

BLOCK = 960
"""Samples that are mixed at once: 20 ms."""
_MS = SAMPLE_RATE // 1000
_DRIFT = 20 * _MS
"""So far sound may be from its time before samples are inserted or dropped."""
_HOLE = 10 * _MS
"""A jump this large between neighbours is sound that is missing, not a clock that drifts."""
_KNEE = 0.7
"""Louder samples are bent."""


class Track:
    """The sound of one file, as if it went on forever: silence where there is none.

    Parameters
    ----------
    path
        It is opened when its time comes, and closed at its end.
    start_ms
        Where its time zero lies.
    """

    def __init__(self, path: Path, start_ms: float) -> None:
        self._path = path
        self._start_ms = start_ms
        self._sounds: Generator[tuple[float, Samples]] | None = None
        self._ended = False
        self._expected: int | None = None
        self._heard = 0
        self._pending: Samples = np.empty((0, 2), np.float32)
        self._pending_at = 0

    def add_to(self, mix: Samples, at: int) -> float:
        """Add what belongs to the samples from `at` on, and return its mean square; `at` rises."""
        end = at + len(mix)
        energy = 0.0
        while not self._ended or len(self._pending):
            if not len(self._pending) and not self._read(end):
                break
            if self._pending_at >= end:
                break
            late = max(0, at - self._pending_at)
            self._pending, self._pending_at = self._pending[late:], self._pending_at + late
            part = self._pending[: end - self._pending_at]
            offset = self._pending_at - at
            mix[offset : offset + len(part)] += part
            energy += float(np.vdot(part, part))
            self._pending, self._pending_at = self._pending[len(part) :], self._pending_at + len(part)
        return energy / (2 * len(mix))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._ended = True
        self._pending = self._pending[:0]
        if self._sounds is not None:
            self._sounds.close()
            self._sounds = None

    def _read(self, before: int) -> bool:
        """Take the file's next samples; False if it has none, or none yet."""
        if self._sounds is None:
            if self._start_ms * _MS >= before:
                return False
            self._sounds = sounds(self._path)
        found = next(self._sounds, None)
        if found is None:
            self.close()
            return False
        time_ms, samples = found
        place = round((self._start_ms + time_ms) * _MS)
        expected = place if self._expected is None else self._expected
        if place - self._heard > _HOLE or abs(place - expected) > _DRIFT:
            dropped = max(0, expected - place)
            expected, samples = max(place, expected), samples[dropped:]
        self._heard = place + len(found[1])
        self._expected = expected + len(samples)
        self._pending, self._pending_at = samples, expected
        return True


class Mixer:
    """Adds everybody's tracks, block by block.

    Parameters
    ----------
    tracks
        The tracks of each person.
    """

    def __init__(self, tracks: Sequence[Sequence[Track]]) -> None:
        self._tracks = tracks
        self.at = 0
        """Samples mixed so far."""

    def block(self, count: int = BLOCK) -> tuple[Samples, dict[int, float]]:
        """The next samples of all, and the mean square of each person who is heard."""
        mix: Samples = np.zeros((count, 2), np.float32)
        squares: dict[int, float] = {}
        for who, tracks in enumerate(self._tracks):
            square = sum(track.add_to(mix, self.at) for track in tracks)
            if square > 0:
                squares[who] = square
        self.at += count
        return limited(mix), squares

    def close(self) -> None:
        """Close all files; may be called twice."""
        for tracks in self._tracks:
            for track in tracks:
                track.close()


def limited(samples: Samples) -> Samples:
    """Bend what is too loud so that nothing clips: quiet sound stays as it is, and no gain ever pumps."""
    level = np.abs(samples)
    if float(level.max(initial=0.0)) <= _KNEE:
        return samples
    room = 1 - _KNEE
    bent = np.sign(samples) * (_KNEE + room * np.tanh((level - _KNEE) / room))
    return np.where(level > _KNEE, bent, samples).astype(np.float32)
