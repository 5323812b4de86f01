"""Bytes of a call's recordings for its pages, a chunk at a time."""

import asyncio
import os
import stat
from base64 import b64encode
from pathlib import Path

from ..errors import RecordingError
from ..messages import RECORDING_CHUNK_BYTES, ReadRecording, RecordingChunk

AT_ONCE = 4
"""Chunks that are read at the same time; what is asked for beyond that waits."""
WAITING = 64
"""More that wait are refused: a page asks for four at a time."""


class Shelf:
    """Reads chunks on threads. On the engine's loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asked = 0

    async def read(self, path: Path, wish: ReadRecording) -> RecordingChunk:
        """The chunk that is wished for, of this file.

        Raises
        ------
        RecordingError
            If the file is gone or is none, or ends before the offset, or too much is asked for at once.
        """
        if self._asked >= AT_ONCE + WAITING:
            raise RecordingError(f"More than {self._asked} parts of files are asked for at once.")
        self._asked += 1
        try:
            async with self._turns:
                size_bytes, data = await asyncio.to_thread(_read, path, wish.offset)
        finally:
            self._asked -= 1
        return RecordingChunk(id=wish.id, size_bytes=size_bytes, data=b64encode(data).decode())


def _read(path: Path, offset: int) -> tuple[int, bytes]:
    try:
        # without waiting: whatever lies there now, it may be a pipe
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise RecordingError(f"{str(path)!r} is not a file any more.")
            if not 0 <= offset <= found.st_size:
                raise RecordingError(f"{path.name!r} has {found.st_size} bytes: none begin at {offset}.")
            return found.st_size, os.pread(descriptor, RECORDING_CHUNK_BYTES, offset)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise RecordingError(f"{str(path)!r} cannot be read ({error}).") from error
