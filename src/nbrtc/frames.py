"""Frames of the camera in the kernel: one picture, and the ways to get them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from .bridge import Bridge
from .errors import CallError
from .messages import FrameCredit, FrameHeader, FrameStop, decode_frame_message, encode_bridge
from .pictures import unpack

if TYPE_CHECKING:
    import PIL.Image
    import zmq
    from av import VideoFrame

POLL_S = 0.1


class Frame:
    """One picture of the camera, as it arrived at the engine."""

    def __init__(self, header: FrameHeader, planes: memoryview) -> None:
        self._header = header
        self._planes = planes
        self._video_frame: VideoFrame | None = None

    @property
    def number(self) -> int:
        """Counts the decoded frames of the call; a difference above 1 means that frames were skipped."""
        return self._header.number

    @property
    def width(self) -> int:
        """Pixels across."""
        return self._header.width

    @property
    def height(self) -> int:
        """Pixels down."""
        return self._header.height

    @property
    def time_s(self) -> float:
        """Media time of the call in seconds, by the camera's clock."""
        return self._header.time_s

    @property
    def age_s(self) -> float:
        """Seconds since the engine received the frame."""
        return time.monotonic() - self._header.arrived_s

    @property
    def skipped(self) -> int:
        """Frames that this reader was too late for since its last one."""
        return self._header.skipped

    @property
    def video_frame(self) -> "VideoFrame":
        """The `av.VideoFrame` (yuv420p) under it."""
        if self._video_frame is None:
            from fractions import Fraction

            frame = unpack(self._planes, self.width, self.height)
            frame.pts, frame.time_base = self._header.timestamp, Fraction(1, 90_000)
            self._video_frame = frame
        return self._video_frame

    def to_ndarray(self, format: str = "rgb24") -> NDArray[np.uint8]:
        """A fresh array, by default (height, width, 3) uint8 RGB; `format` is a PyAV pixel format."""
        return cast(NDArray[np.uint8], self.video_frame.to_ndarray(format=format))

    def to_image(self) -> "PIL.Image.Image":
        """A fresh PIL image (RGB)."""
        import PIL.Image

        return PIL.Image.fromarray(self.to_ndarray())

    def __repr__(self) -> str:
        return f"<nbrtc.Frame {self.number}: {self.width}x{self.height} at {self.time_s:.3f} s>"


class FramePort:
    """One subscriber's conversation with the engine: a credit out, a picture in. One thread at a time."""

    def __init__(self, bridge: Bridge, call: str) -> None:
        self._bridge = bridge
        self._call = call
        self._socket: zmq.Socket[bytes] | None = None
        self._epoch = -1
        self._after = -1
        self._asked = False

    def receive(
        self, timeout_s: float, result: tuple[FrameHeader, bytes | bytearray] | None = None
    ) -> Frame | None:
        """The newest frame after the last one, or None if none came in time.

        Parameters
        ----------
        timeout_s
            How long to wait.
        result
            An effect's picture; it is sent at once, with the credit for the next frame.

        Raises
        ------
        EngineError
            If the engine is not running.
        CallError
            If the call was closed.
        """
        if self._epoch != self._bridge.epoch:
            self.close()
        if self._socket is None:
            self._epoch = self._bridge.epoch
            self._socket = self._bridge.frames_socket()
            self._asked, self._after = False, -1
        if not self._asked or result is not None:
            self._asked = True
            credit = FrameCredit(
                call=self._call, after=self._after, result=None if result is None else result[0]
            )
            parts: list[bytes | bytearray] = [encode_bridge(credit)]
            if result is not None:
                parts.append(result[1])
            self._socket.send_multipart(parts, copy=False)
        if not self._socket.poll(round(timeout_s * 1000)):
            return None
        header, *planes = self._socket.recv_multipart(copy=False)
        message = decode_frame_message(header.buffer)
        self._asked = False
        if isinstance(message, FrameStop):
            raise CallError("The call is closed: no more frames come.")
        assert isinstance(message, FrameHeader)
        self._after = message.number
        return Frame(message, planes[0].buffer)

    def close(self) -> None:
        """Give the credit back. Idempotent."""
        if self._socket is not None:
            if self._asked:
                self._socket.setsockopt(17, 100)  # LINGER: the goodbye may leave
                self._socket.send_multipart([encode_bridge(FrameStop(call=self._call))])
            self._socket.close()
            self._socket = None


class Frames:
    """What `call.frames()` returns: iterate with ``for`` or ``async for``; ends when the call does.

    Only the newest frame is ever waiting: a slow loop skips frames (see `Frame.skipped`) and never falls behind.
    """

    def __init__(self, bridge: Bridge, call: str, is_live: Callable[[], bool]) -> None:
        self._bridge = bridge
        self._call = call
        self._is_live = is_live

    def __iter__(self) -> Iterator[Frame]:
        port = FramePort(self._bridge, self._call)
        try:
            while self._is_live():
                if (frame := port.receive(POLL_S)) is not None:
                    yield frame
        finally:
            port.close()

    async def __aiter__(self) -> AsyncIterator[Frame]:
        # the socket is used by one thread at a time: each call of receive is awaited before the next
        port = FramePort(self._bridge, self._call)
        pending: asyncio.Future[Frame | None] | None = None
        try:
            while self._is_live():
                pending = asyncio.ensure_future(asyncio.to_thread(port.receive, POLL_S))
                if (frame := await asyncio.shield(pending)) is not None:
                    yield frame
        finally:
            if pending is not None and not pending.done():
                await asyncio.wait([pending])
            port.close()
