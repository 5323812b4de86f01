"""Statistics of a call: kept by the kernel, derived from getStats, given out as a DataFrame or a figure."""

from nbrtc.stats.call_stats import CallStats
from nbrtc.stats.derive import derive, derive_rows
from nbrtc.stats.row import COLUMNS, METRICS, StatsRow
from nbrtc.stats.store import StatsStore
from nbrtc.stats.stream_row import StreamRow

__all__ = ["COLUMNS", "METRICS", "CallStats", "StatsRow", "StatsStore", "StreamRow", "derive", "derive_rows"]
