"""Congestion control in both directions over a simulated bottleneck, on a simulated clock."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from aiortc.rate import RemoteBitrateEstimator
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.bandwidth import (
    MIN_BPS,
    ByteRate,
    ReceiveEstimator,
    SendLimit,
    video_bitrate_bps,
)
from nbrtc.lab.impairment import Shim
from nbrtc.messages import Impairment

TARGET_BPS = 2_500_000
PACKET_BYTES = 1200
PATH = Impairment(seed=7, delay_ms=30)
NARROW = Impairment(seed=7, delay_ms=30, rate_bps=800_000)


class Clock:
    """Runs callbacks in the order of their simulated times."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._numbers = itertools.count()
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def at(self, time_s: float, callback: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time_s, next(self._numbers), callback))

    def every(self, interval_s: float, duration_s: float, callback: Callable[[], None]) -> None:
        for n in range(round(duration_s / interval_s)):
            self.at(n * interval_s, callback)

    def run(self) -> None:
        while self._due:
            self.now_s, _, callback = heapq.heappop(self._due)
            callback()


@dataclass
class Path:
    """A network that changes at given seconds, and a 30 fps sender in front of it."""

    clock: Clock
    stages: list[tuple[float, Impairment]]
    rate_bps: Callable[[], float]
    arrive: Callable[[int, int], None]
    """Called with abs-send-time and size when a packet arrives."""
    sent: Callable[[int], None] = lambda size: None
    spacing_s: float = 0.0005
    """Between the packets of a frame: nearly a burst, or paced."""
    expected: int = 0
    lost: int = 0

    def __post_init__(self) -> None:
        self._shims = [(start_s, Shim(stage)) for start_s, stage in self.stages]

    def frame(self) -> None:
        size = self.rate_bps() / 8 / 30
        if size == 0:
            return
        packets = max(1, round(size / PACKET_BYTES))
        for n in range(packets):
            self.clock.at(self.clock.now_s + self.spacing_s * n, lambda: self._packet(int(size / packets)))

    def take_loss(self) -> float:
        fraction = self.lost / self.expected if self.expected else 0.0
        self.expected = self.lost = 0
        return fraction

    def _packet(self, size: int) -> None:
        now_s = self.clock.now_s
        shim = [shim for start_s, shim in self._shims if start_s <= now_s][-1]
        fate = shim.admit("up", size, now_s)
        self.expected += 1
        self.sent(size)
        if fate.delivered_s is None:
            self.lost += 1
        else:
            stamp = int(now_s * (1 << 18)) & 0xFFFFFF
            self.clock.at(fate.delivered_s, lambda: self.arrive(stamp, size))


def uplink(
    *stages: tuple[float, Impairment],
    duration_s: float,
    spacing_s: float = 0.0005,
    camera_bps: Callable[[float], float] = lambda now_s: TARGET_BPS,
    retarget: Callable[[ReceiveEstimator, float], None] = lambda estimator, now_s: None,
) -> list[tuple[float, float]]:
    """(seconds, estimate in Mbit/s), four a second; the page obeys each a tenth of a second later."""
    clock, estimator, history = Clock(), ReceiveEstimator(TARGET_BPS), list[tuple[float, float]]()
    allowed_bps: list[float] = [TARGET_BPS]

    def feedback() -> None:
        retarget(estimator, clock.now_s)
        estimator.report_loss(path.take_loss())
        estimate_bps = estimator.estimate_bps(round(clock.now_s * 1000))
        history.append((clock.now_s, estimate_bps / 1e6))
        clock.at(clock.now_s + 0.1, lambda: allowed_bps.__setitem__(0, estimate_bps))

    path = Path(
        clock,
        list(stages),
        rate_bps=lambda: min(allowed_bps[0], camera_bps(clock.now_s), estimator.target_bps),
        arrive=lambda stamp, size: estimator.add(round(clock.now_s * 1000), stamp, size),
        spacing_s=spacing_s,
    )
    clock.every(1 / 30, duration_s, path.frame)
    clock.every(0.25, duration_s, feedback)
    clock.run()
    return history


def between(history: list[tuple[float, float]], start_s: float, end_s: float) -> list[float]:
    return [value for now_s, value in history if start_s <= now_s < end_s]


# --- the uplink --------------------------------------------------------------------------------------------


def test_a_clean_link_is_allowed_the_full_rate_from_the_start() -> None:
    history = uplink((0, PATH), duration_s=20)
    assert history[0] == (0.0, 2.5)
    assert min(value for _, value in history) == 2.5
    assert max(value for _, value in history) <= 1.5 * 2.5


def test_a_bottleneck_is_found_in_two_seconds_and_kept() -> None:
    values = between(uplink((0, NARROW), duration_s=40), 2, 40)
    assert max(values) < 0.8 * 1.15
    assert sum(values) / len(values) == pytest.approx(0.76, abs=0.06)
    assert min(values) > 0.5


def test_the_full_rate_comes_back_when_the_bottleneck_goes() -> None:
    history = uplink((0, PATH), (10, NARROW), (20, PATH), duration_s=40)
    assert max(between(history, 13, 20)) < 0.8 * 1.15
    assert min(between(history, 28, 40)) >= 2.5


def test_the_queue_of_a_bottleneck_stays_short() -> None:
    queues_ms: list[float] = []
    uplink(
        (0, PATH),
        (10, Impairment(seed=7, delay_ms=30, rate_bps=1_500_000)),
        duration_s=40,
        spacing_s=0.003,
        retarget=lambda estimator, now_s: queues_ms.append(estimator.queue_ms if now_s > 13 else 0.0),
    )
    assert sorted(queues_ms)[9 * len(queues_ms) // 10] < 100
    assert max(queues_ms) < 200


@pytest.mark.parametrize("spacing_s", [0.0005, 0.002, 0.0035])
def test_a_link_just_too_narrow_builds_no_lasting_queue(spacing_s: float) -> None:
    """A queue that a paced sender fills by 4% a second is too slow for the delay filter to see."""
    queues_ms: list[float] = []
    uplink(
        (0, Impairment(seed=7, delay_ms=30, rate_bps=2_400_000)),
        duration_s=40,
        spacing_s=spacing_s,
        retarget=lambda estimator, now_s: queues_ms.append(estimator.queue_ms),
    )
    assert max(queues_ms) < 150
    assert sorted(queues_ms)[len(queues_ms) // 2] < 60


@pytest.mark.parametrize(
    "path",
    [
        Impairment(seed=7, delay_ms=30, loss_fraction=0.02),
        Impairment(seed=7, delay_ms=30, loss_fraction=0.05),
        Impairment(seed=7, delay_ms=30, jitter_ms=30),
        Impairment(seed=7, delay_ms=30, jitter_ms=60),
        Impairment(seed=7, delay_ms=30, jitter_ms=80),
        Impairment(seed=7, delay_ms=200, jitter_ms=20, loss_fraction=0.02),
    ],
)
def test_random_loss_and_jitter_alone_do_not_lower_the_rate(path: Impairment) -> None:
    assert min(value for _, value in uplink((0, path), duration_s=40)) >= 2.5


def test_heavy_loss_lowers_the_rate_step_by_step_to_the_minimum() -> None:
    lossy = Impairment(seed=7, delay_ms=30, loss_fraction=0.3)
    history = uplink((0, PATH), (5, lossy), (45, PATH), duration_s=60)
    values = between(history, 6, 45)
    steps = [after / before for before, after in itertools.pairwise(values)]
    assert all(0.7 < step <= 1.0 for step in steps)
    assert values[-1] == MIN_BPS / 1e6
    assert min(between(history, 57, 60)) >= 2.5


def test_a_sender_with_little_to_send_is_not_held_to_it() -> None:
    history = uplink(
        (0, Impairment(seed=7, delay_ms=30, jitter_ms=30, rate_bps=4e6)),
        duration_s=40,
        camera_bps=lambda now_s: 200_000 if now_s < 30 else TARGET_BPS,
    )
    assert min(value for _, value in history) >= 2.5


def test_a_new_target_counts_at_once_unless_the_link_is_known_to_be_narrow() -> None:
    def retarget(estimator: ReceiveEstimator, now_s: float) -> None:
        estimator.target_bps = 1_000_000 if now_s < 10 else 4_000_000

    wide = uplink((0, PATH), duration_s=15, retarget=retarget)
    assert max(between(wide, 0, 10)) <= 1.5
    assert min(between(wide, 10, 15)) >= 4.0
    narrow = uplink((0, NARROW), duration_s=15, retarget=retarget)
    assert max(between(narrow, 3, 15)) < 0.8 * 1.15


def test_a_camera_that_paused_for_a_minute_is_estimated_anew() -> None:
    """abs-send-time wraps every 64 s; delays from before the pause would read as half a minute of queue."""
    history = uplink(
        (0, PATH),
        (50, NARROW),
        duration_s=60,
        camera_bps=lambda now_s: 0 if 5 < now_s < 45 else TARGET_BPS,
    )
    assert min(between(history, 0, 50)) >= 2.5
    assert max(between(history, 53, 60)) < 0.8 * 1.15


def test_a_longer_route_costs_a_step_and_not_the_rate() -> None:
    history = uplink((0, PATH), (10, Impairment(seed=7, delay_ms=130)), duration_s=30)
    assert min(value for _, value in history) > 1.0
    assert min(between(history, 20, 30)) >= 2.5


def test_without_packets_nothing_grows() -> None:
    estimator = ReceiveEstimator(1_000_000)
    assert {estimator.estimate_bps(1000 * second) for second in range(100)} == {1_000_000}


@given(
    st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 2**24 - 1), st.integers(0, 1500)), max_size=60)
)
def test_whatever_times_arrive_the_estimate_stays_within_its_bounds(
    packets: list[tuple[int, int, int]],
) -> None:
    estimator = ReceiveEstimator(1_000_000)
    for arrival_ms, stamp, size in packets:
        estimator.add(arrival_ms, stamp, size)
        estimator.report_loss(size / 1000)
        assert MIN_BPS <= estimator.estimate_bps(arrival_ms) <= 1_500_000


# --- the downlink -------------------------------------------------------------------------------------------


def downlink(
    *stages: tuple[float, Impairment],
    duration_s: float,
    picture_bps: Callable[[float], float] = lambda now_s: TARGET_BPS,
    browser: bool = True,
    count_sent: bool = True,
) -> list[tuple[float, float]]:
    """(seconds, limit in Mbit/s). The browser's REMB comes from aiortc's port of its estimator."""
    clock, limit, history = Clock(), SendLimit(TARGET_BPS), list[tuple[float, float]]()
    remote = RemoteBitrateEstimator()

    def arrive(stamp: int, size: int) -> None:
        answer = remote.add(round(clock.now_s * 1000), stamp, size, 1)
        if answer is not None and browser:
            clock.at(clock.now_s + 0.03, lambda: limit.add_remb(answer[0], clock.now_s))

    path = Path(
        clock,
        list(stages),
        rate_bps=lambda: min(limit.bitrate_bps(clock.now_s), picture_bps(clock.now_s)),
        arrive=arrive,
        sent=lambda size: limit.add_sent(size, clock.now_s) if count_sent else None,
    )
    clock.every(1 / 30, duration_s, path.frame)
    clock.every(1.0, duration_s, lambda: limit.add_loss(path.take_loss(), 0.06, clock.now_s))
    clock.every(0.25, duration_s, lambda: history.append((clock.now_s, limit.bitrate_bps(clock.now_s) / 1e6)))
    clock.run()
    return history


@pytest.mark.parametrize("loss_fraction", [0.0, 0.02])
def test_our_encoder_keeps_its_target_on_a_clean_link_and_at_two_percent_loss(loss_fraction: float) -> None:
    history = downlink((0, Impairment(seed=7, delay_ms=30, loss_fraction=loss_fraction)), duration_s=30)
    assert {value for _, value in history} == {2.5}


@pytest.mark.parametrize("count_sent", [True, False])
def test_our_encoder_stays_within_a_bottleneck_and_comes_back(count_sent: bool) -> None:
    history = downlink((0, NARROW), (20, PATH), duration_s=45, count_sent=count_sent)
    values = between(history, 4, 20)
    assert max(values) < 0.8 * 1.2
    assert min(values) > 0.4
    assert between(history, 40, 45)[-1] > 2.0


def test_loss_alone_limits_our_encoder_when_no_remb_comes() -> None:
    history = downlink((0, NARROW), (30, PATH), duration_s=60, browser=False)
    assert max(between(history, 15, 30)) < 1.2
    assert min(between(history, 50, 60)) == 2.5


def test_a_remb_that_is_low_after_a_simple_picture_limits_nothing() -> None:
    history = downlink(
        (0, PATH), duration_s=30, picture_bps=lambda now_s: 300_000 if now_s < 10 else TARGET_BPS
    )
    assert {value for _, value in history} == {2.5}


def after_a_simple_picture() -> SendLimit:
    """A limit of 1 Mbit/s after 3 s at 200 kbit/s, when the REMB was 450, and 2 s at the full rate."""
    limit = SendLimit(1_000_000)
    for ms in range(0, 5000, 10):
        limit.add_sent(250 if ms < 3000 else 1250, ms / 1000)
        if ms == 2900:
            limit.add_remb(450_000, ms / 1000)
    return limit


@pytest.mark.parametrize(
    ("reports_bps", "limits_bps"),
    [
        ([400_000], [400_000]),  # falls
        ([450_000, 450_000], [1_000_000, 450_000]),  # stands still
        ([490_000, 530_000, 570_000], [1_000_000] * 3),  # rises
        ([450_000, 490_000, 490_000, 490_000], [1_000_000, 1_000_000, 1_000_000, 490_000]),
        ([1_200_000, 950_000], [1_000_000] * 2),  # not below what is sent
    ],
)
def test_a_remb_below_what_is_sent_counts_when_it_falls_or_stands_still(
    reports_bps: list[int], limits_bps: list[int]
) -> None:
    limit = after_a_simple_picture()
    now = []
    for remb_bps in reports_bps:
        limit.add_remb(remb_bps, 5.0)
        now.append(limit.bitrate_bps(5.0))
    assert now == limits_bps


def test_the_target_of_our_encoder_can_change_at_any_time() -> None:
    limit = SendLimit(1_000_000)
    limit.target_bps = 3_000_000
    assert limit.bitrate_bps(0.0) == 3_000_000
    limit.add_loss(0.5, 0.1, 1.0)
    assert limit.bitrate_bps(1.0) == 2_250_000
    limit.target_bps = 500_000
    assert limit.bitrate_bps(1.1) == 500_000


def test_a_loss_report_counts_once_the_last_step_had_time_to_work() -> None:
    limit = SendLimit(1_000_000)
    steps = []
    for now_s in (1.0, 1.2, 1.6):
        limit.add_loss(0.2, 0.1, now_s)
        steps.append(limit.bitrate_bps(now_s))
    assert steps == [900_000, 900_000, 810_000]


# --- bitrates by size, and the meter ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "fps", "bitrate_bps"),
    [
        (640, 480, 15, 600_000),
        (640, 480, 30, 1_000_000),
        (1280, 720, 30, 2_500_000),
        (1920, 1080, 30, 4_500_000),
        (640, 480, 60, 1_500_000),
        (1920, 1080, 60, 6_750_000),
    ],
)
def test_the_bitrate_of_the_usual_sizes(width: int, height: int, fps: float, bitrate_bps: int) -> None:
    assert video_bitrate_bps(width, height, fps) == bitrate_bps


@given(st.integers(1, 4096), st.integers(1, 2160), st.floats(0.1, 240))
def test_more_pixels_or_frames_never_need_fewer_bits(width: int, height: int, fps: float) -> None:
    bitrate_bps = video_bitrate_bps(width, height, fps)
    assert bitrate_bps >= MIN_BPS
    assert video_bitrate_bps(width + 100, height, fps) >= bitrate_bps
    assert video_bitrate_bps(width, height, fps * 1.2) >= bitrate_bps


def test_the_meter_measures_and_says_when_it_cannot() -> None:
    meter = ByteRate(1.0)
    assert meter.bps(0.0) is None
    for ms in range(0, 2000, 10):
        meter.add(1250, ms / 1000)
    assert meter.bps(1.99) == pytest.approx(1_000_000, rel=0.02)
    assert meter.bps(2.49) == pytest.approx(500_000, rel=0.05)
    assert meter.bps(5.0) is None
