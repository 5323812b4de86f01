"""What collecting costs the page: real connections, polled once a second and told to Python, or not."""

import time
from dataclasses import dataclass

from benchmarks.pages import Cost, bundled_page, median_cost

ROUNDS = 3
SETTLED_S = 2.0


@dataclass(frozen=True)
class Polling:
    """Medians of rounds in turns."""

    without: Cost
    collecting: Cost
    bytes_a_poll: int
    polls_a_second: float
    """Fewer than there are connections where the machine is too busy; then the figures are too low."""


def polling(connections: int, seconds: float) -> Polling:
    """Measure in real time.

    Both ends of each connection are in the page, so `Cost.renderer` has twice the sound and pictures of a
    call; they are in both figures.
    """
    found: dict[bool, list[Cost]] = {False: [], True: []}
    polls = size = 0
    with bundled_page("collecting-page.ts") as page:
        page.call("collecting.start", connections)
        for _ in range(ROUNDS):
            for collects, costs in found.items():
                page.call("collecting.collect", collects)
                time.sleep(SETTLED_S)
                page.call("collecting.sent")
                costs.append(page.cost(seconds))
                sent = page.call("collecting.sent")
                if collects != (sent["samples"] > 0):
                    raise RuntimeError(f"The page told {sent['samples']} polls; it collects: {collects}")
                polls, size = polls + sent["samples"], size + sent["bytes"]
        if problems := page.call("collecting.problems"):
            raise RuntimeError(f"The page reports problems: {problems}")
    return Polling(
        without=median_cost(found[False]),
        collecting=median_cost(found[True]),
        bytes_a_poll=round(size / polls),
        polls_a_second=polls / ROUNDS / seconds,
    )
