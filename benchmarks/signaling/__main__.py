"""``python -m benchmarks.signaling``: load the room server and npm's socket.io in turns, and compare them."""

import argparse
import os
import time
from dataclasses import dataclass

from benchmarks.contenders import artifacts
from benchmarks.signaling.generator import generator
from benchmarks.signaling.report import Idle, Relay, Results, report
from benchmarks.signaling.servers import COMMANDS, server

BYTES = 200
"""Of a relayed message, as its sender's packet."""
PAIRS = 20
WINDOW = 8
"""Messages of one client that are on their way at the same time."""
PER_ROOM = 10
WARM_UP_S = 1.0


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: float
    clients: int


def measure_relay(name: str, plan: Plan, *, acknowledged: bool) -> Relay:
    """Messages of pairs, each in a room of its own."""
    with server(name) as running, generator(running.url) as clients:
        clients.ask("join", clients=2 * PAIRS, perRoom=2)
        clients.ask("relay", bytes=BYTES, window=WINDOW, acknowledged=acknowledged)
        time.sleep(WARM_UP_S)
        before, cpu_s, started_s = clients.ask("count")["delivered"], running.cpu_s(), time.monotonic()
        time.sleep(plan.seconds)
        delivered = clients.ask("count")["delivered"] - before
        relay = Relay(delivered, running.cpu_s() - cpu_s, time.monotonic() - started_s)
        total = clients.ask("stop")
        if total["delivered"] != total["sent"]:
            raise RuntimeError(f"{name} lost messages: {total}")
        return relay


def measure_idle(name: str, plan: Plan) -> Idle:
    """People who come one after the other, and then do nothing."""
    with server(name) as running, generator(running.url) as clients:
        clients.ask("join", clients=PER_ROOM, perRoom=PER_ROOM)  # what every server needs once
        before = running.memory_bytes()
        latencies_ms = clients.ask("join", clients=plan.clients, perRoom=PER_ROOM)["latenciesMs"]
        return Idle(running.memory_bytes() - before, plan.clients, latencies_ms)


def main() -> None:
    plan = read_plan()
    results = Results(BYTES, PAIRS, WINDOW, os.getloadavg()[0])
    for number in range(plan.rounds):
        print(f"round {number + 1} of {plan.rounds}", flush=True)
        for name in COMMANDS:
            results.relays[name].append(measure_relay(name, plan, acknowledged=False))
            results.acknowledged[name].append(measure_relay(name, plan, acknowledged=True))
            results.idles[name].append(measure_idle(name, plan))
    results.write(artifacts() / "signaling.json")
    print("\n" + "\n".join(report(results)))


def read_plan() -> Plan:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.signaling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="that count (default 3)")
    parser.add_argument("--seconds", type=float, default=5, help="of every relay (default 5)")
    parser.add_argument("--clients", type=int, default=1000, help="idle ones (default 1000)")
    parser.add_argument("--quick", action="store_true", help="one round of 1 s, 100 clients: does it work?")
    options = parser.parse_args()
    if options.quick:
        return Plan(rounds=1, seconds=1.0, clients=100)
    return Plan(rounds=options.rounds, seconds=options.seconds, clients=options.clients)


if __name__ == "__main__":
    main()
