"""The page's clock in terms of this machine's, which need not be the same machine's."""

import math

WINDOW_S = 60.0
MAX_DELAY_S = 1800.0
"""What is recorded may wait in the page for a link, as long as its buffer lasts."""


class PageClock:
    """Tells when something arrived at the page, from the page's own word for it.

    What took the least time on its way shows how far the clocks are apart: its way only, since what waits in
    the page before it leaves says nothing. Two windows of time, so that a drift of either clock is followed;
    a pause of any length leaves the last one standing.
    """

    def __init__(self) -> None:
        self._offset_s = self._next_s = math.inf
        self._since_s = -math.inf

    def hear(self, sent_ms: float, now_s: float) -> None:
        """Something that left the page at this Unix time of the page's, in ms, came now."""
        offset_s = now_s - sent_ms / 1000
        if now_s - self._since_s > WINDOW_S:
            self._offset_s, self._next_s, self._since_s = self._next_s, math.inf, now_s
        self._offset_s = min(self._offset_s, offset_s)
        self._next_s = min(self._next_s, offset_s)

    def place(self, page_ms: float, now_s: float) -> float:
        """`time.monotonic` of the page's Unix time in ms; not after `now_s`, nor far before it.

        Something must have been heard before.
        """
        return min(now_s, max(now_s - MAX_DELAY_S, page_ms / 1000 + self._offset_s))
