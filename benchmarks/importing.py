"""``python -m benchmarks.importing``: how fast a dump of 10 MB loads, next to reading it as JSON.

The dumps are those of tests/data, made longer: each series is repeated with its counters and times going on,
in several connections, until the file has 10 MB; of the formats that consist of lines the polls are repeated.
"""

import gzip
import json
import tempfile
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.results import machine
from nbrtc.stats.dumps import load_dump

DATA = Path(__file__).parents[1] / "tests/data"
SIZE_BYTES = 10_000_000
TARGET_S = 2.0
ROUNDS = 7
POLLS = 630
"""Of each connection, about ten minutes; Chrome keeps 1000."""


def main() -> None:
    """Print one line for each format."""
    print(f"{machine()}\nload average at the start {psutil.getloadavg()[0]:.2f}\n")
    print(f"{'':<34}{'size':>9}{'polls':>9}{'load_dump':>11}{'CPU':>9}{'json.loads':>14}{'ratio':>7}")
    slowest_s = most_s = 0.0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of dumps that end early
        for name, data in dumps():
            path = Path(folder) / "dump"
            path.write_bytes(data)
            polls = len(load_dump(path))
            elapsed_s, ours_s, plain_s = medians_s(path)
            slowest_s, most_s = max(slowest_s, elapsed_s), max(most_s, ours_s)
            print(
                f"{name:<34}{len(data) / 1e6:>6.1f} MB{polls:>9,}{elapsed_s:>9.2f} s{ours_s:>7.2f} s"
                f"{plain_s:>8.2f} s CPU{ours_s / plain_s:>7.1f}",
                flush=True,
            )
    verdict = "reached" if slowest_s < TARGET_S else "missed"
    print(
        f"\n{verdict:<9}{slowest_s:.2f} s  < {TARGET_S:g} s  the slowest format ({most_s:.2f} s of the CPU)"
    )


def dumps() -> list[tuple[str, bytes]]:
    """Each format by name."""
    internals = gzip.decompress((DATA / "dumps/chromium-156-internals.json.gz").read_bytes())
    series = series_dump(internals)
    return [
        ("webrtc-internals, Chromium 156", series),
        ("the same, gzip", gzip.compress(series, 6)),
        ("webrtc-internals, Chromium 86", series_dump((DATA / "dumps/internals-m86.json").read_bytes())),
        ("rtcstats, Chromium 156", lines_dump("dumps/chromium-156-rtcstats.gz")),
        ("rtcstats of Jitsi, Chrome", lines_dump("rtcstats/jitsi_google-standard-stats-p2p.rtcstats.gz")),
        ("rtcstats of Jitsi, Firefox", lines_dump("rtcstats/jitsi_firefox-standard-stats-sfu.rtcstats.gz")),
        ("rtcstats of Jitsi, Safari", lines_dump("rtcstats/jitsi_safari-standard-stats.rtcstats.gz")),
        ("rtcstats of Jitsi, goog", lines_dump("rtcstats/jitsi_google-legacy-stats-p2p.rtcstats.gz")),
    ]


def parsed(path: Path) -> list[Any]:
    """The JSON of a dump, also that in its strings, and nothing done with it."""
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    if not data.startswith(b"{"):
        return [json.loads(line) for line in data.splitlines() if line.startswith((b"[", b"{"))]
    connections = json.loads(data)["PeerConnections"].values()
    return [json.loads(series["values"]) for each in connections for series in each["stats"].values()]


def medians_s(path: Path) -> tuple[float, float, float]:
    """Loading, elapsed and CPU, and plain JSON, CPU: in turns, because the machine changes."""
    rounds = []
    for _ in range(ROUNDS):
        elapsed_s, ours_s = timed(load_dump, path)
        rounds.append((elapsed_s, ours_s, timed(parsed, path)[1]))
    elapsed, ours, plain = zip(*rounds, strict=True)
    return median(elapsed), median(ours), median(plain)


def timed(function: Callable[[Path], object], path: Path) -> tuple[float, float]:
    """Seconds of one call, elapsed and of the CPU."""
    began_s, cpu_s = time.perf_counter(), time.process_time()
    function(path)
    return time.perf_counter() - began_s, time.process_time() - cpu_s


def series_dump(captured: bytes) -> bytes:
    """A dump of as many connections as it takes, each of ten minutes."""
    dump = json.loads(captured)
    key, source = next(iter(dump["PeerConnections"].items()))
    polls = max(len(json.loads(series["values"])) for series in source["stats"].values())
    long = {**source, "stats": {name: longer(name, one, polls) for name, one in source["stats"].items()}}
    count = ceil(SIZE_BYTES / len(json.dumps(long)))
    pid = key.split("-")[0]
    dump["PeerConnections"] = {f"{pid}-{number}": long for number in range(count)}
    return json.dumps(dump).encode()


def longer(key: str, series: dict[str, Any], polls: int) -> dict[str, Any]:
    """A series that goes on, a second each poll: what grew goes on growing, what was partial stays so."""
    values = json.loads(series["values"])
    times = max(1, POLLS // polls)
    found = list(values)
    is_time = key.endswith("-timestamp")
    grows = all(type(value) in (int, float) for value in values) and values == sorted(values)
    step = values[-1] - values[0] if grows else 0
    for number in range(1, times):
        shift = 1000 * polls * number if is_time else step * number
        found += [value + shift for value in values] if grows or is_time else values
    start, end = (datetime.fromisoformat(series[name]).timestamp() for name in ("startTime", "endTime"))
    last = datetime.fromtimestamp(end + polls * (times - 1), UTC).isoformat(timespec="milliseconds")
    first = datetime.fromtimestamp(start, UTC).isoformat(timespec="milliseconds")
    return {**series, "startTime": first, "endTime": last, "values": json.dumps(found)}


def lines_dump(name: str) -> bytes:
    """What comes before the first poll, then the polls again and again."""
    lines = gzip.decompress((DATA / name).read_bytes()).splitlines()
    is_poll = [line.lower().startswith(b'["getstats"') for line in lines]
    polls = [line for line, is_one in zip(lines, is_poll, strict=True) if is_one]
    return b"\n".join(lines[: is_poll.index(True)] + polls * ceil(SIZE_BYTES / sum(map(len, polls))))


if __name__ == "__main__":
    main()
