"""Who writes a recording: its writer holds a lock that the system takes back when the process ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbrtc.errors import RecordingError
from nbrtc.recordings import manifest

LOOK_S = 0.05


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock of this file or folder; False where there is none.

    Raises
    ------
    RecordingError
        If it cannot be opened.
    """
    descriptor = _open(path)
    if descriptor is None:
        return False
    try:
        return not _take(descriptor)
    finally:
        os.close(descriptor)


def is_being_written(folder: Path) -> bool:
    """Whether a living engine still records into this folder: it holds the journal's lock."""
    return is_held(folder / manifest.JOURNAL)


@contextmanager
def held(folder: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Keep everybody else from mending or extending this recording, and begin only if nobody writes it.

    Parameters
    ----------
    folder
        The recording's.
    patience_s
        Wait so long for whoever works on it to end.

    Raises
    ------
    RecordingError
        If it is being recorded, or another process works on it.
    """
    # The folder's own lock comes first: it is there without a journal, too, and the engine never takes it.
    paths = (folder.resolve(), folder / manifest.JOURNAL)  # the folder may be a link, nothing in it may
    descriptors = [found for found in map(_open, paths) if found is not None]
    try:
        deadline_s = time.monotonic() + patience_s
        waiting = list(descriptors)
        while waiting := [descriptor for descriptor in waiting if not _take(descriptor)]:
            if time.monotonic() < deadline_s:
                time.sleep(LOOK_S)
                continue
            raise RecordingError(
                f"{str(folder)!r} is in use: a recording or another process writes it. Stop that first"
            )
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _open(path: Path) -> int | None:
    try:
        # without O_NONBLOCK a pipe of this name would hold everything up
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordingError(f"{str(path)!r} cannot be opened ({error}): check its permissions") from error


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise RecordingError(
            f"The file system keeps no locks ({error}), so nobody can tell whether the recording is still "
            "being written: copy it to a local folder first"
        ) from error
    return True
