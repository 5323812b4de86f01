"""What a crash leaves, and what `nbrtc.recover` makes of it."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

import nbrtc
from nbrtc.errors import RecordingError
from nbrtc.recordings import compose, finishing, manifest, recover
from nbrtc.recordings.manifest import Film, Manifest, Said
from nbrtc.recordings.opened import OpenRecording
from nbrtc.recordings.probe import probe
from tests.unit.staged_recordings import Actor, Clip, luma_of, number_in, stage

ADA = Actor("Ada", (Clip(seconds=2),), id="you")
BOB = Actor("Bob", (Clip(start_ms=500, seconds=1),), joined_ms=400, left_ms=1900)
SAID = Said(1000.0, "bob", "Bob", "hello")


def crash(folder: Path, *actors: Actor, **how: Any) -> Manifest:
    return stage(folder, *(actors or (ADA, BOB)), chat=(SAID,), finished=False, **how)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def numbers(recording: OpenRecording, name: str) -> list[int | None]:
    return [number_in(luma_of(frame.video_frame)) for frame in recording[name].frames()]


def test_every_file_becomes_whole_and_the_manifest_true(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")

    (lesson,) = nbrtc.recover(tmp_path / "lesson")

    assert names(lesson.folder) == [
        "Ada.mkv",
        "Bob.mkv",
        "events.jsonl",
        "manifest.json",
        "statistics.jsonl.gz",
    ]
    found = lesson.manifest
    assert (found.state, found.duration_ms) == ("recovered", 2000.0)
    assert [(person.name, person.left_ms) for person in found.people] == [("Ada", None), ("Bob", 1900.0)]
    (piece,) = found.people[1].pieces
    assert (piece.state, piece.start_ms, piece.duration_ms) == ("recovered", 500.0, 1000.0)
    assert (piece.video_codec, piece.audio_codec, piece.width, piece.height) == ("VP8", "opus", 320, 180)
    assert piece.size_bytes == (lesson.folder / "Bob.mkv").stat().st_size
    assert [moment.name for moment in found.events if moment.peer == "bob"][:1] == ["join"]
    assert lesson.chat().text.tolist() == ["hello"]
    assert numbers(lesson, "Bob") == list(range(30))
    assert b"\x1c\x53\xbb\x6b" in (lesson.folder / "Bob.mkv").read_bytes(), "it has an index"
    assert (lesson.folder / "Bob.mkv").stat().st_mode & 0o777 == 0o600


def test_doing_it_again_changes_nothing(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")
    nbrtc.recover(tmp_path / "lesson")
    before = content(tmp_path / "lesson")

    (again,) = nbrtc.recover(tmp_path / "lesson")

    assert again.manifest.state == "recovered"
    assert content(tmp_path / "lesson") == before


def test_a_complete_recording_is_left_as_it_is(tmp_path: Path) -> None:
    stage(tmp_path / "lesson", ADA)
    before = content(tmp_path / "lesson")

    (found,) = nbrtc.recover(tmp_path / "lesson")

    assert found.manifest.state == "complete"
    assert content(tmp_path / "lesson") == before


def test_a_file_that_was_cut_in_a_block_keeps_what_came_before(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")
    partial = tmp_path / "lesson" / "Ada.mkv.partial"
    whole = partial.read_bytes()
    partial.write_bytes(whole[: len(whole) * 3 // 4])

    (lesson,) = nbrtc.recover(tmp_path / "lesson")

    kept = numbers(lesson, "Ada")
    assert kept == list(range(len(kept)))
    assert 30 <= len(kept) < 60
    assert not (tmp_path / "lesson" / "Ada.mkv.partial").exists()


def test_a_file_without_anything_in_it_goes(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")
    (tmp_path / "lesson" / "Bob.mkv.partial").write_bytes(b"")

    (lesson,) = nbrtc.recover(tmp_path / "lesson")

    assert "Bob.mkv.partial" not in names(lesson.folder)
    assert lesson["Bob"].files == []
    assert len(lesson["Ada"].files) == 1


def test_a_file_that_is_garbled_stays_and_the_others_are_finished(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")
    partial = tmp_path / "lesson" / "Bob.mkv.partial"
    partial.write_bytes(bytes(10_000))

    with pytest.warns(UserWarning, match=r"lesson was recovered in part: .*Bob\.mkv\.partial"):
        (lesson,) = nbrtc.recover(tmp_path / "lesson")

    assert partial.stat().st_size == 10_000
    assert lesson.manifest.state == "failed"
    with pytest.warns(UserWarning, match=r"Bob is not heard: .*Bob\.mkv\.partial"):
        assert lesson.audio().shape == (96_000, 2)
    assert "Bob.mkv.partial" in lesson.manifest.error
    assert numbers(lesson, "Ada") == list(range(60))


@pytest.mark.parametrize("damage", ["missing", "cut", "no object"])
def test_without_a_manifest_one_is_made_of_what_is_there(tmp_path: Path, damage: str) -> None:
    """The journal knows who was there, the files tell when they were written last."""
    folder = tmp_path / "lesson"
    crash(folder)
    for name, ended_s in (("Ada", 2.0), ("Bob", 1.5)):
        os.utime(folder / f"{name}.mkv.partial", (0, 1_700_000_000.0 + ended_s))
    path = folder / manifest.NAME
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:50] if damage == "cut" else b"[]")

    (lesson,) = nbrtc.recover(folder)

    assert [(person.name, person.id) for person in lesson] == [("Ada", "you"), ("Bob", "bob")]
    (piece,) = lesson.manifest.people[1].pieces
    assert piece.start_ms == pytest.approx(500, abs=50)
    assert lesson.manifest.started_at_s == pytest.approx(1_700_000_000.0, abs=0.05)
    assert lesson.manifest.people[1].left_ms == 1900.0
    assert lesson.duration_s == pytest.approx(2.0, abs=0.05)
    assert ("manifest.json.damaged" in names(folder)) == (damage != "missing")


@pytest.mark.parametrize(
    ("name", "file"),
    [("Bob", "Bob.mkv"), ("Bob", "Bob-2.mkv"), ("Student 7", "Student-7.mkv"), ("pip", "pip-2.mkv")],
)
def test_a_file_that_the_manifest_did_not_know_yet_is_whose_name_it_has(
    tmp_path: Path, name: str, file: str
) -> None:
    folder = tmp_path / "lesson"
    found = crash(folder)
    people = (found.people[0], msgspec.structs.replace(found.people[1], name=name, pieces=()))
    manifest.write(folder, msgspec.structs.replace(found, people=people))
    partial = (folder / "Bob.mkv.partial").rename(folder / f"{file}.partial")
    os.utime(partial, (0, found.started_at_s + 1.5))

    (lesson,) = nbrtc.recover(folder)

    assert [person.name for person in lesson.manifest.people] == ["Ada", name]
    (piece,) = lesson.manifest.people[1].pieces
    assert (piece.file, piece.state) == (file, "recovered")
    assert piece.start_ms == pytest.approx(500, abs=50)


def test_names_with_numbers_stay_apart_where_only_files_are_left(tmp_path: Path) -> None:
    folder = tmp_path / "lesson.tracks"
    crash(folder, *(Actor(name, (Clip(seconds=0.5),)) for name in ("Student-7", "Student-8", "Student-8")))
    for name in (manifest.NAME, manifest.JOURNAL):
        (folder / name).unlink()
    for order, name in enumerate(("Student-7", "Student-8", "Student-8-2")):
        os.utime(folder / f"{name}.mkv.partial", (0, 1_700_000_000.0 + order))

    (lesson,) = nbrtc.recover(folder)

    files = {person.name: [piece.file for piece in person.pieces] for person in lesson.manifest.people}
    assert files == {"Student-7": ["Student-7.mkv"], "Student-8": ["Student-8.mkv", "Student-8-2.mkv"]}


def test_a_newer_versions_manifest_is_not_touched(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    found = crash(folder)
    manifest.write(folder, msgspec.structs.replace(found, version=manifest.VERSION + 1))
    before = content(folder)

    with pytest.raises(RecordingError, match="update nbrtc"):
        nbrtc.recover(folder)
    assert content(folder) == before


# --- the crash may come at any moment, also while recovering


def test_a_name_that_was_only_reserved_is_no_file(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")
    (tmp_path / "lesson" / "Ada.mkv").touch()

    (lesson,) = nbrtc.recover(tmp_path / "lesson")

    assert numbers(lesson, "Ada") == list(range(60))


def test_one_that_was_finished_but_not_removed_is_not_made_twice(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    crash(folder)
    partial = (folder / "Ada.mkv.partial").read_bytes()
    finishing.finish_file(folder / "Ada.mkv.partial")
    (folder / "Ada.mkv.partial").write_bytes(partial)
    (folder / "Bob.recovering.mkv.partial").write_bytes(b"half of it")

    (lesson,) = nbrtc.recover(folder)

    assert [name for name in names(folder) if name.endswith((".mkv", ".partial"))] == ["Ada.mkv", "Bob.mkv"]
    assert numbers(lesson, "Ada") == list(range(60))


def test_another_file_of_the_name_is_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    crash(folder)
    stage(tmp_path / "other", Actor("Ada", (Clip(seconds=0.2),), id="you"))
    (folder / "Ada.mkv").write_bytes((tmp_path / "other" / "Ada.mkv").read_bytes())

    (lesson,) = nbrtc.recover(folder)

    assert lesson["Ada"].files == [folder / "Ada-2.mkv"]
    assert numbers(lesson, "Ada") == list(range(60))
    assert probe(folder / "Ada.mkv").duration_ms == 200.0


def test_a_disk_that_is_full_leaves_everything_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lesson"
    crash(folder)
    before = content(folder)

    def full(source: Path, target: Path) -> None:
        raise RecordingError(f"{target} could not be written (No space left on device)")

    with monkeypatch.context() as patch:
        patch.setattr("nbrtc.recordings.remux.remux", full)
        with pytest.warns(UserWarning, match="lesson was recovered in part: .*No space left"):
            (failed,) = nbrtc.recover(folder)
    assert "No space left" in failed.manifest.error
    assert (folder / "Ada.mkv.partial").read_bytes() == before["Ada.mkv.partial"]

    (lesson,) = nbrtc.recover(folder)
    assert lesson.manifest.state == "recovered"
    assert lesson.manifest.error == ""
    assert numbers(lesson, "Ada") == list(range(60))


# --- the living are left alone


def test_one_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")
    before = content(tmp_path / "lesson")
    with (tmp_path / "lesson" / manifest.JOURNAL).open("rb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)

        with pytest.raises(RecordingError, match="is in use"):
            nbrtc.recover(tmp_path / "lesson")
        with pytest.warns(UserWarning, match="lesson was not recovered: .* in use"):
            assert nbrtc.recover(tmp_path) == []
        assert content(tmp_path / "lesson") == before
        assert "still being recorded" in repr(nbrtc.open_recording(tmp_path / "lesson"))

    assert len(nbrtc.recover(tmp_path)) == 1


def test_the_lock_goes_with_its_process(tmp_path: Path) -> None:
    crash(tmp_path / "lesson")
    code = "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); print(); input()"
    command = [sys.executable, "-c", code, str(tmp_path / "lesson" / manifest.JOURNAL)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(RecordingError, match="is in use"):
            nbrtc.recover(tmp_path / "lesson")
        writer.kill()
        writer.wait()

    assert len(nbrtc.recover(tmp_path / "lesson")) == 1


# --- several, and what has no folder


def test_a_folder_of_recordings_is_recovered_one_by_one(tmp_path: Path) -> None:
    crash(tmp_path / "first")
    crash(tmp_path / "second.mkv.tracks", ADA)
    (tmp_path / "third").mkdir()
    (tmp_path / "notes.txt.partial").write_text("mine")
    (tmp_path / "first" / "Ada.mkv.partial").rename(tmp_path / "lone.mkv.partial")

    found = nbrtc.recover(tmp_path)

    assert [recording.path.name for recording in found] == ["first", "lone.mkv", "second.mkv.tracks"]
    assert [len(recording.people) for recording in found] == [2, 1, 1]
    assert numbers(found[1], "lone") == list(range(60))
    assert (tmp_path / "notes.txt.partial").read_text() == "mine"


def test_a_lone_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    crash(tmp_path / "x", ADA)
    lone = tmp_path / "lone.mkv.partial"
    (tmp_path / "x" / "Ada.mkv.partial").rename(lone)
    with lone.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.warns(UserWarning, match="still being written"):
            nbrtc.recover(tmp_path)

    assert names(tmp_path) == ["lone.mkv.partial", "x"]


def test_a_folder_that_is_none_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is no folder"):
        nbrtc.recover(tmp_path / "nothing")
    assert nbrtc.recover(tmp_path) == []


# --- the one file that was asked for


def films(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """Instead of encoding, write down what is asked for."""
    asked: list[tuple[str, Path]] = []

    def run_film(place: Path, layout: str, target: Path, **_: object) -> None:
        asked.append((layout, target))
        target.write_bytes(b"film")

    monkeypatch.setattr(recover, "run_film", run_film)
    return asked


def test_one_persons_file_is_linked(tmp_path: Path) -> None:
    crash(tmp_path / "lesson.mkv.tracks", ADA)

    (lesson,) = nbrtc.recover(tmp_path / "lesson.mkv")

    assert (tmp_path / "lesson.mkv").samefile(lesson.folder / "Ada.mkv")
    assert lesson.films == [tmp_path / "lesson.mkv"]
    assert [film.layout for film in lesson.manifest.films] == ["separate"]


@pytest.mark.parametrize(("asked", "made"), [("lesson.webm", "lesson.webm"), ("lesson.mp4", "lesson.mkv")])
def test_one_persons_file_goes_into_what_takes_its_codec(tmp_path: Path, asked: str, made: str) -> None:
    crash(tmp_path / f"{asked}.tracks", ADA)

    nbrtc.recover(tmp_path)

    assert probe(tmp_path / made).video_codec == "VP8"
    assert names(tmp_path) == sorted([made, f"{asked}.tracks"])


@pytest.mark.parametrize(
    ("actors", "layout"),
    [
        ((ADA, BOB), "pip"),
        ((BOB, Actor("Eve", (Clip(seconds=1),))), "grid"),
        ((ADA, Actor("Bob", (Clip(seconds=1),)), Actor("Bob", (Clip(seconds=1),), id="bob-2")), "grid"),
    ],
)
def test_a_film_of_several_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, actors: tuple[Actor, ...], layout: str
) -> None:
    asked = films(monkeypatch)
    crash(tmp_path / "lesson.mp4.tracks", *actors)
    (tmp_path / "lesson.mp4.partial").write_bytes(b"half of it")
    (tmp_path / "lesson.mp4").touch()

    for _ in range(2):
        (lesson,) = nbrtc.recover(tmp_path)

    assert asked == [(layout, tmp_path / "lesson.mp4")]
    assert lesson.films == [tmp_path / "lesson.mp4"]
    assert names(tmp_path) == ["lesson.mp4", "lesson.mp4.tracks"]


def test_a_film_that_waited_is_made_as_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = films(monkeypatch)
    folder = tmp_path / "lesson"
    found = stage(folder, ADA, BOB)
    manifest.write(folder, msgspec.structs.replace(found, films=(Film("speaker.mkv", "speaker"),)))
    (folder / "grid.mkv.partial").write_bytes(b"half of one that nobody makes any more")

    (lesson,) = nbrtc.recover(folder)

    assert asked == [("speaker", folder / "speaker.mkv")]
    assert [film.state for film in lesson.manifest.films] == ["complete"]
    assert "grid.mkv.partial" not in names(folder)


def test_a_film_that_somebody_makes_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = films(monkeypatch)
    folder = tmp_path / "lesson.mkv.tracks"
    found = stage(folder, ADA, BOB)
    manifest.write(folder, msgspec.structs.replace(found, films=(Film("../lesson.mkv", "pip"),)))
    partial = tmp_path / "lesson.mkv.partial"
    partial.write_bytes(b"half of it")
    with partial.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (lesson,) = nbrtc.recover(tmp_path)

    assert asked == []
    assert [film.state for film in lesson.manifest.films] == ["waiting"]
    assert partial.read_bytes() == b"half of it"


def test_a_film_that_cannot_be_made_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = 'import sys; print(\'{"error": "The disk is full."}\'); sys.exit(1)'
    monkeypatch.setattr(compose, "COMMAND", (sys.executable, "-c", said))
    crash(tmp_path / "lesson.mkv.tracks")

    with pytest.warns(UserWarning, match=r"lesson\.mkv\.tracks was not recovered: The disk is full"):
        assert nbrtc.recover(tmp_path) == []

    lesson = nbrtc.open_recording(tmp_path / "lesson.mkv.tracks")
    assert [(film.state, film.error) for film in lesson.manifest.films] == [("failed", "The disk is full.")]
    assert numbers(lesson, "Ada") == list(range(60)), "everybody's own files are whole"
