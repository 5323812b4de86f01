"""How much a dump may hold, and how its JSON is read: nothing foreign gets past here as another error."""

import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec

from nbrtc.errors import DumpError
from nbrtc.stats.interval import Scalar

MAX_BYTES = 256 * 2**20
"""Of a dump after decompression; a call of ten connections over an hour is about 100 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a dump is refused beyond: far more than a browser writes, and little enough for a laptop."""

    connections: int = 1_000
    series: int = 100_000
    """Of one connection; Chrome has about 400, a large conference 10,000."""
    values: int = 30_000_000
    """Of all series and polls together."""
    events: int = 500_000
    polls: int = 500_000
    """Of all connections together."""
    line_bytes: int = 16 * 2**20
    """Of a dump that consists of lines."""
    text: int = 1_000_000
    """Characters of one event's value, what is beyond is cut off."""


LIMITS = Limits()

EARLIEST_MS, LATEST_MS = 631152000_000, 4102444800_000
"""1990 to 2100: a poll at another time is no poll."""

_TRUNCATED = "Input data was truncated"
"""What msgspec says of JSON without its end."""

_LARGEST_INT = 2**63 - 1
_LARGEST_FLOAT = 10**308
_LONE_SURROGATE = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|"
    rb"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def decode(text: bytes | str, type_: Any, what: str) -> Any:
    """Read JSON into a type; `what` names it in the error ("the series ...").

    Raises
    ------
    DumpError
        If it is not JSON, is nested too deeply, or has other types; it says where.
    """
    try:
        return _decoder(type_).decode(text)
    except msgspec.ValidationError as error:
        raise DumpError(f"{what} is not as in a dump of statistics: {error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError) as error:
        raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
        mended = _LONE_SURROGATE.sub(rb"\1\\ufffd", raw)
        if mended != raw:  # JavaScript writes half a character where a label was cut; msgspec refuses it
            return decode(mended, type_, what)
        if str(error) == _TRUNCATED:
            raise cut_off(what, len(raw)) from error
        reason = str(error).replace("JSON is malformed: ", "")
        raise DumpError(f"{what} is not valid JSON: {reason}.") from error
    except RecursionError as error:
        raise DumpError(f"{what} is nested too deeply to be a dump of statistics.") from error


@lru_cache(maxsize=32)
def _decoder(type_: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def cut_off(what: str, size: int) -> DumpError:
    """The error for JSON without its end."""
    return DumpError(
        f"{what} breaks off after {size} bytes: it was not saved or downloaded to its end. "
        "Create or download it again."
    )


def refuse(count: int, limit: int, what: str) -> None:
    """Raise DumpError where a dump has more than the limit."""
    if count > limit:
        raise DumpError(
            f"The dump has {count} {what}, more than the {limit} that are read: "
            "save a shorter one, or split it."
        )


def scalar(value: object) -> Scalar:
    """A member of a report; integers beyond 64 bits become floats, or None beyond those."""
    if type(value) is int:
        if -_LARGEST_INT <= value <= _LARGEST_INT:
            return value
        return float(value) if abs(value) < _LARGEST_FLOAT else None
    if type(value) is float:
        return value if isfinite(value) else None
    return value if isinstance(value, str | bool) else None


def seconds(time_ms: object) -> float | None:
    """Unix time, in seconds, of ms since 1970; None for what is no time at which there was WebRTC."""
    if type(time_ms) in (int, float) and EARLIEST_MS <= time_ms <= LATEST_MS:  # type: ignore[operator]
        return time_ms / 1000  # type: ignore[operator]
    return None
