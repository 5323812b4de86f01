"""Statistics as DataFrames; pandas is imported when the first one is asked for."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from nbrtc.stats.derive import derive
from nbrtc.stats.frames.index import time_index
from nbrtc.stats.frames.raw import checked_type, raw_frame
from nbrtc.stats.frames.wide import widened
from nbrtc.stats.row import KINDS, Kind, StatsRow
from nbrtc.stats.source import StatsSource
from nbrtc.stats.store import each_sample
from nbrtc.stats.stream_row import StreamRow
from nbrtc.stats.streams import derive_streams

if TYPE_CHECKING:
    import pandas as pd

SHAPES = ("tidy", "wide")


def to_frame(
    source: StatsSource,
    kind: str | None = None,
    participant: str | None = None,
    shape: Literal["tidy", "wide"] = "tidy",
) -> "pd.DataFrame":
    """What `CallStats.to_frame` gives out: rows of `StatsRow`, or the members of stats objects of one type.

    Raises
    ------
    ValueError
        If `kind` or `shape` is unknown; it names the known ones.
    """
    if shape not in SHAPES:
        raise ValueError(f"Unknown shape {shape!r}: choose 'tidy' or 'wide'.")
    if kind is None or kind in KINDS:
        rows = derive(each_sample(source, participant))
        frame = row_frame((row for row in rows if kind is None or row.kind == kind), StatsRow)
        return widened(frame, ("participant", "direction", "kind"), "metric") if shape == "wide" else frame
    frame = raw_frame(each_sample(source, participant), checked_type(source, kind))
    return widened(frame, ("participant", "id"), "member") if shape == "wide" else frame


def derived(source: StatsSource, kind: Kind | None = None, participant: str | None = None) -> "pd.DataFrame":
    """What `CallStats.derived` gives out: a line per RTP stream and poll, the columns of `StreamRow`.

    Raises
    ------
    ValueError
        If `kind` is unknown.
    """
    if kind is not None and kind not in KINDS:
        raise ValueError(f"Unknown kind {kind!r}: choose 'video' or 'audio', or None for both.")
    rows = derive_streams(each_sample(source, participant))
    return row_frame((row for row in rows if kind is None or row.kind == kind), StreamRow)


def events(source: StatsSource, participant: str | None = None) -> "pd.DataFrame":
    """What `CallStats.events` gives out: a line per event in the order of time.

    Page and engine tell of what happened each on its own way, so that it comes slightly out of order. Events
    of the same moment stay as they came.
    """
    import numpy as np
    import pandas as pd

    found = sorted(source.events(participant), key=lambda event: event.time_s)
    index = time_index([event.time_s for event in found])
    columns = {
        "participant": pd.Series([event.peer for event in found], index=index, dtype="str"),
        "generation": np.array([event.generation for event in found], dtype=np.int64),
        "name": pd.Series([event.name for event in found], index=index, dtype="str"),
        "value": pd.Series([event.value for event in found], index=index, dtype="str"),
    }
    return pd.DataFrame(columns, index=index)


def row_frame(rows: "Iterable[StatsRow | StreamRow]", of: "type[StatsRow | StreamRow]") -> "pd.DataFrame":
    """One line per row, indexed by the poll's time.

    Returns
    -------
    pandas.DataFrame
        Index ``time``: UTC, to the microsecond, not unique (one poll gives several lines). Columns: those of
        `of`; what is measured is float64, ``generation`` is int64, ``ssrc`` is Int64, flags are boolean,
        texts are str; what is missing is NaN. No rows give an empty frame with the same columns and types.
    """
    import numpy as np
    import pandas as pd

    kept = list(rows)
    index = time_index([row.time_s for row in kept])

    def column(name: str, kind: Any) -> Any:
        values = [getattr(row, name) for row in kept]
        if kind is float:
            return np.array(values, dtype=np.float64)
        if kind is int:
            return np.array(values, dtype=np.int64)
        if kind in _NULLABLE:
            return pd.Series(values, index=index, dtype=_NULLABLE[kind])
        return pd.Series([np.nan if value is None else value for value in values], index=index, dtype="str")

    columns = {field.name: column(field.name, field.type) for field in fields(of) if field.name != "time_s"}
    return pd.DataFrame(columns, index=index)


_NULLABLE: Mapping[Any, Any] = {int | None: "Int64", bool | None: "boolean"}
