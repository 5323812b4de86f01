"""``python -m benchmarks.panel``: what the live statistics panel costs the page.

Three participants polled once a second, an hour behind them, four charts, in real time. Each way to show them
takes its turn in each round; what the closed page costs, where the same points come and nobody looks, stands
beside it.
"""

import argparse
import time

import psutil

from benchmarks.pages import BundledPage, Cost, bundled_page, median_cost
from benchmarks.results import machine

PARTICIPANTS, CHARTS, HISTORY = 3, 4, 3600
TARGET = 0.01
SETTLED_S = 2.0
"""Opening is not what is measured."""
CLOSED = "closed"
OPEN = {
    "open, the last minute": (60, False),
    "paused": (60, True),
    "open, an hour": (3600, False),
}


def measure(page: BundledPage, mode: str, seconds: float) -> Cost:
    page.call("panel.close")
    if mode != CLOSED:
        page.call("panel.open", *OPEN[mode])
        if (canvases := page.call("panel.canvases")) != CHARTS:
            raise RuntimeError(f"The panel has {canvases} charts instead of {CHARTS}.")
    time.sleep(SETTLED_S)
    before = page.call("panel.points")
    cost = page.cost(seconds)
    if page.call("panel.points") - before < PARTICIPANTS * (seconds - 2):
        raise RuntimeError("The machine is too busy: the page was not polled once a second.")
    return cost


def report(costs: dict[str, Cost]) -> None:
    closed = costs[CLOSED]
    print(f"\n{'% of a core':<26}{'main thread':>13}{'renderer':>11}{'browser':>10}{'renderer / closed':>20}")
    for mode, cost in costs.items():
        figures = f"{100 * cost.main_thread:>13.2f}{100 * cost.renderer:>11.2f}{100 * cost.browser:>10.2f}"
        print(f"{mode:<26}{figures}{cost.renderer / closed.renderer:>20.1f}")
    print()
    for mode in OPEN:
        more = costs[mode] - closed
        verdict = "reached" if more.renderer <= TARGET else "missed"
        print(
            f"{verdict:<9}{100 * more.renderer:>6.2f} %  <= {100 * TARGET:g} of a core over closed: {mode}"
            f" (main thread {100 * more.main_thread:.2f}, whole browser {100 * more.browser:.2f})"
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.panel", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of all modes in turns (default 3)")
    parser.add_argument("--seconds", type=float, default=15, help="of each mode in a round (default 15)")
    parser.add_argument("--width", type=int, default=900, help="of the panel in pixels (default 900)")
    options = parser.parse_args()
    print(f"{machine()}\nload average at the start {psutil.getloadavg()[0]:.2f}")
    print(
        f"{PARTICIPANTS} participants x {CHARTS} charts, {options.width} px wide, a poll a second;"
        f" median of {options.rounds} rounds of {options.seconds:g} s"
    )
    found: dict[str, list[Cost]] = {mode: [] for mode in (CLOSED, *OPEN)}
    with bundled_page("panel-page.ts", width=options.width) as page:
        page.call("panel.start", PARTICIPANTS, HISTORY)
        for _ in range(options.rounds):
            for mode, costs in found.items():
                costs.append(measure(page, mode, options.seconds))
    report({mode: median_cost(costs) for mode, costs in found.items()})


if __name__ == "__main__":
    main()
