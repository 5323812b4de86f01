"""Finishing what a crash left of one recording: whole files, and a manifest of all that is there."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeVar

import msgspec

from nbrtc.errors import RecordingError
from nbrtc.recordings import manifest
from nbrtc.recordings.finishing import (
    FILMS,
    PARTIAL,
    finish_file,
    free_name,
    give_name,
    is_media,
    is_own_file,
    partials,
)
from nbrtc.recordings.guesses import Guess, people_from, placed
from nbrtc.recordings.journal import read_journal
from nbrtc.recordings.manifest import Manifest, Moment, Person, Piece, Said

Timed = TypeVar("Timed", Moment, Said)


class _Version(msgspec.Struct):
    """What can be read of every manifest."""

    version: int = 0


@dataclass
class Finds:
    """What lies in the folder."""

    pieces: dict[str, Guess] = field(default_factory=dict)
    """Files that were finished here, or that no manifest knows, by name."""
    empty: set[str] = field(default_factory=set)
    """Names of files in which nothing was."""
    errors: dict[str, str] = field(default_factory=dict)
    """Why a file could not be finished, by its name; it is as it was."""


def mend(folder: Path) -> Manifest:
    """Finish every file of a recording that nobody writes any more, and its manifest; returns that.

    Idempotent. A file that cannot be finished now (a full disk) stays as it is for the next time. Blocks on
    the disk; the caller holds the folder (`locks.held`).

    Raises
    ------
    RecordingError
        If the folder holds no recording, or it cannot be written to.
    """
    known = _known(folder)
    if known is not None and known.state != "recording" and not _is_unfinished(known, folder):
        return known
    finds = _finish_all(folder)
    if known is None:
        _find_whole(folder, finds)
    journal = _journal(folder)
    found = _described(folder, known, finds, *journal)
    if not any(person.pieces for person in found.people):
        error = found.error or "Nothing was recorded: it was cut off before the first picture."
        found = msgspec.structs.replace(found, state="failed", error=error)
    try:
        manifest.write(folder, found)
    except OSError as error:
        raise RecordingError(f"The manifest in {str(folder)!r} could not be written ({error})") from error
    return found


def _known(folder: Path) -> Manifest | None:
    """The manifest; one that cannot be read is put aside."""
    path = folder / manifest.NAME
    if not path.exists():
        return None
    try:
        return manifest.read(path)
    except RecordingError:
        if not _is_damaged(path):
            raise
        give_name(path, free_name(path.with_name(f"{manifest.NAME}.damaged")))
        return None


def _is_damaged(path: Path) -> bool:
    """Whether a manifest is cut off or garbled, rather than of a newer version or out of reach."""
    try:
        return msgspec.json.decode(manifest.content(path), type=_Version).version <= manifest.VERSION
    except OSError:
        return False
    except (RecordingError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True


def _is_unfinished(known: Manifest, folder: Path) -> bool:
    pieces = [piece for person in known.people for piece in person.pieces]
    return bool(partials(folder)) or any(piece.state == "writing" for piece in pieces)


def _finish_all(folder: Path) -> Finds:
    finds = Finds()
    for partial in partials(folder):
        name = partial.name.removesuffix(PARTIAL)
        written_s = partial.stat().st_mtime
        try:
            path = finish_file(partial)
            if path is None:
                finds.empty.add(name)
            else:
                finds.pieces[name] = _look(path, written_s)
        except (OSError, RecordingError) as error:
            finds.errors[name] = str(error)
    return finds


def _find_whole(folder: Path, finds: Finds) -> None:
    """Without a manifest the whole files are unknown, too."""
    for path in sorted(folder.iterdir()):
        is_piece = is_media(path) and path.stem not in FILMS and is_own_file(path)
        if is_piece and path.name not in finds.pieces and path.stat().st_size:
            try:
                finds.pieces[path.name] = _look(path, path.stat().st_mtime)
            except RecordingError as error:
                finds.errors[path.name] = str(error)


def _look(path: Path, written_s: float) -> Guess:
    from nbrtc.recordings.probe import probe

    seen = probe(path, count=True)
    piece = Piece(
        file=path.name,
        start_ms=0.0,
        duration_ms=seen.duration_ms,
        size_bytes=path.stat().st_size,
        video_codec=seen.video_codec,
        audio_codec=seen.audio_codec,
        width=seen.width,
        height=seen.height,
        state="recovered",
    )
    return Guess(piece, written_s - seen.duration_ms / 1000)


def _journal(folder: Path) -> tuple[list[Moment], list[Said]]:
    try:
        return read_journal(folder / manifest.JOURNAL)
    except OSError as error:
        raise RecordingError(f"The journal in {str(folder)!r} cannot be read ({error})") from error


def _described(
    folder: Path, known: Manifest | None, finds: Finds, moments: list[Moment], chat: list[Said]
) -> Manifest:
    """The manifest of what is there by now."""
    unknown = dict(finds.pieces)
    if known is None:
        began_s = min((guess.began_s for guess in unknown.values()), default=folder.stat().st_mtime)
        known = Manifest(id=uuid.uuid4().hex, started_at_s=began_s, people=tuple(people_from(moments)))
    people = [_mended(person, folder, finds, unknown) for person in known.people]
    people = placed(people, unknown, known.started_at_s, moments)
    ends = [piece.start_ms + piece.duration_ms for person in people for piece in person.pieces]
    ends += [moment.time_ms for moment in moments[-1:]]
    events = _merged(known.events, moments)
    failed = "; ".join(finds.errors.values())
    return msgspec.structs.replace(
        known,
        state="failed" if failed else "recovered",
        error=failed,
        duration_ms=max([known.duration_ms, *ends]),
        people=tuple(people),
        events=events,
        chat=_merged(known.chat, chat),
    )


def _mended(person: Person, folder: Path, finds: Finds, unknown: dict[str, Guess]) -> Person:
    pieces = []
    for piece in person.pieces:
        guess = unknown.pop(piece.file, None)
        if guess is not None:
            pieces.append(_joined(piece, guess.piece))
        elif piece.file in finds.errors:
            pieces.append(msgspec.structs.replace(piece, state="writing", error=finds.errors[piece.file]))
        elif piece.state != "writing":
            pieces.append(piece)
        elif (folder / piece.file).is_file():
            pieces.append(_joined(piece, _look(folder / piece.file, 0.0).piece))
        elif piece.file not in finds.empty:
            error = "The file was not there when the recording was recovered."
            pieces.append(msgspec.structs.replace(piece, state="failed", error=error))
    return msgspec.structs.replace(person, pieces=tuple(pieces))


def _joined(piece: Piece, seen: Piece) -> Piece:
    """What the file says, and what only the manifest knew."""
    return msgspec.structs.replace(
        seen,
        start_ms=piece.start_ms,
        video_codec=seen.video_codec or piece.video_codec,
        audio_codec=seen.audio_codec or piece.audio_codec,
        width=max(seen.width, piece.width),
        height=max(seen.height, piece.height),
        gaps=piece.gaps,
        error=piece.error,
    )


def _merged(old: Iterable[Timed], new: Iterable[Timed]) -> tuple[Timed, ...]:
    """Both in the order of time, each once."""
    return tuple(sorted(dict.fromkeys(chain(old, new)), key=lambda one: one.time_ms))
