"""`StatsView`: the live panel of a call's statistics as a widget of its own, in any cell or window."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets

from nbrtc.cells import close_earlier
from nbrtc.stats.call_stats import CallStats
from nbrtc.stats.live.feed import Feed

STATIC = Path(__file__).parents[2] / "static"

if not (STATIC / "stats-view.js").exists():
    raise ImportError(
        f"The widget's bundle is missing at {STATIC / 'stats-view.js'}: install nbrtc from a wheel, or run "
        "`npm ci && npm run build` in js/."
    )

VIEW_METRICS = (
    "bitrate_bps",
    "fps",
    "rtt_s",
    "loss_fraction",
    "jitter_s",
    "available_bitrate_bps",
    "frame_height",
    "encode_s",
    "decode_s",
    "jitter_buffer_s",
    "freeze_fraction",
    "concealed_fraction",
    "audio_level",
)
"""What the panel can draw, by the columns of `CallStats.to_frame`; the page's metrics.ts has the same."""

DEFAULT_METRICS = ("bitrate_bps", "fps", "rtt_s", "loss_fraction")


class HasStats(Protocol):
    """A `Call`."""

    @property
    def stats(self) -> CallStats:
        """Its statistics."""


class StatsView(anywidget.AnyWidget):
    """Statistics as charts, live in any cell: metrics, participants, pause, zoom, and what is wrong.

    >>> nbrtc.StatsView(call, metrics=["fps", "rtt_s"])  # doctest: +SKIP

    The widget follows the call while a cell keeps the kernel busy. It shows the last hour (3,600 polls of
    each connection); everything that was measured is in `CallStats.to_frame`.

    Parameters
    ----------
    source
        A call, its `CallStats`, or what `nbrtc.load_dump` returned.
    metrics
        Columns of `CallStats.to_frame`, one or several; None draws bitrate, frame rate, round trip and loss.
        May be assigned later, and is what the person chose in the widget.
    participants
        Whose connections, by id; None draws all but ``"you"``, which is the link once more, as Python
        measures it. May be assigned later, too.

    Raises
    ------
    TypeError
        If `source` has no statistics.
    ValueError
        For an unknown metric; it lists the known ones. So does assigning one.

    Notes
    -----
    Make and assign it on the main thread, as every widget; `close` may come from any thread. It is closed
    when its cell is run again, and lets go of the call then.
    """

    # texts, not paths: of a path, anywidget holds every widget that was ever made, to reload it
    _esm = traitlets.Unicode((STATIC / "stats-view.js").read_text()).tag(sync=True)
    _css = traitlets.Unicode((STATIC / "stats-view.css").read_text()).tag(sync=True)

    metrics = traitlets.List(traitlets.Unicode(), list(DEFAULT_METRICS)).tag(sync=True)
    participants = traitlets.List(traitlets.Unicode(), None, allow_none=True).tag(sync=True)
    _is_live = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self,
        source: HasStats | CallStats,
        metrics: str | Sequence[str] | None = None,
        participants: str | Sequence[str] | None = None,
    ) -> None:
        stats = source if isinstance(source, CallStats) else getattr(source, "stats", None)
        if not isinstance(stats, CallStats):
            raise TypeError(
                f"A StatsView shows a Call, its stats, or what load_dump() gave, not {type(source).__name__}."
            )
        close_earlier(self)
        super().__init__(
            metrics=list(DEFAULT_METRICS) if metrics is None else _names(metrics),
            participants=None if participants is None else _names(participants),
            _is_live=stats.source.is_live,
        )
        # answered on the subshell that asks, as in Call
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _data, default: default
        self._feed = Feed(stats.source, self.send)
        self.on_msg(self._from_page)
        self.comm.on_close(lambda _message: self.close())  # the page may close it, too

    def close(self, reason: str = "") -> None:
        """End it: the widget goes from the page, and the call is let go of. Idempotent.

        Parameters
        ----------
        reason
            Why, for whoever closes what an earlier run of a cell made.
        """
        feed: Feed | None = self.__dict__.get("_feed")
        if feed is not None:  # ipywidgets closes a view whose arguments were refused, too
            feed.close()
        super().close()

    @traitlets.validate("metrics")
    def _known_metrics(self, proposal: dict[str, Any]) -> list[str]:
        metrics: list[str] = proposal["value"]
        unknown = [name for name in metrics if name not in VIEW_METRICS]
        if unknown or not metrics:
            what = f"Unknown metrics {unknown}" if unknown else "No metrics were given"
            raise ValueError(f"{what}: a StatsView draws {', '.join(VIEW_METRICS)}.")
        return metrics

    def _from_page(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"kind": "hello", "page": str(page)} if len(page) <= 64:
                self._feed.tell(page)

    def __repr__(self) -> str:
        state = "closed" if not self._feed.is_open else "live" if self._is_live else "loaded"
        return f"<nbrtc.StatsView {state}: {', '.join(self.metrics)}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self)
            data["text/html"] = (
                f"<p>nbrtc statistics: {escape(', '.join(self.metrics))}. "
                "Run this cell in a notebook with a kernel to see them.</p>"
            )
        return bundle


def _names(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
