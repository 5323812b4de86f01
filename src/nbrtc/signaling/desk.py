"""What the server answers to each event: who the client is, how often it may ask, and what the rules say."""

import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from ..errors import RoomError
from ..messages.nouns import ParticipantStatus
from ..messages.signaling import (
    AnswerMessage,
    CandidateMessage,
    ChatMessageSent,
    CreateRoom,
    JoinedJson,
    JoinRoom,
    LeaveRoom,
    OfferMessage,
    SignalingWire,
    StatusMessage,
    TurnRequest,
)
from ..rooms import Lobby, Outcome, Visitor
from ..rooms.names import check_text
from .access import Claims, HashedPasscode, check_passcode, hash_passcode
from .doorkeeper import Doorkeeper
from .events import MESSAGES
from .limits import Limits, Rates
from .log import note
from .metrics import Metrics
from .proxies import address_of
from .sockets import Answer
from .turn import TurnIssuer

logger = logging.getLogger(__name__)

STAMPED = ("from", "userId", "userName", "timestamp")
"""What the server writes into what it hands on. Tutorial clients send it, too: it is passed over."""
MAX_PASSCODE_BYTES = 256
WRONG_TRIES = 10
"""Wrong passcodes from one address in a minute."""
MAX_ADDRESSES = 10_000
"""Addresses whose wrong tries are remembered; the one seen longest ago is forgotten."""


class WrongTries:
    """Counts wrong passcodes for each address, so that a passcode cannot be found by trying."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def check(self, address: str, now_s: float) -> None:
        """Raise `RoomError` (``"rate-limited"``) where one more try is too many."""
        times = self._times.get(address)
        while times and times[0] <= now_s - 60:
            times.popleft()
        if times and len(times) >= WRONG_TRIES:
            raise RoomError("Too many wrong passcodes: wait a minute.", "rate-limited")

    def add(self, address: str, now_s: float) -> None:
        """Count a wrong one."""
        self._times.setdefault(address, deque()).append(now_s)
        self._times.move_to_end(address)
        if len(self._times) > MAX_ADDRESSES:
            self._times.popitem(last=False)


@dataclass(slots=True)
class _Client:
    address: str
    claims: Claims | None
    passcode: str | None
    base_url: str
    limits: Limits


class Desk:
    """Answers events. On the server's loop; nothing here waits.

    Parameters
    ----------
    lobby
        The rules.
    doorkeeper
        Who may come in, and the invitations.
    rates
        How often a client may say what.
    metrics
        Counts what was asked and refused.
    turn
        Issues STUN and TURN servers to participants.
    collects_analytics
        Whether clients are asked to report how their connections went.
    base_url
        Where a request's sender reaches this server.
    clock
        Unix time in seconds, never going backwards.
    """

    def __init__(
        self,
        lobby: Lobby,
        doorkeeper: Doorkeeper,
        *,
        rates: Rates,
        metrics: Metrics,
        turn: TurnIssuer,
        collects_analytics: bool,
        base_url: Callable[[web.Request], str],
        clock: Callable[[], float],
    ) -> None:
        self._lobby = lobby
        self._doorkeeper = doorkeeper
        self._rates = rates
        self._metrics = metrics
        self._turn = turn
        self._collects_analytics = collects_analytics
        self._base_url = base_url
        self._clock = clock
        self._clients: dict[str, _Client] = {}
        self._wrong_tries = WrongTries()

    # --- the receiver of the sockets ---------------------------------------------------------------------

    def connect(self, client: str, request: web.Request, auth: dict[str, Any]) -> None:
        """Let a client in. Its `auth` may hold a `token` and a `passcode`.

        Raises
        ------
        RoomError
            ``"not-allowed"`` or ``"invalid"``.
        """
        address = address_of(request)
        try:
            claims = self._doorkeeper.admit(auth.get("token"), self._clock())
            passcode = passcode_of(auth.get("passcode"))
        except RoomError as error:
            self._metrics.count_refusal(error.reason)
            note("client refused", level=logging.DEBUG, address=address, code=error.reason)
            raise
        self._clients[client] = _Client(
            address, claims, passcode, self._base_url(request), Limits(self._rates)
        )

    def take(self, client: str, event: str, payload: SignalingWire | dict[str, Any]) -> Answer:
        """Answer one event; whatever goes wrong is in the acknowledgement."""
        self._metrics.count_event(event)
        known = self._clients[client]
        now_s = self._clock()
        try:
            _check_rate(known, event, payload, now_s)
            outcome = self._carry_out(client, known, event, payload, now_s)
        except RoomError as error:
            return self._refuse(event, error, is_hostile=known.limits.is_hostile(now_s))
        except Exception:
            logger.exception("The event %s failed", event)
            failure = RoomError("The server failed at this; its log says why.", "server-error")
            return self._refuse(event, failure)
        return Answer({"ok": outcome.reply}, outcome)

    def gone(self, client: str) -> Outcome:
        """Take note of a lost connection."""
        if self._clients.pop(client, None) is None:
            return Outcome()
        if place := self._lobby.find(client):
            note("disconnected", room=place[0].id, participant=place[1].id)
        return self._lobby.disconnect(client, self._clock())

    def refused(self, reason: str) -> None:
        """Count a client that was disconnected."""
        self._metrics.count_drop()
        note("client dropped", level=logging.DEBUG, reason=reason)

    # --- each event --------------------------------------------------------------------------------------

    def _refuse(self, event: str, error: RoomError, *, is_hostile: bool = False) -> Answer:
        self._metrics.count_refusal(error.reason)
        note("refused", level=logging.DEBUG, request=event, code=error.reason)
        return Answer({"error": {"code": error.reason, "message": str(error)}}, is_hostile=is_hostile)

    def _carry_out(
        self, client: str, known: _Client, event: str, payload: SignalingWire | dict[str, Any], now_s: float
    ) -> Outcome:
        message: Any = self._read(event, payload) if isinstance(payload, dict) else payload
        match message:
            case CreateRoom() | JoinRoom():
                return self._enter(client, known, message, now_s)
            case LeaveRoom():
                room, seat = self._lobby.place(client, message.room_id)
                note("left", room=room.id, participant=seat.id)
                return self._lobby.leave(client, message.room_id, now_s)
        room, seat = self._lobby.place(client, message.room_id)
        match message:
            case OfferMessage():
                content = message.offer
            case AnswerMessage():
                content = message.answer
            case CandidateMessage():
                return room.relay(
                    seat, event, message.candidate, to=message.to, generation=message.generation, now_s=now_s
                )
            case ChatMessageSent():
                message_id = secrets.token_urlsafe(9)
                return room.say(seat, message.message, to=message.to, message_id=message_id, now_s=now_s)
            case TurnRequest():
                return Outcome(self._turn.issue(seat.id))
            case StatusMessage():
                return room.set_status(seat, _merged(seat.status, message), now_s)
        return room.relay(seat, event, content, to=message.to, generation=message.generation, now_s=now_s)

    def _read(self, event: str, payload: dict[str, Any]) -> Any:
        kind = MESSAGES[event]
        if kind not in (CreateRoom, JoinRoom):
            for name in STAMPED:
                payload.pop(name, None)
        try:
            return msgspec.convert(payload, kind)
        except msgspec.ValidationError as error:
            raise RoomError(f"This is no {event}: {error}", "invalid") from error

    def _enter(self, client: str, known: _Client, request: CreateRoom | JoinRoom, now_s: float) -> Outcome:
        if known.claims is not None and known.claims.expires_s <= now_s:
            raise RoomError("Your room token has expired: ask for a new invite link.", "not-allowed")
        passcode = passcode_of(request.passcode) or known.passcode
        knows = self._knows_passcode(known, request.room_id, passcode, now_s)
        visitor = visitor_of(client, known.claims, gave_passcode=passcode is not None, knows_passcode=knows)
        hashed = None if passcode is None else hash_passcode(passcode)
        if isinstance(request, CreateRoom):
            outcome = self._lobby.create(visitor, request, hashed, now_s)
        else:
            outcome = self._lobby.join(visitor, request, hashed, now_s)
        joined: JoinedJson = outcome.reply
        note("resumed" if joined.resumed else "joined", room=joined.room_id, participant=joined.user_id)
        invite_url = self._doorkeeper.invitation(known.base_url, joined.room_id, known.claims, now_s)
        issued = self._turn.issue(joined.user_id)
        # in the acknowledgement only, which nobody but the one who asked gets to see
        reply = msgspec.structs.replace(
            joined,
            invite_url=invite_url,
            ice_servers=issued.ice_servers,
            ice_expires_at=issued.expires_at,
            ice_ttl=issued.ttl,
            collects_analytics=self._collects_analytics,
        )
        return Outcome(reply, outcome.deliveries, outcome.dismissed)

    def _knows_passcode(
        self, known: _Client, room_id: str | None, passcode: str | None, now_s: float
    ) -> bool:
        room = self._lobby.rooms.get(room_id or "")
        if passcode is None or room is None or not isinstance(room.passcode, HashedPasscode):
            return False
        self._wrong_tries.check(known.address, now_s)
        if check_passcode(room.passcode, passcode):
            return True
        self._wrong_tries.add(known.address, now_s)
        return False


def _check_rate(known: _Client, event: str, payload: SignalingWire | dict[str, Any], now_s: float) -> None:
    if event == "leave-room":
        return  # there are no more of these than of joins, and a seat that stays harms the others
    to = payload.get("to") if isinstance(payload, dict) else getattr(payload, "to", None)
    if not known.limits.admit(event, now_s, to if isinstance(to, str) else None):
        raise RoomError(f"Too many messages of the kind {event}: wait a moment.", "rate-limited")


def visitor_of(
    client: str, claims: Claims | None, *, gave_passcode: bool = False, knows_passcode: bool = False
) -> Visitor:
    """Who asks, from what its token says."""
    if claims is None:
        return Visitor(client=client, gave_passcode=gave_passcode, knows_passcode=knows_passcode)
    return Visitor(
        client=client,
        role=claims.role,
        room=claims.room,
        subject=claims.subject,
        name=claims.name,
        gave_passcode=gave_passcode,
        knows_passcode=knows_passcode,
    )


def passcode_of(value: object) -> str | None:
    """A passcode as a client gave it; an empty one is none."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise RoomError("A passcode is text.", "invalid")
    return check_text(value, MAX_PASSCODE_BYTES, "The passcode")


def _merged(status: ParticipantStatus, message: StatusMessage) -> ParticipantStatus:
    """The whole new status, where the tutorial's clients send single fields."""
    named = {
        "muted": message.muted,
        "video_off": message.video_off,
        "screen_sharing": message.screen_sharing,
    }
    said = {name: value for name, value in named.items() if value is not None}
    return msgspec.structs.replace(message.status or status, **said)
