"""What a rule decides, as data: the server carries it out, and tests read it."""

from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

Role = Literal["owner", "participant", "admin"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks, as the server found out. Nothing here is the client's own claim."""

    client: str
    """The connection; unique while it lives."""
    role: Role | None = None
    """Of its signed token; None without one."""
    room: str | None = None
    """The one room of the token; ``"*"`` for an admin's."""
    subject: str | None = None
    """Whom the token was given to."""
    name: str | None = None
    """The signed name, which outranks a claimed one."""
    gave_passcode: bool = False
    knows_passcode: bool = False
    """The passcode it gave is the room's."""

    def holds_token_for(self, room: str) -> bool:
        """Whether its token opens this room."""
        return self.role is not None and (self.room == room or (self.role == "admin" and self.room == "*"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for some clients, the same for all of them."""

    clients: tuple[str, ...]
    event: str
    data: Struct | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from a request that was granted. A refused one raises `RoomError` and changes nothing."""

    reply: Any = None
    """The ``ok`` of the acknowledgement."""
    deliveries: tuple[Delivery, ...] = ()
    """In this order, after the acknowledgement."""
    dismissed: tuple[str, ...] = ()
    """Clients whose seat another connection took: to be told so and disconnected."""
