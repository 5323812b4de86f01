"""The rules of rooms: a pure state machine without I/O, used by the server and by tests alike."""

from .lobby import Lobby
from .outcome import Delivery, Outcome, Visitor
from .room import Room
from .seat import Seat

__all__ = ["Delivery", "Lobby", "Outcome", "Room", "Seat", "Visitor"]
