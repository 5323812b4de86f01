"""The engine's own statistics in the units of webrtc-stats, from values that are known."""

import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiortc import RTCPeerConnection
from aiortc.clock import datetime_to_ntp
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    RtpPacket,
    wrap_rtx,
)

from nbrtc.engine.codecs import opus_samples
from nbrtc.engine.encode import Vp8Encoder
from nbrtc.engine.feedback import Feedback
from nbrtc.engine.inbound import Inbound
from nbrtc.engine.seams import ReceiverSeam, SenderSeam
from nbrtc.engine.statistics import Report, Statistics, Stream, fingerprint
from nbrtc.messages import StatsSample
from nbrtc.recordings.picture_size import vp8_size
from nbrtc.stats import derive_rows
from tests.loopback.pictures import draw
from tests.unit.peers import Peers

VIDEO, AUDIO = 5000, 5001
OPUS_20_MS = b"\xf8\xff\xfe"


class End:
    """Our end of a connection, and what a test makes arrive there."""

    def __init__(self, peers: Peers) -> None:
        self.peers = peers
        self.streams = []
        self.inbound: dict[str, Inbound] = {}
        for transceiver in peers.answerer.getTransceivers():
            kind = transceiver.kind
            inbound = Inbound(transceiver.receiver, "video" if kind == "video" else "audio", 500_000)
            self.inbound[kind] = inbound
            feedback = Feedback(SenderSeam(transceiver.sender))
            self.streams.append(Stream(transceiver, inbound, feedback))
        self.statistics = Statistics(peers.answerer, self.streams)

    def report(self, type_: str, kind: str = "video") -> Report:
        found = [
            report
            for report in self.statistics.reports()
            if report["type"] == type_ and report.get("kind", kind) == kind
        ]
        assert len(found) == 1, f"{len(found)} of {type_} {kind}"
        return found[0]

    def payload_type(self, kind: str, name: str) -> int:
        seam = ReceiverSeam(self.peers.receiver(kind))
        return next(n for n in range(128) if (codec := seam.codec(n)) is not None and codec.name == name)

    async def arrives(self, kind: str, number: int, payload: bytes, timestamp: int = 0) -> RtpPacket:
        packet = RtpPacket(
            payload_type=self.payload_type(kind, "VP8" if kind == "video" else "opus"),
            sequence_number=number,
            timestamp=timestamp,
            ssrc=VIDEO if kind == "video" else AUDIO,
            marker=1,
            payload=payload,
        )
        await self.peers.receiver(kind)._handle_rtp_packet(packet, arrival_time_ms=0)
        return packet

    async def hears(self, packet: AnyRtcpPacket, kind: str = "video") -> None:
        await self.peers.sender(kind)._handle_rtcp_packet(packet)

    async def is_told(self, packet: AnyRtcpPacket, kind: str = "video") -> None:
        await self.peers.receiver(kind)._handle_rtcp_packet(packet)

    def reported(self, kind: str, **figures: int) -> RtcpRrPacket:
        """A receiver report on what we send."""
        nothing = {
            "fraction_lost": 0,
            "packets_lost": 0,
            "highest_sequence": 0,
            "jitter": 0,
            "lsr": 0,
            "dlsr": 0,
        }
        info = RtcpReceiverInfo(ssrc=self.peers.sender(kind)._ssrc, **nothing | figures)
        return RtcpRrPacket(ssrc=1, reports=[info])


@pytest.fixture
async def end() -> AsyncIterator[End]:
    peers = Peers()
    result = End(peers)
    await peers.connect()
    yield result
    for inbound in result.inbound.values():
        inbound.close()
    await peers.offerer.close()
    await peers.answerer.close()


def keyframe(width: int, height: int) -> bytes:
    data = Vp8Encoder().encode(draw(1, width, height), 0, 300_000, keyframe=True)
    return b"\x10" + data  # a VP8 payload descriptor: the start of partition 0 (RFC 7741)


async def test_before_a_connection_there_is_nothing() -> None:
    connection = RTCPeerConnection()
    assert Statistics(connection, ()).reports() == ()
    await connection.close()


async def test_jitter_is_in_seconds_of_each_kinds_clock(end: End) -> None:
    await end.arrives("video", 1, keyframe(64, 48))
    await end.arrives("audio", 1, OPUS_20_MS)
    for kind, ssrc, ticks in (("video", VIDEO, 900), ("audio", AUDIO, 480)):
        streams = end.peers.receiver(kind)._RTCRtpReceiver__remote_streams
        streams[ssrc]._jitter_q4 = 16 * ticks
        assert end.report("inbound-rtp", kind)["jitter"] == pytest.approx(0.01)


async def test_loss_arrivals_and_repetitions_are_counted_as_the_standard_has_it(end: End) -> None:
    payload = keyframe(64, 48)
    for number in (1, 2, 6):  # at once 3 is overtaken by three, and asked for
        await end.arrives("video", number, payload, timestamp=number)
    lost = RtpPacket(
        payload_type=end.payload_type("video", "VP8"),
        sequence_number=3,
        timestamp=3,
        ssrc=VIDEO,
        payload=payload,
    )
    rtx = next(iter(end.inbound["video"]._seam._rtx_ssrc))
    end.inbound["video"]._seam._rtx_ssrc[rtx] = VIDEO
    repeated = wrap_rtx(lost, payload_type=end.payload_type("video", "rtx"), sequence_number=1, ssrc=rtx)
    await end.peers.receiver()._handle_rtp_packet(repeated, arrival_time_ms=0)

    report = end.report("inbound-rtp")
    assert (report["ssrc"], report["packetsReceived"], report["packetsLost"]) == (VIDEO, 4, 3)
    assert report["retransmittedPacketsReceived"] == 1
    assert report["retransmittedBytesReceived"] == len(payload) + 2  # with the original's number (RFC 4588)
    assert report["bytesReceived"] == 4 * len(payload) + 2
    assert report["nackCount"] == 1
    assert report["pliCount"] == 0


async def test_frames_are_those_that_came_whole_and_decoded_while_somebody_decodes(
    end: End,
) -> None:
    for number in (1, 2):
        await end.arrives("video", number, keyframe(96, 64), timestamp=number)
    report = end.report("inbound-rtp")
    assert (report["framesReceived"], report["frameWidth"], report["frameHeight"]) == (2, 96, 64)
    assert "framesDecoded" not in report
    assert report["jitterBufferEmittedCount"] == 2

    feed = end.inbound["video"].feed
    feed.is_decoded, feed.decoded, feed.decoded_keyframes = True, 7, 2
    report = end.report("inbound-rtp")
    assert (report["framesDecoded"], report["keyFramesDecoded"]) == (7, 2)


async def test_the_sound_in_the_jitter_buffer_is_counted_in_samples(end: End) -> None:
    await end.arrives("audio", 1, OPUS_20_MS)
    await end.arrives("audio", 3, OPUS_20_MS, timestamp=1920)  # it waits for the second
    await end.arrives("audio", 2, OPUS_20_MS, timestamp=960)
    report = end.report("inbound-rtp", "audio")
    assert report["jitterBufferEmittedCount"] == 3 * 960
    waited_s = report["jitterBufferDelay"]
    assert isinstance(waited_s, float)
    # only the third packet waited: its 960 samples for as long as the second let it wait
    assert 0 < waited_s / 960 == pytest.approx(end.inbound["audio"].buffer.counters.total_delay_s)
    assert "framesReceived" not in report


async def test_a_sender_report_tells_the_senders_clock_and_when_it_came(end: End) -> None:
    await end.arrives("video", 1, keyframe(64, 48))
    said = datetime(2026, 7, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    info = RtcpSenderInfo(
        ntp_timestamp=datetime_to_ntp(said), rtp_timestamp=90, packet_count=10, octet_count=999
    )
    before_ms = 1000 * time.time()
    await end.is_told(RtcpSrPacket(ssrc=VIDEO, sender_info=info))
    await end.is_told(RtcpSrPacket(ssrc=VIDEO + 1, sender_info=info))  # of the repetitions

    report = end.report("remote-outbound-rtp")
    assert report["remoteTimestamp"] == pytest.approx(1000 * said.timestamp(), abs=0.001)
    arrived_ms = report["timestamp"]
    assert isinstance(arrived_ms, float)
    assert before_ms <= arrived_ms <= 1000 * time.time()
    assert (report["packetsSent"], report["bytesSent"], report["reportsSent"]) == (10, 999, 1)
    inbound = end.report("inbound-rtp")
    assert (inbound["remoteId"], report["localId"]) == (report["id"], inbound["id"])


async def test_what_the_other_end_reports_is_in_fractions_and_seconds(end: End) -> None:
    for kind, ticks in (("video", 1800), ("audio", 960)):
        sender = end.peers.sender(kind)
        sender._RTCRtpSender__lsr = 77
        for round_trip_s in (0.5, 0.75):
            sender._RTCRtpSender__lsr_time = time.time() - round_trip_s - 0.25
            await end.hears(
                end.reported(kind, fraction_lost=64, packets_lost=12, jitter=ticks, lsr=77, dlsr=65536 // 4),
                kind,
            )
        report = end.report("remote-inbound-rtp", kind)
        assert (report["fractionLost"], report["packetsLost"]) == (0.25, 12)
        assert report["jitter"] == pytest.approx(0.02)
        assert report["roundTripTime"] == pytest.approx(0.75, abs=0.1)
        assert report["totalRoundTripTime"] == pytest.approx(1.25, abs=0.2)
        assert report["roundTripTimeMeasurements"] == 2
        assert report["ssrc"] == end.report("outbound-rtp", kind)["ssrc"] == sender._ssrc


async def test_a_report_that_answers_nothing_has_no_round_trip(end: End) -> None:
    await end.hears(end.reported("video", lsr=5))
    report = end.report("remote-inbound-rtp")
    assert "roundTripTime" not in report
    assert report["roundTripTimeMeasurements"] == 0


async def test_what_the_other_end_asks_for_is_counted(end: End) -> None:
    sender = end.peers.sender()
    sender._RTCRtpSender__packet_count, sender._RTCRtpSender__octet_count = 20, 9000
    sender._RTCRtpSender__rtp_history[9] = RtpPacket(
        payload_type=97, sequence_number=9, timestamp=1, payload=b"x" * 50
    )
    ssrc = sender._ssrc
    await end.hears(RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=ssrc, lost=[9, 10]))
    await end.hears(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=ssrc))
    await end.hears(RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=ssrc))
    report = end.report("outbound-rtp")
    assert (report["nackCount"], report["pliCount"], report["firCount"]) == (1, 1, 1)
    assert (report["packetsSent"], report["retransmittedPacketsSent"]) == (21, 1)
    assert (report["bytesSent"], report["retransmittedBytesSent"]) == (9050, 50)


async def test_the_transport_names_both_certificates_and_no_address(end: End) -> None:
    reports = {report["id"]: report for report in end.statistics.reports()}
    transport = end.report("transport")
    local, remote = (reports[transport[f"{side}CertificateId"]] for side in ("local", "remote"))
    assert local["fingerprint"] == fingerprint(end.peers.answerer.localDescription.sdp)
    assert remote["fingerprint"] == fingerprint(end.peers.offerer.localDescription.sdp)
    assert local["fingerprintAlgorithm"] == remote["fingerprintAlgorithm"] == "sha-256"
    assert transport["dtlsState"] == "connected"
    pair = reports[transport["selectedCandidatePairId"]]
    assert reports[pair["localCandidateId"]]["candidateType"] == "host"
    assert transport["packetsSent"] == pair["packetsSent"]
    values = [str(value) for report in reports.values() for value in report.values()]
    assert not any(candidate.ip in values for candidate in _candidates(end.peers.answerer))


async def test_every_object_has_an_id_a_type_and_a_time_of_its_own(end: End) -> None:
    await end.arrives("video", 1, keyframe(64, 48))
    await end.arrives("audio", 1, OPUS_20_MS)
    await end.hears(end.reported("video"))
    before_ms = 1000 * time.time()
    reports = end.statistics.reports()
    assert len({report["id"] for report in reports}) == len(reports)
    ids = {report["id"] for report in reports}
    for report in reports:
        for key, value in report.items():
            if key.endswith("Id") and key != "id":
                assert value in ids, f"{report['id']}.{key} leads nowhere"
        stamp_ms = report["timestamp"]
        assert isinstance(stamp_ms, float)
        assert abs(stamp_ms - before_ms) < 60_000, "not in ms since 1970"
    types = {report["type"] for report in reports}
    assert types == {
        *("inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "codec", "transport", "certificate"),
        *("candidate-pair", "local-candidate", "remote-candidate"),
    }
    codecs = {report["mimeType"]: report["clockRate"] for report in reports if report["type"] == "codec"}
    assert codecs == {"video/VP8": 90_000, "audio/opus": 48_000}


async def test_the_formulas_for_browsers_read_it(end: End, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_700_000_000.0]
    monkeypatch.setattr("nbrtc.engine.statistics.time.time", lambda: clock[0])
    samples = []
    number = 0
    for count in (2, 12):
        for _ in range(count):
            number += 1 if number != 5 else 3  # two of twelve are lost
            await end.arrives("video", number, keyframe(64, 48), timestamp=number)
        clock[0] += 2.0
        samples.append(StatsSample(clock[0], "you", 1, end.statistics.reports()))
    rows = {(row.direction, row.kind): row for row in derive_rows(samples[0], samples[1])}
    row = rows["receive", "video"]
    assert (row.packets, row.packets_lost) == (12, 2)
    assert row.loss_fraction == pytest.approx(2 / 14)
    assert row.bitrate_bps == pytest.approx(8 * 12 * len(keyframe(64, 48)) / 2)
    assert (row.frame_width, row.codec) == (64, "VP8")


@pytest.mark.parametrize(
    ("packet", "milliseconds"),
    [
        (b"\xf8\xff\xfe", 20),  # CELT, one frame
        (b"\xe0", 2.5),
        (b"\x08", 20),  # SILK
        (b"\x18", 60),
        (b"\x60", 10),  # hybrid
        (b"\xf9", 40),  # two frames
        (b"\xfb\x03", 60),  # three
        (b"\xfb", 0),
        (b"", 0),
    ],
)
def test_an_opus_packet_says_how_long_it_is(packet: bytes, milliseconds: float) -> None:
    assert opus_samples(packet) == 48 * milliseconds


def test_only_a_keyframe_says_how_large_a_picture_is() -> None:
    encoder = Vp8Encoder()
    first, second = (encoder.encode(draw(n, 322, 178), 3000 * n, 300_000, keyframe=n == 0) for n in (0, 1))
    assert vp8_size(first) == (322, 178)
    assert vp8_size(second) is None
    assert vp8_size(first[:9]) is None


def _candidates(connection: Any) -> list[Any]:
    gather: Callable[[], list[Any]] = connection.sctp.transport.transport.iceGatherer.getLocalCandidates
    return gather()
