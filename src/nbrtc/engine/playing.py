"""A sound file that Python plays into the call, once: read a second ahead, on a thread of its own."""

import asyncio
import contextlib
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import av

from ..errors import CallError
from .hearing import BLOCK
from .playback import Clip, ClipError
from .voice import blocks

if TYPE_CHECKING:
    from .hearing import Samples

AHEAD = 50
"""Blocks, a second; the reader waits when so many wait."""
POLL_S = 0.1
"""A reader that waits looks this often whether it is to end."""
UNREADABLE = (ClipError, av.FFmpegError, OSError, ValueError)


class PlayingSound:
    """One sound, from its file's opening to its end. On the engine's loop, but for the reading.

    Parameters
    ----------
    path
        Of any sound file.
    keep
        Whether the file stays when it was played.
    """

    def __init__(self, path: str, *, keep: bool) -> None:
        self.error = ""
        """Why it ended before its time."""
        self._path, self._keep = path, keep
        self._blocks: queue.Queue[Samples | None] = queue.Queue(AHEAD)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._is_over = False

    async def start(self) -> float | None:
        """Open the file and begin to read; returns its length in seconds, None where it does not say.

        Raises
        ------
        CallError
            If it cannot be played. The file is removed then, unless it is to stay.
        """
        try:
            clip = await asyncio.to_thread(Clip, self._path, "audio")
        except UNREADABLE as error:
            self._remove()
            raise CallError(f"{self._path!r} cannot be played ({error}).") from error
        if self._stopped.is_set():
            clip.__exit__(None, None, None)
            self._remove()
            return clip.duration_s
        self._thread = threading.Thread(target=self._read, args=(clip,), name="nbrtc-sound")
        self._thread.start()
        return clip.duration_s

    @property
    def is_over(self) -> bool:
        """Whether everything was taken, or it was stopped."""
        return self._is_over or self._stopped.is_set()

    def take(self) -> "Samples | None":
        """The next block, (`BLOCK`, channels) int16; None at its end, and where the disk is too slow."""
        if self.is_over:
            return None
        with contextlib.suppress(queue.Empty):
            block = self._blocks.get_nowait()
            self._is_over = block is None
            return block
        return None

    def stop(self) -> None:
        """Play nothing more of it. Idempotent."""
        self._stopped.set()

    async def close(self) -> None:
        """Stop it and wait for its thread. Idempotent."""
        self.stop()
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.to_thread(thread.join)

    def _read(self, clip: Clip) -> None:
        try:
            with clip:
                channels = min(2, clip.stream.codec_context.channels)
                for block in blocks(clip, channels):
                    if not self._put(block.reshape(BLOCK, channels)):
                        break
        except UNREADABLE as error:
            self.error = str(error)
        finally:
            self._put(None)
            self._remove()

    def _put(self, block: "Samples | None") -> bool:
        """False if nobody wants it any more."""
        while not self._stopped.is_set():
            with contextlib.suppress(queue.Full):
                self._blocks.put(block, timeout=POLL_S)
                return True
        return False

    def _remove(self) -> None:
        if not self._keep:
            Path(self._path).unlink(missing_ok=True)
