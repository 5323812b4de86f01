"""Recording one participant: the encoded feeds go into a file as they came, without transcoding.

The recorder stands on the engine's loop, where it only queues; its writer is a thread. Whatever happens to
the disk, the loop does not wait and the call goes on.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from nbrtc.engine.feed import EncodedFrame, Feed, Kind
from nbrtc.engine.muxer import Muxer
from nbrtc.engine.writer import RecordingResult, Writer
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize
from nbrtc.recordings.files import RecordingFile, refuse_existing

__all__ = ["Recorder", "RecordingProgress", "RecordingResult"]

_ASK_AGAIN_S = 1.0

RecordingState = Literal["new", "recording", "stopped", "failed"]


class RecordingProgress(NamedTuple):
    """How far a recording is."""

    duration_s: float
    size_bytes: int
    state: RecordingState


class Recorder:
    """Records one participant into one file, named ``<path>.partial`` until it is complete.

    The file begins with a keyframe of the picture, and the sound from the same moment; if one of the two is
    silent for 2 s it begins with the other. A ``.partial`` left by a crash is Matroska and plays to its end.
    An ``.mp4`` is recorded as ``.mp4.mkv.partial`` for that reason and copied when it stops.

    Parameters
    ----------
    path
        Absolute; the suffix chooses the container: ``.mkv``, ``.webm`` (VP8) or ``.mp4`` (H.264).
    video, audio
        The feeds; None where there is none.
    size
        The camera's size, for the header; None takes that of the keyframes.
    video_codec
        ``"VP8"`` or ``"H264"`` if it is known, to refuse a wrong container at once.
    on_failure
        Called once, on the loop, when the recording ends by itself.
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
        video_codec: str | None,
        on_failure: Callable[[RecordingError], None],
        open_file: Callable[[Path], RecordingFile] = RecordingFile,
    ) -> None:
        self.path = path
        self.dropped_frames = 0
        self._feeds = _present(video, audio)
        self._size = size
        self._video_codec = video_codec
        self._on_failure = on_failure
        self._open_file = open_file
        self._writer: Writer | None = None
        self._unsubscribe: list[Callable[[], None]] = []
        self._asking: asyncio.TimerHandle | None = None
        self._needs_keyframe = True
        self._dropping = False
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
        suffix = _check_suffix(self.path, self._video_codec)
        path = self.path
        if suffix == ".mp4":
            refuse_existing(path)
            path = path.with_name(path.name + ".mkv")
        file = self._open_file(path)
        kinds = {feed.kind for feed in self._feeds}
        try:
            muxer = Muxer(file, "webm" if suffix == ".webm" else "matroska", kinds=kinds, size=self._size)
        except OSError as error:
            file.discard()
            raise RecordingError(
                f"{str(self.path)!r} cannot be written ({error}): free some space or record somewhere else"
            ) from error
        self._loop = asyncio.get_running_loop()
        self._finished: asyncio.Future[RecordingResult] = self._loop.create_future()
        self._writer = Writer(file, muxer, self.path, self._ended)
        self._writer.start()
        self._state = "recording"
        self._follow()

    def switch(self, video: Feed | None, audio: Feed | None) -> None:
        """Go on in the same file with the feeds of a new link; the time between stays a gap."""
        if self._writer is None or self._state != "recording" or self._stopping:
            return
        self._unfollow()
        self._feeds = _present(video, audio)
        kinds: set[Kind] = {feed.kind for feed in self._feeds}
        self._writer.insist(lambda muxer: muxer.switch(kinds))
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
        return RecordingProgress(self._writer.duration_s, self._writer.size_bytes, self._state)

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
            report = feed.report
            if frame.kind == "video" and self._needs_keyframe and not frame.keyframe:
                self.dropped_frames += self._dropping
            elif self._writer is None or not self._writer.offer(
                lambda muxer: muxer.accept(frame, report), len(frame.data)
            ):
                self._drop(frame)
            elif frame.kind == "video":
                self._needs_keyframe = self._dropping = False

        return take

    def _drop(self, frame: EncodedFrame) -> None:
        self.dropped_frames += 1
        if frame.kind == "video":
            self._needs_keyframe = self._dropping = True
            if self._asking is None:
                self._ask_keyframe()

    def _ended(self, result: RecordingResult) -> None:
        """Hand the writer's result to the loop; on the writer's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end, result)

    def _end(self, result: RecordingResult) -> None:
        self._unfollow()
        self._state = "stopped" if result.error is None else "failed"
        self._finished.set_result(replace(result, dropped_frames=self.dropped_frames))
        if result.error is not None and not self._stopping:
            self._on_failure(RecordingError(result.error))


def _present(video: Feed | None, audio: Feed | None) -> list[Feed]:
    return [feed for feed in (video, audio) if feed is not None]


def _check_suffix(path: Path, video_codec: str | None) -> str:
    suffix = path.suffix.lower()
    if not suffix:
        raise RecordingError(
            f"{str(path)!r} has no suffix, and folders come with rooms: end the name in .mkv or .webm"
        )
    if suffix not in (".mkv", ".webm", ".mp4"):
        raise RecordingError(f"{suffix!r} of {path.name!r} is no container for calls: use .mkv or .webm")
    if suffix == ".webm" and video_codec == "H264":
        raise RecordingError(f"{path.name!r}: a .webm file cannot hold H.264 video: use .mkv or .mp4")
    if suffix == ".mp4" and video_codec != "H264":
        raise RecordingError(
            f"{path.name!r}: an .mp4 file needs H.264 video, and this call sends "
            f"{video_codec or 'another codec'}: use .mkv"
        )
    return suffix
