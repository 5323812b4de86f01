"""What goes down to the page: the picture that Python sends back.

A switch that never ends. Without a video effect the camera's encoded frames go straight back, neither decoded
nor encoded; with one, only the effect's results do. The raw camera never slips through in between: switching
to Python empties the queue at once, switching back waits for a keyframe.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import av
from aiortc import MediaStreamTrack
from av import Packet, VideoFrame

from ..recordings.picture_size import vp8_size
from .bandwidth import SendLimit
from .codecs import is_keyframe
from .encode import ENCODERS, TIME_BASE, VideoCodec, VideoEncoder, Vp8Encoder
from .feed import EncodedFrame, Feed
from .rtp_clock import RtpClock

logger = logging.getLogger(__name__)

PASS_FRAMES = 30
"""Bound of the pass-through queue: a second. A sender that falls behind goes on at the next keyframe."""

REFRESH_S = 1.0
"""The last picture is sent again after this long without a new one, so that the page's track stays alive."""

KEYFRAME_WAIT_S = 0.1
"""A requested keyframe is made of the last picture if no new one comes within this time."""


OnEncoded = Callable[[bytes, bool, tuple[int, float] | None], None]
"""The bytes, whether they are a keyframe, and RTP timestamp and arrival of the camera's frame behind them."""


@dataclass(frozen=True, slots=True)
class _Shown:
    picture: VideoFrame
    timestamp: int | None
    arrived_s: float | None
    is_result: bool = True


class OutgoingVideo(MediaStreamTrack):
    """The video track of the link's sender; yields `av.Packet`, which aiortc sends without encoding.

    Parameters
    ----------
    feed
        The camera's encoded frames.
    limit
        Knows what the page can take now.
    """

    kind = "video"

    def __init__(self, feed: Feed, limit: SendLimit) -> None:
        super().__init__()
        self._feed = feed
        self._limit = limit
        self._passing: deque[EncodedFrame] = deque()
        self._effect = False
        self._echoes = True
        self._await_keyframe = True
        self._newest: _Shown | None = None
        self._last: _Shown | None = None
        self._stand_ins = True
        self._force_keyframe = True
        self._clock = RtpClock()
        self._wake = asyncio.Event()
        self._codec: VideoCodec = "VP8"
        self._encoder: VideoEncoder = Vp8Encoder()
        self._thread = ThreadPoolExecutor(1, "nbrtc-encode")
        self._unsubscribe = feed.subscribe(self._pass)
        self.sent = 0
        self.replaced = 0
        self.failed = 0
        self.encoded = self.encoded_keyframes = 0
        self.encode_s = 0.0
        """Seconds of the encoder, all pictures together."""
        self.size: tuple[int, int] | None = None
        """Pixels of what is sent; None before the first keyframe."""
        self.effect_delay_s: float | None = None
        self.effect_sent: tuple[int, float] = (-1, 0.0)
        """RTP timestamp of the camera's frame behind the effect's picture that was sent last, and its age
        then in seconds."""
        self.on_encoded: OnEncoded = lambda *_: None
        """Told each picture of the effect as it is sent, on the engine's loop."""

    def use_codec(self, codec: VideoCodec) -> None:
        """Encode for this codec; said once, when it is negotiated, before the first picture."""
        if codec != self._codec:
            self._codec, self._encoder = codec, ENCODERS[codec]()

    @property
    def passes_through(self) -> bool:
        """Whether the camera's own frames go back."""
        return self._echoes and not self._effect

    @property
    def echoes(self) -> bool:
        """Whether they go back while there is no effect; if not, then nothing does."""
        return self._echoes

    @echoes.setter
    def echoes(self, on: bool) -> None:
        if on != self._echoes:
            self._echoes = on
            self._begin_passing()

    @property
    def waiting(self) -> int:
        """Frames of the camera that the sender has not taken yet, at most `PASS_FRAMES`."""
        return len(self._passing)

    def use_effect(self, on: bool, *, stand_ins: bool = True) -> None:
        """From now on send only what `show` is given (True), or the camera's own frames (False).

        Parameters
        ----------
        stand_ins
            Whether the raw camera may stand in for the effect. If not, then none is sent again, either: not
            from the effect before, not from before a moment.
        """
        self._stand_ins = stand_ins
        if not self._may_show(self._newest):
            self._newest = None
        if not self._may_show(self._last):
            self._last = None
        if on == self._effect:
            return
        self._effect = on
        self._passing.clear()
        self._newest = None
        self._force_keyframe = True
        if not on:
            self._last = self.effect_delay_s = None
            self._begin_passing()

    def show(
        self,
        picture: VideoFrame,
        timestamp: int | None,
        arrived_s: float | None,
        *,
        is_result: bool = True,
    ) -> None:
        """Send a yuv420p picture at once; of several, the newest wins.

        Parameters
        ----------
        timestamp, arrived_s
            Of the camera's frame that it was made of; None for a picture of no particular time.
        is_result
            Whether an effect made it. One that stands in for an effect that is late says nothing of what the
            effect takes, by which the microphone is delayed.
        """
        shown = _Shown(picture, timestamp, arrived_s, is_result)
        if self._effect and self._may_show(shown):
            self.replaced += self._newest is not None
            self._newest = shown
            self._wake.set()

    def request_keyframe(self) -> None:
        """The page asks for a picture that is decodable by itself."""
        if self.passes_through:
            self._feed.request_keyframe()
        if not self._effect:
            return
        self._force_keyframe = True
        asyncio.get_running_loop().call_later(KEYFRAME_WAIT_S, self._repeat)

    def stop(self) -> None:
        """End the track and its thread; idempotent."""
        super().stop()
        self._unsubscribe()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def recv(self) -> "Packet[Any]":
        """Wait for the next encoded picture. Runs on the engine's loop, called by aiortc's sender."""
        while True:
            if self._passing:
                frame = self._passing.popleft()
                return self._packet(frame.data, self._clock.stamp(frame.timestamp, time.monotonic()))
            if self._newest is not None:
                packet = await self._encode(self._newest)
                if packet is not None:
                    return packet
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._wake.wait()
            except TimeoutError:
                self._repeat(keyframe_only=False)

    def _begin_passing(self) -> None:
        self._passing.clear()
        self._await_keyframe = True
        if self.passes_through:
            self._feed.request_keyframe()

    def _pass(self, frame: EncodedFrame) -> None:
        if not self.passes_through or (self._await_keyframe and not frame.keyframe):
            return
        self._await_keyframe = False
        if len(self._passing) >= PASS_FRAMES:
            self._passing.clear()
            if not frame.keyframe:
                self._await_keyframe = True
                self._feed.request_keyframe()
                return
        self._passing.append(frame)
        self._wake.set()

    def _repeat(self, keyframe_only: bool = True) -> None:
        wanted = self._effect and (self._force_keyframe or not keyframe_only)
        if wanted and self._newest is None and self._last is not None:
            self._newest = replace(self._last, timestamp=None, arrived_s=None)
            self._wake.set()

    def _may_show(self, shown: _Shown | None) -> bool:
        return shown is None or shown.is_result or self._stand_ins

    async def _encode(self, shown: _Shown) -> "Packet[Any] | None":
        self._newest = None
        keyframe, self._force_keyframe = self._force_keyframe, False
        now_s = time.monotonic()
        stamp = self._clock.stamp(shown.timestamp, now_s)
        try:
            data = await asyncio.get_running_loop().run_in_executor(
                self._thread,
                self._timed,
                shown.picture,
                stamp,
                self._limit.bitrate_bps(now_s),
                keyframe,
            )
        except av.FFmpegError as error:  # the sender would end with it; the last good picture stays
            self.failed += 1
            self._force_keyframe = True
            logger.error(
                "A picture of %dx%d was not sent: %s refused it (%s)",
                shown.picture.width,
                shown.picture.height,
                self._codec,
                error,
            )
            return None
        is_key = bool(data) and is_keyframe(self._codec, data)
        if data:
            self.encoded += 1
            self.encoded_keyframes += is_key
        if not self._effect:
            return None  # the effect was taken off meanwhile
        if not self._may_show(shown):
            self._force_keyframe = True  # one that may not stand in was asked for meanwhile
            return None
        self._last = shown
        if not data:
            self._force_keyframe |= keyframe  # the encoder dropped the picture to keep its bitrate
            return None
        if shown.arrived_s is not None and shown.is_result:
            self.effect_delay_s = time.monotonic() - shown.arrived_s
            if shown.timestamp is not None:
                self.effect_sent = shown.timestamp, self.effect_delay_s
        timestamp, arrived_s = shown.timestamp, shown.arrived_s
        source = None if timestamp is None or arrived_s is None else (timestamp, arrived_s)
        self.on_encoded(data, is_key, source)
        self.size = shown.picture.width, shown.picture.height
        return self._packet(data, stamp)

    def _timed(self, picture: VideoFrame, stamp: int, bitrate_bps: int, keyframe: bool) -> bytes:
        """Encode, and count what it takes. On the encoder's thread, the only one that writes the sum."""
        began_s = time.perf_counter()
        data = self._encoder.encode(picture, stamp, bitrate_bps, keyframe)
        self.encode_s += time.perf_counter() - began_s
        return data

    def _packet(self, data: bytes, stamp: int) -> "Packet[Any]":
        self.sent += 1
        if self._codec == "VP8":
            self.size = vp8_size(data) or self.size
        self._limit.add_sent(len(data), time.monotonic())
        packet = Packet(data)
        packet.pts, packet.time_base = stamp, TIME_BASE
        return packet
