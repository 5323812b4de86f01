"""What a participant has said and the room's server has not confirmed yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_KEPT = 500
"""Beyond this the oldest is dropped: negotiation that old has been given up, and starts anew by itself."""
WINDOW = 32
"""Signals on their way at a time; more are sent as confirmations come."""


@dataclass(slots=True, eq=False)
class Letter:
    """One event for one participant."""

    event: str
    peer: str
    generation: int | None
    payload: dict[str, Any]
    sent_s: float | None = None
    """When it was sent, by the client's clock; None while it waits."""


class Outbox:
    """Signals in their order, each kept until the server has confirmed it. No I/O."""

    def __init__(self) -> None:
        self._letters: dict[Letter, None] = {}

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, letter: Letter) -> None:
        """Keep one more. What waits for an earlier connection of the same pair is not wanted any more."""
        if letter.generation is not None:
            for kept in list(self._letters):
                if kept.peer == letter.peer and (kept.generation or 0) < letter.generation:
                    del self._letters[kept]
        self._letters[letter] = None
        if len(self._letters) > MAX_KEPT:
            del self._letters[next(iter(self._letters))]

    def ready(self, present: set[str], now_s: float) -> Iterator[Letter]:
        """Those to send now, to participants who are there, marked as sent."""
        free = WINDOW - sum(letter.sent_s is not None for letter in self._letters)
        for letter in list(self._letters):
            if free <= 0:
                return
            if letter.sent_s is None and letter.peer in present:
                letter.sent_s = now_s
                free -= 1
                yield letter

    def done(self, letter: Letter) -> None:
        """It arrived, or never will."""
        self._letters.pop(letter, None)

    def again(self) -> None:
        """The connection was lost: whatever was not confirmed is to be sent once more."""
        for letter in self._letters:
            letter.sent_s = None

    def forget(self, peer: str) -> None:
        """A participant is gone for good."""
        for letter in [letter for letter in self._letters if letter.peer == peer]:
            del self._letters[letter]

    def oldest_sent_s(self) -> float | None:
        """Since when the server owes a confirmation."""
        return min((letter.sent_s for letter in self._letters if letter.sent_s is not None), default=None)
