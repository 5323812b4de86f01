"""The project's aims as figures of a run: each names what it compares."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.results import Key, Results

FLOOR: Key = ("floor", "idle")
BARE: Key = ("bare echo", "idle")
OURS: Key = ("nbrtc", "idle")
IDENTITY: Key = ("nbrtc, callback", "identity")
SLOW: Key = ("nbrtc, callback", "10 ms callback")
BUSY = ("python loop", "C call")


@dataclass(frozen=True)
class Target:
    """One line of the verdict; NaN, where a part was not measured, is never reached."""

    what: str
    value: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def is_reached(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def __str__(self) -> str:
        verdict = "not measured" if self.value != self.value else "reached" if self.is_reached else "missed"
        sign = ">=" if self.at_least else "<="
        return f"{verdict:<13}{self.value:9.3g} {self.unit:<7} {sign} {self.limit:<6g} {self.what}"


def targets(results: Results) -> Iterator[Target]:
    """All of them, from the medians of the rounds."""

    def p50_ms(key: Key) -> float:
        return results.median(key, lambda phase: phase.latency.decoded_p50_ms)

    def fps(key: Key) -> float:
        return results.median(key, lambda phase: phase.latency.fps)

    def recording_cores(contender: str) -> float:
        recording, without = (
            results.median((contender, phase), lambda phase: phase.cores["engine"])
            for phase in ("recording", "idle")
        )
        return recording - without

    camera_ms = results.median_start("nbrtc", lambda session: session.camera_to_picture_ms)
    yield Target("getUserMedia resolved to first returned picture", camera_ms, 350, "ms")
    yield Target("p50 of nbrtc / p50 of the bare echo", p50_ms(OURS) / p50_ms(BARE), 0.7, "x")
    for busy in BUSY:
        beside: Key = ("nbrtc", busy)
        yield Target(f"p50 beside a {busy} / p50 idle", p50_ms(beside) / p50_ms(OURS), 1.25, "x")
        yield Target(f"fps beside a {busy} / fps idle", fps(beside) / fps(OURS), 0.95, "x", at_least=True)
    for busy in BUSY:
        held: Key = ("nbrtc, callback", f"identity beside a {busy}")
        recovery_ms = results.median(held, lambda phase: phase.recovery_ms)
        strange = results.median(held, lambda phase: phase.latency.unreadable)
        yield Target(f"30 fps is back after a {busy}, with a callback", recovery_ms, 200, "ms")
        yield Target(f"other pictures than the last good one beside a {busy}", strange, 0, "frames")
    yield Target("10 ms callback, p50 over the identity callback", p50_ms(SLOW) - p50_ms(IDENTITY), 25, "ms")
    yield Target("10 ms callback, p50 over no callback", p50_ms(SLOW) - p50_ms(OURS), 25, "ms")
    slowest: Key = ("nbrtc, callback", "200 ms callback")
    age_ms = results.median(slowest, lambda phase: phase.latency.decoded_p95_ms)
    yield Target("age of shown frames with a 200 ms callback, p95", age_ms, 300, "ms")
    cost = recording_cores("nbrtc") / recording_cores("MediaRecorder echo")
    yield Target("CPU of recording / CPU of aiortc's MediaRecorder", cost, 0.05, "x")
    if results.audio is not None and results.stock_audio is not None:
        stock_ms = results.stock_audio.last_ms
        what = f"audio delay grows in a minute at 2% loss (aiortc's buffer ends at {stock_ms:.0f} ms)"
        yield Target(what, results.audio.growth_ms, 5, "ms")
    if results.footprint is not None:
        anywidget_ms = results.footprint.import_anywidget_ms
        nbrtc_ms, call_ms = results.footprint.import_nbrtc_ms, results.footprint.import_call_ms
        yield Target("import nbrtc over import anywidget", nbrtc_ms - anywidget_ms, 50, "ms")
        yield Target("from nbrtc import Call over import anywidget", call_ms - anywidget_ms, 50, "ms")
        yield Target("bundle, gzip", results.footprint.bundle_gzip_kb, 150, "KB")
