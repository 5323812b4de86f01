"""How long a recording waits for somebody to be in its call again. On the engine's loop."""

import asyncio
import time
from collections.abc import Callable

ABSENT_S = 600.0
"""A page that was lost without a word may be behind a broken network."""
RETURN_S = 60.0
"""A page that went by itself was closed, or is loaded again: that takes seconds, and a click."""


class Absence:
    """Runs while nobody is in the call, and tells when that was too long.

    Parameters
    ----------
    on_over
        Told why the recording is to be ended.
    """

    def __init__(self, on_over: Callable[[str], None]) -> None:
        self.since_s: float | None = None
        """When the last page was there, of `time.monotonic`; None while one is."""
        self._on_over = on_over
        self._page_went = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def note(self) -> str:
        """What a person can do about it now; empty while somebody is there, or only a link is broken."""
        if self.since_s is None or not self._page_went:
            return ""
        return (
            f"The page was closed or reloaded: join the call again within {RETURN_S:.0f} s, "
            "and the recording goes on."
        )

    def expect_return(self) -> None:
        """The page says that it goes and may come back; it may say so twice, and after it was missed."""
        self._page_went = True
        if self.since_s is not None:
            self._wait()

    def see(self, is_here: bool) -> None:
        """Whether a page is in the call now."""
        if is_here:
            self.close()
        elif self.since_s is None:
            self.since_s = time.monotonic()
            self._wait()

    def close(self) -> None:
        """Wait for nobody any more. Idempotent."""
        self._cancel()
        self.since_s, self._page_went = None, False

    def _wait(self) -> None:
        self._cancel()
        if self._page_went:
            limit_s = RETURN_S
            why = f"the page was closed or reloaded, and nobody joined again within {limit_s:.0f} s."
        else:
            limit_s = ABSENT_S
            why = f"nobody was in the call for {limit_s / 60:.0f} minutes."
        text = f"The recording was ended, because {why}"
        self._timer = asyncio.get_running_loop().call_later(limit_s, self._on_over, text)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
