"""The one file of a recording that was asked for, where a crash came before it was made."""

import os
import shutil
from pathlib import Path

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingLayout
from nbrtc.recordings.files import RecordingFile, refuse_existing
from nbrtc.recordings.manifest import TRACKS_SUFFIX, Film, Manifest, Piece, film_file
from nbrtc.recordings.vetting import BESIDE, FILMS, is_plain

OWN = "you"
IN_MP4 = ("H264", "")
IN_WEBM = ("VP8", "VP9", "AV1", "")
"""Video codecs that are copied into these containers; empty is sound alone."""


def wanted_film(found: Manifest, folder: Path) -> Film | None:
    """The film that still has to be made; also where the crash came before anybody wrote down that it has to.

    None where there is nothing to make it of, or all is made.
    """
    pieces = pieces_of(found)
    if not pieces:
        return None
    for film in found.films:
        if film.state == "waiting":
            return film
    asked = Path(folder.name.removesuffix(TRACKS_SUFFIX))
    if found.films or asked.name == folder.name or not is_plain(asked.name, FILMS):
        return None
    path = BESIDE + asked.name
    if len(pieces) > 1:
        return Film(path, _fitting(found))
    codec, suffix = pieces[0].video_codec, asked.suffix.lower()
    if suffix == ".webm" and codec not in IN_WEBM:
        return Film(path, "grid")
    if suffix == ".mp4" and codec not in IN_MP4:
        path = f"{BESIDE}{asked.stem}.mkv"
    return Film(path, "separate")


def target_of(film: Film, folder: Path) -> Path:
    """Where the film may be made: beside the folder only what the folder is called after.

    Raises
    ------
    RecordingError
        If the manifest names another one there: the folder was renamed, or somebody wants to write there.
    """
    target = film_file(folder, film)
    if target.parent != folder and Path(folder.name.removesuffix(TRACKS_SUFFIX)).stem != target.stem:
        raise RecordingError(
            f"{str(target)!r} is not made, because the folder {folder.name!r} is not called after it: "
            "nbrtc.compose makes a film of any name"
        )
    return target


def pieces_of(found: Manifest) -> list[Piece]:
    """Everybody's whole files."""
    return [
        piece
        for person in found.people
        for piece in person.pieces
        if piece.state in ("complete", "recovered")
    ]


def make_of_one(found: Manifest, folder: Path, target: Path) -> None:
    """Make the one file of the only file there is, without encoding anything again: a second name, or a copy.

    Raises
    ------
    RecordingError
        If there are more files, something has the name by now, or the disk refuses.
    """
    pieces = pieces_of(found)
    if len(pieces) != 1:
        raise RecordingError(
            f"{target.name} cannot be one person's file, because there are {len(pieces)}: "
            "nbrtc.compose makes a film"
        )
    source = folder / pieces[0].file
    refuse_existing(target)
    if source.suffix.lower() != target.suffix.lower():
        from nbrtc.recordings.remux import remux

        remux(source, target)
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError as error:
        raise RecordingError(f"{str(target)!r} exists by now and is not overwritten") from error
    except OSError:  # the file system knows no second names
        _copy(source, target)


def _fitting(found: Manifest) -> RecordingLayout:
    """What shows as many people as there are."""
    people = {OWN if person.id == OWN else person.name for person in found.people if person.pieces}
    return "pip" if len(people) == 2 and OWN in people else "grid"


def _copy(source: Path, target: Path) -> None:
    file = RecordingFile(target)
    try:
        with source.open("rb") as opened, open(file.descriptor, "wb", closefd=False) as copy:
            shutil.copyfileobj(opened, copy)
    except OSError as error:
        file.discard()
        raise RecordingError(f"{str(target)!r} could not be written ({error}): free some space") from error
    except BaseException:
        file.discard()
        raise
    file.publish()
