"""Files with secrets: what signs room tokens, and what is shared with a TURN server."""

import os
import stat
import sys
from pathlib import Path

MIN_BYTES = 32
"""Of either: RFC 7518, section 3.2, for tokens; and whoever is given one TURN credential can try secrets on
it at leisure."""


def read_secret(path: Path) -> bytes:
    """The secret in a file, without the line's end.

    Raises
    ------
    ValueError
        The file cannot be read or holds less than 32 bytes.
    """
    try:
        secret = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ValueError(
            f"The secret file {str(path)!r} cannot be read ({error.strerror}). This makes one: "
            f'python -c "import secrets; print(secrets.token_hex(32))" > {path}'
        ) from error
    if len(secret) < MIN_BYTES:
        raise ValueError(
            f"The secret file {str(path)!r} holds {len(secret)} bytes; {MIN_BYTES} or more are needed."
        )
    return secret


def read_turn_secret(path: Path) -> str:
    """The same for what is shared with a TURN server, as text.

    Raises
    ------
    ValueError
        The file cannot be read, or its content cannot stand in coturn's configuration.
    """
    from ..ice.turn_options import check_secret

    try:
        return check_secret(read_secret(path).decode("ascii"))
    except UnicodeDecodeError as error:
        raise ValueError(f"The secret file {str(path)!r} is not text of one line.") from error


def warn_if_others_read(path: Path) -> None:
    """Say it on stderr where the file's mode lets others of this machine read it."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # said when it is read
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        print(f"nbrtc: others on this machine can read {path}: chmod 600 it.", file=sys.stderr)
