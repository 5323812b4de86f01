"""A metric, a comparison and a number: ``fps__gt=24``."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Real

from nbrtc.stats.plots.panels import did_you_mean
from nbrtc.stats.row import METRICS

COMPARISONS: Mapping[str, tuple[str, Callable[[float, float], bool]]] = {
    "gt": (">", operator.gt),
    "ge": (">=", operator.ge),
    "lt": ("<", operator.lt),
    "le": ("<=", operator.le),
    "eq": ("==", operator.eq),
    "ne": ("!=", operator.ne),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What a metric should be."""

    metric: str
    comparison: str
    """One of `COMPARISONS`."""
    value: float

    def is_met(self, measured: float) -> bool:
        """Whether a known value is as it should be."""
        return COMPARISONS[self.comparison][1](measured, self.value)

    def badness(self, measured: float) -> float:
        """Orders values from the best to the worst."""
        if self.comparison in ("gt", "ge"):
            return -measured
        if self.comparison in ("lt", "le"):
            return measured
        return abs(measured - self.value) * (1 if self.comparison == "eq" else -1)

    @property
    def wanted(self) -> str:
        """The comparison alone: ``"> 24"``."""
        return f"{COMPARISONS[self.comparison][0]} {self.value:g}"

    def __str__(self) -> str:
        return f"{self.metric} {self.wanted}"


def to_condition(keyword: str, value: object) -> Condition:
    """A condition as `expect` takes it, checked.

    Raises
    ------
    TypeError
        If the keyword is no condition at all, or the value is not a number.
    ValueError
        If there is no such metric or comparison, or the value is not finite; it names the known ones.
    """
    metric, separator, comparison = keyword.rpartition("__")
    if not separator:
        hint = f" Did you mean {keyword}__gt or {keyword}__lt?" if keyword in METRICS else ""
        raise TypeError(
            f"expect() has no keyword {keyword!r}: a condition is a metric, two underscores and one of "
            f"{', '.join(COMPARISONS)}, such as fps__gt=24.{hint or did_you_mean([keyword])}"
        )
    if metric not in METRICS:
        known = ", ".join(METRICS)
        raise ValueError(f"Unknown metric {metric!r}: choose from {known}.{did_you_mean([metric])}")
    if comparison not in COMPARISONS:
        known = ", ".join(COMPARISONS)
        raise ValueError(f"Unknown comparison {comparison!r} in {keyword}: choose from {known}.")
    return Condition(metric, comparison, to_number(keyword, value))


def to_number(keyword: str, value: object) -> float:
    """A finite number, checked; raises TypeError and ValueError that name the keyword."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{keyword}={value!r} is not a number.")
    if not isfinite(value):
        raise ValueError(f"{keyword}={value!r}: give a finite number.")
    return float(value)
