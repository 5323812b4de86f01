"""Gathering and connectivity checks of one connection, as a timeline."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

from ..messages import CandidateFailed, CandidateSeen, IceRecord, IceStateSeen, PairSeen
from .redact import Redaction

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TYPES = {
    "host": ("#0072B2", "o"),
    "srflx": ("#E69F00", "s"),
    "prflx": ("#CC79A7", "D"),
    "relay": ("#009E73", "^"),
}
"""Colour (Okabe and Ito) and marker of each candidate type: the marker tells them apart without colour."""
STATES = {
    "frozen": ("#D0D0D0", ""),
    "waiting": ("#B0B0B0", ""),
    "in-progress": ("#56B4E9", "//"),
    "succeeded": ("#009E73", ""),
    "failed": ("#D55E00", "xx"),
}
BANDS = {
    "new": "#D0D0D0",
    "gathering": "#56B4E9",
    "complete": "#009E73",
    "checking": "#56B4E9",
    "connected": "#009E73",
    "completed": "#009E73",
    "disconnected": "#E69F00",
    "failed": "#D55E00",
    "closed": "#B0B0B0",
}
MOST_PAIRS = 20
"""Further pairs are counted, not drawn; those that worked or were selected come first."""
TAIL_SHARE = 0.06
"""Of the time span, after the last event, so that the end is seen."""


def plot(records: Sequence[IceRecord], participant: str, *, redact: bool) -> "Figure":
    """The newest generation of the participant's connections."""
    from matplotlib import pyplot as plt

    newest = max((record.generation for record in records), default=0)
    seen = [record for record in records if record.generation == newest]
    pairs = _histories(seen)
    figure = plt.figure(figsize=(9, 2.6 + 0.24 * max(2, min(len(pairs), MOST_PAIRS))), layout="constrained")
    # pyplot gives the figure its notebook picture, but must not own it: it would show it twice and leak it
    plt.close(figure)
    if not seen:
        text = f"Nothing of a connection to {participant!r} was seen yet."
        figure.text(0.5, 0.5, text, ha="center", va="center")
        return figure
    start_s = min(record.time_s for record in seen)
    span_s = max(0.05, max(record.time_s for record in seen) - start_s)
    top, bottom = figure.subplots(
        2, 1, sharex=True, height_ratios=[1.3, 0.4 + 0.24 * max(2, min(len(pairs), MOST_PAIRS))]
    )
    _gathering(top, seen, start_s, span_s)
    _checks(bottom, seen, pairs, start_s, span_s, redact=redact)
    top.set_title(f"ICE of {participant}, connection {newest}", fontsize=10, loc="left")
    bottom.set_xlabel("Seconds since the connection began")
    bottom.set_xlim(-0.02 * span_s, span_s * (1 + TAIL_SHARE))
    return figure


def _gathering(ax: "Axes", seen: Sequence[IceRecord], start_s: float, span_s: float) -> None:
    end_s = span_s * (1 + TAIL_SHARE)
    for row, what in ((3, "gathering"), (2, "connection")):
        states = [r for r in seen if isinstance(r, IceStateSeen) and r.what == what]
        for state, from_s, to_s in _lasting(states, start_s, end_s):
            ax.barh(row, to_s - from_s, left=from_s, height=0.7, color=BANDS.get(state.state, "#D0D0D0"))
            if to_s - from_s > 0.07 * span_s:
                ax.text(from_s + 0.005 * span_s, row, state.state, va="center", fontsize=7.5)
    for row, is_remote in ((1, False), (0, True)):
        for kind, (color, marker) in TYPES.items():
            times_s = [
                r.time_s - start_s
                for r in seen
                if isinstance(r, CandidateSeen) and r.is_remote == is_remote and r.candidate_type == kind
            ]
            label = kind if not is_remote else None
            ax.plot(times_s, [row] * len(times_s), marker, color=color, label=label, markersize=6, alpha=0.85)
    failed_s = [r.time_s - start_s for r in seen if isinstance(r, CandidateFailed)]
    if failed_s:
        ax.plot(failed_s, [1] * len(failed_s), "x", color="#D55E00", label="server error", markersize=7)
    ax.set_yticks([3, 2, 1, 0], ["gathering", "connection", "local\ncandidates", "remote\ncandidates"])
    ax.set_ylim(-0.6, 3.6)
    ax.tick_params(labelsize=8)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)


Record = TypeVar("Record", IceStateSeen, PairSeen)


def _lasting(states: Sequence[Record], start_s: float, end_s: float) -> Iterator[tuple[Record, float, float]]:
    """Each state with when it began and ended, in seconds since the start; the last goes on to the end."""
    for state, later in zip_longest(states, states[1:]):
        yield state, state.time_s - start_s, end_s if later is None else later.time_s - start_s


Key = tuple[str, str]


def _histories(seen: Sequence[IceRecord]) -> dict[Key, list[PairSeen]]:
    """Every pair with its states in order; what was selected or worked comes first."""
    found: dict[Key, list[PairSeen]] = {}
    for record in seen:
        if isinstance(record, PairSeen):
            found.setdefault((record.local_id, record.remote_id), []).append(record)

    def rank(item: tuple[Key, list[PairSeen]]) -> tuple[bool, bool, float]:
        states = item[1]
        worked = any(record.state == "succeeded" for record in states)
        return not any(record.selected for record in states), not worked, states[0].time_s

    return dict(sorted(found.items(), key=rank))


def _checks(
    ax: "Axes",
    seen: Sequence[IceRecord],
    pairs: dict[Key, list[PairSeen]],
    start_s: float,
    span_s: float,
    *,
    redact: bool,
) -> None:
    hide = Redaction() if redact else str
    ends = {record.id: record for record in seen if isinstance(record, CandidateSeen)}
    shown = list(pairs.items())[:MOST_PAIRS]
    end_s = span_s * (1 + TAIL_SHARE)
    for row, (_, states) in enumerate(shown):
        for record, from_s, to_s in _lasting(states, start_s, end_s):
            color, hatch = STATES[record.state]
            width = max(to_s - from_s, 0.004 * span_s)
            ax.barh(row, width, left=from_s, height=0.7, color=color, hatch=hatch, edgecolor="white", lw=0)
            if record.selected:
                ax.plot([from_s], [row], "*", color="black", markersize=9)
    labels = [_named(ends.get(local), ends.get(remote), hide) for (local, remote), _ in shown]
    ax.set_yticks(range(len(shown)), labels)
    ax.set_ylim(max(1, len(shown)) - 0.4, -0.6)
    ax.tick_params(labelsize=7.5)
    ax.set_ylabel("checks of pairs", fontsize=8)
    _legend(ax)
    if len(pairs) > len(shown):
        text = f"{len(pairs) - len(shown)} further pairs are not drawn"
        ax.text(1.0, 0.02, text, transform=ax.transAxes, ha="right", fontsize=7.5)


def _legend(ax: "Axes") -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Patch(facecolor=color, hatch=hatch, edgecolor="white", label=state)
        for state, (color, hatch) in STATES.items()
    ]
    star = Line2D([], [], marker="*", color="black", linestyle="", markersize=9, label="selected")
    ax.legend(
        handles=[*handles, star], loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8
    )


def _named(local: CandidateSeen | None, remote: CandidateSeen | None, hide: Any) -> str:
    return f"{_end(local, hide)} → {_end(remote, hide)}"


def _end(seen: CandidateSeen | None, hide: Any) -> str:
    if seen is None:
        return "?"
    address = hide(seen.address)
    address = f"{address[:8]}….local" if address.endswith(".local") and len(address) > 16 else address
    if not address:
        return seen.candidate_type
    port = "" if seen.port is None else f":{seen.port}"
    return f"{seen.candidate_type} {address}{port}"
