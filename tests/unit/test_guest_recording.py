"""What a guest's browser recorded apart, put together here by the manifest that its page makes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import nbrtc
from nbrtc.recordings import manifest
from nbrtc.recordings.decoding import pictures
from nbrtc.recordings.film.layouts import Rect
from nbrtc.recordings.film.planes import Planes
from nbrtc.recordings.remux import remux
from tests.unit.staged_recordings import TINTS, Actor, Clip, stage

EXAMPLE = Path(__file__).parents[1] / "data/guest-recording.json"
SIZE = (320, 180)
LEFT, RIGHT = Rect(20, 60, 100, 60), Rect(200, 60, 100, 60)


def example() -> Any:
    return json.loads(EXAMPLE.read_text())


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two WebM files, as the example's manifest calls them."""
    folder = tmp_path_factory.mktemp("guest")
    stage(
        folder / "made",
        Actor("Gus", (Clip(seconds=1.95),), id="you", tint="blue"),
        Actor("Bob", (Clip(seconds=0.9),), tint="red"),
    )
    remux(folder / "made/Gus.mkv", folder / "Gus.webm")
    remux(folder / "made/Bob.mkv", folder / "Bob-from-1-s.webm")
    return folder


def placed(media: Path, folder: Path, name: str, title: str = "") -> Path:
    """The example in a folder, with this name; among downloads every name has the title before it."""
    folder.mkdir(exist_ok=True)
    text = EXAMPLE.read_text()
    for file in ("Gus.webm", "Bob-from-1-s.webm"):
        shutil.copy(media / file, folder / f"{title}{file}")
        text = text.replace(f'"{file}"', f'"{title}{file}"')
    (folder / name).write_text(text)
    return folder / name


def test_the_example_says_everything_that_a_manifest_says(media: Path, tmp_path: Path) -> None:
    found = manifest.read(placed(media, tmp_path, manifest.NAME))
    assert json.loads(manifest._encode(found)) == example(), "nothing is unknown, or left to defaults"


def test_a_film_is_made_of_a_guest_s_files(media: Path, tmp_path: Path) -> None:
    place = placed(media, tmp_path, manifest.NAME)
    film = nbrtc.compose(place, "grid", size=SIZE, fps=15)

    assert film.path == tmp_path / "grid.mkv"
    assert film.duration_s == pytest.approx(2.0, abs=0.1)
    shown = [(time_ms, Planes.of(frame)) for time_ms, frame in pictures(film.path)]

    def tint(time_ms: float, rect: Rect) -> str:
        _, picture = min(shown, key=lambda one: abs(one[0] - time_ms))
        part = picture.part(rect)
        colour = (part.u.mean(), part.v.mean())
        return min(TINTS, key=lambda name: sum(abs(a - b) for a, b in zip(colour, TINTS[name], strict=True)))

    assert tint(700, Rect(110, 60, 100, 60)) == "blue", "Gus alone, before Bob's file begins"
    assert (tint(1300, LEFT), tint(1300, RIGHT)) == ("red", "blue")
    recording = nbrtc.open_recording(place)
    assert [person.name for person in recording.people] == ["Gus", "Bob", "Cy"]
    assert recording["Bob"].frame(1.4) is not None
    assert recording["Bob"].frame(0.5) is None
    assert abs(recording["Gus"].audio(0.2, 1.0)).shape == (38_400, 2)
    assert [path.name for path in recording.films] == ["grid.mkv"]


def test_downloads_are_found_by_their_manifest(media: Path, tmp_path: Path) -> None:
    title = "lab 2026-11-22 14-05-09 "
    (tmp_path / "other.json").write_text("{}")
    place = placed(media, tmp_path, f"{title}{manifest.NAME}", title)
    recording = nbrtc.open_recording(place)
    assert (recording.path, recording.folder, recording.duration_s) == (place, tmp_path, 2.0005)

    film = nbrtc.compose(recording, "pip", size=SIZE, fps=5)

    assert film.path == tmp_path / f"{title}pip.mkv"
    assert [one.path for one in manifest.read(place).films] == [film.path.name]
    assert not (tmp_path / manifest.NAME).exists()
    assert nbrtc.open_recording(place).films == [film.path]


def test_a_browser_s_mp4_is_a_recorder_s_file(media: Path, tmp_path: Path) -> None:
    place = placed(media, tmp_path, manifest.NAME)
    place.write_text(place.read_text().replace(".webm", ".mp4"))
    files = [piece.file for person in manifest.read(place).people for piece in person.pieces]
    assert files == ["Gus.mp4", "Bob-from-1-s.mp4"]
