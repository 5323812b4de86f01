"""The figures of a run: medians of the rounds, and what they come to."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.results import machine
from benchmarks.signaling.servers import COMMANDS, NPM, OURS
from benchmarks.targets import Target


@dataclass(frozen=True)
class Relay:
    """Messages that arrived while they were counted."""

    messages: int
    cpu_s: float
    """Of the server."""
    seconds: float

    @property
    def per_cpu_s(self) -> float:
        return self.messages / self.cpu_s

    @property
    def per_s(self) -> float:
        return self.messages / self.seconds


@dataclass(frozen=True)
class Idle:
    """Clients that have joined and do nothing."""

    memory_bytes: int
    """Resident memory of the server with them, minus before."""
    clients: int
    latencies_ms: list[float]
    """From opening the socket to the acknowledgement of joining, one client after the other."""

    @property
    def bytes_per_client(self) -> float:
        return self.memory_bytes / self.clients


def _for_each() -> dict[str, list[Any]]:
    return {name: [] for name in COMMANDS}


@dataclass
class Results:
    """By server, a value for each round."""

    message_bytes: int
    pairs: int
    window: int
    load_average: float
    relays: dict[str, list[Relay]] = field(default_factory=_for_each)
    acknowledged: dict[str, list[Relay]] = field(default_factory=_for_each)
    idles: dict[str, list[Idle]] = field(default_factory=_for_each)

    def write(self, path: Path) -> None:
        text = msgspec.json.encode({"machine": machine(), **asdict(self)})
        path.write_bytes(msgspec.json.format(text, indent=1))


Row = tuple[str, str, Callable[[Results, str], float]]

ROWS: tuple[Row, ...] = (
    ("relayed messages per server-CPU-second", ",.0f", lambda r, name: _median(r.relays[name], "per_cpu_s")),
    ("the same, each acknowledged", ",.0f", lambda r, name: _median(r.acknowledged[name], "per_cpu_s")),
    ("relayed messages per second", ",.0f", lambda r, name: _median(r.relays[name], "per_s")),
    ("the same, each acknowledged", ",.0f", lambda r, name: _median(r.acknowledged[name], "per_s")),
    ("memory per idle client, kB", ".1f", lambda r, name: _median(r.idles[name], "bytes_per_client") / 1000),
    ("connect and join, p50 ms", ".2f", lambda r, name: _latency_ms(r.idles[name], 50)),
    ("connect and join, p95 ms", ".2f", lambda r, name: _latency_ms(r.idles[name], 95)),
)


def report(results: Results) -> Iterator[str]:
    """Lines for standard output."""
    yield machine()
    yield (
        f"{len(results.relays[OURS])} rounds, load average at the start {results.load_average:.2f}; "
        f"messages of {results.message_bytes} B in {results.pairs} pairs, "
        f"{results.window} of each client on their way"
    )
    yield ""
    yield f"{'':<42}{OURS:>14}{NPM:>16}{'ratio':>8}"
    for what, style, value in ROWS:
        ours, npm = value(results, OURS), value(results, NPM)
        yield f"{what:<42}{ours:>14{style}}{npm:>16{style}}{ours / npm:>8.2f}"
    yield ""
    yield from map(str, _targets(results))


def _targets(results: Results) -> Iterator[Target]:
    per_cpu_s = _median(results.relays[OURS], "per_cpu_s")
    yield Target("relayed messages per server-CPU-second", per_cpu_s / 1000, 12, "k", at_least=True)
    idle = results.idles[OURS][0]
    megabytes = _median(results.idles[OURS], "memory_bytes") / 1e6
    yield Target(f"more memory with {idle.clients:,} idle clients", megabytes, 60, "MB")


def _median(values: list[Relay] | list[Idle], name: str) -> float:
    return statistics.median(float(getattr(value, name)) for value in values)


def _latency_ms(idles: list[Idle], percentile: int) -> float:
    """Of all rounds together."""
    latencies_ms = [latency for idle in idles for latency in idle.latencies_ms]
    return statistics.quantiles(latencies_ms, n=100)[percentile - 1]
