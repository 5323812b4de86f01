"""A tidy frame with a line per time instead of one per poll and stream."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LONE_POLL_S = 1.0
"""The interval of polls that have no neighbours to measure it by."""


def widened(frame: "pd.DataFrame", keys: Sequence[str], last: str) -> "pd.DataFrame":
    """Turn the key columns of a tidy frame into levels of columns.

    Connections are polled at the same interval, but not at the same moment. A line begins with a poll, and
    takes in the next poll of every other participant that comes within one interval; a participant's second
    poll begins a new line. The interval is the median of the connection that is polled most often. So each
    poll stands in one line, at most an interval later than the line's time, which is that of its first poll.

    Parameters
    ----------
    frame
        Index ``time``, among its columns ``participant``, ``generation`` and the keys.
    keys
        Columns that tell the lines of one poll apart, ``participant`` first.
    last
        What the remaining columns are called: the name of the last level.

    Returns
    -------
    pandas.DataFrame
        Index ``time``; columns in the levels (*keys, last), without ``generation``. Of a poll that came twice
        the second stands.
    """
    import pandas as pd

    levels = [*keys, last]
    if frame.empty:
        return pd.DataFrame(index=frame.index, columns=pd.MultiIndex.from_tuples([], names=levels))
    polls = sorted(set(zip(frame.index, frame["participant"], strict=True)))
    lines = _lines([(time.timestamp(), participant) for time, participant in polls])
    line_of = dict(zip(polls, lines, strict=True))
    numbers = [line_of[poll] for poll in zip(frame.index, frame["participant"], strict=True)]
    starts = [
        poll[0] for poll, line, before in zip(polls, lines, [-1, *lines], strict=False) if line != before
    ]
    parts = {}
    for key, part in frame.assign(_line=numbers).groupby(list(keys), sort=False, observed=True):
        part = part.drop_duplicates("_line", keep="last").set_index("_line")
        parts[key] = part.drop(columns=[*keys, "generation"]).reindex(range(len(starts)))
    whole = pd.concat(parts, axis=1, names=levels)
    whole.index = pd.DatetimeIndex(starts, name="time")
    return whole


def _lines(polls: Sequence[tuple[float, str]]) -> list[int]:
    """The number of each poll's line, of polls in the order of time."""
    limit_s = _interval_s(polls)
    found: list[int] = []
    present: set[str] = set()
    line, started_s = -1, 0.0
    for time_s, participant in polls:
        if line < 0 or participant in present or time_s - started_s >= limit_s:
            line, started_s = line + 1, time_s
            present = set()
        present.add(participant)
        found.append(line)
    return found


def _interval_s(polls: Sequence[tuple[float, str]]) -> float:
    times: dict[str, list[float]] = {}
    for time_s, participant in polls:
        times.setdefault(participant, []).append(time_s)
    medians = [median(b - a for a, b in pairwise(series)) for series in times.values() if len(series) > 1]
    return min(medians, default=LONE_POLL_S)
