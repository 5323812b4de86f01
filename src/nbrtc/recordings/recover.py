"""`nbrtc.recover`: finishes what a crash, a kill or a power cut left of recordings."""

import warnings
from os import PathLike
from pathlib import Path

import msgspec

from nbrtc.errors import RecordingError
from nbrtc.paths import expanded
from nbrtc.recordings import locks, manifest
from nbrtc.recordings.compose import run_film, shown
from nbrtc.recordings.finishing import FILMS, PARTIAL, finish_file, is_media, is_own_file, partials
from nbrtc.recordings.manifest import Film, Manifest
from nbrtc.recordings.one_file import make_of_one, target_of, wanted_film
from nbrtc.recordings.opened import OpenRecording
from nbrtc.recordings.opening import open_file, open_folder
from nbrtc.recordings.regular import refusals
from nbrtc.recordings.salvage import mend


def recover(folder: str | PathLike[str]) -> list[OpenRecording]:
    """Finish recordings that were cut off: whole files, a manifest, and the one file that was asked for.

    At most the last second before the cut is missing. A recording that is still being written is left alone.
    Doing it twice does no harm, and interrupting it neither.

    >>> nbrtc.recover("recordings")  # doctest: +SKIP

    Parameters
    ----------
    folder
        A recording's folder, its one file, or a folder in which there are such; not deeper.

    Returns
    -------
    list of OpenRecording
        Every recording that was found and is complete now, also those that were complete before.

    Raises
    ------
    RecordingError
        If `folder` is not there, or is a recording that is still being written. Of several, those that
        cannot be finished are named in a warning.
    """
    given = expanded(folder).absolute()
    with refusals(given):
        tracks = given.with_name(given.name + manifest.TRACKS_SUFFIX)
        if not given.is_dir() and tracks.is_dir():
            given = tracks
        if not given.is_dir():
            raise RecordingError(
                f"{str(given)!r} is no folder: give that of a recording, or the one around it"
            )
        return [_recovered(given)] if _is_recording(given) else _all_within(given)


def _all_within(around: Path) -> list[OpenRecording]:
    found = []
    for path in sorted(around.iterdir()):
        try:
            with refusals(path):
                if path.is_dir() and not path.is_symlink() and _is_recording(path):
                    found.append(_recovered(path))
                elif _is_lone(path) and (finished := _finished_lone(path)) is not None:
                    found.append(finished)
        except RecordingError as error:
            warnings.warn(f"{path.name} was not recovered: {error}", stacklevel=3)
    return found


def _is_recording(folder: Path) -> bool:
    """Whether this is a folder that a recording made."""
    if any((folder / name).is_file() for name in (manifest.NAME, manifest.JOURNAL)):
        return True
    return folder.name.endswith(manifest.TRACKS_SUFFIX) and bool(partials(folder))


def _recovered(folder: Path) -> OpenRecording:
    with locks.held(folder):
        _clear_films(folder)
        found = mend(folder)
        film = wanted_film(found, folder)
        if film is not None:
            try:
                is_made = _make(film, found, folder)
            except RecordingError as error:
                manifest.put_film(folder, msgspec.structs.replace(film, state="failed", error=str(error)))
                raise
            if is_made:
                manifest.put_film(folder, msgspec.structs.replace(film, state="complete", error=""))
    opened = open_folder(folder)
    if found.error:
        warnings.warn(f"{folder.name} was recovered in part: {found.error}", stacklevel=4)
    return opened


def _clear_films(folder: Path) -> None:
    """Remove what is left of a film that nobody makes any more: nothing is lost with it."""
    for partial in folder.glob(f"*{PARTIAL}"):
        if partial.name.partition(".")[0] in FILMS and not locks.is_held(partial):
            partial.unlink()


def _make(film: Film, found: Manifest, folder: Path) -> bool:
    """Make the one file that was asked for; returns whether it is there now."""
    target = target_of(film, folder)
    partial = target.with_name(target.name + PARTIAL)
    if partial.is_file() and locks.is_held(partial):
        return False  # whoever makes it lives
    partial.unlink(missing_ok=True)  # of a film nothing is lost: it is made again
    if is_own_file(target):
        if target.stat().st_size:
            return True
        target.unlink()  # the name was reserved, and then came the crash
    if film.layout == "separate":
        make_of_one(found, folder, target)
    else:
        run_film(folder / manifest.NAME, film.layout, target, on_progress=shown(target.name))
    return True


def _is_lone(path: Path) -> bool:
    """Whether this is the rest of a recording that has no folder; a film's belongs to its own."""
    name = path.name.removesuffix(PARTIAL)
    is_films = path.with_name(name + manifest.TRACKS_SUFFIX).is_dir()
    return path.name.endswith(PARTIAL) and is_media(path) and is_own_file(path) and not is_films


def _finished_lone(partial: Path) -> OpenRecording | None:
    if locks.is_held(partial):
        raise RecordingError("it is still being written")
    path = finish_file(partial)
    return None if path is None else open_file(path)
