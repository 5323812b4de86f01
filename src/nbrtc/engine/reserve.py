"""Blocks of sound that wait for their turn: what makes an even sound of blocks that come unevenly. Pure.

A block is given once, in order, or left out and counted; none is ever repeated. The delay cannot grow: more
than `MOST` blocks never wait, and where too many have waited for a second, quiet ones are left out.
"""

from collections import deque

import numpy as np

from .hearing import Block

LEAD = 2
"""So many are waited for before the first is given: what comes up to 40 ms unevenly is heard evenly."""
MOST = 5
"""100 ms; beyond it the oldest is left out. A source that comes in bursts is covered by as much."""
LOOK = 50
"""Takes, a second, over which the fewest that waited say how many too many these are."""
QUIET = 33
"""int16, -60 dB: a pause between words, which nobody misses."""


class Reserve:
    """Bounded: holds at most `MOST` blocks."""

    def __init__(self) -> None:
        self.dropped = 0
        """Blocks left out, to catch up."""
        self._blocks: deque[Block] = deque()
        self._is_flowing = False
        self._held = 0
        self._takes = 0
        self._fewest = MOST
        self._excess = 0

    def __len__(self) -> int:
        return len(self._blocks)

    def put(self, block: Block) -> None:
        """A block has come."""
        self._blocks.append(block)
        if len(self._blocks) > MOST:
            self._blocks.popleft()
            self.dropped += 1

    def take(self) -> Block | None:
        """The next block, to be called every 20 ms; None where none is there yet."""
        if not self._is_flowing:
            self._held += bool(self._blocks)
            if self._held < LEAD and len(self._blocks) < LEAD:
                return None
            self._is_flowing = True
        self._leave_out()
        return self._blocks.popleft() if self._blocks else None

    def pause(self) -> None:
        """Nothing comes for now: the next one that does is waited for like the first."""
        if not self._blocks:
            self._is_flowing = False
            self._held = self._takes = self._excess = 0
            self._fewest = MOST

    def flush(self) -> list[Block]:
        """All that wait, at once."""
        blocks = list(self._blocks)
        self._blocks.clear()
        self.pause()
        return blocks

    def _leave_out(self) -> None:
        self._fewest = min(self._fewest, len(self._blocks))
        self._takes += 1
        if self._takes == LOOK:
            self._excess = max(0, self._fewest - LEAD)
            self._takes, self._fewest = 0, MOST
        while self._excess and len(self._blocks) > LEAD and _is_quiet(self._blocks[0]):
            self._blocks.popleft()
            self._excess -= 1
            self.dropped += 1


def _is_quiet(block: Block) -> bool:
    return bool(np.abs(block.samples.astype(np.int32)).max() < QUIET)
