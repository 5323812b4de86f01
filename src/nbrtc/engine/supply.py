"""A Bot's pictures on their way between kernel and engine.

The kernel sends its pictures like an effect's results, each with a credit; the credit is answered, by a
header without planes, when the encoder took the picture. So at most one waits, and a kernel that is quicker
than the encoder hears of it. What the Bot sends and receives goes the other way, on the credit of whoever
looks.
"""

import asyncio
import time
from collections.abc import Callable

from av import VideoFrame

from ..errors import FrameError
from ..messages import SUPPLY, FrameHeader
from ..pictures import pack, packed_size, unpack
from .broadcast import Broadcast
from .gallery import Gallery
from .viewer import Subscriber, Wish


class Supply:
    """Takes pictures for a broadcast, and serves those who look. On the engine's loop.

    Parameters
    ----------
    broadcast
        Where pictures go; None for a Bot without a picture.
    on_wanted
        Told whose pictures somebody in the kernel looks at (see `Gallery`).
    """

    def __init__(self, broadcast: Broadcast | None, on_wanted: Callable[[tuple[str, ...]], None]) -> None:
        self.others = Gallery(on_wanted)
        self._broadcast = broadcast
        if broadcast is not None:
            broadcast.on_taken = self._answer
        self._supplier: Subscriber | None = None
        self._looking: dict[bytes, tuple[Subscriber, int]] = {}
        self._last: VideoFrame | None = None
        self._header = FrameHeader(number=0, width=1, height=1, timestamp=0, arrived_s=0.0, time_s=0.0)
        self._opened_s = time.monotonic()

    def show(self, picture: VideoFrame, timestamp: int | None) -> None:
        """Send a yuv420p picture of the Bot's to everybody (see `Broadcast.show`)."""
        now_s = time.monotonic()
        self._last = picture
        self._header = FrameHeader(
            number=self._header.number + 1,
            width=picture.width,
            height=picture.height,
            timestamp=0 if timestamp is None else timestamp,
            arrived_s=now_s,
            time_s=now_s - self._opened_s,
        )
        if self._broadcast is not None:
            self._broadcast.show(picture, timestamp)
        for identity in list(self._looking):
            self._serve(identity)

    def ask(self, participant: str, subscriber: Subscriber, wish: Wish) -> None:
        """A credit: a supplier's, or for a picture; an empty id is the Bot's own."""
        if participant == SUPPLY:
            self._supplier = subscriber
            # the picture that rides on the credit is taken in this turn of the loop, the answer comes after
            asyncio.get_running_loop().call_soon(self._answer)
        elif participant:
            self.others.ask(participant, subscriber, wish)
        else:
            self._looking[subscriber.identity] = (subscriber, wish.after)
            self._serve(subscriber.identity)

    def forget(self, subscriber: bytes) -> None:
        """A frame port went."""
        self._looking.pop(subscriber, None)
        if self._supplier is not None and self._supplier.identity == subscriber:
            self._supplier = None
        self.others.forget(subscriber)

    def result(self, header: FrameHeader, planes: memoryview, _effect: int = 0) -> None:
        """A picture that the kernel made.

        Raises
        ------
        FrameError
            If the planes are not those of a picture of this size.
        """
        if min(header.width, header.height) < 1 or packed_size(header.width, header.height) != len(planes):
            raise FrameError(f"{len(planes)} bytes are no picture of {header.width}x{header.height}.")
        self.show(unpack(planes, header.width, header.height), header.timestamp)

    async def close(self) -> None:
        """Tell whoever waits. Idempotent."""
        looking, self._looking = self._looking, {}
        for subscriber, _ in looking.values():
            subscriber.stop("closed")
        if self._supplier is not None:
            self._supplier.stop("closed")
            self._supplier = None
        await self.others.close()

    def _answer(self) -> None:
        if self._supplier is not None and (self._broadcast is None or self._broadcast.is_free):
            supplier, self._supplier = self._supplier, None
            supplier.deliver(self._header, bytearray())

    def _serve(self, identity: bytes) -> None:
        subscriber, after = self._looking[identity]
        if self._last is not None and self._header.number > after:
            del self._looking[identity]
            subscriber.deliver(self._header, pack(self._last))
