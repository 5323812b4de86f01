"""The members of stats objects of one type, verbatim, as a DataFrame."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nbrtc.messages import StatsSample
from nbrtc.stats.frames.index import time_index
from nbrtc.stats.source import StatsSource
from nbrtc.stats.store import each_sample

if TYPE_CHECKING:
    import pandas as pd

TYPES = (
    "codec",
    "inbound-rtp",
    "outbound-rtp",
    "remote-inbound-rtp",
    "remote-outbound-rtp",
    "media-source",
    "media-playout",
    "peer-connection",
    "data-channel",
    "transport",
    "candidate-pair",
    "local-candidate",
    "remote-candidate",
    "certificate",
)
"""webrtc-stats, section 6.1 (RTCStatsType)."""

KEYS = ("participant", "generation", "id")


def checked_type(source: StatsSource, type_: str) -> str:
    """The type; a ValueError where neither the standard nor the source knows it."""
    if type_ in TYPES:
        return type_
    present = sorted({str(report.get("type")) for sample in each_sample(source) for report in sample.reports})
    if type_ in present:
        return type_
    here = f"here are {', '.join(map(repr, present))}" if present else "nothing was measured yet"
    raise ValueError(
        f"Unknown kind {type_!r}: choose 'video' or 'audio', None for both, "
        f"or a type of webrtc-stats; {here}."
    )


def raw_frame(samples: Iterable[StatsSample], type_: str) -> "pd.DataFrame":
    """A line per poll and object of a type.

    Returns
    -------
    pandas.DataFrame
        Index ``time`` of the poll, in UTC. Columns: participant, generation, id, then the members in the
        order of their first appearance. Numbers are int64 or float64, flags are boolean, texts are str, a
        member that is not always of one kind stays what it is; what is missing is NaN.
    """
    import pandas as pd

    times_s: list[float] = []
    lines: list[dict[str, Any]] = []
    for sample in samples:
        for report in sample.reports:
            if report.get("type") == type_:
                times_s.append(sample.time_s)
                line: dict[str, Any] = {"participant": sample.peer, "generation": sample.generation}
                line["id"] = report.get("id")
                line |= {name: value for name, value in report.items() if name not in (*KEYS, "type")}
                lines.append(line)
    index = time_index(times_s)
    if not lines:
        dtypes = {"participant": "str", "generation": "int64", "id": "str"}
        return pd.DataFrame({name: [] for name in KEYS}, index=index).astype(dtypes)
    names = dict.fromkeys(name for line in lines for name in line)
    return pd.DataFrame(
        {name: _column([line.get(name) for line in lines], index) for name in names}, index=index
    )


def _column(values: list[Any], index: "pd.DatetimeIndex") -> "pd.Series[Any]":
    import numpy as np
    import pandas as pd

    kinds = {type(value) for value in values}
    if kinds <= {bool, type(None)}:
        return pd.Series(values, index=index, dtype="boolean")
    if kinds <= {str, type(None)}:
        return pd.Series([np.nan if value is None else value for value in values], index=index, dtype="str")
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values):
        return pd.Series(values, index=index, dtype="int64")
    if kinds <= {int, float, type(None)}:
        numbers = [np.nan if value is None else float(value) for value in values]
        return pd.Series(numbers, index=index, dtype="float64")
    return pd.Series([np.nan if value is None else value for value in values], index=index, dtype="object")
