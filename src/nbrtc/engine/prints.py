"""What a process prints, on its way to the notebook: soon, in order, and not too much of it."""

import asyncio
import codecs
from collections.abc import Callable

from .tail import TAIL_BYTES

PERIOD_S = 0.2
"""So often it is passed on."""
PERIOD_CHARACTERS = 4000
"""Of each period the first ones are passed on; how many were left out is said in their place."""


class Prints:
    """Passes on what comes, up to `PERIOD_CHARACTERS` in `PERIOD_S`, and keeps the end of all. On one loop.

    Parameters
    ----------
    say
        Takes text; never empty.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = ""
        self._left_out = 0
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, stream: asyncio.StreamReader) -> str:
        """Read to the end, so that the process never waits; returns the last `TAIL_BYTES`, for its owner."""
        said = b""
        try:
            while part := await stream.read(TAIL_BYTES):
                said = (said + part)[-TAIL_BYTES:]
                self._take(self._decoder.decode(part))
        finally:
            self._take(self._decoder.decode(b"", final=True))
            self._pass_on()
        return said.decode(errors="replace").strip()

    def _take(self, text: str) -> None:
        room = PERIOD_CHARACTERS - len(self._waiting)
        self._waiting += text[:room]
        self._left_out += max(0, len(text) - room)
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PERIOD_S, self._pass_on)

    def _pass_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        text, self._waiting = self._waiting, ""
        left_out, self._left_out = self._left_out, 0
        if left_out:
            text += (
                f"\n[nbrtc: {left_out:,} more characters were printed in {PERIOD_S:g} s and are left out]\n"
            )
        if text:
            self._say(text)
