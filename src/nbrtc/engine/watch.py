"""The measured side of a call: what page and engine measure goes to the kernel, and is judged on its way.

It is judged here, because a kernel may be busy for minutes while the person in the call wants to know what is
wrong. On the engine's loop.
"""

import asyncio
import time
from collections.abc import Callable

from ..messages import CallState, EventArrived, Finding, Findings, StatsArrived, StatsEvent, StatsSample
from ..stats.findings.judge import Judge
from .board import Board
from .chronicle import MAX_NAME, EventGate, bounded, changes
from .link import Link
from .member import PYTHON
from .sampler import Sampler

OWN_END = "you"
"""The participant of samples that the engine takes at its own end of the link."""
JUDGED_S = 1.0
"""Findings are looked for, and told, no more often."""
FIGURES_S = 5.0
"""What is wrong is told at once; that only its figures moved, no more often than this."""
EARLIEST_S, LATEST_S = 946_684_800.0, 4_102_444_800.0
"""Unix times of 2000 and 2100: what a page says happened outside of these did not."""


class Watch:
    """Samples, events and findings of one call.

    Parameters
    ----------
    board
        The call's state, and the way to kernel and pages.
    judge
        Makes the judge of a call that begins, from what tells a participant's name.
    """

    def __init__(
        self, board: Board, judge: Callable[[Callable[[str], str]], Judge] = lambda name_of: Judge(name_of)
    ) -> None:
        self.findings: tuple[Finding, ...] = ()
        """What is wrong now, as it was told last."""
        self._board = board
        self._new_judge = judge
        self._judge = judge(self._name)
        self._state: CallState | None = None
        self._gate = EventGate()
        self._link: Link | None = None
        self._sampler = Sampler(lambda: board.state.stats_interval_s, self._measure)
        self._judged_s = self._told_s = float("-inf")  # of the loop
        self._judging: asyncio.TimerHandle | None = None
        self._overflowing: asyncio.TimerHandle | None = None
        self._is_closed = False

    def attach(self, link: Link) -> None:
        """Measure this link from now on."""
        self._link = link
        self._sampler.start()

    def detach(self) -> None:
        """The link goes."""
        self._link = None
        self._sampler.stop()

    def close(self) -> None:
        """End every timer, and say what is owed. Idempotent; nothing is taken after it."""
        self.detach()
        _cancel(self._judging)
        self._judging = None
        self._overflow()
        self._is_closed = True

    # --- what comes

    def follow(self, state: CallState) -> None:
        """The call's state is new, or known for the first time."""
        before, self._state = self._state, state
        for event in changes(before, state, time.time()):
            self._note(event)
        if before is None:
            return
        if before.stats_interval_s != state.stats_interval_s:
            self._sampler.hurry()
        if before.owner is not None and state.owner is None:
            self._begin_anew(state)

    def _begin_anew(self, state: CallState) -> None:
        """Nobody is in the call: nothing is wrong with it."""
        self._judge = self._new_judge(self._name)
        for event in changes(None, state, time.time()):
            self._judge.note(event)
        self._look_later()

    def take_sample(self, sample: StatsSample) -> None:
        """The page has measured one of its connections."""
        if (
            self._is_closed
            or sample.peer == OWN_END
            or len(sample.peer) > MAX_NAME
            or not _is_time(sample.time_s)
        ):
            return
        self._board.notify(StatsArrived(call=self._board.call, sample=sample))
        self._judge.add(sample)
        self._look_later()

    def take_event(self, event: StatsEvent) -> None:
        """The page says that something happened. Those beyond `EventGate.LIMIT` a second are only counted."""
        if self._is_closed or not _is_time(event.time_s):
            return
        loop = asyncio.get_running_loop()
        if self._gate.admits(loop.time()):
            self._note(bounded(event))
        elif self._overflowing is None:
            self._overflowing = loop.call_later(EventGate.WINDOW_S, self._overflow)

    def _overflow(self) -> None:
        _cancel(self._overflowing)
        self._overflowing = None
        if dropped := self._gate.take_dropped():
            self._note(StatsEvent(time_s=time.time(), peer="", name="overflow", value=str(dropped)))

    def _note(self, event: StatsEvent) -> None:
        if not self._is_closed:
            self._board.notify(EventArrived(call=self._board.call, event=event))
            self._judge.note(event)
            self._look_later()

    def _measure(self) -> None:
        """The engine's own end of the link. It is not judged: it shows the page's link once more."""
        link = self._link
        if link is not None and (reports := link.reports()):
            sample = StatsSample(
                time_s=time.time(), peer=OWN_END, generation=link.generation, reports=reports
            )
            self._board.notify(StatsArrived(call=self._board.call, sample=sample))

    # --- findings

    def _look_later(self) -> None:
        """Look for findings now, or once the second is over; one look is for all that comes meanwhile."""
        if self._judging is None and not self._is_closed:
            loop = asyncio.get_running_loop()
            self._judging = loop.call_at(max(loop.time(), self._judged_s + JUDGED_S), self._look)

    def _look(self) -> None:
        self._judging = None
        now_s = self._judged_s = asyncio.get_running_loop().time()
        findings = self._judge.findings
        is_news = _kinds(findings) != _kinds(self.findings)
        if is_news or (findings != self.findings and now_s - self._told_s >= FIGURES_S):
            self.findings, self._told_s = findings, now_s
            self._board.broadcast(Findings(findings=findings))

    def _name(self, participant: str) -> str:
        """As a person calls somebody."""
        if participant == PYTHON.id:
            return PYTHON.name
        people = self._board.state.participants
        return next((person.name for person in people if person.id == participant), participant)


def _kinds(findings: tuple[Finding, ...]) -> set[tuple[str | None, ...]]:
    """What is wrong, without how much."""
    return {(one.code, one.participant, one.direction, one.kind, one.level) for one in findings}


def _is_time(time_s: float) -> bool:
    return EARLIEST_S <= time_s <= LATEST_S


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
