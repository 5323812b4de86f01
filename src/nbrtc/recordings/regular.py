"""Opening files that anybody may have put there: only regular ones, and none that a link leads to."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from nbrtc.errors import RecordingError


@contextmanager
def refusals(path: object) -> Iterator[None]:
    """Whatever the system refuses meanwhile is a `RecordingError` about `path`."""
    try:
        yield
    except OSError as error:
        raise RecordingError(
            f"{str(path)!r} cannot be used ({error}): check its permissions and its disk"
        ) from error


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; unlike `open` it never waits for a pipe's other end.

    Raises
    ------
    OSError
        If it is not there, cannot be read, or is a symbolic link, a folder, a pipe or a device.
    """
    try:
        # A pipe opens at once with O_NONBLOCK; on a regular file it means nothing.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:  # a NUL in the name
        raise OSError(f"{error}: {str(path)!r}") from error
    except OSError as error:
        if path.is_symlink():
            raise OSError(error.errno, "a symbolic link is not followed", str(path)) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"not a regular file: {str(path)!r}")
    return os.fdopen(descriptor, "rb")
