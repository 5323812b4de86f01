"""What the first keyframe of a feed tells about its track, and how its frames lie in a Matroska block."""

import struct
from collections.abc import Iterator

from nbrtc.engine.codecs import opus_samples
from nbrtc.engine.feed import EncodedFrame
from nbrtc.recordings import av1
from nbrtc.recordings.mkv import CODECS, Track
from nbrtc.recordings.picture_size import MAX_SIDE, sps_size, vp8_size, vp9_size

# OpusHead (RFC 7845, section 5.1) with a pre-skip of zero: a call is joined in the middle of its stream,
# where no samples are padding, and a receiver of RTP discards none either.
_OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48000, 0, 0)

_SPS, _PPS = 7, 8

_PICTURE_MS = 33
"""How long a picture counts that no other follows."""


def describe(frame: EncodedFrame) -> Track | None:
    """Make the track of a keyframe; None if the frame is no keyframe that a decoder could begin with."""
    match frame.codec:
        case "VP8":
            private, size = b"", vp8_size(frame.data)
        case "VP9":
            private, size = b"", vp9_size(frame.data)
        case "AV1":
            private, *dimensions = av1.configuration(frame.data) or (b"", 0, 0)
            size = dimensions[0], dimensions[1]
        case "H264":
            sps = _first(frame.data, _SPS)
            private, size = avc_configuration(sps, _first(frame.data, _PPS)), sps_size(sps)
            size = size if private else None
        case _:
            return Track("audio", CODECS["opus"], _OPUS_HEAD)
    if size is None or not (0 < size[0] <= MAX_SIDE and 0 < size[1] <= MAX_SIDE):
        return None
    return Track("video", CODECS[frame.codec], private, *size)


def block(frame: EncodedFrame) -> bytes:
    """Return the frame as it lies in a block.

    H.264 has lengths for start codes; AV1 no temporal delimiters, and every unit its size; others are as they
    came.
    """
    if frame.codec == "H264":
        return b"".join(struct.pack(">I", len(unit)) + unit for unit in nal_units(frame.data))
    if frame.codec == "AV1":
        try:
            return b"".join(
                unit.sized for unit in av1.units(frame.data) if unit.kind != av1.TEMPORAL_DELIMITER
            )
        except ValueError:
            return frame.data  # broken on its way; a decoder says so, and goes on with the next
    return frame.data


def duration_ms(frame: EncodedFrame) -> int:
    """How long a frame lasts; of a picture only the next one tells, and this is what is usual."""
    return round(opus_samples(frame.data) / 48) or 20 if frame.kind == "audio" else _PICTURE_MS


def nal_units(data: bytes) -> Iterator[bytes]:
    """Split an Annex B access unit (H.264, annex B) into its units, without start codes."""
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        end = data.find(b"\x00\x00\x01", start)
        unit = data[start : end if end >= 0 else len(data)].rstrip(b"\x00")
        if unit:
            yield unit
        start = end


def avc_configuration(sps: bytes, pps: bytes) -> bytes:
    """AVCDecoderConfigurationRecord (ISO 14496-15, section 5.3.3.1); empty if a parameter set is missing."""
    if len(sps) < 4 or not pps:
        return b""
    record = b"\x01" + sps[1:4] + b"\xff\xe1" + struct.pack(">H", len(sps)) + sps
    record += b"\x01" + struct.pack(">H", len(pps)) + pps
    return record + (b"\xfd\xf8\xf8\x00" if sps[1] == 100 else b"")  # High: 4:2:0, 8 bits


def _first(data: bytes, kind: int) -> bytes:
    return next((unit for unit in nal_units(data) if unit[0] & 31 == kind), b"")
