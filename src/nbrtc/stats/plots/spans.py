"""Times in which something was wrong with the picture: frozen, or limited by CPU or bandwidth."""

from dataclasses import dataclass
from typing import Literal

from nbrtc.stats.plots.measured import Measured

Trouble = Literal["frozen", "cpu", "bandwidth"]
TROUBLES: tuple[Trouble, ...] = ("frozen", "cpu", "bandwidth")
LIMITS: tuple[Trouble, ...] = ("cpu", "bandwidth")
LONGEST_S = 10.0
"""A poll describes at most this long: after a longer pause nobody knows since when."""


@dataclass(frozen=True, slots=True)
class Span:
    """From one poll to another, in seconds since 1970."""

    start_s: float
    end_s: float


def spans(call: Measured) -> dict[Trouble, list[Span]]:
    """When a picture stood still, and when ``qualityLimitationReason`` was ``cpu`` or ``bandwidth``.

    A row describes the time since the poll before it of the same connection; a freeze counts in the poll
    in which it ended, and reaches back as far as it was long. Spans of several connections that touch become
    one.
    """
    found: dict[Trouble, list[Span]] = {trouble: [] for trouble in TROUBLES}
    before_s: dict[tuple[object, ...], float] = {}
    for row in call.rows:
        if row.kind != "video":
            continue
        key = (row.participant, row.generation, row.direction)
        start_s = max(before_s.get(key, row.time_s), row.time_s - LONGEST_S)
        before_s[key] = row.time_s
        if start_s >= row.time_s:
            continue
        if row.freeze_fraction > 0:
            began_s = row.time_s - call.frozen_s[row.participant, row.time_s]
            found["frozen"].append(Span(min(start_s, began_s), row.time_s))
        for limit in LIMITS:
            if row.direction == "send" and row.limitation == limit:
                found[limit].append(Span(start_s, row.time_s))
    return {trouble: _merged(each) for trouble, each in found.items() if each}


def _merged(found: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(found, key=lambda span: span.start_s):
        if merged and span.start_s <= merged[-1].end_s + 1e-3:
            merged[-1] = Span(merged[-1].start_s, max(merged[-1].end_s, span.end_s))
        else:
            merged.append(span)
    return merged
