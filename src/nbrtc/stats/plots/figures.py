"""The robust figures of a whole call, for each direction and kind."""

from collections.abc import Iterable, Mapping, Sequence
from math import isnan, nan
from typing import Any

from nbrtc.stats.interval import ratio, share
from nbrtc.stats.row import StatsRow

SPREAD = ("bitrate_bps", "fps", "rtt_s", "jitter_s", "mos")
"""Given as median and 5th and 95th percentile."""

SHARES = ("loss_fraction", "freeze_fraction", "concealed_fraction")
"""Given once, of the whole call."""

KEYS = ("direction", "kind")
COLUMNS = (
    "participants",
    "polls",
    "duration_s",
    *(f"{metric}_{suffix}" for metric in SPREAD for suffix in ("median", "p5", "p95")),
    *SHARES,
)


def figures(rows: Iterable[StatsRow]) -> list[dict[str, Any]]:
    """A line for each direction and kind: `KEYS` and `COLUMNS`; NaN where nothing is known."""
    groups: dict[tuple[str, str], list[StatsRow]] = {}
    for row in rows:
        groups.setdefault((row.direction, row.kind), []).append(row)
    return [
        {"direction": direction, "kind": kind, **_line(group)} for (direction, kind), group in groups.items()
    ]


def _line(rows: Sequence[StatsRow]) -> Mapping[str, Any]:
    times_s = [row.time_s for row in rows]
    line: dict[str, Any] = {
        "participants": len({row.participant for row in rows}),
        "polls": len(rows),
        "duration_s": max(times_s) - min(times_s),
    }
    for metric in SPREAD:
        known = [value for row in rows if not isnan(value := getattr(row, metric))]
        middle, low, high = _percentiles(known)
        line |= {f"{metric}_median": middle, f"{metric}_p5": low, f"{metric}_p95": high}
    lengths_s = _lengths_s(rows)
    line["loss_fraction"] = _loss(rows)
    for metric in ("freeze_fraction", "concealed_fraction"):
        line[metric] = _over_time([getattr(row, metric) for row in rows], lengths_s)
    return line


def _percentiles(known: Sequence[float]) -> tuple[float, float, float]:
    import numpy as np

    if not known:
        return nan, nan, nan
    middle, low, high = np.percentile(known, [50, 5, 95])
    return float(middle), float(low), float(high)


def _loss(rows: Sequence[StatsRow]) -> float:
    """Lost by expected packets; where only fractions are known, their mean weighted by packets."""
    counted = [row for row in rows if not isnan(row.packets_lost) and not isnan(row.packets)]
    if counted:
        # What a receiver lost did not arrive; what a sender lost was sent.
        terms = [
            (row.packets_lost, row.packets + (row.packets_lost if row.direction == "receive" else 0.0))
            for row in counted
        ]
        return share(ratio(terms))
    return _over_time([row.loss_fraction for row in rows], [row.packets for row in rows])


def _over_time(values: Sequence[float], weights: Sequence[float]) -> float:
    return ratio(
        (value * weight, weight) for value, weight in zip(values, weights, strict=True) if not isnan(value)
    )


def _lengths_s(rows: Sequence[StatsRow]) -> list[float]:
    """The time that each row describes; NaN of a connection's first."""
    before_s: dict[tuple[str, int], float] = {}
    lengths_s = []
    for row in rows:
        key = row.participant, row.generation
        lengths_s.append(row.time_s - before_s.get(key, nan))
        before_s[key] = row.time_s
    return lengths_s
