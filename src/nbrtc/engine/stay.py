"""One stay in a room, from joining to leaving: the client, and what it has heard. On the engine's loop."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

import msgspec

from ..messages import (
    CallState,
    ChatMessage,
    IceServerEntry,
    Participant,
    ParticipantStatus,
    PeerSignal,
    PeerState,
    RoomInfo,
    RoomTicket,
)
from ..messages.signaling import EMPTY_ROOM_S, MAX_ACKNOWLEDGED
from .ice_desk import Renew

if TYPE_CHECKING:
    from ..signaling.client import RoomClient

YOU = "you"
"""This page in `CallState.wanted`, and its id outside a room."""

OnIce = Callable[[tuple[IceServerEntry, ...], float | None, Renew | None], None]
"""Told the servers of the room's server, when their credentials end, and how to get others: as
`IceDesk.issued`."""


class Host(Protocol):
    """Whose stay it is."""

    def heard_room(self, info: RoomInfo) -> None:
        """The room, or where this participant stands with it, changed."""

    def heard_people(self) -> None:
        """Somebody came, went, or is different: see `Stay.people`."""

    def heard_signal(self, signal: PeerSignal) -> None:
        """A description or candidate of another participant."""

    def heard_chat(self, messages: tuple[ChatMessage, ...]) -> None:
        """Somebody wrote, or this is what was written before."""

    def heard_seat(self, participant: str, resume_token: str | None) -> None:
        """What takes this seat again, should this engine go."""

    def heard_ice(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, collects_analytics: bool
    ) -> None:
        """At each join: the STUN and TURN servers of the room's server, with credentials."""


class Stay:
    """Listens to the room for its host, until it is closed; then nothing is heard any more.

    Parameters
    ----------
    is_resumed
        Whether it takes an earlier engine's seat: then the others are there already.
    """

    def __init__(self, host: Host, *, is_resumed: bool) -> None:
        self._host: Host | None = host
        self.is_resumed = is_resumed
        self.people: tuple[Participant, ...] = ()
        """Everybody, as the room says."""
        self.connections: dict[str, PeerState] = {}
        """How the page's connections to the others stand."""
        self.status: ParticipantStatus | None = None
        """What the others were told last."""
        self.client: RoomClient | None = None
        self.joining: asyncio.Task[None] | None = None

    def find(self, identity: str) -> Participant | None:
        """A participant by id."""
        return next((person for person in self.people if person.id == identity), None)

    def tell(self, status: ParticipantStatus) -> None:
        """Tell the others about this participant, if it is news."""
        if self.client is not None and status != self.status:
            self.status = status
            self.client.set_status(status)

    def shown(self, state: CallState) -> tuple[Participant, ...]:
        """Everybody, with what only this page knows of them."""
        me = next((person.id for person in self.people if person.is_you), "")
        return tuple(
            msgspec.structs.replace(
                person,
                connection="connected" if person.is_you else self.connections.get(person.id, "new"),
                receives_video=YOU in state.wanted if person.is_you else me in person.status.receives,
            )
            for person in self.people
        )

    async def close(self) -> None:
        """Leave. Idempotent."""
        self._host = None
        joining, self.joining = self.joining, None
        if joining is not None and joining is not asyncio.current_task():
            joining.cancel()
            await asyncio.gather(joining, return_exceptions=True)
        client, self.client = self.client, None
        if client is not None:
            await client.close()

    # --- what the client says (`RoomListener`)

    def on_room(self, room: RoomInfo) -> None:
        """Where this participant stands."""
        if self._host is not None:
            self._host.heard_room(room)

    def on_participants(self, participants: tuple[Participant, ...]) -> None:
        """Everybody, whole."""
        self.people = participants
        if self._host is not None:
            self._host.heard_people()

    def on_joined(self, participant: Participant) -> None:
        """Somebody new; `on_participants` has them as well."""

    def on_left(self, participant: Participant, reason: str) -> None:
        """Somebody went; `on_participants` says so as well."""
        self.connections.pop(participant.id, None)

    def on_signal(self, signal: PeerSignal) -> None:
        """From another participant, for the page."""
        if self._host is not None:
            self._host.heard_signal(signal)

    def on_chat(self, messages: tuple[ChatMessage, ...]) -> None:
        """New messages, one's own and earlier ones too."""
        if self._host is not None:
            self._host.heard_chat(messages)

    def on_seat(self, participant: str, resume_token: str | None) -> None:
        """A new resume token."""
        if self._host is not None:
            self._host.heard_seat(participant, resume_token)

    def on_ice(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, collects_analytics: bool
    ) -> None:
        """The servers that the room's server issues."""
        if self._host is not None:
            self._host.heard_ice(servers, expires_at_s, collects_analytics)


def without_seat(ticket: RoomTicket) -> RoomTicket:
    """The ticket of somebody who joins anew, and who knows for a while of having been in the room."""
    left_s = ticket.left_s if ticket.resume_token is None else time.monotonic()
    return msgspec.structs.replace(ticket, participant=None, resume_token=None, page=None, left_s=left_s)


def was_inside(ticket: RoomTicket) -> bool:
    """Whether its owner was in the room a moment ago, so that only a restarted server can have lost it."""
    if ticket.resume_token is not None:
        return True
    return ticket.left_s is not None and time.monotonic() - ticket.left_s < EMPTY_ROOM_S


def recordings_of(people: Iterable[Participant]) -> tuple[str, ...]:
    """Ids of what the others in the room record now, in the order of joining."""
    found = (person.status.recording_id for person in people if not person.is_you)
    return tuple(dict.fromkeys(recording for recording in found if recording))[:MAX_ACKNOWLEDGED]


def status_of(state: CallState) -> ParticipantStatus:
    """What the others are told of this participant, but for what it acknowledges."""
    recording = None if state.recording is None or state.recording.state != "recording" else state.recording
    return ParticipantStatus(
        muted=not state.microphone_on,
        video_off=not (state.camera_on or state.screen_sharing or state.video_source is not None),
        screen_sharing=state.screen_sharing,
        recording=recording is not None,
        recording_id="" if recording is None else recording.id,
        receives=tuple(identity for identity in state.wanted if identity != YOU),
    )
