"""The messages of the encoded tap, page to engine: each is one chunk of one encoded frame.

Big-endian; ``js/src/tap/format.ts`` writes the same. What is in it comes from other people's browsers, so it
is checked here as if it were hostile.

====== ==== ===================================================================================
offset size field
====== ==== ===================================================================================
0      1    version, 2
1      1    flags: 1 video (else audio), 2 keyframe, 4 kept until the engine says it has it
2      1    codec: 1 VP8, 2 VP9, 3 AV1, 4 H264 (Annex B), 5 Opus
3      1    stream: counts the receivers of the page, modulo 256
4      4    number: counts the frames of the stream while it is wanted; a hole was dropped
8      4    RTP timestamp (RFC 3550)
12     8    when the frame arrived at the page, Unix time in ms, a double
20     8    when it was captured, in ms on a clock that the participant's sound and pictures
            share, a double; NaN where unknown
28     8    when this message was given to the channel, on the clock of the arrival
36     4    bytes of the whole frame
40     2    index of this chunk
42     2    count of chunks
44     2    width in pixels, 0 where unknown
46     2    height
48     1    length of the participant's id, 1 to 64
49          the id in ASCII, then the chunk's bytes
====== ==== ===================================================================================

The engine speaks in text: ``{"keyframe": id}`` asks for one, and
``{"have": [[id, kind, stream, number], ...]}`` says that it has everything kept up to there. After a lost
link what it has not is sent again.
"""

import struct
from dataclasses import dataclass

from .feed import Kind

VERSION = 2
HEADER = struct.Struct("!BBBBIIdddIHHHHB")
MAX_MESSAGE_BYTES = 64 * 1024
MAX_FRAME_BYTES = 2 * 1024 * 1024
MAX_SOUND_BYTES = 64 * 1024
"""120 ms of Opus are less than 8 kB (RFC 6716, section 3.4)."""
MAX_ID_BYTES = 64
MAX_TIME_MS = 1e14
"""Unix time in ms beyond the year 5000."""

_VIDEO, _KEYFRAME, _KEPT = 1, 2, 4
_CODECS: dict[int, tuple[str, Kind]] = {
    1: ("VP8", "video"),
    2: ("VP9", "video"),
    3: ("AV1", "video"),
    4: ("H264", "video"),
    5: ("opus", "audio"),
}


@dataclass(frozen=True, slots=True)
class TapMessage:
    """One chunk of a frame of somebody in the room."""

    participant: str
    kind: Kind
    codec: str
    """As in `EncodedFrame.codec`."""
    keyframe: bool
    stream: int
    number: int
    timestamp: int
    """RTP timestamp as it is on the wire, 32 bits."""
    arrived_ms: float
    captured_ms: float | None
    sent_ms: float
    kept: bool
    """The page sends it again over the next link unless it hears that it came."""
    size: int
    index: int
    count: int
    width: int
    height: int
    chunk: bytes


def read(message: bytes) -> TapMessage | None:
    """Decode a message; None if it is not one, or claims more than may be."""
    if not HEADER.size < len(message) <= MAX_MESSAGE_BYTES:
        return None
    fields = HEADER.unpack_from(message)
    version, flags, codec_number, stream, number, timestamp, *rest = fields
    arrived_ms, captured_ms, sent_ms, size, index, count, width, height, length = rest
    codec, kind = _CODECS.get(codec_number, ("", "audio"))
    end = HEADER.size + length
    identity, chunk = message[HEADER.size : end], message[end:]
    is_sound = (
        version == VERSION
        and codec != ""
        and (kind == "video") == bool(flags & _VIDEO)
        and 1 <= length <= MAX_ID_BYTES
        and len(identity) == length
        and identity.isascii()
        and 1 <= len(chunk) <= size <= (MAX_FRAME_BYTES if kind == "video" else MAX_SOUND_BYTES)
        and index < count
        and (count > 1 or len(chunk) == size)
        and 0 <= arrived_ms <= MAX_TIME_MS
        and 0 <= sent_ms <= MAX_TIME_MS
    )
    if not is_sound:
        return None
    return TapMessage(
        participant=identity.decode("ascii"),
        kind=kind,
        codec=codec,
        keyframe=kind == "audio" or bool(flags & _KEYFRAME),
        stream=stream,
        number=number,
        timestamp=timestamp,
        arrived_ms=arrived_ms,
        # the sender's own word, of any clock: what is impossible counts as not said
        captured_ms=captured_ms if abs(captured_ms) <= MAX_TIME_MS else None,
        sent_ms=sent_ms,
        kept=bool(flags & _KEPT),
        size=size,
        index=index,
        count=count,
        width=width,
        height=height,
        chunk=chunk,
    )
