"""From consecutive getStats polls of a connection to tidy rows: the formulas, and nothing else.

`js/src/stats.ts` plots by the same formulas; both languages are tested on the cases in tests/data/stats.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf, isnan, nan, sqrt

from nbrtc.messages import StatsSample
from nbrtc.stats.interval import Interval, Report, largest, ratio, share, total
from nbrtc.stats.row import DIRECTIONS, KINDS, Direction, Kind, StatsRow

RTCP_LIFE_S = 5.0
"""An RTCP report describes the path for this long (RFC 3550, section 6.2: at most about 5 s between two)."""


def derive_rows(previous: StatsSample | None, current: StatsSample) -> list[StatsRow]:
    """Rows of one poll: video before audio, sent before received, only what the connection carries.

    Parameters
    ----------
    previous
        The poll before of the same participant. One of another generation is ignored: a new connection has
        a past of its own.
    current
        The poll to describe.
    """
    poll = _Poll(previous, current)
    return [
        poll.row(direction, kind)
        for direction in DIRECTIONS
        for kind in KINDS
        if poll.streams(direction, kind)
    ]


def derive(samples: Iterable[StatsSample]) -> Iterator[StatsRow]:
    """Rows of a series of polls in the order of time, the participants' polls interleaved as they came."""
    newest: dict[str, StatsSample] = {}
    for sample in samples:
        yield from derive_rows(newest.get(sample.peer), sample)
        newest[sample.peer] = sample


class _Poll:
    """One poll and what it can be compared with."""

    def __init__(self, previous: StatsSample | None, current: StatsSample) -> None:
        self._sample = current
        self._earlier: Mapping[object, Report] = {}
        if previous and previous.peer == current.peer and previous.generation == current.generation:
            self._earlier = {report.get("id"): report for report in previous.reports}
        self._by_id: Mapping[object, Report] = {report.get("id"): report for report in current.reports}
        self._pairs = [self._interval(report) for report in selected_pairs(current.reports)]
        self._sent = {kind: self._of_type("outbound-rtp", kind) for kind in KINDS}
        self._received = {kind: self._of_type("inbound-rtp", kind) for kind in KINDS}
        self._receivers = {kind: self._fresh_reports(kind) for kind in KINDS}
        self._rtt_s = self._round_trip_s()

    def streams(self, direction: Direction, kind: Kind) -> list[Interval]:
        return (self._sent if direction == "send" else self._received)[kind]

    def row(self, direction: Direction, kind: Kind) -> StatsRow:
        streams = self.streams(direction, kind)
        sending = direction == "send"
        moved, coded = ("Sent", "Encoded") if sending else ("Received", "Decoded")
        receiver = self._receivers[kind] if sending else streams
        sound = [self._source(stream) for stream in streams] if sending else streams
        available_bps = total(pair.gauge("availableOutgoingBitrate") for pair in self._pairs)
        leading = max(streams, key=_area)
        return StatsRow(
            time_s=self._sample.time_s,
            participant=self._sample.peer,
            generation=self._sample.generation,
            direction=direction,
            kind=kind,
            bitrate_bps=8 * total(stream.rate(f"bytes{moved}") for stream in streams),
            packets=_grown(streams, f"packets{moved}"),
            packets_lost=total(report.lost() for report in receiver),
            loss_fraction=_send_loss(streams, receiver) if sending else _receive_loss(streams),
            jitter_s=largest(report.gauge("jitter") for report in receiver),
            rtt_s=self._rtt_s,
            available_bitrate_bps=available_bps if sending else nan,
            fps=largest(stream.rate(f"frames{coded}") for stream in streams),
            frame_width=leading.gauge("frameWidth"),
            frame_height=leading.gauge("frameHeight"),
            keyframes=_grown(streams, f"keyFrames{coded}"),
            frames_dropped=_grown(streams, "framesDropped"),
            qp=_mean(streams, "qpSum", f"frames{coded}"),
            encode_s=_mean(streams, "totalEncodeTime", "framesEncoded"),
            decode_s=_mean(streams, "totalDecodeTime", "framesDecoded"),
            jitter_buffer_s=_mean(streams, "jitterBufferDelay", "jitterBufferEmittedCount"),
            freeze_fraction=share(largest(stream.rate("totalFreezesDuration") for stream in streams)),
            concealed_fraction=share(_mean(streams, "concealedSamples", "totalSamplesReceived")),
            audio_level=sqrt(_mean(sound, "totalAudioEnergy", "totalSamplesDuration")),
            nack=_grown(streams, "nackCount"),
            pli=_grown(streams, "pliCount"),
            limitation=_text(leading.now, "qualityLimitationReason"),
            codec=self._codec(leading),
        )

    def _interval(self, report: Report) -> Interval:
        return Interval(report, self._earlier.get(report.get("id")))

    def _of_type(self, type_: str, kind: Kind) -> list[Interval]:
        # Older browsers say mediaType instead of kind.
        return [
            self._interval(report)
            for report in self._sample.reports
            if report.get("type") == type_ and (report.get("kind") or report.get("mediaType")) == kind
        ]

    def _fresh_reports(self, kind: Kind) -> list[Interval]:
        """What the receiver says of our stream; a silent one leaves its last report, with an old arrival."""
        polled_ms = largest(stream.gauge("timestamp") for stream in self._sent[kind])
        reports = self._of_type("remote-inbound-rtp", kind)
        return [report for report in reports if polled_ms - report.gauge("timestamp") <= 1000 * RTCP_LIFE_S]

    def _round_trip_s(self) -> float:
        """STUN's mean over the interval, else its latest while packets still arrive, else what RTCP says."""
        alive = [pair for pair in self._pairs if pair.grown("bytesReceived") > 0]
        reports = [report for kind in KINDS for report in self._receivers[kind]]
        ways = (
            _mean(self._pairs, "totalRoundTripTime", "responsesReceived"),
            largest(pair.gauge("currentRoundTripTime") for pair in alive),
            largest(report.gauge("roundTripTime") for report in reports),
        )
        return next((way for way in ways if not isnan(way)), nan)

    def _source(self, stream: Interval) -> Interval:
        """What goes into the encoder; an empty report where the browser does not say."""
        return self._interval(self._by_id.get(stream.now.get("mediaSourceId") or "", {}))

    def _codec(self, stream: Interval) -> str | None:
        mime = _text(self._by_id.get(stream.now.get("codecId") or "", {}), "mimeType")
        return mime.partition("/")[2] or None if mime else None


def selected_pairs(reports: Sequence[Report]) -> list[Report]:
    """The pairs that carry media: named by the transports, else (Firefox has none) by their own flags."""
    pairs = [report for report in reports if report.get("type") == "candidate-pair"]
    named = {report.get("selectedCandidatePairId") for report in reports if report.get("type") == "transport"}
    return (
        [pair for pair in pairs if pair.get("id") in named]
        or [pair for pair in pairs if pair.get("selected") is True]
        or [pair for pair in pairs if pair.get("nominated") is True and pair.get("state") == "succeeded"]
    )


def _receive_loss(streams: Sequence[Interval]) -> float:
    counts = [(stream.lost(), stream.grown("packetsReceived")) for stream in streams]
    return ratio((lost, lost + arrived) for lost, arrived in counts)


def _send_loss(streams: Sequence[Interval], receiver: Sequence[Interval]) -> float:
    """The receiver's own fraction where it says one, else what it lost of what was sent."""
    said = largest(report.gauge("fractionLost") for report in receiver)
    if isnan(said):
        said = ratio([(total(report.lost() for report in receiver), _grown(streams, "packetsSent"))])
    return share(said)


def _grown(streams: Sequence[Interval], key: str) -> float:
    return total(stream.grown(key) for stream in streams)


def _mean(streams: Sequence[Interval], top: str, bottom: str) -> float:
    return ratio((stream.grown(top), stream.grown(bottom)) for stream in streams)


def _area(stream: Interval) -> float:
    area = stream.gauge("frameWidth") * stream.gauge("frameHeight")
    return -inf if isnan(area) else area


def _text(report: Report, key: str) -> str | None:
    value = report.get(key)
    return value if isinstance(value, str) else None
