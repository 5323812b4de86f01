"""The engine's one atom, the encoded frame, and the feed that hands it on.

A feed is filled by the link's receive path (later also by the encoded tap of a browser peer) and read by
sinks: the recorder muxes, the decoder decodes, the pass-through sends the frame back. All on the engine's
event loop.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

logger = logging.getLogger(__name__)

Kind = Literal["audio", "video"]


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One access unit as the encoder made it."""

    kind: Kind
    codec: str
    """``"VP8"``, ``"VP9"``, ``"AV1"``, ``"H264"`` (Annex B) or ``"opus"``."""
    timestamp: int
    """RTP timestamp in clock ticks, unwrapped: it never jumps back by 2**32."""
    clock_rate: int
    """Ticks per second: 90000 for video, 48000 for Opus (RFC 3551)."""
    keyframe: bool
    """Decodable without any earlier frame; always True for audio."""
    data: bytes
    arrived_s: float
    """`time.monotonic` when its last packet arrived."""
    after_gap: bool = False
    """A frame before this one was lost. For video such a frame is always a keyframe."""
    captured_s: float | None = None
    """When it was captured, in seconds of a clock of the sender's that all its tracks share, where the frame
    itself says so (the tap); of other frames the feed's `SenderReport` says it."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """Ties RTP time to the sender's wall clock (RFC 3550, section 6.4.1)."""

    ntp_s: float
    """The sender's clock in seconds since 1900."""
    timestamp: int
    """The same moment in RTP ticks, unwrapped like the frames'."""


Sink = Callable[[EncodedFrame], None]
"""Called on the engine's loop and must return at once: a sink that needs time keeps its own bounded queue."""


class Feed:
    """Fans the encoded frames of one track out to its sinks."""

    def __init__(self, kind: Kind, ask_keyframe: Callable[[], None]) -> None:
        self.kind = kind
        self.report: SenderReport | None = None
        self.frames = 0
        self.keyframes = 0
        self.decoded = self.decoded_keyframes = 0
        """What a decoder made pictures of, while one ran."""
        self.is_decoded = False
        self._ask_keyframe = ask_keyframe
        self._sinks: list[Sink] = []

    @property
    def is_wanted(self) -> bool:
        """Whether anything reads it."""
        return bool(self._sinks)

    def subscribe(self, sink: Sink) -> Callable[[], None]:
        """Add a sink; the returned function takes it away again and may be called twice."""
        self._sinks.append(sink)

        def unsubscribe() -> None:
            if sink in self._sinks:
                self._sinks.remove(sink)

        return unsubscribe

    def push(self, frame: EncodedFrame) -> None:
        """Hand a frame to every sink. One that raises is taken off, said in the log, and the others go on."""
        self.frames += 1
        self.keyframes += frame.keyframe
        for sink in list(self._sinks):
            try:
                sink(frame)
            except Exception:
                logger.exception("A sink of the %s feed failed and was taken off", self.kind)
                if sink in self._sinks:
                    self._sinks.remove(sink)

    def request_keyframe(self) -> None:
        """Ask the sender for a keyframe (a PLI, RFC 4585 section 6.3.1)."""
        if self.kind == "video":
            self._ask_keyframe()
