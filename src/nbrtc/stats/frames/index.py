"""The index of every frame: the time of a poll."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def time_index(times_s: Iterable[float]) -> "pd.DatetimeIndex":
    """Unix times as the index ``time``, in UTC."""
    import numpy as np
    import pandas as pd

    # Whole microseconds: a float of seconds since 1970 as nanoseconds would show digits that nobody measured.
    times_us = np.array([round(time_s * 1e6) for time_s in times_s], dtype=np.int64)
    return pd.DatetimeIndex(times_us.astype("datetime64[us]"), name="time").tz_localize("UTC")
