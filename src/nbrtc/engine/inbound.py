"""From RTP packets to encoded frames: our own receive path in place of aiortc's.

Repairs loss (NACK, RFC 4585), reassembles without waiting for the next frame, asks for a keyframe after a
hole, and tells the page how much it may send.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiortc import RTCRtpReceiver
from aiortc.clock import current_ms
from aiortc.codecs import depayload
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtcpSenderInfo, RtcpSrPacket, RtpPacket

from ..recordings.picture_size import vp8_size
from .bandwidth import ReceiveEstimator
from .codecs import opus_samples
from .feed import EncodedFrame, Feed, Kind, SenderReport
from .jitter import Assembled, AudioJitterBuffer, VideoJitterBuffer
from .seams import ReceiverSeam, Reception
from .tasks import Tasks

KEYFRAME_INTERVAL_S = 0.3
"""Keyframes for sinks are asked for no more often; browsers make none faster either."""
FLOWING_S = 1.0
"""Without a packet for this long nothing is asked for again: the camera is off."""
FEEDBACK_INTERVAL_S = 0.25


def unwrap_near(value: int, reference: int, bits: int = 32) -> int:
    """The number congruent to `value` that is nearest to `reference`."""
    span = 1 << bits
    return reference + (value - reference + span // 2) % span - span // 2


@dataclass(slots=True)
class Received:
    """What came since the start, as `Inbound` counts it beside its buffer."""

    bytes: int = 0
    """Payload, what was sent again and unusable packets included (webrtc-stats, ``bytesReceived``)."""
    repeated_packets: int = 0
    """Packets that were sent again (RFC 4588)."""
    repeated_bytes: int = 0
    nacks: int = 0
    """RTCP packets sent that ask for lost ones."""
    plis: int = 0
    samples: int = 0
    """Of sound, at 48 kHz."""
    samples_delay_s: float = 0.0
    """Sum of what each sample spent in the buffer."""
    size: tuple[int, int] | None = None
    """Of the newest VP8 keyframe, in pixels."""


@dataclass(frozen=True, slots=True)
class SenderWord:
    """The latest sender report as it came (RFC 3550, section 6.4.1)."""

    arrived_s: float
    """Unix time, in seconds."""
    info: RtcpSenderInfo
    count: int
    """How many there were."""


class Inbound:
    """One receiver of the link and the feed that it fills. Everything runs on the engine's loop."""

    def __init__(self, receiver: RTCRtpReceiver, kind: Kind, target_bps: int) -> None:
        self.feed = Feed(kind, self._ask_keyframe)
        self.buffer = VideoJitterBuffer() if kind == "video" else AudioJitterBuffer()
        self.estimator = ReceiveEstimator(target_bps) if kind == "video" else None
        self.last_packet_s: float | None = None
        self.received = Received()
        self.word: SenderWord | None = None
        self.codec: RTCRtpCodecParameters | None = None
        """Of the newest frame."""
        self.cap_bps: Callable[[], float] = lambda: math.inf
        """A further limit of what the page may send: where its frames go on to, for one."""
        self._kind = kind
        self._seam = ReceiverSeam(receiver)
        self._seam.on_rtp(self._handle)
        self._seam.on_sender_report(self._report)
        self._ssrc: int | None = None
        self._clock_rate = 90000 if kind == "video" else 48000
        self._keyframe_wanted = False
        self._keyframe_asked_s = -math.inf
        self._last_feedback_s = -math.inf
        self._loss_base = (0, 0)
        self._tasks = Tasks()

    @property
    def ssrc(self) -> int | None:
        """Of what comes; None before the first packet."""
        return self._ssrc

    @property
    def reception(self) -> Reception | None:
        """Packets and jitter; None before the first packet."""
        return None if self._ssrc is None else self._seam.reception(self._ssrc)

    def tick(self, rtt_s: float | None) -> None:
        """Called about 20 times a second: give up on holes, repeat requests, report bandwidth."""
        now_s = time.monotonic()
        if rtt_s is not None and isinstance(self.buffer, VideoJitterBuffer):
            self.buffer.rtt_s = rtt_s
        self._emit(self.buffer.expire(now_s), now_s)
        self._repair(now_s)
        if now_s - self._last_feedback_s >= FEEDBACK_INTERVAL_S:
            self._last_feedback_s = now_s
            self._feedback()

    def close(self) -> None:
        """Cancel what is still being sent."""
        self._tasks.cancel()

    async def _handle(self, packet: RtpPacket, arrival_time_ms: int) -> None:
        now_s = self.last_packet_s = time.monotonic()
        if self.estimator is not None and packet.extensions.abs_send_time is not None:
            size = len(packet.payload) + packet.padding_size
            self.estimator.add(arrival_time_ms, packet.extensions.abs_send_time, size)
        codec = self._seam.codec(packet.payload_type)
        if codec is None:
            return
        self._seam.count(packet, codec)
        self.received.bytes += len(packet.payload)
        if codec.name.lower() == "rtx":
            self.received.repeated_packets += 1
            self.received.repeated_bytes += len(packet.payload)
            original = self._seam.unwrap(packet, codec)
            if original is None:
                return
            packet, codec = original
        if not packet.payload:
            payload = b""  # padding, which the browser probes with: it fills its sequence number, no more
        else:
            try:
                payload = depayload(codec, packet.payload)
            except ValueError:
                return  # malformed: it stays missing and is asked for again
        self._ssrc, self.codec = packet.ssrc, codec
        self._emit(
            self.buffer.add(packet.sequence_number, packet.timestamp, bool(packet.marker), payload, now_s),
            now_s,
        )
        self._repair(now_s)

    def _emit(self, frames: list[Assembled], now_s: float) -> None:
        for frame in frames:
            if frame.keyframe:
                self._keyframe_wanted = False  # before the sinks, which may want another
            self._count(frame, now_s)
            self.feed.push(
                EncodedFrame(
                    kind=self._kind,
                    codec="" if self.codec is None else self.codec.name,
                    timestamp=frame.timestamp,
                    clock_rate=self._clock_rate,
                    keyframe=frame.keyframe,
                    data=frame.data,
                    arrived_s=frame.arrived_s,
                    after_gap=frame.after_gap,
                )
            )

    def _count(self, frame: Assembled, now_s: float) -> None:
        if self._kind == "audio":
            samples = opus_samples(frame.data)
            self.received.samples += samples
            self.received.samples_delay_s += samples * (now_s - frame.arrived_s)
        elif frame.keyframe:
            self.received.size = vp8_size(frame.data) or self.received.size

    def _repair(self, now_s: float) -> None:
        if not isinstance(self.buffer, VideoJitterBuffer) or self._ssrc is None:
            return
        if missing := self.buffer.missing(now_s):
            self.received.nacks += 1
            self._tasks.spawn(self._seam.send_nack(self._ssrc, missing), "nbrtc-nack")
        if self.buffer.needs_keyframe(now_s):
            self._send_pli(now_s)
        elif self._keyframe_wanted and not self.buffer.waits_for_keyframe:
            self._ask_again(now_s)

    def _ask_keyframe(self) -> None:
        self._keyframe_wanted = True
        self._ask_again(time.monotonic())

    def _ask_again(self, now_s: float) -> None:
        """Ask on behalf of a sink, until a keyframe comes: a request may get lost, or come too early."""
        flowing = self.last_packet_s is not None and now_s - self.last_packet_s < FLOWING_S
        if flowing and now_s - self._keyframe_asked_s >= KEYFRAME_INTERVAL_S:
            self._send_pli(now_s)

    def _send_pli(self, now_s: float) -> None:
        if self._ssrc is not None:
            self._keyframe_asked_s = now_s
            self.received.plis += 1
            self._tasks.spawn(self._seam.send_pli(self._ssrc), "nbrtc-pli")

    def _feedback(self) -> None:
        if self.estimator is None or self._ssrc is None:
            return
        lost, expected = self._seam.lost_and_expected(self._ssrc)
        base_lost, base_expected = self._loss_base
        if expected - base_expected >= 20:
            self._loss_base = (lost, expected)
            self.estimator.report_loss(max(0, lost - base_lost) / (expected - base_expected))
        bitrate_bps = round(min(self.estimator.estimate_bps(current_ms()), self.cap_bps()))
        self._tasks.spawn(self._seam.send_remb(bitrate_bps, [self._ssrc]), "nbrtc-remb")

    def _report(self, packet: RtcpSrPacket) -> None:
        if packet.ssrc != self._ssrc:
            return
        info = packet.sender_info
        self.word = SenderWord(time.time(), info, 1 if self.word is None else self.word.count + 1)
        if self.buffer.last_timestamp is not None:
            self.feed.report = SenderReport(
                ntp_s=info.ntp_timestamp / (1 << 32),
                timestamp=unwrap_near(info.rtp_timestamp, self.buffer.last_timestamp),
            )
