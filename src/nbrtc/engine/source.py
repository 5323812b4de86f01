"""Python's own pictures in the camera's place: the kernel's, shown at their time, or a file that plays.

The kernel's thread asks with a credit and is answered, by a header without planes, when its next picture is
wanted. So it is always just ahead, its pictures are shown by the engine's clock, and a kernel that is busy
leaves the last one standing and causes no burst afterwards. On the engine's loop.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from av import VideoFrame

from ..errors import FrameError
from ..messages import FrameHeader, SetVideoSource
from ..pictures import packed_size, unpack
from .pace import ROOM, Pace
from .playback import Player, VideoClip
from .tasks import Tasks
from .viewer import Subscriber

REST_S = 15.0
"""So long after the last link went nothing is made or played any more; a page that connects again sees it go
on."""


@dataclass
class _Kernel:
    """Pictures that the kernel makes."""

    pace: Pace
    waiting: deque[VideoFrame] = field(default_factory=lambda: deque(maxlen=ROOM))  # the newest win
    supplier: Subscriber | None = None
    accepted: int = 0
    timer: asyncio.TimerHandle | None = None


class Source:
    """What takes the camera's place in one call, or nothing.

    Parameters
    ----------
    show
        Takes each yuv420p picture when it is due.
    problem
        Takes a code and a sentence for `Call.errors`.
    """

    def __init__(self, show: Callable[[VideoFrame], None], problem: Callable[[str, str], None]) -> None:
        self._show, self._problem = show, problem
        self._kernel: _Kernel | None = None
        self._player: Player | None = None
        self._file: SetVideoSource | None = None
        self._port: bytes | None = None
        self._former: bytes | None = None  # a late picture of the source before is nobody's
        self._is_seen = False
        self._resting: asyncio.TimerHandle | None = None
        self._closing = Tasks()
        self._shown = 0

    def use(self, source: SetVideoSource | None) -> None:
        """Show this source from now on, or none."""
        self._stop()
        self._shown = 0
        if source is None or source.name is None:
            return
        if source.file is None:
            self._kernel = _Kernel(Pace(source.fps, time.monotonic()))
            return
        self._file = source
        if self._is_seen:
            self._play(source, source.file)

    def attach(self) -> None:
        """Somebody sees it."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        self._is_seen = True
        if self._file is not None and self._file.file is not None and self._player is None:
            self._play(self._file, self._file.file)
        self._turn()

    def detach(self) -> None:
        """The link went; another one may follow."""
        if self._is_seen and self._resting is None:
            self._resting = asyncio.get_running_loop().call_later(REST_S, self._rest)

    def ask(self, subscriber: Subscriber) -> None:
        """The kernel's thread asks when its next picture is wanted; one that it brings came before."""
        if self._kernel is None:
            subscriber.stop("closed")
        elif self._is_present(subscriber.identity):
            self._kernel.supplier = subscriber
            self._turn()

    def result(self, identity: bytes, header: FrameHeader, planes: memoryview) -> None:
        """A picture that the kernel made.

        Raises
        ------
        FrameError
            If the planes are not those of a picture of this size.
        """
        size = packed_size(header.width, header.height)
        if min(header.width, header.height) < 1 or size != len(planes):
            raise FrameError(f"{len(planes)} bytes are no picture of {header.width}x{header.height}.")
        if self._kernel is not None and self._is_present(identity):
            self._kernel.waiting.append(unpack(planes, header.width, header.height))
            self._kernel.accepted += 1
            self._turn()

    def forget(self, identity: bytes) -> None:
        """A frame port went."""
        kernel = self._kernel
        if kernel is not None and kernel.supplier is not None and kernel.supplier.identity == identity:
            kernel.supplier = None

    def figures(self) -> dict[str, object]:
        """Counters, for `Call.engine_status`."""
        waiting = 0 if self._kernel is None else len(self._kernel.waiting)
        return {"pictures": self._shown, "waiting": waiting}

    async def close(self) -> None:
        """End it, and wait until a file's thread has ended. Idempotent."""
        self._stop()
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        await self._closing.finish()

    # --- the kernel's pictures

    def _is_present(self, identity: bytes) -> bool:
        """Whether a port is that of the present source, which is the first one that is not the last one's."""
        if identity == self._former:
            return False
        self._port = identity
        return True

    def _turn(self) -> None:
        """Show what is due, ask for what is wanted, and come back when there is more to do."""
        kernel = self._kernel
        if kernel is None:
            return
        if kernel.timer is not None:
            kernel.timer.cancel()
            kernel.timer = None
        now_s = time.monotonic()
        if kernel.waiting and now_s >= kernel.pace.due_s:
            self._take(kernel.waiting.popleft())
            kernel.pace.shown(now_s)
        ask_s = kernel.pace.ask_s(len(kernel.waiting))
        if kernel.supplier is not None and self._is_seen and now_s >= ask_s:
            supplier, kernel.supplier = kernel.supplier, None
            supplier.deliver(_answer(kernel.accepted), bytearray())
        moments_s = [kernel.pace.due_s] if kernel.waiting else []
        if kernel.supplier is not None and self._is_seen and len(kernel.waiting) < ROOM:
            moments_s.append(ask_s)
        if moments_s:
            wait_s = max(0.0, min(moments_s) - time.monotonic())
            kernel.timer = asyncio.get_running_loop().call_later(wait_s, self._turn)

    # --- a file

    def _play(self, source: SetVideoSource, path: str) -> None:
        """From the beginning, over and over."""
        loop = asyncio.get_running_loop()

        def take(picture: VideoFrame) -> None:
            if self._player is player:
                self._take(picture)

        def show(picture: VideoFrame, _timestamp: int) -> None:
            loop.call_soon_threadsafe(take, picture)

        def failed(why: str) -> None:
            message = f"{Path(path).name!r} cannot be played ({why}): its last picture stays."
            loop.call_soon_threadsafe(self._problem, "video-source", message)

        clip = VideoClip(path, source.fps, source.size, show)
        player = self._player = Player("nbrtc-video-source", clip.play, failed)
        player.start(time.monotonic())

    def _stop_playing(self) -> None:
        player, self._player = self._player, None
        if player is not None:
            self._closing.spawn(player.stop(), "nbrtc-source-stop")

    # --- both

    def _take(self, picture: VideoFrame) -> None:
        self._shown += 1
        self._show(picture)

    def _rest(self) -> None:
        self._resting = None
        self._is_seen = False
        self._stop_playing()

    def _stop(self) -> None:
        if self._port is not None:
            self._former, self._port = self._port, None
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            if kernel.timer is not None:
                kernel.timer.cancel()
            if kernel.supplier is not None:
                kernel.supplier.stop("closed")
        self._file = None
        self._stop_playing()


def _answer(accepted: int) -> FrameHeader:
    """What says that a picture is wanted, and how many came so far; 0 asks an earlier engine's again."""
    return FrameHeader(number=accepted, width=1, height=1, timestamp=0, arrived_s=0.0, time_s=0.0)
