"""The tree of errors, by what the caller does next.

::

    NbrtcError
    |-- CallError          the call is in the wrong state, or was closed: join, or make a new Call
    |   |-- NotConnected   nothing to see yet: click "Start camera", or wait
    |   `-- RoomError      the room or its server refused or is out of reach; `RoomError.reason` is its code
    |-- EngineError        the engine process is gone or does not answer: the next start brings a new one
    |-- FrameError         a function returned something that is not a picture
    |-- SoundError         a function returned something that is not its block of sound
    |-- RecordingError     a path or a disk refused: choose another, the call goes on
    |-- DumpError          a file is not a dump that can be read: see what the message says of it
    |-- ExpectationNotMet  `expect` waited in vain; an AssertionError, too
    `-- NegotiationError   a description or candidate was refused: the other side must send another

Every message says what happened, with which value, and what to do.
"""


class NbrtcError(Exception):
    """Base of every error that nbrtc raises on purpose; `code` is its name on the wire."""

    code = "error"


class CallError(NbrtcError):
    """The call cannot do this in its present state."""

    code = "call"


class NotConnected(CallError):
    """There is no connection to a page yet, or any more."""

    code = "not-connected"


class RoomError(CallError):
    """A room refused something, or its server cannot be reached.

    Attributes
    ----------
    reason
        The code on the wire, like ``"room-full"`` (see `nbrtc.messages.signaling.ErrorCode`).
    """

    code = "room"

    def __init__(self, message: str, reason: str = "refused") -> None:
        super().__init__(message)
        self.reason = reason
        self.code = f"room/{reason}"


class EngineError(NbrtcError):
    """The engine process could not be started, has gone, or does not answer."""

    code = "engine"


class FrameError(NbrtcError, ValueError):
    """A value is not a picture that can be sent."""

    code = "frame"


class SoundError(NbrtcError, ValueError):
    """A value is not a block of sound that can be sent."""

    code = "sound"


class RecordingError(NbrtcError):
    """A recording could not be started or had to stop; the call is not affected."""

    code = "recording"


class DumpError(NbrtcError, ValueError):
    """A file of statistics is foreign, truncated, or larger than the limits."""

    code = "dump"


class ExpectationNotMet(NbrtcError, AssertionError):
    """The statistics were not as expected in time; the message has the evidence.

    Attributes
    ----------
    report
        What was seen, a `nbrtc.stats.expectations.report.Report`; None where the error crossed a process.
    """

    code = "expectation"

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


class NegotiationError(NbrtcError):
    """A session description or ICE candidate was refused."""

    code = "negotiation"


def by_code(code: str, message: str) -> NbrtcError:
    """Rebuild an error that crossed the bridge as code and message."""
    name, _, reason = code.partition("/")
    if name == RoomError.code:
        return RoomError(message, reason)
    kinds: list[type[NbrtcError]] = [NbrtcError]
    while kinds:
        kind = kinds.pop()
        if kind.code == code:
            return kind(message)
        kinds.extend(kind.__subclasses__())
    return NbrtcError(message)
