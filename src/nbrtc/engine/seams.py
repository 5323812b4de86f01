"""The one place that leans on aiortc's private parts.

aiortc has no public way to take encoded frames from a receiver, to hear keyframe requests, or to see the
receiver's bandwidth reports. Every name used for that is here (the impairment's are in shim.py), the range of
aiortc is pinned in pyproject.toml, and tests/unit/test_seams.py fails with the name of a seam that moved.
"""

import logging
from collections.abc import Callable
from typing import Any, Protocol

import aioice.ice
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import (
    RTCP_PSFB_APP,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpSrPacket,
    RtpPacket,
    pack_remb_fci,
    unpack_remb_fci,
    unwrap_rtx,
)

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

    def on_sender_report(self, handler: Callable[[int, int, int], None]) -> None:
        """Call `handler(ssrc, ntp_timestamp, rtp_timestamp)` for each RTCP sender report."""
        original = _private(self._receiver, "_handle_rtcp_packet")

        async def handle(packet: AnyRtcpPacket) -> None:
            if isinstance(packet, RtcpSrPacket):
                handler(packet.ssrc, packet.sender_info.ntp_timestamp, packet.sender_info.rtp_timestamp)
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


def ice_transport(connection: RTCPeerConnection) -> Any:
    """The one ICE transport of a bundled connection."""
    return connection.getTransceivers()[0].receiver.transport.transport


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
