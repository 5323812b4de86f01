"""A problem from its beginning to its end, and which problems are only what another one causes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from nbrtc.messages import Finding
from nbrtc.stats.findings.course import LEVELS, Figures
from nbrtc.stats.findings.wording import words
from nbrtc.stats.row import Direction, Kind

NEAR_S = 15.0
"""Two periods of one problem with less between them are one."""


@dataclass(frozen=True, slots=True)
class Period:
    """One problem of one connection, while it lasted."""

    peer: str
    code: str
    direction: Direction | None
    kind: Kind | None
    severity: int
    """1 info, 2 warning, 3 error."""
    began_at_s: float
    ended_at_s: float | None
    """None while it goes on."""
    figures: Figures

    def overlaps(self, other: "Period") -> bool:
        """Whether both were there at some time, or one just after the other."""
        return self.began_at_s <= _end(other) + NEAR_S and other.began_at_s <= _end(self) + NEAR_S

    def finding(self, name: str) -> Finding:
        """As people read it."""
        text, advice = words(self.code, name, self.direction, self.kind, self.figures)
        return Finding(
            code=self.code,
            level=LEVELS[self.severity - 1],
            participant=self.peer,
            text=text,
            advice=advice,
            direction=self.direction,
            kind=self.kind,
            evidence={figure: _rounded(value) for figure, value in self.figures.items()},
            started_at_s=self.began_at_s,
            ended_at_s=self.ended_at_s,
        )


_NETWORK_IN = ("connection-failed", "connection-interrupted", "one-way-media<", "network-loss<")
_NETWORK_OUT = ("connection-failed", "connection-interrupted", "one-way-media>", "network-loss>")

CAUSES: dict[str, tuple[str, ...]] = {
    "freezes<": (*_NETWORK_IN, "missing-media<", "cpu-decoder<", "jitter<"),
    "concealed-sound<": (*_NETWORK_IN, "missing-media<", "jitter<"),
    "media-sync<": (*_NETWORK_IN, "jitter<"),
    "keyframe-requests<": (*_NETWORK_IN, "cpu-decoder<", "freezes<"),
    "keyframe-requests>": _NETWORK_OUT,
    "missing-media<": ("connection-failed", "connection-interrupted", "one-way-media<", "missing-media>"),
    "missing-media>": ("connection-failed", "connection-interrupted", "slow-camera>"),
    "one-way-media<": ("connection-failed", "connection-interrupted"),
    "one-way-media>": ("connection-failed", "connection-interrupted", "one-way-media<"),
    "network-loss>": ("connection-failed", "connection-interrupted", "one-way-media>"),
    "network-loss<": ("connection-failed", "connection-interrupted", "one-way-media<"),
    "cpu-encoder>": ("slow-camera>",),
    "asymmetric-quality>": (*_NETWORK_OUT, "bandwidth>", "cpu-encoder>", "slow-camera>", "black-camera>"),
    "asymmetric-quality<": (*_NETWORK_IN, "cpu-decoder<", "freezes<", "media-sync<", "concealed-sound<"),
    "connection-interrupted": ("connection-failed",),
    "connection-unstable": ("connection-failed",),
}
"""What may explain a problem of the same connection; ``>`` is sent, ``<`` received."""

MACHINE = frozenset({"silent-microphone", "black-camera", "slow-camera", "cpu-encoder", "cpu-decoder"})
"""They concern this computer, whoever is at the other end: told once."""


def fold(periods: Iterable[Period]) -> list[Period]:
    """One period for each cause, the worst first.

    What follows from another problem is left out, and its figures become the other's evidence. The cause
    takes the worse level of both: loss that freezes the picture is as bad as the freeze.
    """
    kept = _once(sorted(periods, key=lambda period: period.began_at_s))
    causes: list[Period | None] = [_cause(period, kept) for period in kept]
    chains = {id(period): cause for period, cause in zip(kept, causes, strict=True) if cause is not None}
    folded = {id(period): period for period in kept if id(period) not in chains}
    for period in kept:
        root = period
        while (next_one := chains.get(id(root))) is not None:
            root = next_one
        if root is not period:
            one = folded[id(root)]
            figures = {**period.figures, **one.figures}
            folded[id(root)] = replace(one, severity=max(one.severity, period.severity), figures=figures)
    return sorted(folded.values(), key=lambda period: (-period.severity, period.began_at_s, period.code))


def joined(periods: Sequence[Period]) -> list[Period]:
    """Periods of the same problem with little between them, as one."""
    found: dict[tuple[object, ...], list[Period]] = {}
    for period in sorted(periods, key=lambda period: period.began_at_s):
        same = found.setdefault((period.peer, period.code, period.direction, period.kind), [])
        if same and period.began_at_s - _end(same[-1]) <= NEAR_S:
            before = same.pop()
            worse = max(before, period, key=lambda one: one.severity)
            last = max(before, period, key=_end)
            period = replace(worse, began_at_s=before.began_at_s, ended_at_s=last.ended_at_s)
        same.append(period)
    return [period for same in found.values() for period in same]


def _cause(period: Period, among: Sequence[Period]) -> Period | None:
    """What explains the period: the first of its causes that was there."""
    for name in CAUSES.get(_sided(period), ()):
        for other in among:
            if other.peer == period.peer and _sided(other) == name and other.overlaps(period):
                return other
    return None


def _once(periods: Sequence[Period]) -> list[Period]:
    """What concerns the computer counts once, however many connections show it."""
    kept: list[Period] = []
    for period in periods:
        twin = next(
            (
                number
                for number, other in enumerate(kept)
                if period.code in MACHINE and other.code == period.code and other.overlaps(period)
            ),
            None,
        )
        if twin is None:
            kept.append(period)
            continue
        worse = max(kept[twin], period, key=lambda one: one.severity)
        ended = None if kept[twin].ended_at_s is None or period.ended_at_s is None else _end(period)
        kept[twin] = replace(worse, began_at_s=kept[twin].began_at_s, ended_at_s=ended)
    return kept


def _sided(period: Period) -> str:
    return period.code + {"send": ">", "receive": "<", None: ""}[period.direction]


def _end(period: Period) -> float:
    return float("inf") if period.ended_at_s is None else period.ended_at_s


def _rounded(value: float | str | None) -> float | str | None:
    """Four digits: what is measured has no more, and a finding that did not change looks unchanged."""
    return float(f"{value:.4g}") if isinstance(value, float) else value
