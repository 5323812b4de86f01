"""`nbrtc.ice_history`: how connections went so far, as a table; and forgetting it."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from .history import COLUMNS, History, history_path
from .outcome import Outcome
from .urls import canonical, parse

if TYPE_CHECKING:
    import pandas as pd

FRAME_COLUMNS = tuple(name for name in COLUMNS if name != "started_s")


def ice_history(servers: str | Collection[str] | None = None, since: Any = None) -> "pd.DataFrame":
    """How the connections of this user's calls went: one row for each attempt, the oldest first.

    Calls use it to choose and order their servers. It stays on this machine, in a file for this user only,
    with the last 5,000 attempts and without addresses or names of people; `forget_ice_history` empties it.
    The environment variable ``NBRTC_ICE_HISTORY`` names another file, or switches it off (``off``).

    Parameters
    ----------
    servers
        Only attempts in which this server, or one of these, was asked. By URL.
    since
        Only attempts from this time on: what `pandas.Timestamp` takes (without a zone: UTC), or a
        `pandas.Timedelta` or `datetime.timedelta` back from now.

    Returns
    -------
    pandas.DataFrame
        Index ``started`` (UTC). Columns ``success``; ``connect_s``, from its start until it was connected;
        ``peer``, ``"python"`` for the link between page and engine or ``"participant"``; ``local_type`` and
        ``remote_type`` of the selected candidates (``host``, ``srflx``, ``prflx``, ``relay``);
        ``relay_protocol``, how the relay was reached (``udp``, ``tcp``, ``tls``); ``server``, the URL of
        the server that gave the selected candidate; ``answered`` and ``silent``, tuples of the URLs that gave
        candidates or none; ``network``, what the browser knew of its network. What is not known is NaN, None
        or empty.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        For a URL that is none.
    """
    import pandas as pd

    frame = to_frame(History(history_path()).read())
    if servers is not None:
        given = [servers] if isinstance(servers, str) else servers
        for url in given:
            parse(url)  # a misspelt one would only give an empty table
        named = {canonical(url) for url in given}
        asked = zip(frame["server"], frame["answered"], frame["silent"], strict=True)
        rows = [bool(named & {server, *answered, *silent}) for server, answered, silent in asked]
        frame = frame.loc[pd.Series(rows, index=frame.index, dtype=bool)]
    if since is not None:
        frame = frame[frame.index >= _time(pd, since)]
    return frame


def forget_ice_history() -> int:
    """Forget how earlier connections went, for all of this user's calls; returns how many attempts that were.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    return History(history_path()).forget()


def to_frame(outcomes: Iterable[Outcome]) -> "pd.DataFrame":
    """The table of `ice_history`."""
    import pandas as pd

    rows = [msgspec.structs.asdict(outcome) for outcome in outcomes]
    started = pd.to_datetime([row["started_s"] for row in rows], unit="s", utc=True)
    frame = pd.DataFrame(rows, columns=list(FRAME_COLUMNS), index=pd.DatetimeIndex(started, name="started"))
    return frame.astype({"success": bool, "connect_s": "float64"})


def to_outcomes(history: Any) -> tuple[Outcome, ...]:
    """Outcomes of a table as `ice_history` gives it, or of a list of them.

    Raises
    ------
    TypeError
        For anything else.
    """
    if history is None:
        return ()
    if not hasattr(history, "itertuples"):
        found = tuple(history)
        if not all(isinstance(one, Outcome) for one in found):
            raise TypeError("history is a table as nbrtc.ice_history() gives it.")
        return found
    if missing := set(FRAME_COLUMNS) - set(history.columns):
        raise TypeError(f"history is a table as nbrtc.ice_history() gives it; it lacks {sorted(missing)}.")
    return tuple(_of_row(started, row) for started, row in history.iterrows())


def _of_row(started: Any, row: Any) -> Outcome:
    values = {name: row[name] for name in FRAME_COLUMNS}
    # pandas has NaN where something is missing, and NaN is not equal to itself
    known = {name: value for name, value in values.items() if value is not None and value == value}
    known |= {"success": bool(values["success"]), "started_s": started.timestamp()}
    return msgspec.convert(known, Outcome)


def _time(pd: Any, since: Any) -> Any:
    from datetime import timedelta

    now = pd.Timestamp.now("UTC")
    if isinstance(since, timedelta):  # pandas' own is one, too
        return now - since
    moment = pd.Timestamp(since)
    return moment.tz_localize("UTC") if moment.tzinfo is None else moment
