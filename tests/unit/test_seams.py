"""Every private part of aiortc and aioice that the engine leans on is there and does what we take it for.

When a test here fails after an update, the seam of that name has moved.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aioice.ice
import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
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
    pack_remb_fci,
    unpack_remb_fci,
    wrap_rtx,
)

from nbrtc.engine.seams import (
    LOOPBACK,
    ReceiverSeam,
    SenderSeam,
    TransportSeam,
    codec_of,
    ice_transport,
    is_control_delivered,
    separate_streams,
    use_loopback_where_alone,
)
from nbrtc.errors import EngineError
from tests.unit.peers import Peers


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    result = Peers()
    yield result
    await result.offerer.close()
    await result.answerer.close()


async def test_the_negotiated_codecs_are_known_by_payload_type(peers: Peers) -> None:
    await peers.connect()
    seam = ReceiverSeam(peers.receiver())
    names = {codec.name for payload_type in range(128) if (codec := seam.codec(payload_type)) is not None}
    assert names == {"VP8", "rtx"}


async def test_a_seam_made_before_the_negotiation_sees_it(peers: Peers) -> None:
    seam = ReceiverSeam(peers.receiver())
    assert all(seam.codec(payload_type) is None for payload_type in range(128))
    await peers.connect()
    assert any(seam.codec(payload_type) is not None for payload_type in range(128))


async def test_packets_come_to_us_and_not_to_aiortc(peers: Peers) -> None:
    await peers.connect()
    receiver = peers.receiver()
    got: list[RtpPacket] = []

    async def take(packet: RtpPacket, arrival_time_ms: int) -> None:
        got.append(packet)

    ReceiverSeam(receiver).on_rtp(take)
    packet = RtpPacket(payload_type=96, sequence_number=7, timestamp=1, ssrc=5)
    # what the DTLS transport calls for every packet: by name, so that ours is found
    await receiver._handle_rtp_packet(packet, arrival_time_ms=0)
    assert got == [packet]


async def test_a_repetition_is_unwrapped_to_its_original(peers: Peers) -> None:
    await peers.connect()
    seam = ReceiverSeam(peers.receiver())
    vp8, rtx = (
        next(c for pt in range(128) if (c := seam.codec(pt)) is not None and c.name == name)
        for name in ("VP8", "rtx")
    )
    assert vp8.payloadType is not None
    assert rtx.payloadType is not None
    assert seam._rtx_ssrc, "aiortc knows the SSRC of repetitions from the description"
    rtx_ssrc, ssrc = next(iter(seam._rtx_ssrc.items()))
    original = RtpPacket(
        payload_type=vp8.payloadType, sequence_number=77, timestamp=99, ssrc=ssrc, payload=b"abc"
    )
    wrapped = wrap_rtx(original, payload_type=rtx.payloadType, sequence_number=1, ssrc=rtx_ssrc)
    unwrapped = seam.unwrap(wrapped, rtx)
    assert unwrapped is not None
    packet, codec = unwrapped
    assert (packet.sequence_number, packet.ssrc, packet.payload, codec) == (77, ssrc, b"abc", vp8)

    wrapped.ssrc += 1
    assert seam.unwrap(wrapped, rtx) is None


async def test_what_is_counted_shows_in_aiortcs_reports(peers: Peers) -> None:
    await peers.connect()
    receiver = peers.receiver()
    seam = ReceiverSeam(receiver)
    codec = next(c for pt in range(128) if (c := seam.codec(pt)) is not None and c.name == "VP8")
    assert seam.lost_and_expected(5) == (0, 0)
    for number in (1, 2, 3, 6):
        seam.count(RtpPacket(payload_type=96, sequence_number=number, timestamp=1, ssrc=5), codec)
    assert seam.lost_and_expected(5) == (2, 6)
    report = next(s for s in (await receiver.getStats()).values() if s.type == "inbound-rtp" and s.ssrc == 5)
    assert (report.packetsReceived, report.packetsLost) == (4, 2)
    reception = seam.reception(5)
    assert reception is not None
    assert (reception.packets, reception.lost, reception.jitter) == (4, 2, report.jitter)
    assert seam.reception(6) is None


async def test_the_other_side_hears_our_feedback(peers: Peers) -> None:
    await peers.connect()
    seam, ssrc = ReceiverSeam(peers.receiver()), peers.offered_ssrc
    pli = await peers.heard_by_offerer(lambda: seam.send_pli(ssrc), RtcpPsfbPacket, RTCP_PSFB_PLI)
    assert pli.media_ssrc == ssrc
    nack = await peers.heard_by_offerer(
        lambda: seam.send_nack(ssrc, [3, 5]), RtcpRtpfbPacket, RTCP_RTPFB_NACK
    )
    assert nack.lost == [3, 5]
    remb = await peers.heard_by_offerer(
        lambda: seam.send_remb(1_234_000, [ssrc]), RtcpPsfbPacket, RTCP_PSFB_APP
    )
    bitrate_bps, ssrcs = unpack_remb_fci(remb.fci)
    assert abs(bitrate_bps - 1_234_000) < 10_000
    assert ssrcs == [ssrc]


async def test_a_sender_report_is_heard_and_still_reaches_aiortc(peers: Peers) -> None:
    await peers.connect()
    receiver = peers.receiver()
    heard: list[tuple[int, int, int]] = []
    ReceiverSeam(receiver).on_sender_report(
        lambda packet: heard.append(
            (packet.ssrc, packet.sender_info.ntp_timestamp, packet.sender_info.rtp_timestamp)
        )
    )
    info = RtcpSenderInfo(ntp_timestamp=1 << 32, rtp_timestamp=90, packet_count=1, octet_count=1)
    await receiver._handle_rtcp_packet(RtcpSrPacket(ssrc=5, sender_info=info))
    assert heard == [(5, 1 << 32, 90)]
    assert "remote-outbound-rtp" in {s.type for s in (await receiver.getStats()).values()}


async def test_a_sender_tells_of_keyframe_requests_bandwidth_and_loss(peers: Peers) -> None:
    await peers.connect()
    sender = peers.sender()
    asked: list[str] = []
    remb: list[int] = []
    loss: list[tuple[float, float | None]] = []
    seam = SenderSeam(sender)
    seam.on_keyframe_request(lambda: asked.append("keyframe"))
    seam.on_feedback(remb.append, lambda fraction, rtt_s: loss.append((fraction, rtt_s)))
    ssrc = sender._ssrc
    await sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=ssrc))
    for ssrcs in ([ssrc], [ssrc + 1]):
        fci = pack_remb_fci(640_000, ssrcs)
        await sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci))
    await sender._handle_rtcp_packet(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=b"ALFA"))
    info = RtcpReceiverInfo(
        ssrc=ssrc, fraction_lost=64, packets_lost=1, highest_sequence=9, jitter=0, lsr=0, dlsr=0
    )
    await sender._handle_rtcp_packet(RtcpRrPacket(ssrc=1, reports=[info]))
    assert asked == ["keyframe"]
    assert remb == [640_000]
    assert loss == [(0.25, None)]


async def test_a_sender_hands_out_what_it_hears_and_what_it_sends_again(peers: Peers) -> None:
    await peers.connect()
    sender = peers.sender()
    heard: list[AnyRtcpPacket] = []
    repeated: list[RtpPacket] = []
    seam = SenderSeam(sender)
    seam.on_rtcp(heard.append)
    seam.on_retransmission(repeated.append)
    assert seam.ssrc == sender._ssrc
    assert seam.rtx_ssrc == sender._rtx_ssrc
    assert seam.sent == (0, 0)
    packet = RtpPacket(payload_type=97, sequence_number=300, timestamp=1, payload=b"abc")
    sender._RTCRtpSender__rtp_history[300 % 128] = packet
    nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=seam.ssrc, lost=[300, 301])
    await sender._handle_rtcp_packet(nack)
    assert heard == [nack]
    assert repeated == [packet]


async def test_a_round_trip_is_measured_by_the_report_that_answers_ours(peers: Peers) -> None:
    await peers.connect()
    sender = peers.sender()
    seam = SenderSeam(sender)

    def report(lsr: int) -> RtcpReceiverInfo:
        return RtcpReceiverInfo(
            ssrc=seam.ssrc, fraction_lost=0, packets_lost=0, highest_sequence=9, jitter=0, lsr=lsr, dlsr=65536
        )

    sender._RTCRtpSender__lsr = None
    assert seam.round_trip_s(report(0)) is None
    sender._RTCRtpSender__lsr, sender._RTCRtpSender__lsr_time = 77, time.time() - 1.25
    assert seam.round_trip_s(report(76)) is None
    measured_s = seam.round_trip_s(report(77))
    assert measured_s == pytest.approx(0.25, abs=0.1)


async def test_the_transport_tells_what_it_counts_and_what_secures_it(peers: Peers) -> None:
    await peers.connect()
    seam = TransportSeam(peers.answerer)
    counters = seam.counters
    assert counters.packetsSent > 0
    assert counters.bytesReceived > counters.packetsReceived > 0
    assert counters.dtlsState == "connected"
    assert seam.ice_state in ("connected", "completed")
    assert f"sha-256 {seam.fingerprints['sha-256']}" in peers.answerer.localDescription.sdp
    candidates = seam.candidates
    assert candidates is not None
    assert (candidates.local_type, candidates.protocol) == ("host", "udp")
    assert candidates.remote_type in ("host", "prflx")


async def test_the_codec_that_is_sent_is_known_once_it_is_agreed(peers: Peers) -> None:
    transceivers = peers.answerer.getTransceivers()
    assert [codec_of(one) for one in transceivers] == [None, None]
    await peers.connect()
    names = {(one.kind, codec.name) for one in transceivers if (codec := codec_of(one)) is not None}
    assert names == {("audio", "opus"), ("video", "VP8")}


async def test_the_senders_do_not_share_a_stream(peers: Peers) -> None:
    separate_streams(peers.answerer)
    await peers.connect()
    streams = {
        line.split()[0] for line in peers.answerer.localDescription.sdp.splitlines() if "msid:nbrtc" in line
    }
    assert streams == {"a=msid:nbrtc-audio", "a=msid:nbrtc-video"}


async def test_a_bundled_connection_has_one_ice_transport(peers: Peers) -> None:
    await peers.connect()
    ice = ice_transport(peers.answerer)
    assert peers.answerer.sctp is not None
    assert ice is peers.answerer.sctp.transport.transport
    assert ice is peers.sender("audio").transport.transport
    assert callable(ice._send)
    assert callable(ice._recv)


async def test_control_counts_as_delivered_once_it_is_acknowledged(peers: Peers) -> None:
    await peers.connect()
    arrived: asyncio.Queue[str] = asyncio.Queue()
    peers.ends[0].on("message", arrived.put_nowait)
    assert is_control_delivered(peers.answerer)
    peers.ends[1].send("goodbye")
    assert not is_control_delivered(peers.answerer)
    assert await asyncio.wait_for(arrived.get(), 20) == "goodbye"
    async with asyncio.timeout(20):
        while not is_control_delivered(peers.answerer):  # noqa: ASYNC110 - aiortc says it by no event
            await asyncio.sleep(0.005)


async def test_an_aiortc_without_a_seam_is_named(peers: Peers) -> None:
    receiver = peers.receiver()
    del receiver._RTCRtpReceiver__rtx_ssrc
    with pytest.raises(EngineError, match=r"RTCRtpReceiver\._RTCRtpReceiver__rtx_ssrc .*install the aiortc"):
        ReceiverSeam(receiver)


# --- machines without a network -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "ipv4", "used"),
    [([], True, [LOOPBACK]), ([], False, []), (["192.0.2.1"], True, ["192.0.2.1"])],
)
def test_loopback_is_used_only_where_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, found: list[str], ipv4: bool, used: list[str]
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: found)
    use_loopback_where_alone()
    once = aioice.ice.get_host_addresses
    use_loopback_where_alone()
    assert aioice.ice.get_host_addresses is once
    assert aioice.ice.get_host_addresses(use_ipv4=ipv4, use_ipv6=True) == used


async def test_peers_on_a_machine_without_a_network_find_each_other(
    monkeypatch: pytest.MonkeyPatch, peers: Peers
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [])
    use_loopback_where_alone()
    await peers.connect()
    for peer in (peers.offerer, peers.answerer):
        candidates = [
            line for line in peer.localDescription.sdp.splitlines() if line.startswith("a=candidate")
        ]
        assert candidates
        assert all(f" {LOOPBACK} " in line for line in candidates)


def test_only_the_seams_name_private_parts_of_aiortc() -> None:
    engine = Path(__file__).parents[2] / "src/nbrtc/engine"
    leaning = {path.name for path in engine.glob("*.py") if "_RTCRtp" in path.read_text()}
    assert leaning == {"seams.py"}
