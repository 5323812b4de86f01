"""The thread that writes a recording: steps from a bounded queue are muxed, synced and finished."""

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbrtc.engine.muxer import Muxer
from nbrtc.errors import RecordingError
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.remux import remux

logger = logging.getLogger(__name__)

QUEUE_BYTES = 16 << 20
"""What may wait for the disk, about a minute of a call. When it is full `Writer.offer` refuses; the recorder
then drops the picture up to its next keyframe, and the gap stays a gap in the file's time."""

_STEP_BYTES = 256
"""What one queued step costs besides its frame, so that tiny frames are bounded too."""
_SYNC_S = 1.0

Step = Callable[[Muxer], object]


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """What a recording left behind."""

    path: Path
    """The file: the asked name, or where the media is if that could not be given."""
    duration_s: float
    size_bytes: int
    dropped_frames: int = 0
    """Frames that the disk was too slow for."""
    error: str | None = None
    """Why the recording is shorter than asked, missing or named otherwise; None if all went well."""


class Writer:
    """Owns the file of a recording and the thread that writes it.

    Parameters
    ----------
    file, muxer
        Used by the thread alone once it runs.
    path
        The asked name. If it ends in ``.mp4``, `file` is Matroska and is copied into it at the end.
    on_end
        Called on the thread, as its last act.
    """

    def __init__(
        self, file: RecordingFile, muxer: Muxer, path: Path, on_end: Callable[[RecordingResult], None]
    ) -> None:
        self._file = file
        self._muxer = muxer
        self._path = path
        self._on_end = on_end
        self._steps: deque[Step] = deque()  # bounded by QUEUE_BYTES
        self._queued_bytes = 0
        self._closed = False
        self._changed = threading.Condition()
        # A daemon, because what it wrote survives the interpreter's end; its owner calls `close`.
        self._thread = threading.Thread(target=self._run, name=f"writer of {path.name}", daemon=True)

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

    @property
    def duration_s(self) -> float:
        """Seconds of media in the file."""
        return self._muxer.duration_s

    @property
    def size_bytes(self) -> int:
        """Bytes in the file."""
        return self._file.size_bytes

    # --- on the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        failure: Exception | None = None
        synced_s = time.monotonic()
        try:
            while (steps := self._take()) is not None:
                for step in steps:
                    step(self._muxer)
                if time.monotonic() - synced_s >= _SYNC_S:
                    self._muxer.checkpoint()
                    self._file.sync()
                    synced_s = time.monotonic()
        except Exception as error:  # noqa: BLE001 - whatever it is, what was written becomes a file, and is told
            failure = error
        with self._changed:
            self._closed = True
            self._steps.clear()
        self._on_end(self._finish(failure))

    def _take(self) -> deque[Step] | None:
        """Wait for steps, at most until the next sync; None when closed and empty."""
        with self._changed:
            if not self._steps and not self._closed:
                self._changed.wait(_SYNC_S)
            if self._closed and not self._steps:
                return None
            steps, self._steps, self._queued_bytes = self._steps, deque(), 0
            return steps

    def _finish(self, failure: Exception | None) -> RecordingResult:
        """Make the best file of what was written, give it a name, and say in words what went wrong."""
        try:
            self._muxer.finish(whole=not isinstance(failure, OSError))
        except Exception as error:  # noqa: BLE001 - told in the result
            failure = failure or error
            try:
                self._muxer.finish(whole=False)
            except Exception:
                logger.exception("The header of %s could not be completed", self._file.partial)
        size_bytes, duration_s = self._file.size_bytes, self._muxer.duration_s
        if not self._muxer.blocks:
            self._file.discard()
            nothing = f"Nothing was recorded into {str(self._path)!r}"
            why = _say(failure) or "no picture and no sound arrived; check camera and microphone"
            return RecordingResult(self._path, 0.0, 0, error=f"{nothing}: {why}")
        path, error_text = self._name(copy=failure is None)
        if failure is not None:
            logger.warning("Recording into %s stopped", self._path, exc_info=failure)
            error_text = (
                f"The recording stopped after {duration_s:.1f} s: {_say(failure)}. What was recorded until "
                f"then is in {str(path)!r} and plays; record again into another file. The call goes on"
            )
        return RecordingResult(path, duration_s, size_bytes, error=error_text)

    def _name(self, *, copy: bool) -> tuple[Path, str | None]:
        """Give the file its final name; where that fails, return the one that it has, and why."""
        error_text = None
        if self._path.suffix.lower() == ".mp4" and copy:
            try:
                remux(self._file.partial, self._path)
            except RecordingError as error:
                error_text = f"{error}. The recording was kept as .mkv"
            else:
                self._file.discard()
                return self._path, None
        try:
            return self._file.publish(), error_text
        except RecordingError as error:
            return self._file.partial, str(error)


def _say(failure: Exception | None) -> str:
    if isinstance(failure, OSError) and failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full; free some space"
    if isinstance(failure, OSError):
        return f"the disk failed ({failure})"
    return str(failure or "")
