"""What a rule looks at: the newest second of a connection, those before it, and the circumstances."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan, nan

from nbrtc.stats.findings.beat import Beat
from nbrtc.stats.findings.circumstances import LINK, Circumstances
from nbrtc.stats.interval import ratio
from nbrtc.stats.row import Direction, Kind, StatsRow

WINDOW = 8
"""Beats that fractions are taken over: loss in 50 packets says little, in 400 enough."""
RELIEF = 0.7
"""A problem that is there goes on down to this share of the figure that it began at."""

__all__ = ["LINK", "RELIEF", "WINDOW", "Key", "Scene"]

Key = tuple[str, Direction | None, Kind | None]


@dataclass(slots=True)
class Scene:
    """One connection, as far as it is known now."""

    peer: str
    around: Circumstances
    is_on: Callable[[Key], bool]
    """Whether a problem is there already."""
    recent: deque[Beat] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """The newest beats of this generation, oldest first."""
    age_s: float = 0.0
    """Since the first poll of this generation."""
    picture_age_s: float = 0.0
    """Since then, or since the other end's camera, screen or effect was last switched on or off."""

    @property
    def beat(self) -> Beat:
        """The newest."""
        return self.recent[-1]

    def row(self, direction: Direction, kind: Kind) -> StatsRow | None:
        """The newest metrics of what goes this way, if anything does."""
        return self.recent[-1].row(direction, kind)

    def is_sending(self, kind: Kind) -> bool:
        """Whether anything of this kind left the browser since the poll before."""
        row = self.row("send", kind)
        return row is not None and row.packets > 0

    def mean(self, value: Callable[[Beat], float]) -> float:
        """The mean of a figure of beats over the window, by time."""
        return ratio((value(beat) * beat.seconds, beat.seconds) for beat in self.recent)

    def mean_of(self, direction: Direction, kind: Kind, name: str, weight: str | None = None) -> float:
        """The mean of a row's metric over the window, by time or by another metric: a ratio of sums."""
        top, bottom = 0.0, 0.0
        for beat in self.recent:
            row = beat.rows.get((direction, kind))
            if row is None:
                continue
            value = getattr(row, name)
            size = beat.seconds if weight is None else getattr(row, weight)
            if not isnan(value) and not isnan(size):
                top += value * size
                bottom += size
        return top / bottom if bottom > 0 else nan

    def known(self, value: Callable[[Beat], float]) -> list[float]:
        """What is known of a figure in the window, oldest first."""
        return [figure for figure in map(value, self.recent) if not isnan(figure)]

    def severity(self, key: Key, value: float, warning: float, error: float) -> int:
        """2 from `warning` on, 3 from `error` on; a problem that is there already goes on for less."""
        floor = warning * RELIEF if self.is_on(key) else warning
        return 3 if value >= error else 2 if value >= floor else 0
