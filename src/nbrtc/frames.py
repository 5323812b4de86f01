"""The camera's frames as a loop over them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

from .bridge import Bridge
from .frame import Frame
from .port import FramePort

POLL_S = 0.1
"""A reader looks this often whether the call still goes on."""


class Frames:
    """What `call.frames()` returns: iterate with ``for`` or ``async for``; ends when the call does.

    Only the newest frame is ever waiting: a slow loop skips frames (see `Frame.skipped`) and never falls behind.
    Each loop over it is a reader of its own.

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
        # one thread at a time uses the port: each `receive` is awaited before the next, and before the port closes
        with FramePort(self._bridge, self._call) as port:
            while self._is_live():
                receiving = asyncio.ensure_future(asyncio.to_thread(port.receive, POLL_S))
                try:
                    frame = await asyncio.shield(receiving)
                except asyncio.CancelledError:
                    await asyncio.wait([receiving])
                    raise
                if frame is not None:
                    yield frame
