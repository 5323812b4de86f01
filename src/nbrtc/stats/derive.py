"""From consecutive getStats polls of a connection to tidy rows: the formulas, and nothing else.

`js/src/stats/point.ts` plots by the same formulas; both languages are tested on the cases in
tests/data/stats.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf, isnan, nan, sqrt

from nbrtc.messages import StatsSample
from nbrtc.stats.interval import Interval, Report, largest, ratio, share, total
from nbrtc.stats.row import DIRECTIONS, KINDS, Direction, Kind, StatsRow
from nbrtc.stats.scores.opinion import mos

RTCP_LIFE_S = 5.0
"""An RTCP report describes the path for this long (RFC 3550, section 6.2: at most about 5 s between two)."""

SPEECH_PACKETS_PER_S = 24.0
"""Whoever speaks sends more (browsers' packets hold 20 ms); whoever pauses sends less."""


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
    return Poll(previous, current).rows()


def derive(samples: Iterable[StatsSample]) -> Iterator[StatsRow]:
    """Rows of a series of polls in the order of time, the participants' polls interleaved as they came."""
    newest: dict[str, StatsSample] = {}
    for sample in samples:
        yield from derive_rows(newest.get(sample.peer), sample)
        newest[sample.peer] = sample


class Poll:
    """One poll and what it can be compared with; the parameters are those of `derive_rows`."""

    def __init__(self, previous: StatsSample | None, current: StatsSample) -> None:
        self.sample = current
        self._earlier: Mapping[object, Report] = {}
        if previous and previous.peer == current.peer and previous.generation == current.generation:
            self._earlier = {report.get("id"): report for report in previous.reports}
        self._by_id: Mapping[object, Report] = {report.get("id"): report for report in current.reports}
        self._by_type: dict[tuple[object, object], list[Report]] = {}
        for report in current.reports:
            # Older browsers say mediaType instead of kind.
            key = report.get("type"), report.get("kind") or report.get("mediaType")
            self._by_type.setdefault(key, []).append(report)
        self.pairs = [self.interval(report) for report in selected_pairs(current.reports)]
        self.sent = {kind: self.of_type("outbound-rtp", kind) for kind in KINDS}
        self.received = {kind: self.of_type("inbound-rtp", kind) for kind in KINDS}
        self.reports = {kind: self.of_type("remote-inbound-rtp", kind) for kind in KINDS}
        self._receivers = {kind: self._fresh_reports(kind) for kind in KINDS}
        self._rtt_s = self._round_trip_s()
        self._available_bps = total(pair.gauge("availableOutgoingBitrate") for pair in self.pairs)

    def rows(self) -> list[StatsRow]:
        """See `derive_rows`."""
        return [
            self.row(direction, kind)
            for direction in DIRECTIONS
            for kind in KINDS
            if self.streams(direction, kind)
        ]

    def streams(self, direction: Direction, kind: Kind) -> list[Interval]:
        """The RTP streams that go this way."""
        return (self.sent if direction == "send" else self.received)[kind]

    def row(self, direction: Direction, kind: Kind) -> StatsRow:
        """The metrics of the streams that go this way; there has to be one."""
        streams = self.streams(direction, kind)
        sending = direction == "send"
        moved = "Sent" if sending else "Received"
        receiver = self._receivers[kind] if sending else streams
        leading = streams[0] if len(streams) == 1 else max(streams, key=_area)
        row = StatsRow(
            time_s=self.sample.time_s,
            participant=self.sample.peer,
            generation=self.sample.generation,
            direction=direction,
            kind=kind,
            bitrate_bps=8 * _rate(streams, f"bytes{moved}"),
            packets=_grown(streams, f"packets{moved}"),
            packets_lost=_lost(receiver),
            loss_fraction=_send_loss(streams, receiver) if sending else _receive_loss(streams),
            jitter_s=_highest(receiver, "jitter"),
            rtt_s=self._rtt_s,
            available_bitrate_bps=self._available_bps if sending else nan,
            jitter_buffer_s=_mean(streams, "jitterBufferDelay", "jitterBufferEmittedCount"),
            nack=_grown(streams, "nackCount"),
            pli=_grown(streams, "pliCount"),
            limitation=_text(leading.now, "qualityLimitationReason"),
            codec=self._codec(leading),
            **(
                self._picture(streams, leading, sending) if kind == "video" else self._sound(streams, sending)
            ),
        )
        # A shared screen stands still and is sharp all the same: the model of a moving picture is not for it.
        if leading.now.get("contentType") != "screenshare":
            # The row is still being made, by this line too; a copy would cost twice what the score does.
            made_up = self.audible_concealment() if (direction, kind) == ("receive", "audio") else nan
            object.__setattr__(row, "mos", mos(row, made_up))
        return row

    def _picture(self, streams: list[Interval], leading: Interval, sending: bool) -> dict[str, float]:
        """The metrics that only video has."""
        coded = "Encoded" if sending else "Decoded"
        return {
            "fps": largest(stream.frames(sending=sending) / stream.seconds for stream in streams),
            "frame_width": leading.gauge("frameWidth"),
            "frame_height": leading.gauge("frameHeight"),
            "keyframes": _grown(streams, f"keyFrames{coded}"),
            "frames_dropped": _grown(streams, "framesDropped"),
            "qp": _mean(streams, "qpSum", f"frames{coded}"),
            "encode_s": _mean(streams, "totalEncodeTime", "framesEncoded"),
            "decode_s": _mean(streams, "totalDecodeTime", "framesDecoded"),
            "freeze_fraction": share(largest(stream.rate("totalFreezesDuration") for stream in streams)),
        }

    def _sound(self, streams: list[Interval], sending: bool) -> dict[str, float]:
        """The metrics that only audio has."""
        sound = [self.source(stream) for stream in streams] if sending else streams
        return {
            "concealed_fraction": share(_mean(streams, "concealedSamples", "totalSamplesReceived")),
            "audio_level": sqrt(_mean(sound, "totalAudioEnergy", "totalSamplesDuration")),
        }

    def audible_concealment(self) -> float:
        """Share of the received sound that was made up to be heard: not in silence, and not in pauses.

        A sender that pauses (DTX, a muted microphone) leaves gaps that `concealedSamples` counts like losses.
        """
        speaking = [
            stream
            for stream in self.received["audio"]
            if stream.rate("packetsReceived") + stream.lost() / stream.seconds >= SPEECH_PACKETS_PER_S
        ]
        made_up = ((stream, stream.grown("silentConcealedSamples")) for stream in speaking)
        return share(
            ratio(
                (
                    stream.grown("concealedSamples") - (0.0 if isnan(silent) else silent),
                    stream.grown("totalSamplesReceived"),
                )
                for stream, silent in made_up
            )
        )

    def frozen_s(self) -> float:
        """How long the received picture's freezes were that ended in this poll.

        They may have begun before it, so that this is more than `StatsRow.freeze_fraction` of it can tell.
        """
        return largest(stream.grown("totalFreezesDuration") for stream in self.received["video"])

    def interval(self, report: Report) -> Interval:
        """A report of this poll, with its state one poll earlier."""
        return Interval(report, self._earlier.get(report.get("id")))

    def of_type(self, type_: str, kind: Kind | None = None) -> list[Interval]:
        """The objects of a type of webrtc-stats; those that are of no kind have None."""
        return [self.interval(report) for report in self._by_type.get((type_, kind), ())]

    def _fresh_reports(self, kind: Kind) -> list[Interval]:
        """What the receiver says of our stream; a silent one leaves its last report, with an old arrival."""
        polled_ms = largest(stream.gauge("timestamp") for stream in self.sent[kind])
        reports = self.reports[kind]
        return [report for report in reports if polled_ms - report.gauge("timestamp") <= 1000 * RTCP_LIFE_S]

    def _round_trip_s(self) -> float:
        """STUN's mean over the interval, else its latest while packets still arrive, else what RTCP says."""
        alive = [pair for pair in self.pairs if pair.grown("bytesReceived") > 0]
        reports = [report for kind in KINDS for report in self._receivers[kind]]
        ways = (
            _mean(self.pairs, "totalRoundTripTime", "responsesReceived"),
            largest(pair.gauge("currentRoundTripTime") for pair in alive),
            largest(report.gauge("roundTripTime") for report in reports),
        )
        return next((way for way in ways if not isnan(way)), nan)

    def source(self, stream: Interval) -> Interval:
        """What goes into the encoder; an empty report where the browser does not say."""
        return self.interval(self._by_id.get(stream.now.get("mediaSourceId") or "", {}))

    def report(self, identity: object) -> Report:
        """The report with this id; an empty one where there is none."""
        return self._by_id.get(identity, {})

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
    said = _highest(receiver, "fractionLost")
    if isnan(said):
        said = ratio([(_lost(receiver), _grown(streams, "packetsSent"))])
    return share(said)


# Nearly always there is one stream, and these are called for every metric of every poll: one needs no sum.


def _grown(streams: Sequence[Interval], key: str) -> float:
    return streams[0].grown(key) if len(streams) == 1 else total(stream.grown(key) for stream in streams)


def _rate(streams: Sequence[Interval], key: str) -> float:
    return streams[0].rate(key) if len(streams) == 1 else total(stream.rate(key) for stream in streams)


def _lost(streams: Sequence[Interval]) -> float:
    return streams[0].lost() if len(streams) == 1 else total(stream.lost() for stream in streams)


def _highest(streams: Sequence[Interval], key: str) -> float:
    return streams[0].gauge(key) if len(streams) == 1 else largest(stream.gauge(key) for stream in streams)


def _mean(streams: Sequence[Interval], top: str, bottom: str) -> float:
    if len(streams) == 1:
        count = streams[0].grown(bottom)
        return streams[0].grown(top) / count if count > 0 else nan
    return ratio((stream.grown(top), stream.grown(bottom)) for stream in streams)


def _area(stream: Interval) -> float:
    area = stream.gauge("frameWidth") * stream.gauge("frameHeight")
    return -inf if isnan(area) else area


def _text(report: Report, key: str) -> str | None:
    value = report.get(key)
    return value if isinstance(value, str) else None
