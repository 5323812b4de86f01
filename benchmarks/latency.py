"""From what the probe saw to the latency and the rate of a phase."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Latency:
    """Age of the returned pictures, from the camera's frame to the decoded and to the shown one."""

    decoded_p50_ms: float
    decoded_p95_ms: float
    shown_p50_ms: float
    shown_p95_ms: float
    fps: float
    """New numbers per second; a repeated picture does not count."""
    camera_fps: float
    unreadable: int
    """Returned frames without a number: a placeholder, or another picture."""
    longest_hold_ms: float
    """The longest time without a new picture."""


@dataclass(frozen=True)
class Arrival:
    """One picture that came back for the first time."""

    number: int
    captured_ms: float
    returned_ms: float
    timestamp: int
    """RTP timestamp of the decoded frame; the display's note of it carries the same."""


class Matches:
    """Joins what was captured with what returned, over all of a page's batches.

    A clip repeats, so a number belongs to its newest capture; one that comes back twice is a repetition.
    """

    def __init__(self) -> None:
        self._captured_ms: dict[int, float] = {}

    def add(self, batch: dict[str, Any]) -> list[Arrival]:
        """The first arrivals of a batch, in their order."""
        events = [(time_ms, 0, number, 0) for number, time_ms, _ in batch["captured"]]
        events += [(time_ms, 1, number, timestamp) for number, time_ms, timestamp in batch["returned"]]
        arrivals = []
        for time_ms, is_returned, number, timestamp in sorted(events):
            if not is_returned:
                self._captured_ms[number] = time_ms
            elif number in self._captured_ms:
                arrivals.append(Arrival(number, self._captured_ms.pop(number), time_ms, timestamp))
        return arrivals


def latency(batch: dict[str, Any], arrivals: list[Arrival], seconds: float) -> Latency:
    """Summarise a phase of `seconds`; NaN where nothing came back."""
    decoded = [arrival.returned_ms - arrival.captured_ms for arrival in arrivals]
    shown_ms = dict(batch["shown"])
    shown = [
        shown_ms[arrival.timestamp] - arrival.captured_ms
        for arrival in arrivals
        if arrival.timestamp in shown_ms
    ]
    times = sorted(arrival.returned_ms for arrival in arrivals)
    return Latency(
        decoded_p50_ms=percentile(decoded, 50),
        decoded_p95_ms=percentile(decoded, 95),
        shown_p50_ms=percentile(shown, 50),
        shown_p95_ms=percentile(shown, 95),
        fps=len(arrivals) / seconds,
        camera_fps=len(batch["captured"]) / seconds,
        unreadable=batch["unreadable"]["returned"],
        longest_hold_ms=max((later - earlier for earlier, later in pairwise(times)), default=math.nan),
    )


def recovery_ms(arrivals: list[Arrival], ended_ms: float, *, fps: float = 30, pictures: int = 15) -> float:
    """How long after `ended_ms` the full rate is back.

    The first new picture from which on `pictures` follow each other within 1.25 of their time at `fps`.
    """
    times = [arrival.returned_ms for arrival in arrivals if arrival.returned_ms >= ended_ms]
    for first, last in zip(times, times[pictures:], strict=False):
        if last - first <= 1250 * pictures / fps:
            return first - ended_ms
    return math.nan


def percentile(values: list[float], percent: float) -> float:
    return float(np.percentile(values, percent)) if values else math.nan
