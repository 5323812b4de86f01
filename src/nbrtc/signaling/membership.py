"""What a participant knows of its room, kept by what the server says, and told to a listener."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from ..messages.ice import IceServerEntry
from ..messages.nouns import ChatMessage, Participant, ParticipantStatus, RoomInfo
from ..messages.page import PeerSignal
from ..messages.signaling import JoinedJson, ParticipantJson
from . import reading
from .roster import Roster

logger = logging.getLogger(__name__)

ABSENT_S = 10.0
"""After a rejoin, whoever is not back by then has left."""
KNOWN_MESSAGES = 1000
"""Ids of chat messages that are remembered, so that none is handed out twice; the oldest are forgotten."""


class RoomListener(Protocol):
    """Who hears of the room. Called on the loop; the methods return at once and do not raise."""

    def on_room(self, room: RoomInfo) -> None:
        """The room, the phase or the reason changed."""

    def on_participants(self, participants: tuple[Participant, ...]) -> None:
        """Everybody, oneself too, in the order of joining; whole, after each change.

        At joining this comes before `on_room` says so.
        """

    def on_joined(self, participant: Participant) -> None:
        """Somebody else came. Not called for those who were here first."""

    def on_left(self, participant: Participant, reason: str) -> None:
        """Somebody else has gone for good."""

    def on_signal(self, signal: PeerSignal) -> None:
        """A description or candidate; `peer` is the sender."""

    def on_chat(self, messages: tuple[ChatMessage, ...]) -> None:
        """New messages: the history at joining, others' and one's own."""

    def on_seat(self, participant: str, resume_token: str | None) -> None:
        """What the next engine needs to sit down here; None when there is no seat any more."""

    def on_ice(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, collects_analytics: bool
    ) -> None:
        """The STUN and TURN servers of the room's server, at each join, before who is there is told.

        With credentials until `expires_at_s` (Unix time, by this machine's clock); empty if it has none. And
        whether it takes `RoomClient.report_outcomes`.
        """


class Membership:
    """The room, everybody in it and the chat, on the loop.

    Parameters
    ----------
    on_came, on_gone
        Called with the id of somebody who is there (again), or gone for good, after the listener was told.
    """

    def __init__(
        self,
        room: RoomInfo,
        listener: RoomListener,
        *,
        on_came: Callable[[str], None],
        on_gone: Callable[[str], None],
    ) -> None:
        self.room = room
        self.roster = Roster()
        self._listener = listener
        self._on_came = on_came
        self._on_gone = on_gone
        self._known_messages: OrderedDict[str, None] = OrderedDict()
        self._absence: asyncio.TimerHandle | None = None

    def change(self, **changes: Any) -> None:
        """Change the room, and tell the listener where it is news."""
        room = msgspec.structs.replace(self.room, **changes)
        if room != self.room:
            self.room = room
            self._listener.on_room(room)

    def enter(self, joined: JoinedJson, url: str, *, is_first: bool) -> None:
        """Take the answer to joining."""
        me = joined.user_id
        self._listener.on_seat(me, joined.resume_token)
        expires_at_s = reading.expiry(joined.ice_ttl, joined.ice_expires_at)
        self._listener.on_ice(joined.ice_servers, expires_at_s, joined.collects_analytics)
        new = self.roster.replace([reading.participant(one, me) for one in joined.participants])
        self.await_missing()
        self._tell_participants()  # first: whoever is there already has not just come in
        self.change(
            phase="joined",
            reason="",
            code="",
            me=me,
            name=joined.room.room_name,
            capacity=joined.room.capacity,
            settings=joined.room.settings,
            invite_url=joined.invite_url or "",
            server=url,
        )
        if not is_first:
            for one in new:
                if not one.is_you:
                    self._listener.on_joined(one)
        self.hear(_readable(joined.messages))

    def exit(self, *, had_seat: bool, **changes: Any) -> None:
        """Nobody is left, as far as this participant is concerned."""
        me = self.room.me
        self._await_nobody()
        self.roster.clear()
        if had_seat:
            self._listener.on_seat(me, None)
        self.change(me="", **changes)
        if had_seat:
            self._listener.on_participants(())

    def take(self, event: str, value: dict[str, Any]) -> None:
        """Take one event of the server. `ValueError` where it means nothing."""
        match event:
            case "participant-joined":
                said = reading.read(ParticipantJson, value.get("participant"))
                self._came(reading.participant(said, self.room.me))
            case "participant-left":
                self._went(str(value.get("userId")), str(value.get("reason") or "left"))
            case "participant-status":
                self._changed_status(value)
            case "offer" | "answer" | "ice-candidate":
                signal = reading.signal(event, value)
                if signal.peer in self.roster and signal.peer != self.room.me:
                    self._listener.on_signal(signal)
            case "chat-message":
                self.hear([reading.chat_message(value)])
            case _:
                logger.debug("The room's server says %s", event)

    def set_own_status(self, status: ParticipantStatus) -> None:
        """Show one's own status at once."""
        if (me := self.roster.get(self.room.me)) is not None:
            self.roster.put(msgspec.structs.replace(me, status=status))
            self._tell_participants()

    def hear(self, messages: list[ChatMessage]) -> None:
        """Hand on those messages that are new."""
        new = tuple(message for message in messages if message.id not in self._known_messages)
        for message in new:
            self._known_messages[message.id] = None
            if len(self._known_messages) > KNOWN_MESSAGES:
                self._known_messages.popitem(last=False)
        if new:
            self._listener.on_chat(new)

    def await_missing(self) -> None:
        """Give those whom the server does not know (yet) some time, counted from now."""
        self._await_nobody()
        if self.roster.missing:
            self._absence = asyncio.get_running_loop().call_later(ABSENT_S, self._give_up)

    def _await_nobody(self) -> None:
        if self._absence is not None:
            self._absence.cancel()
            self._absence = None

    def _give_up(self) -> None:
        if self.room.phase == "joined":  # else the next rejoin gives them their time anew
            for absent in self.roster.missing:
                self._went(absent, "lost")

    def _came(self, participant: Participant) -> None:
        if participant.is_you:
            return
        is_new = self.roster.put(participant)
        self._tell_participants()
        if is_new:
            self._listener.on_joined(participant)
        self._on_came(participant.id)

    def _went(self, participant: str, reason: str) -> None:
        if participant == self.room.me or (gone := self.roster.drop(participant)) is None:
            return
        self._tell_participants()
        self._listener.on_left(gone, reason)
        self._on_gone(participant)

    def _changed_status(self, value: dict[str, Any]) -> None:
        earlier = self.roster.get(str(value.get("userId")))
        if earlier is None or earlier.is_you:
            return
        self.roster.put(reading.status(value, earlier))
        self._tell_participants()

    def _tell_participants(self) -> None:
        self._listener.on_participants(self.roster.everybody)


def _readable(messages: tuple[dict[str, Any], ...]) -> list[ChatMessage]:
    found = []
    for message in messages:
        try:
            found.append(reading.chat_message(message))
        except ValueError as error:
            logger.warning("A message of the chat's history cannot be read: %s", error)
    return found
