"""The index of an MP4 before its media, so that a player that downloads it begins at once (ISO/IEC 14496-12).

libavformat's own ``faststart`` opens the file a second time, by its name; files made safely are without one.
"""

import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

CHUNK_BYTES = 1 << 20
MAX_INDEX_BYTES = 256 << 20
"""A day of film has a tenth of that; a larger index stays where it is, and out of memory."""
_PATH = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}
"""Boxes that lead to the chunks' offsets."""
_OFFSETS = {b"stco": ">I", b"co64": ">Q"}
"""Section 8.7.5: a table of where in the file each chunk of a track begins."""


class _Box(NamedTuple):
    kind: bytes
    start: int
    size: int


def put_index_first(descriptor: int) -> bool:
    """Move the index of a complete MP4 to before its media, in place; the file's length stays.

    Until this returns the file plays nowhere: do it under a ``.partial`` name. Blocks on the disk.

    Parameters
    ----------
    descriptor
        Of the file, for reading and writing; its position is of no account.

    Returns
    -------
    bool
        False if nothing was done: the index is first already, or is larger than it may be here, or its
        offsets would need more bits than they have.

    Raises
    ------
    OSError
        As the system said it.
    ValueError
        If this is no complete MP4.
    """
    end = os.fstat(descriptor).st_size
    boxes = {box.kind: box for box in _boxes_in_file(descriptor, end)}
    media, index = boxes.get(b"mdat"), boxes.get(b"moov")
    if media is None or index is None:
        raise ValueError("The file has no media or no index: it is no complete MP4.")
    if index.start < media.start or index.start + index.size != end or index.size > MAX_INDEX_BYTES:
        return False
    moved = bytearray(_read(descriptor, index.start, index.size))
    if not _move_offsets(moved, media.start, index.size):
        return False
    at = index.start
    while at > media.start:  # from the end, so that nothing is overwritten before it was read
        size = min(CHUNK_BYTES, at - media.start)
        at -= size
        _write(descriptor, at + index.size, _read(descriptor, at, size))
    _write(descriptor, media.start, bytes(moved))
    return True


def _boxes_in_file(descriptor: int, end: int) -> Iterator[_Box]:
    at = 0
    while at + 8 <= end:
        size, kind = struct.unpack(">I4s", _read(descriptor, at, 8))
        if size == 1:  # section 4.2: a size of 64 bits follows
            (size,) = struct.unpack(">Q", _read(descriptor, at + 8, 8))
        elif size == 0:
            size = end - at
        if size < 8 or at + size > end:
            raise ValueError(f"The box {kind!r} at {at} has {size} bytes: this is no complete MP4.")
        yield _Box(kind, at, size)
        at += size


def _move_offsets(index: bytearray, since: int, by: int) -> bool:
    """Add to every offset from `since` on; False if one has not the bits for that."""
    for kind, start, end in _tables(index, 0, len(index)):
        entry = struct.Struct(_OFFSETS[kind])
        (count,) = struct.unpack_from(">I", index, start + 4)  # after version and flags
        if start + 8 + count * entry.size > end:
            raise ValueError(f"The table {kind!r} has fewer than {count} entries: this is no complete MP4.")
        for at in range(start + 8, start + 8 + count * entry.size, entry.size):
            (offset,) = entry.unpack_from(index, at)
            if offset < since:
                continue
            if (offset + by).bit_length() > 8 * entry.size:
                return False
            entry.pack_into(index, at, offset + by)
    return True


def _tables(index: bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, first byte and end of each table of offsets."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", index, start)
        if size < 8 or start + size > end:
            raise ValueError(f"The box {kind!r} of the index has {size} bytes: this is no complete MP4.")
        if kind in _PATH:
            yield from _tables(index, start + 8, start + size)
        elif kind in _OFFSETS:
            yield kind, start + 8, start + size
        start += size


def _read(descriptor: int, at: int, size: int) -> bytes:
    parts = []
    while size:
        part = os.pread(descriptor, size, at)
        if not part:
            raise ValueError(f"The file ends at {at}, within a box: this is no complete MP4.")
        parts.append(part)
        at, size = at + len(part), size - len(part)
    return b"".join(parts)


def _write(descriptor: int, at: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, at)
        at, rest = at + written, rest[written:]
