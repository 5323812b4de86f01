"""Clips that a Bot plays in a loop: one clock for picture and sound, a thread for each.

A clip of both starts over together: a loop is as long as the file, so the shorter stream waits for the longer
one, and they never drift apart. The clock is the machine's monotonic one; a thread that was late skips.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Literal

import av
from av import VideoFrame
from av.video.reformatter import VideoReformatter

from ..pictures import to_yuv420p, turned

LATE_S = 0.2
"""A picture that is this late is skipped, unless it is the first of a loop."""
STEP_S = 0.02
"""A loop is a whole number of audio blocks long, so that picture and sound agree on its length."""
CLOCK_RATE = 90_000
LOCAL = {"protocol_whitelist": "file,crypto,data"}
"""What a file refers to is read only if it is a file, too: a playlist is no way to the network."""


READ_S = 5.0
"""So long a file may keep its reader waiting; some that refer to others would do so for minutes."""


class ClipError(Exception):
    """A file cannot be played; the message says why."""


class Clip:
    """One run through a file's first picture or sound stream."""

    def __init__(self, path: str, kind: Literal["audio", "video"]) -> None:
        self._container = av.open(path, options=LOCAL, timeout=READ_S)
        streams: Any = getattr(self._container.streams, kind)
        if not streams:
            self._container.close()
            raise ClipError("it has no picture" if kind == "video" else "it has no sound")
        self.stream: Any = streams[0]
        self.stream.thread_type = "AUTO"
        duration = self._container.duration
        self.duration_s = None if duration is None or duration <= 0 else duration / av.time_base
        """Of the whole file; None where it does not say."""
        self._start_s = (self._container.start_time or 0) / av.time_base

    def frames(self) -> Iterator[tuple[float, Any]]:
        """(position in s, frame), from the beginning of the file."""
        position_s = 0.0
        for frame in self._container.decode(self.stream):
            if frame.time is not None:
                position_s = max(0.0, frame.time - self._start_s)
            yield position_s, frame
            position_s += frame_s(frame, self.stream)

    def __enter__(self) -> "Clip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()


def frame_s(frame: Any, stream: Any) -> float:
    """How long a frame lasts, in seconds."""
    if isinstance(frame, VideoFrame):
        rate = stream.average_rate or stream.guessed_rate or 25
        return float(1 / rate)
    return float(frame.samples / frame.sample_rate)


def loop_steps(length_s: float) -> int:
    """How many `STEP_S` a loop of a clip of this length has."""
    return max(1, math.ceil(length_s / STEP_S - 1e-6))


def next_loop_s(loop_s: float, length_s: float, elapsed_s: float) -> float:
    """When the next loop starts after one that started at `loop_s`; loops that are over are left out."""
    steps = loop_steps(length_s)
    missed = max(0, int((elapsed_s - loop_s) / (steps * STEP_S)) - 1)
    return loop_s + (1 + missed) * steps * STEP_S


Show = Callable[[VideoFrame, int], object]
"""Takes a yuv420p picture and its time in 1/90000 s; called on the clip's thread."""


class VideoClip:
    """Decodes a video file at its own rate, or at most at `fps`, and shows each picture when it is due.

    Parameters
    ----------
    fps
        0 for the file's own.
    size
        (width, height) to scale to; None for the file's own.
    """

    def __init__(self, path: str, fps: float, size: tuple[int, int] | None, show: Show) -> None:
        self._path, self._fps, self._size, self._show = path, fps, size, show
        self._scaler = VideoReformatter()

    def play(self, origin_s: float, stopped: threading.Event) -> None:
        """Play from `origin_s` (`time.monotonic`) on until stopped.

        Raises
        ------
        ClipError, av.FFmpegError
            If it cannot be read.
        """
        loop_s = 0.0
        while not stopped.is_set():
            end_s, slot = 0.0, -1
            with Clip(self._path, "video") as clip:
                pixel = float(clip.stream.sample_aspect_ratio or 1)
                for position_s, frame in clip.frames():
                    if clip.duration_s is not None and position_s >= clip.duration_s:
                        break
                    end_s = position_s + frame_s(frame, clip.stream)
                    # pictures of the slower rate that was asked for; rounding must not cost one
                    due_slot = int(self._fps * position_s + 1e-3) if self._fps else slot + 1
                    if due_slot == slot:
                        continue
                    due_s = origin_s + loop_s + position_s
                    if self._wait(due_s, stopped, is_first=slot == -1):
                        self._show(self._upright(frame, pixel), round(CLOCK_RATE * due_s))
                    if stopped.is_set():
                        return
                    slot = due_slot
                if slot == -1:
                    raise ClipError("there is no picture in it")
                loop_s = next_loop_s(loop_s, clip.duration_s or end_s, time.monotonic() - origin_s)

    @staticmethod
    def _wait(due_s: float, stopped: threading.Event, *, is_first: bool) -> bool:
        """Until the picture is due; False if it is too late for it, or playing was stopped."""
        wait_s = due_s - time.monotonic()
        if wait_s < -LATE_S and not is_first:
            return False
        return not stopped.wait(max(0.0, wait_s))

    def _upright(self, frame: VideoFrame, pixel: float) -> VideoFrame:
        """As a player shows it: with square pixels and turned as a phone's film wants it."""
        size = self._size
        if size is None:
            size = round(frame.width * pixel), frame.height
        elif round(frame.rotation / 90) % 2:
            size = size[1], size[0]
        return turned(to_yuv420p(frame, size, self._scaler), frame.rotation)


class Player:
    """Plays one clip on a thread of its own, from its beginning, until it is stopped; may play again.

    Parameters
    ----------
    name
        The thread's.
    play
        Plays from a moment of `time.monotonic` on, and returns soon after the event is set.
    on_failed
        Told why it cannot go on, on the thread.
    """

    def __init__(
        self, name: str, play: Callable[[float, threading.Event], None], on_failed: Callable[[str], object]
    ) -> None:
        self._name, self._play, self._on_failed = name, play, on_failed
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, origin_s: float) -> None:
        """Play from the beginning at `origin_s`; what plays already goes on."""
        if self._thread is None:
            self._stopped = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(origin_s, self._stopped), name=self._name)
            self._thread.start()

    async def stop(self) -> None:
        """Stop and wait until the thread has ended. Idempotent."""
        self._stopped.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def _run(self, origin_s: float, stopped: threading.Event) -> None:
        try:
            self._play(origin_s, stopped)
        except (ClipError, av.FFmpegError, OSError, ValueError) as error:
            if not stopped.is_set():
                self._on_failed(str(error))
