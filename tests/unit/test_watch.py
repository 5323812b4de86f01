"""What is measured of a call goes to the kernel and is judged on its way; time is the loop's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, cast

import msgspec
import pytest

from nbrtc.engine import watch
from nbrtc.engine.board import Board
from nbrtc.engine.chronicle import EventGate
from nbrtc.engine.link import Link
from nbrtc.engine.watch import Watch
from nbrtc.messages import (
    CallState,
    EventArrived,
    Finding,
    Findings,
    Notification,
    PageMessage,
    Participant,
    Quality,
    StatsArrived,
    StatsEvent,
    StatsSample,
    decode_event,
)

NOW_S = 1_700_000_000.0


class FakeJudge:
    """Finds what a test has put into it."""

    def __init__(self, name_of: Callable[[str], str]) -> None:
        self.name_of = name_of
        self.heard: list[StatsSample | StatsEvent] = []
        self.found: tuple[Finding, ...] = ()
        self.looks = 0

    def add(self, sample: StatsSample) -> None:
        self.heard.append(sample)

    def note(self, event: StatsEvent) -> None:
        self.heard.append(event)

    @property
    def findings(self) -> tuple[Finding, ...]:
        self.looks += 1
        return self.found


class FakeLink:
    """One end of a link, measured."""

    generation = 3

    def __init__(self) -> None:
        self.measured = 0

    def reports(self) -> tuple[dict[str, Any], ...]:
        self.measured += 1
        return ({"id": "T", "type": "transport", "packetsSent": self.measured},)


class Call:
    """A watch on a board that only writes down what it tells."""

    def __init__(self) -> None:
        self.told: list[Notification] = []
        state = CallState(quality=Quality(64, 48, 30), stats_interval_s=0.1)
        self.board = Board("call", state, self.told.append)
        self.judges: list[FakeJudge] = []
        self.watch = Watch(self.board, cast(Any, self._judge))
        self.watch.follow(state)
        self.board.on_change = self.watch.follow

    def _judge(self, name_of: Callable[[str], str]) -> FakeJudge:
        self.judges.append(FakeJudge(name_of))
        return self.judges[-1]

    @property
    def samples(self) -> list[StatsSample]:
        return [item.sample for item in self.told if isinstance(item, StatsArrived)]

    @property
    def events(self) -> list[StatsEvent]:
        return [item.event for item in self.told if isinstance(item, EventArrived)]

    @property
    def findings(self) -> list[tuple[str, ...]]:
        """The codes of each message to the pages."""
        bodies = [decode_event(item.body) for item in self.told if isinstance(item, PageMessage)]
        return [tuple(one.code for one in body.findings) for body in bodies if isinstance(body, Findings)]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - it is on a timer of its own
                await asyncio.sleep(0.005)


@pytest.fixture
async def call(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Call]:
    monkeypatch.setattr(watch, "JUDGED_S", 0.1)
    monkeypatch.setattr(EventGate, "WINDOW_S", 0.1)
    made = Call()
    yield made
    made.watch.close()


def sample(peer: str = "python", time_s: float = NOW_S) -> StatsSample:
    return StatsSample(time_s=time_s, peer=peer, generation=1, reports=())


def event(name: str = "connectionstatechange", time_s: float = NOW_S, **fields: Any) -> StatsEvent:
    return StatsEvent(time_s=time_s, peer="python", name=name, **fields)


def problem(code: str) -> Finding:
    return Finding(code=code, level="warning", participant="python", text=code, advice="")


async def test_what_a_page_measures_and_tells_reaches_kernel_and_judge(call: Call) -> None:
    call.watch.take_sample(sample("b"))
    call.watch.take_event(event(value="connected"))

    assert call.samples == [sample("b")]
    assert call.events[-1] == event(value="connected")
    assert call.judges[0].heard[-2:] == [sample("b"), event(value="connected")]


async def test_a_page_cannot_speak_for_python_or_out_of_time(call: Call) -> None:
    before = list(call.told)
    call.watch.take_sample(sample("you"))
    call.watch.take_sample(sample("x" * 65))
    call.watch.take_sample(sample(time_s=1e300))
    call.watch.take_event(event(time_s=-1.0))

    assert call.told == before


async def test_changes_of_the_state_become_events_in_order(call: Call) -> None:
    call.board.change(phase="connecting", owner="page")
    call.board.change(phase="connected")

    assert [(one.name, one.value) for one in call.events] == [
        ("phase", "idle"),
        ("quality", "64x48@30"),
        ("codec", "auto"),
        ("stats-interval", "0.1"),
        ("microphone", "off"),
        ("camera", "off"),
        ("screen", "off"),
        ("phase", "connecting"),
        ("page", "page"),
        ("phase", "connected"),
    ]


async def test_what_a_page_tells_beyond_the_limit_is_counted_in_one_event(call: Call) -> None:
    before = len(call.events)
    for number in range(EventGate.LIMIT + 40):
        call.watch.take_event(event(value=str(number)))
    assert len(call.events) == before + EventGate.LIMIT

    await call.until(lambda: call.events[-1].name == "overflow")
    assert call.events[-1].value == "40"
    assert len(call.events) == before + EventGate.LIMIT + 1


async def test_the_own_end_is_measured_at_the_interval_and_is_not_judged(call: Call) -> None:
    link = FakeLink()
    call.watch.attach(cast(Link, link))
    await call.until(lambda: len(call.samples) >= 3)

    assert {(one.peer, one.generation) for one in call.samples} == {("you", 3)}
    assert [one.reports[0]["packetsSent"] for one in call.samples[:3]] == [1, 2, 3]
    assert not any(isinstance(heard, StatsSample) for heard in call.judges[0].heard)


async def test_a_new_interval_counts_from_the_last_sample_on(call: Call) -> None:
    call.board.change(stats_interval_s=5.0)
    call.watch.attach(cast(Link, FakeLink()))
    call.board.change(stats_interval_s=0.1)
    await call.until(lambda: len(call.samples) >= 10)  # at 5 s each, the deadline would be over


async def test_nothing_is_measured_without_a_link_or_after_the_end(call: Call) -> None:
    link = FakeLink()
    call.watch.attach(cast(Link, link))
    await call.until(lambda: call.samples)
    call.watch.detach()
    call.watch.attach(cast(Link, link))
    call.watch.close()
    call.watch.close()
    call.watch.take_event(event())
    call.watch.take_sample(sample())
    assert not call.watch._sampler.is_running
    assert (call.watch._judging, call.watch._overflowing) == (None, None)
    assert call.events[-1].name != "connectionstatechange"


async def test_findings_are_told_when_they_change_and_not_for_every_sample(call: Call) -> None:
    judge = call.judges[0]
    judge.found = (problem("network-loss"),)
    for _ in range(50):
        call.watch.take_sample(sample())
    await call.until(lambda: call.findings)
    assert call.findings == [("network-loss",)]
    assert call.watch.findings == judge.found
    looks = judge.looks

    for _ in range(50):
        call.watch.take_sample(sample())
    await call.until(lambda: judge.looks > looks)
    assert judge.looks == looks + 1
    assert call.findings == [("network-loss",)]

    judge.found = ()
    call.watch.take_sample(sample())
    await call.until(lambda: len(call.findings) == 2)
    assert call.findings[-1] == ()


async def test_figures_that_move_are_told_seldom_and_what_is_new_at_once(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(loss: float, level: Literal["warning", "error"] = "warning") -> tuple[Finding, ...]:
        return (msgspec.structs.replace(problem("network-loss"), level=level, evidence={"loss": loss}),)

    async def look(found: tuple[Finding, ...]) -> None:
        judge.found, looks = found, judge.looks
        call.watch.take_sample(sample())
        await call.until(lambda: judge.looks > looks)

    judge = call.judges[0]
    await look(measured(0.05))
    for number in range(5):
        await look(measured(0.051 + number / 1000))
    assert call.findings == [("network-loss",)]
    assert call.watch.findings == measured(0.05)

    await look(measured(0.2, "error"))
    assert len(call.findings) == 2
    assert call.watch.findings == measured(0.2, "error")

    monkeypatch.setattr(watch, "FIGURES_S", 0.0)
    await look(measured(0.21, "error"))
    assert len(call.findings) == 3
    await look(measured(0.21, "error"))
    assert len(call.findings) == 3


async def test_a_call_that_nobody_is_in_has_nothing_wrong(call: Call) -> None:
    call.board.change(owner="page", phase="connected")
    call.judges[0].found = (problem("frozen-video"),)
    call.watch.take_sample(sample())
    await call.until(lambda: call.findings)

    call.board.change(owner=None, phase="idle")
    await call.until(lambda: len(call.findings) == 2)
    assert call.findings[-1] == ()
    assert len(call.judges) == 2
    assert ("camera", "off") in [
        (heard.name, heard.value) for heard in call.judges[1].heard if isinstance(heard, StatsEvent)
    ]


async def test_the_judge_hears_how_people_are_called(call: Call) -> None:
    ben = Participant(id="b", name="Ben")
    call.board.change(participants=(*call.board.state.participants, ben))
    name_of = call.judges[0].name_of
    assert (name_of("b"), name_of("python"), name_of("gone")) == ("Ben", "Python", "gone")
