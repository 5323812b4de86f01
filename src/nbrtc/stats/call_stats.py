"""`call.stats`: what a person asks of the statistics of a call."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from math import isnan
from typing import TYPE_CHECKING

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import derive, derive_rows
from nbrtc.stats.frame import to_frame
from nbrtc.stats.plot import checked_metrics, plot_stats
from nbrtc.stats.row import KINDS, Direction, Kind, StatsRow
from nbrtc.stats.store import StatsStore

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class CallStats:
    """Statistics of one call, measured in the browser once a second (webrtc-stats), for any thread to read.

    Examples
    --------
    >>> call.stats.to_frame(kind="video").groupby("direction").bitrate_bps.mean()  # doctest: +SKIP
    >>> call.stats.latest["python", "send", "video"].fps  # doctest: +SKIP
    >>> call.stats.plot(["rtt_s", "jitter_s"])  # doctest: +SKIP

    Parameters
    ----------
    store
        Where the bridge's thread puts the samples.
    """

    def __init__(self, store: StatsStore) -> None:
        self._store = store

    def to_frame(self, kind: Kind | None = None, participant: str | None = None) -> "pd.DataFrame":
        """Everything measured so far, tidy: a line per poll, participant, direction and kind.

        Parameters
        ----------
        kind
            ``"video"`` or ``"audio"``; None for both.
        participant
            Whose connection, ``"python"`` for the link; None for all. Without samples the frame is empty.

        Returns
        -------
        pandas.DataFrame
            UTC index ``time``; the columns of `StatsRow`, units in their names; NaN where nothing is known.

        Raises
        ------
        ValueError
            If `kind` is neither ``"video"`` nor ``"audio"``.
        """
        if kind is not None and kind not in KINDS:
            raise ValueError(f"Unknown kind {kind!r}: choose 'video' or 'audio', or None for both.")
        rows = derive(self._store.samples(participant))
        return to_frame(row for row in rows if kind is None or row.kind == kind)

    @property
    def latest(self) -> dict[tuple[str, Direction, Kind], StatsRow]:
        """The newest row of each stream by (participant, direction, kind), also of those who left."""
        found = {}
        for participant in self._store.participants():
            samples = self._store.samples(participant, newest=2)
            for row in derive_rows(samples[0] if len(samples) == 2 else None, samples[-1]):
                found[row.participant, row.direction, row.kind] = row
        return found

    def raw(self) -> list[StatsSample]:
        """The samples themselves, oldest first: getStats verbatim, without what is nested."""
        return self._store.samples()

    def plot(self, metrics: str | Sequence[str] | None = None, participant: str | None = None) -> "Figure":
        """Draw metrics over time, one panel each, sent and received apart.

        Parameters
        ----------
        metrics
            Columns of `to_frame`, one or several; None draws bitrate, frame rate, round trip and loss.
        participant
            Whose connection; None draws all.

        Returns
        -------
        matplotlib.figure.Figure
            Not registered with pyplot, so nothing has to be closed. Without samples it says so in words.

        Raises
        ------
        ValueError
            For an unknown metric; it lists the known ones.
        """
        whose = "" if participant is None else f" for {participant!r}"
        empty = f"No statistics have arrived{whose} yet: the first come a second after the call connects."
        return plot_stats(self.to_frame(participant=participant), checked_metrics(metrics), empty)

    def __len__(self) -> int:
        return len(self._store)

    def __repr__(self) -> str:
        newest = self._store.samples(newest=1)
        if not newest:
            return "<CallStats: no samples yet>"
        return f"<CallStats: {len(self)} samples, the newest of {_clock(newest[0].time_s)}>"

    def _repr_html_(self) -> str:
        rows = list(self.latest.values())
        if not rows:
            return "<p>No statistics have arrived yet: the first come a second after the call connects.</p>"
        names = (
            "participant",
            "direction",
            "kind",
            "bitrate (kbit/s)",
            "fps",
            "size",
            "RTT (ms)",
            "loss (%)",
        )
        head = "".join(f"<th>{name}</th>" for name in names)
        body = "".join(
            f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(row))}</tr>" for row in rows
        )
        caption = f"<caption>{escape(repr(self)[1:-1])}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(row: StatsRow) -> tuple[str, ...]:
    width, height = (_text(pixels) for pixels in (row.frame_width, row.frame_height))
    return (
        row.participant,
        row.direction,
        row.kind,
        _text(row.bitrate_bps / 1000),
        _text(row.fps),
        f"{width} x {height}" if row.frame_width > 0 else "",
        _text(row.rtt_s * 1000),
        _text(row.loss_fraction * 100, digits=1),
    )


def _text(value: float, *, digits: int = 0) -> str:
    return "" if isnan(value) else f"{value:.{digits}f}"


def _clock(time_s: float) -> str:
    return f"{datetime.fromtimestamp(time_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
