"""``python -m benchmarks.recording``: what recording a participant costs, next to aiortc's MediaRecorder.

Both get the same ten seconds of 640x480 at 30/s in VP8, with Opus, in turns in one process. Ours takes the
encoded frames, at the pace of a call; of its CPU time that of the pace alone is taken away. MediaRecorder
takes decoded frames, as fast as it can; what it takes to decode them is said apart.
"""

import asyncio
import math
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import numpy as np
import psutil
from aiortc import MediaStreamTrack
from aiortc.contrib.media import MediaRecorder
from aiortc.mediastreams import MediaStreamError
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

from benchmarks.results import machine
from nbrtc.engine.feed import EncodedFrame, Feed, Kind
from nbrtc.engine.muxer import Muxer
from nbrtc.engine.record import Recorder, RecordingResult

WIDTH, HEIGHT, FPS = 640, 480, 30
SECONDS = 10
ROUNDS = 5
BITRATE_BPS = 1_000_000
TARGET = 0.05
HOUR_S = 3600
WARM_UP_S = 600


@dataclass(frozen=True)
class Clip:
    """A camera and a microphone, encoded and decoded."""

    encoded: list[tuple[float, EncodedFrame]]
    """By the time when each is due, in seconds."""
    pictures: list[av.VideoFrame]
    sounds: list[av.AudioFrame]


def main() -> None:
    """Print the CPU of both, and how memory grows in an hour."""
    print(f"{machine()}\nload average at the start {psutil.getloadavg()[0]:.2f}\n")
    clip = make_clip()
    rounds = [asyncio.run(one_round(clip)) for _ in range(ROUNDS)]
    ours_s, theirs_s, decoding_s = (median(each) for each in zip(*rounds, strict=True))
    print(f"CPU of {SECONDS} s of {WIDTH}x{HEIGHT} at {FPS}/s, VP8 and Opus, median of {ROUNDS}")
    for name, seconds in (
        ("nbrtc, the encoded frames", ours_s),
        ("aiortc's MediaRecorder, decoded frames", theirs_s),
        ("decoding for it", decoding_s),
    ):
        print(f"{name:<42}{seconds:8.3f} s{seconds / SECONDS:9.2%} of a core")
    alone, whole = ours_s / theirs_s, ours_s / (theirs_s + decoding_s)
    print()
    for ratio, what in ((alone, "without decoding"), (whole, "with the decoding that it needs")):
        verdict = "reached" if ratio <= TARGET else "missed"
        print(f"{verdict:<9}{ratio:8.4f} x  <= {TARGET:g}  CPU of recording / MediaRecorder's {what}")
    grown_bytes = memory_of_an_hour(clip)
    print(f"\nan hour, simulated: {grown_bytes / 1e6:+.2f} MB since its minute {WARM_UP_S // 60}")


async def one_round(clip: Clip) -> tuple[float, float, float]:
    """CPU seconds of ours, of MediaRecorder, and of decoding."""
    with tempfile.TemporaryDirectory() as folder:
        pace_s = await cpu_s(lambda: play(clip, {}))
        ours_s = await cpu_s(lambda: record(clip, Path(folder) / "ours.mkv"))
        theirs_s = await cpu_s(lambda: media_record(clip, Path(folder) / "theirs.mkv"))
        return ours_s - pace_s, theirs_s, await cpu_s(lambda: decode(clip))


async def cpu_s(run: Callable[[], Coroutine[None, None, None]]) -> float:
    """CPU time of this process, all its threads, while it runs."""
    began_s = time.process_time()
    await run()
    return time.process_time() - began_s


async def record(clip: Clip, path: Path) -> None:
    """Our recorder, at the pace of a call."""
    feeds: dict[Kind, Feed] = {"video": Feed("video", _nothing), "audio": Feed("audio", _nothing)}
    recorder = Recorder(path, feeds["video"], feeds["audio"], size=None, on_end=_ended)
    recorder.start()
    await play(clip, feeds)
    result = await recorder.stop()
    if result.error or result.dropped_frames or abs(result.duration_s - SECONDS) > 0.2:
        raise RuntimeError(f"The recording is not whole: {result}")


async def play(clip: Clip, feeds: dict[Kind, Feed]) -> None:
    """Push every frame when it is due; without feeds only the waiting is done."""
    began_s = time.monotonic()
    for due_s, frame in clip.encoded:
        await asyncio.sleep(max(0.0, began_s + due_s - time.monotonic()))
        arrived = replace(frame, arrived_s=time.monotonic())
        if feeds:
            feeds[frame.kind].push(arrived)


class Frames(MediaStreamTrack):
    """Decoded frames as fast as they are taken."""

    def __init__(self, kind: Kind, frames: Sequence[av.VideoFrame | av.AudioFrame]) -> None:
        super().__init__()
        self.kind = kind
        self.finished = asyncio.Event()
        self._frames: Iterator[av.VideoFrame | av.AudioFrame] = iter(frames)

    async def recv(self) -> av.VideoFrame | av.AudioFrame:
        """The next frame."""
        await asyncio.sleep(0)
        frame = next(self._frames, None)
        if frame is None:
            self.finished.set()
            raise MediaStreamError
        return frame


async def media_record(clip: Clip, path: Path) -> None:
    """aiortc's recorder, which encodes: H.264 and AAC, its choice for Matroska."""
    recorder = MediaRecorder(str(path))
    tracks = [Frames("video", clip.pictures), Frames("audio", clip.sounds)]
    for track in tracks:
        recorder.addTrack(track)
    await recorder.start()
    for track in tracks:
        await track.finished.wait()
    await recorder.stop()
    with av.open(str(path)) as container:
        if abs((container.duration or 0) / 1e6 - SECONDS) > 0.5:
            raise RuntimeError(f"MediaRecorder's file has {container.duration} us")


async def decode(clip: Clip) -> None:
    """What stands in front of MediaRecorder in a call."""
    decoders = {"video": av.CodecContext.create("libvpx", "r"), "audio": av.CodecContext.create("opus", "r")}
    for _, frame in clip.encoded:
        decoders[frame.kind].decode(av.Packet(frame.data))  # type: ignore[attr-defined]


class Nowhere:
    """A file that keeps nothing."""

    size_bytes = 0

    def append(self, data: bytes) -> None:
        """Count."""
        self.size_bytes += len(data)

    def patch(self, data: bytes, at: int) -> None:
        """Forget."""


def memory_of_an_hour(clip: Clip) -> int:
    """How many bytes more are resident after an hour of the clip than after ten minutes."""
    muxer, process = Muxer(Nowhere(), "matroska", size=None), psutil.Process()
    early_bytes = 0
    for start_s in range(0, HOUR_S, SECONDS):
        if start_s == WARM_UP_S:
            early_bytes = int(process.memory_info().rss)
        for due_s, frame in clip.encoded:
            moved = replace(
                frame,
                timestamp=frame.timestamp + start_s * frame.clock_rate,
                arrived_s=1000.0 + start_s + due_s,
            )
            muxer.accept(moved, None)
    if muxer.content.duration_s < HOUR_S - 1:
        raise RuntimeError(f"Only {muxer.content.duration_s} s were recorded")
    return int(process.memory_info().rss) - early_bytes


def make_clip() -> Clip:
    """A disc that moves over a pattern with noise, and a tone."""
    pictures = [_picture(index) for index in range(SECONDS * FPS)]
    sounds = [_sound(index) for index in range(SECONDS * 50)]
    encoder = VideoCodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, FPS), Fraction(FPS), BITRATE_BPS
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "auto-alt-ref": "0"}
    voice = AudioCodecContext.create("libopus", "w")
    voice.sample_rate, voice.layout, voice.format, voice.bit_rate = 48000, "stereo", "s16", 48_000
    voice.time_base = Fraction(1, 48000)
    shown = [packet for frame in pictures for packet in encoder.encode(frame)]
    heard = [packet for frame in sounds for packet in voice.encode(frame)]
    encoded = [
        (index / FPS, _encoded("video", "VP8", index * 90000 // FPS, packet))
        for index, packet in enumerate(shown)
    ] + [(index / 50, _encoded("audio", "opus", index * 960, packet)) for index, packet in enumerate(heard)]
    return Clip(sorted(encoded, key=lambda item: item[0]), pictures, sounds)


def _encoded(kind: Kind, codec: str, timestamp: int, packet: "av.Packet[av.stream.Stream]") -> EncodedFrame:
    rate = 90000 if kind == "video" else 48000
    keyframe = kind == "audio" or packet.is_keyframe
    return EncodedFrame(kind, codec, timestamp, rate, keyframe, bytes(packet), 0.0)


def _picture(index: int) -> av.VideoFrame:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    angle = index / FPS
    disc = np.hypot(x - WIDTH * (0.5 + 0.3 * math.sin(angle)), y - HEIGHT / 2) < 80
    grey = (x // 4 + y // 4 + 120 * disc + np.random.default_rng(index).integers(0, 6, x.shape)).astype(
        np.uint8
    )
    frame = av.VideoFrame.from_ndarray(np.repeat(grey[:, :, None], 3, 2), "rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = index, Fraction(1, FPS)
    return frame


def _sound(index: int) -> av.AudioFrame:
    time_s = (np.arange(960) + index * 960) / 48000
    samples = (8000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(np.repeat(samples, 2)[None, :], format="s16", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = 48000, index * 960, Fraction(1, 48000)
    return frame


def _nothing() -> None:
    """No keyframe can be asked of a clip, and none need be: it begins with one."""


def _ended(result: RecordingResult) -> None:
    raise RuntimeError(f"The recording ended: {result.error}")


if __name__ == "__main__":
    main()
