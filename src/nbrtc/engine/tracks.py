"""What the first keyframe of a feed tells about its track, and how its frames lie in a Matroska block."""

import struct
from collections.abc import Iterator

from nbrtc.engine.feed import EncodedFrame
from nbrtc.recordings.mkv import Track

# OpusHead (RFC 7845, section 5.1) with a pre-skip of zero: a call is joined in the middle of its stream,
# where no samples are padding, and a receiver of RTP discards none either.
_OPUS_HEAD = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48000, 0, 0)

_SPS, _PPS = 7, 8
_WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128}  # profiles whose SPS names its chroma format


def describe(frame: EncodedFrame) -> Track | None:
    """Make the track of a keyframe; None if the frame is no keyframe that a decoder could begin with."""
    if frame.codec == "VP8":
        size = vp8_size(frame.data)
        return Track("video", "V_VP8", b"", *size) if size else None
    if frame.codec == "H264":
        sps = _first(frame.data, _SPS)
        size = sps_size(sps)
        private = avc_configuration(sps, _first(frame.data, _PPS))
        return Track("video", "V_MPEG4/ISO/AVC", private, *size) if size and private else None
    return Track("audio", "A_OPUS", _OPUS_HEAD)


def block(frame: EncodedFrame) -> bytes:
    """Return the frame as it lies in a block: H.264 with lengths for start codes, the others as they are."""
    if frame.codec == "H264":
        return b"".join(struct.pack(">I", len(unit)) + unit for unit in nal_units(frame.data))
    return frame.data


def vp8_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a VP8 keyframe (RFC 6386, section 9.1); None for any other frame."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != b"\x9d\x01\x2a":
        return None
    width, height = struct.unpack_from("<HH", data, 6)
    return (width & 0x3FFF, height & 0x3FFF) if width & 0x3FFF and height & 0x3FFF else None


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


def sps_size(sps: bytes) -> tuple[int, int] | None:
    """Cropped width and height in pixels of an H.264 SPS (section 7.3.2.1); None if it is broken."""
    bits = _Bits(sps[4:260].replace(b"\x00\x00\x03", b"\x00\x00"))
    try:
        bits.ue()
        chroma = 1
        if sps[1] in _WITH_CHROMA:
            chroma = bits.ue()
            if chroma == 3:
                bits.u(1)
            bits.ue(), bits.ue(), bits.u(1)
            if bits.u(1):
                return None  # scaling matrices: no browser's encoder sends them
        bits.ue()
        order = bits.ue()
        if order == 0:
            bits.ue()
        elif order == 1:
            bits.u(1), bits.ue(), bits.ue()
            for _ in range(bits.ue()):
                bits.ue()
        bits.ue(), bits.u(1)
        columns, rows, fields = bits.ue() + 1, bits.ue() + 1, 2 - bits.u(1)
        bits.u(fields)  # direct_8x8_inference, with mb_adaptive_frame_field before it if there are fields
        left, right, top, bottom = (bits.ue() for _ in range(4)) if bits.u(1) else (0, 0, 0, 0)
    except (IndexError, ValueError):
        return None
    unit_x, unit_y = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1) * fields
    width, height = columns * 16 - unit_x * (left + right), rows * 16 * fields - unit_y * (top + bottom)
    return (width, height) if 0 < width <= 16384 and 0 < height <= 16384 else None


class _Bits:
    """Reads a bit string from its front; raises ValueError behind its end."""

    def __init__(self, data: bytes) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def u(self, count: int) -> int:
        self._at += count
        if self._at > len(self._bits):
            raise ValueError("The parameter set ends early")
        return int(self._bits[self._at - count : self._at], 2)

    def ue(self) -> int:
        """Exp-Golomb number (section 9.1); a signed one has the same length, and none is used here."""
        zeros = self._bits.find("1", self._at) - self._at
        if not 0 <= zeros <= 31:
            raise ValueError("The parameter set is broken")
        self._at += zeros
        return self.u(zeros + 1) - 1


def _first(data: bytes, kind: int) -> bytes:
    return next((unit for unit in nal_units(data) if unit[0] & 31 == kind), b"")
