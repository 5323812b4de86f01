"""Pictures and sounds of one recorded file, in the order of their times.

What a call leaves behind is not always whole: a file may end in the middle of a block, frames may be damaged,
the size of the picture changes with the network. All of that is read as far as it goes.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from numpy.typing import NDArray

from nbrtc.errors import RecordingError
from nbrtc.recordings.regular import open_regular

SAMPLE_RATE = 48_000
"""Of all sound that is read here: what Opus has."""

Samples = NDArray[np.float32]
"""Stereo: (samples, 2), from -1 to 1."""

_MAX_PIXELS = 8192 * 4320
"""A larger picture is refused by the decoder: no camera and no screen sends it."""
_MATROSKA, _MP4 = b"\x1a\x45\xdf\xa3", b"ftyp"
_Media = TypeVar("_Media", av.VideoStream, av.AudioStream)


def pictures(path: Path, from_ms: float = 0.0) -> Generator[tuple[float, av.VideoFrame]]:
    """Decode a file's pictures: milliseconds in the file's own time, and the frame as the decoder gives it.

    Sizes and pixel formats may change on the way. A frame that is damaged is left out. Blocks on the disk and
    the processor: not for an event loop. Close the iterator to close the file.

    Parameters
    ----------
    path
        Matroska, WebM or MP4; a ``.partial`` that was cut off is read to its cut.
    from_ms
        Where to begin; everything from the keyframe before is decoded for it, but not returned.

    Raises
    ------
    RecordingError
        The file cannot be opened, or is none of these.
    """
    with _opened(path) as container:
        if not container.streams.video:
            return
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in _frames(container, stream, path, from_ms):
            time_ms = _time_ms(frame)
            if time_ms is not None and time_ms >= from_ms and not frame.is_corrupt:
                assert isinstance(frame, av.VideoFrame)
                yield time_ms, frame


def sounds(path: Path, from_ms: float = 0.0) -> Generator[tuple[float, Samples]]:
    """Decode a file's sound at 48 kHz: milliseconds of the first sample in the file's own time, and samples.

    What was never received is not filled in: the times tell. Parameters and errors as in `pictures`.
    """
    with _opened(path) as container:
        if not container.streams.audio:
            return
        resampler = AudioResampler("fltp", "stereo", SAMPLE_RATE)
        for decoded in _frames(container, container.streams.audio[0], path, from_ms):
            assert isinstance(decoded, av.AudioFrame)
            for frame in _stereo(decoded, resampler):
                time_ms = _time_ms(frame)
                if time_ms is None:
                    continue
                samples = frame.to_ndarray().T
                early = max(0, round((from_ms - time_ms) * SAMPLE_RATE / 1000))
                if early < len(samples):
                    yield time_ms + early * 1000 / SAMPLE_RATE, samples[early:].astype(np.float32, copy=False)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        # A file object and a fixed format: no content can turn into a protocol or a playlist.
        with open_regular(path) as file:
            start = file.read(8)
            file.seek(0)
            container_format = "matroska" if start[:4] == _MATROSKA else "mp4" if start[4:] == _MP4 else None
            if container_format is None:
                raise RecordingError(
                    f"{str(path)!r} is neither Matroska nor MP4: it is no recording of nbrtc"
                )
            with av.open(file, "r", format=container_format) as container:
                yield container
    except (OSError, av.FFmpegError) as error:
        raise RecordingError(f"{str(path)!r} cannot be read ({error})") from error


def _frames(
    container: InputContainer, stream: _Media, path: Path, from_ms: float
) -> Iterator[av.VideoFrame | av.AudioFrame]:
    """Everything that can be decoded from the keyframe before `from_ms` on."""
    context = stream.codec_context
    if context is None:
        raise RecordingError(f"{str(path)!r} has a codec that this PyAV cannot decode: update PyAV")
    if isinstance(stream, av.VideoStream):
        context.options = {"max_pixels": str(_MAX_PIXELS)}
    if from_ms > 0 and stream.time_base:
        # Opus needs 80 ms before it is exact (RFC 7845, section 4.6).
        target_s = max(0.0, from_ms / 1000 - (0.08 if stream.type == "audio" else 0.0))
        with suppress(av.FFmpegError):  # a file without an index may refuse: then it is read from its start
            container.seek(int(target_s / stream.time_base), stream=stream, backward=True)
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            packet = None  # the file was cut off here
        if packet is None:
            return
        try:
            decoded = packet.decode()
        except av.FFmpegError:
            continue  # one damaged frame; the next ones follow
        yield from decoded


def _stereo(frame: av.AudioFrame, resampler: AudioResampler) -> list[av.AudioFrame]:
    if frame.sample_rate == SAMPLE_RATE and frame.format.name == "fltp" and len(frame.layout.channels) == 2:
        return [frame]
    return resampler.resample(frame)


def _time_ms(frame: av.VideoFrame | av.AudioFrame) -> float | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return float(frame.pts * frame.time_base * 1000)
