"""Waiting for what the statistics should show, for tests of call quality.

>>> call.stats.expect(fps__gt=24, loss_fraction__lt=0.02, within_s=10)  # doctest: +SKIP

Conditions are looked at with every poll. What counts is the newest row of each participant, direction and
kind, of those who are still polled: a condition holds if one row at least knows its metric and all that do
meet it. ``"you"``, Python's own end of the link, counts only if asked for.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from nbrtc.errors import ExpectationNotMet
from nbrtc.messages import StatsSample
from nbrtc.stats.expectations.condition import Condition, to_condition, to_number
from nbrtc.stats.expectations.report import Report
from nbrtc.stats.expectations.watch import Watch
from nbrtc.stats.row import DIRECTIONS, KINDS, Direction, Kind
from nbrtc.stats.source import StatsSource

__all__ = ["Report", "expect"]

SLICE_S = 0.5
"""The longest wait at a time, so that an interrupt gets through on every platform."""


def expect(
    source: StatsSource,
    conditions: Mapping[str, float],
    *,
    within_s: float,
    for_s: float,
    participant: str | None,
    direction: Direction | None,
    kind: Kind | None,
) -> Report:
    """Wait until all conditions hold; blocks only the thread that calls, which must not be the bridge's.

    Live statistics are judged by polls that arrive from now on, because an earlier one may describe the time
    before whatever the test just did; only ``within_s=0`` looks at the newest that is there. Statistics
    that are complete, a dump's or those of a closed call, are walked through from their first poll. How long
    the conditions hold is counted by the polls' own times, and a pause in the polls breaks it.

    See `CallStats.expect` for the parameters and errors.
    """
    wanted = _checked(conditions, within_s, for_s, direction, kind)
    watch = Watch(wanted, for_s=for_s, participant=participant, direction=direction, kind=kind)
    way = _wait if source.is_live else _walk
    return way(source, watch, within_s)


def _checked(
    conditions: Mapping[str, float],
    within_s: float,
    for_s: float,
    direction: Direction | None,
    kind: Kind | None,
) -> list[Condition]:
    wanted = [to_condition(keyword, value) for keyword, value in conditions.items()]
    if not wanted:
        raise ValueError("expect() without a condition waits for nothing: give one, such as fps__gt=24.")
    for name, seconds in (("within_s", within_s), ("for_s", for_s)):
        if to_number(name, seconds) < 0:
            raise ValueError(f"{name}={seconds!r}: give 0 or more seconds.")
    if for_s > within_s:
        raise ValueError(
            f"Nothing can hold for for_s={for_s:g} s within within_s={within_s:g} s: give more time."
        )
    for name, value, known in (("direction", direction, DIRECTIONS), ("kind", kind, KINDS)):
        if value is not None and value not in known:
            raise ValueError(f"Unknown {name} {value!r}: choose from {', '.join(known)}, or None for both.")
    return wanted


def _walk(source: StatsSource, watch: Watch, within_s: float) -> Report:
    """Through statistics that are complete."""
    samples = [sample for sample in source.samples(watch.participant) if watch.concerns(sample.peer)]
    samples.sort(key=lambda sample: sample.time_s)
    first_s = samples[0].time_s if samples else 0.0
    waited_s, reason = 0.0, ""
    for sample in samples:
        if sample.time_s - first_s > within_s:
            reason = "The statistics are complete; within_s counts from their first poll."
            break
        waited_s = sample.time_s - first_s
        watch.learn(sample)
        if watch.holds():
            return watch.report(ok=True, waited_s=waited_s, within_s=within_s)
    if not samples:
        reason = f"There are no statistics to look at{_others(source, watch)}."
    reason = reason or f"No more can come: the statistics end after {waited_s:.1f} s."
    raise _not_met(watch, waited_s, within_s, reason)


def _wait(source: StatsSource, watch: Watch, within_s: float) -> Report:
    """For polls of a live call."""
    started_s = time.monotonic()
    version = source.version
    arrivals = _Arrivals(source, watch)
    for sample in arrivals.newest():
        if within_s == 0:
            watch.learn(sample)
        else:
            watch.remember(sample)
    if within_s == 0 and watch.holds():
        return watch.report(ok=True, waited_s=0.0, within_s=within_s)
    while True:
        # Read before the samples: what comes in between is then taken in the next turn, never lost.
        is_live, left_s = source.is_live, started_s + within_s - time.monotonic()
        version_before, version = version, source.version
        if version != version_before:
            for sample in arrivals.since():
                watch.learn(sample)
                if watch.holds():
                    return watch.report(ok=True, waited_s=time.monotonic() - started_s, within_s=within_s)
        if not is_live or left_s <= 0:
            reason = "" if is_live else "The call was closed: no more statistics can come."
            if not watch.polls:
                silence = f"No statistics came in this time{_others(source, watch)}; is the call connected?"
                reason = f"{silence} {reason}"
            raise _not_met(watch, time.monotonic() - started_s, within_s, reason.strip())
        source.wait(version, min(left_s, SLICE_S))


def _not_met(watch: Watch, waited_s: float, within_s: float, reason: str) -> ExpectationNotMet:
    report = watch.report(ok=False, waited_s=waited_s, within_s=within_s, reason=reason)
    return ExpectationNotMet(str(report), report)


def _others(source: StatsSource, watch: Watch) -> str:
    """Whose there are instead, if a participant was asked for."""
    if watch.participant is None:
        return ""
    others = ", ".join(peer for peer in source.participants()[:10] if peer != watch.participant)
    return (
        f" of {watch.participant!r} (there are those of {others})" if others else f" of {watch.participant!r}"
    )


class _Arrivals:
    """Samples that a watch has not seen yet, in the order of their time."""

    def __init__(self, source: StatsSource, watch: Watch) -> None:
        self._source = source
        self._watch = watch
        self._seen_s: dict[str, float] = {}

    def newest(self) -> list[StatsSample]:
        """Of those that are there already, the newest two of each participant: what a rate needs."""
        return self._of(lambda peer: self._source.samples(peer, newest=2))

    def since(self) -> list[StatsSample]:
        """What came since the last time."""
        return self._of(lambda peer: self._source.samples(peer, since_s=self._seen_s.get(peer)))

    def _of(self, samples_of: Callable[[str], Sequence[StatsSample]]) -> list[StatsSample]:
        peers = [peer for peer in self._source.participants() if self._watch.concerns(peer)]
        found = sorted(
            (sample for peer in peers for sample in samples_of(peer)), key=lambda each: each.time_s
        )
        # By participant: the page's clock and the engine's cannot be compared.
        self._seen_s |= {sample.peer: sample.time_s for sample in found}
        return found
