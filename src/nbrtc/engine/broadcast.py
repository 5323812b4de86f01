"""A picture for many: what a Bot shows is encoded once for all its peers, not once for each.

Two renditions are enough in a small room. The full one runs at the lowest limit of its peers. A peer that can
take less than half of what the best one can moves to the low one, of half the size in each direction, so that
it pulls nobody down; it moves back when its limit has grown. All on the engine's loop but the encoders, which
have a thread.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import av
from aiortc import MediaStreamTrack
from av import Packet, VideoFrame

from ..recordings.picture_size import vp8_size
from .bandwidth import SendLimit, video_bitrate_bps
from .codecs import is_keyframe
from .encode import ENCODERS, TIME_BASE, VideoCodec
from .outgoing import KEYFRAME_WAIT_S, PASS_FRAMES, REFRESH_S
from .rtp_clock import RtpClock

logger = logging.getLogger(__name__)

MOVE_DOWN, MOVE_UP = 0.5, 0.7
"""A peer changes its rendition below, and above, this part of the best peer's limit."""

KEYFRAME_INTERVAL_S = 0.3
"""Many peers ask for many keyframes; a rendition makes no more, and each serves all its peers."""

SMALLEST_SIDE = 90
"""Pixels; a picture that is no larger is not halved."""

Level = Literal["full", "low"]


@dataclass(frozen=True, slots=True)
class _Shown:
    picture: VideoFrame
    timestamp: int | None


@dataclass(frozen=True, slots=True)
class _Coded:
    data: bytes
    stamp: int
    keyframe: bool


class Rendition:
    """One encoder and the peers that get what it makes."""

    def __init__(self, codec: VideoCodec, level: Level) -> None:
        self.codec, self.level = codec, level
        self.frames = 0
        self.keyframes = 0
        self.bitrate_bps = 0
        self.keyframe_wanted = True
        self._encoder = ENCODERS[codec]()
        self._keyframe_s = float("-inf")

    def keyframe_in_s(self, now_s: float) -> float:
        """How long until the next keyframe may be made; 0 for now."""
        return max(0.0, self._keyframe_s + KEYFRAME_INTERVAL_S - now_s)

    def takes_keyframe(self, now_s: float) -> bool:
        """Whether the next picture is to be a keyframe."""
        if not self.keyframe_wanted or self.keyframe_in_s(now_s) > 0:
            return False
        self.keyframe_wanted, self._keyframe_s = False, now_s
        return True

    def encode(self, picture: VideoFrame, stamp: int, bitrate_bps: int, keyframe: bool) -> bytes:
        """Encode a picture at this rendition's size. On the encoder's thread."""
        if self.level == "low" and min(picture.width, picture.height) > SMALLEST_SIDE:
            picture = picture.reformat(width=picture.width // 4 * 2, height=picture.height // 4 * 2)
        return self._encoder.encode(picture, stamp, bitrate_bps, keyframe)


class BroadcastTrack(MediaStreamTrack):
    """The video track of one peer's sender; yields `av.Packet`, which aiortc sends without encoding.

    At most `PASS_FRAMES` wait for a slow sender, which then goes on at the next keyframe.
    """

    kind = "video"

    def __init__(self, broadcast: "Broadcast", limit: SendLimit, codec: VideoCodec) -> None:
        super().__init__()
        self.limit = limit
        self.codec = codec
        self.level: Level = "full"
        self.sent = 0
        self.dropped = 0
        self.size: tuple[int, int] | None = None
        """Pixels of what is sent, as a VP8 keyframe says."""
        self._broadcast = broadcast
        self._queue: deque[_Coded] = deque()
        self._awaits_keyframe = True
        self._wake = asyncio.Event()

    def request_keyframe(self) -> None:
        """The peer asks for a picture that is decodable by itself."""
        self._broadcast.request_keyframe(self)

    def move(self, level: Level) -> None:
        """Take the other rendition from its next keyframe on."""
        self.level = level
        self._queue.clear()
        self._awaits_keyframe = True
        self.request_keyframe()

    def put(self, coded: _Coded) -> None:
        """The rendition made a picture."""
        if self._awaits_keyframe and not coded.keyframe:
            return
        if len(self._queue) >= PASS_FRAMES:
            self.dropped += len(self._queue)
            self._queue.clear()
            if not coded.keyframe:
                self._awaits_keyframe = True
                self.request_keyframe()
                return
        self._awaits_keyframe = False
        self._queue.append(coded)
        self._wake.set()

    async def recv(self) -> "Packet[Any]":
        """Wait for the next encoded picture; the first call, at connection, makes the peer one of those
        that are served.
        """
        self._broadcast.admit(self)
        while not self._queue:
            self._wake.clear()
            await self._wake.wait()
        coded = self._queue.popleft()
        self.sent += 1
        if coded.keyframe and self.codec == "VP8":
            self.size = vp8_size(coded.data)
        self.limit.add_sent(len(coded.data), time.monotonic())
        packet = Packet(coded.data)
        packet.pts, packet.time_base = coded.stamp, TIME_BASE
        return packet

    def stop(self) -> None:
        """End the track; idempotent."""
        super().stop()
        self._broadcast.dismiss(self)


class Broadcast:
    """Encodes the newest picture for the peers that are connected; with none it does nothing.

    Parameters
    ----------
    fps
        Pictures a second, from which the bitrate follows.
    """

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.on_taken: Callable[[], None] = lambda: None
        """Called when the newest picture was taken: there is room for the next one."""
        self.replaced = 0
        self.failed = 0
        self.delay_s: float | None = None
        """How long the last picture took from `show` until all renditions had it."""
        self._target_bps = video_bitrate_bps(640, 480, fps)
        self._tracks: set[BroadcastTrack] = set()
        self._renditions: dict[tuple[VideoCodec, Level], Rendition] = {}
        self._newest: _Shown | None = None
        self._last: VideoFrame | None = None
        self._wake = asyncio.Event()
        self._clock = RtpClock()
        self._thread = ThreadPoolExecutor(1, "nbrtc-encode")
        self._repeating: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def track(self, codec: VideoCodec) -> BroadcastTrack:
        """A track for one more peer, which owns it and stops it."""
        return BroadcastTrack(self, SendLimit(self._target_bps), codec)

    def show(self, picture: VideoFrame, timestamp: int | None) -> None:
        """Send a yuv420p picture at once; of several, the newest wins.

        Parameters
        ----------
        timestamp
            When it was made, in 1/90000 s of a clock of its own; None for now.
        """
        if not self._tracks:  # for whoever comes
            self._last = picture
            self.on_taken()
            return
        self.replaced += self._newest is not None
        self._newest = _Shown(picture, timestamp)
        self._wake.set()

    @property
    def is_free(self) -> bool:
        """Whether no picture waits."""
        return self._newest is None

    def admit(self, track: BroadcastTrack) -> None:
        """A peer's sender asks for pictures: it is connected. Idempotent."""
        if track in self._tracks:
            return
        self._tracks.add(track)
        track.limit.target_bps = self._target_bps
        track.request_keyframe()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="nbrtc-broadcast")

    def dismiss(self, track: BroadcastTrack) -> None:
        """A peer is gone. Idempotent."""
        self._tracks.discard(track)
        used = {(other.codec, other.level) for other in self._tracks}
        self._renditions = {key: value for key, value in self._renditions.items() if key in used}

    def request_keyframe(self, track: BroadcastTrack) -> None:
        """The track's rendition is to make a keyframe soon."""
        rendition = self._rendition(track)
        rendition.keyframe_wanted = True
        self._repeat_after(max(KEYFRAME_WAIT_S, rendition.keyframe_in_s(time.monotonic())))

    def figures(self, now_s: float) -> dict[str, object]:
        """Counters and rates in bit/s, for `Bot.engine_status`."""
        return {
            "replaced_pictures": self.replaced,
            "failed_pictures": self.failed,
            "encode_delay_s": self.delay_s,
            "renditions": [
                {
                    "codec": rendition.codec,
                    "level": rendition.level,
                    "frames": rendition.frames,
                    "keyframes": rendition.keyframes,
                    "bitrate_bps": rendition.bitrate_bps,
                    "peers": sum((track.codec, track.level) == key for track in self._tracks),
                }
                for key, rendition in self._renditions.items()
            ],
        }

    async def close(self) -> None:
        """End the encoders and their thread; idempotent. The tracks are their peers' to stop."""
        if self._repeating is not None:
            self._repeating.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _rendition(self, track: BroadcastTrack) -> Rendition:
        key = (track.codec, track.level)
        if key not in self._renditions:
            self._renditions[key] = Rendition(*key)
        return self._renditions[key]

    def _repeat_after(self, delay_s: float) -> None:
        if self._repeating is None:
            self._repeating = asyncio.get_running_loop().call_later(delay_s, self._repeat)

    def _repeat(self) -> None:
        """No new picture came for a keyframe that is wanted: the last one is shown again."""
        self._repeating = None
        now_s = time.monotonic()
        waits_s = [one.keyframe_in_s(now_s) for one in self._renditions.values() if one.keyframe_wanted]
        if any(wait_s == 0 for wait_s in waits_s) and self._newest is None and self._last is not None:
            self.show(self._last, None)
        if later_s := [wait_s for wait_s in waits_s if wait_s > 0]:
            self._repeat_after(min(later_s))

    async def _run(self) -> None:
        while True:
            shown = await self._next()
            if shown is not None:
                self._last = shown.picture
                await self._encode(shown)

    async def _next(self) -> _Shown | None:
        self._wake.clear()
        if self._newest is None:
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._wake.wait()
            except TimeoutError:  # again, so that the peers' tracks stay alive
                return None if self._last is None else _Shown(self._last, None)
        shown, self._newest = self._newest, None
        self.on_taken()
        return shown

    async def _encode(self, shown: _Shown) -> None:
        began_s = time.monotonic()
        stamp = self._clock.stamp(shown.timestamp, began_s)
        self._aim(shown.picture)
        sort_by_limit(self._tracks, began_s)
        for rendition in {self._rendition(track) for track in self._tracks}:
            await self._encode_as(rendition, shown.picture, stamp, began_s)
        self.delay_s = time.monotonic() - began_s

    async def _encode_as(self, rendition: Rendition, picture: VideoFrame, stamp: int, now_s: float) -> None:
        limits = [track.limit.bitrate_bps(now_s) for track in self._members(rendition)]
        if not limits:
            return  # the last one went while another rendition was being made
        rendition.bitrate_bps = min(limits)
        keyframe = rendition.takes_keyframe(now_s)
        try:
            data = await asyncio.get_running_loop().run_in_executor(
                self._thread, rendition.encode, picture, stamp, rendition.bitrate_bps, keyframe
            )
        except av.FFmpegError as error:  # the last good picture stays
            self.failed += 1
            rendition.keyframe_wanted = True
            logger.error("A picture of %dx%d was not sent (%s)", picture.width, picture.height, error)
            return
        if not data:
            rendition.keyframe_wanted |= keyframe  # the encoder dropped the picture to keep its bitrate
            return
        coded = _Coded(data, stamp, is_keyframe(rendition.codec, data))
        rendition.frames += 1
        rendition.keyframes += coded.keyframe
        for track in self._members(rendition):
            track.put(coded)

    def _members(self, rendition: Rendition) -> list[BroadcastTrack]:
        key = (rendition.codec, rendition.level)
        return [track for track in self._tracks if (track.codec, track.level) == key]

    def _aim(self, picture: VideoFrame) -> None:
        """Another size asks for another bitrate."""
        target_bps = video_bitrate_bps(picture.width, picture.height, self.fps)
        if target_bps != self._target_bps:
            self._target_bps = target_bps
            for track in self._tracks:
                track.limit.target_bps = target_bps


def sort_by_limit(tracks: Iterable[BroadcastTrack], now_s: float) -> None:
    """Move peers that can take much less than the best one to the low rendition, and back."""
    limits = {track: track.limit.bitrate_bps(now_s) for track in tracks}
    best_bps = max(limits.values(), default=0)
    for track, limit_bps in limits.items():
        if track.level == "full" and limit_bps < MOVE_DOWN * best_bps:
            track.move("low")
        elif track.level == "low" and limit_bps > MOVE_UP * best_bps:
            track.move("full")
