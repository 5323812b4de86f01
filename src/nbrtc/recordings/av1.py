"""AV1 as it lies in a file: open bitstream units, and what the sequence header says (AV1 specification)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from nbrtc.recordings.bits import Bits

SEQUENCE_HEADER, TEMPORAL_DELIMITER, FRAME_HEADER, FRAME = 1, 2, 3, 6
"""Types of OBUs (section 6.2.2)."""

_MAX_HEADER = 256
"""Bytes of a sequence header that are read; the longest possible has fewer."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One OBU (section 5.3)."""

    kind: int
    header: bytes
    """One or two bytes, with ``obu_has_size_field`` set."""
    payload: bytes

    @property
    def sized(self) -> bytes:
        """With its size before its payload, as Matroska and ISO files want it."""
        return self.header + _leb128(len(self.payload)) + self.payload


@dataclass(frozen=True, slots=True)
class SequenceHeader:
    """What a track's description needs of it (section 5.5)."""

    width: int
    height: int
    configuration: bytes
    """The first four bytes of av1C (AV1 in ISO base media files, section 2.3.3)."""


def units(data: bytes) -> Iterator[Unit]:
    """Split a temporal unit in the low-overhead format (section 5.2).

    Raises
    ------
    ValueError
        It is cut or is none.
    """
    at = 0
    while at < len(data):
        first = data[at]
        if first & 0x80:
            raise ValueError("The forbidden bit of an OBU is set")
        header = data[at : at + (2 if first & 4 else 1)]
        at += len(header)
        size = len(data) - at
        if first & 2:
            size, at = _read_leb128(data, at)
        if at + size > len(data):
            raise ValueError("An OBU ends early")
        yield Unit(first >> 3 & 15, bytes((first | 2,)) + header[1:], data[at : at + size])
        at += size


def is_keyframe(data: bytes) -> bool:
    """Whether a temporal unit has a sequence header and shows a key frame."""
    try:
        found = list(units(data))
    except ValueError:
        return False
    # show_existing_frame, frame_type, show_frame (section 5.9.2); reduced still pictures are no calls'.
    return any(unit.kind == SEQUENCE_HEADER for unit in found) and any(
        unit.kind in (FRAME_HEADER, FRAME) and unit.payload[:1] and unit.payload[0] & 0xF0 == 0x10
        for unit in found
    )


def configuration(data: bytes) -> tuple[bytes, int, int] | None:
    """av1C, width and height of a keyframe; None if it has no sequence header that can be read."""
    try:
        unit = next((unit for unit in units(data) if unit.kind == SEQUENCE_HEADER), None)
        header = None if unit is None else _sequence_header(unit.payload[:_MAX_HEADER])
    except ValueError:
        return None
    if unit is None or header is None or len(unit.payload) > _MAX_HEADER:
        return None
    return header.configuration + unit.sized, header.width, header.height


def _sequence_header(payload: bytes) -> SequenceHeader:
    bits = Bits(payload)
    profile, _, reduced = bits.u(3), bits.u(1), bits.u(1)
    level, tier = (bits.u(5), 0) if reduced else _operating_points(bits)
    width_bits, height_bits = bits.u(4) + 1, bits.u(4) + 1
    width, height = bits.u(width_bits) + 1, bits.u(height_bits) + 1
    if not reduced and bits.u(1):
        bits.u(7)  # lengths of frame ids
    bits.u(3)  # superblocks of 128, filter_intra, intra_edge
    if not reduced:
        _tools(bits)
    bits.u(3)  # superres, cdef, restoration
    fields = profile << 5 | level, tier << 7 | _color(bits, profile)
    return SequenceHeader(width, height, struct.pack("BBBB", 0x81, *fields, 0))


def _operating_points(bits: Bits) -> tuple[int, int]:
    """Level and tier of the first one."""
    delay_bits = 0
    if bits.u(1):  # timing_info
        bits.u(64)
        if bits.u(1):
            bits.ue()
        if bits.u(1):  # decoder_model_info
            delay_bits = bits.u(5) + 1
            bits.u(42)
    displays_late = bits.u(1)
    points = []
    for _ in range(bits.u(5) + 1):
        bits.u(12)
        level = bits.u(5)
        points.append((level, bits.u(1) if level > 7 else 0))
        if delay_bits and bits.u(1):
            bits.u(2 * delay_bits + 1)
        if displays_late and bits.u(1):
            bits.u(4)
    return points[0]


def _tools(bits: Bits) -> None:
    bits.u(4)  # interintra, masked compound, warped motion, dual filter
    has_order_hint = bits.u(1)
    if has_order_hint:
        bits.u(2)
    screen_content = 2 if bits.u(1) else bits.u(1)
    if screen_content and not bits.u(1):
        bits.u(1)
    if has_order_hint:
        bits.u(3)


def _color(bits: Bits, profile: int) -> int:
    """The color_config (section 5.5.2) as av1C has it: depths, mono, subsampling, sample position."""
    high = bits.u(1)
    twelve = bits.u(1) if profile == 2 and high else 0
    mono = 0 if profile == 1 else bits.u(1)
    described = (bits.u(8), bits.u(8), bits.u(8)) if bits.u(1) else (2, 2, 2)
    position = 0
    if mono:
        horizontal = vertical = 1
    elif described == (1, 13, 0):  # sRGB
        horizontal = vertical = 0
    else:
        bits.u(1)
        if twelve:
            horizontal = bits.u(1)
            vertical = bits.u(1) if horizontal else 0
        else:
            horizontal, vertical = {0: (1, 1), 1: (0, 0)}.get(profile, (1, 0))
        if horizontal and vertical:
            position = bits.u(2)
    return high << 6 | twelve << 5 | mono << 4 | horizontal << 3 | vertical << 2 | position


def _leb128(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*encoded, value))


def _read_leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[at : at + 8]):
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, at + index + 1
    raise ValueError("The size of an OBU ends early")
