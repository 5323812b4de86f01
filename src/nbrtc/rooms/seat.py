"""One participant's place in a room, which outlives its connection for a while."""

import hmac
from collections import deque
from dataclasses import dataclass, field

from ..messages.nouns import ParticipantStatus
from ..messages.signaling import ParticipantJson
from .outcome import Delivery

MISSED = 300
"""Messages kept for somebody who is away; the oldest go, and negotiation starts anew by itself."""
MISSED_BYTES = 256 * 1024


@dataclass(slots=True)
class Missed:
    """What was sent to somebody who is away, bounded; the oldest goes first."""

    waiting: deque[tuple[Delivery, int]] = field(default_factory=deque)
    size_bytes: int = 0

    def add(self, delivery: Delivery, size_bytes: int) -> None:
        """Keep one more."""
        self.waiting.append((delivery, size_bytes))
        self.size_bytes += size_bytes
        while len(self.waiting) > MISSED or self.size_bytes > MISSED_BYTES:
            self.size_bytes -= self.waiting.popleft()[1]

    def take(self, client: str) -> tuple[Delivery, ...]:
        """Hand everything over to the connection that came back."""
        found = tuple(Delivery((client,), kept.event, kept.data) for kept, _ in self.waiting)
        self.waiting.clear()
        self.size_bytes = 0
        return found


@dataclass(slots=True, kw_only=True)
class Seat:
    """A participant in a room."""

    id: str
    name: str
    order: int
    joined_at_s: float
    is_creator: bool
    is_python: bool
    protocol: int
    status: ParticipantStatus
    subject: str | None
    client: str | None
    """None while it is held for somebody whose connection was lost."""
    resume_token: str | None
    """Works once; None for clients of the tutorial protocol, whose seats are not held."""
    held_until_s: float | None = None
    missed: Missed = field(default_factory=Missed)

    def is_resumed_by(self, token: str | None) -> bool:
        """Whether this is the seat's present token. In constant time."""
        if token is None or self.resume_token is None:
            return False
        return hmac.compare_digest(token.encode(errors="replace"), self.resume_token.encode())

    def to_json(self) -> ParticipantJson:
        """The participant, as everybody in the room may see it."""
        return ParticipantJson(
            user_id=self.id,
            user_name=self.name,
            order=self.order,
            joined_at=self.joined_at_s,
            is_creator=self.is_creator,
            is_python=self.is_python,
            protocol=self.protocol,
            connected=self.client is not None,
            status=self.status,
        )
