"""``python -m benchmarks.composing``: how much faster than real time a film of a recording is made.

Two people of 1280x720 at 30/s, VP8 and Opus, as a call leaves them; "pip" at 1280x720 into each container.
The
film's process is the one that a call starts; its memory is looked at while it runs. Where the time goes is
measured in a run of its own, inside this process.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.results import machine
from nbrtc.recordings.film import faces, picture, voices
from nbrtc.recordings.film.production import Production
from nbrtc.recordings.film.progress import read
from nbrtc.recordings.manifest import NAME
from tests.unit.staged_recordings import Actor, Clip, stage

CORES = 2
TARGET = 2.0
"""Times real time, on two cores. "By CPU" is what they would do with nothing else to do and no waiting."""
MEMORY_TARGET = 1.1
"""The most at the end, over the most in the first half."""
CODECS = {".mp4": "H.264, AAC", ".mkv": "H.264, Opus", ".webm": "VP8, Opus"}


def main() -> None:
    """Print one line for each container, then where the time goes."""
    options = arguments()
    print(f"{machine()}\nload average at the start {psutil.getloadavg()[0]:.2f}\n")
    with tempfile.TemporaryDirectory() as folder:
        lesson = Path(folder) / "lesson"
        voice = tuple((float(at), at + 3000.0) for at in range(0, round(options.seconds * 1000), 6000))
        clip = Clip(seconds=options.seconds, size=(1280, 720), busy=True, key_every=300, speaks_ms=voice)
        stage(lesson, Actor("Ada", (clip,), id="you", tint="red"), Actor("Bob", (clip,), tint="blue"))
        titles = f"{'elapsed':>9}{'x real time':>13}{'CPU':>9}{'by CPU':>9}{'size':>9}{'memory, halves':>18}"
        print(f"{'':<22}{titles}")
        slowest, growth = float("inf"), 0.0
        for suffix, codecs in CODECS.items():
            run = film(lesson, Path(folder) / f"film{suffix}")
            factor = options.seconds / run.elapsed_s
            slowest, growth = min(slowest, factor), max(growth, run.growth)
            print(
                f"{suffix:<7}{codecs:<15}{run.elapsed_s:>7.1f} s{factor:>12.1f} {run.cpu_s:>7.1f} s"
                f"{CORES * options.seconds / run.cpu_s:>9.1f}"
                f"{run.size_bytes / 1e6:>6.1f} MB{run.half_mb[0]:>8.0f}, {run.half_mb[1]:.0f} MB",
                flush=True,
            )
        print("\nwhere the time goes, in ms a picture (.mp4):")
        for name, each_ms in stages(lesson, Path(folder) / "staged.mp4", options.seconds * 30).items():
            print(f"  {name:<52}{each_ms:>7.2f}")
    print()
    print(f"{'reached' if slowest >= TARGET else 'missed':<9}{slowest:.1f}  >= {TARGET:g}  x real time")
    print(f"{'reached' if growth <= MEMORY_TARGET else 'missed':<9}{growth:.2f} <= {MEMORY_TARGET:g}  memory")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.composing", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="of the recording (60)")
    return parser.parse_args()


@dataclass
class Run:
    elapsed_s: float = 0.0
    cpu_s: float = 0.0
    size_bytes: int = 0
    memory_bytes: list[tuple[float, int]] = field(default_factory=list)
    """Resident, by the fraction that was done."""

    @property
    def half_mb(self) -> tuple[float, float]:
        """The most in the first half, and in the second."""
        halves = ([0], [0])
        for fraction, resident in self.memory_bytes:
            halves[fraction > 0.5].append(resident)
        return max(halves[0]) / 1e6, max(halves[1]) / 1e6

    @property
    def growth(self) -> float:
        return self.half_mb[1] / self.half_mb[0] if self.half_mb[0] else 0.0


def film(lesson: Path, target: Path) -> Run:
    """Let the process make it, and look at it with every line that it says."""
    command = [sys.executable, "-m", "nbrtc.recordings.film", str(lesson / NAME), "--layout", "pip"]
    run, started_s = Run(), time.monotonic()
    with subprocess.Popen(
        [*command, "--to", str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        watched = psutil.Process(process.pid)
        for text in process.stdout:
            line = read(text)
            if line.error is not None:
                raise SystemExit(line.error)
            run.elapsed_s, run.size_bytes = time.monotonic() - started_s, line.size_bytes
            if line.fraction is not None:
                run.memory_bytes.append((line.fraction, watched.memory_info().rss))
                times = watched.cpu_times()
                run.cpu_s = times.user + times.system
    return run


def stages(lesson: Path, target: Path, pictures: int) -> dict[str, float]:
    """What each part of the work takes on its thread, in milliseconds a picture."""
    taken: dict[str, float] = defaultdict(float)

    def measured(name: str, owner: Any, method: str) -> Callable[[], None]:
        original = getattr(owner, method)

        def around(*args: Any, **named: Any) -> Any:
            started_s = time.thread_time()
            try:
                return original(*args, **named)
            finally:
                taken[name] += time.thread_time() - started_s

        setattr(owner, method, around)
        return lambda: setattr(owner, method, original)

    undo = [
        measured("decoding, beside the decoders' own threads", faces.Face, "at"),
        measured("scaling and captions", picture._Painted, "update"),
        measured("pasting", picture.Painter, "_composed"),
        measured("sound", voices.Mixer, "block"),
    ]
    started_s, started = time.thread_time(), time.process_time()
    try:
        production = Production(lesson / NAME, "pip", target, width=1280, height=720, fps=30)
        production.run(lambda fraction: None, lambda: False)
    finally:
        for one in undo:
            one()
    main_s, all_s = time.thread_time() - started_s, time.process_time() - started
    written_s = production._encoder.cpu_s
    taken["everything else on the first thread"] = main_s - sum(taken.values())
    taken["encoding's thread: sound, writing, pictures handed over"] = written_s
    taken["threads of the decoders and of the picture's encoder"] = all_s - main_s - written_s
    return {name: seconds * 1000 / pictures for name, seconds in taken.items()}


if __name__ == "__main__":
    main()
