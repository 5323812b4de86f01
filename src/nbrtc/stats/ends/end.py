"""One end of a peer connection as arrays: its certificates, its streams, the sender reports it received."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import inf, isnan, nan

import numpy as np

from nbrtc.messages import StatsSample
from nbrtc.stats.ends.clock import Arrivals, Counter, Floats, sender_time_ms
from nbrtc.stats.interval import Report, frame_counter, largest, number
from nbrtc.stats.row import KINDS, Direction, Kind
from nbrtc.stats.source import StatsSource

StreamKey = tuple[Kind, int]
"""Kind and SSRC: what a stream is called at both ends (RFC 3550, section 8.1)."""

_DIRECTIONS: dict[object, Direction] = {"outbound-rtp": "send", "inbound-rtp": "receive"}

_FARTHEST_MS = 5000.0
"""A report whose timestamp is further from its poll than this has another clock's."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The counters of one RTP stream at one end."""

    polled_s: Floats
    moments_s: Floats
    """When the counters were read, by the same clock."""
    packets: Counter
    octets: Counter
    frames: Counter
    accounted: Counter
    """Packets and those known to be lost: what the sender had sent when the last of them arrived."""


class End:
    """Everything that one participant's connection of one generation measured.

    Parameters
    ----------
    participant, generation
        Whose connection, and which of them.
    samples
        Its polls, oldest first.
    """

    def __init__(self, participant: str, generation: int, samples: list[StatsSample]) -> None:
        self.participant = participant
        self.generation = generation
        self._samples = samples

    @cached_property
    def fingerprints(self) -> tuple[str, str] | None:
        """Our certificate's and the other end's, of the newest poll that has both (RFC 8122)."""
        for sample in reversed(self._samples):
            by_id = {report.get("id"): report for report in sample.reports}
            for report in sample.reports:
                if report.get("type") == "transport":
                    ids = (report.get("localCertificateId"), report.get("remoteCertificateId"))
                    found = [by_id.get(id_ or "", {}).get("fingerprint") for id_ in ids]
                    if all(isinstance(value, str) and value for value in found):
                        return str(found[0]).upper(), str(found[1]).upper()
        return None

    @cached_property
    def streams(self) -> dict[Direction, dict[StreamKey, Stream]]:
        """The streams that it sent and received."""
        points: dict[tuple[Direction, StreamKey], list[tuple[float, Report]]] = {}
        for sample in self._samples:
            for report in sample.reports:
                key = _stream_key(report)
                if key is not None:
                    points.setdefault(key, []).append((sample.time_s, report))
        found: dict[Direction, dict[StreamKey, Stream]] = {"send": {}, "receive": {}}
        for (direction, stream_key), polls in points.items():
            found[direction][stream_key] = _stream(polls, direction)
        return found

    @cached_property
    def arrivals(self) -> Arrivals:
        """The sender reports that it received, each once."""
        found: dict[tuple[object, float], tuple[float, float]] = {}
        for report in self._of_type("remote-outbound-rtp"):
            sent_ms, arrived_ms = number(report, "remoteTimestamp"), number(report, "timestamp")
            if sent_ms > 0 and arrived_ms > 0:
                sent_ms = sender_time_ms(sent_ms, arrived_ms)
                found[report.get("ssrc"), sent_ms] = sent_ms / 1000, arrived_ms / 1000
        times = np.array(list(found.values()), dtype=np.float64).reshape(-1, 2)
        return Arrivals(times[:, 0], times[:, 1])

    @cached_property
    def shortest_round_trip_s(self) -> float:
        """By STUN or RTCP; NaN where none was measured."""
        members = {"candidate-pair": "currentRoundTripTime", "remote-inbound-rtp": "roundTripTime"}
        times_s = [
            number(report, member) for type_, member in members.items() for report in self._of_type(type_)
        ]
        return -largest(-time_s for time_s in times_s if time_s > 0)

    def _of_type(self, type_: str) -> Iterator[Report]:
        for sample in self._samples:
            for report in sample.reports:
                if report.get("type") == type_:
                    yield report


def ends(source: StatsSource, participant: str | None = None) -> list[End]:
    """The ends of all connections that `source` knows, in the order of their first poll."""
    samples: dict[tuple[str, int], list[StatsSample]] = {}
    for sample in source.samples(participant):
        samples.setdefault((sample.peer, sample.generation), []).append(sample)
    return [End(*key, polls) for key, polls in samples.items()]


def _stream_key(report: Report) -> tuple[Direction, StreamKey] | None:
    direction = _DIRECTIONS.get(report.get("type"))
    kind = report.get("kind") or report.get("mediaType")
    ssrc = number(report, "ssrc")
    if direction is None or kind not in KINDS or isnan(ssrc):
        return None
    return direction, (kind, int(ssrc))


def _stream(polls: list[tuple[float, Report]], direction: Direction) -> Stream:
    sending = direction == "send"
    moved = "Sent" if sending else "Received"
    measured = [(_measured_s(time_s, report), time_s, report) for time_s, report in polls]
    kept = list(_newer(measured))
    moments, reports = [moment for moment, _, _ in kept], [report for _, _, report in kept]
    packets = _counter(moments, (number(report, f"packets{moved}") for report in reports))
    lost = np.array([number(report, "packetsLost") for report in reports if f"packets{moved}" in report])
    if sending or len(lost) != len(packets.values):
        accounted = packets
    else:  # packetsLost falls with a late packet, which is counted as received then
        accounted = Counter(packets.times_s, np.maximum.accumulate(packets.values + np.nan_to_num(lost)))
    return Stream(
        polled_s=np.array([time_s for _, time_s, _ in kept]),
        moments_s=np.array(moments),
        packets=packets,
        octets=_counter(moments, (number(report, f"bytes{moved}") for report in reports)),
        frames=_counter(moments, _frames(reports, sending=sending)),
        accounted=accounted,
    )


def _frames(reports: list[Report], *, sending: bool) -> Iterator[float]:
    """Pictures since the first report; what counts them may change, as when Python begins to decode."""
    before: Report = {}
    counted = 0.0
    for report in reports:
        counter = frame_counter(before or report, report, sending=sending)
        value = number(report, counter)
        if isnan(value):
            yield nan
            continue
        difference = value - number(before, counter) if before else 0.0
        counted += difference if difference >= 0 else value  # after a reset so many did pass
        before = report
        yield counted


def _newer(measured: list[tuple[float, float, Report]]) -> Iterator[tuple[float, float, Report]]:
    """What is later than all before it: a poll that came twice, or late, has nothing to add."""
    newest_s = -inf
    for moment_s, time_s, report in measured:
        if moment_s > newest_s:
            newest_s = moment_s
            yield moment_s, time_s, report


def _measured_s(polled_s: float, report: Report) -> float:
    """When its counters were read: a poll takes a while, and the report says when within it."""
    measured_ms = number(report, "timestamp")
    return measured_ms / 1000 if abs(measured_ms - 1000 * polled_s) <= _FARTHEST_MS else polled_s


def _counter(times_s: Iterable[float], values: Iterable[float]) -> Counter:
    """Of what is known; after a reset it goes on from where it was, because so much did pass."""
    kept_s, kept, passed, before = [], [], 0.0, nan
    for time_s, value in zip(times_s, values, strict=True):
        if isnan(value):
            continue
        if value < before:
            passed += before
        before = value
        kept_s.append(time_s)
        kept.append(passed + value)
    return Counter(np.array(kept_s, dtype=np.float64), np.array(kept, dtype=np.float64))
