"""One person's files in a recording: a piece after the other, each as it was sent. On the engine's loop."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..errors import RecordingError
from ..messages import VideoSize
from ..recordings.manifest import Piece
from .feed import Feed
from .record import Recorder, RecordingProgress, RecordingResult

logger = logging.getLogger(__name__)

Feeds = tuple[Feed | None, Feed | None]
"""Picture and sound; None where there is none now."""
NO_FEEDS: Feeds = (None, None)

WORTH_ANOTHER_S = 1.0
"""A piece that failed after so much media is followed by another one; a shorter one would fail again."""


class MakeRecorder(Protocol):
    """`Recorder`, or a test's own."""

    def __call__(
        self,
        path: Path,
        video: Feed | None,
        audio: Feed | None,
        *,
        size: VideoSize | None,
        on_end: Callable[[RecordingResult], None],
        since_s: float,
    ) -> Recorder:
        """A recorder that has not begun."""


class Reel:
    """Writes somebody's feeds while it is told which they are.

    Parameters
    ----------
    next_path
        Gives the name of the next piece's file.
    origin_s
        `time.monotonic` when the recording began.
    size
        The camera's, where it is known.
    on_change
        Told when a piece began or ended.
    on_failure
        Told the sentence when nothing more is written of this person.
    """

    def __init__(
        self,
        next_path: Callable[[], Path],
        *,
        origin_s: float,
        size: VideoSize | None,
        on_change: Callable[[], None],
        on_failure: Callable[[str], None],
        recorder: MakeRecorder = Recorder,
    ) -> None:
        self.error = ""
        """Why nothing more is written."""
        self._next_path = next_path
        self._origin_s = origin_s
        self._size = size
        self._on_change, self._on_failure = on_change, on_failure
        self._make = recorder
        self._feeds = NO_FEEDS
        self._since_s = 0.0
        self._recorder: Recorder | None = None
        self._file = ""
        self._began_ms = 0.0
        self._done: list[Piece] = []
        self._is_stopped = False

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """What is written, the piece that grows at the end."""
        if self._recorder is None:
            return tuple(self._done)
        status = self._recorder.status
        growing = Piece(
            file=self._file,
            start_ms=self._began_ms if status.start_s is None else self._ms(status.start_s),
            duration_ms=1000 * status.duration_s,
            size_bytes=status.size_bytes,
            video_codec=status.video_codec,
            audio_codec=status.audio_codec,
            width=status.width,
            height=status.height,
            gaps=status.gaps,
        )
        return (*self._done, growing)

    @property
    def progress(self) -> RecordingProgress | None:
        """How far the piece is that grows."""
        return None if self._recorder is None else self._recorder.status

    @property
    def size_bytes(self) -> int:
        """Of all pieces."""
        growing = 0 if self._recorder is None else self._recorder.status.size_bytes
        return growing + sum(piece.size_bytes for piece in self._done)

    def follow(self, feeds: Feeds, now_s: float, since_s: float) -> None:
        """Write these feeds from now on; `NO_FEEDS` waits, and the time until there are some stays a gap.

        What arrived before `since_s` and waited somewhere on its way is not written.
        """
        if (feeds, since_s) == (self._feeds, self._since_s) or self._is_stopped or self.error:
            return
        self._feeds, self._since_s = feeds, since_s
        if self._recorder is not None:
            self._recorder.switch(*feeds, since_s)
        elif feeds != NO_FEEDS:
            self._begin(now_s)

    async def stop(self) -> None:
        """Complete the last piece. Idempotent."""
        self._is_stopped = True
        recorder = self._recorder
        if recorder is None:
            return
        result = await recorder.stop()
        if self._recorder is recorder:
            self._recorder = None
            self._keep(result)

    def _begin(self, now_s: float) -> None:
        video, audio = self._feeds
        try:
            path = self._next_path()
            recorder = self._make(
                path, video, audio, size=self._size, on_end=self._ended, since_s=self._since_s
            )
            recorder.start()
        except RecordingError as error:
            self._fail(str(error))
            return
        self._recorder, self._file, self._began_ms = recorder, path.name, self._ms(now_s)
        self._on_change()

    def _ended(self, result: RecordingResult) -> None:
        """A piece ended by itself: go on in another file, or say that this is all."""
        if self._recorder is None or self._is_stopped:
            return  # `stop` has the result
        began_s = self._origin_s + self._began_ms / 1000
        self._recorder = None
        self._keep(result)
        if result.error is not None and result.duration_s < WORTH_ANOTHER_S:
            self._fail(result.error)
            return
        if result.error is not None:
            logger.warning("%s ended early and is followed by another file: %s", self._file, result.error)
        if self._feeds != NO_FEEDS:
            self._begin(began_s + result.duration_s)
        self._on_change()

    def _keep(self, result: RecordingResult) -> None:
        if result.start_s is None or result.size_bytes == 0:
            return  # nothing arrived, and there is no file
        is_named = result.path.name == self._file
        self._done.append(
            Piece(
                file=self._file,
                start_ms=self._ms(result.start_s),
                duration_ms=1000 * result.duration_s,
                size_bytes=result.size_bytes,
                video_codec=result.video_codec,
                audio_codec=result.audio_codec,
                width=result.width,
                height=result.height,
                # under its partial name it is what `recover` looks for
                state="complete" if is_named else "writing",
                error=result.error or "",
                gaps=result.gaps,
            )
        )

    def _fail(self, error: str) -> None:
        self.error = error
        self._feeds = NO_FEEDS
        self._on_change()
        self._on_failure(error)

    def _ms(self, time_s: float) -> float:
        return round(1000 * (time_s - self._origin_s), 3)
