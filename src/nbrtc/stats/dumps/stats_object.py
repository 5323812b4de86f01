"""A stats object of chrome://webrtc-internals: its series, and what their values mean."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from msgspec import Struct

from nbrtc.stats.dumps.limits import scalar

Number = int | float
Cell = str | int | float | bool | dict[str, str | int | float | bool | None] | None

_TEXTS = frozenset(
    ["mid", "rid", "foundation", "usernameFragment", "iceLocalUsernameFragment", "trackIdentifier", "label"]
)
"""Strings by the standard; the page makes numbers of those that look like one: ``mid`` "0" becomes 0."""


class Series(Struct):
    """One member of one stats object over time."""

    values: str | list[Cell]
    startTime: str | Number | None = None  # noqa: N815
    endTime: str | Number | None = None  # noqa: N815
    statsType: str | None = None  # noqa: N815


class Placing(Struct):
    """What `save_dump` adds to a connection, so that nothing has to be guessed."""

    participant: str
    generation: int
    times: list[float]
    first: dict[str, int]


class StatsObject:
    """The series of one stats object, and in which polls it was."""

    __slots__ = ("columns", "id", "slots", "times_ms", "type")

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.type: str | None = None
        self.times_ms: list[float] | None = None
        self.columns: dict[str, tuple[list[Any], Series]] = {}
        self.slots: list[int] = []

    def whole(self) -> dict[str, list[Any]]:
        """The members that were in all of its polls."""
        size = len(self.slots)
        return {name: values for name, (values, _) in self.columns.items() if len(values) == size}

    @property
    def is_remote(self) -> bool:
        """Whether its timestamps are arrivals of RTCP instead of polls (webrtc-stats, section 8.1)."""
        return (self.type or "").startswith("remote-") and self.type != "remote-candidate"


def flat(name: str, values: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    """A column, or where its values are objects one for each of their members (``name.member``)."""
    types = set(map(type, values))
    if dict not in types:
        if name in _TEXTS:
            yield name, [str(value) if type(value) in (int, float) else value for value in values]
        elif types <= {str, bool} or (types <= {int, float} and _fits(values)):
            yield name, values
        else:
            yield name, [scalar(value) for value in values]
        return
    members = dict.fromkeys(member for value in values if type(value) is dict for member in value)
    for member in members:
        yield (
            f"{name}.{member}",
            [scalar(value.get(member)) if type(value) is dict else None for value in values],
        )


def _fits(numbers: list[Any]) -> bool:
    """Whether 64 bits hold all of them."""
    return not numbers or (min(numbers) > -(2**63) and max(numbers) < 2**63)


@lru_cache(maxsize=4096, typed=True)
def milliseconds(moment: str | Number | None) -> float | None:
    """A time of the dump in ms since 1970: it is that already, or ISO 8601."""
    if isinstance(moment, str):
        try:
            found = datetime.fromisoformat(moment)
        except ValueError:
            return None
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000
    if isinstance(moment, bool) or moment is None:
        return None
    return float(moment) if abs(moment) < 2**60 else None
