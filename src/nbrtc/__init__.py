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
    from .doctoring.checks import Checks
    from .doctoring.widget import Doctor, doctor
    from .errors import (
        CallError,
        DumpError,
        EngineError,
        ExpectationNotMet,
        FrameError,
        NbrtcError,
        NegotiationError,
        NotConnected,
        RecordingError,
        RoomError,
        SoundError,
    )
    from .frame import Frame
    from .ice.history_table import forget_ice_history, ice_history
    from .ice.policy import IcePolicy
    from .ice.servers import IceServer
    from .messages import ChatMessage, Effect, Finding, Impairment, Quality, RoomSettings
    from .participants import Participant, Participants
    from .played_sound import PlayedSound
    from .recording import Recording
    from .recordings.compose import compose
    from .recordings.opened import OpenRecording
    from .recordings.opening import open_recording
    from .recordings.recover import recover
    from .room import Room
    from .stats import CallStats
    from .stats.dumps import load_dump
    from .stats.live.view import StatsView
    from .stats.plots.compare import compare
    from .video_source import VideoSource

__version__ = "0.1.0"

_HOMES = {
    "Bot": "bot",
    "Call": "call",
    "CallError": "errors",
    "CallStats": "stats",
    "Chat": "chat",
    "ChatMessage": "messages",
    "Checks": "doctoring.checks",
    "Doctor": "doctoring.widget",
    "DumpError": "errors",
    "Effect": "messages",
    "EngineError": "errors",
    "ExpectationNotMet": "errors",
    "Finding": "messages",
    "Frame": "frame",
    "FrameError": "errors",
    "IcePolicy": "ice.policy",
    "IceServer": "ice.servers",
    "Impairment": "messages",
    "NbrtcError": "errors",
    "NegotiationError": "errors",
    "NotConnected": "errors",
    "OpenRecording": "recordings.opened",
    "Participant": "participants",
    "Participants": "participants",
    "PlayedSound": "played_sound",
    "Quality": "messages",
    "Recording": "recording",
    "RecordingError": "errors",
    "Room": "room",
    "RoomError": "errors",
    "RoomSettings": "messages",
    "SoundError": "errors",
    "StatsView": "stats.live.view",
    "VideoSource": "video_source",
    "compare": "stats.plots.compare",
    "compose": "recordings.compose",
    "doctor": "doctoring.widget",
    "forget_ice_history": "ice.history_table",
    "ice_history": "ice.history_table",
    "load_dump": "stats.dumps",
    "open_recording": "recordings.opening",
    "recover": "recordings.recover",
}

__all__ = [
    "Bot",
    "Call",
    "CallError",
    "CallStats",
    "Chat",
    "ChatMessage",
    "Checks",
    "Doctor",
    "DumpError",
    "Effect",
    "EngineError",
    "ExpectationNotMet",
    "Finding",
    "Frame",
    "FrameError",
    "IcePolicy",
    "IceServer",
    "Impairment",
    "NbrtcError",
    "NegotiationError",
    "NotConnected",
    "OpenRecording",
    "Participant",
    "Participants",
    "PlayedSound",
    "Quality",
    "Recording",
    "RecordingError",
    "Room",
    "RoomError",
    "RoomSettings",
    "SoundError",
    "StatsView",
    "VideoSource",
    "__version__",
    "compare",
    "compose",
    "doctor",
    "forget_ice_history",
    "ice_history",
    "load_dump",
    "open_recording",
    "recover",
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
