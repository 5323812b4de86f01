"""The events that clients send, read from their text in one go where nothing is the matter with it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from ..messages.signaling import (
    AnswerMessage,
    CandidateMessage,
    ChatMessageSent,
    CreateRoom,
    JoinRoom,
    LeaveRoom,
    OfferMessage,
    SignalingWire,
    StatusMessage,
    TurnRequest,
)

MESSAGES: dict[str, type[SignalingWire]] = {
    "create-room": CreateRoom,
    "join-room": JoinRoom,
    "leave-room": LeaveRoom,
    "offer": OfferMessage,
    "answer": AnswerMessage,
    "ice-candidate": CandidateMessage,
    "chat-message": ChatMessageSent,
    "participant-status": StatusMessage,
    "turn-credentials": TurnRequest,
}
MAX_ID_DIGITS = 10

_EVENT = msgspec.json.Decoder(tuple[str, msgspec.Raw])
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(kind) for name, kind in MESSAGES.items()
}


@dataclass(frozen=True, slots=True)
class Event:
    """A well-formed message of a client."""

    name: str
    id: str
    """Of the acknowledgement that it asks for, in digits; empty if it asks for none."""
    message: SignalingWire


def read_event(packet: str) -> Event | None:
    """Read a Socket.IO packet like ``2["offer",{}]`` or ``217["offer",{}]``.

    None for everything that is not exactly one known event with its message: that goes the longer way,
    through the gate, which looks at depth and shape and finds words for what is wrong.
    """
    if packet[:1] != "2":
        return None
    start = packet.find("[", 1, MAX_ID_DIGITS + 2)
    number = packet[1:start]
    if start < 0 or (number and not (number.isascii() and number.isdigit())):
        return None
    try:
        name, raw = _EVENT.decode(packet[start:])
        decoder = _DECODERS.get(name)
        return None if decoder is None else Event(name, number, decoder.decode(raw))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
