"""A sender whose clocks drift, over a network that delays and loses, and the truth beside its timeline."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbrtc.engine.feed import EncodedFrame, Kind, SenderReport
from nbrtc.engine.timeline import Timeline

SORT_S = 0.2
RATES: dict[Kind, int] = {"video": 90000, "audio": 48000}
REPORT_EVERY_S: dict[Kind, float] = {"video": 1.0, "audio": 5.0}
"""As Chromium sends them."""


@dataclass
class Placed:
    """One frame: when it was captured, and where the file has it."""

    time_ms: int
    true_s: float

    @property
    def error_s(self) -> float:
        return self.time_ms / 1000 - self.true_s


@dataclass
class DriftingSender:
    """A camera and a microphone whose frames go through a `Timeline`.

    All times are true seconds; each of the sender's clocks deviates by some ppm.
    """

    seed: int = 0
    seconds: float = 30.0
    fps: float = 30.0
    packet_s: float = 0.02
    delay_s: dict[Kind, float] = field(default_factory=lambda: {"video": 0.08, "audio": 0.02})
    jitter_s: float = 0.02
    loss: float = 0.02
    wall_ppm: float = 0.0
    """Of the clock in sender reports and capture times."""
    audio_ppm: float = 0.0
    """Of the sound card, by the sender's wall clock."""
    tells: str = "reports"
    """``"reports"``, ``"captured"`` or ``"nothing"``."""
    reports_from_s: float = 0.0
    off: dict[Kind, tuple[float, float]] = field(default_factory=dict)
    """No frames in between."""
    stops_rtp: bool = False
    """RTP time stands still while a track is off."""
    leap_at_s: float | None = None
    """RTP time of the picture leaps far away."""
    placed: dict[Kind, list[Placed]] = field(default_factory=lambda: {"video": [], "audio": []})

    def run(self) -> Timeline:
        """Place everything; `placed` has it afterwards, as it is in the file."""
        timeline = Timeline()
        began_s: float | None = None
        for frame, report, true_s in self._arrivals():
            time_ms = timeline.place(frame, report)
            for kind, since_ms, by_ms in timeline.moves():
                for placed in self.placed[kind]:
                    placed.time_ms += by_ms if placed.time_ms >= since_ms else 0
            self.placed[frame.kind].append(Placed(time_ms, true_s))
            if began_s is None:
                began_s = frame.arrived_s
            elif began_s >= 0 and frame.arrived_s - began_s > SORT_S:
                began_s = -1.0
                zero_ms = min(placed.time_ms for each in self.placed.values() for placed in each)
                timeline.begin(zero_ms)
                for placed in [*self.placed["video"], *self.placed["audio"]]:
                    placed.time_ms -= zero_ms
        return timeline

    def lip_error_s(self, from_s: float) -> float:
        """The most that picture and sound of the same second lie apart, of what was captured from then on."""
        worst_s = 0.0
        at = {"video": 0, "audio": 0}
        for second in range(int(from_s), int(self.seconds)):
            errors_s: dict[str, list[float]] = {"video": [], "audio": []}
            for kind, frames in self.placed.items():
                while at[kind] < len(frames) and frames[at[kind]].true_s < second:
                    at[kind] += 1
                index = at[kind]
                while index < len(frames) and frames[index].true_s < second + 1:
                    errors_s[kind].append(frames[index].error_s)
                    index += 1
            if errors_s["video"] and errors_s["audio"]:
                above_s = max(errors_s["video"]) - min(errors_s["audio"])
                worst_s = max(worst_s, above_s, max(errors_s["audio"]) - min(errors_s["video"]))
        return worst_s

    def errors_s(self, kind: Kind, from_s: float = 0.0) -> list[float]:
        """File time minus true time."""
        return [placed.error_s for placed in self.placed[kind] if placed.true_s >= from_s]

    def _arrivals(self) -> Iterator[tuple[EncodedFrame, SenderReport | None, float]]:
        chance = random.Random(self.seed)
        frames = [*self._frames("video", 1 / self.fps, chance), *self._frames("audio", self.packet_s, chance)]
        reports: dict[Kind, SenderReport] = {}
        due_s = {kind: self.reports_from_s + chance.uniform(0, 0.5) for kind in RATES}
        for frame, true_s, wall_s in sorted(frames, key=lambda item: item[0].arrived_s):
            if self.tells == "reports" and true_s >= due_s[frame.kind]:
                reports[frame.kind] = SenderReport(wall_s, frame.timestamp)
                due_s[frame.kind] = true_s + REPORT_EVERY_S[frame.kind]
            yield frame, reports.get(frame.kind), true_s

    def _frames(
        self, kind: Kind, step_s: float, chance: random.Random
    ) -> Iterator[tuple[EncodedFrame, float, float]]:
        rate, origin, arrived_s = RATES[kind], chance.randrange(1 << 32), 0.0
        from_s, until_s = self.off.get(kind, (-1.0, -1.0))
        for index in range(int(self.seconds / step_s)):
            true_s = index * step_s
            wall_s = 3.9e9 + true_s * (1 + self.wall_ppm * 1e-6)
            media_s = true_s * (1 + self.wall_ppm * 1e-6)
            media_s *= 1 + (self.audio_ppm * 1e-6 if kind == "audio" else 0)
            if self.stops_rtp and true_s >= until_s > 0:
                media_s -= until_s - from_s
            if kind == "video" and self.leap_at_s is not None and true_s >= self.leap_at_s:
                media_s += 40_000
            delay_s = self.delay_s[kind] + (chance.expovariate(1 / self.jitter_s) if self.jitter_s else 0)
            arrived_s = max(arrived_s, 1000 + true_s + delay_s)  # a jitter buffer hands them on in order
            if chance.random() < self.loss or from_s <= true_s < until_s:
                continue
            yield (
                EncodedFrame(
                    kind,
                    "VP8" if kind == "video" else "opus",
                    origin + round(media_s * rate),
                    rate,
                    True,
                    b"",
                    arrived_s,
                    captured_s=wall_s if self.tells == "captured" else None,
                ),
                true_s,
                wall_s,
            )
