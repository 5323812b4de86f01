"""A recording as the kernel sees it: how far it is, how to end it, and its own place in a cell."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from . import recording_card
from .errors import RecordingError
from .messages import RecordedPerson, RecordingStatus
from .recordings import manifest
from .recordings.live_output import LiveOutput
from .recordings.manifest import Manifest
from .recordings.outcome import outcome

if TYPE_CHECKING:
    from .recordings.opened import OpenRecording

logger = logging.getLogger(__name__)

SHOW_EVERY_S = 1.0
LOOK_S = 0.25
"""How often the disk is asked about a recording of which nobody tells any more."""
FINISH_S = 20.0
"""A call that was closed finishes its files in this time."""
ORDER = {"recording": 0, "composing": 1, "stopped": 2, "failed": 2}
"""A recording goes forward only: a late word changes nothing."""


class Recording:
    """What `call.record()` returns. Leave its ``with`` block, or call `stop`, and show it: it is a player.

    Everything may be used from any thread. Shown in a cell it tells how far it is, and becomes a player of
    what was recorded.

    Parameters
    ----------
    status
        The engine's first word about it.
    stop
        Asks the engine to stop, and returns the status after that.
    is_engine_there
        Whether the engine that records is still the one of this kernel.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        status: RecordingStatus,
        stop: Callable[[str], RecordingStatus],
        is_engine_there: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._status = status
        self._stop = stop
        self._is_engine_there = is_engine_there
        self._clock = clock
        self._changed = threading.Condition()
        self._stopping = threading.Lock()
        self._untold: str | None = None  # why nobody tells any more
        self._looked_s = float("-inf")
        self._output = LiveOutput()
        self._shown: tuple[str, float] = ("", float("-inf"))  # state and time

    # --- what it is

    @property
    def id(self) -> str:
        """The recording's id, which its manifest has, too."""
        return self._status.id

    @property
    def path(self) -> Path:
        """What was asked for, the folder or the one file; or what it became, such as .mkv instead of .mp4."""
        asked = Path(self._status.path)
        if asked.suffix:
            for file in self._now().files:
                made = Path(file.path)
                if made.parent == asked.parent and made.stem == asked.stem:
                    return made
        return asked

    @property
    def folder(self) -> Path | None:
        """Where the separate files and the manifest are; None if the engine never said."""
        return Path(self._status.folder) if self._status.folder else None

    @property
    def state(self) -> Literal["recording", "composing", "stopped", "failed"]:
        """Where it stands. ``composing``: the separate files are complete, the one file is being made.

        A failed recording keeps what it had; `error` says why and where.
        """
        return self._now().state

    @property
    def duration_s(self) -> float:
        """Seconds recorded, to the last second while it goes on."""
        return self._now().duration_s

    @property
    def size_bytes(self) -> int:
        """Bytes written."""
        return self._now().size_bytes

    @property
    def composed_fraction(self) -> float:
        """While ``composing``, how much of the one file is made: 0 to 1."""
        return self._now().composed_fraction

    @property
    def files(self) -> list[Path]:
        """The complete files, the composed one first; while it records those that grow (``.partial``)."""
        status = self._now()
        if status.files or self.folder is None:
            return [Path(file.path) for file in status.files]
        return sorted(
            path
            for path in self.folder.glob("*.mkv*")
            if path.suffix in (".mkv", ".partial") and path.is_file()
        )

    @property
    def people(self) -> list[RecordedPerson]:
        """Who is recorded, and who is left out: ``name``, ``id`` and ``state``."""
        return list(self._now().people)

    @property
    def error(self) -> str | None:
        """Why it failed, in a sentence."""
        return self._now().error

    @property
    def note(self) -> str:
        """What was done otherwise than asked, or is about to go wrong, in a sentence; else empty."""
        return self._now().note

    @property
    def manifest(self) -> Manifest:
        """What the recording says about itself, read from its folder now.

        Raises
        ------
        RecordingError
            If it cannot be read.
        """
        return manifest.read(self._require_folder() / manifest.NAME)

    # --- what can be done

    def stop(self) -> "Recording":
        """Finish the separate files; composing goes on (see `wait`). Idempotent; returns the recording.

        Raises
        ------
        RecordingError
            If it failed: a full disk, or an engine that went. What had been written is kept; the error says
            where.
        """
        with self._stopping:
            if self.state == "recording":
                if self._untold is None:
                    self.update(self._stop(self._status.id))
                else:
                    self._wait_for(lambda state: state != "recording", FINISH_S)
        return self._require_success()

    def wait(self, timeout_s: float | None = None) -> "Recording":
        """Block until everything is made, the composed file too; returns the recording.

        It does not stop the recording: one that still goes on is waited for.

        Raises
        ------
        RecordingError
            If it failed.
        TimeoutError
            If it is not done within `timeout_s` seconds; it goes on.
        """
        if not self._wait_for(lambda state: state in ("stopped", "failed"), timeout_s):
            raise TimeoutError(f"After {timeout_s:g} s the recording into {self.path} is still {self.state}.")
        return self._require_success()

    def open(self) -> "OpenRecording":
        """Read it back; also while it goes on, then as far as it is.

        Raises
        ------
        RecordingError
            If it cannot be read.
        """
        from .recordings.opening import open_recording

        return open_recording(self._require_folder())

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

    # --- what the engine says; on the bridge's thread

    def update(self, status: RecordingStatus) -> None:
        """Mirror the engine's status. Called on the bridge's thread."""
        with self._changed:
            if status.id != self._status.id or ORDER[status.state] < ORDER[self._status.state]:
                return
            if self._status.state in ("stopped", "failed") and status.state != self._status.state:
                return
            self._status = status
            self._changed.notify_all()
        self._show()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be told of it."""
        return ORDER[self._status.state] == ORDER["stopped"]

    def part(self, reason: str) -> None:
        """Nobody tells any more, because the call was closed: from now on its folder does."""
        with self._changed:
            self._untold = reason
            self._changed.notify_all()

    def lose(self, reason: str) -> None:
        """The engine went: say where the rest is."""
        if not self.is_over:
            self.part(reason)
            self._look()

    def _now(self) -> RecordingStatus:
        """The newest status; of one that nobody tells of any more, as its folder tells it."""
        if self._untold is not None and not self.is_over and self._clock() - self._looked_s >= LOOK_S:
            self._look()
        return self._status

    def _look(self) -> None:
        self._looked_s = self._clock()
        there = self._is_engine_there()
        self.update(outcome(self._status, is_engine_there=there, reason=self._untold or ""))

    def _wait_for(self, is_reached: Callable[[str], bool], timeout_s: float | None) -> bool:
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not is_reached(self.state):
            left_s = LOOK_S if deadline_s is None else min(LOOK_S, deadline_s - time.monotonic())
            if left_s <= 0:
                return False
            with self._changed:
                if not is_reached(self._status.state):
                    self._changed.wait(left_s)
        return True

    def _require_success(self) -> "Recording":
        if self.state == "failed":
            raise RecordingError(self.error or f"The recording of {self.path} failed.")
        return self

    def _require_folder(self) -> Path:
        if self.folder is None:
            raise RecordingError(f"The recording into {self._status.path} has no folder that could be read.")
        return self.folder

    # --- in a cell

    def _show(self) -> None:
        """Bring what a cell shows up to date: at each change of state, else once a second."""
        now_s, state = self._clock(), self._status.state
        shown, shown_s = self._shown
        if not self._output.is_shown or (state == shown and now_s - shown_s < SHOW_EVERY_S):
            return
        self._shown = state, now_s
        try:
            self._output.update(self._repr_html_(), repr(self))
        except Exception:  # a notebook that is being closed; the recording goes on
            logger.exception("The recording's cell could not be brought up to date")

    def _ipython_display_(self) -> None:
        self._output.show(self._repr_html_(), repr(self))

    def __repr__(self) -> str:
        return recording_card.line(self.path.name, self._now())

    def _repr_html_(self) -> str:
        return recording_card.html(self.path, self.folder, self._now())
