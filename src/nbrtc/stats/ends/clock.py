"""How far two computers' clocks are apart, from what each of them measured of the same call.

An RTCP sender report carries its sender's clock (RFC 3550, section 6.4.1), and its receiver notes when it
arrived by a clock of its own: ``remote-outbound-rtp``, `remoteTimestamp` and `timestamp`. In one direction
the difference is the delay of the path plus the offset of the clocks, in the other the delay minus the
offset. No delay is negative, so the smallest differences enclose the offset: the estimate is the middle,
half the width is the error that an asymmetric path may hide. This is how NTP works (RFC 5905, section 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NTP_EPOCH_MS = 2_208_988_800_000
"""From 1900, where NTP begins, to 1970 (RFC 5905, section 6)."""

DRIFT_AFTER_S = 600.0
"""Clocks of computers drift by some 10 ppm: 6 ms in this time, about what a path's delay varies."""

LONGEST_GAP_S = 5.0
"""Longer than this (and five polls) without a poll, and a counter is not filled in."""

_WINDOW_S = 60.0

Method = Literal["rtcp", "rtcp one way", "packet counters", "unknown"]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Sender reports that one end received, in any order."""

    sent_s: Floats
    """When they were sent, by the sender's clock."""
    arrived_s: Floats
    """When they arrived, by the receiver's clock."""


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter that only grows, at some moments of its side's clock."""

    times_s: Floats
    values: Floats

    def at(self, times_s: Floats) -> Floats:
        """The counter in between, as if it grew evenly; NaN before its first and after its last moment.

        NaN, too, where its side took no poll for long: nobody knows when in that time it grew.
        """
        if len(self.times_s) == 0:
            return np.full(len(times_s), nan)
        found = np.interp(times_s, self.times_s, self.values, left=nan, right=nan)
        if len(self.times_s) == 1:
            return found
        gaps_s = np.diff(self.times_s)
        longest_s = max(LONGEST_GAP_S, 5 * float(np.median(gaps_s)))
        following = np.clip(np.searchsorted(self.times_s, times_s), 1, len(gaps_s))
        is_between = self.times_s[following] > times_s
        return np.where(is_between & (gaps_s[following - 1] > longest_s), nan, found)

    def reached(self, values: Floats) -> Floats:
        """When it reached certain values; NaN where that was not seen."""
        if len(self.values) == 0:
            return np.full(len(values), nan)
        grew = np.diff(self.values) > 0
        levels = self.values[np.concatenate([[True], grew])]
        if len(levels) < 2:
            return np.full(len(values), nan)
        since_s = self.times_s[np.concatenate([[True], grew])]
        until_s = self.times_s[np.concatenate([grew, [True]])]  # it stands still while nothing is sent
        above = np.clip(np.searchsorted(levels, values), 1, len(levels) - 1)
        part = (values - levels[above - 1]) / (levels[above] - levels[above - 1])
        found = until_s[above - 1] + part * (since_s[above] - until_s[above - 1])
        # At its first value it may have stood for any time before.
        is_seen = (values > levels[0]) & (values <= levels[-1])
        return np.where(is_seen, found, nan)


Passage = tuple[Counter, Counter]
"""The packets of one stream: counted where it is sent, and where it arrives (those lost counted, too)."""


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The other side's clock, seen from ours: add it to a time of ours to get theirs."""

    offset_s: float
    """Theirs minus ours at `at_s`; NaN where nothing tells."""
    error_s: float
    """The offset is not further away than this, except with ``"packet counters"``, where it is a guess."""
    method: Method
    drift: float = 0.0
    """How much their clock is faster than ours: seconds per second of ours."""
    at_s: float = 0.0
    """By our clock."""
    delay_s: float = 0.0
    """One way along the path, at its fastest; half the round trip, if both ways are alike."""
    note: str = ""

    def theirs(self, ours_s: "Floats") -> "Floats":
        """Times of ours as their clock shows them; unchanged where the offset is not known."""
        if isnan(self.offset_s):
            return ours_s
        return ours_s + self.offset_s + self.drift * (ours_s - self.at_s)


UNKNOWN = ClockOffset(
    nan,
    nan,
    "unknown",
    note="Neither side received sender reports, and no packet counter grew on both: "
    "the clocks are taken as equal.",
)


def sender_time_ms(remote_timestamp: float, arrived_ms: float) -> float:
    """`remoteTimestamp` in ms since 1970 (webrtc-stats), also where an implementation counts from 1900."""
    since_1970 = remote_timestamp - NTP_EPOCH_MS
    return (
        since_1970 if abs(since_1970 - arrived_ms) < abs(remote_timestamp - arrived_ms) else remote_timestamp
    )


def estimate_offset(ours: Arrivals, theirs: Arrivals, round_trip_s: float = nan) -> ClockOffset:
    """The offset from sender reports.

    Parameters
    ----------
    ours
        What they sent and we received.
    theirs
        What we sent and they received.
    round_trip_s
        The shortest one that was measured; for reports in one direction only.

    Returns
    -------
    ClockOffset
        With a drift where the reports cover more than `DRIFT_AFTER_S`; `UNKNOWN` where they do not suffice.
    """
    down_at, up_at = ours.arrived_s, theirs.sent_s  # both by our clock
    down, up = down_at - ours.sent_s, theirs.arrived_s - up_at
    both = len(down) > 0 and len(up) > 0
    if not both and (isnan(round_trip_s) or len(down) + len(up) == 0):
        return UNKNOWN
    moments = np.concatenate([down_at, up_at])
    at_s = float(moments.mean())
    drift = _drift(down_at, down, up_at, up) if np.ptp(moments) > DRIFT_AFTER_S else 0.0
    down = down + drift * (down_at - at_s)
    up = up - drift * (up_at - at_s)
    if both:
        fastest_up, fastest_down = float(up.min()), float(down.min())
        # Rounded timestamps can make the sum of two very short delays negative.
        error_s = max(0.0, (fastest_up + fastest_down) / 2)
        return ClockOffset((fastest_up - fastest_down) / 2, error_s, "rtcp", drift, at_s, error_s)
    half_s = round_trip_s / 2
    offset_s = float(up.min()) - half_s if len(up) else half_s - float(down.min())
    return ClockOffset(
        offset_s,
        half_s,
        "rtcp one way",
        drift,
        at_s,
        half_s,
        "Only one side received sender reports: half the round trip was taken as the delay of the path.",
    )


def estimate_from_counters(
    sent: Sequence[Passage], received: Sequence[Passage], round_trip_s: float = nan
) -> ClockOffset:
    """The offset at which the counters of both ends agree best: for connections without sender reports.

    Parameters
    ----------
    sent
        Streams from us to them: our counter and theirs.
    received
        Streams from them to us: their counter and ours.
    round_trip_s
        The shortest one; used where streams went in one direction only.
    """
    up = np.concatenate([_passing_s(*passage) for passage in sent] or [np.empty(0)])
    down = np.concatenate([_passing_s(*passage) for passage in received] or [np.empty(0)])
    if not len(up) and not len(down):
        return UNKNOWN
    polls = [np.diff(counter.times_s) for passage in (*sent, *received) for counter in passage]
    interval_s = float(np.median(np.concatenate(polls)))
    half_s = 0.0 if isnan(round_trip_s) else round_trip_s / 2
    if len(up) and len(down):
        offset_s = float(np.median(up) - np.median(down)) / 2
        delay_s = max(0.0, float(np.median(up) + np.median(down)) / 2)
    else:
        offset_s = float(np.median(up)) - half_s if len(up) else half_s - float(np.median(down))
        delay_s = half_s
    at_s = float(np.mean([counter.times_s.mean() for counter, _ in sent] or [0.0]))
    return ClockOffset(
        offset_s,
        interval_s,
        "packet counters",
        0.0,
        at_s,
        delay_s,
        "There were no sender reports: the packet counters of both ends were laid over each other.",
    )


def _passing_s(sent: Counter, received: Counter) -> Floats:
    """By how much the receiver's clock showed more when a packet arrived than the sender's when it left."""
    found = received.times_s - sent.reached(received.values)
    return found[~np.isnan(found)]


def _drift(down_at: Floats, down: Floats, up_at: Floats, up: Floats) -> float:
    """The slope of the offset: the median over all pairs of windows (Theil-Sen); bursts count little."""
    rising, falling = _fastest(up_at, up), _fastest(down_at, down)
    windows = sorted(rising.keys() & falling.keys())
    if len(windows) >= 2:  # delays that change in both directions alike cancel out
        offsets = [(rising[window] - falling[window]) / 2 for window in windows]
    elif len(rising) >= len(falling):
        windows, offsets = list(rising), list(rising.values())
    else:
        windows, offsets = list(falling), [-fastest for fastest in falling.values()]
    places, values = np.array(windows) * _WINDOW_S, np.array(offsets)
    first, second = np.triu_indices(len(places), 1)
    slopes = (values[second] - values[first]) / (places[second] - places[first])
    return float(np.median(slopes)) if len(slopes) else 0.0


def _fastest(moments_s: Floats, differences_s: Floats) -> dict[int, float]:
    """The smallest difference of each window of time: what queued least."""
    found: dict[int, float] = {}
    for window, difference_s in zip((moments_s // _WINDOW_S).astype(int), differences_s, strict=True):
        found[int(window)] = min(float(difference_s), found.get(int(window), float(difference_s)))
    return dict(sorted(found.items()))
