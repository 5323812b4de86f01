"""Encoded frames to pictures, only while somebody wants pictures.

One worker thread decodes in order. Waiting room: `QUEUE_FRAMES` encoded frames; when decoding falls behind,
everything up to the next keyframe is dropped and one is asked for, so that the delay never grows.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
from av import VideoFrame
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from .feed import EncodedFrame, Feed

logger = logging.getLogger(__name__)

QUEUE_FRAMES = 30
DECODERS = {"VP8": "vp8", "VP9": "vp9", "AV1": "libdav1d", "H264": "h264"}
MAX_PIXELS = 4096 * 2304
"""A keyframe of a few bytes may claim 16383x16383; whoever sends that is not given the memory for it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame."""

    number: int
    frame: VideoFrame
    timestamp: int
    arrived_s: float


class VideoDecoder:
    """Decodes a video feed between `start` and `stop`; `on_picture` is called on the loop.

    A picture's number goes on counting over restarts.
    """

    def __init__(self, feed: Feed, on_picture: Callable[[Picture], None], first_number: int = 0) -> None:
        self._feed = feed
        self._on_picture = on_picture
        self._number = first_number
        self._queue: deque[EncodedFrame] = deque()
        self._waiting_for_keyframe = True
        self._unsubscribe: Callable[[], None] | None = None
        self._codec: VideoCodecContext | None = None
        self._codec_name = ""
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, "nbrtc-decode")
        self.dropped = 0
        self.errors = 0

    @property
    def number(self) -> int:
        """How many pictures were decoded so far."""
        return self._number

    @property
    def is_running(self) -> bool:
        """Whether the feed is being decoded."""
        return self._unsubscribe is not None

    def start(self) -> None:
        """Begin at the next keyframe, which is asked for."""
        if self._unsubscribe is None:
            self._waiting_for_keyframe = self._feed.is_decoded = True
            self._unsubscribe = self._feed.subscribe(self._put)
            self._feed.request_keyframe()
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="nbrtc-decode")

    def stop(self) -> None:
        """Stop decoding; `start` may follow."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            self._feed.is_decoded = False
            self._queue.clear()

    async def close(self) -> None:
        """Stop for good and end the thread."""
        self.stop()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _put(self, frame: EncodedFrame) -> None:
        if self._waiting_for_keyframe and not frame.keyframe:
            return
        if len(self._queue) >= QUEUE_FRAMES:
            self.dropped += len(self._queue)
            self._queue.clear()
            if not frame.keyframe:
                self._waiting_for_keyframe = True
                self._feed.request_keyframe()
                return
        self._waiting_for_keyframe = False
        self._queue.append(frame)
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                encoded = self._queue.popleft()
                try:
                    frames = await loop.run_in_executor(self._thread, self._decode, encoded)
                except av.FFmpegError as error:
                    if self.errors % 100 == 0:  # whoever sends broken frames must not fill the log
                        logger.warning(
                            "A frame in %s did not decode (%s): asking for a keyframe", encoded.codec, error
                        )
                    self.errors += 1
                    self._codec = None  # whatever state it is in now
                    self._waiting_for_keyframe = True
                    self._queue.clear()
                    self._feed.request_keyframe()
                    continue
                self._feed.decoded += len(frames)
                self._feed.decoded_keyframes += encoded.keyframe
                for frame in frames:
                    self._number += 1
                    self._on_picture(Picture(self._number, frame, encoded.timestamp, encoded.arrived_s))

    def _decode(self, encoded: EncodedFrame) -> list[VideoFrame]:
        if self._codec is None or self._codec_name != encoded.codec:
            self._codec_name = encoded.codec
            self._codec = cast(VideoCodecContext, av.CodecContext.create(DECODERS[encoded.codec], "r"))
            self._codec.thread_count = 1  # frame threads would hold pictures back
            self._codec.flags |= Flags.low_delay  # as would waiting for B frames, which nobody sends live
            self._codec.options = {"max_pixels": str(MAX_PIXELS)}
        packet = av.Packet(encoded.data)
        packet.pts, packet.time_base = encoded.timestamp, Fraction(1, encoded.clock_rate)
        frames = self._codec.decode(packet)
        return [
            frame if frame.format.name == "yuv420p" else frame.reformat(format="yuv420p") for frame in frames
        ]
