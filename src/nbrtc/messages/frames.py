"""Pictures between kernel and engine, over ports of their own and on credit."""

from .kernel import KernelWire

SUPPLY = "(supply)"
"""In the place of a participant, whose id it cannot be: the port asks for no picture, it brings a Bot's."""


QUEUED_FRAMES = 30
"""A second of the camera's pictures."""


class FrameCredit(KernelWire, frozen=True, tag="credit"):
    """The kernel's subscriber is ready for one frame newer than `after`.

    An effect's result rides on the same message as extra parts: the header below and its planes.
    """

    call: str
    after: int = -1
    participant: str = ""
    """Whose picture: a participant's id, or empty for the call's own camera."""
    result: "FrameHeader | None" = None
    effect: int = 0
    """Which effect made it (see `SetVideoEffect.number`)."""
    size: tuple[int, int] | None = None
    """Width and height that the picture is scaled to first; None for as it is."""
    queued: bool = False
    """Every frame after the last one, in order, instead of the newest. At most `QUEUED_FRAMES` wait for this
    subscriber; beyond that the oldest are dropped and counted in `FrameHeader.skipped`."""


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
    sent_timestamp: int = -1
    """Of the effect's result that was sent last; -1 before the first."""
    sent_s: float = 0.0
    """How old that one's frame was then, in seconds."""
    skipped: int = 0
    """Frames decoded since this subscriber's last one that it was too late for."""


class AudioCredit(KernelWire, frozen=True, tag="audio-credit"):
    """The kernel's audio effect is ready for blocks after `after`; results ride on the same message.

    The engine answers with one `AudioHeader` and the samples of the oldest block that waits.
    """

    call: str
    after: int = -1
    result: "AudioHeader | None" = None


class AudioHeader(KernelWire, frozen=True, tag="audio"):
    """Describes the samples that follow as one message part: int16, interleaved, 48 kHz, blocks of 20 ms."""

    number: int
    """Of the first block; blocks are counted without gaps, unless some were dropped."""
    blocks: int
    channels: int
    arrived_s: float
    """`time.monotonic` of the machine when the first block's packet arrived."""
    dropped: int = 0
    """Blocks left out since the last answer, because the function was slower than the sound."""
    late: int = 0
    """Blocks of silence that the others got since the last answer, because the function was late."""


class FrameStop(KernelWire, frozen=True, tag="stop"):
    """No more frames: the call was left or closed, or the subscriber went."""

    call: str
    reason: str = ""


FrameMessage = FrameCredit | FrameHeader | AudioCredit | AudioHeader | FrameStop
