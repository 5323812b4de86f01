"""What the other end says of a stream that we send, counted: its reports, and what it asks for.

aiortc acts on all of it and counts nothing. On the engine's loop.
"""

import time
from dataclasses import dataclass

from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    RtpPacket,
)

from .seams import SenderSeam


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """The latest report of the other end (RFC 3550, section 6.4.2)."""

    arrived_s: float
    """Unix time, in seconds."""
    fraction_lost: float
    """0..1, since the report before."""
    packets_lost: int
    """Since the start."""
    jitter: int
    """In ticks of the RTP clock."""


class Feedback:
    """The other end's word on one of our senders.

    Parameters
    ----------
    seam
        The sender.
    """

    def __init__(self, seam: SenderSeam) -> None:
        self.report: ReceiverReport | None = None
        self.round_trip_s: float | None = None
        """The latest one that a report measured, not smoothed."""
        self.round_trips = 0
        self.total_round_trip_s = 0.0
        self.nacks = self.plis = self.firs = 0
        """RTCP packets of each kind that came (RFC 4585, sections 6.2.1 and 6.3.1; RFC 5104, 4.3.1)."""
        self.repeated_packets = self.repeated_bytes = 0
        """Sent again; bytes of payload."""
        self._seam = seam
        seam.on_rtcp(self._heard)
        seam.on_retransmission(self._repeated)

    @property
    def ssrc(self) -> int:
        """Of what is sent."""
        return self._seam.ssrc

    @property
    def rtx_ssrc(self) -> int:
        """Of what is sent again."""
        return self._seam.rtx_ssrc

    @property
    def sent(self) -> tuple[int, int]:
        """Packets and bytes of payload that were sent, once each."""
        return self._seam.sent

    def _heard(self, packet: AnyRtcpPacket) -> None:
        match packet:
            case RtcpRrPacket() | RtcpSrPacket():
                for report in packet.reports:
                    if report.ssrc == self.ssrc:
                        self._reported(report)
            case RtcpRtpfbPacket(fmt=fmt) if fmt == RTCP_RTPFB_NACK:
                self.nacks += 1
            case RtcpPsfbPacket(fmt=fmt):
                self.plis += fmt == RTCP_PSFB_PLI
                self.firs += fmt == RTCP_PSFB_FIR

    def _reported(self, report: RtcpReceiverInfo) -> None:
        self.report = ReceiverReport(
            arrived_s=time.time(),
            fraction_lost=report.fraction_lost / 256,
            packets_lost=report.packets_lost,
            jitter=report.jitter,
        )
        round_trip_s = self._seam.round_trip_s(report)
        if round_trip_s is not None:
            self.round_trip_s = round_trip_s
            self.total_round_trip_s += round_trip_s
            self.round_trips += 1

    def _repeated(self, packet: RtpPacket) -> None:
        self.repeated_packets += 1
        self.repeated_bytes += len(packet.payload)
