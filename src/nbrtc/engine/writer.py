"""The thread that writes a recording: steps from a bounded queue are muxed, synced and finished."""

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbrtc.engine.muxer import CodecChange, Content, Muxer
from nbrtc.errors import RecordingError
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.manifest import Gap

logger = logging.getLogger(__name__)

QUEUE_BYTES = 16 << 20
"""What may wait for the disk, about a minute of a call. When it is full `Writer.offer` refuses; the recorder
then drops the picture up to its next keyframe, and the gap stays a gap in the file's time."""

_STEP_BYTES = 256
"""What one queued step costs besides its frame, so that tiny frames are bounded too."""
_SYNC_S = 0.6
"""How often the disk is waited for. A power cut takes this, what the muxer sorts (0.2 s), and the wait."""
_GATHER_S = 0.05
"""So long the thread lets frames gather: waking for each would cost more than writing it."""
_IDLE_S = 0.3
"""When nothing comes for so long, nothing waits to be sorted either."""

Step = Callable[[Muxer], object]


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """What a recording left behind."""

    path: Path
    """The file: the asked name, or where the media is if that could not be given."""
    duration_s: float
    size_bytes: int
    start_s: float | None = None
    """`time.monotonic` of the file's time zero, cleaned of jitter: the smallest difference of arrival and
    time in the file within the first 10 s. None if there is nothing."""
    video_codec: str = ""
    """As in `EncodedFrame.codec`; empty without a picture."""
    audio_codec: str = ""
    width: int = 0
    """Of the largest picture, in pixels."""
    height: int = 0
    gaps: tuple[Gap, ...] = ()
    """What is missing, in ms of the file."""
    dropped_frames: int = 0
    """Frames that the disk was too slow for."""
    error: str | None = None
    """Why the recording is shorter than asked, missing or named otherwise; None if all went well."""
    codec_changed: bool = False
    """It ended because another codec came, which needs a file of its own."""


class Writer:
    """Owns the file of a recording and the thread that writes it.

    Parameters
    ----------
    file, muxer
        Used by the thread alone once it runs.
    on_end
        Called on the thread, as its last act.
    """

    def __init__(self, file: RecordingFile, muxer: Muxer, on_end: Callable[[RecordingResult], None]) -> None:
        self._file = file
        self._muxer = muxer
        self._on_end = on_end
        self._steps: deque[Step] = deque()  # bounded by QUEUE_BYTES
        self._queued_bytes = 0
        self._closed = False
        self._is_waiting = False
        self._changed = threading.Condition()
        self._closing = threading.Event()
        # A daemon, because what it wrote survives the interpreter's end; its owner calls `close`.
        self._thread = threading.Thread(target=self._run, name=f"writer of {file.path.name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def offer(self, step: Step, size_bytes: int) -> bool:
        """Queue a step that holds `size_bytes` of media; False if the queue is full or closed. Any thread."""
        size_bytes += _STEP_BYTES
        with self._changed:
            if self._closed or self._queued_bytes + size_bytes > QUEUE_BYTES:
                return False
            self._steps.append(step)
            self._queued_bytes += size_bytes
            if self._is_waiting:
                self._changed.notify()
        return True

    def insist(self, step: Step) -> None:
        """Queue a step that must not be dropped, however full the queue is; rare ones only."""
        with self._changed:
            self._steps.append(step)
            self._changed.notify()

    def close(self) -> None:
        """Finish the file after the steps queued so far; may be called twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._closing.set()

    @property
    def content(self) -> Content:
        """What is in the file by now."""
        return self._muxer.content

    @property
    def size_bytes(self) -> int:
        """Bytes in the file."""
        return self._file.size_bytes

    # --- on the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        failure: Exception | None = None
        synced_s = busy_s = time.monotonic()
        synced_bytes = 0
        try:
            while (steps := self._take(synced_s + _SYNC_S)) is not None:
                for step in steps:
                    step(self._muxer)
                now_s = time.monotonic()
                if steps:
                    busy_s = now_s
                elif now_s - busy_s >= _IDLE_S:
                    self._muxer.settle()
                if now_s - synced_s >= _SYNC_S:
                    if self._file.size_bytes != synced_bytes:
                        self._muxer.checkpoint()
                        self._file.sync()
                        synced_bytes = self._file.size_bytes
                    synced_s = time.monotonic()
        except Exception as error:  # noqa: BLE001 - whatever it is, what was written becomes a file, and is told
            failure = error
        with self._changed:
            self._closed = True
            self._steps.clear()
        self._on_end(self._finish(failure))

    def _take(self, until_s: float) -> deque[Step] | None:
        """Wait for steps, at most until then, or until none came for a while; None when closed and empty."""
        with self._changed:
            if not self._steps and not self._closed:
                self._is_waiting = True
                self._changed.wait(max(0.0, min(_IDLE_S, until_s - time.monotonic())))
                self._is_waiting = False
            comes = bool(self._steps)
        if comes:
            self._closing.wait(_GATHER_S)
        with self._changed:
            if self._closed and not self._steps:
                return None
            steps, self._steps, self._queued_bytes = self._steps, deque(), 0
            return steps

    def _finish(self, failure: Exception | None) -> RecordingResult:
        """Make the best file of what was written, give it a name, and say in words what went wrong."""
        codec_changed = isinstance(failure, CodecChange)
        if codec_changed:
            failure = None
        try:
            self._muxer.finish(whole=not isinstance(failure, OSError))
        except Exception as error:  # noqa: BLE001 - told in the result
            failure = failure or error
            try:
                self._muxer.finish(whole=False)
            except Exception:
                logger.exception("The header of %s could not be completed", self._file.partial)
        path = self._file.path
        if not self._muxer.blocks:
            try:
                self._file.discard()
            except OSError:  # an empty file stays; whoever waits for the result has to get it all the same
                logger.exception("The empty %s could not be removed", self._file.partial)
            why = _say(failure) or "no picture and no sound arrived; check camera and microphone"
            return RecordingResult(path, 0.0, 0, error=f"Nothing was recorded into {str(path)!r}: {why}")
        size_bytes, content = self._file.size_bytes, self._muxer.content
        error_text = None
        try:
            path = self._file.publish()
        except RecordingError as error:
            path, error_text = self._file.partial, str(error)
        if failure is not None:
            logger.warning("Recording into %s stopped", path, exc_info=failure)
            error_text = (
                f"The recording stopped after {content.duration_s:.1f} s: {_say(failure)}. What was recorded "
                f"until then is in {str(path)!r} and plays; record again into another file. The call goes on"
            )
        return RecordingResult(
            path,
            content.duration_s,
            size_bytes,
            content.start_s,
            content.video_codec,
            content.audio_codec,
            content.width,
            content.height,
            content.gaps,
            error=error_text,
            codec_changed=codec_changed,
        )


def _say(failure: Exception | None) -> str:
    if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space"
    if isinstance(failure, OSError):
        return f"the disk failed ({failure})"
    return str(failure or "")
