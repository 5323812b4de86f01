"""Statistics as small multiples over a shared time axis; matplotlib is imported with the first plot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbrtc.messages import StatsEvent
from nbrtc.stats.plots.lines import Line, chosen, lines
from nbrtc.stats.plots.marks import ROWS, labels, marks
from nbrtc.stats.plots.measured import Measured, measured
from nbrtc.stats.plots.palette import PEOPLE, WAYS
from nbrtc.stats.plots.panels import PANELS, checked_metrics
from nbrtc.stats.plots.spans import Span, Trouble, spans
from nbrtc.stats.source import StatsSource
from nbrtc.stats.store import each_sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PANELS", "plot"]

SHADES: Mapping[Trouble, tuple[str, dict[str, Any]]] = {
    "frozen": ("picture frozen", {"facecolor": "#BFD9EC", "edgecolor": "none"}),
    "cpu": (
        "limited by CPU",
        {"facecolor": "none", "edgecolor": "#A0522D", "hatch": "///", "linewidth": 0, "alpha": 0.55},
    ),
    "bandwidth": (
        "limited by bandwidth",
        {"facecolor": "none", "edgecolor": "#666666", "hatch": "..", "linewidth": 0, "alpha": 0.6},
    ),
}
"""Freezes are a surface and limitations are hatched: told apart without colour, also where they overlap."""

WIDTH_IN = 9.0
LABEL_PT = 8.0
FEW_POLLS = 40
"""So many polls show each value as a point; of more, points would hide dashes and the line below."""
EARLIER = 0.1
"""Events before the first and after the last poll are drawn if this share of the span away, or 5 s."""


def plot(
    source: StatsSource, metrics: str | Sequence[str] | None, participant: str | None, *, events: bool
) -> "Figure":
    """Draw metrics over time (UTC): one panel each, a line for each participant and direction.

    One participant's directions have colours of their own; of several, each has a colour and a marker. What
    is sent is solid and what is received is dashed. Missing values, pauses between polls and new connections
    are gaps. ``"you"``, Python's own end of the link, is drawn only if asked for: it shows the link that
    ``"python"`` shows. A panel has up to eight lines; whose are left out is written below.

    See `CallStats.plot` for the parameters.
    """
    names = checked_metrics(metrics)
    call = measured(each_sample(source, participant), own_end=participant is not None)
    shown, hidden = chosen(call.rows)
    rows = [row for row in call.rows if row.participant in shown]
    if not rows:
        return _sentence(_nothing(source, participant))
    happened = [event for event in source.events() if event.peer in ("", *shown)] if events else []
    start_s, end_s = min(row.time_s for row in rows), max(row.time_s for row in rows)
    margin_s = max(5.0, EARLIER * (end_s - start_s))
    within = [event for event in happened if start_s - margin_s <= event.time_s <= end_s + margin_s]
    start_s = min([start_s, *(event.time_s for event in within)])
    end_s = max([end_s, *(event.time_s for event in within)])
    if end_s == start_s:
        start_s, end_s = start_s - 0.5, end_s + 0.5
    people = {peer: name_of(peer, source.events()) for peer in shown}

    figure, axes, strip = _axes(len(names), strip=bool(within))
    troubled = spans(Measured(rows, call.frozen_s)) if events else {}
    for ax, metric in zip(axes, names, strict=True):
        drawn = lines(rows, metric)
        _shade(ax, troubled)
        _draw(ax, metric, drawn, shown)
    if strip is not None:
        _mark(strip, axes, within, start_s, end_s, people)
    edge_s = 0.01 * (end_s - start_s)
    axes[-1].set_xlim(_moment(start_s - edge_s), _moment(end_s + edge_s))
    notes = []
    if hidden:
        notes.append(f"Not drawn: {_some(hidden)}; choose one with participant=...")
    if len(happened) > len(within):
        outside = len(happened) - len(within)
        verb = "events are" if outside > 1 else "event is"
        notes.append(f"{outside} {verb} before or after this time; see events().")
    _finish(figure, axes, strip, notes)
    _legend(figure, axes, people, troubled)
    return figure


def name_of(participant: str, events: Sequence[StatsEvent]) -> str:
    """A participant for a legend: the name they joined with, if the events know it."""
    joined = [event.value for event in events if event.name == "join" and event.peer == participant]
    name = next(
        (value for value in reversed(joined) if value), "Python" if participant == "python" else participant
    )
    return name if len(name) <= 24 else f"{name[:23]}…"


def moments(times_s: Sequence[float]) -> Any:
    """Unix times as the days that matplotlib counts on an axis of dates."""
    import numpy as np
    from matplotlib.dates import date2num

    return date2num(np.array([round(time_s * 1e6) for time_s in times_s], dtype="datetime64[us]"))  # type: ignore[no-untyped-call]


def _moment(time_s: float) -> Any:
    return moments([time_s])[0]


def _nothing(source: StatsSource, participant: str | None) -> str:
    known = source.participants()
    if participant is not None and known:
        return f"There are no statistics for {participant!r}: choose from {_some(known)}."
    whose = "" if participant is None else f" for {participant!r}"
    if not source.is_live:
        return f"There are no statistics{whose} here."
    return f"No statistics have arrived{whose} yet: the first come a second after the call connects."


def _some(names: Sequence[str], most: int = 6) -> str:
    listed = ", ".join(names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"


def _sentence(text: str) -> "Figure":
    figure, (ax,), _ = _axes(1, strip=False)
    ax.set_axis_off()
    ax.text(0.5, 0.5, text, ha="center", va="center", transform=ax.transAxes, wrap=True)
    return figure


def _axes(count: int, *, strip: bool) -> "tuple[Figure, list[Axes], Axes | None]":
    """The panels, and above them the strip for events."""
    from matplotlib import pyplot as plt

    heights = [*([0.75] if strip else []), *([1.7] * count)]
    figure = plt.figure(figsize=(WIDTH_IN, 0.8 + sum(heights)), layout="constrained")
    # pyplot gives the figure its notebook picture, but must not own it: it would show it twice and leak it.
    plt.close(figure)
    grid = figure.add_gridspec(len(heights), height_ratios=heights)
    axes: list[Axes] = []
    for row in range(int(strip), len(heights)):
        axes.append(figure.add_subplot(grid[row], sharex=axes[0] if axes else None))
    # Behind the panels in figure.axes, whose order is that of the metrics.
    above = figure.add_subplot(grid[0], sharex=axes[0]) if strip else None
    for ax in [*axes[:-1], *([above] if above else [])]:
        ax.tick_params(labelbottom=False)
    return figure, axes, above


def _draw(ax: "Axes", metric: str, drawn: Sequence[Line], shown: Sequence[str]) -> None:
    """One panel."""
    from matplotlib.ticker import MaxNLocator

    panel = PANELS[metric]
    for line in drawn:
        style: dict[str, Any] = dict(WAYS[line.way])
        if len(shown) > 1:
            place = shown.index(line.participant)
            color, marker = PEOPLE[place % len(PEOPLE)]
            style |= {"color": color, "marker": marker, "markersize": 4.5, "markevery": line.spaced(place)}
        else:
            every = range(len(line.values)) if len(line.values) <= FEW_POLLS else line.alone()
            style |= {"marker": ".", "markersize": 3, "markevery": list(every)}
        ax.plot(moments(line.times_s), [value * panel.scale for value in line.values], linewidth=1.4, **style)
    if not any(line.is_known for line in drawn):
        ax.text(0.5, 0.5, "not reported by the browser", ha="center", va="center", transform=ax.transAxes)
    ax.set_ylabel(panel.title)
    if metric == "mos":
        ax.set_ylim(1, 5)
    else:
        ax.update_datalim([(ax.dataLim.x0, 0.0)])
        ax.autoscale_view()
        ax.set_ylim(bottom=0, top=None if ax.dataLim.y1 > 0 else 1)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _shade(ax: "Axes", troubled: Mapping[Trouble, Sequence[Span]]) -> None:
    from matplotlib.collections import PolyCollection

    for trouble, periods in troubled.items():
        ends = [moments([span.start_s, span.end_s]) for span in periods]
        boxes = [[(left, 0), (left, 1), (right, 1), (right, 0)] for left, right in ends]
        shade = PolyCollection(boxes, zorder=0.5, transform=ax.get_xaxis_transform(), **SHADES[trouble][1])
        ax.add_collection(shade, autolim=False)


def _mark(
    strip: "Axes",
    axes: Sequence["Axes"],
    happened: Sequence[StatsEvent],
    start_s: float,
    end_s: float,
    people: Mapping[str, str],
) -> None:
    """Ticks and labels in the strip, and a thin line through the panels for each label."""
    from matplotlib.textpath import TextPath

    def width_of(text: str) -> float:
        # The panels take at least four fifths of the figure's width, whatever stands on the axes.
        return float(TextPath((0, 0), text, size=LABEL_PT).get_extents().width + 8) / (0.8 * 72 * WIDTH_IN)

    found = marks(happened, people.__getitem__ if len(people) > 1 else None)
    across = strip.get_xaxis_transform()
    times = moments([mark.time_s for mark in found])
    minor = [mark.rank == 4 for mark in found]
    for is_minor, height, color in ((True, 0.1, "0.6"), (False, 0.18, "0.25")):
        at = times[[each is is_minor for each in minor]]
        strip.vlines(at, 0, height, transform=across, color=color, linewidth=0.8)
    for label in labels(found, start_s, end_s, width_of):
        at, top = _moment(label.time_s), 0.36 + 0.66 * label.row / ROWS
        strip.vlines(at, 0, top, transform=across, color="0.6", linewidth=0.6, zorder=1)
        strip.annotate(
            label.text, (at, top), xycoords=across, xytext=(2 if label.align == "left" else -2, 0),
            textcoords="offset points", ha=label.align, va="center", fontsize=LABEL_PT, zorder=3,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
        for ax in axes:
            ax.vlines(at, 0, 1, transform=ax.get_xaxis_transform(), color="0.75", linewidth=0.6, zorder=0.8)
    strip.set_ylim(0, 1)
    strip.set_yticks([])
    strip.set_ylabel("Events")
    strip.tick_params(axis="x", length=0)
    strip.spines[["top", "right", "left"]].set_visible(False)


def _finish(figure: "Figure", axes: Sequence["Axes"], strip: "Axes | None", notes: Sequence[str]) -> None:
    """The shared axis of time."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz="UTC", minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes[-1].xaxis.set_major_locator(locator)
    axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))  # type: ignore[no-untyped-call]
    axes[-1].set_xlabel("\n".join(["Time (UTC)", *notes]))
    figure.align_ylabels([*axes, *([strip] if strip else [])])


def _legend(
    figure: "Figure", axes: Sequence["Axes"], people: Mapping[str, str], troubled: Mapping[Trouble, object]
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    drawn = [line for ax in axes for line in ax.get_lines()]
    handles: list[Any] = []
    if len(people) > 1:
        for (color, marker), name in zip(PEOPLE, people.values(), strict=False):
            handles.append(Line2D([], [], color=color, marker=marker, markersize=4.5, label=name))
        dashes = {line.get_linestyle() for line in drawn}
        ways = [way for way in ("send", "receive") if WAYS[way]["linestyle"] in dashes]
        handles += [Line2D([], [], color="0.3", linestyle=WAYS[way]["linestyle"], label=way) for way in ways]
    else:
        colors = {line.get_color() for line in drawn}
        for way, style in WAYS.items():
            if style["color"] in colors:
                handles.append(Line2D([], [], label=way, **style))
    for trouble in troubled:
        text, shade = SHADES[trouble]
        handles.append(Patch(label=text, **shade))
    longest = max((len(str(handle.get_label())) for handle in handles), default=0)
    columns = 6 if longest <= 20 else 4
    # matplotlib fills a legend by columns, people read by rows.
    by_rows = [handle for column in range(columns) for handle in handles[column::columns]]
    figure.legend(handles=by_rows, loc="outside upper right", ncols=columns, frameon=False, fontsize=8.5)
