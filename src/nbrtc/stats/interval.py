"""One stats object between two polls, and the arithmetic on them that knows what it does not know.

A difference exists only within one stats object of one connection: a new SSRC, a counter that fell and time
that stood still all make it NaN. NaN means "not known" and is never replaced by 0.
"""

from collections.abc import Iterable, Mapping
from math import isfinite, isnan, nan

Scalar = str | int | float | bool | None
Report = Mapping[str, Scalar]

CORE_COUNTERS = (
    "bytesSent",
    "bytesReceived",
    "packetsSent",
    "packetsReceived",
    "framesEncoded",
    "framesDecoded",
    "framesReceived",
    "totalSamplesReceived",
    "totalSamplesDuration",
    "responsesReceived",
    "roundTripTimeMeasurements",
)
"""Counters that only a reset lowers; packetsLost falls with a late packet (RFC 3550, section 6.4.1)."""


class Interval:
    """A report and, where they can be compared, its state one poll earlier.

    Parameters
    ----------
    now
        The stats object as the newer poll gives it.
    before
        The object of the same id in the poll before, if there was one.
    """

    __slots__ = ("_before", "_seconds", "now")

    def __init__(self, now: Report, before: Report | None) -> None:
        self.now = now
        elapsed_s = nan if before is None else _change(before, now, "timestamp") / 1000
        comparable = before is not None and elapsed_s > 0 and _continues(before, now)
        self._before = before if comparable else None
        self._seconds = elapsed_s

    @property
    def seconds(self) -> float:
        """How long it is, by the report's own timestamps; NaN where the two cannot be compared."""
        return nan if self._before is None else self._seconds

    def gauge(self, key: str) -> float:
        """The present value."""
        return number(self.now, key)

    def grown(self, key: str) -> float:
        """How far a counter rose; NaN where it fell."""
        before = self._before
        if before is None:
            return nan
        difference = number(self.now, key) - number(before, key)
        return difference if difference >= 0 else nan

    def lost(self) -> float:
        """Packets lost; 0 where late packets brought the total down."""
        difference = nan if self._before is None else _change(self._before, self.now, "packetsLost")
        return difference if isnan(difference) else max(0.0, difference)

    def frames(self, *, sending: bool) -> float:
        """Pictures that were coded, or went through uncoded; see `frame_counter`."""
        before = self._before
        return nan if before is None else self.grown(frame_counter(before, self.now, sending=sending))

    def rate(self, key: str) -> float:
        """Growth per second, by the report's own timestamps: polls are never exactly 1 s apart."""
        return self.grown(key) / self._seconds if self._before is not None else nan


def frame_counter(before: Report, now: Report, *, sending: bool) -> str:
    """The counter that tells the pictures between two states of a stream.

    Those encoded or decoded. An end that forwards pictures and codes none (Python's) has no such counter:
    then those sent or received. A counter that is there and stands still counts: nothing was coded.
    """
    coded, moved = ("framesEncoded", "framesSent") if sending else ("framesDecoded", "framesReceived")
    return moved if isnan(number(before, coded)) or isnan(number(now, coded)) else coded


def number(report: Report, key: str) -> float:
    """A numeric member of a report, or NaN; a boolean is not a number."""
    value = report.get(key)
    # Exact types, because bool is an int to isinstance; and this is the innermost of every derivation.
    if type(value) is float:
        return value if isfinite(value) else nan
    return value if type(value) is int else nan


def _change(before: Report, now: Report, key: str) -> float:
    return number(now, key) - number(before, key)


def _continues(before: Report, now: Report) -> bool:
    if before.get("type") != now.get("type") or before.get("ssrc") != now.get("ssrc"):
        return False
    # Membership first: this runs for every object of every poll, and most objects have two of these.
    for key in CORE_COUNTERS:  # noqa: SIM110 - half the time of a generator
        if key in now and number(now, key) < number(before, key):
            return False
    return True


def total(values: Iterable[float]) -> float:
    """Sum; NaN where a part is, because a sum without it would look like a dip, and NaN of nothing."""
    numbers = list(values)
    return sum(numbers) if numbers else nan


def largest(values: Iterable[float]) -> float:
    """Maximum of what is known; NaN where nothing is."""
    return max((value for value in values if not isnan(value)), default=nan)


def ratio(terms: Iterable[tuple[float, float]]) -> float:
    """Sum of the numerators over sum of the denominators, of the terms that know both; NaN if that is 0."""
    both = [(top, bottom) for top, bottom in terms if not isnan(top) and not isnan(bottom)]
    bottom = sum(bottom for _, bottom in both)
    return sum(top for top, _ in both) / bottom if bottom > 0 else nan


def share(value: float) -> float:
    """A fraction brought into 0..1; NaN stays NaN."""
    return value if isnan(value) else min(1.0, max(0.0, value))
