"""Making a film of a recording: the process that makes it is played by a few lines of Python."""

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import nbrtc
from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingStatus
from nbrtc.recording import Recording
from nbrtc.recordings import compose as module
from nbrtc.recordings import manifest
from tests.unit.staged_recordings import Actor, Clip, stage

Play = Callable[[str], None]
"""Chooses what the process does."""

BEGIN = """
import json, os, sys, time
place, to = sys.argv[1], sys.argv[sys.argv.index("--to") + 1]
partial = to + ".partial"
def say(**line):
    print(json.dumps(line), flush=True)
open(partial, "x").close()
"""
GOOD = """
import shutil
say(fraction=0.0)
say(fraction=0.5)
shutil.copy(os.path.join(os.path.dirname(place), "Ada.mkv"), partial)
os.rename(partial, to)
say(done=to, duration_s=0.5, size_bytes=os.path.getsize(to))
"""
BAD = """
say(fraction=0.3)
os.unlink(partial)
say(error="The disk is full: free some space.")
sys.exit(1)
"""
WAITS = """
say(fraction=0.1)
sys.stdin.read()
os.unlink(partial)
sys.exit(1)
"""
DIES = """
say(fraction=0.1)
os.kill(os.getpid(), 9)
"""
CONFUSED = """
print("Hello", flush=True)
sys.stdin.read()
os.unlink(partial)
"""
SPEAKS = """
os.unlink(partial)
raise SystemExit("ImportError: no film")
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("staged") / "lesson"
    stage(folder, Actor("Ada", (Clip(seconds=0.5),), id="you"), Actor("Bob", (Clip(seconds=0.5),)))
    return folder


@pytest.fixture
def lesson(template: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "lesson"
    folder.mkdir()
    for path in template.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Play:
    def play(part: str) -> None:
        monkeypatch.setattr(module, "COMMAND", (sys.executable, "-c", BEGIN + part))

    return play


def test_the_film_is_named_after_its_layout_and_written_down(lesson: Path, plays: Play) -> None:
    plays(GOOD)

    film = nbrtc.compose(lesson, "pip")

    assert film.path == lesson / "pip.mkv"
    assert [person.name for person in film] == ["pip"]
    assert film.duration_s == pytest.approx(0.5, abs=0.05)
    (entry,) = manifest.read(lesson / manifest.NAME).films
    assert (entry.path, entry.layout, entry.state) == ("pip.mkv", "pip", "complete")
    assert nbrtc.open_recording(lesson).films == [lesson / "pip.mkv"]


def test_it_goes_where_it_is_asked_to(
    lesson: Path, plays: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(GOOD)
    monkeypatch.chdir(tmp_path)

    film = nbrtc.compose(
        lesson / "manifest.json", "grid", "class.mkv", size=tuple(np.array([640, 360])), fps=np.float64(25)
    )

    assert film.path == tmp_path / "class.mkv"
    assert manifest.read(lesson / manifest.NAME).films[0].path == "../class.mkv"


def test_a_recording_in_whatever_form_will_do(lesson: Path, plays: Play, tmp_path: Path) -> None:
    plays(GOOD)
    status = RecordingStatus("1", str(lesson), "stopped", 0.0, folder=str(lesson))

    nbrtc.compose(nbrtc.open_recording(lesson), "pip")
    nbrtc.compose(Recording(status, lambda _: status), "grid")

    assert sorted(path.name for path in nbrtc.open_recording(lesson).films) == ["grid.mkv", "pip.mkv"]
    with pytest.raises(TypeError, match="recording is a path, a Recording or"):
        nbrtc.compose(7, "pip")  # type: ignore[arg-type]
    with pytest.raises(RecordingError, match="is no recording of nbrtc"):
        nbrtc.compose(tmp_path / "nothing", "pip")


def test_what_the_film_lacks_is_logged(lesson: Path, plays: Play, caplog: pytest.LogCaptureFixture) -> None:
    plays(GOOD.replace("say(done=to,", 'say(note="A letter is missing.", done=to,'))
    nbrtc.compose(lesson, "pip")
    assert [record.message for record in caplog.records] == ["pip.mkv: A letter is missing."]


@pytest.mark.parametrize("name", ["a\\b.mkv", "a\nb.mkv", "\u202ea.mkv", f"{'a' * 240}.mkv"])
def test_a_name_that_would_make_the_recording_unreadable_is_refused(lesson: Path, name: str) -> None:
    with pytest.raises(RecordingError, match="no name for a film beside its recording"):
        nbrtc.compose(lesson, to=lesson / name)
    nbrtc.open_recording(lesson)


def test_a_film_beside_a_folder_that_was_reached_in_a_roundabout_way_is_written_down(
    lesson: Path, plays: Play
) -> None:
    plays(GOOD)
    nbrtc.compose(lesson / ".." / lesson.name, "grid", lesson / "👩\u200d🏫.mkv")
    assert [film.path for film in nbrtc.open_recording(lesson).manifest.films] == ["👩\u200d🏫.mkv"]


def test_a_file_of_the_users_in_the_folder_does_not_get_into_the_films_process(
    lesson: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "queue.py").write_text("print('my own notes')")
    monkeypatch.chdir(tmp_path)
    assert nbrtc.compose(lesson, "grid", size=(320, 180), fps=5).duration_s > 0


def test_a_film_is_made_without_a_file_that_is_missing_and_says_so(
    lesson: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (lesson / "Bob.mkv").unlink()
    assert nbrtc.compose(lesson, "grid", size=(320, 180), fps=5).duration_s > 0
    assert "'Bob.mkv' is missing or cannot be read, and so not in the film" in caplog.text
    (lesson / "Ada.mkv").write_bytes(bytes(10_000))
    with pytest.raises(RecordingError, match=r"'Ada\.mkv', 'Bob\.mkv' is missing"):
        nbrtc.compose(lesson, "pip")


def test_nothing_is_overwritten(lesson: Path, plays: Play) -> None:
    plays(GOOD)
    (lesson / "pip.mkv").write_text("mine")

    with pytest.raises(RecordingError, match="exists and is not overwritten"):
        nbrtc.compose(lesson, "pip")

    assert (lesson / "pip.mkv").read_text() == "mine"


def test_values_that_do_not_exist_are_refused(lesson: Path) -> None:
    refused: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (ValueError, "no film 'mosaic'; use 'pip', 'grid', 'speaker'", {"layout": "mosaic"}),
        (ValueError, "everybody's own file is there already", {"layout": "separate"}),
        (ValueError, "two even numbers", {"size": (641, 480)}),
        (ValueError, "two even numbers", {"size": (640,)}),
        (ValueError, "two even numbers", {"size": (640.0, 480.0)}),
        (ValueError, "two even numbers", {"size": None}),
        (ValueError, "fps is a whole number", {"fps": 0}),
        (ValueError, "fps is a whole number", {"fps": 29.97}),
        (ValueError, "fps is a whole number", {"fps": float("nan")}),
        (ValueError, "fps is a whole number", {"fps": "25"}),
        (RecordingError, r"end the name in \.mkv, \.webm, \.mp4", {"to": "film.avi"}),
    ]
    for kind, words, values in refused:
        with pytest.raises(kind, match=words):
            nbrtc.compose(lesson, **{"layout": "grid", **values})


def test_one_that_goes_on_or_was_cut_off_is_refused(lesson: Path, plays: Play) -> None:
    plays(GOOD)
    found = manifest.read(lesson / manifest.NAME)
    manifest.write(lesson, msgspec.structs.replace(found, state="recording"))

    with pytest.raises(RecordingError, match=r"was cut off: nbrtc\.recover"):
        nbrtc.compose(lesson, "pip")
    with (lesson / manifest.JOURNAL).open() as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        with pytest.raises(RecordingError, match="still being recorded: stop it first"):
            nbrtc.compose(lesson, "pip")


def test_it_waits_for_another_film_of_the_recording(lesson: Path, plays: Play) -> None:
    plays(GOOD)
    made: list[Path] = []
    thread = threading.Thread(target=lambda: made.append(nbrtc.compose(lesson, "pip").path))
    descriptor = os.open(lesson, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        thread.start()
        thread.join(0.2)
        assert made == []
    finally:
        os.close(descriptor)
    thread.join(20)

    assert made == [lesson / "pip.mkv"]


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (BAD, "^The disk is full: free some space"),
        (DIES, r"ended with code -9"),
        (CONFUSED, "said what nobody understands: b'Hello"),
        (SPEAKS, "ended with code 1: ImportError: no film"),
    ],
)
def test_a_film_that_fails_says_why_and_leaves_nothing(
    lesson: Path, plays: Play, part: str, error: str
) -> None:
    plays(part)
    before = sorted(lesson.iterdir())

    with pytest.raises(RecordingError, match=error):
        nbrtc.compose(lesson, "pip")

    assert sorted(lesson.iterdir()) == before
    assert manifest.read(lesson / manifest.NAME).films == ()


def test_interrupting_ends_the_process_and_leaves_nothing(lesson: Path, plays: Play) -> None:
    plays(WAITS)
    begun: list[float] = []

    def interrupt(fraction: float) -> None:
        begun.append(fraction)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        module.run_film(lesson / manifest.NAME, "pip", lesson / "pip.mkv", on_progress=interrupt)

    assert begun == [0.1]
    assert not list(lesson.glob("pip*"))


def test_a_process_that_does_not_listen_is_killed(
    lesson: Path, plays: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GOODBYE_S", 0.1)
    plays("say(fraction=0.1)\nos.close(1)\ntime.sleep(600)")

    with pytest.raises(RecordingError, match="ended with code -9"):
        module.run_film(lesson / manifest.NAME, "pip", lesson / "pip.mkv")

    assert not list(lesson.glob("pip*"))


def test_somebody_elses_unfinished_film_is_not_removed(lesson: Path, plays: Play) -> None:
    (lesson / "pip.mkv.partial").write_text("somebody's")
    plays(DIES)

    with pytest.raises(RecordingError, match="ended with code 1"):
        nbrtc.compose(lesson, "pip")

    assert (lesson / "pip.mkv.partial").read_text() == "somebody's"


def test_without_notebook_and_terminal_nothing_is_shown(
    lesson: Path, plays: Play, capfd: pytest.CaptureFixture[str]
) -> None:
    plays(GOOD)

    nbrtc.compose(lesson, "pip")

    assert capfd.readouterr() == ("", "")


def test_a_terminal_sees_one_line(
    lesson: Path, plays: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plays(GOOD)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    nbrtc.compose(lesson, "pip")

    shown = ["0 %", "50 %", "100 %"]
    assert capsys.readouterr().err == "".join(f"\rMaking pip.mkv: {part}" for part in shown) + "\n"


def test_the_real_process_makes_a_film(lesson: Path) -> None:
    film = nbrtc.compose(lesson, "grid", size=(320, 180), fps=10)

    assert film.duration_s == pytest.approx(0.5, abs=0.15)
    pictures = list(film["grid"].frames())
    assert [(picture.width, picture.height) for picture in pictures] == [(320, 180)] * 5
    assert film.audio().shape[1] == 2
