"""``python -m benchmarks.bots``: what one, two and four Bots cost that send video, each to one other Bot.

The senders share one engine, as in one notebook; those who receive are in a process and engine of their own.
"""

import argparse
import itertools
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import psutil

from benchmarks.results import machine
from benchmarks.signaling.servers import OURS, server
from nbrtc import Bot

WIDTH, HEIGHT, FPS = 320, 240, 15.0
COUNTS = (1, 2, 4)
PATIENCE_S = 60.0
WARM_UP_S = 5.0
"""The encoder's bitrate has settled."""
PICTURES = 30


def pictures() -> list[np.ndarray]:
    """A clip in which everything moves, with some noise as cameras have it."""
    random = np.random.default_rng(1)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    clip = []
    for number in range(PICTURES):
        waves = 128 + 100 * np.sin((columns + 4 * number) / 20) * np.cos((rows + 2 * number) / 15)
        noise = random.normal(0, 4, (HEIGHT, WIDTH))
        clip.append(np.repeat(np.clip(waves + noise, 0, 255).astype(np.uint8)[..., None], 3, axis=2))
    return clip


def watch(url: str, count: int) -> None:
    """Receive in rooms 0, 1, ... until standard input ends."""
    with ExitStack() as stack:
        for number in range(count):
            stack.enter_context(Bot(room=f"room-{number}", name="Audience", server=url))
        print("here", flush=True)
        sys.stdin.read()


@contextmanager
def audience(url: str, count: int) -> Iterator[None]:
    """`watch` in a process of its own."""
    command = (sys.executable, "-m", "benchmarks.bots", "--watch", url, "--count", str(count))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            if not process.stdout.readline():
                raise RuntimeError("The audience did not come.")
            yield
        finally:
            process.stdin.close()
            process.wait(PATIENCE_S)


def measure(count: int, seconds: float) -> str:
    """A line of the table."""
    clip = pictures()
    with server(OURS) as running, audience(running.url, count), ExitStack() as stack:
        bots = [
            stack.enter_context(
                Bot(room=f"room-{number}", server=running.url, video=itertools.cycle(clip), fps=FPS)
            )
            for number in range(count)
        ]
        wait_until(lambda: all(is_seen(bot) for bot in bots), "every Bot has its audience")
        time.sleep(WARM_UP_S)
        kernel = psutil.Process()
        (engine,) = (one for one in kernel.children() if "nbrtc.engine" in " ".join(one.cmdline()))
        made = [pictures_of(bot) for bot in bots]
        engine_s, kernel_s, started_s = cpu_s(engine), cpu_s(kernel), time.monotonic()
        time.sleep(seconds)
        elapsed_s = time.monotonic() - started_s
        engine_cores = (cpu_s(engine) - engine_s) / elapsed_s
        kernel_cores = (cpu_s(kernel) - kernel_s) / elapsed_s
        fps = min(pictures_of(bot) - before for bot, before in zip(bots, made, strict=True)) / elapsed_s
    return f"{count:>4}{engine_cores:>14.3f}{engine_cores / count:>14.3f}{kernel_cores:>14.3f}{fps:>14.1f}"


def is_seen(bot: Bot) -> bool:
    return any(one.connection == "connected" for one in bot.participants.values() if not one.is_you)


def pictures_of(bot: Bot) -> int:
    status = bot.video_status
    return 0 if status is None else status.pictures


def cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"It took more than {PATIENCE_S:.0f} s until {what}.")
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bots", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each count (default 10)")
    parser.add_argument("--watch", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watch:
        watch(options.watch, options.count)
        return
    load = psutil.getloadavg()[0]
    print(f"{machine()}\nload average at the start {load:.2f}; {WIDTH}x{HEIGHT}@{FPS:g}, VP8\n")
    print(f"{'Bots':>4}{'engine cores':>14}{'per Bot':>14}{'kernel cores':>14}{'lowest fps':>14}")
    for count in COUNTS:
        print(measure(count, options.seconds), flush=True)


if __name__ == "__main__":
    main()
