"""What `expect` saw: each condition, and the rows that it looked at."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan
from typing import TYPE_CHECKING

from nbrtc.stats.expectations.condition import Condition
from nbrtc.stats.row import StatsRow

if TYPE_CHECKING:
    import pandas as pd

HEAD = ("metric", "wanted", "last", "where", "best", "worst", "values", "")


@dataclass(frozen=True, slots=True)
class Seen:
    """A value, and whose it is."""

    value: float
    participant: str
    direction: str
    kind: str

    @property
    def where(self) -> str:
        """``"python send video"``."""
        return f"{self.participant} {self.direction} {self.kind}"

    def __str__(self) -> str:
        return f"{self.value:.4g}"


class Outcome:
    """One condition and what became of it; of the last rows, of the rows before, and in all.

    Attributes
    ----------
    condition
        What should be.
    is_met
        Whether the last rows met it.
    last, best, worst
        The worst value of the last rows, and the best and worst of all; None where none was known.
    values
        How many were known.
    """

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.is_met = False
        self.last: Seen | None = None
        self.best: Seen | None = None
        self.worst: Seen | None = None
        self.values = 0

    def see(self, rows: Iterable[StatsRow]) -> None:
        """Take the rows of a poll into account."""
        for seen in self._known(rows):
            badness = self.condition.badness(seen.value)
            self.values += 1
            if self.best is None or badness < self.condition.badness(self.best.value):
                self.best = seen
            if self.worst is None or badness > self.condition.badness(self.worst.value):
                self.worst = seen

    def judge(self, rows: Iterable[StatsRow]) -> bool:
        """Whether one of these rows at least knows the metric and all that do meet the condition."""
        known = self._known(rows)
        self.last = max(known, key=lambda seen: self.condition.badness(seen.value), default=None)
        self.is_met = bool(known) and all(self.condition.is_met(seen.value) for seen in known)
        return self.is_met

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.values == 0:
            return "never reported"
        if self.last is None:
            return "not reported any more"
        return "met" if self.is_met else "not met"

    def cells(self) -> tuple[str, ...]:
        """A line of the report's table, under `HEAD`."""
        return (
            self.condition.metric,
            self.condition.wanted,
            str(self.last or "-"),
            self.last.where if self.last else "-",
            str(self.best or "-"),
            str(self.worst or "-"),
            str(self.values),
            self.verdict,
        )

    def _known(self, rows: Iterable[StatsRow]) -> list[Seen]:
        metric = self.condition.metric
        values = [(getattr(row, metric), row) for row in rows]
        return [
            Seen(value, row.participant, row.direction, row.kind) for value, row in values if not isnan(value)
        ]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report:
    """The outcome of `CallStats.expect`; print it, or let a notebook show it."""

    ok: bool
    """Whether all conditions held, for as long as they should."""
    outcomes: tuple[Outcome, ...]
    """What became of each condition."""
    held_since_s: float | None
    """Unix time of the poll since which all hold; None if they do not."""
    longest_s: float
    """The longest time that all held without a break, by the polls' times."""
    waited_s: float
    """How long it took; in a dump counted from the first poll."""
    within_s: float
    for_s: float
    rows: tuple[StatsRow, ...]
    """The rows looked at, oldest first, at most the newest 2,000."""
    reason: str = ""
    """Why it ended before `within_s`, or why nothing could be seen; empty where there is nothing to say."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """What was expected."""
        return tuple(outcome.condition for outcome in self.outcomes)

    def to_frame(self) -> "pd.DataFrame":
        """The rows that were looked at, as `CallStats.to_frame` has them."""
        from nbrtc.stats.frames.frame import row_frame

        return row_frame(self.rows, StatsRow)

    @property
    def headline(self) -> str:
        """One sentence."""
        wanted = " and ".join(map(str, self.conditions))
        going_on = f" for {self.for_s:g} s" if self.for_s else ""
        if self.ok:
            return f"Met after {self.waited_s:.1f} s: {wanted}{going_on}."
        longest = f" It held for {self.longest_s:.1f} s at most." if self.for_s and self.longest_s else ""
        return f"Not met within {self.within_s:g} s: {wanted}{going_on}.{longest}"

    def __repr__(self) -> str:
        return f"<Report: {self.headline}>"

    def __str__(self) -> str:
        table = [HEAD, *(outcome.cells() for outcome in self.outcomes)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table
        ]
        return "\n".join(
            [self.headline, *(f"  {line}" for line in lines), *([self.reason] if self.reason else [])]
        )

    def _repr_html_(self) -> str:
        def row(cells: Sequence[str], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

        body = "".join(row(outcome.cells(), "td") for outcome in self.outcomes)
        after = f"<p>{escape(self.reason)}</p>" if self.reason else ""
        caption = f"<caption>{escape(self.headline)}</caption>"
        return f"<table>{caption}<thead>{row(HEAD, 'th')}</thead><tbody>{body}</tbody></table>{after}"
