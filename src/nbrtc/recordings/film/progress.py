"""What the film process tells its owner, a line of JSON each."""

from typing import BinaryIO

import msgspec
from msgspec import Struct


class Progress(Struct, frozen=True, omit_defaults=True):
    """One line: how far it is, or how it ended; nothing follows ``done`` or ``error``."""

    fraction: float | None = None
    """0 to 1."""
    done: str | None = None
    """The finished file, absolute."""
    duration_s: float = 0.0
    size_bytes: int = 0
    error: str | None = None
    """A sentence for a person."""
    note: str = ""
    """Of a film that is done: what is not as it could be, as a sentence."""


_encode = msgspec.json.Encoder().encode
read = msgspec.json.Decoder(Progress).decode
"""One line back into `Progress`; raises `msgspec.MsgspecError` if it is none."""


def write(stream: BinaryIO, line: Progress) -> None:
    """Write one line at once.

    Raises
    ------
    OSError
        The owner does not listen any more.
    """
    stream.write(_encode(line) + b"\n")
    stream.flush()
