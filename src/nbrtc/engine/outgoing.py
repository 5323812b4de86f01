"""What goes down to the page: the picture that Python sends back, and sound.

The picture is a switch that never ends. Without a video effect the camera's encoded frames go straight back,
neither decoded nor encoded; with one, only the effect's results do. The raw camera never slips through in
between: switching to Python empties the queue at once, switching back waits for a keyframe.
"""

import asyncio
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

from aiortc import MediaStreamTrack
from av import Packet, VideoFrame

from .bandwidth import SendLimit
from .encode import TIME_BASE, Vp8Encoder
from .feed import EncodedFrame, Feed

PASS_FRAMES = 30
"""Bound of the pass-through queue: a second. When the sender falls behind, it goes on at the next keyframe."""

REFRESH_S = 1.0
"""The last picture is sent again after this long without a new one, so that the page's track stays alive."""

KEYFRAME_WAIT_S = 0.1
"""A requested keyframe is made of the last picture if no new one comes within this time."""


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
        self._await_keyframe = True
        self._newest: tuple[VideoFrame, int, float] | None = None
        self._last: VideoFrame | None = None
        self._force_keyframe = True
        self._stamp = -1
        self._wake = asyncio.Event()
        self._encoder = Vp8Encoder()
        self._thread = ThreadPoolExecutor(1, "nbrtc-encode")
        self._unsubscribe = feed.subscribe(self._pass)
        self.sent = 0
        self.replaced = 0
        self.effect_delay_s: float | None = None

    @property
    def passes_through(self) -> bool:
        """Whether the camera's own frames go back."""
        return not self._effect

    def use_effect(self, on: bool) -> None:
        """From now on send only what `show` is given (True), or the camera's own frames (False)."""
        if on == self._effect:
            return
        self._effect = on
        self._passing.clear()
        self._newest = None
        self._force_keyframe = True
        if not on:
            self._last = None
            self._await_keyframe = True
            self._feed.request_keyframe()

    def show(self, picture: VideoFrame, timestamp: int, arrived_s: float) -> None:
        """Send a yuv420p picture at once; of several, the newest wins."""
        if self._effect:
            self.replaced += self._newest is not None
            self._newest = (picture, timestamp, arrived_s)
            self._wake.set()

    def request_keyframe(self) -> None:
        """The page asks for a picture that is decodable by itself."""
        if not self._effect:
            self._feed.request_keyframe()
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
                return self._packet(frame.data, frame.timestamp)
            if self._newest is not None:
                packet = await self._encode(*self._newest)
                if packet is not None:
                    return packet
                continue
            self._wake.clear()
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._wake.wait()
            except TimeoutError:
                self._repeat(keyframe_only=False)

    def _pass(self, frame: EncodedFrame) -> None:
        if self._effect or (self._await_keyframe and not frame.keyframe):
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
            self._newest = (self._last, self._stamp + 1, 0.0)
            self._wake.set()

    async def _encode(self, picture: VideoFrame, timestamp: int, arrived_s: float) -> "Packet[Any] | None":
        self._newest = None
        self._last = picture
        keyframe, self._force_keyframe = self._force_keyframe, False
        data, _ = await asyncio.get_running_loop().run_in_executor(
            self._thread,
            self._encoder.encode,
            picture,
            max(timestamp, self._stamp + 1),
            self._limit.bitrate_bps(time.monotonic()),
            keyframe,
        )
        if not self._effect or not data:
            return None  # the effect was taken off meanwhile, or the encoder dropped the frame
        if arrived_s:
            self.effect_delay_s = time.monotonic() - arrived_s
        return self._packet(data, timestamp)

    def _packet(self, data: bytes, timestamp: int) -> "Packet[Any]":
        self._stamp = max(timestamp, self._stamp + 1)  # time never goes backwards, whatever the source
        self.sent += 1
        self._limit.add_sent(len(data), time.monotonic())
        packet = Packet(data)
        packet.pts, packet.time_base = self._stamp, TIME_BASE
        return packet


class OutgoingAudio(MediaStreamTrack):
    """Silence, as an Opus packet every 20 ms: never the person's own voice."""

    kind = "audio"
    SILENCE = b"\xf8\xff\xfe"
    """RFC 6716: a 20 ms full-band CELT frame that decodes to zeros."""
    PACKET_SAMPLES = 960

    def __init__(self) -> None:
        super().__init__()
        self._start_s: float | None = None
        self._packets = 0

    async def recv(self) -> "Packet[Any]":
        """Wait until the next 20 ms are due."""
        now_s = time.monotonic()
        if self._start_s is None:
            self._start_s = now_s
        due_s = self._start_s + self._packets * 0.02
        if now_s - due_s > 1:  # the machine slept: go on from here instead of sending a burst
            self._start_s += now_s - due_s
        elif due_s > now_s:
            await asyncio.sleep(due_s - now_s)
        packet = Packet(self.SILENCE)
        packet.pts, packet.time_base = self._packets * self.PACKET_SAMPLES, Fraction(1, 48000)
        self._packets += 1
        return packet
