"""What a room server says, as the nouns of a call. Fields that this version does not know are passed over."""

import time
from typing import Any, TypeVar, get_args

import msgspec
from msgspec import inspect

from ..errors import RoomError
from ..messages.nouns import ChatMessage, Participant, ParticipantStatus
from ..messages.page import IceCandidate, PeerSignal, SessionDescription
from ..messages.signaling import ErrorCode, JoinedJson, ParticipantJson, TurnCredentialsJson

T = TypeVar("T")

SIGNALS = {"offer": "offer", "answer": "answer", "ice-candidate": "candidate"}
"""Where each event that carries a `PeerSignal` has its payload."""


def read(kind: type[T], value: object) -> T:
    """Convert JSON to a struct; `ValueError` says what does not fit."""
    return msgspec.convert(_known(inspect.type_info(kind), value), kind)


def joined(value: object) -> JoinedJson:
    """The ``ok`` of joining or creating a room."""
    return read(JoinedJson, value)


def turn_credentials(value: object) -> TurnCredentialsJson:
    """The ``ok`` of ``turn-credentials``."""
    return read(TurnCredentialsJson, value)


def expiry(ttl_s: float | None, expires_at_s: float | None) -> float | None:
    """Unix time by this machine's clock at which credentials end that were issued just now.

    The server's own time for it is taken where it does not say how long they last: clocks differ.
    """
    return expires_at_s if ttl_s is None else time.time() + ttl_s


def participant(said: ParticipantJson, me: str) -> Participant:
    """Somebody in the room, as the call knows them."""
    return Participant(
        id=said.user_id,
        name=said.user_name,
        is_python=said.is_python,
        is_you=said.user_id == me,
        is_creator=said.is_creator,
        order=said.order,
        protocol=said.protocol,
        joined_at_s=said.joined_at,
        is_connected=said.connected,
        status=said.status,
    )


def status(value: dict[str, Any], earlier: Participant) -> Participant:
    """The participant after a ``participant-status``."""
    return msgspec.structs.replace(
        earlier,
        status=read(ParticipantStatus, value.get("status", {})),
        is_connected=value.get("connected") is not False,
    )


def signal(event: str, value: dict[str, Any]) -> PeerSignal:
    """A description or candidate of another participant."""
    sender, generation, payload = value.get("from"), value.get("generation"), value.get(SIGNALS[event])
    if not isinstance(sender, str) or not isinstance(generation, int | None):
        raise ValueError("a signal without its sender")
    if event == "ice-candidate":
        candidate = IceCandidate(candidate="") if payload is None else read(IceCandidate, payload)
        return PeerSignal(peer=sender, generation=generation, candidate=candidate)
    return PeerSignal(peer=sender, generation=generation, description=read(SessionDescription, payload))


def chat_message(value: dict[str, Any]) -> ChatMessage:
    """A message of the chat."""
    return read(
        ChatMessage,
        {
            "id": value.get("id"),
            "sender": value.get("from"),
            "senderName": value.get("userName"),
            "text": value.get("message"),
            "timeS": value.get("timestamp"),
            "to": value.get("to"),
        },
    )


def error(value: object) -> RoomError:
    """The ``error`` of an acknowledgement, or of a refused connection."""
    said = value if isinstance(value, dict) else {}
    if isinstance(said.get("data"), dict):  # Socket.IO puts what it refuses a connection with one level down
        said = {"message": said.get("message"), **said["data"]}
    code, message = said.get("code"), said.get("message")
    if isinstance(code, str) and code in get_args(ErrorCode) and isinstance(message, str) and message:
        return RoomError(_whole(message), code)
    return RoomError("The room's server refused without saying why.", "server-error")


def _known(kind: inspect.Type, value: object) -> object:
    """`value` without the fields that `kind` does not have, and without halves of characters."""
    match kind, value:
        case _, str():
            return _whole(value)
        case inspect.StructType(), dict():
            fields = {field.encode_name: field.type for field in kind.fields}
            return {key: _known(fields[key], item) for key, item in value.items() if key in fields}
        case ((inspect.VarTupleType() | inspect.ListType()), list()):
            return [_known(kind.item_type, item) for item in value]
        case inspect.UnionType(), _:
            for option in kind.types:
                if isinstance(option, inspect.StructType):
                    return _known(option, value)
    return value


def _whole(text: str) -> str:
    """JSON can smuggle in lone surrogates, and what has one could be sent neither to page nor to kernel."""
    return text if text.isascii() else text.encode(errors="replace").decode()
