"""Whoever in the kernel wants to see one picture source, and the decoder that runs only for them.

Frames cross on credit. A subscriber (one per frame port of the kernel) says "ready, I have seen number N" and
gets the newest picture after N as soon as there is one. So no queue grows, and a slow subscriber skips
frames, which are counted. One that asks for every frame in order has a queue of its own, of `QUEUED_FRAMES`.
The decoder runs only while somebody has asked within the last seconds.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ..messages import QUEUED_FRAMES, FrameHeader
from ..pictures import pack
from .decode import Picture, VideoDecoder
from .feed import Feed
from .tasks import Tasks

IDLE_S = 5.0
"""Decoding stops when no subscriber has asked for this long."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A frame port of the kernel, and the way to it."""

    identity: bytes
    deliver: Callable[[FrameHeader, bytearray], None]
    stop: Callable[[str], None]
    """Says that no picture will come, and why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a subscriber asks for."""

    after: int
    """Frames with a larger number."""
    size: tuple[int, int] | None = None
    """Scaled to this width and height; None for as it is."""
    queued: bool = False
    """Every frame in order instead of the newest."""


class Viewer:
    """The pictures of one participant, or of the call's own camera. On the engine's loop.

    Parameters
    ----------
    on_change
        Called when `is_wanted` changed.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.is_wanted = False
        """Whether somebody has asked within the last `IDLE_S` seconds."""
        self._on_change = on_change
        self._decoder: VideoDecoder | None = None
        self._newest: Picture | None = None
        self._packed: dict[tuple[int, int], bytearray] = {}
        """The newest picture's planes, in the sizes that were asked for."""
        self._number = 0
        self._waiting: dict[bytes, tuple[Subscriber, Wish]] = {}
        self._queues: dict[bytes, deque[Picture]] = {}
        """Of those who want every frame; the oldest ones go when one is full."""
        self._queue_asked_s: dict[bytes, float] = {}
        self._on_picture: Callable[[Picture], None] | None = None
        self._asked_s = 0.0
        self._opened_s = time.monotonic()
        self._origin: float | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._closing = Tasks()

    def attach(self, feed: Feed) -> None:
        """Show this feed from now on."""
        self.detach()
        self._decoder = VideoDecoder(feed, self._decoded, self._number)
        if self.is_wanted:
            self._decoder.start()

    def detach(self) -> None:
        """The feed goes; subscribers wait for the next one."""
        if self._decoder is not None:
            self._number = self._decoder.number
            self._closing.spawn(self._decoder.close(), "nbrtc-decode-close")
        self._decoder = self._newest = self._origin = None
        self._packed = {}
        for queue in self._queues.values():
            queue.clear()

    def ask(self, subscriber: Subscriber, wish: Wish) -> None:
        """A subscriber is ready for a picture."""
        self._asked_s = time.monotonic()
        self._waiting[subscriber.identity] = (subscriber, wish)
        if not wish.queued:
            self._drop_queue(subscriber.identity)
        else:
            self._queue_asked_s[subscriber.identity] = self._asked_s
            if subscriber.identity not in self._queues:
                self._queues[subscriber.identity] = deque(maxlen=QUEUED_FRAMES)
        self._want()
        self._serve(subscriber.identity)

    def watch(self, on_picture: Callable[[Picture], None] | None) -> None:
        """Tell each decoded picture, whether or not a subscriber asks; None ends it."""
        self._on_picture = on_picture
        if on_picture is not None:
            self._asked_s = time.monotonic()
            self._want()

    def forget(self, subscriber: bytes) -> None:
        """A subscriber went."""
        self._waiting.pop(subscriber, None)
        self._drop_queue(subscriber)

    def end(self, reason: str) -> None:
        """Nothing will come any more: tell those who wait."""
        self.detach()
        waiting, self._waiting = self._waiting, {}
        self._queues, self._queue_asked_s = {}, {}
        self._on_picture = None
        for subscriber, _ in waiting.values():
            subscriber.stop(reason)
        self.is_wanted = False
        if self._resting is not None:
            self._resting.cancel()

    async def close(self) -> None:
        """Stop decoding for good; `end` comes first. Idempotent."""
        await self._closing.finish()

    @property
    def is_decoding(self) -> bool:
        """Whether the decoder runs."""
        return self._decoder is not None and self._decoder.is_running

    def _decoded(self, picture: Picture) -> None:
        self._newest, self._packed = picture, {}
        # who was killed took no leave; whoever is only slow gets a new queue, and what it missed is counted
        long_ago_s = time.monotonic() - IDLE_S
        for identity in [one for one, asked_s in self._queue_asked_s.items() if asked_s < long_ago_s]:
            if identity not in self._waiting:
                self._drop_queue(identity)
        for queue in self._queues.values():
            queue.append(picture)
        for subscriber in list(self._waiting):
            self._serve(subscriber)
        if self._on_picture is not None:
            self._on_picture(picture)

    def _serve(self, identity: bytes) -> None:
        subscriber, wish = self._waiting[identity]
        picture = self._next(identity, wish)
        if picture is None:
            return
        del self._waiting[identity]
        after = wish.after
        width, height = wish.size or (picture.frame.width, picture.frame.height)
        planes = self._planes(picture, width, height)
        if self._origin is None:  # a new feed's RTP time begins anywhere: tie it to the call's own time
            self._origin = picture.timestamp / 90_000 - (picture.arrived_s - self._opened_s)
        header = FrameHeader(
            number=picture.number,
            width=width,
            height=height,
            timestamp=picture.timestamp,
            arrived_s=picture.arrived_s,
            time_s=picture.timestamp / 90_000 - self._origin,
            skipped=picture.number - after - 1 if after >= 0 else 0,
        )
        subscriber.deliver(header, planes)

    def _next(self, identity: bytes, wish: Wish) -> Picture | None:
        """The oldest picture of a queue, or the newest one."""
        queue = self._queues.get(identity)
        if queue is None:
            newest = self._newest
            return newest if newest is not None and newest.number > wish.after else None
        while queue:
            if (picture := queue.popleft()).number > wish.after:
                return picture
        return None

    def _planes(self, picture: Picture, width: int, height: int) -> bytearray:
        """Packed at this size; the newest picture's are made once for all who ask."""
        planes = self._packed.get((width, height)) if picture is self._newest else None
        if planes is None:
            frame = picture.frame
            if (frame.width, frame.height) != (width, height):
                frame = frame.reformat(width=width, height=height)
            planes = pack(frame)
            if picture is self._newest:
                self._packed[width, height] = planes
        return planes

    def _want(self) -> None:
        """Decode, if that does not happen already."""
        if self.is_wanted:
            return
        self.is_wanted = True
        self._newest, self._packed = None, {}  # whoever asks wants a picture of now
        if self._decoder is not None:
            self._decoder.start()
        self._rest_after(IDLE_S)
        self._on_change()

    def _drop_queue(self, identity: bytes) -> None:
        self._queues.pop(identity, None)
        self._queue_asked_s.pop(identity, None)

    def _rest_after(self, delay_s: float) -> None:
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(delay_s, self._rest)

    def _rest(self) -> None:
        """Stop decoding if nobody has asked for a while; look again later if somebody has."""
        idle_s = time.monotonic() - self._asked_s
        if idle_s < IDLE_S or self._waiting or self._on_picture is not None:
            self._rest_after(max(0.5, IDLE_S - idle_s))
            return
        self.is_wanted = False
        if self._decoder is not None:
            self._decoder.stop()
        self._newest, self._packed = None, {}
        for queue in self._queues.values():
            queue.clear()
        self._on_change()
