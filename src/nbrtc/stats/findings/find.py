"""Problems of a call in words: what was wrong, from when to when, the worst first.

The rules are those of `nbrtc.stats.findings.judge`, run over the past; docs/quality.md lists them and their
thresholds.
"""

from collections.abc import Iterator
from heapq import merge

from nbrtc.messages import Finding, StatsEvent, StatsSample
from nbrtc.stats.findings.judge import OWN_END, Judge
from nbrtc.stats.findings.period import fold, joined
from nbrtc.stats.findings.scene import LINK
from nbrtc.stats.findings.wording import TEXTS
from nbrtc.stats.source import StatsSource

CODES = tuple(TEXTS)
"""Every code that a finding may have."""
MAX_PERIODS = 10_000
"""Periods that a call may have; of more the earliest are left out."""

__all__ = ["CODES", "find"]


def find(source: StatsSource, participant: str | None = None, last_s: float | None = None) -> list[Finding]:
    """The findings of what the source has; see `CallStats.findings`.

    A problem that still shows in a live call has no end. In a dump nothing goes on.
    """
    samples = source.samples(participant)
    if last_s is not None and samples:
        since_s = samples[-1].time_s - last_s
        samples = [sample for sample in samples if sample.time_s > since_s]
    names = {LINK: "Python"}
    judge = Judge(own_end=participant == OWN_END, remembers=MAX_PERIODS)
    # Page and engine tell of what happened each on its own way, so that it comes slightly out of order.
    events = sorted(source.events(), key=lambda event: event.time_s)
    timeline: Iterator[StatsSample | StatsEvent] = merge(events, samples, key=lambda one: one.time_s)
    for one in timeline:
        if isinstance(one, StatsSample):
            judge.add(one)
            continue
        judge.note(one)
        if one.name == "join" and one.value:
            names[one.peer] = one.value
    if source.is_live:
        judge.settle()
        periods = [*judge.past, *judge.present()]
    else:
        judge.close()
        periods = list(judge.past)
    return [
        period.finding(names.get(period.peer, period.peer))
        for period in fold(joined(periods))
        if participant is None or period.peer == participant
    ]
