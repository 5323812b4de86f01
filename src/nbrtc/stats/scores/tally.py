"""The polls of a stream added up, so that means over a while are ratios of sums."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from math import isnan, nan
from typing import Any

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import Poll
from nbrtc.stats.interval import number, share
from nbrtc.stats.row import DIRECTIONS, KINDS, Direction, Kind, StatsRow
from nbrtc.stats.scores.opinion import is_idle, mos

Key = tuple[str, Direction, Kind]


def tallies(samples: Iterable[StatsSample]) -> Iterator["Tally"]:
    """What the samples add up to, participants in the order of their first sample."""
    found: dict[Key, Tally] = {}
    newest: dict[str, StatsSample] = {}
    order: dict[str, None] = {}
    for sample in samples:
        previous = newest.get(sample.peer)
        newest[sample.peer] = sample
        order.setdefault(sample.peer)
        seconds = sample.time_s - previous.time_s if previous else 0.0
        given = camera_pixels(sample)
        poll = Poll(previous, sample)
        made_up, frozen_s = poll.audible_concealment(), poll.frozen_s()
        for row in poll.rows():
            key = row.participant, row.direction, row.kind
            found.setdefault(key, Tally(key)).add(
                row,
                seconds,
                asked_pixels=given if row.direction == "send" else nan,
                made_up=made_up,
                frozen_s=frozen_s if (row.direction, row.kind) == ("receive", "video") else nan,
            )
    for peer in order:
        for direction in DIRECTIONS:
            for kind in KINDS:
                if (tally := found.get((peer, direction, kind))) is not None:
                    yield tally


def camera_pixels(sample: StatsSample) -> float:
    """Pixels of the largest picture that goes into an encoder; NaN where the browser does not say."""
    sizes = [
        number(report, "width") * number(report, "height")
        for report in sample.reports
        if report.get("type") == "media-source" and report.get("kind") == "video"
    ]
    return max((size for size in sizes if not isnan(size)), default=nan)


@dataclass(slots=True)
class _Mean:
    """A ratio of two sums."""

    top: float = 0.0
    bottom: float = 0.0

    def add(self, value: float, weight: float) -> None:
        if not isnan(value) and not isnan(weight) and weight > 0.0:
            self.top += value * weight
            self.bottom += weight

    @property
    def value(self) -> float:
        return self.top / self.bottom if self.bottom > 0.0 else nan


WEIGHED_BY_TIME = ("bitrate_bps", "fps", "rtt_s", "jitter_s")


@dataclass(slots=True)
class Tally:
    """The polls of one stream in which something was sent, added up."""

    key: Key
    """Participant, direction and kind."""
    last: StatsRow | None = None
    idle_s: float = 0.0
    """How long nothing was sent."""
    seconds: float = 0.0
    """How long something was."""
    is_screen: bool = False
    pause_s: float = 0.0
    """How long nothing has been sent up to now."""
    means: dict[str, _Mean] = field(default_factory=dict)

    def add(
        self,
        row: StatsRow,
        seconds: float,
        *,
        asked_pixels: float = nan,
        made_up: float = nan,
        frozen_s: float = nan,
    ) -> None:
        """One poll and how long it is.

        Parameters
        ----------
        asked_pixels
            Of the camera's picture.
        made_up
            Share of the sound, `Poll.audible_concealment`.
        frozen_s
            Of the picture, `Poll.frozen_s`.
        """
        if is_idle(row):
            self.idle_s += max(0.0, seconds)
            self.pause_s += max(0.0, seconds)
            self.last = self.last or row
            return
        self.last = row
        self.seconds += max(0.0, seconds)
        # The derivation leaves out the score of a shared screen, and of nothing else that is known so well.
        if row.kind == "video" and isnan(row.mos) and not isnan(mos(row)):
            self.is_screen = True
        # A freeze counts where it ends: time without a packet that it took, too, was no pause.
        covered_s = seconds + min(self.pause_s, max(0.0, frozen_s - seconds))
        self.pause_s = 0.0
        if covered_s > 0.0:
            self._mean("freeze_fraction").add(frozen_s / covered_s, covered_s)
        for name in WEIGHED_BY_TIME:
            self._mean(name).add(getattr(row, name), seconds)
        if row.kind == "audio" and row.direction == "receive":
            self._mean("concealed_fraction").add(made_up, seconds)
        frames = row.fps * seconds
        self._mean("pixels").add(row.frame_width * row.frame_height, frames)
        self._mean("asked_pixels").add(asked_pixels, frames)
        self._mean("jitter_buffer_s").add(row.jitter_buffer_s, frames if row.kind == "video" else seconds)
        # packets lost were expected, too: what arrived and what did not make the denominator
        expected = row.packets + (0.0 if row.direction == "send" else row.packets_lost)
        self._mean("loss_fraction").add(row.loss_fraction, expected)

    def _mean(self, name: str) -> _Mean:
        return self.means.setdefault(name, _Mean())

    def value(self, name: str) -> float:
        """The mean of a figure; NaN where it was never known."""
        return self._mean(name).value

    @property
    def row(self) -> StatsRow | None:
        """A row with the means in it; None where nothing was sent."""
        if self.last is None or self.seconds == 0.0:
            return None
        names = (*WEIGHED_BY_TIME, "concealed_fraction", "jitter_buffer_s", "loss_fraction")
        means: dict[str, Any] = {name: self.value(name) for name in names}
        # A freeze may have begun before the first of these polls.
        means["freeze_fraction"] = share(self.value("freeze_fraction"))
        return replace(self.last, packets=nan, **means)
