"""Pictures between kernel and engine, over ports of their own and on credit."""

from .kernel import KernelWire

SUPPLY = "(supply)"
"""In the place of a participant, whose id it cannot be: the port asks for no picture, it brings a Bot's."""


class FrameCredit(KernelWire, frozen=True, tag="credit"):
    """The kernel's subscriber is ready for one frame newer than `after`.

    An effect's result rides on the same message as extra parts: the header below and its planes.
    """

    call: str
    after: int = -1
    participant: str = ""
    """Whose picture: a participant's id, or empty for the call's own camera."""
    result: "FrameHeader | None" = None


class FrameHeader(KernelWire, frozen=True, tag="frame"):
    """Describes the yuv420p planes that follow as one message part: Y, U, V, rows packed without padding."""

    number: int
    """Counts the decoded frames of the call."""
    width: int
    height: int
    timestamp: int
    """RTP timestamp, unwrapped, in 1/90000 s."""
    arrived_s: float
    """`time.monotonic` of the machine when the frame's last packet arrived."""
    time_s: float
    """Media time of the call in seconds; goes on over reconnections."""
    skipped: int = 0
    """Frames decoded since this subscriber's last one that it was too late for."""


class FrameStop(KernelWire, frozen=True, tag="stop"):
    """No more frames: the call was left or closed, or the subscriber went."""

    call: str
    reason: str = ""


FrameMessage = FrameCredit | FrameHeader | FrameStop
