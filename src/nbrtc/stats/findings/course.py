"""How one problem goes: it has to show several times to begin, and to be absent for a while to end."""

from collections import deque
from dataclasses import dataclass, field
from math import isnan
from typing import Literal

from nbrtc.stats.row import Direction, Kind

Level = Literal["info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("info", "warning", "error")
"""Mildest first."""

LOOKS = 5
"""Beats that are looked back at."""
ENDS_AFTER_S = 5.0
"""A problem that was absent for so long, and for two beats at least, is over."""
LOST_AFTER_S = 10.0
"""One about which nothing is known any more for so long is over, too."""
REMEMBERED = 10
"""Beats whose figures make the evidence of what is wrong now."""

Figures = dict[str, float | str | None]

GROWING = frozenset({"report_age_s", "silent_s", "breaks"})
"""Figures of which the newest counts, and no mean."""


@dataclass(slots=True)
class Sign:
    """What one rule sees in one beat; not frozen, because twenty are made a second for each connection."""

    code: str
    direction: Direction | None = None
    kind: Kind | None = None
    severity: int = 0
    """0: looked at, and well; 1 info, 2 warning, 3 error. A rule that does not know gives no sign at all."""
    figures: Figures = field(default_factory=dict)
    needed: int = 3
    """In so many of the last five beats it has to show to begin; one at most for what cannot flicker."""


@dataclass(slots=True)
class Course:
    """The history of one problem of one connection.

    Monotone: of two courses the one with a worse severity in some beats never has the milder level.
    """

    began_at_s: float | None = None
    """The first beat that showed it; None while it is not there."""
    shown_at_s: float = 0.0
    severity: int = 0
    """Of the whole period the worst that showed often enough."""
    now: int = 0
    """What shows often enough at present."""
    _seen: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=LOOKS))
    _recent: deque[Figures] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    _newest: Figures = field(default_factory=dict)

    @property
    def is_on(self) -> bool:
        """Whether the problem is there."""
        return self.began_at_s is not None

    def add(self, time_s: float, sign: Sign) -> None:
        """One more beat, in the order of time."""
        self._seen.append((time_s, sign.severity))
        needed = self._needed(sign.needed)
        shown = sorted((severity for _, severity in self._seen), reverse=True)
        # The worst severity that showed so often, or was exceeded so often.
        often = shown[needed - 1] if len(shown) >= needed else 0
        if often and not self.is_on:
            self.began_at_s = next(time_s for time_s, severity in self._seen if severity)
            self.severity = 0
            self._recent.clear()
            self._sums.clear()
        if sign.severity:
            self.shown_at_s = time_s
        if self.is_on:
            self.now = often or self.now
            self.severity = max(self.severity, often)
            if sign.severity:
                self._remember(sign.figures)

    def is_over(self, now_s: float) -> bool:
        """Whether it was absent, or unknown, for long enough."""
        if not self.is_on:
            return False
        known_at_s = max(self.shown_at_s, self._seen[-1][0] if self._seen else 0.0)
        if now_s - known_at_s > max(LOST_AFTER_S, 3 * self._spacing_s()):
            return True
        absent = [time_s for time_s, severity in self._seen if time_s > self.shown_at_s and not severity]
        return len(absent) >= 2 and absent[-1] - self.shown_at_s >= ENDS_AFTER_S

    def end(self) -> None:
        """Forget the period; another one may begin."""
        self.began_at_s = None
        self.severity = self.now = 0
        self._seen.clear()
        self._recent.clear()
        self._sums.clear()
        self._newest.clear()

    def figures(self, *, whole: bool) -> Figures:
        """Means of the measured figures: of the last ten beats that showed it, or of the whole period."""
        found = dict(self._newest)
        if whole:
            found |= {name: top / count for name, (top, count) in self._sums.items()}
            return found
        for name in self._sums:
            values = [
                value for figures in self._recent if isinstance(value := figures.get(name), float | int)
            ]
            found[name] = sum(values) / len(values) if values else None
        return found

    def _needed(self, asked: int) -> int:
        """Fewer beats where they are far apart, but never one alone decides what may flicker."""
        return min(asked, 2) if self._spacing_s() >= 2.0 else asked

    def _spacing_s(self) -> float:
        if len(self._seen) < 2:
            return 0.0
        return (self._seen[-1][0] - self._seen[0][0]) / (len(self._seen) - 1)

    def _remember(self, figures: Figures) -> None:
        known = {name: value for name, value in figures.items() if not _is_nan(value)}
        self._recent.append(known)
        for name, value in known.items():
            if isinstance(value, float | int) and name not in GROWING:
                top, count = self._sums.get(name, (0.0, 0))
                self._sums[name] = top + value, count + 1
            else:
                self._newest[name] = value


def _is_nan(value: float | str | None) -> bool:
    return isinstance(value, float) and isnan(value)
