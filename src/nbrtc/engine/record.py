"""Recording one participant: the encoded feeds go into a file as they came, without transcoding.

The recorder stands on the engine's loop, where it only queues; its writer is a thread. Whatever happens to
the disk, the loop does not wait and the call goes on.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from nbrtc.engine.feed import EncodedFrame, Feed, Kind
from nbrtc.engine.gaps import Reason
from nbrtc.engine.muxer import Muxer
from nbrtc.engine.tracks import describe
from nbrtc.engine.writer import RecordingResult, Writer
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.manifest import Gap

__all__ = ["Recorder", "RecordingProgress", "RecordingResult"]

_ASK_AGAIN_S = 1.0

RecordingState = Literal["new", "recording", "stopped", "failed"]


class RecordingProgress(NamedTuple):
    """How far a recording is; what the file holds is as in `RecordingResult`."""

    duration_s: float
    size_bytes: int
    state: RecordingState
    start_s: float | None = None
    video_codec: str = ""
    audio_codec: str = ""
    width: int = 0
    height: int = 0
    gaps: tuple[Gap, ...] = ()


class Recorder:
    """Records one participant into one file, named ``<path>.partial`` until it is complete.

    The file begins with whatever comes first, its pictures with a keyframe. A quarter of a second after it
    came everything is in the file, within a second on the disk; the ``.partial`` of a crash plays to its
    end. When a codec changes, the file ends and is complete: `RecordingResult.codec_changed`.

    Parameters
    ----------
    path
        Absolute; the suffix chooses the container: ``.mkv``, or ``.webm`` (VP8, VP9 or AV1).
    video, audio
        The feeds; None where there is none.
    size
        The camera's size, for the header while it is recorded; None takes that of the keyframes.
    on_end
        Called once, on the loop, when the recording ends by itself: the disk failed, or a codec changed.
    since_s
        What arrived before this (`EncodedFrame.arrived_s`) is not written: it waited somewhere on its way.
    open_file
        Makes the file; tests give disks that fail.
    """

    def __init__(
        self,
        path: Path,
        video: Feed | None,
        audio: Feed | None,
        *,
        size: VideoSize | None,
        on_end: Callable[[RecordingResult], None],
        since_s: float = -math.inf,
        open_file: Callable[[Path], RecordingFile] = RecordingFile,
    ) -> None:
        self.path = path
        self.dropped_frames = 0
        self._feeds = _present(video, audio)
        self._size = size
        self._on_end = on_end
        self._since_s = since_s
        self._open_file = open_file
        self._writer: Writer | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._asking: asyncio.TimerHandle | None = None
        self._needs_keyframe = True
        self._dropped: set[Kind] = set()
        self._stopping = False
        self._state: RecordingState = "new"

    def start(self) -> None:
        """Open the file and begin; on the engine's loop.

        Raises
        ------
        RecordingError
            The name, the folder or the disk does not allow it, or it was started before. Nothing was created.
        """
        if self._state != "new":
            raise RecordingError(
                f"The recording into {str(self.path)!r} was started before: make a new Recorder"
            )
        suffix = self.path.suffix.lower()
        if suffix not in (".mkv", ".webm"):
            raise RecordingError(
                f"{self.path.name!r} cannot be recorded into: its name has to end in .mkv or .webm"
            )
        file = self._open_file(self.path)
        try:
            muxer = Muxer(file, "webm" if suffix == ".webm" else "matroska", size=self._size)
        except OSError as error:
            file.discard()
            raise RecordingError(
                f"{str(self.path)!r} cannot be written ({error}): free some space or record somewhere else"
            ) from error
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[RecordingResult] = self._loop.create_future()
        self._writer = Writer(file, muxer, self._ended)
        self._writer.start()
        self._state = "recording"
        self._follow()

    def switch(self, video: Feed | None, audio: Feed | None, since_s: float = -math.inf) -> None:
        """Go on in the same file with the feeds of a new link; the time between stays a gap."""
        if self._writer is None or self._state != "recording" or self._stopping:
            return
        self._unfollow()
        self._feeds, self._since_s = _present(video, audio), since_s
        self._dropped.clear()
        self._writer.insist(Muxer.switch)
        self._follow()

    async def stop(self) -> RecordingResult:
        """Finish the file and return what became of it; every call returns the same result.

        Raises
        ------
        RecordingError
            The recording was never started.
        """
        if self._writer is None:
            raise RecordingError(f"The recording into {str(self.path)!r} was not started: call start() first")
        self._stopping = True
        self._unfollow()
        self._writer.close()
        return await asyncio.shield(self._finished)

    @property
    def status(self) -> RecordingProgress:
        """How far the recording is."""
        if self._writer is None:
            return RecordingProgress(0.0, 0, self._state)
        content = self._writer.content
        return RecordingProgress(
            content.duration_s,
            self._writer.size_bytes,
            self._state,
            content.start_s,
            content.video_codec,
            content.audio_codec,
            content.width,
            content.height,
            content.gaps,
        )

    def _follow(self) -> None:
        for feed in self._feeds:
            self._unsubscribe.append(feed.subscribe(self._sink(feed)))
        self._needs_keyframe = True
        self._ask_keyframe()

    def _unfollow(self) -> None:
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe.clear()
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _ask_keyframe(self) -> None:
        """Ask, and again until one came: a request can get lost, and an encoder may ignore it."""
        self._asking = None
        video = next((feed for feed in self._feeds if feed.kind == "video"), None)
        if video is not None and self._needs_keyframe:
            video.request_keyframe()
            self._asking = self._loop.call_later(_ASK_AGAIN_S, self._ask_keyframe)

    def _sink(self, feed: Feed) -> Callable[[EncodedFrame], None]:
        def take(frame: EncodedFrame) -> None:
            if frame.arrived_s < self._since_s:
                if frame.kind == "video" and frame.keyframe:
                    feed.request_keyframe()  # it may be the one that was asked for
                return
            if frame.kind == "video" and self._needs_keyframe and not (frame.keyframe and describe(frame)):
                self.dropped_frames += "video" in self._dropped
                return
            report = feed.report
            reason: Reason | None = "disk" if frame.kind in self._dropped else None
            if self._writer is None or not self._writer.offer(
                lambda muxer: muxer.accept(frame, report, reason), len(frame.data)
            ):
                self._drop(frame)
                return
            self._dropped.discard(frame.kind)
            if frame.kind == "video":
                self._needs_keyframe = False

        return take

    def _drop(self, frame: EncodedFrame) -> None:
        self.dropped_frames += 1
        self._dropped.add(frame.kind)
        if frame.kind == "video":
            self._needs_keyframe = True
            if self._asking is None:
                self._ask_keyframe()

    def _ended(self, result: RecordingResult) -> None:
        """Hand the writer's result to the loop; on the writer's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end, result)

    def _end(self, result: RecordingResult) -> None:
        self._unfollow()
        self._state = "stopped" if result.error is None else "failed"
        result = replace(result, dropped_frames=self.dropped_frames)
        self._finished.set_result(result)
        if not self._stopping:
            self._on_end(result)


def _present(video: Feed | None, audio: Feed | None) -> list[Feed]:
    return [feed for feed in (video, audio) if feed is not None]
