"""Pictures to VP8 or H.264, for what Python sends.

aiortc's own encoder is not used: its bitrate limits are module constants and it denoises, which costs a third
of the time. Runs in a worker thread, never on the loop.
"""

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Literal

import av
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

TIME_BASE = Fraction(1, 90000)

# A new bitrate rebuilds the encoder, which costs a keyframe: small changes wait.
BITRATE_DOWN = 0.85
BITRATE_UP = 1.3


VideoCodec = Literal["VP8", "H264"]
"""What Python can send: RFC 7742 asks browsers for both."""


class VideoEncoder(ABC):
    """A real-time encoder that follows size and bitrate. One thread at a time."""

    def __init__(self) -> None:
        self._codec: VideoCodecContext | None = None
        self._bitrate_bps = 0

    def encode(self, frame: VideoFrame, timestamp: int, bitrate_bps: int, keyframe: bool) -> bytes:
        """Encode one yuv420p picture.

        Parameters
        ----------
        frame
            The picture; a new size starts a new encoder.
        timestamp
            RTP timestamp in 1/90000 s.
        bitrate_bps
            What the receiver can take now.
        keyframe
            Make this one decodable by itself.

        Returns
        -------
        bytes
            The encoded picture (of H.264 Annex B); empty if the encoder dropped it to keep its bitrate.

        Raises
        ------
        av.FFmpegError
            If the codec has no such picture, as VP8 beyond 16,383 pixels. The next call begins with a new
            encoder.
        """
        codec = self._codec
        if (
            codec is None
            or (codec.width, codec.height) != (frame.width, frame.height)
            or not (BITRATE_DOWN * self._bitrate_bps <= bitrate_bps <= BITRATE_UP * self._bitrate_bps)
        ):
            self._bitrate_bps = bitrate_bps
            codec = self._codec = self._open(frame.width, frame.height, bitrate_bps)
        frame.pts, frame.time_base = timestamp, TIME_BASE
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            return b"".join(bytes(packet) for packet in codec.encode(frame))
        except av.FFmpegError:
            self._codec = None
            raise

    @abstractmethod
    def _open(self, width: int, height: int, bitrate_bps: int) -> VideoCodecContext:
        """Make a codec for pictures of this size."""


class Vp8Encoder(VideoEncoder):
    """libvpx."""

    def _open(self, width: int, height: int, bitrate_bps: int) -> VideoCodecContext:
        codec = _context("libvpx", width, height, bitrate_bps)
        codec.qmin, codec.qmax = 2, 56
        codec.thread_count = 1 if width * height <= 1280 * 720 else 2
        codec.options = {
            "deadline": "realtime",
            "cpu-used": "-8",
            "lag-in-frames": "0",
            "error-resilient": "default",
            # minrate = maxrate is libvpx's constant bitrate; the buffer is half a second
            "minrate": str(bitrate_bps),
            "maxrate": str(bitrate_bps),
            "bufsize": str(bitrate_bps // 2),
            "undershoot-pct": "100",
            "overshoot-pct": "15",
            "static-thresh": "1",
        }
        return codec


class H264Encoder(VideoEncoder):
    """x264, constrained baseline; pictures of odd width or height are scaled to even ones."""

    def encode(self, frame: VideoFrame, timestamp: int, bitrate_bps: int, keyframe: bool) -> bytes:
        """Encode one picture as Annex B; see `VideoEncoder.encode`."""
        width, height = max(2, frame.width // 2 * 2), max(2, frame.height // 2 * 2)
        if (width, height) != (frame.width, frame.height):
            frame = frame.reformat(width=width, height=height)
        return super().encode(frame, timestamp, bitrate_bps, keyframe)

    def _open(self, width: int, height: int, bitrate_bps: int) -> VideoCodecContext:
        codec = _context("libx264", width, height, bitrate_bps)
        codec.thread_count = 1
        codec.options = {
            "profile": "baseline",
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "level": "31" if width * height <= 1280 * 720 else "40",
            "maxrate": str(bitrate_bps),
            "bufsize": str(bitrate_bps // 2),
        }
        return codec


ENCODERS: dict[VideoCodec, type[VideoEncoder]] = {"VP8": Vp8Encoder, "H264": H264Encoder}


def _context(name: str, width: int, height: int, bitrate_bps: int) -> VideoCodecContext:
    codec = av.CodecContext.create(name, "w")
    assert isinstance(codec, VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.bit_rate = TIME_BASE, bitrate_bps
    codec.framerate = Fraction(30, 1)
    codec.gop_size = 3000  # keyframes come when they are asked for
    return codec
