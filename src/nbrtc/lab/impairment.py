"""A bad network on demand: which datagrams get lost, which are late, and a record of all of them.

Pure: it decides and remembers, `engine/shim.py` carries the decisions out on a real connection. Loss depends
on the seed and a datagram's place in its direction only, never on timing, so two runs of an experiment lose
the same ones. Sizes are those of the datagrams, without the IP and UDP headers.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypedDict

from nbrtc.messages import Impairment

Direction = Literal["up", "down"]
"""``"up"`` is from the page to Python, ``"down"`` from Python to the page."""

Outcome = Literal["delivered", "lost", "overflow", "cut"]
"""Lost by rule; overflow of a full queue; cut: still on its way when the shim was taken off."""

DIRECTIONS: Sequence[Direction] = ("up", "down")


@dataclass(slots=True)
class Fate:
    """What happens to one datagram; a row of the ledger. Seconds of the clock given to `Shim.admit`."""

    direction: Direction
    size_bytes: int
    sent_s: float
    outcome: Outcome
    delivered_s: float | None = None
    """When it comes out, which may be still to come; None unless delivered."""


class Totals(TypedDict):
    """Sums over all datagrams of a direction since the ledger began."""

    packets: int
    bytes: int
    delivered: int
    delivered_bytes: int
    lost: int
    overflow: int
    cut: int
    delay_s: float
    """Sum over the delivered ones."""


class Row(TypedDict):
    """A datagram as plain values, for a DataFrame or the wire."""

    direction: Direction
    size_bytes: int
    sent_s: float
    delivered_s: float | None
    outcome: Outcome


class Ledger:
    """The fates of all datagrams: the newest as rows, all of them as totals.

    Bounded: beyond `limit` the oldest rows are forgotten; the totals stay exact.
    """

    def __init__(self, *, limit: int = 20_000) -> None:
        self.totals = {direction: _no_totals() for direction in DIRECTIONS}
        self._fates: deque[Fate] = deque(maxlen=limit)

    def record(self, fate: Fate) -> None:
        """Add a datagram."""
        self._fates.append(fate)
        totals = self.totals[fate.direction]
        totals["packets"] += 1
        totals["bytes"] += fate.size_bytes
        self._count(fate, 1)

    def cut(self, fate: Fate) -> None:
        """Correct a recorded datagram that was on its way and will not arrive."""
        self._count(fate, -1)
        fate.outcome, fate.delivered_s = "cut", None
        self._count(fate, 1)

    def to_rows(self) -> list[Row]:
        """Every datagram still remembered, oldest first: ``pandas.DataFrame(ledger.to_rows())``."""
        return [
            Row(
                direction=fate.direction,
                size_bytes=fate.size_bytes,
                sent_s=fate.sent_s,
                delivered_s=fate.delivered_s,
                outcome=fate.outcome,
            )
            for fate in self._fates
        ]

    def summary(self) -> dict[str, dict[str, float]]:
        """Per direction: the totals, the fraction lost (overflow included) and the mean delay in ms.

        A figure without a datagram to take it from is NaN.
        """
        result: dict[str, dict[str, float]] = {}
        for direction, totals in self.totals.items():
            packets, delivered = totals["packets"], totals["delivered"]
            missing = totals["lost"] + totals["overflow"]
            result[direction] = {
                **{name: value for name, value in totals.items() if isinstance(value, int)},
                "loss_fraction": missing / packets if packets else math.nan,
                "mean_delay_ms": 1000 * totals["delay_s"] / delivered if delivered else math.nan,
            }
        return result

    def _count(self, fate: Fate, step: int) -> None:
        totals = self.totals[fate.direction]
        totals[fate.outcome] += step
        if fate.delivered_s is not None:
            totals["delivered_bytes"] += step * fate.size_bytes
            totals["delay_s"] += step * (fate.delivered_s - fate.sent_s)


class Shim:
    """An impaired network of two directions, each with a queue, a delay and dice of its own.

    A datagram meets, in this order: the dice of `loss_fraction`; the queue in front of a link of `rate_bps`,
    which refuses new ones (tail drop) while it holds more than `QUEUE_S` of sending time; `delay_ms` plus up
    to `jitter_ms`, evenly distributed.

    Parameters
    ----------
    impairment
        What to do; both directions get the same.
    ledger
        Where fates are recorded; a new one by default.
    reorder
        Let jitter overtake. Without it a datagram never arrives before an earlier one, as on most real paths.

    Raises
    ------
    ValueError
        If a figure of the impairment is out of range.
    """

    QUEUE_S = 0.3
    MAX_IN_FLIGHT = 8192
    """Bound of one direction, queue and delay together: newer datagrams overflow."""

    def __init__(
        self, impairment: Impairment, *, ledger: Ledger | None = None, reorder: bool = False
    ) -> None:
        _check(impairment)
        self.impairment = impairment
        self.ledger = Ledger() if ledger is None else ledger
        self._lanes = {name: _Lane(impairment, name, reorder) for name in DIRECTIONS}

    def admit(self, direction: Direction, size_bytes: int, now_s: float) -> Fate:
        """Decide on a datagram that is sent now, and record it; `now_s` does not go back."""
        fate = self._lanes[direction].admit(size_bytes, now_s)
        self.ledger.record(fate)
        return fate


class _Lane:
    """One direction."""

    def __init__(self, impairment: Impairment, direction: Direction, reorder: bool) -> None:
        self._impairment = impairment
        self._direction = direction
        self._reorder = reorder
        # two streams of dice, each drawn once for every datagram: a queue that overflows moves neither
        self._loss = Random(f"{impairment.seed}/{direction}/loss")
        self._jitter = Random(f"{impairment.seed}/{direction}/jitter")
        self._link_free_s = -math.inf
        self._last_s = -math.inf
        self._in_flight: deque[float] = deque()

    def admit(self, size_bytes: int, now_s: float) -> Fate:
        rule = self._impairment
        lost = self._loss.random() < rule.loss_fraction
        jitter_s = self._jitter.random() * rule.jitter_ms / 1000
        while self._in_flight and self._in_flight[0] <= now_s:
            self._in_flight.popleft()
        if lost:
            return Fate(self._direction, size_bytes, now_s, "lost")
        sent_s = max(now_s, self._link_free_s)
        if sent_s - now_s > Shim.QUEUE_S or len(self._in_flight) >= Shim.MAX_IN_FLIGHT:
            return Fate(self._direction, size_bytes, now_s, "overflow")
        if rule.rate_bps is not None:
            sent_s = self._link_free_s = sent_s + 8 * size_bytes / rule.rate_bps
        delivered_s = sent_s + rule.delay_ms / 1000 + jitter_s
        if not self._reorder:
            delivered_s = max(delivered_s, self._last_s)
        self._last_s = max(self._last_s, delivered_s)
        self._in_flight.append(self._last_s)
        return Fate(self._direction, size_bytes, now_s, "delivered", delivered_s)


def _no_totals() -> Totals:
    return Totals(packets=0, bytes=0, delivered=0, delivered_bytes=0, lost=0, overflow=0, cut=0, delay_s=0.0)


def _check(impairment: Impairment) -> None:
    if not 0 <= impairment.loss_fraction <= 1:
        raise ValueError(
            f"loss_fraction is {impairment.loss_fraction}: give a fraction from 0 to 1 (0.02 for 2%)."
        )
    for name in ("delay_ms", "jitter_ms"):
        value = getattr(impairment, name)
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is {value}: give milliseconds, 0 or more.")
    rate_bps = impairment.rate_bps
    if rate_bps is not None and not (math.isfinite(rate_bps) and rate_bps > 0):
        raise ValueError(f"rate_bps is {rate_bps}: give bits per second above 0, or None for no limit.")
