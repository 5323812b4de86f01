"""The robust figures of a whole call, for each direction and kind."""

from collections.abc import Mapping, Sequence
from math import isnan, nan
from typing import Any

from nbrtc.stats.interval import ratio, share
from nbrtc.stats.plots.measured import Measured
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


def figures(call: Measured) -> list[dict[str, Any]]:
    """A line for each direction and kind: `KEYS` and `COLUMNS`; NaN where nothing is known."""
    groups: dict[tuple[str, str], list[StatsRow]] = {}
    for row in call.rows:
        groups.setdefault((row.direction, row.kind), []).append(row)
    return [
        {"direction": direction, "kind": kind, **_line(group, call.frozen_s)}
        for (direction, kind), group in groups.items()
    ]


def _line(rows: Sequence[StatsRow], frozen_s: Mapping[tuple[str, float], float]) -> Mapping[str, Any]:
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
    line["concealed_fraction"] = _over_time([row.concealed_fraction for row in rows], lengths_s)
    line["freeze_fraction"] = _frozen(rows, frozen_s, lengths_s)
    return line


def _frozen(
    rows: Sequence[StatsRow], frozen_s: Mapping[tuple[str, float], float], lengths_s: Sequence[float]
) -> float:
    """Share of the time; a freeze may be longer than the poll in which it ends, which the row cannot say."""
    known = [
        (row, length_s) for row, length_s in zip(rows, lengths_s, strict=True) if row.freeze_fraction >= 0
    ]
    return share(ratio((frozen_s[row.participant, row.time_s], length_s) for row, length_s in known))


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
