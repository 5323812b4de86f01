"""Conditions looked at with every poll: the part of `expect` that neither waits nor reads a source."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import derive_rows
from nbrtc.stats.expectations.condition import Condition
from nbrtc.stats.expectations.report import Outcome, Report
from nbrtc.stats.row import Direction, Kind, StatsRow

LIVE_INTERVALS = 3
"""Whoever was not polled for so many intervals has left, or their connection has."""

MOST_ROWS = 2000
"""Rows kept as evidence; the oldest are dropped."""


@dataclass(slots=True)
class _Connection:
    """What is known of one participant's polls."""

    newest: StatsSample
    rows: list[StatsRow] | None = None
    """None as long as no poll of the watched time has come."""
    polls: int = 0
    """Those of the time before, too: the first one alone has no rates."""
    steps_s: deque[float] = field(default_factory=lambda: deque(maxlen=9))

    @property
    def interval_s(self) -> float:
        return max(median(self.steps_s), 0.1) if self.steps_s else 1.0


class Watch:
    """Takes polls one after the other and says when all conditions hold, and held for long enough.

    Parameters
    ----------
    conditions
        What should be.
    for_s
        How long, by the polls' times.
    participant, direction, kind
        Whose rows count, and which; None for all, of participants without ``"you"``.
    """

    def __init__(
        self,
        conditions: Sequence[Condition],
        *,
        for_s: float,
        participant: str | None,
        direction: Direction | None,
        kind: Kind | None,
    ) -> None:
        self.participant = participant
        self.polls = 0
        """How many counted."""
        self._for_s = for_s
        self._direction = direction
        self._kind = kind
        self._connections: dict[str, _Connection] = {}
        self._outcomes = [Outcome(condition) for condition in conditions]
        self._rows: deque[StatsRow] = deque(maxlen=MOST_ROWS)
        self._judged_s: float | None = None
        self._held_since_s: float | None = None
        self._longest_s = 0.0

    def concerns(self, peer: str) -> bool:
        """Whether a participant's polls count."""
        return peer != "you" if self.participant is None else peer == self.participant

    def remember(self, sample: StatsSample) -> None:
        """Take a poll of the time before, to compare the next one with; it does not count itself."""
        self._connection(sample)

    def learn(self, sample: StatsSample) -> None:
        """Take a poll that counts, without looking at the conditions yet."""
        known = self._connections.get(sample.peer)
        rows = [
            row
            for row in derive_rows(known.newest if known else None, sample)
            if self._direction in (None, row.direction) and self._kind in (None, row.kind)
        ]
        self._connection(sample).rows = rows
        self._rows.extend(rows)
        self.polls += 1
        for outcome in self._outcomes:
            outcome.see(rows)

    def holds(self) -> bool:
        """Look at the conditions now; True once they have held for long enough."""
        now_s = max((each.newest.time_s for each in self._connections.values()), default=0.0)
        live = [
            each
            for each in self._connections.values()
            if now_s - each.newest.time_s <= LIVE_INTERVALS * each.interval_s
        ]
        rows = [row for each in live for row in each.rows or ()]
        # Not in a generator: each outcome remembers what it saw, also behind one that is not met.
        met = [outcome.judge(rows) for outcome in self._outcomes]
        pause_s = LIVE_INTERVALS * max((each.interval_s for each in live), default=1.0)
        if self._judged_s is not None and now_s - self._judged_s > pause_s:
            self._held_since_s = None
        self._judged_s = now_s
        if not all(met):
            self._held_since_s = None
            return False
        # Somebody who has just joined neither breaks what holds nor counts as good before they were measured.
        if any(each.rows is None or each.polls < 2 for each in live):
            return False
        if self._held_since_s is None:
            self._held_since_s = now_s
        self._longest_s = max(self._longest_s, now_s - self._held_since_s)
        # The polls' times are floats of seconds since 1970: half a microsecond is their last digit.
        return now_s - self._held_since_s >= self._for_s - 1e-6

    def _connection(self, sample: StatsSample) -> _Connection:
        known = self._connections.setdefault(sample.peer, _Connection(sample))
        if sample.time_s > known.newest.time_s:
            known.steps_s.append(sample.time_s - known.newest.time_s)
        known.newest = sample
        known.polls += 1
        return known

    def report(self, *, ok: bool, waited_s: float, within_s: float, reason: str = "") -> Report:
        """What was seen."""
        return Report(
            ok=ok,
            outcomes=tuple(self._outcomes),
            held_since_s=self._held_since_s,
            longest_s=self._longest_s,
            waited_s=waited_s,
            within_s=within_s,
            for_s=self._for_s,
            rows=tuple(self._rows),
            reason=reason,
        )
