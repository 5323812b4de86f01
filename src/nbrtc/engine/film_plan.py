"""Which one file is made of a recording's separate files, and how: pure.

One person's file becomes the film untouched where it can; all else is composed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from ..messages import RecordingLayout
from ..recordings.manifest import Film, Manifest, Piece, film_path
from ..recordings.one_file import IN_MP4, IN_WEBM, fitting
from .place import Place


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """What is made."""

    how: Literal["none", "link", "remux", "compose"]
    to: Path
    """The file; of ``none`` what was asked for."""
    layout: RecordingLayout = "separate"
    source: Path | None = None
    """The person's file that is linked or copied."""
    duration_s: float | None = None
    """Of that file."""
    note: str = ""
    """What is done otherwise than asked, as a sentence."""


def film_plan(place: Place, manifest: Manifest) -> FilmPlan:
    """How the film of these pieces is made."""
    layout = layout_of(place, manifest)
    pieces = list(_pieces(manifest))
    file = place.file
    if not pieces:
        return FilmPlan("none", place.asked, layout)
    if file is None:
        if layout == "separate":
            return FilmPlan("none", place.asked)
        return FilmPlan("compose", place.folder / f"{layout}.mkv", layout)
    if layout != "separate":
        return FilmPlan("compose", file, layout)
    if len(pieces) > 1:
        note = (
            f"{file.name} was not made, because layout='separate' keeps {len(pieces)} files apart: "
            f"they are in {place.folder}."
        )
        return FilmPlan("none", place.folder, note=note)
    return _untouched(place, file, pieces[0])


def film_of(
    place: Place, plan: FilmPlan, state: Literal["waiting", "complete", "failed"], error: str = ""
) -> Film:
    """What the manifest says of it."""
    path = film_path(place.folder, plan.to)
    assert path is not None, "a film is made in the folder or beside it"
    return Film(path=path, layout=plan.layout, state=state, error=error)


def with_film(place: Place, manifest: Manifest) -> Manifest:
    """The manifest with the film that it will have, so that `nbrtc.recover` makes it after a crash."""
    plan = film_plan(place, manifest)
    films = () if plan.how == "none" else (film_of(place, plan, "waiting"),)
    return msgspec.structs.replace(manifest, films=films)


def layout_of(place: Place, manifest: Manifest) -> RecordingLayout:
    """What was asked for, or what fits the people."""
    if place.layout is not None:
        return place.layout
    if place.file is None or len(list(_pieces(manifest))) <= 1:
        return "separate"
    return fitting(manifest)


def _untouched(place: Place, file: Path, piece: Piece) -> FilmPlan:
    source, suffix = place.folder / piece.file, file.suffix.lower()
    if suffix == ".mkv":
        return FilmPlan("link", file, source=source, duration_s=piece.duration_ms / 1000)
    if piece.video_codec in (IN_WEBM if suffix == ".webm" else IN_MP4):
        return FilmPlan("remux", file, source=source, duration_s=piece.duration_ms / 1000)
    if suffix == ".webm":
        return FilmPlan("compose", file, "grid")
    to = file.with_suffix(".mkv")
    note = (
        f"The recording is {to.name}, because an .mp4 file needs H.264 and this call sent "
        f"{piece.video_codec}. Call(codec='h264') sends H.264 from the start; layout='pip' transcodes."
    )
    return FilmPlan("link", to, source=source, duration_s=piece.duration_ms / 1000, note=note)


def _pieces(manifest: Manifest) -> Iterator[Piece]:
    for person in manifest.people:
        yield from (piece for piece in person.pieces if piece.state != "failed")
