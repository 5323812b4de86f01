"""The size of the picture in a keyframe's own header, without decoding it.

Containers say one size and libavformat that of the first picture, but a call changes its size as it goes.
"""

from collections.abc import Iterator

from nbrtc.recordings import av1
from nbrtc.recordings.bits import Bits

MAX_SIDE = 16384
"""Pixels; the largest that the formats of calls allow."""

VP8_START_CODE = b"\x9d\x01\x2a"
_VP9_SYNC_CODE, _VP9_RGB = 0x498342, 7
_SPS = 7
_WITH_CHROMA = {100, 110, 122, 244, 44, 83, 86, 118, 128}  # profiles whose SPS names its chroma format


def picture_size(codec: str, block: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, of a frame as it lies in a Matroska block; None if it does not say.

    Parameters
    ----------
    codec
        ``"VP8"``, ``"VP9"``, ``"AV1"`` or ``"H264"``, in any case; of others nothing is known.
    block
        The frame; of H.264 the units have lengths of four bytes before them.
    """
    match codec.upper():
        case "VP8":
            size = vp8_size(block)
        case "VP9":
            size = vp9_size(block)
        case "AV1":
            found = av1.configuration(block)
            size = None if found is None else found[1:]
        case "H264":
            size = next((sps_size(unit) for unit in _units(block) if unit[0] & 31 == _SPS), None)
        case _:
            size = None
    return size if size and 0 < size[0] <= MAX_SIDE and 0 < size[1] <= MAX_SIDE else None


def vp8_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, which a VP8 keyframe says (RFC 6386, section 9.1); None of other frames."""
    if len(data) < 10 or data[0] & 1 or data[3:6] != VP8_START_CODE:
        return None
    return int.from_bytes(data[6:8], "little") & 0x3FFF, int.from_bytes(data[8:10], "little") & 0x3FFF


def vp9_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels, which a VP9 keyframe says (its specification, section 6.2), else None."""
    bits = Bits(data[:16])
    try:
        marker, low, high = bits.u(2), bits.u(1), bits.u(1)
        profile = high << 1 | low
        if profile == 3:
            bits.u(1)
        shows_existing, is_inter = bits.u(1), bits.u(1)
        bits.u(2)
        if marker != 2 or shows_existing or is_inter or bits.u(24) != _VP9_SYNC_CODE:
            return None
        if profile >= 2:
            bits.u(1)
        is_rgb = bits.u(3) == _VP9_RGB
        bits.u(0 if is_rgb else 1)
        if profile in (1, 3):
            bits.u(1 if is_rgb else 3)
        return bits.u(16) + 1, bits.u(16) + 1
    except ValueError:
        return None


def sps_size(sps: bytes) -> tuple[int, int] | None:
    """Cropped width and height in pixels of an H.264 SPS (section 7.3.2.1); None if it is broken."""
    bits = Bits(sps[4:260].replace(b"\x00\x00\x03", b"\x00\x00"))
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
    return (width, height) if 0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE else None


def _units(block: bytes) -> Iterator[bytes]:
    at = 0
    while at + 4 < len(block):
        length = int.from_bytes(block[at : at + 4], "big")
        if length:
            yield block[at + 4 : at + 4 + length]
        at += 4 + length
