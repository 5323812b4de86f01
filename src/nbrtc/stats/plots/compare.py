"""Several calls side by side: robust figures of each, and their course since the media began."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from nbrtc.stats.call_stats import CallStats
from nbrtc.stats.plots.contrast import draw
from nbrtc.stats.plots.figures import COLUMNS, KEYS, figures
from nbrtc.stats.plots.measured import Measured, measured
from nbrtc.stats.plots.panels import PANELS, checked_metrics
from nbrtc.stats.row import DIRECTIONS, KINDS
from nbrtc.stats.store import each_sample

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@runtime_checkable
class HasStats(Protocol):
    """A `Call`, as far as this is concerned."""

    @property
    def stats(self) -> CallStats:
        """Its statistics."""


Comparable = HasStats | CallStats | str | Path
"""A call, live or over; its statistics; or the path of a dump."""

SHOWN = {
    "bitrate_bps_median": "bitrate_bps",
    "fps_median": "fps",
    "loss_fraction": "loss_fraction",
    "rtt_s_median": "rtt_s",
    "jitter_s_median": "jitter_s",
    "freeze_fraction": "freeze_fraction",
    "mos_median": "mos",
}
"""Figures of the table, and the metric whose panel says how each is written."""


def compare(
    calls: Sequence[Comparable] | Mapping[str, Comparable],
    *,
    labels: Sequence[str] | None = None,
    metrics: str | Sequence[str] | None = None,
) -> "Comparison":
    """Put several calls side by side; they are read once, now. From any thread.

    Parameters
    ----------
    calls
        Calls, `CallStats`, or paths of dumps, which are loaded; as a mapping, with their labels.
    labels
        What to call them; by default a dump's file name, else "call 1", "call 2" and so on.
    metrics
        Columns of `CallStats.to_frame` that the picture shows, one or several; None for bitrate, frame rate,
        round trip and loss.

    Returns
    -------
    Comparison
        A table and a picture in a notebook; `Comparison.to_frame` and `Comparison.plot` otherwise.

    Raises
    ------
    ValueError
        If there is nothing to compare, for an unknown metric, or for labels that do not fit the calls.
    TypeError
        For something that has no statistics.
    DumpError
        If a file is not a dump that can be read.
    """
    chosen = checked_metrics(metrics)
    if isinstance(calls, Mapping):
        if labels is not None:
            raise ValueError("The calls have labels already, the keys of the mapping: leave `labels` out.")
        labels, calls = list(calls), list(calls.values())
    if isinstance(calls, str) or not isinstance(calls, Sequence):
        raise TypeError(f"compare() takes a list of calls, or a mapping of labels to them, not {calls!r}.")
    if not calls:
        raise ValueError("There is nothing to compare: give at least one call, better two.")
    names = _labels(calls) if labels is None else list(labels)
    if len(names) != len(calls) or len(set(names)) != len(names):
        raise ValueError(f"{len(calls)} calls need as many labels, each of them once; these are {names}.")
    return Comparison({name: _measured(call) for name, call in zip(names, calls, strict=True)}, chosen)


class Comparison:
    """What `compare` found; a notebook shows it as a table and a picture.

    Parameters
    ----------
    calls
        What was measured of each call, by its label.
    metrics
        What `plot` draws unless told otherwise.
    """

    def __init__(self, calls: Mapping[str, Measured], metrics: Sequence[str]) -> None:
        self._rows = {name: call.rows for name, call in calls.items()}
        self._metrics = tuple(metrics)
        self._figures = {name: figures(call) for name, call in calls.items()}

    @property
    def labels(self) -> tuple[str, ...]:
        """What the calls are called."""
        return tuple(self._rows)

    def to_frame(self) -> "pd.DataFrame":
        """One line for each call, direction and kind.

        Returns
        -------
        pandas.DataFrame
            Index ``call``, ``direction``, ``kind``. Bitrate, frame rate, round trip, jitter and MOS as median
            and 5th and 95th percentile (``_median``, ``_p5``, ``_p95``) of the polls of all participants but
            ``"you"``; ``loss_fraction`` is lost by expected packets, ``freeze_fraction`` and
            ``concealed_fraction`` are shares of the time, all of the whole call. NaN where nothing is known.
            A call without statistics has no line.
        """
        import pandas as pd

        lines = [{"call": name, **line} for name, of_call in self._figures.items() for line in of_call]
        return pd.DataFrame(lines, columns=["call", *KEYS, *COLUMNS]).set_index(["call", *KEYS])

    def plot(self, metrics: str | Sequence[str] | None = None) -> "Figure":
        """Draw metrics over the time since each call's media began: sent on the left, received on the right.

        A call is one line, its participants together: the sum of bitrates and counts, of all else the median.
        Values are means over a common grid of a second, or what the slowest polls and 600 steps allow.

        Raises
        ------
        ValueError
            For an unknown metric; it lists the known ones.
        """
        return draw(self._rows, self._metrics if metrics is None else checked_metrics(metrics))

    def __repr__(self) -> str:
        return f"<Comparison of {len(self._rows)} calls: {', '.join(self._rows)}>"

    def _repr_html_(self) -> str:
        picture = BytesIO()
        self.plot().savefig(picture, format="png", dpi=80)
        data = b64encode(picture.getvalue()).decode()
        return (
            f"{self._table()}<p>▲ best, ▼ worst of the calls, in this direction and kind.</p>"
            f'<img alt="The calls over time" src="data:image/png;base64,{data}">'
        )

    def _table(self) -> str:
        heads = "".join(f"<th>{escape(PANELS[metric].title)}</th>" for metric in SHOWN.values())
        body = []
        for direction in DIRECTIONS:
            for kind in KINDS:
                of_kind = {
                    name: line
                    for name, of_call in self._figures.items()
                    for line in of_call
                    if (line["direction"], line["kind"]) == (direction, kind)
                }
                for name, line in of_kind.items():
                    cells = "".join(f"<td>{_cell(figure, line, of_kind)}</td>" for figure in SHOWN)
                    texts = "".join(f"<td>{escape(text)}</td>" for text in (direction, kind, name))
                    body.append(f"<tr>{texts}{cells}</tr>")
        head = f"<tr><th>direction</th><th>kind</th><th>call</th>{heads}</tr>"
        return f"<table><thead>{head}</thead><tbody>{''.join(body)}</tbody></table>"


def _cell(figure: str, line: Mapping[str, Any], of_kind: Mapping[str, Mapping[str, Any]]) -> str:
    """A figure for a person, with a mark where it is the best or the worst of several calls."""
    panel = PANELS[SHOWN[figure]]

    def written(value: float) -> str:
        value *= panel.scale
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"

    if isnan(line[figure]):
        return ""
    text = written(line[figure])
    known = [each[figure] for each in of_kind.values() if not isnan(each[figure])]
    low, high = written(min(known)), written(max(known))
    # What reads the same is neither better nor worse.
    if low == high or panel.better is None:
        return text
    best, worst = (high, low) if panel.better == "more" else (low, high)
    if text == best:
        return f'<b title="best">{text} ▲</b>'
    return f'<i title="worst">{text} ▼</i>' if text == worst else text


def _labels(calls: Sequence[Comparable]) -> list[str]:
    names: list[str] = []
    for number, call in enumerate(calls, start=1):
        name = Path(call).name.partition(".")[0] if isinstance(call, str | Path) else f"call {number}"
        names.append(name if name not in names else f"{name} ({number})")
    return names


def _measured(call: Comparable) -> Measured:
    if isinstance(call, str | Path):
        from nbrtc.stats.dumps import load_dump

        stats = load_dump(call)
    elif isinstance(call, CallStats):
        stats = call
    elif isinstance(call, HasStats) and isinstance(call.stats, CallStats):
        stats = call.stats
    else:
        raise TypeError(f"{call!r} has no statistics: give a Call, its `stats`, or the path of a dump.")
    return measured(each_sample(stats.source), own_end=False)
