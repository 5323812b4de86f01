"""One peer connection's polls as the series of chrome://webrtc-internals."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from nbrtc.messages import StatsSample
from nbrtc.stats.dumps.chrome_derived import chrome_derived

_NESTED = ("qualityLimitationDurations", "psnrSum")
"""Members that are objects in webrtc-stats; other names with a point are Chrome's own."""

_LAST_DATE_MS = 253402300799999
"""The end of year 9999: what is later is no time since 1970 in ms."""


class ObjectColumns:
    """One stats object over the polls of its connection: a value, or None, for each member and poll.

    All columns are equally long and begin with the poll `first`, so that a value belongs to the poll at its
    place. Chrome leaves out what a poll does not have, and its readers have to guess where the gap was; null
    in its place is right for those that align a series at its end and for those that go by startTime.
    """

    def __init__(self, type_: str, first: int) -> None:
        self.type = type_
        self.first = first
        self.columns: dict[str, list[Any]] = {"timestamp": []}

    def add(self, place: int, members: Mapping[str, Any]) -> None:
        """Put the members of one poll at their place; those in between are None."""
        for name, value in members.items():
            column = self.columns.setdefault(name, [])
            column.extend([None] * (place - self.first + 1 - len(column)))
            column[place - self.first] = value

    def finish(self, polled_ms: Sequence[float]) -> None:
        """Fill all columns up to the object's last poll; where it was away, the poll's time stands in."""
        size = max(map(len, self.columns.values()))
        for column in self.columns.values():
            column.extend([None] * (size - len(column)))
        times = self.columns["timestamp"]
        for index, time in enumerate(times):
            if type(time) not in (int, float) or not 0 <= time <= _LAST_DATE_MS:
                times[index] = polled_ms[self.first + index]


class ConnectionSeries:
    """The series of one connection.

    Parameters
    ----------
    samples
        The polls of one generation of one participant, oldest first.
    """

    def __init__(self, samples: Sequence[StatsSample]) -> None:
        self.times_s = [sample.time_s for sample in samples]
        objects: dict[str, ObjectColumns] = {}
        order: list[str] = []
        for place, sample in enumerate(samples):
            before = None
            for report in sample.reports:
                id_ = _id_of(report)
                if id_ not in objects:
                    objects[id_] = ObjectColumns(str(report.get("type") or ""), place)
                    # In the file, too, it stands behind what it stood behind in its first poll.
                    order.insert(0 if before is None else order.index(before) + 1, id_)
                objects[id_].add(place, _members(report))
                before = id_
        self._objects = {id_: objects[id_] for id_ in order}
        polled_ms = [1000 * time_s for time_s in self.times_s]
        for columns in self._objects.values():
            columns.finish(polled_ms)

    @property
    def first(self) -> dict[str, int]:
        """In which poll each object appeared."""
        return {id_: columns.first for id_, columns in self._objects.items()}

    def stats(self) -> dict[str, dict[str, str]]:
        """The member ``stats`` of a connection: by ``"<id>-<member>"`` the values, as JSON in a string."""
        codecs = self._codec_names()
        found = {}
        for id_, object_ in self._objects.items():
            columns = object_.columns
            times = columns["timestamp"]
            head = {
                "startTime": _iso(min(times)),
                "endTime": _iso(max(times)),
                "statsType": object_.type,
            }
            names = sorted(columns.keys() - {"timestamp"})
            series = {name: columns[name] for name in names}
            if "codecId" in columns:
                series["[codec]"] = [codecs.get(value) for value in columns["codecId"]]
            series["timestamp"] = times
            series |= chrome_derived(object_.type, columns)
            for name, values in series.items():
                found[f"{id_}-{name}"] = {**head, "values": encoded(values).decode()}
        return found

    def _codec_names(self) -> dict[Any, str]:
        """Codecs as Chrome words them: ``"opus (111, minptime=10;useinbandfec=1)"``."""
        names = {}
        for id_, object_ in self._objects.items():
            if object_.type == "codec":
                mime, payload, format_ = (
                    _last(object_.columns.get(name)) for name in ("mimeType", "payloadType", "sdpFmtpLine")
                )
                details = ", ".join(str(value) for value in (payload, format_) if value is not None)
                names[id_] = f"{str(mime).rpartition('/')[2]} ({details})"
        return names


def encoded(value: object) -> bytes:
    """JSON; what JSON cannot say (NaN, half a character) becomes null or a replacement character."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return msgspec.json.encode(_mended(value))


def _id_of(report: Mapping[str, Any]) -> str:
    """With "-[" begins the name of a derived series, wherever it stands in a key."""
    return str(report.get("id")).replace("-[", "-(")


def _members(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report without its id; ``qualityLimitationDurations.cpu`` and the like become one object."""
    members: dict[str, Any] = {}
    for name, value in report.items():
        # A key is split at its last hyphen, so a member that has one could not be told from another object's.
        if name == "id" or "-" in name or "[" in name:
            continue
        whole, dot, part = name.partition(".")
        if dot and whole in _NESTED:
            nested = members.get(whole)
            members[whole] = {**nested, part: value} if isinstance(nested, dict) else {part: value}
        else:
            members[name] = value
    return members


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_mended(name): _mended(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(member) for member in value]
    if type(value) is int and not -(2**63) <= value < 2**64:
        return float(value) if abs(value) < 10**300 else math.nan
    return value


def _last(column: Sequence[Any] | None) -> Any:
    return next((value for value in reversed(column or ()) if value is not None), None)


def _iso(time_ms: float) -> str:
    return (
        datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
