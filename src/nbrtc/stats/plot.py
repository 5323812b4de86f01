"""Statistics as small multiples over a shared time axis; matplotlib is imported with the first plot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nbrtc.stats.row import METRICS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Panel:
    """How one metric is drawn."""

    label: str
    unit: str = ""
    scale: float = 1.0
    """Multiplies the column's unit into the panel's."""
    fold: Literal["sum", "max"] = "max"
    """How video and audio of one poll become one value: bitrates add up, of losses the worse one counts."""
    both_ways: bool = False
    """Describes the path, not a direction."""


PANELS = {
    "bitrate_bps": Panel("Bitrate", "kbit/s", 1e-3, fold="sum"),
    "packets": Panel("Packets", fold="sum"),
    "packets_lost": Panel("Packets lost", fold="sum"),
    "loss_fraction": Panel("Loss", "%", 100),
    "jitter_s": Panel("Jitter", "ms", 1000),
    "rtt_s": Panel("Round trip", "ms", 1000, both_ways=True),
    "available_bitrate_bps": Panel("Available", "kbit/s", 1e-3),
    "fps": Panel("Frame rate", "fps"),
    "frame_width": Panel("Width", "px"),
    "frame_height": Panel("Height", "px"),
    "keyframes": Panel("Keyframes", fold="sum"),
    "frames_dropped": Panel("Frames dropped", fold="sum"),
    "qp": Panel("QP"),
    "encode_s": Panel("Encoding", "ms", 1000),
    "decode_s": Panel("Decoding", "ms", 1000),
    "jitter_buffer_s": Panel("Jitter buffer", "ms", 1000),
    "freeze_fraction": Panel("Frozen", "%", 100),
    "concealed_fraction": Panel("Concealed", "%", 100),
    "audio_level": Panel("Audio level", "of full scale"),
    "nack": Panel("NACK", fold="sum"),
    "pli": Panel("PLI", fold="sum"),
}
DEFAULT_METRICS = ("bitrate_bps", "fps", "rtt_s", "loss_fraction")

# Okabe and Ito's blue and vermillion stay apart in every common colour blindness; the dashes do in print.
STYLES = {
    "send": {"color": "#0072B2", "linestyle": "-"},
    "receive": {"color": "#D55E00", "linestyle": "--"},
    "both ways": {"color": "#4D4D4D", "linestyle": "-"},
}


def checked_metrics(metrics: str | Sequence[str] | None) -> tuple[str, ...]:
    """The metrics to draw; a name that no panel has is a ValueError that lists those that exist."""
    if metrics is None:
        return DEFAULT_METRICS
    chosen = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    unknown = [name for name in chosen if name not in PANELS]
    if unknown or not chosen:
        what = f"Unknown metrics {unknown}" if unknown else "No metrics were given"
        raise ValueError(f"{what}: choose from {', '.join(METRICS)}.")
    return chosen


def plot_stats(frame: "pd.DataFrame", metrics: Sequence[str], empty: str) -> "Figure":
    """Draw a frame of `to_frame`, one panel a metric, one line a participant and direction.

    Parameters
    ----------
    frame
        The rows; missing values and pauses between polls become gaps in the lines.
    metrics
        Columns to draw, from `checked_metrics`.
    empty
        The sentence that the figure shows when the frame has no rows.
    """
    from matplotlib import pyplot as plt
    from matplotlib.ticker import MaxNLocator

    rows = len(metrics) if len(frame) else 1
    figure, grid = plt.subplots(
        rows, sharex=True, squeeze=False, figsize=(9, 0.6 + 1.7 * rows), layout="constrained"
    )
    # pyplot gives the figure its notebook picture, but must not own it: it would show it twice and leak it.
    plt.close(figure)
    axes: list[Axes] = list(grid[:, 0])
    if not len(frame):
        axes[0].set_axis_off()
        axes[0].text(0.5, 0.5, empty, ha="center", va="center", transform=axes[0].transAxes, wrap=True)
        return figure
    for ax, metric in zip(axes, metrics, strict=True):
        panel = PANELS[metric]
        for direction, times, values in _lines(frame, metric, panel):
            # A marker too: a value between two gaps has no line.
            (line,) = ax.plot(times, values * panel.scale, marker=".", markersize=3, linewidth=1.4)
            line.set(**STYLES[direction])
        if frame[metric].isna().all():
            ax.text(0.5, 0.5, "not reported by the browser", ha="center", va="center", transform=ax.transAxes)
        ax.set_ylabel(f"{panel.label} ({panel.unit})" if panel.unit else panel.label)
        ax.update_datalim([(ax.dataLim.x0, 0.0)])
        ax.autoscale_view()
        ax.set_ylim(bottom=0)
        ax.yaxis.set_major_locator(MaxNLocator(nbins=4))
        ax.grid(color="0.9")
        ax.spines[["top", "right"]].set_visible(False)
    _finish(figure, axes)
    return figure


def _finish(figure: "Figure", axes: Sequence["Axes"]) -> None:
    """The shared axis of time and the legend."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.lines import Line2D

    locator = AutoDateLocator(tz="UTC", maxticks=8)  # type: ignore[no-untyped-call]
    axes[-1].xaxis.set_major_locator(locator)
    axes[-1].xaxis.set_major_formatter(ConciseDateFormatter(locator, tz="UTC"))  # type: ignore[no-untyped-call]
    axes[-1].set_xlabel("Time (UTC)")
    figure.align_ylabels(list(axes))
    drawn = {line.get_color() for ax in axes for line in ax.get_lines()}
    legend = [Line2D([], [], label=name) for name in STYLES if STYLES[name]["color"] in drawn]
    for handle in legend:
        handle.set(**STYLES[str(handle.get_label())])
    figure.legend(handles=legend, loc="outside upper right", ncols=len(STYLES), frameon=False)


def _lines(frame: "pd.DataFrame", metric: str, panel: Panel) -> Iterator[tuple[str, Any, Any]]:
    """Direction, times and values of every line of a panel."""
    import numpy as np

    # A connection's generation is a line of its own, because nothing is known of the time between two.
    connection = ["participant", "generation"]
    for keys, part in frame.groupby(connection if panel.both_ways else [*connection, "direction"]):
        polls = part[metric].groupby(level="time")
        # A sum without an unknown part would look like a dip.
        series = polls.sum().where(polls.count() == polls.size()) if panel.fold == "sum" else polls.max()
        times = series.index.tz_localize(None).to_numpy()
        values = series.to_numpy()
        steps = np.diff(times)
        # Where polls were missed, a line would claim that it knows what was between.
        pauses = np.flatnonzero(steps > 3 * np.median(steps)) + 1 if len(steps) else np.array([], dtype=int)
        times = np.insert(times, pauses, times[pauses - 1] + steps[pauses - 1] // 2)
        yield "both ways" if panel.both_ways else keys[-1], times, np.insert(values, pauses, np.nan)
