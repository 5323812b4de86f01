"""The time of the outgoing track: it grows whatever is shown, and as fast as time does."""

from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.rtp_clock import CLOCK_RATE, RtpClock


def test_a_cameras_own_time_is_kept() -> None:
    clock = RtpClock()
    stamps = [clock.stamp(3_000_000_000 + 3000 * number, number / 30) for number in range(90)]
    assert stamps == [3_000_000_000 + 3000 * number for number in range(90)]


def test_a_held_picture_moves_on_with_the_time_that_passed() -> None:
    clock = RtpClock()
    first = clock.stamp(1000, 10.0)
    assert clock.stamp(None, 11.0) == first + CLOCK_RATE
    assert clock.stamp(1000 + CLOCK_RATE + 3000, 11.1) == first + CLOCK_RATE + 3000


def test_a_source_with_a_time_of_its_own_goes_on_where_the_last_one_was() -> None:
    clock = RtpClock()
    held = clock.stamp(None, 0.0)
    camera = clock.stamp(4_000_000_000, 0.5)
    assert camera == held + CLOCK_RATE // 2
    assert clock.stamp(4_000_003_000, 0.53) == camera + 3000


def test_two_pictures_of_the_same_moment_do_not_share_a_stamp() -> None:
    clock = RtpClock()
    assert clock.stamp(5000, 1.0) == 5000
    assert clock.stamp(5000, 1.0) == 5001
    assert clock.stamp(4000, 1.0) == 5002


@given(st.lists(st.tuples(st.none() | st.integers(0, 2**40), st.floats(0, 5)), min_size=2, max_size=50))
def test_time_always_grows_and_never_leaps(shown: list[tuple[int | None, float]]) -> None:
    clock, now_s = RtpClock(), 0.0
    last = clock.stamp(shown[0][0], now_s)
    for timestamp, pause_s in shown[1:]:
        now_s += pause_s
        stamp = clock.stamp(timestamp, now_s)
        assert last < stamp <= last + (pause_s + 2) * CLOCK_RATE + 1
        last = stamp
