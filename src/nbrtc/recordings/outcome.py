"""What became of a recording that nobody tells about any more: its files know."""

from pathlib import Path

import msgspec

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordedFile, RecordedPerson, RecordingStatus
from nbrtc.recordings import locks, manifest
from nbrtc.recordings.manifest import Manifest, Person


def outcome(status: RecordingStatus, *, is_engine_there: bool, reason: str) -> RecordingStatus:
    """The status as the manifest on disk tells it.

    Parameters
    ----------
    status
        The last one that was told.
    is_engine_there
        Whether the engine that recorded still lives: then it may still be finishing.
    reason
        Why nobody tells any more, as a sentence.
    """
    folder = Path(status.folder) if status.folder else None
    is_written = False
    try:
        if folder is None:
            raise RecordingError("Its folder is not known")
        is_written = locks.is_being_written(folder)  # before its manifest is read, which comes with its end
        found = manifest.read(folder / manifest.NAME)
    except RecordingError as error:
        if is_written:
            return status  # it began within the last second: its manifest is not there yet
        return _failed(status, f"{reason} What became of the recording cannot be read: {error}.")
    told = msgspec.structs.replace(
        status,
        duration_s=max(status.duration_s, found.duration_ms / 1000),
        people=tuple(_person(person) for person in found.people),
        files=tuple(_files(found, folder)),
    )
    told = msgspec.structs.replace(
        told, size_bytes=sum(file.size_bytes for file in told.files) or told.size_bytes
    )
    if found.state == "recording":
        if is_written:
            return msgspec.structs.replace(told, state="recording")
        return _failed(
            told, f"{reason} Until a second before that everything is there: nbrtc.recover({str(folder)!r})."
        )
    if found.state == "failed":
        return _failed(told, found.error or f"The recording into {status.path} failed.")
    for film in found.films:
        if film.state == "failed":
            return _failed(told, _with_place(film.error, folder))
        if film.state == "waiting" and not is_engine_there:
            why = f"{reason} The separate files are complete; nbrtc.recover({str(folder)!r}) makes the film."
            return _failed(told, why)
        if film.state == "waiting":
            return msgspec.structs.replace(told, state="composing")
    return msgspec.structs.replace(told, state="stopped", error=None)


def _with_place(error: str, folder: Path) -> str:
    """What the engine wrote down says where the files are; what `nbrtc.recover` did does not."""
    where = f"The separate files are complete in {folder}."
    return error if error.endswith(where) else f"{error} {where}"


def _failed(status: RecordingStatus, error: str) -> RecordingStatus:
    return msgspec.structs.replace(status, state="failed", error=error)


def _person(person: Person) -> RecordedPerson:
    if person.pieces:
        return RecordedPerson(person.id, person.name, "recorded")
    return RecordedPerson(person.id, person.name, "gone" if person.left_ms is not None else "left-out")


def _files(found: Manifest, folder: Path) -> list[RecordedFile]:
    """Complete files, the films first."""
    films = [manifest.film_file(folder, film) for film in found.films if film.state == "complete"]
    files = [RecordedFile(path.name, str(path), path.stat().st_size) for path in films if path.is_file()]
    return files + [
        RecordedFile(piece.file, str(folder / piece.file), piece.size_bytes, person.id)
        for person in found.people
        for piece in person.pieces
        if piece.state in ("complete", "recovered")
    ]
