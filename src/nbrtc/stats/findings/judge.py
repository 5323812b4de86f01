"""What is wrong with a call now: the rules of findings, fed poll by poll as they come.

Plain Python, because it runs in the engine: a busy kernel does not keep a person from hearing that the
network is down. `nbrtc.stats.findings` runs the same rules over the past.
"""

from collections import deque
from collections.abc import Callable, Iterator

from nbrtc.messages import Finding, StatsEvent, StatsSample
from nbrtc.stats.event_name import STATES, plain_name
from nbrtc.stats.findings.circumstances import DISCONNECTED_S, FLAPS, Circumstances, Standing
from nbrtc.stats.findings.course import Figures, Sign
from nbrtc.stats.findings.docket import BEAT_S, PAUSE_S, Docket
from nbrtc.stats.findings.period import Period, fold

OWN_END = "you"
MAX_FINDINGS = 20
MAX_DOCKETS = 64
"""Connections that are judged at once; of more the one that was silent longest is forgotten."""
FORGOTTEN_S = 60.0


class Judge:
    """Takes samples and events in the order of time, and says what is wrong. Not for several threads.

    Memory is bounded: the last eight seconds of at most 64 connections.

    Parameters
    ----------
    name_of
        What people call a participant.
    own_end
        Judge ``"you"``, too: the link as Python measures it at its own end, which shows the page's link once
        more.
    remembers
        Keep so many problems that are over, in `past`; of more the oldest go.

    Examples
    --------
    >>> judge = Judge()
    >>> judge.findings
    ()
    """

    def __init__(
        self, name_of: Callable[[str], str] = str, *, own_end: bool = False, remembers: int = 0
    ) -> None:
        self.past: deque[Period] = deque(maxlen=remembers)
        """Problems that are over, in the order in which they ended."""
        self._name_of = name_of
        self._own_end = own_end
        self._around = Circumstances()
        self._dockets: dict[str, Docket] = {}
        self._now_s = float("-inf")
        self._looked_at_s = float("-inf")

    def add(self, sample: StatsSample) -> None:
        """A poll of one connection; those of ``"you"`` are passed over unless `own_end` is set."""
        if sample.peer == OWN_END and not self._own_end:
            return
        self._tick(sample.time_s)
        self._docket(sample.peer).add(sample)

    def note(self, event: StatsEvent) -> None:
        """Something happened."""
        self._around.note(event)
        name = plain_name(event.name)
        if name == "leave" and event.peer in self._dockets:
            self.past.extend(self._dockets.pop(event.peer).close())
        # Only the page's own events tell the time: the engine's clock may be another machine's.
        if name in STATES:
            self._tick(event.time_s, always=True)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong now, the worst first; at most 20."""
        periods = fold(self.present())[:MAX_FINDINGS]
        return tuple(period.finding(self._name_of(period.peer)) for period in periods)

    def present(self) -> list[Period]:
        """What is wrong now, causes and consequences apart."""
        return [period for docket in self._dockets.values() for period in docket.present(self._now_s)]

    def settle(self) -> None:
        """Put what is over into `past`, as every second does by itself."""
        for docket in self._dockets.values():
            self.past.extend(docket.take_past(self._now_s))

    def close(self) -> None:
        """Nothing more comes: what is wrong ended with its last sign. Idempotent."""
        for docket in self._dockets.values():
            self.past.extend(docket.close())

    def _docket(self, peer: str) -> Docket:
        docket = self._dockets.get(peer)
        if docket is None:
            if len(self._dockets) >= MAX_DOCKETS:
                silent = min(self._dockets, key=lambda name: self._dockets[name].heard_at_s)
                self.past.extend(self._dockets.pop(silent).close())
            docket = self._dockets[peer] = Docket(peer, self._around)
        return docket

    def _tick(self, time_s: float, *, always: bool = False) -> None:
        """Time goes on: connections are looked at, and what is over is put away."""
        if time_s < self._now_s - PAUSE_S:
            self._now_s = self._looked_at_s = time_s - BEAT_S  # the page's clock was put back
        self._now_s = max(self._now_s, time_s)
        if not always and self._now_s - self._looked_at_s < BEAT_S:
            return
        self._looked_at_s = self._now_s
        for peer, standing in self._around.connections():
            docket = self._docket(peer)
            for sign in _connection(standing, self._now_s):
                docket.see(self._now_s, sign)
        for peer, docket in list(self._dockets.items()):
            self.past.extend(docket.take_past(self._now_s))
            if self._now_s - docket.heard_at_s > FORGOTTEN_S and self._around.standing(peer) is None:
                self.past.extend(self._dockets.pop(peer).close())


def _connection(standing: Standing, now_s: float) -> Iterator[Sign]:
    """How a connection stands, as its states say."""
    lasting_s = now_s - standing.since_s
    failed = standing.state == "failed"
    yield Sign("connection-failed", severity=3 if failed else 0, needed=1)
    interrupted = standing.state == "disconnected" and lasting_s >= DISCONNECTED_S
    yield Sign("connection-interrupted", severity=2 if interrupted else 0, needed=1)
    breaks = standing.breaks(now_s)
    figures: Figures = {"breaks": breaks}
    yield Sign("connection-unstable", severity=2 if breaks >= FLAPS else 0, figures=figures, needed=1)
