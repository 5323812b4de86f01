"""Pictures to H.264, for a peer whose offer has no VP8 (RFC 7742 asks browsers for both)."""

from fractions import Fraction

import av
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from .encode import BITRATE_DOWN, BITRATE_UP, TIME_BASE


class H264Encoder:
    """A real-time encoder of constrained baseline that follows size and bitrate. One thread at a time."""

    def __init__(self) -> None:
        self._codec: VideoCodecContext | None = None
        self._bitrate_bps = 0

    def encode(self, frame: VideoFrame, timestamp: int, bitrate_bps: int, keyframe: bool) -> bytes:
        """Encode one yuv420p picture of even width and height as Annex B; see `Vp8Encoder.encode`."""
        width, height = frame.width // 2 * 2, frame.height // 2 * 2
        if (width, height) != (frame.width, frame.height):
            frame = frame.reformat(width=width, height=height)
        codec = self._codec
        if (
            codec is None
            or (codec.width, codec.height) != (width, height)
            or not (BITRATE_DOWN * self._bitrate_bps <= bitrate_bps <= BITRATE_UP * self._bitrate_bps)
        ):
            codec = self._codec = self._open(width, height, bitrate_bps)
        frame.pts, frame.time_base = timestamp, TIME_BASE
        frame.pict_type = PictureType.I if keyframe else PictureType.NONE
        try:
            return b"".join(bytes(packet) for packet in codec.encode(frame))
        except av.FFmpegError:
            self._codec = None
            raise

    def _open(self, width: int, height: int, bitrate_bps: int) -> VideoCodecContext:
        self._bitrate_bps = bitrate_bps
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
        codec.time_base, codec.bit_rate = TIME_BASE, bitrate_bps
        codec.framerate = Fraction(30, 1)
        codec.gop_size = 3000  # keyframes come when they are asked for
        codec.thread_count = 1
        codec.options = {
            "profile": "baseline",
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "level": "31",
            "maxrate": str(bitrate_bps),
            "bufsize": str(bitrate_bps // 2),
        }
        return codec
