"""Small real media for recording tests: encoded with PyAV, sent through feeds on a simulated clock."""

import heapq
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from nbrtc.engine.feed import EncodedFrame, Feed, Kind, SenderReport
from tests.priority import opened

NTP_S = 3_900_000_000.0
"""The sender's clock when it captures its first frame."""
START_S = 500.0
"""`time.monotonic` here at that moment."""

os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder writes to the terminal otherwise

ENCODERS = {"VP8": "libvpx", "VP9": "libvpx-vp9", "AV1": "libsvtav1", "H264": "libx264"}
VIDEO_OPTIONS = {
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"},
    "libsvtav1": {"preset": "11", "svtav1-params": "rtc=1:rc=2:pred-struct=1:lp=1"},
    "libx264": {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "bf": "0"},
}


@lru_cache(maxsize=64)
def pictures(
    levels: tuple[int, ...],
    *,
    width: int = 64,
    height: int = 64,
    codec: str = "libvpx",
    key_every: int = 30,
) -> tuple[tuple[bytes, bool], ...]:
    """Encode one grey picture a level (0-255) and tell which are keyframes."""
    encoder = cast(VideoCodecContext, VideoCodecContext.create(codec, "w"))
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, 30), Fraction(30), 500_000
    # Threads of libvpx wait for each other by spinning: on busy cores seconds become minutes.
    encoder.options, encoder.thread_count = VIDEO_OPTIONS[codec], 1
    opened(encoder)
    encoded: list[tuple[bytes, bool]] = []
    for index, level in enumerate(levels):
        array = np.full((height, width, 3), level, np.uint8)
        frame = av.VideoFrame.from_ndarray(array, "rgb24").reformat(format="yuv420p")
        frame.pts = index
        frame.pict_type = PictureType.I if index % key_every == 0 else PictureType.NONE
        encoded += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(frame)]
    encoded += [(bytes(packet), packet.is_keyframe) for packet in encoder.encode(None)]
    assert len(encoded) == len(levels)
    return tuple(encoded)


@lru_cache(maxsize=64)
def sound(seconds: float, *, beep_from_s: float = 0.0, beep_until_s: float = 1e9) -> tuple[bytes, ...]:
    """Encode Opus packets of 20 ms: a 1 kHz tone within the beep, silence outside."""
    encoder = AudioCodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "stereo", "s16"
    encoder.time_base, encoder.bit_rate = Fraction(1, 48000), 64_000
    encoder.options = {"frame_duration": "20", "application": "lowdelay"}
    packets = []
    for index in range(round(seconds * 50)):
        time_s = (np.arange(960) + index * 960) / 48000
        loud = (time_s >= beep_from_s) & (time_s < beep_until_s)
        samples = (12000 * loud * np.sin(2 * np.pi * 1000 * time_s)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(np.repeat(samples, 2)[None, :], format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, index * 960, Fraction(1, 48000)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)


@dataclass
class Sender:
    """One track of a remote browser: a feed here, and frames that are captured there and arrive later."""

    kind: Kind
    codec: str
    frames: list[tuple[bytes, bool]]
    rtp_origin: int = 0
    delay_s: float = 0.02
    start_s: float = 0.0
    """When the first frame is captured, since `START_S`."""
    lost: set[int] = field(default_factory=set)
    """Frames that do not arrive; what comes after them tells so."""
    off: set[int] = field(default_factory=set)
    """Frames that are not made."""
    feed: Feed = field(init=False)
    asked: int = 0

    def __post_init__(self) -> None:
        self.feed = Feed(self.kind, self._count_request)
        self.clock_rate, self.step = (90000, 3000) if self.kind == "video" else (48000, 960)

    def _count_request(self) -> None:
        self.asked += 1

    def report(self) -> None:
        """Let a sender report arrive."""
        self.feed.report = SenderReport(NTP_S + self.start_s, self.rtp_origin)

    def schedule(self) -> Iterator[tuple[float, int, "Sender", EncodedFrame]]:
        """All frames by time of arrival."""
        for index, (data, keyframe) in enumerate(self.frames):
            captured_s = self.start_s + index * self.step / self.clock_rate
            arrived_s = START_S + captured_s + self.delay_s
            frame = EncodedFrame(
                kind=self.kind,
                codec=self.codec,
                timestamp=self.rtp_origin + index * self.step,
                clock_rate=self.clock_rate,
                keyframe=keyframe,
                data=data,
                arrived_s=arrived_s,
                after_gap=index - 1 in self.lost,
            )
            if index not in self.lost | self.off:
                yield arrived_s, id(self), self, frame


def camera(
    levels: list[int], *, codec: str = "VP8", width: int = 64, height: int = 64, **how: object
) -> Sender:
    """A camera that shows these grey levels at 30 fps; the AV1 encoder makes nothing smaller than 64x64."""
    frames = pictures(tuple(levels), width=width, height=height, codec=ENCODERS[codec])
    return Sender("video", codec, list(frames), **how)  # type: ignore[arg-type]


def microphone(packets: Sequence[bytes], **how: object) -> Sender:
    """A microphone that sends these packets."""
    return Sender("audio", "opus", [(packet, True) for packet in packets], **how)  # type: ignore[arg-type]


def play(*senders: Sender) -> None:
    """Push all frames of the senders in order of arrival."""
    for _, _, sender, frame in heapq.merge(*(sender.schedule() for sender in senders)):
        sender.feed.push(frame)


def header_size(path: Path) -> tuple[int, int]:
    """PixelWidth and PixelHeight of a Matroska file; libavformat tells the first picture's size instead."""
    header = path.read_bytes()[:2048]
    at = header.index(b"\xb0", header.index(b"V_", header.index(b"\x16\x54\xae\x6b")))
    sizes = []
    for expected in (0xB0, 0xBA):
        length = header[at + 1] & 0x7F
        assert header[at] == expected
        sizes.append(int.from_bytes(header[at + 2 : at + 2 + length], "big"))
        at += 2 + length
    return sizes[0], sizes[1]


def payloads(path: Path) -> dict[str, list[bytes]]:
    """What lies in the file's blocks, by kind, as a demuxer hands it on."""
    found: dict[str, list[bytes]] = {"video": [], "audio": []}
    with path.open("rb") as file, av.open(file, "r", format="matroska") as container:
        for packet in container.demux():
            if packet.size:
                found[packet.stream.type].append(bytes(packet))
    return found


@dataclass
class Readback:
    """What a player finds in a file."""

    duration_s: float | None
    size: tuple[int, int] | None
    picture_times_s: list[float]
    picture_levels: list[float]
    picture_sizes: list[tuple[int, int]]
    sound_times_s: list[float]
    beep_at_s: float | None

    @property
    def flash_at_s(self) -> float:
        """When it first shows white."""
        shown = zip(self.picture_times_s, self.picture_levels, strict=True)
        return next(at for at, level in shown if level > 128)

    @property
    def offset_s(self) -> float:
        """How much later than the beep the flash is."""
        assert self.beep_at_s is not None
        return self.flash_at_s - self.beep_at_s


def read(path: Path) -> Readback:
    """Decode everything in a file."""
    times, levels, sizes, sound_times, beep = [], [], [], [], None
    with path.open("rb") as file, av.open(file, "r") as container:
        duration_s = None if container.duration is None else container.duration / 1e6
        video = container.streams.video[0] if container.streams.video else None
        size = (video.codec_context.width, video.codec_context.height) if video else None
        resampler = AudioResampler("s16", "mono", 48000)
        for frame in cast(Iterator[av.VideoFrame | av.AudioFrame], container.decode()):
            if isinstance(frame, av.VideoFrame):
                times.append(float(frame.time or 0.0))
                levels.append(float(frame.to_ndarray(format="gray").mean()))
                sizes.append((frame.width, frame.height))
            else:
                sound_times.append(float(frame.time or 0.0))
                samples = np.concatenate([part.to_ndarray()[0] for part in resampler.resample(frame)])
                loud = np.flatnonzero(np.abs(samples.astype(int)) > 3000)
                if beep is None and loud.size:
                    beep = float(frame.time or 0.0) + float(loud[0]) / 48000
    return Readback(duration_s, size, times, levels, sizes, sound_times, beep)
