"""The one place that leans on aiortc's private parts.

aiortc has no public way to take encoded frames from a receiver, to hear keyframe requests, or to see the
receiver's bandwidth reports. Every name used for that is here (the impairment's are in shim.py), the range of
aiortc is pinned in pyproject.toml, and tests/unit/test_seams.py fails with the name of a seam that moved.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import aioice.ice
from aioice.ice import CandidatePair
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTP_HISTORY_SIZE,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unpack_remb_fci,
    unwrap_rtx,
)
from aiortc.stats import RTCTransportStats

from ..errors import EngineError

logger = logging.getLogger(__name__)

_RECEIVER = "_RTCRtpReceiver__"
_SENDER = "_RTCRtpSender__"
LOOPBACK = "127.0.0.1"


def _private(owner: object, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        raise EngineError(
            f"aiortc has no {type(owner).__name__}.{name} any more: install the aiortc that nbrtc names "
            f"in its requirements"
        ) from None


def _replace(owner: object, name: str, value: object) -> None:
    """Put something of ours in the place of a private part that must be there."""
    _private(owner, name)
    setattr(owner, name, value)


@dataclass(frozen=True, slots=True)
class Reception:
    """What arrived of one SSRC since its start (RFC 3550, section 6.4.1)."""

    packets: int
    lost: int
    """It falls when a packet comes late or twice."""
    jitter: int
    """In ticks of the RTP clock."""


class RtpHandler(Protocol):
    """Takes a packet and when it arrived, in ms of `aiortc.clock.current_ms`."""

    async def __call__(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        """Awaited by the transport before it reads the next packet."""


class ReceiverSeam:
    """A receiver whose RTP we handle ourselves; aiortc keeps RTCP reports and its idle decoder thread."""

    def __init__(self, receiver: RTCRtpReceiver) -> None:
        self._receiver = receiver
        # dictionaries that aiortc fills and never replaces
        self._codecs: dict[int, RTCRtpCodecParameters] = _private(receiver, _RECEIVER + "codecs")
        self._streams: dict[int, StreamStatistics] = _private(receiver, _RECEIVER + "remote_streams")
        self._rtx_ssrc: dict[int, int] = _private(receiver, _RECEIVER + "rtx_ssrc")
        self._send_rtcp_pli = _private(receiver, "_send_rtcp_pli")
        self._send_rtcp_nack = _private(receiver, "_send_rtcp_nack")
        self._send_rtcp = _private(receiver, "_send_rtcp")
        _private(receiver, _RECEIVER + "rtcp_ssrc")

    def on_rtp(self, handler: RtpHandler) -> None:
        """Hand every RTP packet to `handler` instead of to aiortc."""
        _replace(self._receiver, "_handle_rtp_packet", handler)

    def on_sender_report(self, handler: Callable[[RtcpSrPacket], None]) -> None:
        """Call `handler` with each RTCP sender report."""
        original = _private(self._receiver, "_handle_rtcp_packet")

        async def handle(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                handler(packet)
            await original(packet)

        _replace(self._receiver, "_handle_rtcp_packet", handle)

    def codec(self, payload_type: int) -> RTCRtpCodecParameters | None:
        """The negotiated codec with this payload type."""
        return self._codecs.get(payload_type)

    def count(self, packet: RtpPacket, codec: RTCRtpCodecParameters) -> None:
        """Feed aiortc's statistics, from which its receiver reports are made."""
        stream = self._streams.get(packet.ssrc)
        if stream is None:
            stream = self._streams[packet.ssrc] = StreamStatistics(codec.clockRate)
        stream.add(packet)

    def lost_and_expected(self, ssrc: int) -> tuple[int, int]:
        """Packets lost and expected of a stream since its start (RFC 3550, section 6.4.1)."""
        stream = self._streams.get(ssrc)
        return (stream.packets_lost, stream.packets_expected) if stream else (0, 0)

    def reception(self, ssrc: int) -> Reception | None:
        """What aiortc counted of a stream; None if nothing of it came yet."""
        stream = self._streams.get(ssrc)
        if stream is None:
            return None
        return Reception(stream.packets_received, stream.packets_lost, stream.jitter)

    def unwrap(
        self, packet: RtpPacket, codec: RTCRtpCodecParameters
    ) -> tuple[RtpPacket, RTCRtpCodecParameters] | None:
        """The original of a retransmitted packet (RFC 4588), or None if it belongs to nothing here."""
        original = self._rtx_ssrc.get(packet.ssrc)
        base = codec.parameters.get("apt")
        if original is None or not isinstance(base, int) or len(packet.payload) < 2:
            return None
        codec_base = self.codec(base)
        if codec_base is None:
            return None
        return unwrap_rtx(packet, payload_type=base, ssrc=original), codec_base

    async def send_pli(self, ssrc: int) -> None:
        """Ask for a keyframe (RFC 4585, section 6.3.1)."""
        await self._send_rtcp_pli(ssrc)

    async def send_nack(self, ssrc: int, missing: list[int]) -> None:
        """Ask for packets again (RFC 4585, section 6.2.1)."""
        await self._send_rtcp_nack(ssrc, missing)

    async def send_remb(self, bitrate_bps: int, ssrcs: list[int]) -> None:
        """Tell the sender how much may come (draft-alvestrand-rmcat-remb)."""
        own = _private(self._receiver, _RECEIVER + "rtcp_ssrc")
        if own is not None:
            packet = RtcpPsfbPacket(
                fmt=RTCP_PSFB_APP, ssrc=own, media_ssrc=0, fci=pack_remb_fci(bitrate_bps, ssrcs)
            )
            await self._send_rtcp(packet)


class SenderSeam:
    """A sender whose feedback we hear: keyframe requests, bandwidth, loss."""

    def __init__(self, sender: RTCRtpSender) -> None:
        self._sender = sender

    @property
    def ssrc(self) -> int:
        """Of what is sent."""
        ssrc: int = _private(self._sender, "_ssrc")
        return ssrc

    @property
    def rtx_ssrc(self) -> int:
        """Of what is sent again (RFC 4588)."""
        ssrc: int = _private(self._sender, "_rtx_ssrc")
        return ssrc

    @property
    def sent(self) -> tuple[int, int]:
        """Packets and bytes of payload that were sent, without what was sent again."""
        counted = _private(self._sender, _SENDER + "packet_count")
        return counted, _private(self._sender, _SENDER + "octet_count")

    def round_trip_s(self, report: RtcpReceiverInfo) -> float | None:
        """The round trip that a receiver report measured, when it has just come (RFC 3550, section 6.4.1).

        None if it answers no report of ours, or not the latest: aiortc remembers when it sent that one only.
        """
        sent_s: float | None = _private(self._sender, _SENDER + "lsr_time")
        if not report.lsr or report.lsr != _private(self._sender, _SENDER + "lsr") or sent_s is None:
            return None
        return max(0.0, time.time() - sent_s - report.dlsr / 65536)

    def on_rtcp(self, handler: Callable[[AnyRtcpPacket], None]) -> None:
        """Call `handler` with every RTCP packet that concerns this sender, before aiortc acts on it."""
        original = _private(self._sender, "_handle_rtcp_packet")

        async def handle(packet: AnyRtcpPacket) -> None:
            handler(packet)
            await original(packet)

        _replace(self._sender, "_handle_rtcp_packet", handle)

    def on_retransmission(self, handler: Callable[[RtpPacket], None]) -> None:
        """Call `handler` with each packet that is sent again, as it was sent first."""
        original = _private(self._sender, "_retransmit")
        history: dict[int, RtpPacket] = _private(self._sender, _SENDER + "rtp_history")

        async def retransmit(sequence_number: int) -> None:
            packet = history.get(sequence_number % RTP_HISTORY_SIZE)
            if packet is not None and packet.sequence_number == sequence_number:
                handler(packet)
            await original(sequence_number)

        _replace(self._sender, "_retransmit", retransmit)

    def on_keyframe_request(self, handler: Callable[[], None]) -> None:
        """Call `handler` for each PLI or FIR instead of marking aiortc's encoder."""
        _replace(self._sender, "_send_keyframe", handler)

    def on_feedback(self, remb: Callable[[int], None], loss: Callable[[float, float | None], None]) -> None:
        """Call `remb(bitrate_bps)` and `loss(fraction 0..1, rtt_s)` as the browser reports them."""
        original = _private(self._sender, "_handle_rtcp_packet")
        ssrc = _private(self._sender, "_ssrc")
        _private(self._sender, _SENDER + "rtt")

        async def handle(packet: AnyRtcpPacket) -> None:
            await original(packet)
            if isinstance(packet, (RtcpRrPacket, RtcpSrPacket)):
                for report in packet.reports:
                    if report.ssrc == ssrc:
                        loss(report.fraction_lost / 256, _private(self._sender, _SENDER + "rtt"))
            elif isinstance(packet, RtcpPsfbPacket) and packet.fmt == RTCP_PSFB_APP:
                try:
                    bitrate_bps, ssrcs = unpack_remb_fci(packet.fci)
                except ValueError:
                    return  # a malformed report says nothing
                if ssrc in ssrcs:
                    remb(bitrate_bps)

        _replace(self._sender, "_handle_rtcp_packet", handle)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The candidate pair that carries a connection, without its addresses."""

    local_type: str
    """``host``, ``srflx``, ``prflx`` or ``relay`` (webrtc-pc, section 4.8.1.3)."""
    remote_type: str
    protocol: str
    """``udp`` or ``tcp``."""


class TransportSeam:
    """What the one transport of a bundled connection has counted.

    Parameters
    ----------
    connection
        With a local and a remote description: bundling replaces transports before.
    """

    def __init__(self, connection: RTCPeerConnection) -> None:
        self._dtls: Any = connection.getTransceivers()[0].receiver.transport

    @property
    def counters(self) -> RTCTransportStats:
        """Datagrams and their bytes, those of DTLS and data channels included."""
        found = next(iter(_private(self._dtls, "_get_stats")().values()))
        if not isinstance(found, RTCTransportStats):
            raise EngineError("aiortc counts its transports' datagrams in another way.")
        return found

    @property
    def ice_state(self) -> str:
        """``RTCIceTransportState`` (webrtc-pc, section 5.6.4)."""
        state: str = self._dtls.transport.state
        return state

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of our own certificate, by algorithm (RFC 8122)."""
        return {found.algorithm: found.value for found in self._dtls.getLocalParameters().fingerprints}

    @property
    def candidates(self) -> Candidates | None:
        """Of the nominated pair (RFC 8445, section 8.1.1); None before there is one."""
        pairs = _private(_private(self._dtls.transport, "_connection"), "_nominated")
        pair: CandidatePair | None = pairs.get(1)  # RTP and RTCP share one component
        if pair is None:
            return None
        local, remote = pair.local_candidate, pair.remote_candidate
        return Candidates(local.type, remote.type, local.transport.lower())


def codec_of(transceiver: RTCRtpTransceiver) -> RTCRtpCodecParameters | None:
    """The codec that the transceiver's sender uses; None before the negotiation."""
    codecs: list[RTCRtpCodecParameters] = _private(transceiver, "_codecs")
    return codecs[0] if codecs else None


def ice_transport(connection: RTCPeerConnection) -> Any:
    """The one ICE transport of a bundled connection."""
    transceivers = connection.getTransceivers()
    bundle = transceivers[0].receiver if transceivers else connection.sctp
    return _private(bundle, "transport").transport


def is_control_delivered(connection: RTCPeerConnection) -> bool:
    """Whether the other side has acknowledged all that was sent on data channels."""
    sctp = connection.sctp
    queues = ("_data_channel_queue", "_outbound_queue", "_sent_queue")
    return sctp is None or not any(_private(sctp, name) for name in queues)


def separate_streams(connection: RTCPeerConnection) -> None:
    """Give each sender a media stream id of its own.

    Tracks of one stream are lip-synced by the browser, which would hold the picture back for the sound.
    """
    for sender in connection.getSenders():
        _replace(sender, "_stream_id", f"nbrtc-{sender.kind}")


def use_loopback_where_alone() -> None:
    """Let ICE use 127.0.0.1 on a machine that has no other address, as a laptop off the network. Idempotent.

    aioice leaves the loopback address out, and without a candidate there is no call at all.
    """
    original = _private(aioice.ice, "get_host_addresses")
    if getattr(original, "falls_back", False):
        return

    def get_host_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        addresses: list[str] = original(use_ipv4, use_ipv6)
        if addresses or not use_ipv4:
            return addresses
        logger.warning("This machine has no network address besides %s, which is used", LOOPBACK)
        return [LOOPBACK]

    get_host_addresses.falls_back = True  # type: ignore[attr-defined]
    _replace(aioice.ice, "get_host_addresses", get_host_addresses)
