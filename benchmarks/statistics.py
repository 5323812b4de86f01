"""``python -m benchmarks.statistics``: what it costs to keep, derive and write the statistics of a call.

The polls are a real one of Chromium, its counters going on as they would: two streams sent, two received.
Times are those of the CPU, except where a disk takes part.
"""

import argparse
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil

from benchmarks.results import machine
from nbrtc.messages import StatsSample
from nbrtc.stats import CallStats, StatsStore, derive
from nbrtc.stats.files.spill import read_spill
from nbrtc.stats.streams import derive_streams

VECTORS = Path(__file__).parents[1] / "tests/data/stats/loopback.json"
START_S = 1_800_000_000.0
GAUGES = {"timestamp", "ssrc", "rtxSsrc", "priority", "payloadType", "clockRate", "channels", "jitter"}
CONNECTIONS = 10


def polls(count: int, peer: str = "python") -> Iterator[StatsSample]:
    """A second apart; a counter grows each second by about what it had grown in the recorded call's six."""
    recorded = msgspec.convert(
        msgspec.json.decode(VECTORS.read_bytes())["cases"][0]["samples"][4], StatsSample
    )
    for second in range(count):
        reports = tuple(_later(report, second) for report in recorded.reports)
        yield StatsSample(time_s=START_S + second, peer=peer, generation=1, reports=reports)


def _later(report: dict[str, Any], second: int) -> dict[str, Any]:
    later = {name: _grown(name, value, second) for name, value in report.items()}
    # A receiver reports when it likes.
    age_s = 0.3 if str(report["type"]).startswith("remote-") else 0.0
    return {**later, "timestamp": 1000 * (START_S + second - age_s)}


def _grown(name: str, value: Any, second: int) -> Any:
    if type(value) not in (int, float) or name in GAUGES:
        return value
    if name.startswith(("frameHeight", "frameWidth", "framesPerSecond", "target", "available", "current")):
        return value
    return value + type(value)(value * second / 6)


def timed(call: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> tuple[float, Any]:
    started_s = clock()
    outcome = call()
    return clock() - started_s, outcome


def line(what: str, figure: str) -> None:
    print(f"{what:<64}{figure:>14}", flush=True)


def append(store: StatsStore, samples: list[StatsSample]) -> None:
    for sample in samples:
        store.append(sample)


def keep(samples: list[StatsSample]) -> StatsStore:
    """Append and newest, for one connection and for ten."""
    store = StatsStore()
    seconds, _ = timed(lambda: append(store, samples))
    line("append, a sample", f"{seconds / len(samples) * 1e6:.0f} us")
    line("kept, a sample", f"{store.size_bytes / len(store):.0f} B")
    line("kept, an hour of one connection", f"{store.size_bytes / len(store) * 3600 / 2**20:.1f} MiB")
    heard: list[object] = []
    store.listen(heard.append)
    seconds, _ = timed(lambda: append(store, samples[:500]))
    line("append with a listener, a sample", f"{seconds / 500 * 1e6:.0f} us")
    return store


def newest(hours: float) -> None:
    """What `latest` and `expect` ask with every poll."""
    store = StatsStore()
    one = list(polls(64))
    count = int(hours * 3600)
    for number in range(count):
        for peer in range(CONNECTIONS):
            sample = one[number % len(one)]
            store.append(msgspec.structs.replace(sample, peer=f"peer {peer}", time_s=START_S + number))
    seconds, _ = timed(lambda: [store.samples("peer 3", newest=2) for _ in range(100)])
    stats = CallStats(store)
    line(
        f"newest=2 of one of {CONNECTIONS} connections, {len(store)} samples", f"{seconds / 100 * 1e6:.0f} us"
    )
    seconds, _ = timed(lambda: stats.latest)
    line(f"latest of {CONNECTIONS} connections", f"{seconds * 1e3:.1f} ms")
    memory = f"{store.size_bytes / 2**20:.0f} MiB, {store.dropped} dropped"
    line(f"memory of {CONNECTIONS} connections, {hours:g} h", memory)


def read(samples: list[StatsSample], store: StatsStore) -> None:
    """Formulas alone, then frames."""
    stats = CallStats(store)
    line("derive, formulas alone", f"{timed(lambda: list(derive(samples)))[0]:.2f} s")
    line("derive_streams, formulas alone", f"{timed(lambda: list(derive_streams(samples)))[0]:.2f} s")
    stats.to_frame().describe()
    for name, call in (
        ("to_frame()", stats.to_frame),
        ("to_frame(shape='wide')", lambda: stats.to_frame(shape="wide")),
        ("derived()", stats.derived),
        ("to_frame('inbound-rtp')", lambda: stats.to_frame("inbound-rtp")),
    ):
        seconds, frame = timed(call)
        line(f"{name}, {len(frame)} x {len(frame.columns)}", f"{seconds:.2f} s")
    tracemalloc.start()
    stats.derived()
    line("derived(), most memory at once", f"{tracemalloc.get_traced_memory()[1] / 2**20:.0f} MiB")
    tracemalloc.stop()


def spill(samples: list[StatsSample], store: StatsStore) -> None:
    """The past at once, then what each sample costs the thread that brings it."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        past = Path(folder) / "past"
        store.end()
        seconds, _ = timed(lambda: CallStats(store).spill(past), time.perf_counter)
        line("spill of the past, elapsed", f"{seconds:.2f} s")
        size = sum(path.stat().st_size for path in past.iterdir())
        line("on disk, a sample", f"{size / len(store):.0f} B")
        seconds, (found, *_) = timed(lambda: read_spill(past), time.perf_counter)
        line(f"read_spill, {len(found)} samples, elapsed", f"{seconds:.2f} s")
        live = StatsStore()
        CallStats(live).spill(Path(folder) / "live")
        cpu = process.cpu_times()
        seconds, _ = timed(lambda: append(live, samples), time.thread_time)
        live.end()
        read_spill(Path(folder) / "live")
        later = process.cpu_times()
        line("append while it is spilled, a sample", f"{seconds / len(samples) * 1e6:.0f} us")
        used_s = later.user + later.system - cpu.user - cpu.system
        line("append, spill and read back, CPU a sample", f"{used_s / len(samples) * 1e6:.0f} us")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.statistics", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3600, help="of the call, a poll each (default 3600)")
    parser.add_argument("--hours", type=float, default=4, help=f"of {CONNECTIONS} connections (default 4)")
    options = parser.parse_args()
    print(f"{machine()}\nload average at the start {psutil.getloadavg()[0]:.2f}")
    samples = list(polls(options.seconds))
    streams = sum(report["type"] in ("inbound-rtp", "outbound-rtp") for report in samples[0].reports)
    print(f"one connection: {len(samples)} polls, {len(samples[0].reports)} objects, {streams} streams\n")
    store = keep(samples)
    store.clear()
    append(store, samples)
    read(samples, store)
    spill(samples, store)
    newest(options.hours)


if __name__ == "__main__":
    main()
