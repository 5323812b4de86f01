"""`expect` waits for what should be, says what was instead, and disturbs nobody."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc import ExpectationNotMet
from nbrtc.messages import StatsSample
from nbrtc.stats import CallStats, StatsStore
from nbrtc.stats.expectations.condition import Condition
from nbrtc.stats.expectations.report import Report
from nbrtc.stats.loaded import LoadedStats
from tests.unit.scripted_calls import START_S, interleaved, scripted


def dump(*calls: list[StatsSample]) -> CallStats:
    return CallStats(LoadedStats(interleaved(*calls), [], {"format": "scripted"}))


@pytest.fixture
def store() -> Iterator[StatsStore]:
    made = StatsStore()
    yield made
    made.end()


def failure(waiting: Callable[[], Report]) -> tuple[str, Report]:
    with pytest.raises(ExpectationNotMet) as caught:
        waiting()
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value.report, Report)
    assert not caught.value.report.ok
    return str(caught.value), caught.value.report


class Feeding:
    """Appends samples one after the other, each as soon as the one who waits has asked for more."""

    def __init__(self, store: StatsStore, samples: Sequence[StatsSample], *, then_end: bool = False) -> None:
        self._store = store
        self._samples = samples
        self._then_end = then_end
        self._is_over = False
        self._asked = threading.Semaphore(0)
        self._wait = store.wait
        store.wait = self._told  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._feed)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._asked.release()
        self._thread.join(10)
        self._store.wait = self._wait  # type: ignore[method-assign]
        assert not self._thread.is_alive()

    def _told(self, version: int, timeout_s: float) -> bool:
        self._asked.release()
        return self._wait(version, timeout_s)

    def _feed(self) -> None:
        for sample in self._samples:
            self._asked.acquire()
            if self._is_over:
                return
            self._store.append(sample)
        if self._then_end:
            self._asked.acquire()
            self._store.end()


# --- complete statistics


def test_a_dump_is_walked_through_from_its_first_poll() -> None:
    call = dump(scripted(60, fps=lambda n: 10.0 if n < 20 else 30.0))
    report = call.expect(fps__gt=24, within_s=30)
    assert report.ok
    assert report.waited_s == 20
    assert report.held_since_s == START_S + 20
    message, report = failure(lambda: call.expect(fps__gt=24, within_s=10))
    assert "Not met within 10 s: fps > 24." in message
    assert "counts from their first poll" in message
    assert report.waited_s == 10
    assert len(report.rows) == 4 * 11


def test_conditions_have_to_hold_together_and_without_a_break() -> None:
    call = dump(
        scripted(60, fps=lambda n: 5.0 if n % 10 == 9 else 30.0, loss=lambda n: 0.1 if n < 30 else 0.0)
    )
    report = call.expect(fps__gt=24, loss_fraction__lt=0.02, within_s=60, for_s=5)
    assert report.held_since_s == START_S + 30
    assert report.waited_s == 35
    message, report = failure(lambda: call.expect(fps__gt=24, within_s=59, for_s=9))
    assert "for 9 s. It held for 8.0 s at most." in message
    assert report.longest_s == 8


def test_a_pause_in_the_polls_breaks_what_held() -> None:
    call = dump([*scripted(4), *scripted(4, start_s=START_S + 60)])
    report = call.expect(rtt_s__lt=0.1, within_s=100, for_s=2)
    assert report.held_since_s == START_S + 1
    message, _ = failure(lambda: call.expect(rtt_s__lt=0.1, within_s=100, for_s=10))
    assert "It held for 2.0 s at most." in message


def test_every_row_that_knows_the_metric_has_to_meet_it() -> None:
    call = dump(scripted(20), scripted(20, peer="a1", start_s=START_S + 0.3, fps=12.0))
    message, report = failure(lambda: call.expect(fps__ge=24, within_s=10))
    assert report.outcomes[0].last is not None
    assert report.outcomes[0].last.where == "a1 send video"
    assert "a1 send video" in message
    assert call.expect(fps__ge=24, within_s=10, participant="python").ok


def test_rows_can_be_chosen_by_direction_and_kind() -> None:
    call = dump(scripted(20, loss=0.1, frozen=0.5))
    assert call.expect(loss_fraction__lt=0.01, within_s=5, direction="receive", kind="audio").ok
    message, _ = failure(lambda: call.expect(loss_fraction__lt=0.01, within_s=5, kind="video"))
    assert "0.1" in message


def test_a_metric_that_nobody_reports_is_not_met_and_said_so() -> None:
    message, report = failure(lambda: dump(scripted(20, fps=None)).expect(fps__gt=1, rtt_s__lt=1, within_s=5))
    assert [outcome.verdict for outcome in report.outcomes] == ["never reported", "met"]
    assert "never reported" in message


def test_those_who_left_do_not_count_any_more() -> None:
    call = dump(scripted(10, peer="left", fps=5.0), scripted(30))
    report = call.expect(fps__gt=24, within_s=30)
    assert report.waited_s == 13  # the last poll of who left is 9 s old, and counts for three intervals


def test_pythons_own_end_counts_only_if_asked_for() -> None:
    call = dump(scripted(10), scripted(10, peer="you", start_s=START_S + 0.2, fps=1.0))
    assert call.expect(fps__gt=24, within_s=5).ok
    assert call.expect(fps__eq=1, within_s=5, participant="you").ok


def test_statistics_that_end_too_early_say_so() -> None:
    message, _ = failure(lambda: dump(scripted(5)).expect(fps__gt=60, within_s=100))
    assert "the statistics end after 4.0 s" in message
    message, _ = failure(lambda: dump().expect(fps__gt=60))
    assert "There are no statistics to look at." in message
    message, _ = failure(lambda: dump(scripted(5)).expect(fps__gt=1, participant="nobody"))
    assert "of 'nobody' (there are those of python)" in message


@given(
    values=st.lists(st.sampled_from([10.0, 20.0, 30.0]), min_size=2, max_size=30),
    for_s=st.integers(0, 5),
    limit=st.sampled_from([5, 15, 25, 35]),
)
@settings(max_examples=60, deadline=None)
def test_it_is_met_exactly_where_a_run_of_polls_is_long_enough(
    values: list[float], for_s: int, limit: int
) -> None:
    call = dump(scripted(len(values), fps=lambda n: values[n]))
    # The first poll has no rate.
    run, expected = 0, None
    for n, value in enumerate(values[1:], start=1):
        run = run + 1 if value > limit else 0
        if run > for_s and expected is None:
            expected = n
    try:
        report = call.expect(fps__gt=limit, within_s=100, for_s=for_s)
    except ExpectationNotMet:
        assert expected is None
    else:
        assert report.waited_s == expected
        assert report.held_since_s == START_S + expected - for_s


# --- live statistics


def test_a_live_call_is_judged_by_polls_that_come_from_now_on(store: StatsStore) -> None:
    samples = scripted(12, fps=lambda n: 30.0 if n < 5 else 15.0 if n < 8 else 30.0)
    for sample in samples[:5]:
        store.append(sample)
    with Feeding(store, samples[5:]):
        report = CallStats(store).expect(fps__gt=24, within_s=20)
    assert report.held_since_s == START_S + 8
    assert report.rows[0].time_s == START_S + 5


def test_for_how_long_is_counted_by_the_polls_own_times(store: StatsStore) -> None:
    samples = scripted(10)
    store.append(samples[0])
    with Feeding(store, samples[1:]):
        report = CallStats(store).expect(fps__gt=24, within_s=20, for_s=6)
    assert report.held_since_s == START_S + 1
    assert report.rows[-1].time_s == START_S + 7
    assert report.waited_s < 5


def test_a_set_is_complete_when_everybody_who_is_still_polled_was_heard(store: StatsStore) -> None:
    slow = scripted(3, peer="a1", start_s=START_S + 0.5, fps=5.0)
    for sample in interleaved(scripted(2), slow[:2]):
        store.append(sample)
    with Feeding(store, [*scripted(3)[2:], slow[2]], then_end=True):
        message, report = failure(lambda: CallStats(store).expect(fps__gt=24, within_s=20))
    assert report.held_since_s is None
    assert "a1" in message


def test_within_no_time_looks_at_what_is_there(store: StatsStore) -> None:
    for sample in scripted(3):
        store.append(sample)
    assert CallStats(store).expect(fps__gt=24, within_s=0).ok
    message, _ = failure(lambda: CallStats(store).expect(fps__gt=40, within_s=0))
    assert "Not met within 0 s" in message


def test_a_call_that_never_connected_says_so(store: StatsStore) -> None:
    message, report = failure(lambda: CallStats(store).expect(fps__gt=24, within_s=0.05))
    assert "No statistics came in this time; is the call connected?" in message
    assert report.rows == ()


def test_a_call_that_is_closed_ends_the_wait(store: StatsStore) -> None:
    samples = scripted(4, fps=5.0)
    store.append(samples[0])
    with Feeding(store, samples[1:], then_end=True):
        message, report = failure(lambda: CallStats(store).expect(fps__gt=24, within_s=60))
    assert "The call was closed" in message
    assert report.waited_s < 30
    assert report.outcomes[0].values == 6


def test_an_interrupt_gets_through(store: StatsStore) -> None:
    # The signal is raised while the main thread waits: in its first wait.
    waiting = store.wait

    def interrupted(version: int, timeout_s: float) -> bool:
        assert timeout_s <= 0.5
        os.kill(os.getpid(), signal.SIGINT)
        return waiting(version, timeout_s)

    store.wait = interrupted  # type: ignore[method-assign]
    started_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        CallStats(store).expect(fps__gt=24, within_s=60)
    assert time.monotonic() - started_s < 30


# --- the report


def test_the_report_is_a_table_that_pytest_can_print() -> None:
    report = dump(scripted(10, fps=lambda n: 20.0 + n)).expect(fps__gt=24, loss_fraction__le=0.02)
    lines = str(report).splitlines()
    assert lines[0] == "Met after 5.0 s: fps > 24 and loss_fraction <= 0.02."
    assert lines[1].split() == ["metric", "wanted", "last", "where", "best", "worst", "values"]
    assert lines[2].split()[:6] == ["fps", ">", "24", "25", "python", "send"]
    assert lines[2].endswith("met")
    assert report.conditions == (Condition("fps", "gt", 24.0), Condition("loss_fraction", "le", 0.02))
    assert repr(report) == f"<Report: {lines[0]}>"
    html = report._repr_html_()
    assert "fps &gt; 24" in html
    assert html.count("<tr>") == 3


def test_the_evidence_is_a_frame() -> None:
    call = dump(scripted(10))
    report = call.expect(fps__gt=24)
    frame = report.to_frame()
    assert list(frame.columns) == list(call.to_frame().columns)
    assert len(frame) == len(report.rows) == 8


@pytest.mark.parametrize(
    ("keyword", "met", "unmet"),
    [("gt", 31, 30), ("ge", 30, 29), ("lt", 29, 30), ("le", 30, 31), ("eq", 30, 29), ("ne", 29, 30)],
)
def test_the_comparisons(keyword: str, met: float, unmet: float) -> None:
    condition = Condition("fps", keyword, 30.0)
    assert condition.is_met(met)
    assert not condition.is_met(unmet)
    assert condition.badness(met) < condition.badness(unmet)


# --- what is refused


@pytest.mark.parametrize(
    ("keywords", "error", "words"),
    [
        ({}, ValueError, "give one, such as fps__gt=24"),
        ({"fsp__gt": 24}, ValueError, r"Unknown metric 'fsp'.*Did you mean fps\?"),
        ({"fps__over": 24}, ValueError, "Unknown comparison 'over' in fps__over: choose from gt, ge"),
        ({"fps": 24}, TypeError, "no keyword 'fps'.*fps__gt or fps__lt"),
        ({"with_in_s": 24}, TypeError, "no keyword 'with_in_s'"),
        ({"fps__gt": "24"}, TypeError, "fps__gt='24' is not a number"),
        ({"fps__gt": True}, TypeError, "is not a number"),
        ({"fps__gt": float("nan")}, ValueError, "finite"),
        ({"codec__eq": 1}, ValueError, "Unknown metric 'codec'"),
        ({"fps__gt": 1, "within_s": -1}, ValueError, "0 or more seconds"),
        ({"fps__gt": 1, "within_s": 5, "for_s": 6}, ValueError, "give more time"),
        ({"fps__gt": 1, "within_s": "5"}, TypeError, "not a number"),
        ({"fps__gt": 1, "kind": "text"}, ValueError, "Unknown kind 'text'"),
        ({"fps__gt": 1, "direction": "up"}, ValueError, "Unknown direction 'up'"),
    ],
)
def test_a_wrong_question_is_refused_at_once(
    keywords: dict[str, float], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        dump(scripted(3)).expect(**keywords)  # type: ignore[arg-type]
