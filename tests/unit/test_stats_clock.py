"""The offset of two clocks, found from what two simulated ends measured."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.stats.ends.clock import (
    NTP_EPOCH_MS,
    Arrivals,
    Counter,
    estimate_from_counters,
    estimate_offset,
    sender_time_ms,
)

NOTHING = Arrivals(np.empty(0), np.empty(0))
START_S = 1_800_000_000.0


def arrivals(sent_s: np.ndarray, delays_s: np.ndarray, offset_s: float | np.ndarray) -> Arrivals:
    """Reports sent by one clock and received by another that shows `offset_s` more."""
    return Arrivals(sent_s, sent_s + delays_s + offset_s)


def counter(*points: tuple[float, float]) -> Counter:
    times, values = zip(*points, strict=True)
    return Counter(np.array(times, dtype=float), np.array(values, dtype=float))


delays = st.lists(st.floats(0.0, 3.0), min_size=1, max_size=20)


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e5, 1e5), delays, delays)
def test_the_true_offset_is_never_further_away_than_the_error(
    offset_s: float, up_s: list[float], down_s: list[float]
) -> None:
    up = arrivals(START_S + np.arange(len(up_s)), np.array(up_s), offset_s)
    down = arrivals(START_S + offset_s + np.arange(len(down_s)), np.array(down_s), -offset_s)

    found = estimate_offset(down, up)

    assert found.method == "rtcp"
    assert abs(found.offset_s - offset_s) <= found.error_s + 1e-6


@pytest.mark.parametrize("offset_s", [100.0, -100.0, 0.2, -0.2])
def test_over_an_even_path_the_offset_is_exact(offset_s: float) -> None:
    moments = START_S + np.arange(60.0)
    rng = np.random.default_rng(7)
    queue_up, queue_down = rng.exponential(0.02, (2, 60))
    queue_up[11] = queue_down[40] = 0.0
    up = arrivals(moments, 0.05 + queue_up, offset_s)
    down = arrivals(moments + offset_s, 0.05 + queue_down, -offset_s)

    found = estimate_offset(down, up)

    assert found.offset_s == pytest.approx(offset_s, abs=1e-6)
    assert found.delay_s == pytest.approx(0.05, abs=1e-6)


def test_an_uneven_path_shifts_the_offset_by_half_the_difference_at_most() -> None:
    moments = START_S + np.arange(30.0)
    up = arrivals(moments, np.full(30, 0.030), 5.0)
    down = arrivals(moments + 5.0, np.full(30, 0.150), -5.0)

    found = estimate_offset(down, up)

    assert found.offset_s == pytest.approx(5.0 - 0.060, abs=1e-6)
    assert found.error_s == pytest.approx(0.090, abs=1e-6)


@pytest.mark.parametrize("drift_ppm", [40.0, -40.0])
def test_drift_is_found_in_a_long_call(drift_ppm: float) -> None:
    drift = drift_ppm * 1e-6
    rng = np.random.default_rng(3)
    moments = START_S + np.arange(0.0, 3600.0, 1.0)
    offset_s = 12.0 + drift * (moments - START_S)
    up = arrivals(moments, 0.04 + rng.exponential(0.01, len(moments)), offset_s)
    down = Arrivals(moments + offset_s, moments + 0.04 + rng.exponential(0.01, len(moments)))

    found = estimate_offset(down, up)

    assert found.drift == pytest.approx(drift, abs=1e-6)
    ends_s = np.array([START_S, START_S + 3600.0])
    assert found.theirs(ends_s) - ends_s == pytest.approx([12.0, 12.0 + 3600 * drift], abs=0.003)


def test_a_short_call_has_no_drift() -> None:
    moments = START_S + np.arange(0.0, 500.0)
    up = arrivals(moments, np.linspace(0.01, 0.09, 500), 0.0)

    assert estimate_offset(arrivals(moments, np.full(500, 0.04), 0.0), up).drift == 0.0


@pytest.mark.parametrize("is_up", [True, False])
def test_reports_in_one_direction_need_the_round_trip(is_up: bool) -> None:
    moments = START_S + np.arange(30.0)
    one_way = (
        arrivals(moments, np.full(30, 0.04), 7.0) if is_up else arrivals(moments, np.full(30, 0.04), -7.0)
    )
    ends = (NOTHING, one_way) if is_up else (one_way, NOTHING)

    found = estimate_offset(*ends, round_trip_s=0.08)

    assert found.method == "rtcp one way"
    assert found.offset_s == pytest.approx(7.0, abs=1e-6)
    assert found.error_s == pytest.approx(0.04)
    assert isnan(estimate_offset(*ends).offset_s)


def test_without_reports_and_counters_the_offset_is_unknown_and_says_so() -> None:
    for found in (estimate_offset(NOTHING, NOTHING, 0.1), estimate_from_counters([], [])):
        assert isnan(found.offset_s)
        assert found.method == "unknown"
        assert "clocks are taken as equal" in found.note
        assert found.theirs(np.array([5.0])) == pytest.approx([5.0])


def test_packet_counters_are_laid_over_each_other() -> None:
    """We send 50 packets a second; they count what arrives 40 ms later, by a clock that is 9 s ahead."""
    ours = Counter(np.arange(0.0, 30.0), 50 * np.arange(0.0, 30.0))
    moments = np.arange(0.3, 30.0)
    theirs = Counter(moments + 9.0, 50 * (moments - 0.04))

    one_way = estimate_from_counters([(ours, theirs)], [], round_trip_s=0.08)
    both = estimate_from_counters([(ours, theirs)], [(theirs, Counter(moments + 0.08, theirs.values))])

    assert one_way.method == both.method == "packet counters"
    assert one_way.offset_s == pytest.approx(9.0, abs=1e-6)
    assert both.offset_s == pytest.approx(9.0 - 0.02, abs=1e-6)
    assert one_way.error_s == pytest.approx(1.0)


def test_time_since_1900_is_recognised() -> None:
    arrived_ms = 1_795_371_263_038.194
    assert sender_time_ms(arrived_ms - 50, arrived_ms) == arrived_ms - 50
    assert sender_time_ms(arrived_ms + NTP_EPOCH_MS - 50, arrived_ms) == pytest.approx(
        arrived_ms - 50, abs=1e-3
    )
    # A clock that was never set is still one since 1970.
    assert sender_time_ms(5000.0, arrived_ms) == 5000.0


def test_a_counter_is_not_known_outside_its_polls_nor_across_a_long_gap() -> None:
    polled = counter((0, 0), (1, 10), (2, 20), (62, 620), (63, 630))

    found = polled.at(np.array([-0.1, 0.0, 0.5, 2.0, 30.0, 62.0, 62.5, 63.1]))

    assert found == pytest.approx([np.nan, 0, 5, 20, np.nan, 620, 625, np.nan], nan_ok=True)
    assert counter((3, 5)).at(np.array([3.0, 4.0])) == pytest.approx([5, np.nan], nan_ok=True)


def test_a_counter_says_when_it_reached_a_value() -> None:
    polled = counter((0, 10), (1, 10), (2, 20), (3, 20), (4, 30))

    assert polled.reached(np.array([10.0, 20.0, 25.0, 31.0])) == pytest.approx(
        [np.nan, 2.0, 3.5, np.nan], nan_ok=True
    )
