"""What pictures of a call are drawn from: its rows, and how long freezes were, which rows cannot say."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import Poll
from nbrtc.stats.row import StatsRow


class Measured(NamedTuple):
    """Rows in the order of time, and freezes."""

    rows: list[StatsRow]
    frozen_s: Mapping[tuple[str, float], float]
    """`Poll.frozen_s` by participant and time of the poll; more than the poll where they began before it."""


def measured(samples: Iterable[StatsSample], *, own_end: bool) -> Measured:
    """The rows of these polls; those of ``"you"``, the second view of one link, only if asked for."""
    rows: list[StatsRow] = []
    frozen_s: dict[tuple[str, float], float] = {}
    newest: dict[str, StatsSample] = {}
    for sample in samples:
        if sample.peer == "you" and not own_end:
            continue
        poll = Poll(newest.get(sample.peer), sample)
        newest[sample.peer] = sample
        rows += poll.rows()
        frozen_s[sample.peer, sample.time_s] = poll.frozen_s()
    return Measured(rows, frozen_s)
