"""nbrtc: the video call that lives in a notebook cell.

>>> import nbrtc
>>> call = nbrtc.Call()
>>> call                      # nothing starts until you click "Start camera"

Names are loaded when they are first used: ``import nbrtc`` costs a few milliseconds, and the engine
process, which imports this package too, never loads the widget.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .bot import Bot
    from .call import Call
    from .chat import Chat
    from .errors import (
        CallError,
        EngineError,
        FrameError,
        NbrtcError,
        NegotiationError,
        NotConnected,
        RecordingError,
        RoomError,
    )
    from .frame import Frame
    from .messages import ChatMessage, Impairment, Quality, RoomSettings
    from .participants import Participant, Participants
    from .recording import Recording
    from .room import Room

__version__ = "0.1.0"

_HOMES = {
    "Bot": "bot",
    "Call": "call",
    "CallError": "errors",
    "Chat": "chat",
    "ChatMessage": "messages",
    "EngineError": "errors",
    "Frame": "frame",
    "FrameError": "errors",
    "Impairment": "messages",
    "NbrtcError": "errors",
    "NegotiationError": "errors",
    "NotConnected": "errors",
    "Participant": "participants",
    "Participants": "participants",
    "Quality": "messages",
    "Recording": "recording",
    "RecordingError": "errors",
    "Room": "room",
    "RoomError": "errors",
    "RoomSettings": "messages",
}

__all__ = [
    "Bot",
    "Call",
    "CallError",
    "Chat",
    "ChatMessage",
    "EngineError",
    "Frame",
    "FrameError",
    "Impairment",
    "NbrtcError",
    "NegotiationError",
    "NotConnected",
    "Participant",
    "Participants",
    "Quality",
    "Recording",
    "RecordingError",
    "Room",
    "RoomError",
    "RoomSettings",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(
            f"module 'nbrtc' has no attribute {name!r}; it offers {', '.join(sorted(_HOMES))}"
        )
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
