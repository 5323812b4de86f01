"""Looks at some of the frames, in the kernel, and changes none."""

import asyncio
import inspect
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from .effect import VideoEffect
from .errors import EngineError
from .port import FramePort

POLL_S = 0.1
"""A thread without frames looks this often whether it is to end."""

Complaint = Callable[[VideoEffect, BaseException, str], None]


class FrameWatcher:
    """Calls a function with the newest frame at times that are `every_s` apart, on a thread of its own.

    Parameters
    ----------
    function
        The user's, and the form of picture that it takes.
    port
        Its own; closed at the end.
    every_s
        Seconds; a frame is asked for only when it is due, so that the engine may rest in between.
    on_error
        Told the function, its error and the traceback, on the thread.
    """

    def __init__(self, function: VideoEffect, port: FramePort, every_s: float, on_error: Complaint) -> None:
        self._function = function
        self._port = port
        self._every_s = every_s
        self._on_error = on_error
        self._stopped = threading.Event()
        self.thread = threading.Thread(target=self._loop, name="nbrtc-on-frame", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """End after the frame that it looks at. Idempotent."""
        self._stopped.set()

    def _loop(self) -> None:
        due_s = time.monotonic()
        with self._port as port, asyncio.Runner() as runner:
            while not self._stopped.wait(max(0.0, due_s - time.monotonic())):
                try:
                    frame = port.receive(POLL_S)
                except EngineError:
                    return  # nbrtc was closed
                if frame is None or self._stopped.is_set():
                    continue
                # steady over many frames; what was missed is not made up for
                due_s = max(due_s + self._every_s, time.monotonic())
                try:
                    value = self._function(frame)
                    if inspect.isawaitable(value):
                        runner.run(_awaited(value))
                except BaseException as error:  # noqa: BLE001  SystemExit would end the thread without a word
                    if not self._stopped.is_set():
                        self._on_error(self._function, error, traceback.format_exc())


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
