"""What is told of a recording that is complete: its files, and the one that was made of them."""

from typing import Any

from ..messages import RecordedFile
from ..recordings.manifest import Manifest
from .film_plan import FilmPlan
from .place import Place
from .premiere import Outcome


def files_of(place: Place, manifest: Manifest) -> tuple[RecordedFile, ...]:
    """Everybody's files, as far as they are complete."""
    return tuple(
        RecordedFile(
            name=piece.file,
            path=str(place.folder / piece.file),
            size_bytes=piece.size_bytes,
            person=person.id,
        )
        for person in manifest.people
        for piece in person.pieces
        if piece.state == "complete"
    )


def delivered(plan: FilmPlan, files: tuple[RecordedFile, ...], outcome: Outcome) -> dict[str, Any]:
    """What is told of a recording whose one file was made, or was not."""
    if outcome.state == "failed":
        return {"state": "failed", "error": outcome.error}
    try:
        size_bytes = plan.to.stat().st_size
    except OSError as error:
        return {"state": "failed", "error": f"{str(plan.to)!r} was made, and is gone by now ({error})."}
    film = RecordedFile(name=plan.to.name, path=str(plan.to), size_bytes=size_bytes)
    told: dict[str, Any] = {"files": (film, *files), "size_bytes": size_bytes}
    duration_s = outcome.duration_s or plan.duration_s
    return told if duration_s is None else told | {"duration_s": duration_s}
