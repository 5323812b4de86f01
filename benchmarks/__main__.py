"""``python -m benchmarks``: play the rounds, print the table, write the figures to ``artifacts/``."""

import argparse
from pathlib import Path

import psutil

from benchmarks import audio_delay, clip
from benchmarks.chromium import Chromium, chromium
from benchmarks.contenders import BareEcho, Contender, Floor, RecordingEcho, artifacts
from benchmarks.footprint import footprint
from benchmarks.jupyterlab import JupyterLab, jupyterlab
from benchmarks.ours import Ours, OursWithCallback
from benchmarks.report import report
from benchmarks.results import Results, Round
from benchmarks.session import measure
from benchmarks.targets import FLOOR

CONTENDERS: tuple[type[Contender], ...] = (Floor, BareEcho, Ours, OursWithCallback, RecordingEcho)

FLOOR_LIMIT_MS = 35
"""A round whose floor is slower ran on a machine that was busy with something else."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="that count (default 5)")
    parser.add_argument("--seconds", type=float, default=10, help="of every phase (default 10)")
    parser.add_argument("--quick", action="store_true", help="one round of 4 s, to see that it works")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="contenders to run, by name")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 4.0
    unknown = set(options.only) - {contender.name for contender in CONTENDERS}
    if unknown:
        parser.error(f"no contender {unknown}; there are {[contender.name for contender in CONTENDERS]}")
    chosen = [contender for contender in CONTENDERS if not options.only or contender.name in options.only]

    static = Path(__file__).parent.parent / "src" / "nbrtc" / "static"
    results = Results(options.seconds)
    if Ours in chosen:
        results.footprint = footprint(static)
        results.audio, results.stock_audio = audio_delay.ours(), audio_delay.stock()
    video, tone = artifacts() / "clip.y4m", artifacts() / "tone.wav"
    clip.write_video(video)
    clip.write_tone(tone)
    with jupyterlab() as lab, chromium(video, tone) as browser:
        play(results, chosen, lab, browser, options.rounds)
    results.write(artifacts() / "results.json")
    print("\n" + "\n".join(report(results)))


def play(
    results: Results, chosen: list[type[Contender]], lab: JupyterLab, browser: Chromium, rounds: int
) -> None:
    """Let the contenders alternate until `rounds` rounds count; as many again may be void."""
    for number in range(2 * rounds):
        if len(results.rounds) == rounds:
            return
        one = Round(load_average=psutil.getloadavg()[0])
        for contender in chosen:
            print(f"round {number + 1}: {contender.name}", flush=True)
            session = measure(contender(), lab, browser, f"{number}-{contender.__name__}", results.seconds)
            one.sessions.append(session)
            p50_ms = session.phases[FLOOR[1]].latency.decoded_p50_ms if contender is Floor else 0.0
            if p50_ms > FLOOR_LIMIT_MS:
                print(f"round {number + 1} is void: the floor's p50 is {p50_ms:.0f} ms", flush=True)
                results.void_rounds += 1
                break
        else:
            results.rounds.append(one)
    if len(results.rounds) < rounds:
        print(f"only {len(results.rounds)} of {rounds} rounds count: the machine is busy with something else")


if __name__ == "__main__":
    main()
