"""How fast a dump loads, next to reading the same file and all its series as JSON: ``python -m
benchmarks.importing``.

The dumps are the captured ones of tests/data/dumps, made longer: each series is repeated with its counters
and times going on, in several connections, until the file has 10 MB; the lines of the other format are
repeated.
"""

import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any

from nbrtc.stats.dumps import load_dump

DUMPS = Path(__file__).parents[1] / "tests/data/dumps"
SIZE_BYTES = 10_000_000
ROUNDS = 7
POLLS = 600
"""Of each connection: ten minutes; Chrome keeps 1000."""


def main() -> None:
    """Print one line for each format."""
    print(f"{'':<22}{'size':>9}{'polls':>8}{'load_dump':>11}{'json.loads':>12}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        for name, data, parse in (
            ("webrtc-internals", series_dump(), parsed),
            (
                "webrtc-internals, gzip",
                gzip.compress(series_dump(), 6),
                lambda raw: parsed(gzip.decompress(raw)),
            ),
            ("rtcstats", lines_dump(), lambda raw: [json.loads(line) for line in raw.splitlines()[1:]]),
        ):
            path = Path(folder) / "dump"
            path.write_bytes(data)
            polls = len(load_dump(path))
            ours_s = median_s(lambda path=path: load_dump(path))  # type: ignore[misc]
            plain_s = median_s(lambda path=path, parse=parse: parse(path.read_bytes()))  # type: ignore[misc]
            print(
                f"{name:<22}{len(data) / 1e6:>6.1f} MB{polls:>8}{ours_s:>9.2f} s{plain_s:>10.2f} s"
                f"{ours_s / plain_s:>7.1f}"
            )


def parsed(data: bytes) -> list[Any]:
    """A webrtc-internals dump and the JSON in its strings, and nothing done with it."""
    connections = json.loads(data)["PeerConnections"].values()
    return [json.loads(series["values"]) for each in connections for series in each["stats"].values()]


def median_s(function: Callable[[], object]) -> float:
    """Seconds of one call."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def series_dump() -> bytes:
    """A dump of as many connections as it takes, each of ten minutes."""
    dump = json.loads(gzip.decompress((DUMPS / "chromium-156-internals.json.gz").read_bytes()))
    connections = dump["PeerConnections"]
    source = next(iter(connections.values()))
    long = {**source, "stats": {key: longer(key, value) for key, value in source["stats"].items()}}
    size = len(json.dumps(long))
    dump["PeerConnections"] = {f"8-{number}": long for number in range(ceil(SIZE_BYTES / size))}
    return json.dumps(dump).encode()


def longer(key: str, series: dict[str, Any]) -> dict[str, Any]:
    """A series that goes on: what grew goes on growing, a second each poll."""
    values = json.loads(series["values"])
    times = max(1, POLLS // 14)  # the captured call has 14 polls; partial series stay in proportion
    found = list(values)
    is_time = key.endswith("-timestamp")
    grows = all(type(value) in (int, float) for value in values) and values == sorted(values)
    step = values[-1] - values[0] if grows else 0
    for number in range(1, times):
        shift = 14_000 * number if is_time else step * number
        found += [value + shift for value in values] if grows or is_time else values
    start, end = (datetime.fromisoformat(series[name]).timestamp() for name in ("startTime", "endTime"))
    last = datetime.fromtimestamp(end + 14 * (times - 1), UTC).isoformat(timespec="milliseconds")
    first = datetime.fromtimestamp(start, UTC).isoformat(timespec="milliseconds")
    return {**series, "startTime": first, "endTime": last, "values": json.dumps(found)}


def lines_dump() -> bytes:
    """The polls of the other format, again and again."""
    lines = gzip.decompress((DUMPS / "chromium-156-rtcstats.gz").read_bytes()).splitlines()
    polls = [line for line in lines if line.startswith(b'["getStats"')]
    size = sum(map(len, polls))
    return b"\n".join(lines[:20] + polls * ceil(SIZE_BYTES / size))


if __name__ == "__main__":
    main()
