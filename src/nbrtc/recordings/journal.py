"""Reading back what a recording's journal holds, up to the point where a crash cut it off."""

import logging
import os
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from nbrtc.messages import StatsSample

from .manifest import Moment, Said
from .regular import open_regular
from .vetting import is_time

logger = logging.getLogger(__name__)

KEPT = 100_000
"""Events, and messages of the chat, that are read: the newest."""
LINE_BYTES = 1 << 20
"""A longer line is none of ours."""
JOURNAL_BYTES = 256 << 20
"""Of a journal, its end: twenty times what `KEPT` events take."""
UNPACKED_BYTES = 256 << 20
"""Of statistics, after decompression; ten connections over an hour are about 300 MB."""
CHUNK_BYTES = 64 << 10

_decode_line = msgspec.json.Decoder(Moment | Said).decode
_decode_sample = msgspec.json.Decoder(StatsSample).decode


def read_journal(path: Path) -> tuple[list[Moment], list[Said]]:
    """What happened and what was written, each in its own order; nothing where there is no such file.

    A last line that was cut off, and any other that is damaged, is left out; the log says how many.

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    moments: deque[Moment] = deque(maxlen=KEPT)
    chat: deque[Said] = deque(maxlen=KEPT)
    damaged = 0
    for line in _lines(path):
        try:
            found = _decode_line(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            damaged += 1
            continue
        if not is_time(found.time_ms):
            damaged += 1
        elif isinstance(found, Said):
            chat.append(found)
        else:
            moments.append(found)
    if damaged:
        logger.warning("%d lines of %s were cut off or damaged, and are left out", damaged, path)
    return list(moments), list(chat)


def read_statistics(path: Path) -> list[StatsSample]:
    """The samples of a recording's time, up to where the file is cut off or damaged.

    At most `UNPACKED_BYTES` of JSON are read, the first ones; the log says where that, or damage, ended it.

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    samples = []
    damaged = 0
    for line in _unpacked_lines(path):
        try:
            samples.append(_decode_sample(line))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            damaged += 1
    if damaged:
        logger.warning("%d samples of %s were cut off or damaged, and are left out", damaged, path)
    return samples


def _open(path: Path) -> BinaryIO | None:
    try:
        return open_regular(path)
    except FileNotFoundError:
        return None


def _lines(path: Path) -> Iterator[bytes]:
    file = _open(path)
    if file is None:
        return
    with file:
        behind = file.seek(0, os.SEEK_END) - JOURNAL_BYTES
        file.seek(max(0, behind))
        if behind > 0:
            logger.warning("Of %s only the last %d MiB are read", path, JOURNAL_BYTES >> 20)
            file.readline(LINE_BYTES)  # the rest of a line
        while line := file.readline(LINE_BYTES):
            yield line


def _unpacked_lines(path: Path) -> Iterator[bytes]:
    rest = bytearray()
    for part in _unpacked(path):
        rest += part
        *lines, last = rest.split(b"\n")
        rest = bytearray(last) if len(last) <= LINE_BYTES else bytearray()
        yield from map(bytes, filter(None, lines))
    if rest:
        yield bytes(rest)


def _unpacked(path: Path) -> Iterator[bytes]:
    """Each gzip member's content (RFC 1952, section 2.2), in parts; the end of the file may be anywhere."""
    file = _open(path)
    if file is None:
        return
    size_bytes = 0
    with file:
        member, data = zlib.decompressobj(wbits=31), b""
        while data or (data := file.read(CHUNK_BYTES)):
            try:
                part = member.decompress(data, CHUNK_BYTES)
            except zlib.error as error:
                logger.warning("%s is damaged after %d bytes of samples (%s)", path, size_bytes, error)
                return
            size_bytes += len(part)
            if size_bytes > UNPACKED_BYTES:
                logger.warning("%s holds more than %d MiB: the rest is not read", path, UNPACKED_BYTES >> 20)
                return
            yield part
            data = member.unconsumed_tail
            if member.eof:
                data, member = member.unused_data, zlib.decompressobj(wbits=31)
