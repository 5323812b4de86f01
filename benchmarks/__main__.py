"""``python -m benchmarks``: play the rounds, print the table, write the figures to ``artifacts/``."""

import argparse
import math
from pathlib import Path

from benchmarks import audio_delay, clip
from benchmarks.chromium import chromium
from benchmarks.contenders import artifacts
from benchmarks.footprint import footprint
from benchmarks.jupyterlab import jupyterlab
from benchmarks.ours import Ours
from benchmarks.report import report
from benchmarks.results import Results
from benchmarks.rounds import CONTENDERS, Plan, play

STATIC = Path(__file__).parent.parent / "src" / "nbrtc" / "static"


def main() -> None:
    plan = read_plan()
    results = Results(plan.seconds)
    if Ours in plan.contenders:
        results.footprint = footprint(STATIC)
        results.audio, results.stock_audio = audio_delay.ours(), audio_delay.stock()
    video, tone = artifacts() / "clip.y4m", artifacts() / "tone.wav"
    clip.write_video(video)
    clip.write_tone(tone)
    with jupyterlab() as lab, chromium(video, tone) as browser:
        play(plan, results, lab, browser)
    results.write(artifacts() / "results.json")
    print("\n" + "\n".join(report(results)))
    if results.failures:
        raise SystemExit(1)


def read_plan() -> Plan:
    """From the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="that count (default 5)")
    parser.add_argument("--seconds", type=float, default=10, help="of every phase (default 10)")
    parser.add_argument(
        "--floor-limit", type=float, default=35, metavar="MS", help="beyond it a round is void (35)"
    )
    parser.add_argument("--quick", action="store_true", help="one round of 4 s at any load: does it work?")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="contenders to run, by name")
    options = parser.parse_args()
    names = [contender.name for contender in CONTENDERS]
    if unknown := set(options.only) - set(names):
        parser.error(f"no contender {', '.join(map(repr, unknown))}; there are {', '.join(map(repr, names))}")
    return Plan(
        contenders=tuple(one for one in CONTENDERS if not options.only or one.name in options.only),
        rounds=1 if options.quick else options.rounds,
        seconds=4.0 if options.quick else options.seconds,
        floor_limit_ms=math.inf if options.quick else options.floor_limit,
    )


if __name__ == "__main__":
    main()
