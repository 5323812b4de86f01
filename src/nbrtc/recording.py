"""A recording as the kernel sees it: status, stop, and a player in the cell."""

import base64
import threading
from collections.abc import Callable
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Literal
from urllib.parse import quote

import msgspec

from .errors import RecordingError
from .messages import RecordingStatus

EMBED_BYTES = 24 * 1024 * 1024
"""Up to this size the video is in the notebook itself; a larger one is played from its file."""


class Recording:
    """What `call.record()` returns. Leave its ``with`` block, or call `stop`, and show it: it is a player.

    Parameters
    ----------
    status
        The engine's first word about it.
    stop
        Asks the engine to stop, and returns the final status.
    """

    def __init__(self, status: RecordingStatus, stop: Callable[[str], RecordingStatus]) -> None:
        self._status = status
        self._stop = stop
        self._lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The file: under its own name once stopped, with ``.partial`` added while it grows."""
        return Path(self._status.path)

    @property
    def state(self) -> Literal["recording", "composing", "stopped", "failed"]:
        """Where it stands; a failed recording keeps what it had."""
        return self._status.state

    @property
    def duration_s(self) -> float:
        """Seconds recorded, to the last second while it goes on."""
        return self._status.duration_s

    @property
    def size_bytes(self) -> int:
        """Bytes written."""
        return self._status.size_bytes

    @property
    def error(self) -> str | None:
        """Why it failed, in a sentence."""
        return self._status.error

    def stop(self) -> "Recording":
        """Finish the file. Idempotent; returns the recording, so that the cell shows it.

        Raises
        ------
        RecordingError
            If it failed: a full disk, or an engine that went. What had been written is kept; the error says
            where.
        """
        with self._lock:
            if self.state == "recording":
                self._status = self._stop(self._status.id)
        if self.state == "failed":
            raise RecordingError(self.error or f"The recording of {self.path} failed.")
        return self

    def update(self, status: RecordingStatus) -> None:
        """Mirror the engine's status. Called on the bridge's thread."""
        if status.id == self._status.id and self.state == "recording":
            self._status = status

    def lose(self, reason: str) -> None:
        """The engine went: say where the rest is."""
        if self.state == "recording":
            partial = f"{self._status.path}.partial"
            error = f"{reason} What was recorded until a second before that is in {partial}."
            self._status = msgspec.structs.replace(self._status, state="failed", error=error)

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except RecordingError as failure:
            if error is None:
                raise
            error.add_note(str(failure))  # the block's own error is the one to see

    def __repr__(self) -> str:
        size = f"{self.duration_s:.1f} s, {self.size_bytes / 1e6:.1f} MB"
        problem = f"; {self.error}" if self.error else ""
        return f"<nbrtc.Recording {self.path.name}: {self.state}, {size}{problem}>"

    def _repr_html_(self) -> str:
        if self.state == "recording":
            return f"<p>Recording to {escape(str(self.path))}: {self.duration_s:.0f} s so far.</p>"
        problem = f"<p>{escape(self.error)}</p>" if self.error else ""
        try:
            source = self._source()
        except (OSError, RecordingError) as error:
            return f"{problem}<p>{escape(str(self.path))} cannot be shown: {escape(str(error))}</p>"
        caption = f"{self.path.name}, {self.duration_s:.1f} s, {self.size_bytes / 1e6:.1f} MB"
        return (
            f'{problem}<video controls preload="metadata" style="max-width:100%" src="{source}"></video>'
            f"<p>{escape(caption)}</p>"
        )

    def _source(self) -> str:
        """A data URL, or for a large file its URL relative to the notebook's folder."""
        if self.path.stat().st_size > EMBED_BYTES:
            try:
                return quote(self.path.resolve().relative_to(Path.cwd()).as_posix())
            except ValueError:
                raise RecordingError(
                    f"the file is too large to be shown from a folder outside the notebook's ({Path.cwd()})"
                ) from None
        kind = "mp4" if self.path.suffix == ".mp4" else "webm"  # browsers play VP8 in Matroska as WebM
        data = base64.b64encode(self.path.read_bytes()).decode()
        return f"data:video/{kind};base64,{data}"
