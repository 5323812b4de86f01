"""A call's recording: at most one at a time, going on over reconnections, reported to everybody."""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from ..errors import RecordingError
from ..messages import RecordingStatus, VideoSize
from .link import Link
from .record import Recorder

logger = logging.getLogger(__name__)

PROGRESS_S = 1.0


class Tape:
    """Starts, follows and stops the recorder of one session. On the engine's loop.

    Parameters
    ----------
    folder
        Where relative names go: the notebook's folder.
    on_change
        Told the status whenever it changes, once a second while recording.
    on_problem
        Told code and sentence when a recording fails.
    """

    def __init__(
        self,
        folder: Path,
        on_change: Callable[[RecordingStatus | None], None],
        on_problem: Callable[[str, str], None],
    ) -> None:
        self.size: VideoSize | None = None
        self._folder = folder
        self._on_change = on_change
        self._on_problem = on_problem
        self._recorder: Recorder | None = None
        self._status: RecordingStatus | None = None
        self._progress: asyncio.Task[None] | None = None

    def dated_name(self) -> str:
        """The record button's choice: ``recordings/call-2026-01-31-142233.mkv``."""
        folder = self._folder / "recordings"
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RecordingError(f"The folder {folder} could not be made ({error.strerror}).") from error
        return str(folder / f"call-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}.mkv")

    def start(self, path: str, link: Link) -> RecordingStatus:
        """Begin recording the link's camera and microphone.

        Raises
        ------
        RecordingError
            If a recording runs already or the path cannot be used.
        """
        if self._recorder is not None and self._status is not None:
            raise RecordingError(f"{self._status.path} is being recorded already: stop it first.")
        target = self._folder / path
        recorder = Recorder(
            target,
            link.video.feed,
            link.audio.feed,
            size=self.size,
            video_codec="VP8",
            on_failure=self._failed,
        )
        recorder.start()
        self._recorder = recorder
        self._status = RecordingStatus(
            id=uuid.uuid4().hex, path=str(target), state="recording", started_at_s=time.time()
        )
        self._progress = asyncio.create_task(self._follow(), name="nbrtc-recording")
        self._on_change(self._status)
        return self._status

    def attach(self, link: Link) -> None:
        """Go on recording from a new link."""
        if self._recorder is not None:
            self._recorder.switch(link.video.feed, link.audio.feed)

    def detach(self) -> None:
        """The link goes; the recording waits for the next one."""
        if self._recorder is not None:
            self._recorder.switch(None, None)

    async def stop(self, identity: str | None = None) -> RecordingStatus | None:
        """Finish the file. Idempotent; returns the last recording's status, None if there never was one."""
        recorder, self._recorder = self._recorder, None
        if recorder is None or self._status is None or identity not in (None, self._status.id):
            self._recorder = recorder
            return self._status
        if self._progress is not None:
            self._progress.cancel()
        result = await recorder.stop()
        self._status = msgspec.structs.replace(
            self._status,
            path=str(result.path),
            state="failed" if result.error else "stopped",
            duration_s=result.duration_s,
            size_bytes=result.size_bytes,
            error=result.error,
        )
        self._on_change(self._status)
        return self._status

    async def _follow(self) -> None:
        while self._recorder is not None and self._status is not None:
            await asyncio.sleep(PROGRESS_S)
            duration_s, size_bytes, _ = self._recorder.status
            self._status = msgspec.structs.replace(self._status, duration_s=duration_s, size_bytes=size_bytes)
            self._on_change(self._status)

    def _failed(self, error: RecordingError) -> None:
        self._on_problem(error.code, str(error))
        self._finishing = asyncio.get_running_loop().create_task(self._finish(str(error)))

    async def _finish(self, error: str) -> None:
        status = await self.stop()
        if status is not None and status.error is None:
            self._status = msgspec.structs.replace(status, state="failed", error=error)
            self._on_change(self._status)
