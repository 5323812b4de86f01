"""The one file of a recording that was asked for, where a crash came before it was made."""

import os
from pathlib import Path

import msgspec

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingLayout
from nbrtc.recordings.files import RecordingFile, refuse_existing
from nbrtc.recordings.film.scenes import roles
from nbrtc.recordings.finishing import is_own_file
from nbrtc.recordings.manifest import TRACKS_SUFFIX, Film, Manifest, Piece, film_file
from nbrtc.recordings.regular import open_regular
from nbrtc.recordings.vetting import BESIDE, FILMS, is_plain

IN_MP4 = frozenset({"H264", ""})
IN_WEBM = frozenset({"VP8", "VP9", "AV1", ""})
"""Video codecs that are copied into these containers; empty is sound alone."""
COPIED_BYTES = 1 << 20


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
        return Film(path, fitting(found))
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
        If there are more files, the one is a link, something has the name by now, or the disk refuses.
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
    if not is_own_file(source):
        raise RecordingError(f"{str(source)!r} is a link, or is gone: only a file that lies there is used")
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError as error:
        raise RecordingError(f"{str(target)!r} exists by now and is not overwritten") from error
    except OSError:  # the file system knows no second names
        copy(source, target)


def fitting(found: Manifest) -> RecordingLayout:
    """What shows as many people as there are, in files that can be used."""
    people = (
        msgspec.structs.replace(
            person, pieces=tuple(piece for piece in person.pieces if piece.state != "failed")
        )
        for person in found.people
    )
    seen = roles(msgspec.structs.replace(found, people=tuple(people)))
    return "pip" if len(seen) == 2 and any(role.local for role in seen) else "grid"


def copy(source: Path, target: Path) -> None:
    """Copy a file byte by byte into a new one. Blocks on the disk.

    Raises
    ------
    RecordingError
        If something has the name, or the disk refuses. Nothing of the target is left then.
    """
    file = RecordingFile(target)
    try:
        with open_regular(source) as opened:
            while part := opened.read(COPIED_BYTES):
                file.append(part)
    except OSError as error:
        file.discard()
        raise RecordingError(
            f"{str(target)!r} could not be made of {source.name!r} ({error}): check the disk"
        ) from error
    except BaseException:
        file.discard()
        raise
    file.publish()
