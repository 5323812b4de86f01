"""Several calls over the time since each one's media began, as small multiples."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import isnan, nan
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from nbrtc.stats.plots.lines import BOTH_WAYS, MOST_LINES, lines
from nbrtc.stats.plots.palette import PEOPLE
from nbrtc.stats.plots.panels import PANELS
from nbrtc.stats.row import DIRECTIONS, StatsRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_STEPS = 600
PAUSE_INTERVALS = 3
"""A poll describes the time since the one before it, unless that is so many usual intervals ago."""

Steps = dict[int, float]
"""Values by the number of their step since the media began; none for what is not known."""


def began_s(rows: Sequence[StatsRow]) -> float:
    """When media first flowed, else the first poll."""
    flowing = (row.time_s for row in rows if row.bitrate_bps > 0)
    return min(flowing, default=min(row.time_s for row in rows))


def step_s(calls: Mapping[str, Sequence[StatsRow]]) -> float:
    """The common grid: as fine as the slowest polls, a second at least, at most `MOST_STEPS` steps."""
    spans_s, intervals_s = [0.0], [1.0]
    for rows in calls.values():
        spans_s.append(max(row.time_s for row in rows) - min(row.time_s for row in rows))
        polls: dict[str, dict[float, None]] = {}
        for row in rows:
            polls.setdefault(row.participant, {})[row.time_s] = None
        steps = [[later - earlier for earlier, later in pairwise(times_s)] for times_s in polls.values()]
        intervals_s += [median(each) for each in steps if each]
    return max(max(spans_s) / MOST_STEPS, *intervals_s)


def gridded(rows: Sequence[StatsRow], metric: str, grid_s: float) -> dict[str, Steps]:
    """One metric of a call for each way, all participants as one: a sum, or else their median."""
    start_s = began_s(rows)
    parts: dict[str, dict[str, dict[int, list[float]]]] = {}
    for line in lines(rows, metric):
        steps = parts.setdefault(line.way, {}).setdefault(line.participant, {})
        times_s = line.times_s
        usual_s = median([later - earlier for earlier, later in pairwise(times_s)] or [grid_s])
        for before_s, time_s, value in zip([nan, *times_s], times_s, line.values, strict=False):
            last = int((time_s - start_s) // grid_s)
            covers = time_s - before_s <= PAUSE_INTERVALS * usual_s
            first = int((before_s - start_s) // grid_s) + 1 if covers else last
            if not isnan(value):
                for step in range(min(first, last), last + 1):
                    steps.setdefault(step, []).append(value)
    adds_up = PANELS[metric].fold == "sum"
    found: dict[str, Steps] = {}
    for way, people in parts.items():
        means = [{step: fmean(values) for step, values in steps.items()} for steps in people.values()]
        for step in sorted({step for each in means for step in each}):
            values = [each[step] for each in means if step in each]
            found.setdefault(way, {})[step] = sum(values) if adds_up else median(values)
    return found


def draw(calls: Mapping[str, Sequence[StatsRow]], metrics: Sequence[str]) -> "Figure":
    """A row of panels for each metric: what is sent on the left, what is received on the right."""
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D

    drawn = {name: rows for name, rows in list(calls.items())[:MOST_LINES] if rows}
    figure = plt.figure(figsize=(9, 0.9 + 1.7 * len(metrics)), layout="constrained")
    # pyplot gives the figure its notebook picture, but must not own it: it would show it twice and leak it.
    plt.close(figure)
    if not drawn:
        figure.text(0.5, 0.5, "None of these calls has statistics yet.", ha="center", va="center")
        return figure
    grid_s = step_s(drawn)
    styles = dict(zip(calls, PEOPLE, strict=False))
    first: Axes | None = None
    for place, metric in enumerate(metrics):
        values = {name: gridded(rows, metric, grid_s) for name, rows in drawn.items()}
        left: Axes | None = None
        for column, way in enumerate([BOTH_WAYS] if PANELS[metric].both_ways else DIRECTIONS):
            ax = figure.add_subplot(len(metrics), 2, 2 * place + column + 1, sharex=first, sharey=left)
            _draw(ax, metric, {name: ways.get(way, {}) for name, ways in values.items()}, styles, grid_s)
            ax.set_title({"send": "sent", "receive": "received"}.get(way, ""), fontsize=9, loc="left")
            first, left = first or ax, left or ax
            if column:
                ax.set_ylabel("")
        if left is not None:
            _limit(left, metric)
    figure.supxlabel("Seconds since the media began", fontsize=10)
    handles = [
        Line2D([], [], color=color, marker=marker, markersize=4.5, label=name)
        for name, (color, marker) in styles.items()
        if name in drawn
    ]
    figure.legend(handles=handles, loc="outside upper right", ncols=4, frameon=False, fontsize=8.5)
    absent = [name for name in calls if name not in drawn]
    if absent:
        figure.supxlabel(
            f"Seconds since the media began\nNot drawn, empty or too many: {', '.join(absent)}", fontsize=10
        )
    return figure


def _draw(
    ax: "Axes", metric: str, values: Mapping[str, Steps], styles: Mapping[str, tuple[str, str]], grid_s: float
) -> None:
    from matplotlib.ticker import MaxNLocator

    panel = PANELS[metric]
    for place, (name, steps) in enumerate(values.items()):
        if not steps:
            continue
        every = range(min(steps), max(steps) + 1)
        spacing = max(1, len(every) // 6)
        color, marker = styles[name]
        style: dict[str, Any] = {"color": color, "marker": marker, "markersize": 4.5, "linewidth": 1.4}
        ax.plot(
            [step * grid_s for step in every],
            [steps.get(step, nan) * panel.scale for step in every],
            markevery=((place * spacing // 3) % spacing, spacing),
            **style,
        )
    if not ax.get_lines():
        ax.text(0.5, 0.5, "not reported", ha="center", va="center", transform=ax.transAxes)
    ax.set_ylabel(panel.title)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
    ax.grid(color="0.9")
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def _limit(left: "Axes", metric: str) -> None:
    """Fit the axis that both panels share: it has to know the values of both, so it comes after them."""
    if metric == "mos":
        left.set_ylim(1, 5)
        return
    tops = [ax.dataLim.y1 for ax in left.get_shared_y_axes().get_siblings(left)]
    left.set_ylim(bottom=0, top=None if max(tops) > 0 else 1)
