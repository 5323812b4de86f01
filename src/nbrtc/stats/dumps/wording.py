"""Values of events: verbatim text, whatever way a dump wraps it."""

import re
from typing import Any

import msgspec

from nbrtc.errors import DumpError
from nbrtc.stats.dumps.limits import LIMITS, decode

_QUOTED_WORD = re.compile(r'"([\w.:+/ -]*)"')


def plain(raw: msgspec.Raw | None) -> Any:
    """A member of the dump as Python's objects; None where it is missing."""
    return decode(bytes(raw), object, "A member of the dump") if raw else None


def event_value(raw: msgspec.Raw | None) -> str:
    """A value as text: a string as it is, nothing as "", the rest as JSON."""
    if not raw:
        return ""
    data = bytes(raw)
    if data[:1] == b'"':
        text: str = decode(data, str, "The value of an event")
    else:
        text = "" if data == b"null" else data.decode("utf-8", "replace")
    return text[: LIMITS.text]


def unquoted(text: str) -> str:
    """A state without the quotes of JSON that Chromium puts around it since version 142."""
    found = _QUOTED_WORD.fullmatch(text)
    return found[1] if found else text


def structure(text: str) -> Any:
    """JSON in a text as objects; a text that is none stays one."""
    if text[:1] in ("{", "["):
        try:
            return decode(text, object, "A member of the dump")
        except DumpError:
            return text
    return text
