"""The room of a call, as Python reads it, and what everybody in a room can do there."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import urldefrag

from .callbacks import Callbacks
from .chat import Chat
from .errors import CallError
from .messages import ChatMessage, RoomInfo, RoomPhase, RoomSettings
from .mirror import StateMirror
from .participants import Participant, Participants

PHASES: dict[RoomPhase, str] = {
    "outside": "not joined yet",
    "joining": "joining",
    "joined": "joined",
    "reconnecting": "reconnecting",
    "refused": "refused",
}


class Room:
    """The room as the newest state knows it, for every thread to read.

    Parameters
    ----------
    mirror
        The state of a call that has a room.
    """

    def __init__(self, mirror: StateMirror) -> None:
        self._mirror = mirror

    @property
    def id(self) -> str:
        """What everybody joins by."""
        return self._info.id

    @property
    def name(self) -> str:
        """As its creator called it."""
        return self._info.name

    @property
    def phase(self) -> RoomPhase:
        """``outside`` (before the click), ``joining``, ``joined``, ``reconnecting`` or ``refused``."""
        return self._info.phase

    @property
    def reason(self) -> str:
        """Why the room is out of reach or was refused, as a sentence; empty where there is nothing to say."""
        return self._info.reason

    @property
    def capacity(self) -> int:
        """How many fit in; 0 while that is not known."""
        return self._info.capacity

    @property
    def settings(self) -> RoomSettings:
        """What its creator allows."""
        return self._info.settings

    @property
    def server(self) -> str:
        """The server's URL, without anything secret; empty before the first join."""
        return self._info.server

    @property
    def invite_url(self) -> str:
        """The link that lets others in, by notebook or browser. Whoever has it can join.

        Raises
        ------
        CallError
            If it is not known yet: the room must be joined first.
        """
        info = self._info
        if not info.invite_url:
            raise CallError(
                f"There is no invite link yet: the room {info.id!r} is {PHASES[info.phase]}. "
                'Click "Start camera" in the widget first.'
            )
        return info.invite_url

    def __repr__(self) -> str:
        info = self._info
        of = f" on {urldefrag(info.server).url}" if info.server else ""
        why = f" ({info.reason})" if info.reason else ""
        return f"<nbrtc.Room {info.id!r}{of}: {PHASES[info.phase]}{why}>"

    @property
    def _info(self) -> RoomInfo:
        info = self._mirror.state.room
        if info is None:
            raise CallError("This call has no room any more: it was made a call with Python alone.")
        return info


class Side(Protocol):
    """The kernel's side of whoever is in a room."""

    mirror: StateMirror
    callbacks: Callbacks
    participants: Participants
    chat: Chat


class InRoom:
    """Base of what can be in a room. Everything may be used from any thread."""

    _side: Side

    @property
    def room(self) -> Room | None:
        """The room; None for a solo call."""
        return None if self._side.mirror.state.room is None else Room(self._side.mirror)

    @property
    def invite_url(self) -> str:
        """The link that lets others into the room, by notebook or browser. Whoever has it can join.

        Raises
        ------
        CallError
            In a solo call, and before the room was joined.
        """
        if self.room is None:
            raise CallError('A solo call has no invite link: give it a room, like Call(room="physics").')
        return self.room.invite_url

    @property
    def participants(self) -> Participants:
        """Who is in the call, keyed by id; a name works where it is unique. It follows what happens."""
        return self._side.participants

    @property
    def chat(self) -> Chat:
        """The room's chat: ``send(text, to=None)`` and ``messages``."""
        return self._side.chat

    def on_chat(self, callback: Callable[[ChatMessage], object]) -> Callable[[], None]:
        """Call `callback(message)` for each message that another writes; returns a function that ends this.

        What was written before you joined is in ``chat.messages`` alone. All callbacks run one after the
        other on a thread of their own; one that raises is noted in `errors` and keeps being called.
        """
        return self._side.callbacks.add("chat", callback)

    def on_participant_joined(self, callback: Callable[[Participant], object]) -> Callable[[], None]:
        """Call `callback(participant)` when somebody joins; returns a function that ends this.

        Whoever was in the room before you is in `participants` alone.
        """
        return self._side.callbacks.add("joined", callback)

    def on_participant_left(self, callback: Callable[[Participant], object]) -> Callable[[], None]:
        """Call `callback(participant)` when somebody leaves; returns a function that ends this."""
        return self._side.callbacks.add("left", callback)
