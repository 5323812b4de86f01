"""The judge of a live call: what is wrong now, told soon, taken back soon, in bounded memory."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.findings.course import ENDS_AFTER_S
from nbrtc.stats.findings.judge import MAX_DOCKETS, MAX_FINDINGS, Judge
from tests.unit.staged_calls import START_S, devices_on, event, staged


def told(judge: Judge, samples: list[StatsSample]) -> list[set[str]]:
    """The codes after each sample."""
    history = []
    for sample in samples:
        judge.add(sample)
        history.append({finding.code for finding in judge.findings})
    return history


def listening() -> Judge:
    judge = Judge(lambda peer: {"ada": "Ada"}.get(peer, peer))
    for each in devices_on():
        judge.note(each)
    return judge


def between(first: int, last: int, bad: float, good: float) -> Callable[[int], float]:
    return lambda n: bad if first <= n < last else good


def test_a_problem_is_told_within_seconds_and_taken_back_when_it_is_over() -> None:
    history = told(listening(), staged(60, rtt_s=between(20, 40, 0.5, 0.04)))
    shown = [n for n, codes in enumerate(history) if "high-rtt" in codes]
    assert shown == list(range(shown[0], shown[-1] + 1))  # without flicker
    assert 20 < shown[0] <= 24
    assert 39 <= shown[-1] <= 40 + ENDS_AFTER_S


def test_a_problem_that_comes_and_goes_each_second_does_not_flicker() -> None:
    history = told(listening(), staged(60, rtt_s=lambda n: 0.5 if n % 2 else 0.04))
    shown = ["high-rtt" in codes for codes in history]
    assert sum(now != before for before, now in pairwise(shown)) == 1
    assert shown[-1]


def test_one_bad_second_is_nothing() -> None:
    assert set().union(*told(listening(), staged(40, rtt_s=between(20, 21, 3.0, 0.04)))) == set()


def test_what_is_wrong_now_has_a_name_a_beginning_and_no_end() -> None:
    judge = listening()
    told(judge, staged(30, receive_loss=between(10, 99, 0.2, 0.0)))
    (finding,) = judge.findings
    assert "from Ada" in finding.text
    assert finding.participant == "ada"
    assert START_S + 10 <= finding.started_at_s <= START_S + 14
    assert finding.ended_at_s is None


def test_the_figures_are_those_of_the_last_seconds() -> None:
    judge = listening()
    told(judge, staged(60, rtt_s=lambda n: 0.3 if n < 30 else 0.5))
    assert judge.findings[0].evidence["rtt_s"] == pytest.approx(0.5)
    told(judge, staged(40, start_s=START_S + 61, generation=2, rtt_s=0.9))
    assert judge.findings[0].level == "error"


@pytest.mark.parametrize("interval_s", [0.1, 0.5, 1.0, 2.0, 5.0])
def test_every_interval_of_polls_finds_the_same(interval_s: float) -> None:
    history = told(listening(), staged(round(60 / interval_s), interval_s=interval_s, rtt_s=0.5))
    assert history[-1] == {"high-rtt"}
    first = next(n for n, codes in enumerate(history) if codes) * interval_s
    assert first <= max(5.0, 3 * interval_s)


def test_ten_polls_a_second_cost_one_look_a_second() -> None:
    judge = listening()
    looks = 0

    class Counted(list[int]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            nonlocal looks
            looks += 1
            return super().__iter__()

    from nbrtc.stats.findings import docket

    rules, docket.RULES = docket.RULES, Counted()  # type: ignore[assignment]
    try:
        told(judge, staged(100, interval_s=0.1))
    finally:
        docket.RULES = rules
    assert 9 <= looks <= 12


def test_whoever_is_not_heard_any_more_has_no_problems() -> None:
    judge = listening()
    told(judge, staged(20, rtt_s=0.5))
    assert judge.findings
    told(judge, staged(30, peer="bob", start_s=START_S + 20))
    assert judge.findings == ()


def test_whoever_leaves_takes_the_problems_along() -> None:
    judge = listening()
    told(judge, staged(20, rtt_s=0.5))
    judge.note(event(20, "leave", "Ada", peer="ada"))
    assert judge.findings == ()


def test_pythons_own_end_is_passed_over() -> None:
    judge = listening()
    told(judge, staged(20, peer="you", rtt_s=0.5))
    assert judge.findings == ()


def test_a_failed_connection_is_told_at_once_and_without_any_sample() -> None:
    judge = Judge()
    judge.note(event(0, "connectionstatechange", "failed", peer="ada", generation=1))
    (finding,) = judge.findings
    assert (finding.code, finding.level) == ("connection-failed", "error")


def test_samples_that_come_late_or_twice_do_no_harm() -> None:
    samples = staged(20)
    judge = listening()
    told(judge, [samples[0], *samples[5:], *samples[:5], *samples[-3:], *staged(5, generation=0)])
    assert judge.findings == ()


def test_a_clock_that_was_put_back_is_followed() -> None:
    judge = listening()
    told(judge, staged(10))
    told(judge, staged(20, start_s=START_S - 3600, rtt_s=0.5))
    assert {finding.code for finding in judge.findings} == {"high-rtt"}


def test_an_engine_on_another_machine_may_have_another_clock() -> None:
    judge = Judge()
    for each in devices_on():
        judge.note(StatsEvent(time_s=each.time_s + 900, peer=each.peer, name=each.name, value=each.value))
    told(judge, staged(20, level=0.0))
    (finding,) = judge.findings
    assert (finding.code, finding.level) == ("silent-microphone", "warning")


def test_a_computer_that_slept_does_not_take_the_pause_for_a_fault() -> None:
    judge = listening()
    history = told(judge, [*staged(10), *staged(30, start_s=START_S + 7200)])
    assert set().union(*history) == set()


def test_memory_is_bounded_however_many_come() -> None:
    judge = Judge(remembers=5)
    for number in range(MAX_DOCKETS + 40):
        told(judge, staged(4, peer=f"p{number}", start_s=START_S + 0.001 * number, rtt_s=0.5))
    assert len(judge._dockets) <= MAX_DOCKETS
    assert len(judge.findings) == MAX_FINDINGS
    assert len(judge.past) <= 5


def test_a_long_call_keeps_only_its_last_seconds() -> None:
    judge = listening()
    told(judge, staged(300, rtt_s=0.5, receive_loss=0.1))
    (docket,) = judge._dockets.values()
    assert len(docket._scene.recent) == 8
    assert len(docket._courses) < 10
