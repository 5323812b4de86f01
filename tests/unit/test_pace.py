"""The moments at which a source's pictures are due, by a clock that the test turns."""

import itertools
import math
import random

import pytest

from nbrtc.engine.pace import LEAD_S, ROOM, Pace


def shown_at(pace: Pace, arrivals: list[float]) -> list[float]:
    """When pictures that arrive at these times are shown, each as soon as it is due."""
    times = []
    for arrival_s in arrivals:
        now_s = max(arrival_s, pace.due_s)
        times.append(now_s)
        pace.shown(now_s)
    return times


def test_pictures_that_are_there_in_time_come_at_the_asked_rate_for_ever() -> None:
    times = shown_at(Pace(30, 5.0), [0.0] * 30_001)
    assert times[0] == 5.0
    assert times[-1] - times[0] == pytest.approx(1000, abs=1e-6)


def test_a_loop_that_wakes_late_every_time_does_not_drift() -> None:
    dice, pace, now_s = random.Random(1), Pace(25, 0.0), 0.0
    for _ in range(2500):
        now_s = pace.due_s + dice.uniform(0, 0.015)
        pace.shown(now_s)
    assert now_s == pytest.approx(2499 / 25, abs=0.016)


def test_a_late_picture_is_shown_at_once_and_the_next_one_at_its_time() -> None:
    times = shown_at(Pace(10, 0.0), [0.0, 0.13, 0.13, 0.13])
    assert times == pytest.approx([0.0, 0.13, 0.2, 0.3])


def test_after_a_pause_there_is_no_burst() -> None:
    pace = Pace(10, 0.0)
    times = shown_at(pace, [0.0, 0.0, 1.97, 1.97, 1.97])
    assert times == pytest.approx([0.0, 0.1, 1.97, 2.1, 2.2])


def test_two_pictures_are_never_closer_than_half_the_interval() -> None:
    dice = random.Random(2)
    for fps in (0.1, 1, 7, 30, 60):
        arrivals = list(itertools.accumulate(dice.expovariate(fps) for _ in range(300)))
        times = shown_at(Pace(fps, 0.0), arrivals)
        assert min(b - a for a, b in itertools.pairwise(times)) >= 0.5 / fps - 1e-9


@pytest.mark.parametrize(("fps", "lead_s"), [(0.5, LEAD_S), (10, LEAD_S), (30, ROOM / 30)])
def test_the_next_picture_is_asked_for_just_ahead(fps: float, lead_s: float) -> None:
    pace = Pace(fps, 3.0)
    assert pace.ask_s(0) == pytest.approx(3.0 - lead_s)
    assert pace.ask_s(1) == pytest.approx(3.0 + 1 / fps - lead_s)
    assert pace.ask_s(ROOM) == math.inf
