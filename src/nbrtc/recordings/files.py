"""The file of a recording: made safely, grown by appending, named at the end.

A recording writes ``<name>.partial`` and takes its own name only when it is complete, so a name without
``.partial`` is always a finished file. Neither name ever replaces something that exists.
"""

import contextlib
import errno
import fcntl
import os
from pathlib import Path

from nbrtc.errors import RecordingError

_FRESH = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""Only a file that did not exist: not another's, and nothing at the end of a planted symbolic link."""


class RecordingFile:
    """A new file below its ``.partial`` name; used by one thread at a time.

    The folder is opened once and the names are resolved in it, so moving the folder during a recording moves
    the recording along. Every write goes to the system at once: what was appended survives ``kill -9``.

    Parameters
    ----------
    path
        The final name; its folder must exist.

    Raises
    ------
    RecordingError
        The folder is missing or not writable, or either name is taken.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(path.name + ".partial")
        self.size_bytes = 0
        self._is_listed = False  # in the folder, as the disk has it
        refuse_existing(path)
        try:
            self._folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error  # the path is said already
            raise RecordingError(
                f"The folder {str(path.parent)!r} cannot be opened ({why}): create it or choose another"
            ) from error
        try:
            self.descriptor = os.open(self.partial.name, os.O_RDWR | _FRESH, 0o600, dir_fd=self._folder)
        except FileExistsError as error:
            os.close(self._folder)
            raise RecordingError(
                f"{str(self.partial)!r} exists: a recording is running, or it is the rest of one that was "
                "cut off (most players show it). Move it away or choose another name"
            ) from error
        except (OSError, ValueError) as error:
            os.close(self._folder)
            raise RecordingError(f"{str(path)!r} cannot be created ({error}): choose another name") from error
        # Whoever finds the file can ask whether somebody still writes it (see `locks`).
        with contextlib.suppress(OSError):  # a network folder may keep no locks: then the journal's has to do
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def append(self, data: bytes) -> None:
        """Add all of `data` at the end, or nothing of it: a write that fails half-way is cut off again.

        Raises
        ------
        OSError
            As the system said it (no space, quota, input/output error).
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[_progress(self._write(rest)) :]
        except OSError:
            os.ftruncate(self.descriptor, self.size_bytes)
            os.lseek(self.descriptor, self.size_bytes, os.SEEK_SET)
            raise
        self.size_bytes += len(data)

    def _write(self, data: memoryview) -> int:
        return os.write(self.descriptor, data)

    def patch(self, data: bytes, at: int) -> None:
        """Overwrite bytes that were appended before."""
        if at + len(data) > self.size_bytes:
            raise ValueError(
                f"patch of {len(data)} bytes at {at} is beyond the {self.size_bytes} bytes written"
            )
        while data:
            written = _progress(os.pwrite(self.descriptor, data, at))
            data, at = data[written:], at + written

    def sync(self) -> None:
        """Wait until the disk has everything, so that a power cut takes no more than came after this."""
        if not self._is_listed:
            os.fsync(self._folder)
            self._is_listed = True
        os.fsync(self.descriptor)

    def publish(self) -> Path:
        """Close the file and give it its final name; return the name that it has now.

        Raises
        ------
        RecordingError
            Something took the final name meanwhile: the file is complete and keeps the partial name. Or
            somebody removed it.
        """
        try:
            os.fsync(self.descriptor)
            if not os.path.samestat(os.fstat(self.descriptor), self._found()):
                raise FileNotFoundError(f"{self.partial.name} is no longer the file that was recorded")
            # Reserving the name first makes the rename refuse to overwrite on every file system; hard links
            # and renameat2 would not need the reservation, but network folders often lack both.
            os.close(os.open(self.path.name, os.O_WRONLY | _FRESH, 0o600, dir_fd=self._folder))
            os.replace(self.partial.name, self.path.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            os.fsync(self._folder)
        except OSError as error:
            if not os.fstat(self.descriptor).st_nlink:
                raise RecordingError(
                    f"{str(self.partial)!r} was removed while it was recorded, and what was in it is lost"
                ) from error
            raise RecordingError(
                f"The recording could not get its name {str(self.path)!r} ({error}); look for "
                f"{str(self.partial)!r}, which holds all of it, and rename that"
            ) from error
        finally:
            self.close()
        return self.path

    def discard(self) -> None:
        """Close the file and remove it, if it is still there and nothing else has its name."""
        if self._folder >= 0:
            try:
                with contextlib.suppress(FileNotFoundError):  # somebody else removed it
                    if os.path.samestat(os.fstat(self.descriptor), self._found()):
                        os.unlink(self.partial.name, dir_fd=self._folder)
            finally:
                self.close()

    def close(self) -> None:
        """Close and leave the partial name as it is; may be called twice."""
        if self._folder >= 0:
            os.close(self.descriptor)
            os.close(self._folder)
            self._folder = self.descriptor = -1

    def _found(self) -> os.stat_result:
        """What has the partial name by now."""
        return os.stat(self.partial.name, dir_fd=self._folder, follow_symlinks=False)


def _progress(written: int) -> int:
    """A system that writes nothing and names no error would keep a loop for ever."""
    if written <= 0:
        raise OSError(errno.EIO, "the system wrote nothing")
    return written


def refuse_existing(path: Path) -> None:
    """Raise `RecordingError` if anything, a dangling symbolic link too, has this name."""
    if os.path.lexists(path):
        raise RecordingError(
            f"{str(path)!r} exists and is not overwritten: move it away or choose another name"
        )
