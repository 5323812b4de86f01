"""``python -m benchmarks.effects``: what a frame costs in the page's effects, beside the naive loop.

In headless Chromium, the astronaut at 1280x720. *nbrtc* is everything that an effect adds to a frame: its
planes copied out, the operation, a new frame of them, and its close. *naive* is drawImage, getImageData,
JavaScript for each pixel, and putImageData. They take turns: whatever else the machine does hits both.
*In the worker* is the way there and back through the widget's own worker, one frame at a time, which is also
how blur is measured: its segmenter and all the rest run on that one thread.
"""

import argparse
import base64
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from benchmarks.pages import BundledPage, bundled_page
from benchmarks.results import machine
from nbrtc.messages import EFFECTS, EffectName

ASTRONAUT = Path(__file__).parents[1] / "tests" / "data" / "astronaut" / "astronaut.png"
COLOURS: tuple[EffectName, ...] = ("grayscale", "sepia", "invert", "brightness", "contrast")
OTHERS: tuple[EffectName, ...] = ("mirror", "pixelate", "edge")
STATIC = Path(__file__).parents[1] / "src" / "nbrtc" / "static"
TARGET = 0.1
"""Of the naive loop's time, for a colour effect."""
BLUR_TARGET_FPS = 24
IN_WORKER: tuple[EffectName, ...] = ("grayscale", "contrast", "edge", "blur")
WORKER_FRAMES = 24
FRAMES_A_TURN = 8
"""The page's clock has steps of 0.1 ms."""


@dataclass(frozen=True)
class Timed:
    """Milliseconds a frame in every turn."""

    title: str
    is_colour: bool
    ours_ms: list[float]
    naive_ms: list[float]

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return median(self.ours_ms) / median(self.naive_ms)


def variants() -> list[tuple[EffectName, float | None]]:
    """Every effect at its usual strength, and colour effects at others that cost more or less."""
    usual: list[tuple[EffectName, float | None]] = [(name, None) for name in (*COLOURS, *OTHERS)]
    return [*usual, ("brightness", 1.0), ("brightness", -0.5), ("contrast", 1.0), ("sepia", 0.5)]


def measure(page: BundledPage, turns: int) -> list[Timed]:
    timed: list[Timed] = []
    for name, strength in variants():
        effect = {"name": name, "strength": strength}
        title = name if strength is None else f"{name} {strength:g}"
        one = Timed(title, name in COLOURS, [], [])
        page.call("speed.ours", effect, 4 * FRAMES_A_TURN)  # compiled, and compiled again for speed
        page.call("speed.naive", effect, FRAMES_A_TURN)
        for _ in range(turns):
            one.ours_ms.append(page.call("speed.ours", effect, FRAMES_A_TURN))
            one.naive_ms.append(page.call("speed.naive", effect, FRAMES_A_TURN))
        timed.append(one)
    return timed


def report(copying_ms: float, timed: list[Timed]) -> None:
    print(f"\n{'ms a frame':<18}{'nbrtc':>8}{'naive':>9}{'nbrtc / naive':>16}{'frames/s':>11}")
    print(f"{'copied, no effect':<18}{copying_ms:>8.2f}")
    for one in timed:
        ours = median(one.ours_ms)
        print(
            f"{one.title:<18}{ours:>8.2f}{median(one.naive_ms):>9.2f}{one.ratio:>16.3f}{1000 / ours:>11.0f}"
        )
    print()
    for one in timed:
        if one.is_colour:
            verdict = "reached" if one.ratio <= TARGET else "missed"
            print(f"{verdict:<9}{one.ratio:>6.3f}  <= {TARGET:g} of the naive loop: {one.title}")


def in_worker(page: BundledPage, turns: int, graphics: str) -> tuple[dict[str, float], str]:
    """Milliseconds a frame, and what found the person."""
    packed = {
        path.stem: base64.b64encode(path.read_bytes()).decode() for path in STATIC.glob("segmenter*.gz")
    }
    page.call("speed.prepare", packed, graphics)
    found: dict[str, list[float]] = {name: [] for name in IN_WORKER}
    for turn in range(turns + 1):
        for name, times in found.items():
            spent_ms = page.call("speed.worker", {"name": name, "strength": None}, WORKER_FRAMES)
            if turn > 0:  # the first one warms up
                times.append(spent_ms)
    finder = page.call("speed.finder")
    page.call("speed.close")
    by = "not settled" if finder is None else f"{finder['processor']} ({finder['why']})"
    return {name: median(times) for name, times in found.items()}, by


def blurring(page: BundledPage, turns: int) -> dict[str, float]:
    """Milliseconds a frame, of blur without its segmenter."""
    found: dict[str, list[float]] = {"a mask given": [], "all blurred": []}
    for _ in range(turns):
        for title, times in found.items():
            times.append(page.call("speed.blurring", title == "a mask given", 4 * FRAMES_A_TURN))
    return {title: median(times) for title, times in found.items()}


def report_blurring(found: dict[str, float]) -> None:
    print(f"\n{'blur, in the page':<18}{'ms a frame':>12}")
    for title, spent_ms in found.items():
        print(f"{title:<18}{spent_ms:>12.2f}")


def report_worker(found: dict[str, float], by: str) -> None:
    print(f"\n{'in the worker':<18}{'ms a frame':>12}{'frames/s':>11}")
    for name, spent_ms in found.items():
        print(f"{name:<18}{spent_ms:>12.2f}{1000 / spent_ms:>11.0f}")
    fps = 1000 / found["blur"]
    print(f"\nthe person was found by: {by}")
    verdict = "reached" if fps >= BLUR_TARGET_FPS else "missed"
    print(f"\n{verdict:<9}{fps:>6.1f}  >= {BLUR_TARGET_FPS} frames/s: blur")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.effects", description=__doc__)
    parser.add_argument("--turns", type=int, default=25, help=f"of {FRAMES_A_TURN} frames each (default 25)")
    parser.add_argument("--width", type=int, default=1280, help="of the camera (default 1280)")
    parser.add_argument("--height", type=int, default=720, help="of the camera (default 720)")
    parser.add_argument(
        "--graphics",
        choices=("auto", "never", "always"),
        default="auto",
        help="the graphics processor finds the person: where it is faster (auto), never, or always",
    )
    options = parser.parse_args()
    if missing := set(COLOURS + OTHERS) - set(EFFECTS):
        parser.error(f"no effect {', '.join(sorted(missing))}")
    print(f"{machine()}\nload average at the start {psutil.getloadavg()[0]:.2f}")
    print(f"{options.width}x{options.height}, median of {options.turns} turns of {FRAMES_A_TURN} frames")
    picture = base64.b64encode(ASTRONAUT.read_bytes()).decode()
    with bundled_page("effects-speed-page.ts") as page:
        page.call("speed.show", f"data:image/png;base64,{picture}", options.width, options.height)
        nothing = {"name": "none", "strength": None}
        copying = [page.call("speed.ours", nothing, FRAMES_A_TURN) for _ in range(options.turns)]
        timed = measure(page, options.turns)
        parts = blurring(page, options.turns)
        worker, by = in_worker(page, max(3, options.turns // 5), options.graphics)
    report(median(copying), timed)
    report_blurring(parts)
    report_worker(worker, by)


if __name__ == "__main__":
    main()
