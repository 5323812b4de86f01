"""Dumps of chrome://webrtc-internals, of Chromium 86 and later: one JSON object, series instead of polls."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from nbrtc.errors import DumpError
from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.dumps import internals_m86
from nbrtc.stats.dumps.limits import LIMITS, Limits, decode, refuse, seconds
from nbrtc.stats.dumps.polls import ConnectionPolls
from nbrtc.stats.dumps.stats_object import Placing, Series, milliseconds
from nbrtc.stats.dumps.wording import event_value, plain, structure, unquoted
from nbrtc.stats.loaded import LoadedStats

Number = int | float
NONE = Raw()
"""A member that is missing."""


class Update(Struct):
    """An entry of a connection's updateLog."""

    type: str
    value: Raw = NONE
    timestamp: Number | str | None = None
    """ms since 1970; before Chromium 117 there is `time` instead."""
    time: str | None = None
    """As the browser's language and time zone write it."""


class Connection(Struct):
    """A peer connection of the dump."""

    stats: dict[str, Series] = {}
    updateLog: list[Update] = []  # noqa: N815
    url: str | None = None
    pid: Number | str | None = None
    rtcConfiguration: Raw = NONE  # noqa: N815
    constraints: Raw = NONE
    nbrtc: Placing | None = None


class KeptEvent(Struct):
    """An event that `save_dump` found no connection for."""

    time_s: float
    name: str
    peer: str = ""
    value: str = ""
    generation: int = 0


class Kept(Struct):
    """What `save_dump` adds at the top."""

    events: list[KeptEvent] = []


class Dump(Struct):
    """The whole file."""

    connections: dict[str, Connection] | UnsetType = field(name="PeerConnections", default=UNSET)
    getUserMedia: list[dict[str, Raw]] | UnsetType = UNSET  # noqa: N815
    user_agent: str | None = field(name="UserAgent", default=None)
    user_agent_data: Raw = field(name="UserAgentData", default=NONE)
    timestamp: Number | None = None
    deviceMemory: Number | None = None  # noqa: N815
    hardwareConcurrency: Number | None = None  # noqa: N815
    cpuPerformance: Number | None = None  # noqa: N815
    nbrtc: Kept | None = None


def read_internals(data: bytes, name: str, limits: Limits = LIMITS) -> LoadedStats:
    """Read a dump of chrome://webrtc-internals.

    Parameters
    ----------
    name
        The file, for errors.

    Raises
    ------
    DumpError
        If it is truncated, foreign, or beyond the limits.
    """
    dump = _decode(data, name)
    connections = dump.connections or {}
    refuse(len(connections), limits.connections, "connections")
    samples: list[StatsSample] = []
    events: list[StatsEvent] = []
    about: dict[str, dict[str, Any]] = {}
    unplaced = values = 0
    for key, connection in connections.items():
        refuse(len(connection.stats), limits.series, f"series in connection {key}")
        polls = ConnectionPolls(key, connection.stats, connection.nbrtc, limits, values)
        mine = polls.samples()
        values += polls.values
        unplaced += polls.unplaced
        samples += mine
        refuse(len(samples), limits.polls, "polls")
        events += _updates(polls.peer, polls.generation, connection, mine)
        refuse(len(events), limits.events, "events")
        about[polls.peer] = _about(connection)
    media = dump.getUserMedia or []
    refuse(len(media) + len(events), limits.events, "events")
    requests = [_media_row(row) for row in media]
    events += _media(requests)
    undated = [row for row in requests if seconds(row.get("timestamp")) is None]
    events += [
        StatsEvent(kept.time_s, kept.peer, kept.name, kept.value, kept.generation)
        for kept in (dump.nbrtc.events if dump.nbrtc else [])
        if seconds(1000 * kept.time_s) is not None
    ]
    info = {**_info(dump), "connections": about, "unplaced_values": unplaced}
    if undated:
        info["undated_requests"] = undated
    return LoadedStats(samples, events, info)


def chrome_series(
    data: bytes, name: str, limits: Limits = LIMITS
) -> dict[tuple[str, str, str], list[tuple[float, float]]]:
    """Chrome's own derived series, ``[bytesSent_in_bits/s]`` and the like, to compare ours with.

    Returns
    -------
    dict
        By connection, stats id and name (with its brackets): pairs of Unix time in seconds and value. Series
        whose values cannot be told apart in time (they have gaps) and those without numbers are left out.
    """
    found = {}
    for key, connection in (_decode(data, name).connections or {}).items():
        polls = ConnectionPolls(key, connection.stats, connection.nbrtc, limits, 0)
        for id_, label, points in polls.bracketed():
            found[polls.peer, id_, label] = points
    return found


def _decode(data: bytes, name: str) -> Dump:
    dump: Dump = decode(data, Dump, name)
    if dump.connections is UNSET and dump.getUserMedia is UNSET:
        raise DumpError(
            f"{name} is JSON, but no dump of chrome://webrtc-internals: it has neither PeerConnections nor "
            "getUserMedia. Choose the file that the page's button to create a dump has saved."
        )
    return dump


def _about(connection: Connection) -> dict[str, Any]:
    configuration = plain(connection.rtcConfiguration)
    if isinstance(configuration, str):
        configuration = structure(
            configuration
        )  # before Chromium 117 it was not quite JSON, and stays a text
    found = {
        "url": connection.url,
        "pid": connection.pid,
        "rtcConfiguration": configuration,
        "constraints": plain(connection.constraints),
    }
    return {name: value for name, value in found.items() if value is not None}


def _info(dump: Dump) -> dict[str, Any]:
    machine = {
        name: getattr(dump, name)
        for name in ("deviceMemory", "hardwareConcurrency", "cpuPerformance")
        if getattr(dump, name) is not None
    }
    found = {
        "user_agent": dump.user_agent,
        "user_agent_data": plain(dump.user_agent_data),
        "saved_at_s": seconds(dump.timestamp),
        "machine": machine or None,
    }
    known = {name: value for name, value in found.items() if value is not None}
    return {"format": "webrtc-internals", "truncated": False, **known}


def _updates(
    peer: str, generation: int, connection: Connection, samples: list[StatsSample]
) -> Iterator[StatsEvent]:
    times_s = [seconds(milliseconds(update.timestamp)) for update in connection.updateLog]
    if times_s and all(update.timestamp is None for update in connection.updateLog):
        first_poll_s = samples[0].time_s if samples else None
        times_s = internals_m86.moments([update.time for update in connection.updateLog], first_poll_s)
    for update, time_s in zip(connection.updateLog, times_s, strict=True):
        if time_s is not None:
            value = unquoted(event_value(update.value))
            yield StatsEvent(time_s, peer, update.type, value, generation)


def _media_row(row: dict[str, Raw]) -> dict[str, Any]:
    return {name: plain(value) for name, value in row.items()}


def _media(rows: list[dict[str, Any]]) -> Iterator[StatsEvent]:
    """Requests for camera, microphone and screen, and what became of them."""
    for row in rows:
        moment_s = seconds(row.get("timestamp"))
        if moment_s is None:
            continue
        asked = row.get("request_type")
        name = asked if isinstance(asked, str) and asked else "getUserMedia"
        if "error" in row:
            name += "OnFailure"
        elif "stream_id" in row:
            name += "OnSuccess"
        rest = {key: value for key, value in row.items() if key not in ("timestamp", "request_type")}
        yield StatsEvent(moment_s, "", name[:200], msgspec.json.encode(rest).decode()[: LIMITS.text])
