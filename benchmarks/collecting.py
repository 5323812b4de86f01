"""``python -m benchmarks.collecting``: what collecting the statistics of a call with ten connections costs.

A page polls each connection once a second, plots it and tells it; that is measured in real time, beside the
same page that does not. The engine decodes, judges and forwards a poll, the kernel decodes and keeps it; both
are run here as fast as they go, on polls of a real Chromium, beside an engine whose call nobody has joined.
All is counted in CPU seconds a second of call.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable

import msgspec
import psutil

from benchmarks.polling import polling
from benchmarks.results import machine
from benchmarks.statistics import CONNECTIONS, polls
from nbrtc import Call
from nbrtc.engine.board import Board
from nbrtc.engine.watch import JUDGED_S, Watch
from nbrtc.messages import (
    CallState,
    Notification,
    Quality,
    StatsArrived,
    StatsSample,
    decode_intent,
    decode_notification,
    encode_bridge,
    encode_json,
)
from nbrtc.stats import StatsStore

ROUNDS = 5
read = msgspec.json.Decoder(StatsSample).decode


def second_by_second(seconds: int) -> list[list[bytes]]:
    """For each second what the page says, one message a connection."""
    return [
        [
            encode_json(msgspec.structs.replace(sample, peer="python" if peer == 0 else f"peer {peer}"))
            for peer in range(CONNECTIONS)
        ]
        for sample in polls(seconds)
    ]


def cpu_s(work: Callable[[], object], seconds: int) -> float:
    """CPU seconds a second of call: the median of several rounds."""
    rounds = []
    for _ in range(ROUNDS):
        began_s = time.process_time()
        work()
        rounds.append((time.process_time() - began_s) / seconds)
    return statistics.median(rounds)


async def engine(said: list[list[bytes]]) -> dict[str, float]:
    """Each step of the engine by itself, the last one all together."""
    samples = [[decode_intent(text) for text in second] for second in said]
    sent: list[bytes] = []

    def send(notification: Notification) -> None:
        sent[:] = [encode_bridge(notification)]

    def watch() -> Watch:
        state = CallState(quality=Quality(1280, 720, 30))
        made = Watch(Board("call", state, send))
        made.follow(state)
        return made

    def decode() -> None:
        for second in said:
            for text in second:
                decode_intent(text)

    def forward() -> None:
        for second in samples:
            for sample in second:
                assert isinstance(sample, StatsSample)
                send(StatsArrived(call="call", sample=sample))

    def everything() -> None:
        taken = watch()
        for second in said:
            for text in second:
                sample = decode_intent(text)
                assert isinstance(sample, StatsSample)
                taken.take_sample(sample)
            taken._look()  # what its timer does every second
        taken.close()

    seconds = len(said)
    found = {"decode": cpu_s(decode, seconds), "forward": cpu_s(forward, seconds)}
    total = cpu_s(everything, seconds)
    judge = total - sum(found.values())
    return found | {f"judge, and find every {JUDGED_S:g} s": judge, "together": total}


def kernel(said: list[list[bytes]]) -> dict[str, float]:
    """What the bridge's thread does."""
    packed = [
        [encode_bridge(StatsArrived(call="call", sample=read(text))) for text in second] for second in said
    ]

    def decode() -> None:
        for second in packed:
            for data in second:
                decode_notification(data)

    def everything() -> None:
        store = StatsStore()
        for second in packed:
            for data in second:
                notification = decode_notification(data)
                assert isinstance(notification, StatsArrived)
                store.append(notification.sample)

    seconds = len(said)
    decoding, total = cpu_s(decode, seconds), cpu_s(everything, seconds)
    return {"decode": decoding, "keep": total - decoding, "together": total}


def idle_engine(seconds: float) -> float:
    """CPU seconds a second of an engine with one call that nobody has joined."""
    call = Call()
    call.engine_status()
    (process,) = (one for one in psutil.Process().children() if "nbrtc.engine" in " ".join(one.cmdline()))
    time.sleep(1)  # its imports are done
    began, began_s = process.cpu_times(), time.monotonic()
    time.sleep(seconds)
    used, elapsed_s = process.cpu_times(), time.monotonic() - began_s
    call.close()
    return float(used.user + used.system - began.user - began.system) / elapsed_s


def show(title: str, figures: dict[str, float], idle: float) -> None:
    for what, used in figures.items():
        print(f"{title + ', ' + what:<48}{1000 * used:>10.2f} ms/s{100 * used:>9.2f} %{used / idle:>12.2f}")


def show_page(seconds: float) -> None:
    page = polling(CONNECTIONS, seconds)
    what = f"page, {page.polls_a_second:.1f} polls/s of {page.bytes_a_poll} bytes of JSON"
    print(f"{what:<48}{'CPU':>15}{'of a core':>11}{'/ without':>12}")
    for title, idle, used in (
        ("page, main thread", page.without.main_thread, page.collecting.main_thread),
        ("page, its process", page.without.renderer, page.collecting.renderer),
    ):
        show(title, {"without collecting": idle, "collecting": used, "difference": used - idle}, idle)
    if page.polls_a_second < 0.9 * CONNECTIONS:
        print("void: the machine is too busy for a poll a second, so the page's figures are too low")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collecting", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of the call in each round (default 60)")
    parser.add_argument("--page-seconds", type=int, default=10, help="the same in the page (default 10)")
    options = parser.parse_args()
    print(f"{machine()}\nload average at the start {psutil.getloadavg()[0]:.2f}")
    print(f"{CONNECTIONS} connections, a poll a second of each\n")
    show_page(options.page_seconds)
    said = second_by_second(options.seconds)
    size = sum(map(len, said[-1])) / CONNECTIONS
    idle = idle_engine(30)  # its CPU time is told in steps of 10 ms
    what = f"Python, {size:.0f} bytes of JSON a poll"
    print(f"\n{what:<48}{'CPU':>15}{'of a core':>11}{'/ idle':>12}")
    show("engine", {"idle, its beats and nothing else": idle}, idle)
    show("engine", asyncio.run(engine(said)), idle)
    show("kernel", kernel(said), idle)


if __name__ == "__main__":
    main()
