"""What a panel draws: rows of several kinds folded into a value a poll, with gaps where nothing is known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan
from statistics import median

from nbrtc.stats.interval import largest, total
from nbrtc.stats.plots.panels import PANELS, Panel
from nbrtc.stats.row import StatsRow

MOST_LINES = 8
"""More lines in a panel cannot be told apart."""

BOTH_WAYS = "both ways"


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one connection in one direction; NaN where nothing is known, and across a pause."""

    participant: str
    way: str
    """``"send"``, ``"receive"`` or ``"both ways"``."""
    times_s: list[float]
    values: list[float]

    @property
    def is_known(self) -> bool:
        """Whether any value is."""
        return not all(isnan(value) for value in self.values)

    def spaced(self, place: int, count: int = 8) -> list[int]:
        """Numbers of about `count` values for markers, elsewhere than other places', and of the lone ones."""
        step = max(1, -(-len(self.values) // count))
        return sorted({*range((place * step // 3) % step, len(self.values), step), *self.alone()})

    def alone(self) -> list[int]:
        """Numbers of the values between two gaps: no line shows them."""
        around = [nan, *self.values, nan]
        return [
            n
            for n, value in enumerate(self.values)
            if not isnan(value) and isnan(around[n]) and isnan(around[n + 2])
        ]


def chosen(rows: Iterable[StatsRow]) -> tuple[list[str], list[str]]:
    """Whose lines are drawn, and whose would be too many: those measured longest stay.

    Both in the order of their first row.
    """
    polls: dict[str, set[float]] = {}
    ways: dict[str, set[str]] = {}
    for row in rows:
        polls.setdefault(row.participant, set()).add(row.time_s)
        ways.setdefault(row.participant, set()).add(row.direction)
    room, shown = MOST_LINES, set()
    for participant in sorted(polls, key=lambda each: -len(polls[each])):
        room -= len(ways[participant])
        if room < 0:
            break
        shown.add(participant)
    return [each for each in polls if each in shown], [each for each in polls if each not in shown]


def lines(rows: Iterable[StatsRow], metric: str) -> list[Line]:
    """The lines of a panel, one a connection: nothing is known of the time between two generations."""
    panel = PANELS[metric]
    polls: dict[tuple[str, str, int], dict[float, list[float]]] = {}
    for row in rows:
        key = (row.participant, BOTH_WAYS if panel.both_ways else row.direction, row.generation)
        polls.setdefault(key, {}).setdefault(row.time_s, []).append(getattr(row, metric))
    found = []
    for (participant, way, _), series in polls.items():
        times_s, values = with_gaps(list(series), [folded(each, panel) for each in series.values()])
        found.append(Line(participant, way, times_s, values))
    return found


def folded(values: Sequence[float], panel: Panel) -> float:
    """Video's and audio's value as one; a sum with an unknown part is unknown, not a dip."""
    if panel.fold == "sum":
        return total(values)
    return largest(values) if panel.fold == "max" else -largest(-value for value in values)


def with_gaps(times_s: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """The same with a NaN where polls were missed: a line would claim to know what was between."""
    steps_s = [later - earlier for earlier, later in pairwise(times_s)]
    if not steps_s:
        return list(times_s), list(values)
    usual_s = median(steps_s)
    out_s, out = [times_s[0]], [values[0]]
    for step_s, time_s, value in zip(steps_s, times_s[1:], values[1:], strict=True):
        if step_s > 3 * usual_s:
            out_s.append(time_s - step_s / 2)
            out.append(nan)
        out_s.append(time_s)
        out.append(value)
    return out_s, out
