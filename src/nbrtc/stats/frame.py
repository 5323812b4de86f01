"""Rows as a tidy DataFrame; pandas is imported when the first one is asked for."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nbrtc.stats.row import COLUMNS, METRICS, StatsRow

if TYPE_CHECKING:
    import pandas as pd


def to_frame(rows: Iterable[StatsRow]) -> "pd.DataFrame":
    """One line per row, indexed by the poll's time.

    Returns
    -------
    pandas.DataFrame
        Index ``time``: UTC, to the microsecond, not unique (one poll gives up to four lines). Columns: those
        of `StatsRow`; metrics are float64, ``generation`` is int64, texts are str; what is missing is NaN. No
        rows give an empty frame with the same columns and types.
    """
    import numpy as np
    import pandas as pd

    kept = list(rows)
    # Whole microseconds: a float of seconds since 1970 as nanoseconds would show digits that nobody measured.
    times_us = np.array([round(row.time_s * 1e6) for row in kept], dtype=np.int64)
    index = pd.DatetimeIndex(times_us.astype("datetime64[us]"), name="time").tz_localize("UTC")

    def column(name: str) -> Any:
        values = [getattr(row, name) for row in kept]
        if name in METRICS:
            return np.array(values, dtype=np.float64)
        if name == "generation":
            return np.array(values, dtype=np.int64)
        texts = [np.nan if value is None else value for value in values]
        return pd.Series(texts, index=index, dtype="str")

    return pd.DataFrame({name: column(name) for name in COLUMNS if name != "time_s"}, index=index)
