"""One room: who is in it, what they say to each other, and who is told."""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..errors import RoomError
from ..messages.nouns import ParticipantStatus, RoomSettings
from ..messages.page import IceCandidate, SessionDescription
from ..messages.signaling import (
    MAX_ACKNOWLEDGED,
    MAX_CANDIDATE_BYTES,
    MAX_CHAT_BYTES,
    MAX_SDP_BYTES,
    RoomJson,
)
from .history import History
from .names import check_recording_id, check_text
from .outcome import Delivery, Outcome
from .seat import Seat

FIELDS = {"offer": "offer", "answer": "answer", "ice-candidate": "candidate"}
"""Where each relayed event has its payload."""
MAX_GENERATION = 2**31


@dataclass(slots=True, kw_only=True)
class Room:
    """A room. Its methods check a request whole before they change anything."""

    id: str
    name: str
    capacity: int
    settings: RoomSettings
    passcode: object | None
    """Whatever the server's check takes, never the passcode itself; None for a room without one."""
    created_at_s: float
    last_activity_s: float
    creator_id: str | None = None
    message_count: int = 0
    orders: int = 0
    """Joins so far."""
    empty_since_s: float | None = None
    """None while somebody has a seat."""
    seats: dict[str, Seat] = field(default_factory=dict)
    """By participant id, in the order of joining."""
    history: History = field(default_factory=History)

    def to_json(self) -> RoomJson:
        """The room, as whoever may see it sees it."""
        return RoomJson(
            room_id=self.id,
            room_name=self.name,
            capacity=self.capacity,
            participant_count=len(self.seats),
            settings=self.settings,
            is_protected=self.passcode is not None,
            created_at=self.created_at_s,
            last_activity=self.last_activity_s,
            message_count=self.message_count,
            creator_id=self.creator_id,
        )

    def clients(self, *, but: Seat | None = None) -> tuple[str, ...]:
        """The connections of everybody, or everybody else."""
        return tuple(
            seat.client for seat in self.seats.values() if seat.client is not None and seat is not but
        )

    def addressee(self, sender: Seat, to: str) -> Seat:
        """Whom a message is for: somebody else in this room.

        Raises
        ------
        RoomError
            ``"no-such-participant"``.
        """
        seat = self.seats.get(to)
        if seat is None or seat is sender:
            raise RoomError("The one this is for is not in the room, or not any more.", "no-such-participant")
        return seat

    def relay(
        self,
        sender: Seat,
        event: str,
        payload: SessionDescription | IceCandidate | None,
        *,
        to: str | None,
        generation: int | None,
        now_s: float,
    ) -> Outcome:
        """Hand a description or candidate on to one participant, or to everybody else.

        Raises
        ------
        RoomError
            ``"no-such-participant"``, ``"too-large"`` or ``"invalid"``.
        """
        receivers = (
            [seat for seat in self.seats.values() if seat is not sender]
            if to is None
            else [self.addressee(sender, to)]
        )
        if generation is not None and not 0 <= generation <= MAX_GENERATION:
            raise RoomError(f"{generation} is no generation of a connection.", "invalid")
        size_bytes = _check_payload(event, payload)
        data: dict[str, Any] = {
            "roomId": self.id,
            "from": sender.id,
            "userId": sender.id,
            "userName": sender.name,
            FIELDS[event]: payload,
        }
        if generation is not None:
            data["generation"] = generation
        if to is not None:
            data["to"] = to
        self.last_activity_s = now_s
        clients = tuple(seat.client for seat in receivers if seat.client is not None)
        delivery = Delivery(clients, event, data)
        for seat in receivers:
            if seat.client is None:
                seat.missed.add(delivery, size_bytes)
        return Outcome({"delivered": len(clients)}, (delivery,) if clients else ())

    def say(self, sender: Seat, text: str, *, to: str | None, message_id: str, now_s: float) -> Outcome:
        """Take a chat message. Everybody else gets it; the sender has it from the acknowledgement.

        Raises
        ------
        RoomError
            ``"not-allowed"`` where the room has no chat, ``"no-such-participant"``, ``"too-large"`` or
            ``"invalid"``.
        """
        if not self.settings.chat:
            raise RoomError("The chat of this room is switched off.", "not-allowed")
        check_text(text, MAX_CHAT_BYTES, "The message")
        if not text.strip():
            raise RoomError("The message is empty.", "invalid")
        receiver = None if to is None else self.addressee(sender, to)
        data: dict[str, Any] = {
            "id": message_id,
            "roomId": self.id,
            "from": sender.id,
            "userId": sender.id,
            "userName": sender.name,
            "message": text,
            "timestamp": now_s,
        }
        if to is not None:
            data["to"] = to
        self.last_activity_s = now_s
        self.message_count += 1
        self.history.add(data)  # from which whoever is away gets it when they are back
        clients = self.clients(but=sender)
        if receiver is not None:
            clients = () if receiver.client is None else (receiver.client,)
        return Outcome(data, (Delivery(clients, "chat-message", data),) if clients else ())

    def set_status(self, sender: Seat, status: ParticipantStatus, now_s: float) -> Outcome:
        """Take what a participant says of itself; everybody else hears of it if it is new.

        Raises
        ------
        RoomError
            ``"not-allowed"`` for a recording where the room forbids it, or ``"invalid"``.
        """
        status = self.allowed_status(status, sender)
        self.last_activity_s = now_s
        if status == sender.status:
            return Outcome({})
        sender.status = status
        return Outcome({}, self.tell_status(sender))

    def allowed_status(self, status: ParticipantStatus, sender: Seat | None = None) -> ParticipantStatus:
        """What of a status can be: `receives` names who is here, `acknowledges` what others record.

        Parameters
        ----------
        sender
            Whose status it is; None for somebody who comes in.

        Raises
        ------
        RoomError
            ``"not-allowed"`` for a recording where the room forbids it, or ``"invalid"``.
        """
        if status.recording and not self.settings.recording:
            raise RoomError("Recording is not allowed in this room.", "not-allowed")
        _check_recordings(status)
        recorded = {seat.status.recording_id for seat in self.seats.values() if seat is not sender}
        return msgspec.structs.replace(
            status,
            receives=_once(status.receives, self.seats),
            acknowledges=_once(status.acknowledges, recorded),
        )

    def tell_status(self, seat: Seat) -> tuple[Delivery, ...]:
        """``participant-status`` for everybody else, with the names of the tutorial beside it."""
        data = {
            "roomId": self.id,
            "from": seat.id,
            "userId": seat.id,
            "userName": seat.name,
            "status": seat.status,
            "muted": seat.status.muted,
            "videoOff": seat.status.video_off,
            "screenSharing": seat.status.screen_sharing,
            "connected": seat.client is not None,
        }
        return tuple(self._to_others(seat, "participant-status", data))

    def tell_joined(self, seat: Seat) -> tuple[Delivery, ...]:
        """``participant-joined`` for everybody else."""
        data = {
            "roomId": self.id,
            "userId": seat.id,
            "userName": seat.name,
            "participant": seat.to_json(),
        }
        return tuple(self._to_others(seat, "participant-joined", data))

    def tell_left(self, seat: Seat, reason: str) -> tuple[Delivery, ...]:
        """``participant-left`` for everybody else; the seat is gone already."""
        data = {"roomId": self.id, "userId": seat.id, "userName": seat.name, "reason": reason}
        return tuple(self._to_others(seat, "participant-left", data))

    def _to_others(self, seat: Seat, event: str, data: dict[str, Any]) -> Iterator[Delivery]:
        if clients := self.clients(but=seat):
            yield Delivery(clients, event, data)


def _once(values: tuple[str, ...], known: Container[str]) -> tuple[str, ...]:
    """Each of the values that is known, once, in their order."""
    return tuple(dict.fromkeys(value for value in values if value in known))


def _check_recordings(status: ParticipantStatus) -> None:
    """Raise `RoomError` for what no client of ours says of recordings."""
    if status.recording_id:
        check_recording_id(status.recording_id)
        if not status.recording:
            raise RoomError("A recording that does not run has no id.", "invalid")
    if len(status.acknowledges) > MAX_ACKNOWLEDGED:
        raise RoomError(
            f"{len(status.acknowledges)} recordings are acknowledged; at most {MAX_ACKNOWLEDGED} are taken.",
            "invalid",
        )
    for recording in status.acknowledges:
        check_recording_id(recording)


def _check_payload(event: str, payload: SessionDescription | IceCandidate | None) -> int:
    """Return the size in bytes; raise `RoomError` for what a browser would never send."""
    if isinstance(payload, SessionDescription):
        if payload.type != event:
            raise RoomError(f"An {event} has a description of type {payload.type}.", "invalid")
        check_text(payload.sdp, MAX_SDP_BYTES, "The description")
        return len(payload.sdp)
    if payload is not None:
        for text in (payload.candidate, payload.sdp_mid or "", payload.username_fragment or ""):
            check_text(text, MAX_CANDIDATE_BYTES, "The candidate")
        return len(payload.candidate)
    return 0
