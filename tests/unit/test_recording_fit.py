"""What fits together at a recording's edges: a file from before its zero, and a name that became another."""

from pathlib import Path

import pytest

from nbrtc.errors import RecordingError
from nbrtc.recordings import manifest as manifests
from nbrtc.recordings.decoding import pictures
from nbrtc.recordings.film.planes import Planes
from nbrtc.recordings.film.production import Production
from nbrtc.recordings.manifest import Film, Manifest
from tests.unit.staged_recordings import Actor, Clip, number_in, stage


def test_a_film_begins_at_zero_though_a_file_begins_before(tmp_path: Path) -> None:
    """A first frame that took longest on its way was sent before the recording's zero, and came after it."""
    folder = tmp_path / "lesson"
    stage(folder, Actor("Bob", (Clip(start_ms=-1400, seconds=2.4),)))
    target = folder / "grid.mkv"
    result = Production(folder / manifests.NAME, "grid", target, width=320, height=180, fps=30).run(
        lambda _: None, lambda: False
    )

    assert result.duration_s == pytest.approx(1.0, abs=0.02)
    shown = [(time_ms, number_in(Planes.of(frame).y)) for time_ms, frame in pictures(target)]
    numbers = [(time_ms, number) for time_ms, number in shown if number is not None]
    assert len(numbers) > 20
    for time_ms, number in numbers:
        assert number * 1000 / 30 - 1400 == pytest.approx(time_ms, abs=40)


def test_an_mp4_that_became_an_mkv_is_found_by_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "lesson.mp4.tracks"
    folder.mkdir()
    film = Film(path="../lesson.mkv", layout="separate", state="complete")
    manifests.write(folder, Manifest(id="r", started_at_s=0.0, films=(film,)))
    assert manifests.find(tmp_path / "lesson.mkv") == folder / manifests.NAME
    assert manifests.find(tmp_path / "lesson.mp4") == folder / manifests.NAME

    manifests.write(folder, Manifest(id="r", started_at_s=0.0))
    with pytest.raises(RecordingError, match="is no recording of nbrtc"):
        manifests.find(tmp_path / "lesson.mkv")
