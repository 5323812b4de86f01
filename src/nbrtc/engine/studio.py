"""The studio: where the camera is decoded for whoever in the kernel wants pictures, and results come back.

Frames cross on credit. A subscriber (one per frame port of the kernel) says "ready, I have seen number N" and
gets the newest picture after N as soon as there is one. So no queue grows, and a slow subscriber skips
frames, which are counted. The decoder runs only while somebody has asked within the last seconds.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from av import VideoFrame

from ..errors import FrameError
from ..messages import FrameHeader
from ..pictures import pack, packed_size, unpack
from .decode import Picture, VideoDecoder
from .link import Link
from .tasks import Tasks

IDLE_S = 5.0
"""Decoding stops when no subscriber has asked for this long."""

Deliver = Callable[[FrameHeader, bytearray], None]


@dataclass
class _Waiting:
    deliver: Deliver
    after: int
    asked_s: float


class Studio:
    """Decodes on demand and puts the kernel's pictures on the outgoing track. On the engine's loop."""

    def __init__(self) -> None:
        self._link: Link | None = None
        self._decoder: VideoDecoder | None = None
        self._newest: Picture | None = None
        self._packed: bytearray | None = None
        self._number = 0
        self._waiting: dict[bytes, _Waiting] = {}
        self._asked_s = 0.0
        self._effect = False
        self._good: VideoFrame | None = None
        self._opened_s = time.monotonic()
        self._origin: float | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._closing = Tasks()

    def attach(self, link: Link) -> None:
        """Work on this link's camera from now on."""
        self._link, self._origin = link, None
        link.outgoing.use_effect(self._effect)
        if self._effect and self._good is not None:
            link.outgoing.show(self._good, None, None)  # the last good frame holds over a reconnection
        self._decoder = VideoDecoder(link.video.feed, self._decoded, self._number)
        if self._waiting:
            self._start(self._decoder)

    def detach(self) -> None:
        """The link goes."""
        self._cancel_rest()
        if self._decoder is not None:
            self._number = self._decoder.number
            self._closing.spawn(self._decoder.close(), "nbrtc-decode-close")
        self._link = self._decoder = self._newest = self._packed = None

    def use_effect(self, on: bool) -> None:
        """Send back only the kernel's pictures (True), or the camera's own frames."""
        self._effect = on
        if not on:
            self._good = None
        if self._link is not None:
            self._link.outgoing.use_effect(on)

    def ask(self, subscriber: bytes, after: int, deliver: Deliver) -> None:
        """A subscriber is ready for a picture newer than `after`."""
        self._asked_s = time.monotonic()
        self._waiting[subscriber] = _Waiting(deliver, after, self._asked_s)
        if self._decoder is not None and not self._decoder.is_running:
            self._start(self._decoder)
        self._serve(subscriber)

    def forget(self, subscriber: bytes) -> None:
        """A subscriber went."""
        self._waiting.pop(subscriber, None)

    def result(self, header: FrameHeader, planes: memoryview) -> None:
        """An effect's picture: send it now.

        Raises
        ------
        FrameError
            If the planes are not those of a picture of this size.
        """
        size = packed_size(header.width, header.height)
        if min(header.width, header.height) < 1 or size != len(planes):
            raise FrameError(
                f"A picture of {header.width}x{header.height} has {size} bytes in yuv420p, not {len(planes)}."
            )
        if not self._effect:
            return  # it was taken off while the kernel still worked
        picture = unpack(planes, header.width, header.height)
        self._good = picture
        if self._link is not None:
            self._link.outgoing.show(picture, header.timestamp, header.arrived_s)

    async def close(self) -> None:
        """Stop decoding for good."""
        self.detach()
        await self._closing.finish()

    def _start(self, decoder: VideoDecoder) -> None:
        self._newest = self._packed = None  # whoever asks wants a picture of now
        decoder.start()
        self._rest_after(IDLE_S)

    def _decoded(self, picture: Picture) -> None:
        self._newest, self._packed = picture, None
        for subscriber in list(self._waiting):
            self._serve(subscriber)

    def _serve(self, subscriber: bytes) -> None:
        picture, waiting = self._newest, self._waiting[subscriber]
        if picture is None or picture.number <= waiting.after:
            return
        del self._waiting[subscriber]
        if self._packed is None:
            self._packed = pack(picture.frame)
        if self._origin is None:  # a new link's RTP time begins anywhere: tie it to the call's own time
            self._origin = picture.timestamp / 90_000 - (picture.arrived_s - self._opened_s)
        header = FrameHeader(
            number=picture.number,
            width=picture.frame.width,
            height=picture.frame.height,
            timestamp=picture.timestamp,
            arrived_s=picture.arrived_s,
            time_s=picture.timestamp / 90_000 - self._origin,
            skipped=picture.number - waiting.after - 1 if waiting.after >= 0 else 0,
        )
        waiting.deliver(header, self._packed)

    def _rest_after(self, delay_s: float) -> None:
        self._cancel_rest()
        self._resting = asyncio.get_running_loop().call_later(delay_s, self._rest)

    def _cancel_rest(self) -> None:
        if self._resting is not None:
            self._resting.cancel()

    def _rest(self) -> None:
        """Stop decoding if nobody has asked for a while; look again later if somebody has."""
        idle_s = time.monotonic() - self._asked_s
        if idle_s < IDLE_S or self._waiting:
            self._rest_after(max(0.5, IDLE_S - idle_s))
        elif self._decoder is not None:
            self._decoder.stop()
            self._newest = self._packed = None
