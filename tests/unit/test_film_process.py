"""The film's process: what it says, and that it ends with its owner."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nbrtc.recordings import manifest as manifests
from nbrtc.recordings.film.progress import Progress, read
from tests.unit.staged_recordings import Actor, Clip, stage


@contextmanager
def process(folder: Path, target: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "nbrtc.recordings.film", str(folder / manifests.NAME), "--layout", "pip"]
    with subprocess.Popen(
        [*command, "--to", str(target), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def lines(running: subprocess.Popen[bytes]) -> list[Progress]:
    assert running.stdout is not None
    return [read(line) for line in running.stdout]


def test_it_tells_how_far_it_is_and_where_the_film_is(tmp_path: Path) -> None:
    folder, target = tmp_path / "lesson", tmp_path / "lesson.mp4"
    stage(folder, Actor("Bob", (Clip(seconds=1),)))
    with process(folder, target, "--size", "320x180", "--fps", "15") as running:
        *progress, last = lines(running)
        code = running.wait(60)

    assert code == 0
    assert last == Progress(done=str(target), duration_s=1.0, size_bytes=target.stat().st_size)
    fractions = [line.fraction for line in progress if line.fraction is not None]
    assert fractions == sorted(fractions)
    assert len(fractions) == len(progress)
    assert fractions[0] == 0
    assert target.stat().st_mode & 0o777 == 0o600
    content = target.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "it plays while it is downloaded"


def test_it_removes_what_is_unfinished_when_its_owner_goes(tmp_path: Path) -> None:
    folder, target = tmp_path / "lesson", tmp_path / "lesson.mp4"
    stage(folder, Actor("Bob", (Clip(seconds=0.5),)), duration_ms=600_000)
    with process(folder, target) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert read(running.stdout.readline()).fraction == 0
        assert target.with_name("lesson.mp4.partial").exists()
        running.stdin.close()
        last = lines(running)[-1]
        code = running.wait(60)

    assert code == 1
    assert last.error is not None
    assert [path.name for path in tmp_path.iterdir()] == ["lesson"]


def test_an_error_is_a_sentence(tmp_path: Path) -> None:
    with process(tmp_path, tmp_path / "film.mp4") as running:
        (last,) = lines(running)
        code = running.wait(60)

    assert code == 1
    assert "cannot be read as a recording's manifest" in (last.error or "")
