"""Opening what a recording left on the disk: its folder, its manifest, or a file of it."""

import time
from os import PathLike
from pathlib import Path

import msgspec

from nbrtc.errors import RecordingError
from nbrtc.paths import expanded
from nbrtc.recordings import locks, manifest, opened_card
from nbrtc.recordings.attendance import people_of
from nbrtc.recordings.manifest import Manifest
from nbrtc.recordings.opened import OpenRecording
from nbrtc.recordings.person import PersonRecording, Stretch
from nbrtc.recordings.regular import refusals
from nbrtc.recordings.vetting import FILMS

SILENT_MS = 10_000.0
"""The engine writes the manifest every five seconds, a busy disk somewhat later."""


def open_recording(path: str | PathLike[str]) -> OpenRecording:
    """Open a recording for reading.

    >>> lesson = nbrtc.open_recording("lesson")                          # doctest: +SKIP
    >>> for frame in lesson["Bob"].frames(every_s=10, size=(320, 180)):  # doctest: +SKIP
    ...     print(frame.time_s, frame.to_ndarray().mean())

    Parameters
    ----------
    path
        The recording's folder, its manifest, or the one file that was asked for: then everybody in it is
        there. Any other file, such as one of `nbrtc.compose`, is one person that is called like the file.
        One that still goes on is as long as it is at this moment; open it again to see who came since.

    Raises
    ------
    RecordingError
        If it is no recording, or cannot be read; one that was cut off names `nbrtc.recover`.
    """
    given = expanded(path).absolute()
    with refusals(given):
        if given.is_dir() and not (given / manifest.NAME).is_file():
            cut = any(given.glob("*.partial")) or (given / manifest.JOURNAL).exists()
            hint = "it was cut off, nbrtc.recover(folder) makes one" if cut else "it is no recording of nbrtc"
            raise RecordingError(f"{str(given)!r} has no {manifest.NAME}: {hint}")
        if given.suffix.lower() in FILMS and given.is_file():
            tracks = given.with_name(given.name + manifest.TRACKS_SUFFIX)
            return open_folder(tracks) if (tracks / manifest.NAME).is_file() else open_file(given.resolve())
        place = manifest.find(given)
        return open_folder(place.parent) if place.name == manifest.NAME else open_download(place)


def open_folder(folder: Path) -> OpenRecording:
    """Open the recording in a folder that has a manifest."""
    found = manifest.read(folder / manifest.NAME)
    lasts_ms = found.duration_ms
    if found.state == "recording" and locks.is_being_written(folder):
        # its last word is some seconds old; a clock that was set meanwhile does no harm
        elapsed_ms = 1000 * (time.time() - found.started_at_s)
        lasts_ms = min(max(elapsed_ms, lasts_ms), lasts_ms + SILENT_MS)
    until_now = msgspec.structs.replace(found, duration_ms=lasts_ms)
    return OpenRecording(folder, found, people_of(until_now, folder), lasts_ms / 1000)


def open_download(place: Path) -> OpenRecording:
    """Open a guest's recording among the downloads, by its manifest; its files lie beside it."""
    found = manifest.read(place)
    return OpenRecording(place, found, people_of(found, place.parent))


def open_file(path: Path) -> OpenRecording:
    """Open one file by itself; a film of a recording that lies in its folder has that one's events, too."""
    from nbrtc.recordings.probe import probe

    seen = probe(path)
    duration_s = seen.duration_ms / 1000
    stretch = Stretch(path, 0.0, duration_s, bool(seen.video_codec), bool(seen.audio_codec))
    person = PersonRecording(opened_card.FILM, path.stem, (stretch,), duration_s)
    known = _film_of(path)
    if known is None:
        known = Manifest(
            id="", started_at_s=path.stat().st_mtime - duration_s, name=path.stem, state="complete"
        )
    return OpenRecording(path, known, (person,), duration_s)


def _film_of(path: Path) -> Manifest | None:
    """The manifest of the folder where a film of it lies."""
    beside = path.parent / manifest.NAME
    if not beside.is_file():
        return None
    found = manifest.read(beside)
    return found if any(film.path == path.name for film in found.films) else None
