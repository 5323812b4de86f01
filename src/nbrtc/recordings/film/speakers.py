"""Who speaks, from how loud everybody is; a change takes its time, so that a cough changes nothing."""

from collections import deque
from collections.abc import Mapping
from math import exp

HOLD_MS = 1500.0
"""So long somebody else has to be heard, louder than the others."""
_SMOOTHING_MS = 100.0
_PAUSE_MS = 1000.0
"""Silence between words and sentences; a longer one ends what somebody was saying."""
_AUDIBLE = 0.004**2
"""Mean square of about -48 dBFS: less is a room, not a voice."""


class Speakers:
    """Follows the levels of everybody and knows, afterwards, who spoke at a time.

    The sound is read `HOLD_MS` ahead of the picture: a change is seen where it began, not when it was sure.
    """

    def __init__(self) -> None:
        self._levels: dict[int, float] = {}
        self._candidate: int | None = None
        self._candidate_ms = 0.0
        self._heard_ms = 0.0
        self._silent_ms = 0.0
        self._spoken: tuple[int, ...] = ()
        # Changes that lie ahead of the picture: at most one in HOLD_MS.
        self._changes: deque[tuple[float, tuple[int, ...]]] = deque()
        self._shown: tuple[int, ...] = ()

    def hear(self, time_ms: float, length_ms: float, squares: Mapping[int, float]) -> None:
        """Take the mean squares of a block of sound that begins at `time_ms`; times rise."""
        kept = exp(-length_ms / _SMOOTHING_MS)
        for who in self._levels.keys() | squares.keys():
            level = self._levels.get(who, 0.0) * kept + squares.get(who, 0.0) * (1 - kept)
            self._levels[who] = level if level > _AUDIBLE / 100 else 0.0
        loudest = max(self._levels, key=lambda who: self._levels[who], default=None)
        if loudest is None or self._levels[loudest] < _AUDIBLE:
            self._silent_ms += length_ms
            if self._silent_ms > _PAUSE_MS:
                self._candidate = None
            return
        self._silent_ms = 0.0
        if loudest != self._candidate:
            self._candidate, self._candidate_ms, self._heard_ms = loudest, time_ms, 0.0
        self._heard_ms += length_ms
        speaker = self._spoken[0] if self._spoken else None
        # Nobody has to be waited for where nobody has spoken yet.
        if loudest != speaker and (speaker is None or self._heard_ms >= HOLD_MS):
            self._spoken = (loudest, *(who for who in self._spoken if who != loudest))
            self._changes.append((self._candidate_ms, self._spoken))

    def ranking(self, time_ms: float) -> tuple[int, ...]:
        """Everybody who has spoken by then, the latest first; times rise."""
        while self._changes and self._changes[0][0] <= time_ms:
            self._shown = self._changes.popleft()[1]
        return self._shown
