"""What rooms and people may be called, and what they may say: checked at the door, refused in words."""

import re
import unicodedata

from ..errors import RoomError
from ..messages.signaling import MAX_NAME

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
RESERVED = frozenset({"you", "python"})
"""Ids that mean something else inside a call: this page's camera, and the link's statistics."""
JOINERS = "\u200c\u200d"
"""Invisible, but part of Persian words and of composed pictographs."""
SHOWN = 40
"""So many characters of a refused value are repeated in its error."""


def check_room_id(value: str) -> str:
    """Return a room's id.

    Raises
    ------
    RoomError
        ``"invalid"``, if it is not 1 to 64 letters, digits, ``-`` or ``_``.
    """
    if not ID.fullmatch(value):
        raise RoomError(
            f"{_shown(value)} cannot be a room's id: use 1 to 64 of A-Z, a-z, 0-9, - and _.", "invalid"
        )
    return value


def check_participant_id(value: str) -> str:
    """Return a participant's id; like a room's, and neither ``you`` nor ``python``."""
    if not ID.fullmatch(value) or value in RESERVED:
        raise RoomError(
            f"{_shown(value)} cannot be a participant's id: use 1 to 64 of A-Z, a-z, 0-9, - and _.", "invalid"
        )
    return value


def check_recording_id(value: str) -> str:
    """Return a recording's id; like a room's."""
    if not ID.fullmatch(value):
        raise RoomError(
            f"{_shown(value)} cannot be a recording's id: use 1 to 64 of A-Z, a-z, 0-9, - and _.", "invalid"
        )
    return value


def check_name(value: str) -> str:
    """Return the name of a person or a room without surrounding space, composed (Unicode NFC).

    Raises
    ------
    RoomError
        ``"invalid"``, if it is empty, longer than 64 characters, or has characters that cannot be printed,
        among them NUL and those that turn the direction of writing (Unicode Annex 9).
    """
    if len(value) > 4 * MAX_NAME:  # nothing that long is worth normalising
        raise RoomError(f"A name has at most {MAX_NAME} characters; this one has {len(value)}.", "invalid")
    name = unicodedata.normalize("NFC", value).strip() if value.isascii() or _is_text(value) else ""
    if not name or not all(c.isprintable() or c in JOINERS for c in name) or not name.strip(JOINERS + " "):
        raise RoomError(f"{_shown(value)} cannot be a name: use letters that can be printed.", "invalid")
    if len(name) > MAX_NAME:
        raise RoomError(f"A name has at most {MAX_NAME} characters; this one has {len(name)}.", "invalid")
    return name


def check_text(value: str, limit_bytes: int, what: str) -> str:
    """Return a text that is valid Unicode and has at most so many bytes in UTF-8.

    Raises
    ------
    RoomError
        ``"too-large"`` or ``"invalid"``.
    """
    if len(value) > limit_bytes or not value.isascii():
        if not _is_text(value):
            raise RoomError(f"{what} is not text: it has half a character (a lone surrogate).", "invalid")
        if (size := len(value.encode())) > limit_bytes:
            raise RoomError(f"{what} has {size} bytes; at most {limit_bytes} are taken.", "too-large")
    return value


def _is_text(value: str) -> bool:
    """Whether it has a UTF-8 form: JSON can smuggle in lone surrogates, which have none."""
    return not any("\ud800" <= c <= "\udfff" for c in value)


def _shown(value: str) -> str:
    return ascii(value if len(value) <= SHOWN else value[:SHOWN] + "...")
