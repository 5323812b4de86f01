"""The heartbeat's judgement, with times of our own."""

import pytest

from nbrtc.pulse import ACTIVE, BEAT_S, BUSY_LOST_S, DISK_LOST_S, LOST_S, STARVED_S, Pulse


def test_one_question_at_a_time() -> None:
    pulse = Pulse(0.0)

    assert pulse.question(BEAT_S / 2) is None, "too early"
    assert pulse.question(BEAT_S) == 1
    assert pulse.question(2 * BEAT_S) is None, "the first is open"
    pulse.answer(1)
    assert pulse.question(2 * BEAT_S) == 2


def test_a_silent_engine_that_does_nothing_is_lost_soon() -> None:
    pulse, now_s = Pulse(0.0, lambda: 0.1), 0.0
    while (overdue_s := pulse.overdue_s(now_s)) is None:
        pulse.question(now_s)
        now_s += pulse.wait_s(now_s) + 0.001  # polls are rounded to a millisecond

    assert LOST_S < overdue_s < LOST_S + 0.01
    assert now_s < LOST_S + 2 * BEAT_S


def test_an_engine_that_answers_is_never_lost() -> None:
    pulse, now_s = Pulse(0.0), 0.0
    for _ in range(1000):
        assert pulse.overdue_s(now_s) is None
        if (number := pulse.question(now_s)) is not None:
            pulse.answer(number)
        assert 0 <= pulse.wait_s(now_s) <= BEAT_S
        now_s += pulse.wait_s(now_s) + 0.001


def test_after_a_hole_in_the_kernels_own_time_the_engine_gets_its_whole_time_again() -> None:
    pulse = Pulse(0.0)
    assert pulse.question(BEAT_S) == 1
    assert pulse.overdue_s(BEAT_S) is None

    assert pulse.overdue_s(10.0) is None, "a C call held the interpreter up"
    now_s = 10.0
    while pulse.overdue_s(now_s) is None:
        now_s += 0.9 * STARVED_S

    assert LOST_S < now_s - 10.0 < LOST_S + STARVED_S, "awake again, and still nothing"


def test_a_late_answer_to_an_earlier_question_does_not_count_for_the_open_one() -> None:
    pulse = Pulse(0.0)
    assert pulse.question(0.2) == 1
    pulse.answer(1)
    assert pulse.question(0.4) == 2
    pulse.answer(1)

    assert pulse.question(1.0) is None


def test_a_silent_engine_that_is_at_work_gets_more_time_but_not_for_ever() -> None:
    now_s = 0.0
    pulse = Pulse(0.0, lambda: 2 * ACTIVE * now_s)
    while (overdue_s := pulse.overdue_s(now_s)) is None:
        pulse.question(now_s)
        assert 0 < pulse.wait_s(now_s) <= BEAT_S or not now_s
        now_s += pulse.wait_s(now_s) + 0.001

    assert BUSY_LOST_S < overdue_s < BUSY_LOST_S + BEAT_S + 0.01


@pytest.mark.parametrize("activity_s", [0.1, None], ids=["idle", "on a system that does not say"])
def test_a_silent_engine_that_waits_for_the_disk_gets_still_more(activity_s: float | None) -> None:
    now_s = 0.0
    # it is not always looked at in the middle of a wait
    pulse = Pulse(0.0, lambda: activity_s, waits_for_disk=lambda: now_s % 1.0 < BEAT_S + 0.05)
    while (overdue_s := pulse.overdue_s(now_s)) is None:
        pulse.question(now_s)
        now_s += pulse.wait_s(now_s) + 0.001

    assert DISK_LOST_S < overdue_s < DISK_LOST_S + BEAT_S + 0.01


@pytest.mark.parametrize("ends_s", [0.0, 1.0], ids=["works", "a thread of it ends"])
def test_an_engine_that_does_nothing_more_is_lost_soon_after_its_last_work(ends_s: float) -> None:
    now_s = 0.0
    pulse = Pulse(0.0, lambda: 9.0 - ends_s * (now_s > 1.5) if ends_s else 9.0 + min(now_s, 1.5))
    while pulse.overdue_s(now_s) is None:
        pulse.question(now_s)
        now_s += pulse.wait_s(now_s) + 0.001

    assert 1.5 + LOST_S < now_s < 1.5 + LOST_S + 3 * BEAT_S


def test_a_late_answer_ends_the_suspicion() -> None:
    now_s = 0.0
    pulse = Pulse(0.0, lambda: now_s)
    assert pulse.question(BEAT_S) == 1
    for now_s in (0.5, 0.8, 1.1, 1.4, 1.7, 2.0):
        assert pulse.overdue_s(now_s) is None
    pulse.answer(1)
    assert pulse.overdue_s(2.3) is None
    assert pulse.question(2.3) == 2
