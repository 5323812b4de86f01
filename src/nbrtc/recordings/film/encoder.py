"""The film's file: pictures and sound encoded and written by a thread of their own."""

import queue
import threading
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from time import thread_time

import av
import numpy as np

from nbrtc.errors import RecordingError
from nbrtc.recordings.decoding import SAMPLE_RATE, Samples
from nbrtc.recordings.faststart import put_index_first
from nbrtc.recordings.files import RecordingFile

_WAITING = 16
"""Pictures and blocks of sound that wait for the encoder; whoever brings more waits: nothing is dropped."""


@dataclass(frozen=True)
class _Format:
    container: str
    video: str
    video_options: dict[str, str]
    audio: str
    audio_bps: int
    video_bps: int | None = None


_H264 = {"preset": "veryfast", "crf": "23", "profile": "high"}
# A positive speed would follow the clock; a film is to be the same wherever it is made.
_VP8 = {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0", "auto-alt-ref": "0"}
_FORMATS = {
    ".mp4": _Format("mp4", "libx264", _H264, "aac", 128_000),
    ".mkv": _Format("matroska", "libx264", _H264, "libopus", 96_000),
    ".webm": _Format("webm", "libvpx", _VP8, "libopus", 96_000, 2_000_000),
}
SUFFIXES = tuple(_FORMATS)


class Encoder:
    """Writes one film, and names it when it is complete.

    Parameters
    ----------
    path
        Must not exist; its suffix chooses the format.

    Raises
    ------
    RecordingError
        The suffix is unknown, or the file cannot be made.
    """

    def __init__(self, path: Path, width: int, height: int, fps: int) -> None:
        chosen = _FORMATS.get(path.suffix.lower())
        if chosen is None:
            raise RecordingError(
                f"A film cannot be written as {path.name!r}: use one of {', '.join(SUFFIXES)} as its suffix"
            )
        self._format, self._size, self._fps = chosen, (width, height), fps
        self.file = RecordingFile(path)
        self.cpu_s = 0.0
        """Of the writing thread; encoders have threads of their own beside it."""
        self._items: queue.Queue[tuple[av.VideoFrame, int] | Samples | None] = queue.Queue(_WAITING)
        self._error: Exception | None = None
        self._abandoned = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="film encoder")
        self._thread.start()

    def picture(self, frame: av.VideoFrame, index: int) -> None:
        """Write the picture number `index`; the same object may come again, but is not to be changed.

        Raises
        ------
        RecordingError
            The disk or the encoder refused this or an earlier one.
        """
        self._put((frame, index))

    def sound(self, samples: Samples) -> None:
        """Write the next samples; raises as `picture` does."""
        self._put(samples)

    def finish(self) -> Path:
        """Complete the file and give it its name, which is returned; raises as `picture` does."""
        self._put(None)
        self._thread.join()
        self._check()
        if self._format.container == "mp4":
            self._index_first()
        return self.file.publish()

    def _index_first(self) -> None:
        try:
            put_index_first(self.file.descriptor)
        except OSError as error:
            self._error = error
            self._check()

    def discard(self) -> None:
        """Give up and remove what was written; may be called twice, and after `finish` does nothing."""
        self._abandoned = True
        with suppress(queue.Full):  # then the thread has something to wake up for
            self._items.put_nowait(None)
        self._thread.join()
        self.file.discard()

    def _put(self, item: tuple[av.VideoFrame, int] | Samples | None) -> None:
        # The thread goes on taking items after an error, so that this never waits in vain.
        self._items.put(item)
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise RecordingError(
                f"The film {str(self.file.path)!r} could not be written ({self._error}); the recording's own "
                "files are unchanged: check that the disk has room, then compose it again"
            ) from self._error

    def _run(self) -> None:
        try:
            self._write()
        except Exception as error:  # noqa: BLE001 - told to whoever brings the next picture
            self._error = error
            while not self._ended and not self._abandoned:
                self._ended = self._items.get() is None

    def _write(self) -> None:
        chosen = self._format
        with (
            open(self.file.descriptor, "wb", closefd=False) as opened,
            av.open(opened, "w", format=chosen.container) as container,
        ):
            video = container.add_stream(chosen.video, rate=self._fps, options=dict(chosen.video_options))
            assert isinstance(video, av.VideoStream)
            video.width, video.height = self._size
            video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, self._fps)
            video.codec_context.gop_size = 5 * self._fps
            video.codec_context.color_range, video.codec_context.colorspace = 1, 5
            video.codec_context.thread_count = 0
            if chosen.video_bps:
                area = self._size[0] * self._size[1] / (1280 * 720)
                video.codec_context.bit_rate = max(200_000, round(chosen.video_bps * area))
            audio = container.add_stream(chosen.audio, rate=SAMPLE_RATE, layout="stereo")
            assert isinstance(audio, av.AudioStream)
            audio.codec_context.bit_rate = chosen.audio_bps
            at = 0
            while not self._ended:
                item = self._items.get()
                if self._abandoned:
                    return
                if item is None:
                    self._ended = True
                elif isinstance(item, tuple):
                    frame, frame.pts = item[0], item[1]
                    frame.time_base = Fraction(1, self._fps)
                    container.mux(video.encode(frame))
                else:
                    container.mux(audio.encode(_sound(item, at)))
                    at += len(item)
                self.cpu_s = thread_time()
            container.mux(video.encode(None))
            container.mux(audio.encode(None))
            self.cpu_s = thread_time()


def _sound(samples: Samples, at: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), "flt", "stereo")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, at, Fraction(1, SAMPLE_RATE)
    return frame
