"""From the series of a peer connection back to its polls: which value belongs to which getStats.

Chrome writes a series for each member of each stats object: the values, and the times of the first and the
last. Most members begin and end with their object; some begin later, end earlier, or have gaps. Since
Chromium 117 an object has a series of timestamps, too, so that the times of a shorter series say between
which polls it belongs. Aligning series at their ends, as some importers do, is wrong for those that ended
before.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from nbrtc.errors import DumpError
from nbrtc.messages import StatsSample
from nbrtc.stats.dumps.gaps import presence
from nbrtc.stats.dumps.internals_m86 import type_of
from nbrtc.stats.dumps.legacy import standardised
from nbrtc.stats.dumps.limits import Limits, decode, refuse, seconds
from nbrtc.stats.dumps.stats_object import Cell, Placing, Series, StatsObject, flat, milliseconds

RING = 1000
"""So many values Chrome keeps of a series."""

_SAME_POLL_MS = 20.0
"""Objects of one getStats have one timestamp in Chromium; elsewhere they are a few ms apart."""


class ConnectionPolls:
    """The polls of one connection.

    Parameters
    ----------
    key
        The connection's name in the dump.
    stats
        Its series by ``"<stats id>-<member>"``.
    placing
        What a dump that nbrtc wrote says besides.
    values_before
        How many values the dump had in other connections, for its limit.

    Raises
    ------
    DumpError
        If series are not what they should be.
    """

    def __init__(
        self,
        key: str,
        stats: Mapping[str, Series],
        placing: Placing | None,
        limits: Limits,
        values_before: int,
    ) -> None:
        self.peer = placing.participant if placing else key
        self.generation = placing.generation if placing else 1
        self.values = 0
        """How many there are."""
        self.unplaced = 0
        """How many are left out, because a series has a gap and does not say where."""
        self._key = key
        self._stats = stats
        self._placing = placing
        self._limits = limits
        self._values_before = values_before
        self._objects: dict[str, StatsObject] = {}
        self._collect()
        self._times_ms = self._grid()
        for object_ in self._objects.values():
            object_.slots = self._place(object_)

    def samples(self) -> list[StatsSample]:
        """The polls, oldest first; one without objects is none."""
        reports: list[list[dict[str, Any]]] = [[] for _ in self._times_ms]
        for object_ in self._objects.values():
            self._fill(object_, reports)
        return [
            StatsSample(time_ms / 1000, self.peer, self.generation, tuple(standardised(found)))
            for time_ms, found in zip(self._times_ms, reports, strict=True)
            if found or self._placing
        ]

    def bracketed(self) -> Iterator[tuple[str, str, list[tuple[float, float]]]]:
        """Chrome's derived series: stats id, name in brackets, and (Unix time, value)."""
        for key, series in self._stats.items():
            id_, mark, name = key.partition("-[")
            object_ = self._objects.get(id_)
            if not mark or object_ is None or object_.is_remote:
                continue
            values = self._decoded(series, key)
            slots = self._slots(object_, name, len(values), series)
            if len(slots) == len(values) and all(type(value) in (int, float) for value in values):
                times_s = [self._times_ms[slot] / 1000 for slot in slots]
                yield id_, f"[{name}", list(zip(times_s, values, strict=True))

    # --- the objects

    def _collect(self) -> None:
        objects = self._objects
        for key, series in self._stats.items():
            if "-[" in key:  # derived by Chrome
                continue
            id_, dash, name = key.rpartition("-")
            if not dash:
                continue
            object_ = objects.get(id_)
            if object_ is None:
                object_ = objects[id_] = StatsObject(id_)
            if object_.type is None:
                object_.type = series.statsType
            values = self._decoded(series, key)
            if name == "timestamp":
                object_.times_ms = self._times(values, key)
            elif values:
                object_.columns[name] = values, series
        for object_ in objects.values():
            if object_.type is None:
                self._infer(object_)

    def _decoded(self, series: Series, key: str) -> list[Any]:
        values = series.values
        if isinstance(values, str):
            refuse(self._values_before + self.values + values.count(","), self._limits.values, "values")
            values = decode(values, list[Cell], f"Series {key} of connection {self._key}")
        self.values += len(values)
        refuse(self._values_before + self.values, self._limits.values, "values")
        return values

    def _times(self, values: list[Any], key: str) -> list[float]:
        for value in values:
            if seconds(value) is None:
                raise DumpError(
                    f"Series {key} of connection {self._key} has {str(value)[:40]!r} where the time of a "
                    "poll should be, in ms since 1970: the dump is damaged."
                )
        return list(map(float, values))

    def _infer(self, object_: StatsObject) -> None:
        """Before Chromium 117 only the id says the type."""
        types, _ = object_.columns.get("type", ([], None))
        known = next((value for value in types if isinstance(value, str)), None)
        remote, _ = object_.columns.get("isRemote", ([], None))
        inferred, kind = type_of(object_.id, remote[-1] if remote else None)
        object_.type = known or inferred
        longest = max(object_.columns.values(), key=lambda column: len(column[0]), default=None)
        if longest is None:
            return
        said = {"type": object_.type, "kind": None if "mediaType" in object_.columns else kind}
        for name, value in said.items():
            if value is not None and name not in object_.columns:
                object_.columns[name] = [value] * len(longest[0]), longest[1]

    # --- the polls

    def _grid(self) -> list[float]:
        """When getStats was called, in ms."""
        if self._placing:
            return self._placed_grid(self._placing)
        timed = [object_ for object_ in self._objects.values() if object_.times_ms]
        polled = [object_ for object_ in timed if not object_.is_remote]
        grid = self._regular_grid() if not polled else []
        if not grid:
            for time in sorted({time for object_ in polled or timed for time in object_.times_ms or ()}):
                if not grid or time - grid[-1] > _SAME_POLL_MS:
                    grid.append(time)
        refuse(len(grid), self._limits.polls, f"polls in connection {self._key}")
        return grid

    def _placed_grid(self, placing: Placing) -> list[float]:
        if any(seconds(1000 * time_s) is None for time_s in placing.times):
            raise DumpError(f"Connection {self._key} has polls at times that are none: the dump is damaged.")
        refuse(len(placing.times), self._limits.polls, "polls")
        return [1000 * time_s for time_s in placing.times]

    def _regular_grid(self) -> list[float]:
        """Before Chromium 117 there are no timestamps: the longest series divides its time evenly."""
        best: tuple[int, float, float] | None = None
        for object_ in self._objects.values():
            for values, series in object_.columns.values():
                start, end = milliseconds(series.startTime), milliseconds(series.endTime)
                if (
                    seconds(start) is None
                    or seconds(end) is None
                    or start is None
                    or end is None
                    or end < start
                ):
                    continue
                if not object_.is_remote and (best is None or len(values) > best[0]):
                    best = len(values), start, end
        if best is None:
            return []
        count, start, end = best
        step = (end - start) / (count - 1) if count > 1 else 0.0
        return [start + step * index for index in range(count)]

    def _place(self, object_: StatsObject) -> list[int]:
        """In which polls the object was."""
        grid, times = self._times_ms, object_.times_ms
        if self._placing:
            first = self._placing.first.get(object_.id)
            count = len(times or ())
            if first is None or first < 0 or first + count > len(grid):
                raise DumpError(
                    f"Object {object_.id} of connection {self._key} is in no poll: the dump is damaged."
                )
            return list(range(first, first + count))
        if times is None:
            return self._untimed(object_)
        if not object_.is_remote:
            return [max(0, bisect_right(grid, time) - 1) for time in times]
        return self._arrivals(times)

    def _arrivals(self, times: Sequence[float]) -> list[int]:
        """Polls of an object whose timestamps are arrivals: each is first seen by the poll after it."""
        grid = self._times_ms
        last = len(grid) - len(times)
        # A series that is full has lost its beginning, so that its first value is not that of the first
        # arrival.
        slot = last - 1 if len(times) >= RING else -1
        slots: list[int] = []
        before = None
        for time in times:
            slot += 1
            if time != before:
                # A poll's timestamp is that of the question, so that an arrival may be a bit later and still
                # be in it.
                slot = max(slot, bisect_left(grid, time - (_SAME_POLL_MS if slots else 0)))
            slots.append(slot)
            before = time
        # The first may have been in the poll before, too, or clocks disagree: then it was there to the end.
        return slots if slot < len(grid) else [max(0, last + index) for index in range(len(times))]

    def _untimed(self, object_: StatsObject) -> list[int]:
        """Polls of an object that has no timestamps: those between its first and its last value."""
        count = max((len(values) for values, _ in object_.columns.values()), default=0)
        for values, series in object_.columns.values():
            if len(values) == count and (window := self._window(series, object_.is_remote)):
                low, high = window
                # The grid is only nearly that of the polls, so that a window may be a poll too wide or too
                # narrow.
                first = low if object_.is_remote else max(0, high - count + 1)
                return list(range(first, min(first + count, len(self._times_ms))))
        return []

    def _window(self, series: Series, rounds_up: bool) -> tuple[int, int] | None:
        start, end = milliseconds(series.startTime), milliseconds(series.endTime)
        grid = self._times_ms
        if start is None or end is None or not grid:
            return None
        if rounds_up:
            return min(bisect_left(grid, start), len(grid) - 1), min(bisect_left(grid, end), len(grid) - 1)
        return _nearest(grid, start), _nearest(grid, end)

    # --- the values

    def _slots(self, object_: StatsObject, name: str, count: int, series: Series) -> list[int]:
        """In which polls the values of a series are; fewer than values where it does not say."""
        slots = object_.slots
        if count == len(slots):
            return slots
        if object_.times_ms is None:
            window = self._window(series, object_.is_remote)
            if window is None or count > len(slots):
                return []
            high = min(window[1], slots[-1]) if slots else -1
            return [slot for slot in range(high - count + 1, high + 1) if slot >= 0]
        times = object_.times_ms[: len(slots)]
        start, end = milliseconds(series.startTime), milliseconds(series.endTime)
        if start is None or end is None or count > len(slots):
            return []
        # Times of series are cut to whole ms. Objects of RTCP keep theirs until the next report comes.
        low = bisect_left(times, start) if _is_sorted(times) else 0
        high = bisect_left(times, end + 1) if _is_sorted(times) else len(times)
        while high - low > count and low + 1 < high and times[low] == times[low + 1]:
            low += 1
        while high - low > count and high - 2 >= low and times[high - 1] == times[high - 2]:
            high -= 1
        if high - low == count:
            return slots[low:high]
        if high - low < count:
            return []
        mask = presence(name, object_.whole(), self._selected(object_)) or []
        there = [slot for slot, is_there in zip(slots[low:high], mask[low:high], strict=False) if is_there]
        if len(there) == count:
            return there
        return [slots[low], slots[high - 1]] if count >= 2 else []

    def _selected(self, object_: StatsObject) -> list[bool]:
        """In which of its polls a candidate pair carried the media, as the transports say."""
        pairs: dict[int, set[Any]] = {}
        for transport in self._objects.values():
            if transport.type == "transport":
                named = transport.whole().get("selectedCandidatePairId", ())
                for slot, pair in zip(transport.slots, named, strict=False):
                    pairs.setdefault(slot, set()).add(pair)
        return [object_.id in pairs.get(slot, ()) for slot in object_.slots]

    def _fill(self, object_: StatsObject, reports: list[list[dict[str, Any]]]) -> None:
        """Put the object into the polls that it was in."""
        whole: dict[str, list[Any]] = {}
        parts: list[tuple[str, list[int], list[Any]]] = []
        slots = object_.slots
        for name, (values, series) in object_.columns.items():
            placed = self._slots(object_, name, len(values), series)
            kept = values
            if len(placed) < len(values):
                self.unplaced += len(values) - len(placed)
                kept = [values[0], values[-1]] if len(placed) == 2 else []
                placed = placed if kept else []
            for label, column in flat(name, kept):
                if placed is slots:
                    whole[label] = column
                elif placed:
                    parts.append((label, placed, column))
        if object_.times_ms is not None:
            whole["timestamp"] = object_.times_ms[: len(slots)]
        names = ("id", *whole)
        has_type = "type" in whole
        found: dict[int, dict[str, Any]] = {}
        gaps = any(None in column for column in whole.values())
        for slot, row in zip(slots, zip(repeat(object_.id), *whole.values()), strict=False):
            report = dict(zip(names, row, strict=True))
            if gaps:
                report = {label: value for label, value in report.items() if value is not None}
                if has_type and "type" not in report:  # it was away in this poll
                    continue
            found[slot] = report
        for label, placed, column in parts:
            for slot, value in zip(placed, column, strict=True):
                if slot in found and value is not None:
                    found[slot][label] = value
        for slot, report in found.items():
            if object_.times_ms is None:
                report["timestamp"] = self._times_ms[slot]
            if not has_type and object_.type is not None:
                report.setdefault("type", object_.type)
            reports[slot].append(report)


def _nearest(grid: Sequence[float], time: float) -> int:
    right = bisect_left(grid, time)
    if right == 0:
        return 0
    if right == len(grid):
        return right - 1
    return right if grid[right] - time < time - grid[right - 1] else right - 1


def _is_sorted(times: Sequence[float]) -> bool:
    return all(map(float.__le__, times[:-1], times[1:]))
