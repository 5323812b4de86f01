"""The camera's frames as a loop over them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from .bridge import Bridge
from .frame import Frame
from .port import FramePort

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
        Whose camera.
    is_live
        Whether frames come or may come yet.
    """

    def __init__(self, bridge: Bridge, call: str, is_live: Callable[[], bool]) -> None:
        self._bridge = bridge
        self._call = call
        self._is_live = is_live

    def __iter__(self) -> Iterator[Frame]:
        with FramePort(self._bridge, self._call) as port:
            while self._is_live():
                if (frame := port.receive(POLL_S)) is not None:
                    yield frame

    async def __aiter__(self) -> AsyncIterator[Frame]:
        # one thread does all that is done with the port, so however the loop ends, closing comes after
        # receiving
        port, thread = FramePort(self._bridge, self._call), ThreadPoolExecutor(1, "nbrtc-frames")
        try:
            while self._is_live():
                frame = await asyncio.get_running_loop().run_in_executor(thread, port.receive, POLL_S)
                if frame is not None:
                    yield frame
        finally:
            thread.submit(port.close)
            thread.shutdown(wait=False)
