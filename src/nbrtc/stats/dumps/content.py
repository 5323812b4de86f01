"""The bytes of a dump: read and inflated up to a limit, whatever the file is called."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nbrtc.errors import DumpError

_GZIP = b"\x1f\x8b"
_CHUNK = 2**18
_FOREIGN = {
    b"PK\x03\x04": "a zip archive: unpack it and load the file inside",
    b"\x28\xb5\x2f\xfd": "compressed with zstd: unpack it first",
    b"BZh": "compressed with bzip2: unpack it first",
    b"\xfd7zXZ": "compressed with xz: unpack it first",
    b"PAR1": "a Parquet file; of statistics that were spilled load the whole folder",
    b"\xff\xfe": "text in UTF-16: save it as UTF-8",
    b"\xfe\xff": "text in UTF-16: save it as UTF-8",
    b"\x1aE\xdf\xa3": "a recording (Matroska or WebM), not statistics",
}


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds, inflated."""

    data: bytes
    is_truncated: bool
    """The compressed data end before their end."""


def read_content(path: Path, max_bytes: int) -> Content:
    """Read a file, inflating gzip; never holds more than `max_bytes` of it.

    Raises
    ------
    DumpError
        If it is larger, empty, damaged, or of a kind that holds no dump.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(8)
        file.seek(0)
        if not head:
            raise DumpError(f"{path.name} is empty: the dump was not saved. Create it again.")
        for magic, what in _FOREIGN.items():
            if head.startswith(magic):
                raise DumpError(f"{path.name} is {what}.")
        if head.startswith(_GZIP):
            content = _inflate(iter(lambda: file.read(_CHUNK), b""), path.name, max_bytes)
        else:
            content = Content(file.read(max_bytes + 1), False)
            if len(content.data) > max_bytes:
                raise _too_large(path.name, max_bytes)
    data = content.data.removeprefix(b"\xef\xbb\xbf")
    if not data.strip():
        raise DumpError(f"{path.name} holds nothing but blanks: the dump was not saved. Create it again.")
    return Content(data, content.is_truncated)


def _inflate(chunks: Iterator[bytes], name: str, max_bytes: int) -> Content:
    """Inflate member after member; a bomb is stopped at the limit, not after it went off."""
    parts: list[bytes] = []
    size = 0
    member = None
    for chunk in chunks:
        rest = chunk
        while rest:
            if member is None:
                rest = rest.lstrip(b"\0") if parts else rest  # some tools pad their files
                if not rest:
                    break
                member = zlib.decompressobj(wbits=31)
            try:
                part = member.decompress(rest, max_bytes + 1 - size)
            except zlib.error as error:
                raise DumpError(
                    f"{name} is damaged after {size} bytes of content ({error}): create or download it again."
                ) from error
            size += len(part)
            parts.append(part)
            if size > max_bytes:
                raise _too_large(name, max_bytes)
            rest = member.unused_data if member.eof else member.unconsumed_tail
            member = None if member.eof else member
    return Content(b"".join(parts), member is not None)


def _too_large(name: str, max_bytes: int) -> DumpError:
    return DumpError(
        f"{name} holds more than {max_bytes / 2**20:.4g} MiB of statistics. "
        "If you trust it and have the memory, load it with a larger max_bytes."
    )
