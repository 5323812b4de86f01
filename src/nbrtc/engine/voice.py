"""The sound of a Bot: a file in a loop, encoded to Opus once for all its peers.

Blocks of 20 ms leave on the beat of the monotonic clock: a late one leaves at once and none is ever added, so
that the sound neither drifts nor builds up delay.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
from aiortc import MediaStreamTrack
from av import AudioFrame, AudioResampler, Packet
from av.audio.codeccontext import AudioCodecContext

from .playback import Clip, ClipError, loop_steps, next_loop_s

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]

SAMPLE_RATE = 48_000
BLOCK = 960
BLOCK_S = BLOCK / SAMPLE_RATE
BITRATE_BPS = 64_000
"""Music sounds well with it, and it is little beside video."""
LATE_S = 1.0
"""After the machine has slept, blocks that are later than this are left out instead of sent in a burst."""
WAITING_BLOCKS = 50
"""A second; beyond it the oldest are dropped, for a sender that is stuck."""

Emit = Callable[[bytes, int], object]
"""Takes an Opus packet and its time in samples; called on the clip's thread."""


class SoundClip:
    """Decodes a sound file, brings it to 48 kHz and encodes it, each block when it is due."""

    def __init__(self, path: str, emit: Emit) -> None:
        self._path, self._emit = path, emit

    def play(self, origin_s: float, stopped: threading.Event) -> None:
        """Play from `origin_s` (`time.monotonic`) on until stopped.

        Raises
        ------
        ClipError, av.FFmpegError
            If it cannot be read.
        """
        encoder: AudioCodecContext | None = None
        loop_s = 0.0
        while not stopped.is_set():
            number = -1
            with Clip(self._path, "audio") as clip:
                channels = min(2, clip.stream.codec_context.channels)
                encoder = encoder or opus_encoder(channels)
                for number, block in enumerate(blocks(clip, channels)):
                    due_s = origin_s + loop_s + number * BLOCK_S
                    wait_s = due_s - time.monotonic()
                    if stopped.wait(max(0.0, wait_s)):
                        return
                    if wait_s > -LATE_S:
                        self._send(encoder, block, round(SAMPLE_RATE * due_s))
                if number == -1:
                    raise ClipError("there is no sound in it")
                length_s = clip.duration_s or (number + 1) * BLOCK_S
            loop_s = next_loop_s(loop_s, length_s, time.monotonic() - origin_s)

    def _send(self, encoder: AudioCodecContext, block: "Samples", stamp: int) -> None:
        frame = AudioFrame.from_ndarray(block, format="s16", layout=encoder.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, stamp, Fraction(1, SAMPLE_RATE)
        for packet in encoder.encode(frame):
            self._emit(bytes(packet), stamp)


def blocks(clip: Clip, channels: int) -> "Iterator[Samples]":
    """One run through a clip in interleaved blocks of 20 ms, filled up with silence to the clip's length."""
    size = BLOCK * channels
    left = None if clip.duration_s is None else loop_steps(clip.duration_s)
    waiting = np.zeros((1, 0), np.int16)
    for samples in _resampled(clip, channels):
        waiting = np.concatenate([waiting, samples], axis=1)
        while waiting.shape[1] >= size and left != 0:
            yield waiting[:, :size]
            waiting = waiting[:, size:]
            left = None if left is None else left - 1
        if left == 0:
            return
    if waiting.shape[1]:
        yield np.pad(waiting, ((0, 0), (0, size - waiting.shape[1])))
        left = None if left is None else left - 1
    for _ in range(left or 0):
        yield np.zeros((1, size), np.int16)


def _resampled(clip: Clip, channels: int) -> "Iterator[Samples]":
    resampler = AudioResampler(format="s16", layout="mono" if channels == 1 else "stereo", rate=SAMPLE_RATE)
    for _, frame in clip.frames():
        for resampled in resampler.resample(frame):
            yield _samples(resampled)
    for resampled in resampler.resample(None):
        yield _samples(resampled)


def _samples(frame: AudioFrame) -> "Samples":
    return cast("Samples", frame.to_ndarray())  # of format s16


def opus_encoder(channels: int) -> AudioCodecContext:
    """An Opus encoder for blocks of 20 ms (RFC 6716)."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.format = SAMPLE_RATE, "s16"
    encoder.layout = "mono" if channels == 1 else "stereo"
    encoder.bit_rate = BITRATE_BPS // 2 * channels
    encoder.time_base = Fraction(1, SAMPLE_RATE)
    encoder.options = {"application": "audio", "frame_duration": "20"}
    return encoder


class VoiceTrack(MediaStreamTrack):
    """The audio track of one peer's sender; yields `av.Packet`, which aiortc sends without encoding."""

    kind = "audio"

    def __init__(self, voice: "Voice") -> None:
        super().__init__()
        self._voice = voice
        self._queue: deque[tuple[bytes, int]] = deque(maxlen=WAITING_BLOCKS)
        self._wake = asyncio.Event()

    def put(self, data: bytes, stamp: int) -> None:
        """The voice has a packet."""
        self._queue.append((data, stamp))
        self._wake.set()

    async def recv(self) -> "Packet[Any]":
        """Wait for the next packet."""
        self._voice.admit(self)
        while not self._queue:
            self._wake.clear()
            await self._wake.wait()
        data, stamp = self._queue.popleft()
        packet = Packet(data)
        packet.pts, packet.time_base = stamp, Fraction(1, SAMPLE_RATE)
        return packet

    def stop(self) -> None:
        """End the track; idempotent."""
        super().stop()
        self._voice.dismiss(self)


class Voice:
    """Hands each Opus packet to the tracks of all peers that are connected. On the engine's loop."""

    def __init__(self) -> None:
        self.packets = 0
        self._tracks: set[VoiceTrack] = set()

    def track(self) -> VoiceTrack:
        """A track for one more peer, which owns it and stops it."""
        return VoiceTrack(self)

    def admit(self, track: VoiceTrack) -> None:
        """A peer's sender asks for sound: it is connected. Idempotent."""
        self._tracks.add(track)

    def dismiss(self, track: VoiceTrack) -> None:
        """A peer is gone. Idempotent."""
        self._tracks.discard(track)

    def emit(self, data: bytes, stamp: int) -> None:
        """Send a packet to everybody."""
        self.packets += 1
        for track in self._tracks:
            track.put(data, stamp)
