"""From getStats polls to a row for each RTP stream: every derived metric, never across a reset."""

from collections.abc import Iterable, Iterator, Mapping
from math import isnan, nan, sqrt
from typing import cast

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import RTCP_LIFE_S, selected_pairs
from nbrtc.stats.interval import Interval, Report, largest, number, ratio, share, total
from nbrtc.stats.row import Direction, Kind
from nbrtc.stats.stream_row import StreamRow

__all__ = ["StreamRow", "derive_streams"]

_DIRECTIONS: Mapping[object, Direction] = {"outbound-rtp": "send", "inbound-rtp": "receive"}
_REMOTE = {"outbound-rtp": "remote-inbound-rtp", "inbound-rtp": "remote-outbound-rtp"}
_LIMITATIONS = ("none", "cpu", "bandwidth", "other")


def derive_streams(samples: Iterable[StatsSample]) -> Iterator[StreamRow]:
    """Rows of a series of polls in the order of time, those of a poll in the order of its objects.

    A stream is compared with its own previous poll, also where it was missing in between: then the interval
    is longer. A poll that came twice gives a row without rates, and changes nothing for the next.
    """
    connections: dict[str, _Connection] = {}
    for sample in samples:
        connection = connections.get(sample.peer)
        if connection is None or connection.generation != sample.generation:
            connection = connections[sample.peer] = _Connection(sample.generation)
        yield from connection.rows(sample)


class _Connection:
    """What is remembered of one peer connection: the newest report of each object that has counters."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self._earlier: dict[object, Report] = {}

    def rows(self, sample: StatsSample) -> list[StreamRow]:
        poll = _Poll(sample, self._earlier)
        rows = [row for report in sample.reports if (row := poll.row(report)) is not None]
        for report in sample.reports:
            if report.get("type") in _COUNTING and "id" in report and not self._has(report):
                self._earlier[report["id"]] = report
        return rows

    def _has(self, report: Report) -> bool:
        """Whether it is the same moment again: a poll that came twice, an RTCP report that is not new."""
        earlier = self._earlier.get(report["id"])
        return earlier is not None and earlier.get("timestamp") == report.get("timestamp")


_COUNTING = {*_REMOTE, *_REMOTE.values(), "candidate-pair", "media-source"}


class _Poll:
    """One poll and what its objects can be compared with."""

    def __init__(self, sample: StatsSample, earlier: Mapping[object, Report]) -> None:
        self._sample = sample
        self._earlier = earlier
        self._by_id: dict[object, Report] = {r["id"]: r for r in sample.reports if "id" in r}
        remote = [report for report in sample.reports if report.get("type") in _REMOTE.values()]
        self._by_local_id = {report["localId"]: report for report in remote if "localId" in report}
        self._by_ssrc = {
            (report.get("type"), report["ssrc"]): report for report in remote if "ssrc" in report
        }
        self._paths: dict[object, _Path] = {}

    def row(self, report: Report) -> StreamRow | None:
        """The row of a report; None where it is no RTP stream."""
        direction = _DIRECTIONS.get(report.get("type"))
        # Older browsers say mediaType instead of kind.
        kind = report.get("kind") or report.get("mediaType")
        if direction is None or kind not in ("video", "audio"):
            return None
        stream = self._interval(report)
        sending = direction == "send"
        moved, coded = ("Sent", "Encoded") if sending else ("Received", "Decoded")
        grown, gauge = stream.grown, stream.gauge
        remote = self._remote(report)
        path = self._path(report)
        source = self._interval(self._by_id.get(report.get("mediaSourceId"), {})) if sending else stream
        receiver = (remote.fresh if remote else None) if sending else stream
        bytes_, packets = grown(f"bytes{moved}"), grown(f"packets{moved}")
        headers = grown(f"headerBytes{moved}")
        frames, shown = grown(f"frames{coded}"), stream.frames(sending=sending)
        emitted = grown("jitterBufferEmittedCount")
        played = grown("totalSamplesReceived")
        seconds = stream.seconds
        lost = receiver.lost() if receiver else nan
        limited = [grown(f"qualityLimitationDurations.{reason}") for reason in _LIMITATIONS]
        limited_s = sum(duration_s for duration_s in limited if not isnan(duration_s))
        return StreamRow(
            time_s=self._sample.time_s,
            participant=self._sample.peer,
            generation=self._sample.generation,
            direction=direction,
            kind=cast("Kind", kind),
            id=str(report.get("id")),
            ssrc=_whole(report, "ssrc"),
            mid=_word(report, "mid"),
            rid=_word(report, "rid"),
            track=_word(source.now, "trackIdentifier"),
            codec=self._codec(report),
            implementation=_word(report, f"{coded[:-1].lower()}rImplementation"),
            interval_s=seconds,
            bitrate_bps=8 * bytes_ / seconds,
            target_bitrate_bps=gauge("targetBitrate"),
            available_bitrate_bps=path.available_bps if sending else nan,
            header_fraction=_over(headers, bytes_ + headers),
            packets=packets,
            packets_lost=lost,
            loss_fraction=_send_loss(receiver, lost, packets) if sending else _over(lost, packets + lost),
            packets_discarded=grown("packetsDiscarded"),
            retransmitted_fraction=_part(grown(f"retransmittedPackets{moved}"), packets),
            jitter_s=receiver.gauge("jitter") if receiver else nan,
            rtt_s=path.rtt_s,
            rtcp_rtt_s=remote.rtt_s if remote else nan,
            report_age_s=remote.age_s if remote else nan,
            is_stale=remote.is_stale if remote else None,
            fps=shown / seconds,
            frames=shown,
            frame_width=gauge("frameWidth"),
            frame_height=gauge("frameHeight"),
            frames_dropped=grown("framesDropped"),
            drop_fraction=_part(grown("framesDropped"), grown("framesReceived")),
            keyframes_per_s=grown(f"keyFrames{coded}") / seconds,
            nack_per_s=grown("nackCount") / seconds,
            pli_per_s=grown("pliCount") / seconds,
            fir_per_s=grown("firCount") / seconds,
            qp=_over(grown("qpSum"), frames),
            encode_s=_over(grown("totalEncodeTime"), frames),
            pacer_delay_s=_over(grown("totalPacketSendDelay"), packets),
            decode_s=_over(grown("totalDecodeTime"), frames),
            assembly_s=_over(grown("totalAssemblyTime"), grown("framesAssembledFromMultiplePackets")),
            processing_s=_over(grown("totalProcessingDelay"), emitted),
            jitter_buffer_s=_over(grown("jitterBufferDelay"), emitted),
            jitter_buffer_target_s=_over(grown("jitterBufferTargetDelay"), emitted),
            jitter_buffer_minimum_s=_over(grown("jitterBufferMinimumDelay"), emitted),
            **_pace(stream, frames),
            freeze_count=grown("freezeCount"),
            freeze_fraction=_part(grown("totalFreezesDuration"), seconds),
            pause_fraction=_part(grown("totalPausesDuration"), seconds),
            corruption_probability=_part(
                grown("totalCorruptionProbability"), grown("corruptionMeasurements")
            ),
            limitation=_word(report, "qualityLimitationReason"),
            limitation_none_fraction=_over(limited[0], limited_s),
            limitation_cpu_fraction=_over(limited[1], limited_s),
            limitation_bandwidth_fraction=_over(limited[2], limited_s),
            limitation_other_fraction=_over(limited[3], limited_s),
            concealed_fraction=_part(grown("concealedSamples"), played),
            silent_concealed_fraction=_part(grown("silentConcealedSamples"), played),
            stretched_fraction=_part(
                grown("insertedSamplesForDeceleration") + grown("removedSamplesForAcceleration"), played
            ),
            audio_level=sqrt(_over(source.grown("totalAudioEnergy"), source.grown("totalSamplesDuration"))),
        )

    def _interval(self, report: Report) -> Interval:
        return Interval(report, self._earlier.get(report.get("id")))

    def _remote(self, stream: Report) -> "_RemoteReport | None":
        """What the other side says of a stream; Safari has no remoteId, Firefox sometimes only the SSRC."""
        type_ = _REMOTE[str(stream.get("type"))]
        found = self._by_id.get(stream.get("remoteId")) if "remoteId" in stream else None
        found = (
            found or self._by_local_id.get(stream.get("id")) or self._by_ssrc.get((type_, stream.get("ssrc")))
        )
        if found is None or found.get("type") != type_:
            return None
        earlier = self._earlier.get(found.get("id"))
        is_new = earlier is None or number(found, "timestamp") > number(earlier, "timestamp")
        return _RemoteReport(self._interval(found), stream, is_new=is_new)

    def _path(self, stream: Report) -> "_Path":
        """The pairs that carry a stream: its transport's, else all that are selected."""
        transport = self._by_id.get(stream.get("transportId"), {})
        named = transport.get("selectedCandidatePairId")
        if named not in self._paths:
            pair = self._by_id.get(named) if named else None
            pairs = [pair] if pair else selected_pairs(self._sample.reports)
            self._paths[named] = _Path([self._interval(pair) for pair in pairs])
        return self._paths[named]

    def _codec(self, stream: Report) -> str | None:
        mime = self._by_id.get(stream.get("codecId"), {}).get("mimeType") if "codecId" in stream else None
        return mime.partition("/")[2] or None if isinstance(mime, str) else None


class _RemoteReport:
    """An RTCP report on a stream: it arrives when it likes, so it may be older than the poll."""

    def __init__(self, report: Interval, stream: Report, *, is_new: bool) -> None:
        self._report = report
        self.age_s = (number(stream, "timestamp") - report.gauge("timestamp")) / 1000
        is_old = self.age_s > RTCP_LIFE_S
        self.is_stale = is_old or not is_new
        self.fresh = None if is_old or isnan(self.age_s) else report

    @property
    def rtt_s(self) -> float:
        """The mean of the round trips that were measured, else the latest."""
        mean_s = _over(
            self._report.grown("totalRoundTripTime"), self._report.grown("roundTripTimeMeasurements")
        )
        return mean_s if self.fresh is None or not isnan(mean_s) else self.fresh.gauge("roundTripTime")


class _Path:
    """What the candidate pairs of a stream say."""

    def __init__(self, pairs: list[Interval]) -> None:
        self.available_bps = total(pair.gauge("availableOutgoingBitrate") for pair in pairs)
        rtt_s = ratio((pair.grown("totalRoundTripTime"), pair.grown("responsesReceived")) for pair in pairs)
        if isnan(rtt_s):
            # Between two STUN checks the latest one counts, as long as the path is alive.
            alive = (pair for pair in pairs if pair.grown("bytesReceived") > 0)
            rtt_s = largest(pair.gauge("currentRoundTripTime") for pair in alive)
        self.rtt_s = rtt_s


def _pace(stream: Interval, frames: float) -> dict[str, float]:
    """Mean and standard deviation of the time between two frames."""
    shown = stream.grown("framesRendered")
    count = frames if isnan(shown) else shown
    mean_s = _over(stream.grown("totalInterFrameDelay"), count)
    mean_square = _over(stream.grown("totalSquaredInterFrameDelay"), count)
    # Rounding can bring the variance of an even pace below 0.
    variance = mean_square - mean_s * mean_s
    stdev_s = nan if isnan(variance) else sqrt(max(0.0, variance))
    return {"inter_frame_s": mean_s, "inter_frame_stdev_s": stdev_s}


def _send_loss(receiver: Interval | None, lost: float, sent: float) -> float:
    """The receiver's own fraction where it says one, else what it lost of what was sent."""
    said = receiver.gauge("fractionLost") if receiver else nan
    return share(_over(lost, sent) if isnan(said) else said)


def _over(top: float, bottom: float) -> float:
    """A quotient; NaN where nothing was counted. NaN is greater than nothing, so it stays NaN."""
    return top / bottom if bottom > 0 else nan


def _part(top: float, bottom: float) -> float:
    """A share of a whole that is counted apart, so that rounding may bring it beyond 1."""
    return share(_over(top, bottom))


def _whole(report: Report, key: str) -> int | None:
    value = report.get(key)
    return value if type(value) is int else None


def _word(report: Report, key: str) -> str | None:
    """A text; dumps of chrome://webrtc-internals have mid "0" as a number."""
    value = report.get(key)
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else None
