"""getStats of one connection as rtcstats writes it: what differs from the call before.

Three dialects, told apart by what is in the lines: Chrome's internals page writes every object whole;
rtcstats leaves out an object that did not change and writes null for one that is gone; jitsi keeps an object
that did not change, with nothing but its timestamp, and leaves out one that is gone.
"""

from collections.abc import Mapping
from typing import Any

from nbrtc.stats.dumps.legacy import standardised
from nbrtc.stats.dumps.limits import scalar, seconds
from nbrtc.stats.dumps.rtcstats_codes import MEMBERS, TYPES
from nbrtc.stats.interval import Scalar

Report = dict[str, Any]


class Snapshots:
    """The stats objects of one connection as of its newest poll.

    Parameters
    ----------
    names_are_coded
        Whether numbers may stand for names (file format 3).
    """

    def __init__(self, *, names_are_coded: bool) -> None:
        self._names_are_coded = names_are_coded
        self._objects: dict[str, Report] = {}
        self._drops_what_is_gone = False

    def add(self, stats: Mapping[str, Any], line_ms: float) -> tuple[float, tuple[dict[str, Scalar], ...]]:
        """Take the next poll in; returns its Unix time in seconds, and all its reports.

        Parameters
        ----------
        line_ms
            When the line was written, for dumps that do not say when they polled.

        Raises
        ------
        ValueError
            If an object is something else, with the words to complete "Line 7 ...".
        """
        parts: dict[str, Report | None] = {}
        shared_ms: float | None = None
        for id_, part in stats.items():
            if part is None or isinstance(part, dict):
                parts[id_] = part
            elif id_ in ("timestamp", "t") and type(part) in (int, float):
                shared_ms = part if seconds(part) is not None else line_ms
            else:
                raise ValueError(f"has {str(part)[:40]!r} in place of the stats object {id_[:80]!r}")
        if any(part is not None and "id" in part for part in parts.values()):
            self._objects = {id_: {**part, "id": id_} for id_, part in parts.items() if part is not None}
        else:
            self._merge(parts, line_ms if shared_ms is None else shared_ms)
        reports = tuple(standardised([_report(object_) for object_ in self._objects.values()]))
        return self._time_s(reports, shared_ms, line_ms), reports

    def _merge(self, parts: Mapping[str, Report | None], polled_ms: float) -> None:
        if self._objects and not self._names_are_coded:
            self._drops_what_is_gone = self._drops_what_is_gone or any(
                part is not None and (not part or part == {"timestamp": 0}) for part in parts.values()
            )
        merged: dict[str, Report] = {}
        for id_, before in self._objects.items():
            if id_ not in parts and not self._drops_what_is_gone:
                # An object of RTCP that did not change has had no new report; others were polled again.
                merged[id_] = before if _is_remote(before) else {**before, "timestamp": polled_ms}
        for id_, part in parts.items():
            if part is None:
                continue
            before = self._objects.get(id_, {"id": id_})
            named = self._named(part)
            object_ = {**before, **named}
            for name, value in named.items():
                nested = before.get(name)
                if isinstance(value, dict) and isinstance(nested, dict):
                    object_[name] = {**nested, **value}
            if not named.get("timestamp") and not (_is_remote(object_) and before.get("timestamp")):
                object_["timestamp"] = polled_ms
            elif not named.get("timestamp"):
                object_["timestamp"] = polled_ms if named.get("timestamp") == 0 else before["timestamp"]
            merged[id_] = object_
        self._objects = merged

    def _named(self, part: Report) -> Report:
        if not self._names_are_coded:
            return part
        named = {MEMBERS.get(name, name): value for name, value in part.items()}
        type_ = named.get("type")
        if type(type_) is int and 0 < type_ < len(TYPES):
            named["type"] = TYPES[type_]
        return named

    @staticmethod
    def _time_s(reports: tuple[dict[str, Scalar], ...], shared_ms: float | None, line_ms: float) -> float:
        polled = (
            report.get("timestamp") for report in reports if not _is_remote(report) and "timestamp" in report
        )
        newest_ms = shared_ms or max((time for time in polled if isinstance(time, int | float)), default=None)
        newest_s = seconds(newest_ms)
        return line_ms / 1000 if newest_s is None else newest_s


def _is_remote(object_: Mapping[str, Any]) -> bool:
    """Whether its timestamp is the arrival of an RTCP report."""
    return object_.get("type") in ("remote-inbound-rtp", "remote-outbound-rtp")


def _report(object_: Report) -> dict[str, Scalar]:
    """Members without those that Chrome derived (in brackets); members of members get dotted names."""
    flat: dict[str, Scalar] = {}
    for name, value in object_.items():
        if name.startswith("["):
            continue
        if isinstance(value, dict):
            for inner, part in value.items():
                if _is_scalar(part):
                    flat[f"{name}.{inner}"] = scalar(part)
        elif value is not None and not isinstance(value, list):
            flat[name] = scalar(value)
    return flat


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)
