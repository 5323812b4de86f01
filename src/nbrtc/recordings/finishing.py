"""Files that a crash left half-made: found, and made whole under their own names."""

import os
from pathlib import Path

from nbrtc.errors import RecordingError
from nbrtc.recordings.mkv import HEADER_BYTES
from nbrtc.recordings.vetting import MEDIA, is_plain

PARTIAL = ".partial"
FILMS = ("pip", "grid", "speaker")
"""Names of compositions; nobody's own file is called so."""
UNFINISHED = ".recovering"
"""Between stem and suffix of a file that is being made of a partial one."""
_SAME_MS = 1500.0
"""A whole file that lacks less than this of a partial one was made of it."""


def finish_file(partial: Path) -> Path | None:
    """Make a whole, indexed file of a partial one and give it its name; None if nothing is in it.

    The partial file goes when the whole one is on the disk. Whatever interrupts this can be begun again.

    Raises
    ------
    RecordingError
        If it cannot be read or the disk refuses; the partial file is then as it was.
    """
    from nbrtc.recordings.probe import probe
    from nbrtc.recordings.remux import remux

    final = partial.with_name(partial.name.removesuffix(PARTIAL))
    fresh = final.with_name(f"{final.stem}{UNFINISHED}{final.suffix}")
    for stale in (fresh, fresh.with_name(fresh.name + PARTIAL)):
        stale.unlink(missing_ok=True)
    if partial.stat().st_size <= HEADER_BYTES:
        partial.unlink()
        return None
    seen = probe(partial, count=True)
    if not seen.packets:
        raise RecordingError(f"{str(partial)!r} has nothing that can be read")
    if is_own_file(final) and final.stat().st_size == 0:
        final.unlink()  # the name was reserved, and then came the crash
    elif is_own_file(final) and probe(final, count=True).duration_ms >= seen.duration_ms - _SAME_MS:
        partial.unlink()  # it was finished, and then came the crash
        return final
    final = free_name(final)
    remux(partial, fresh)
    written = partial.stat()  # when it was recorded, not when it was found
    os.utime(fresh, ns=(written.st_atime_ns, written.st_mtime_ns))
    give_name(fresh, final)
    partial.unlink()
    sync_folder(final.parent)
    return final


def give_name(file: Path, final: Path) -> None:
    """Give a complete file another name that nothing has, for good.

    Raises
    ------
    RecordingError
        If something has the name by now, or the system refuses.
    """
    try:
        # Reserving the name first makes the rename refuse to overwrite on every file system.
        flags = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC
        os.close(os.open(final, flags, 0o600))
        file.replace(final)
        sync_folder(final.parent)
    except OSError as error:
        raise RecordingError(f"{str(file)!r} could not get the name {final.name!r} ({error})") from error


def sync_folder(folder: Path) -> None:
    """Wait until names of files are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def partials(folder: Path) -> list[Path]:
    """The partial media files of a folder: those of pieces, and not those of films."""
    return [
        path
        for path in sorted(folder.glob("*" + PARTIAL))
        if is_media(path) and path.name.partition(".")[0] not in FILMS and is_own_file(path)
    ]


def is_media(partial: Path) -> bool:
    """Whether this is the name of a file that a recorder writes."""
    inner = Path(partial.name.removesuffix(PARTIAL))
    return is_plain(inner.name, MEDIA) and not inner.stem.endswith(UNFINISHED)


def is_own_file(path: Path) -> bool:
    """Whether a file lies here itself: no link leads to it."""
    return path.is_file() and not path.is_symlink()


def free_name(path: Path) -> Path:
    """The same name, or one with a number that nothing has."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
