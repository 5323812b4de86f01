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
    from .call import Call
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
    from .messages import Impairment, Quality
    from .recording import Recording

__version__ = "0.1.0"

_HOMES = {
    "Call": "call",
    "CallError": "errors",
    "EngineError": "errors",
    "Frame": "frame",
    "FrameError": "errors",
    "Impairment": "messages",
    "NbrtcError": "errors",
    "NegotiationError": "errors",
    "NotConnected": "errors",
    "Quality": "messages",
    "Recording": "recording",
    "RecordingError": "errors",
    "RoomError": "errors",
}

__all__ = [
    "Call",
    "CallError",
    "EngineError",
    "Frame",
    "FrameError",
    "Impairment",
    "NbrtcError",
    "NegotiationError",
    "NotConnected",
    "Quality",
    "Recording",
    "RecordingError",
    "RoomError",
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
