"""How much may be sent: the estimate for the page's uplink, our encoder's limit, bitrates by picture size.

Pure: clocks are arguments. Both sides start at the asked rate and give way only to evidence, loss or growing
delay; they follow the receive-side congestion control that browsers speak with REMB
(draft-ietf-rmcat-gcc-02, draft-alvestrand-rmcat-remb-03).
"""

import math
from collections import deque

from aiortc.rate import (
    INTER_ARRIVAL_SHIFT,
    TIMESTAMP_GROUP_LENGTH_MS,
    TIMESTAMP_TO_MS,
    BandwidthUsage,
    InterArrival,
    OveruseDetector,
    OveruseEstimator,
)

from nbrtc.engine.jitter import Unwrapper

OPUS_BITRATE_BPS = 32_000
"""What browsers give Opus for speech by default; too little to matter beside video."""

MIN_BPS = 100_000
CLEAN_LOSS_FRACTION = 0.03
"""Up to here loss is the path's own, as on any radio, and not a sign of congestion."""
HEAVY_LOSS_FRACTION = 0.1
BACK_OFF = 0.85
GROWTH_NEAR, GROWTH_FAR = 1.08, 1.5
"""Growth in a second near the last known bottleneck, and away from it."""


def video_bitrate_bps(width: int, height: int, fps: float) -> int:
    """Bitrate at which VP8 video of this size looks good, in steps of 10 kbit/s.

    Parabolas in log2 of the pixels and of the rate, through 640x480 1.0, 1280x720 2.5 and 1920x1080 4.5
    Mbit/s at 30 fps, with 0.6 of that at 15 fps and 1.5 times at 60: large and fast pictures need fewer bits
    a pixel.
    """
    size = math.log2(max(width * height, 1) / (1280 * 720))
    rate = math.log2(min(max(fps, 1.0), 120.0) / 30)
    octaves = (0.77120 - 0.03964 * size) * size + (0.66097 - 0.07600 * rate) * rate
    return max(MIN_BPS // 10_000, round(250 * 2**octaves)) * 10_000


class ByteRate:
    """Bits per second over the last window. At most 4,096 packets count; a flood makes the window shorter."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._packets: deque[tuple[float, int]] = deque(maxlen=4096)

    def add(self, size_bytes: int, now_s: float) -> None:
        """Count a packet."""
        self._packets.append((now_s, size_bytes))

    def bps(self, now_s: float) -> float | None:
        """The rate, or None while half a window has not been seen."""
        while self._packets and self._packets[0][0] <= now_s - self._window_s:
            self._packets.popleft()
        if not self._packets or now_s - self._packets[0][0] < self._window_s / 2:
            return None
        # the first packet opens the window, what it weighs came before
        total = sum(size for _, size in self._packets) - self._packets[0][1]
        return 8 * total / (now_s - self._packets[0][0])


class _Rate:
    """A bitrate that falls in steps and grows in proportion to itself."""

    def __init__(self, start_bps: float) -> None:
        self.bps = start_bps
        self.backed_off_s = -math.inf
        self._bottleneck_bps: float | None = None
        self._grown_s: float | None = None

    def back_off(self, to_bps: float, bottleneck_bps: float, now_s: float) -> None:
        self.bps = max(MIN_BPS, min(self.bps, to_bps))
        self.backed_off_s = now_s
        self._bottleneck_bps = bottleneck_bps

    def pass_time(self, now_s: float, *, grow: bool) -> None:
        """Grow for the time since the last call, of which at most a second counts."""
        elapsed_s = 0.0 if self._grown_s is None else min(max(now_s - self._grown_s, 0.0), 1.0)
        self._grown_s = now_s
        if not grow:
            return
        if self._bottleneck_bps is not None and self.bps > 1.2 * self._bottleneck_bps:
            self._bottleneck_bps = None  # what was the bottleneck no longer is
        near = self._bottleneck_bps is not None and self.bps > 0.7 * self._bottleneck_bps
        self.bps *= (GROWTH_NEAR if near else GROWTH_FAR) ** elapsed_s


class ReceiveEstimator:
    """What the page may send, for REMB. It allows the asked rate from the first packet on.

    Delay growth is found by the Kalman filter and adaptive threshold of GCC (its section 5, as aiortc has
    them), and by a slower look at the least delay of each second, for a queue that the filter adapts to. A
    sender that sends less than it may is not held to what it sent.

    Parameters
    ----------
    target_bps
        The asked rate; may be set at any time.
    """

    HEADROOM = 1.5
    """The estimate's ceiling over the target: room for retransmissions and audio."""
    QUEUE_MS = 25.0
    PAUSE_S = 2.0
    """After so long a silence old delays say nothing (kStreamTimeOutMs of libwebrtc)."""
    BASE_S = 10
    BACK_OFF_INTERVAL_S = 0.3
    LOSS_INTERVAL_S = 1.0
    """After a step back, how long before loss counts again: it is the old rate's until then."""
    RISE_MS = 10.0

    def __init__(self, target_bps: int) -> None:
        self._target_bps = target_bps
        self._rate = _Rate(target_bps)
        self._throughput = ByteRate(0.5)
        self._loss_fraction = 0.0
        self._arrived_s = -math.inf
        self._rose = False
        self._forget_delays()

    @property
    def target_bps(self) -> int:
        """The asked rate; an estimate that was at or above the old one follows to the new one at once."""
        return self._target_bps

    @target_bps.setter
    def target_bps(self, value: int) -> None:
        if self._rate.bps >= self._target_bps:
            self._rate.bps = max(self._rate.bps, value)
        self._target_bps = value
        self._rate.bps = min(self._rate.bps, self.HEADROOM * value)

    @property
    def queue_ms(self) -> float:
        """Delay of the path now over the least of the last ten seconds, smoothed."""
        return self._transit_ms - min(self._base_ms) if self._base_ms else 0.0

    def add(self, arrival_ms: int, abs_send_time: int, size_bytes: int) -> None:
        """Take a packet.

        Parameters
        ----------
        arrival_ms
            Of the clock of `estimate_bps`.
        abs_send_time
            The header extension of that name: 24 bits, in 2**-18 s.
        """
        now_s = arrival_ms / 1000
        if now_s - self._arrived_s > self.PAUSE_S:
            self._forget_delays()
        self._arrived_s = now_s
        self._throughput.add(size_bytes, now_s)
        self._note_transit(arrival_ms, abs_send_time)
        deltas = self._inter_arrival.compute_deltas(abs_send_time << 8, arrival_ms, size_bytes)
        if deltas is None:
            return
        sent_ms = deltas.timestamp * TIMESTAMP_TO_MS
        usage = self._detector.state()
        self._filter.update(deltas.arrival_time, sent_ms, deltas.size, usage, arrival_ms)
        usage = self._detector.detect(
            self._filter.offset(), sent_ms, self._filter.num_of_deltas(), arrival_ms
        )
        growing = usage is BandwidthUsage.OVERUSING or self._rose
        throughput_bps = self._throughput.bps(now_s)
        if not growing or throughput_bps is None:
            return
        if now_s - self._rate.backed_off_s >= self.BACK_OFF_INTERVAL_S:
            self._rose = False
            self._rate.back_off(BACK_OFF * throughput_bps, throughput_bps, now_s)

    def report_loss(self, fraction: float) -> None:
        """Take the fraction of packets lost, 0 to 1, since the last report; a few times a second."""
        self._loss_fraction += 0.3 * (min(max(fraction, 0.0), 1.0) - self._loss_fraction)

    def estimate_bps(self, now_ms: int) -> int:
        """The bitrate to put into a REMB now; to be called a few times a second."""
        now_s = now_ms / 1000
        loss = self._loss_fraction
        if loss > HEAVY_LOSS_FRACTION and now_s - self._rate.backed_off_s >= self.LOSS_INTERVAL_S:
            self._rate.back_off((1 - 0.5 * loss) * self._rate.bps, self._rate.bps, now_s)
        heard = now_s - self._arrived_s < 1.0
        steady = self.queue_ms <= self.QUEUE_MS or self._detector.state() is BandwidthUsage.NORMAL
        self._rate.pass_time(now_s, grow=heard and steady and loss <= CLEAN_LOSS_FRACTION)
        self._rate.bps = min(self._rate.bps, self.HEADROOM * self._target_bps)
        return int(self._rate.bps)

    def _forget_delays(self) -> None:
        group_length = (TIMESTAMP_GROUP_LENGTH_MS << INTER_ARRIVAL_SHIFT) // 1000
        self._inter_arrival = InterArrival(group_length, TIMESTAMP_TO_MS)
        self._filter = OveruseEstimator()
        self._detector = OveruseDetector()
        self._sent = Unwrapper(24)
        self._transit_ms = 0.0
        self._base_ms: deque[float] = deque(maxlen=self.BASE_S)  # least transit of each second
        self._base_second = -1
        self._rose = False

    def _note_transit(self, arrival_ms: int, abs_send_time: int) -> None:
        self._sent.last = self._sent.near(abs_send_time)
        transit_ms = arrival_ms - 1000 * self._sent.last / (1 << 18)
        second = arrival_ms // 1000
        if not self._base_ms:
            self._transit_ms = transit_ms
        if second != self._base_second:
            self._base_second = second
            self._rose = self._queue_rose()
            self._base_ms.append(transit_ms)
        self._base_ms[-1] = min(self._base_ms[-1], transit_ms)
        self._transit_ms += 0.1 * (transit_ms - self._transit_ms)

    def _queue_rose(self) -> bool:
        """Whether even the fastest packet of the last second waited, and longer than that of the one before.

        A queue that fills by a few percent a second is too slow for the filter, which adapts to it.
        """
        if len(self._base_ms) < 2:
            return False
        before_ms, last_ms = self._base_ms[-2], self._base_ms[-1]
        return last_ms - before_ms > self.RISE_MS and last_ms - min(self._base_ms) > self.QUEUE_MS


class SendLimit:
    """What our own encoder may send, from the page's feedback. It starts at the target and never exceeds it.

    Only a REMB that is below what is being sent, and falls or stands still there, limits. A browser caps its
    REMB at 1.5 times what it received and raises it by 8% a second, so that after a simple picture it is low
    for long, and means nothing while it rises. For congestion it goes to 85% of what came through and waits.

    Parameters
    ----------
    target_bps
        The asked rate; may be set at any time.
    """

    def __init__(self, target_bps: int) -> None:
        self.target_bps = target_bps
        self._rate = _Rate(target_bps)
        self._free = True  # no evidence against the target
        self._sent: ByteRate | None = None
        self._remb_bps = math.inf
        self._stood_still = 0  # reports in a row that were below what was sent, and no higher than before
        self._loss_fraction = 0.0

    def add_sent(self, size_bytes: int, now_s: float) -> None:
        """Count what was sent; without it the limit stands in, which is too much for a simple picture."""
        if self._sent is None:
            self._sent = ByteRate(1.0)
        self._sent.add(size_bytes, now_s)

    def add_remb(self, remb_bps: int, now_s: float) -> None:
        """Take the page's estimate (REMB)."""
        fell, rises = remb_bps < 0.97 * self._remb_bps, remb_bps > 1.01 * self._remb_bps
        self._remb_bps = remb_bps
        sent_bps = self.bitrate_bps(now_s) if self._sent is None else self._sent.bps(now_s)
        if rises or sent_bps is None or remb_bps >= 0.9 * sent_bps:
            self._stood_still = 0
            return
        self._stood_still += 1
        if fell or self._stood_still >= 2:
            self._stood_still = 0
            self._back_off(remb_bps, remb_bps / BACK_OFF, now_s)

    def add_loss(self, fraction: float, rtt_s: float | None, now_s: float) -> None:
        """Take a receiver report (RFC 3550, section 6.4): fraction lost, 0 to 1, round trip if known."""
        self._loss_fraction = fraction
        settled = now_s - self._rate.backed_off_s >= 0.3 + (rtt_s or 0.0)
        if fraction > HEAVY_LOSS_FRACTION and settled:
            rate_bps = self.bitrate_bps(now_s)
            self._back_off((1 - 0.5 * fraction) * rate_bps, rate_bps, now_s)

    def bitrate_bps(self, now_s: float) -> int:
        """The bitrate to encode at now."""
        if self._free:
            self._rate.bps = self.target_bps
        self._rate.pass_time(now_s, grow=self._loss_fraction <= CLEAN_LOSS_FRACTION)
        if self._rate.bps >= self.target_bps:
            self._free = True
            self._rate.bps = self.target_bps
        return int(self._rate.bps)

    def _back_off(self, to_bps: float, bottleneck_bps: float, now_s: float) -> None:
        self._free = False
        self._rate.back_off(to_bps, bottleneck_bps, now_s)
