"""Somebody's frames as a loop over them, and the one picture of now."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .bridge import Bridge
from .frame import Frame
from .port import FramePort

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POLL_S = 0.1
"""A reader looks this often whether the call still goes on."""


class Frames:
    """What `call.frames()` returns: iterate with ``for`` or ``async for``; ends when the call does.

    Only the newest frame is ever waiting: a slow loop skips frames (see `Frame.skipped`) and never falls
    behind. Each loop over it is a reader of its own.

    Parameters
    ----------
    bridge
        The way to the engine.
    call
        Of which call.
    is_live
        Whether frames come or may come yet.
    participant
        Whose: a participant's id, or empty for the call's own camera.
    """

    def __init__(self, bridge: Bridge, call: str, is_live: Callable[[], bool], participant: str = "") -> None:
        self._bridge = bridge
        self._call = call
        self._is_live = is_live
        self._participant = participant

    def __iter__(self) -> Iterator[Frame]:
        with FramePort(self._bridge, self._call, self._participant) as port:
            while self._is_live():
                if (frame := port.receive(POLL_S)) is not None:
                    yield frame

    async def __aiter__(self) -> AsyncIterator[Frame]:
        # one thread does all that is done with the port, so however the loop ends, closing comes after
        # receiving
        port = FramePort(self._bridge, self._call, self._participant)
        thread = ThreadPoolExecutor(1, "nbrtc-frames")
        try:
            while self._is_live():
                frame = await asyncio.get_running_loop().run_in_executor(thread, port.receive, POLL_S)
                if frame is not None:
                    yield frame
        finally:
            thread.submit(port.close)
            thread.shutdown(wait=False)


def snapshot(port: FramePort, timeout_s: float, require: Callable[[], None]) -> "NDArray[np.uint8]":
    """The first picture that a fresh port gets: (height, width, 3) uint8 RGB. Closes the port.

    Parameters
    ----------
    require
        Raises where no picture can come; asked again while it waits.

    Raises
    ------
    TimeoutError
        If no picture came within `timeout_s` seconds.
    """
    deadline_s = time.monotonic() + timeout_s
    with port:
        while True:
            require()
            remaining_s = deadline_s - time.monotonic()
            if remaining_s <= 0:
                raise TimeoutError(f"No picture came within {timeout_s:g} s.")
            if (frame := port.receive(min(POLL_S, remaining_s))) is not None:
                return frame.to_ndarray()
