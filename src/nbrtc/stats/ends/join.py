"""Both ends of a connection side by side: what one sent against what the other received.

A connection is found by the certificates of its two ends: our own is their remote one, and the other way
round. Where one side says nothing of certificates (Firefox, old dumps), it is found by the SSRCs that both
know.

The table has a line for each stream and each poll of ours. The columns:

===================================  =================================================================
``participant``, ``generation``      our connection
``other_participant``                what the other side calls it
``direction``                        seen from us: ``"send"`` or ``"receive"``
``kind``, ``ssrc``                   the stream
``sent_packets``                     cumulative, since the stream began
``received_packets``                 of those sent until then, how many arrived
``sent_bitrate_bps``,                since the previous line of the stream; payload without RTP headers
``received_bitrate_bps``
``sent_fps``, ``received_fps``       frames encoded, frames decoded
``lost_packets``                     sent less received since the previous line. May be a little below 0: the
                                     other side's counter is taken as growing evenly between its polls
``loss_fraction``                    of what was sent since the previous line, 0..1
===================================  =================================================================

The other side's counters are read at our polls, by their clock; and one delay of the path later (or
earlier, where they are the sender), so that both counters are about the same packets. What one side did not
see is NaN.
"""

from collections.abc import Iterator
from math import isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from nbrtc.stats.ends.clock import (
    Arrivals,
    ClockOffset,
    Floats,
    Passage,
    estimate_from_counters,
    estimate_offset,
)
from nbrtc.stats.ends.end import End, Stream, StreamKey, ends
from nbrtc.stats.frames.index import time_index
from nbrtc.stats.interval import largest
from nbrtc.stats.row import Direction
from nbrtc.stats.source import StatsSource

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "participant", "generation", "other_participant", "direction", "kind", "ssrc", "sent_bitrate_bps",
    "received_bitrate_bps", "sent_packets", "received_packets", "lost_packets", "loss_fraction", "sent_fps",
    "received_fps",
)  # fmt: skip

PYTHONS_END = "you"


def join(ours: StatsSource, theirs: StatsSource, participant: str | None = None) -> "pd.DataFrame":
    """Join two ends; any thread.

    Parameters
    ----------
    ours
        One side: the table is about its polls, and by its clock.
    theirs
        The other side. The same source joins the connections that it has both ends of: a call's link,
        measured by the page and by Python, or a dump of a page that called itself.
    participant
        Which of our connections; None takes all that match.

    Returns
    -------
    pandas.DataFrame
        UTC index ``time``, columns as above. In ``attrs``, by participant: ``clock_offset_s`` (their clock
        less ours), ``clock_offset_error_s``, ``clock_offset_method`` (``"rtcp"``, ``"rtcp one way"``,
        ``"packet counters"`` or ``"unknown"``), ``clock_drift_ppm`` and ``clock_offset_note``.

    Raises
    ------
    ValueError
        If no stream of one side is one of the other.
    """
    pairs = _pairs(
        ends(ours, participant),
        ends(theirs),
        is_same=ours is theirs,
        is_chosen=participant is not None,
    )
    links: dict[tuple[str, str], list[tuple[End, End]]] = {}
    for our_end, their_end in pairs:
        links.setdefault((our_end.participant, their_end.participant), []).append((our_end, their_end))
    parts: list[dict[str, Any]] = []
    offsets: dict[str, ClockOffset] = {}
    for (name, _), connections in links.items():
        # A clock is a computer's, whatever connections it has had.
        offset = offsets.setdefault(name, _offset(connections))
        for our_end, their_end in connections:
            parts += _lines(our_end, their_end, offset)
    if not parts:
        raise ValueError(_why_not(ours, theirs, participant))
    return _frame(parts, offsets)


def _pairs(ours: list[End], theirs: list[End], *, is_same: bool, is_chosen: bool) -> list[tuple[End, End]]:
    """Who belongs to whom; each end to one other at most, the surest first."""
    found = []
    for place, our_end in enumerate(ours):
        for other_place, their_end in enumerate(theirs):
            if is_same and _is_itself(our_end, their_end):
                continue
            if is_same and not is_chosen and not _is_first(our_end, place, their_end, other_place):
                continue
            known, streams = _kinship(our_end, their_end)
            if known is not False and streams:
                found.append((known is True, streams, -place, -other_place))
    taken_ours: set[int] = set()
    taken_theirs: set[int] = set()
    pairs = []
    for _, _, place, other_place in sorted(found, reverse=True):
        if place not in taken_ours and other_place not in taken_theirs:
            taken_ours.add(place)
            taken_theirs.add(other_place)
            pairs.append((ours[-place], theirs[-other_place]))
    return pairs


def _is_itself(one: End, other: End) -> bool:
    return (one.participant, one.generation) == (other.participant, other.generation)


def _is_first(our_end: End, place: int, their_end: End, other_place: int) -> bool:
    """Of two ends in one source, which is ours: the page's, else the earlier one."""
    if PYTHONS_END in (our_end.participant, their_end.participant):
        return their_end.participant == PYTHONS_END
    return place < other_place


def _kinship(ours: End, theirs: End) -> tuple[bool | None, int]:
    """Whether the certificates match (None where unknown), and how many streams do."""
    streams = sum(1 for _ in _common(ours, theirs))
    if ours.fingerprints is None or theirs.fingerprints is None:
        return None, streams
    return ours.fingerprints == theirs.fingerprints[::-1], streams


def _common(ours: End, theirs: End) -> Iterator[tuple[Direction, StreamKey, Stream, Stream]]:
    """Streams that both know: direction seen from us, and the sender's and the receiver's counters."""
    for key, sent in ours.streams["send"].items():
        if key in theirs.streams["receive"]:
            yield "send", key, sent, theirs.streams["receive"][key]
    for key, received in ours.streams["receive"].items():
        if key in theirs.streams["send"]:
            yield "receive", key, theirs.streams["send"][key], received


def _offset(connections: list[tuple[End, End]]) -> ClockOffset:
    """The offset of the clocks, from everything that passed between the two."""
    all_ours, all_theirs = zip(*connections, strict=True)
    shortest_s = -largest(-end.shortest_round_trip_s for end in (*all_ours, *all_theirs))
    found = estimate_offset(_arrivals(all_ours), _arrivals(all_theirs), shortest_s)
    if not isnan(found.offset_s):
        return found
    passages: dict[Direction, list[Passage]] = {"send": [], "receive": []}
    for our_end, their_end in connections:
        for direction, _, sent, received in _common(our_end, their_end):
            passages[direction].append((sent.packets, received.accounted))
    return estimate_from_counters(passages["send"], passages["receive"], shortest_s)


def _arrivals(some: tuple[End, ...]) -> Arrivals:
    return Arrivals(
        np.concatenate([end.arrivals.sent_s for end in some]),
        np.concatenate([end.arrivals.arrived_s for end in some]),
    )


def _lines(ours: End, theirs: End, offset: ClockOffset) -> Iterator[dict[str, Any]]:
    """The columns of each stream."""
    for direction, (kind, ssrc), sent, received in _common(ours, theirs):
        own = sent if direction == "send" else received
        # Theirs, when our packets have come to them; or when they sent what has come to us.
        delay_s = offset.delay_s if direction == "send" else -offset.delay_s
        other_s = offset.theirs(own.moments_s) + delay_s
        sender = _at(sent, own.moments_s if own is sent else other_s)
        receiver = _at(received, own.moments_s if own is received else other_s)
        seconds = np.diff(own.moments_s, prepend=nan)
        sent_packets, received_packets = sender["packets"], receiver["packets"]
        grown = np.diff(sent_packets, prepend=nan)
        lost = grown - np.diff(received_packets, prepend=nan)
        share = np.divide(lost, grown, out=np.full(len(lost), nan), where=grown > 0)
        yield {
            "time": own.polled_s,
            "participant": ours.participant,
            "generation": ours.generation,
            "other_participant": theirs.participant,
            "direction": direction,
            "kind": kind,
            "ssrc": ssrc,
            "sent_bitrate_bps": 8 * np.diff(sender["octets"], prepend=nan) / seconds,
            "received_bitrate_bps": 8 * np.diff(receiver["octets"], prepend=nan) / seconds,
            "sent_packets": sent_packets,
            "received_packets": received_packets,
            "lost_packets": lost,
            "loss_fraction": np.clip(share, 0, 1),
            "sent_fps": np.diff(sender["frames"], prepend=nan) / seconds,
            "received_fps": np.diff(receiver["frames"], prepend=nan) / seconds,
        }


def _at(stream: Stream, times_s: Floats) -> dict[str, Floats]:
    counters = {"packets": stream.packets, "octets": stream.octets, "frames": stream.frames}
    return {name: counter.at(times_s) for name, counter in counters.items()}


def _frame(parts: list[dict[str, Any]], offsets: dict[str, ClockOffset]) -> "pd.DataFrame":
    import pandas as pd

    times = np.concatenate([part["time"] for part in parts])
    columns: dict[str, Any] = {}
    for name in COLUMNS:
        values = [np.broadcast_to(part[name], len(part["time"])) for part in parts]
        columns[name] = np.concatenate(values)
    order = np.argsort(times, kind="stable")
    index = time_index(times[order])
    frame = pd.DataFrame(
        {
            name: pd.Series(values[order], index=index, dtype="str" if values.dtype.kind in "OU" else None)
            for name, values in columns.items()
        },
        index=index,
    )
    frame.attrs = {
        "clock_offset_s": {name: offset.offset_s for name, offset in offsets.items()},
        "clock_offset_error_s": {name: offset.error_s for name, offset in offsets.items()},
        "clock_offset_method": {name: offset.method for name, offset in offsets.items()},
        "clock_drift_ppm": {name: 1e6 * offset.drift for name, offset in offsets.items()},
        "clock_offset_note": {name: offset.note for name, offset in offsets.items()},
    }
    return frame


def _why_not(ours: StatsSource, theirs: StatsSource, participant: str | None) -> str:
    names = ", ".join(map(repr, ours.participants())) or "none"
    if participant is not None and participant not in ours.participants():
        return f"There are no statistics of {participant!r}: choose one of {names}."
    if ours is theirs:
        return (
            f"Of no connection ({names}) both ends are here: pass the other side's statistics, "
            "as nbrtc.load_dump(path) reads them."
        )
    others = ", ".join(map(repr, theirs.participants())) or "none"
    return (
        f"No stream of one side ({names}) is one of the other ({others}): certificates or SSRCs differ. "
        "Are both of the same call, and does no server stand in between?"
    )
