"""The room server's wire: Socket.IO events with one JSON object each, camelCase, and the answers to them.

A superset of the plain tutorial protocol: its clients send ``{roomId, userId, userName}`` to join and
``{roomId, offer}`` without `to`, and read what they know from the answers. Both ends decode strictly on the
way in to the server; clients ignore what they do not know on the way out.
"""

from typing import Any, Literal

from msgspec import Struct

from .ice import CandidateType, IceServerEntry, Transport
from .nouns import ParticipantStatus, RoomSettings
from .page import IceCandidate, SessionDescription

PATH = "/socket.io"

CLIENT_EVENTS = (
    "create-room",
    "join-room",
    "leave-room",
    "offer",
    "answer",
    "ice-candidate",
    "chat-message",
    "participant-status",
    "turn-credentials",
)
SERVER_EVENTS = (
    "room-created",
    "room-joined",
    "participant-joined",
    "participant-left",
    "offer",
    "answer",
    "ice-candidate",
    "chat-message",
    "participant-status",
    "error",
)

ErrorCode = Literal[
    "invalid",  # not what this event looks like
    "not-in-room",
    "room-not-found",
    "room-exists",
    "room-full",
    "wrong-passcode",
    "not-allowed",  # a token is missing, expired or for another room, its role may not, or the room forbids
    "already-in-room",  # somebody is in the room under this id
    "no-such-participant",
    "rate-limited",
    "too-large",
    "server-full",
    "unreachable",  # said by clients: no server answers
    "server-error",
]
"""What an error acknowledgement's `code` may be."""

SEAT_S = 30.0
"""How long a seat is held for somebody whose connection was lost."""
EMPTY_ROOM_S = 60.0
"""How long an empty room stays."""
CAPACITY = 10
MAX_PACKET_BYTES = 64 * 1024
MAX_SDP_BYTES = 32 * 1024
MAX_CANDIDATE_BYTES = 1024
MAX_CHAT_BYTES = 4 * 1024
MAX_NAME = 64
MAX_OUTCOMES = 20
MAX_ACKNOWLEDGED = 16
"""Recordings that one participant acknowledges at a time."""


class SignalingWire(Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Base of what clients send; `room_id` may be left out by a client that is in a room."""


# --- client -> server -----------------------------------------------------------------------------------


class CreateRoom(SignalingWire, frozen=True):
    """``create-room``: make a room and join it."""

    room_id: str | None = None
    """``[A-Za-z0-9_-]{1,64}``; 128 random bits if it is left out."""
    room_name: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    capacity: int | None = None
    settings: RoomSettings | None = None
    passcode: str | None = None
    protocol: int = 0
    is_python: bool = False
    status: ParticipantStatus | None = None


class JoinRoom(SignalingWire, frozen=True):
    """``join-room``. With `create`, a room that is not there is made, with the fields of `CreateRoom`."""

    room_id: str
    room_name: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    resume_token: str | None = None
    create: bool = False
    capacity: int | None = None
    settings: RoomSettings | None = None
    passcode: str | None = None
    protocol: int = 0
    is_python: bool = False
    status: ParticipantStatus | None = None


class LeaveRoom(SignalingWire, frozen=True):
    """``leave-room``."""

    room_id: str | None = None
    user_id: str | None = None


class OfferMessage(SignalingWire, frozen=True):
    """``offer``: for one participant, or for everybody else in the room."""

    offer: SessionDescription
    room_id: str | None = None
    to: str | None = None
    generation: int | None = None


class AnswerMessage(SignalingWire, frozen=True):
    """``answer``."""

    answer: SessionDescription
    room_id: str | None = None
    to: str | None = None
    generation: int | None = None


class CandidateMessage(SignalingWire, frozen=True):
    """``ice-candidate``; a null or empty candidate ends them."""

    candidate: IceCandidate | None = None
    room_id: str | None = None
    to: str | None = None
    generation: int | None = None


class ChatMessageSent(SignalingWire, frozen=True):
    """``chat-message``: acknowledged with the whole message; everybody else gets it, not the sender."""

    message: str
    room_id: str | None = None
    to: str | None = None


class StatusMessage(SignalingWire, frozen=True):
    """``participant-status``: the whole `status`, or single fields beside it as the tutorial sends them."""

    room_id: str | None = None
    status: ParticipantStatus | None = None
    muted: bool | None = None
    video_off: bool | None = None
    screen_sharing: bool | None = None


class TurnRequest(SignalingWire, frozen=True):
    """``turn-credentials``, and the body of ``POST /api/turn-credentials``: fresh ones for a participant."""

    room_id: str | None = None
    user_id: str | None = None
    resume_token: str | None = None
    """Over HTTP only, as ``Authorization: Bearer`` or here: it shows whose seat it is, and stays good."""


class IceOutcomeJson(SignalingWire, frozen=True):
    """How one connection went, without addresses and names of servers."""

    success: bool
    connect_s: float | None = None
    local_type: CandidateType | None = None
    remote_type: CandidateType | None = None
    relay_protocol: Transport | None = None


class AnalyticsReport(SignalingWire, frozen=True):
    """The body of ``POST /api/webrtc-analytics``; at most `MAX_OUTCOMES`."""

    outcomes: tuple[IceOutcomeJson, ...]


# --- server -> client, as it stands on the wire ---------------------------------------------------------


class ParticipantJson(SignalingWire, frozen=True):
    """A participant in ``room-joined``, ``participant-joined`` and in the REST answers to members."""

    user_id: str
    user_name: str
    order: int
    joined_at: float
    """Unix time in seconds."""
    is_creator: bool
    is_python: bool
    protocol: int
    connected: bool
    status: ParticipantStatus


class RoomJson(SignalingWire, frozen=True):
    """A room, in answers and in REST."""

    room_id: str
    room_name: str
    capacity: int
    participant_count: int
    settings: RoomSettings
    is_protected: bool
    """Whether it asks for a passcode."""
    created_at: float
    last_activity: float
    message_count: int
    creator_id: str | None = None


class JoinedJson(SignalingWire, frozen=True):
    """``{ok: ...}`` of ``create-room`` and ``join-room``, and the events ``room-created``, ``room-joined``.

    The tokens are only in the acknowledgement.
    """

    room_id: str
    user_id: str
    room: RoomJson
    participants: tuple[ParticipantJson, ...]
    """Everybody in the room, oneself too."""
    messages: tuple[dict[str, Any], ...] = ()
    """The last chat messages, as ``chat-message`` events say them."""
    resume_token: str | None = None
    invite_url: str | None = None
    """The guest page's address; its fragment is a signed token for this room."""
    resumed: bool = False
    ice_servers: tuple[IceServerEntry, ...] = ()
    """The server's own STUN and TURN servers, with credentials for this participant; in the acknowledgement
    only."""
    ice_expires_at: float | None = None
    """Unix time in seconds from which these credentials are refused."""
    ice_ttl: float | None = None
    """How many seconds that is from now: clocks differ."""
    collects_analytics: bool = False
    """The server takes ``POST /api/webrtc-analytics``."""


class TurnCredentialsJson(SignalingWire, frozen=True):
    """The answer to `TurnRequest`."""

    ice_servers: tuple[IceServerEntry, ...]
    expires_at: float | None = None
    ttl: float | None = None
    """Seconds until then."""
