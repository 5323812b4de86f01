"""Recordings that somebody made up or damaged: a sentence, never a hang, nothing outside of the folder."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import nbrtc
from nbrtc.errors import RecordingError
from nbrtc.recordings import manifest, vetting
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.journal import read_journal
from nbrtc.recordings.manifest import Film, Manifest, Moment, Person, Piece, film_file, film_path
from nbrtc.recordings.mkv import MatroskaWriter, Track
from nbrtc.recordings.probe import probe
from tests.unit.staged_recordings import OPUS_HEAD, Actor, Clip, stage

ADA = Actor("Ada", (Clip(seconds=0.5),), id="you")
HOME = Path("/home/ada")


def of(*files: str, **fields: Any) -> Manifest:
    """A manifest that names these files."""
    people = (Person("you", "Ada", 0.0, pieces=tuple(Piece(file, 0.0) for file in files)),)
    found = Manifest(id="r", started_at_s=0.0, people=people, state="complete")
    return msgspec.structs.replace(found, **fields)


def put(folder: Path, content: bytes | Manifest) -> Path:
    """A folder with this manifest, whatever it says."""
    folder.mkdir(exist_ok=True)
    data = content if isinstance(content, bytes) else msgspec.json.encode(content)
    (folder / manifest.NAME).write_bytes(data)
    return folder


def tree(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder, links by where they lead."""
    return {
        str(path.relative_to(folder)): str(path.readlink()) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


BAD_FILES = [
    "../Ada.mkv",
    "/etc/passwd.mkv",
    "a/b.mkv",
    "a\\b.mkv",
    "..",
    "",
    ".mkv",
    "manifest.json",
    "Ada",
    "Ada\0.mkv",
    "Ada\n.mkv",
    "gnp.\u202emkv.mkv",
    f"{'a' * 300}.mkv",
]


@pytest.mark.parametrize("file", BAD_FILES)
def test_a_piece_lies_in_the_folder_or_nowhere(tmp_path: Path, file: str) -> None:
    folder = put(tmp_path / "lesson", of(file))
    for act in (nbrtc.open_recording, nbrtc.compose):
        with pytest.raises(RecordingError, match="not a recorder's file of its folder"):
            act(folder)


@pytest.mark.parametrize("path", ["/etc/passwd.mkv", "../../a.mkv", "../a/b.mkv", "../..", "../.mkv", "../a"])
def test_a_film_lies_in_the_folder_or_beside_it(tmp_path: Path, path: str) -> None:
    folder = put(tmp_path / "lesson", of("Ada.mkv", films=(Film(path, "pip", "complete"),)))
    with pytest.raises(RecordingError, match="neither in its folder nor beside it"):
        nbrtc.open_recording(folder)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"null", "cannot be read"),
        (b'"\xff"', "cannot be read"),
        (b'{"id":"r","started_at_s":0,"more":' + b"[" * 100_000, "cannot be read"),
        (b'{"id":"r","started_at_s":1e999}', "cannot be read"),
        (b'{"id":"r","started_at_s":0,"version":2}', "newer nbrtc"),
        (of(started_at_s=-1.0), "began at"),
        (of(started_at_s=1e18), "began at"),
        (of(duration_ms=1e300), "has the time 1e"),
        (of(duration_ms=-1e9), "has the time -1e"),
        (of(events=(Moment(1e15, "you", "camera"),)), "has the time"),
        (of(people=(Person("you", "Ada", 0.0, 1e15),)), "has the time"),
        (of("Ada.mkv", "Ada.mkv"), "the same file twice"),
        (of(films=(Film("pip.mkv", "pip"),) * 2), "the same file twice"),
        (of(*(f"{number}.mkv" for number in range(vetting.MAX_PIECES + 1))), "2001 files"),
        (of(people=(Person("b", "Bob", 0.0),) * (vetting.MAX_PEOPLE + 1)), "5001 people"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(
    tmp_path: Path, content: bytes | Manifest, why: str
) -> None:
    folder = put(tmp_path / "lesson", content)
    for act in (nbrtc.open_recording, nbrtc.compose):
        with pytest.raises(RecordingError, match=why):
            act(folder)


def test_a_manifest_without_end_is_not_read(tmp_path: Path) -> None:
    folder = put(tmp_path / "lesson", b"{")
    os.truncate(folder / manifest.NAME, 1 << 40)
    with pytest.raises(RecordingError, match="larger than 64 MiB"):
        nbrtc.open_recording(folder)


def test_recover_puts_a_false_manifest_aside_and_goes_by_the_files(tmp_path: Path) -> None:
    stage(tmp_path / "lesson", ADA, finished=False)
    put(tmp_path / "lesson", of("../../Ada.mkv", state="recording", duration_ms=1e300))

    (lesson,) = nbrtc.recover(tmp_path / "lesson")

    assert (tmp_path / "lesson" / "manifest.json.damaged").is_file()
    assert lesson.duration_s == pytest.approx(0.5, abs=0.05)
    assert [path.name for path in lesson["Ada"].files] == ["Ada.mkv"]


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "name", ["manifest.json", "manifest.json.partial", "events.jsonl", "Ada.mkv.partial"]
)
def test_a_pipe_in_the_folder_holds_nobody_up(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "lesson"
    stage(folder, ADA, finished=False)
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    for act in (nbrtc.recover, nbrtc.open_recording, nbrtc.compose):
        outcome(act, folder)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("name", ["Ada.mkv", "statistics.jsonl.gz"])
def test_a_pipe_instead_of_a_file_is_not_waited_for(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "lesson"
    stage(folder, ADA)
    (folder / name).unlink()
    os.mkfifo(folder / name)
    lesson = nbrtc.open_recording(folder)
    reads: list[Callable[[], object]] = [lambda: list(lesson["Ada"].frames()), lesson.audio]
    if name == "statistics.jsonl.gz":
        reads = [lambda: lesson.stats]
    for read in reads:
        with pytest.raises((RecordingError, OSError), match="not a regular file"):
            read()
    assert "cannot be shown" in lesson._repr_html_() or name != "Ada.mkv"


def outcome(act: Callable[[Path], object], folder: Path) -> None:
    """Whatever comes of it: only an error that is a sentence."""
    said = str(folder)
    try:
        act(folder)
    except RecordingError as error:
        said = str(error)
    assert str(folder) in said


@pytest.mark.parametrize(
    "name",
    ["manifest.json", "manifest.json.partial", "events.jsonl", "Ada.mkv", "Ada.mkv.partial", "pip.mkv"],
)
def test_a_link_in_the_folder_leads_nowhere(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "lesson"
    stage(folder, ADA, finished=False)
    stage(tmp_path / "private", Actor("Bob", (Clip(seconds=0.5),)))
    secret = tmp_path / "private" / "Bob.mkv"
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    before = tree(tmp_path / "private")
    for act in (nbrtc.recover, nbrtc.open_recording, nbrtc.compose):
        outcome(act, folder)
    assert tree(tmp_path / "private") == before
    for path in folder.iterdir():
        assert path.is_symlink() or path.suffix != ".mkv" or not path.samefile(secret)


def test_a_links_content_is_neither_read_nor_shown(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    stage(folder, ADA)
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    (folder / "Ada.mkv").unlink()
    (folder / "Ada.mkv").symlink_to(secret)

    lesson = nbrtc.open_recording(folder)

    shown = lesson._repr_html_()
    assert "data:" not in shown
    assert "a symbolic link is not followed" in shown
    with pytest.raises(RecordingError, match="a symbolic link is not followed"):
        list(lesson["Ada"].frames())


@pytest.mark.parametrize("has_links", [True, False])
def test_a_links_content_does_not_become_the_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    folder = tmp_path / "lesson.mkv.tracks"
    found = stage(folder, ADA)
    manifest.write(folder, msgspec.structs.replace(found, films=(Film("../lesson.mkv", "separate"),)))
    (folder / "Ada.mkv").rename(tmp_path / "secret")
    (folder / "Ada.mkv").symlink_to(tmp_path / "secret")
    if not has_links:
        monkeypatch.setattr("os.link", refuse)
    with pytest.raises(RecordingError, match="is a link"):
        nbrtc.recover(folder)
    assert not (tmp_path / "lesson.mkv").is_symlink()
    assert not (tmp_path / "lesson.mkv").exists()


def refuse(*_: object, **__: object) -> None:
    raise PermissionError("no links here")


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    stage(tmp_path / "disk", ADA, finished=False)
    (tmp_path / "lesson").symlink_to(tmp_path / "disk")
    (lesson,) = nbrtc.recover(tmp_path / "lesson")
    assert lesson.manifest.state == "recovered"
    assert (tmp_path / "disk" / "Ada.mkv").is_file()


def test_recover_makes_no_film_of_another_name_beside_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "lesson.mkv.tracks"
    found = stage(folder, ADA)
    put(folder, msgspec.structs.replace(found, films=(Film("../other.mkv", "pip"),)))
    others = tmp_path / "other.mkv.partial"
    others.write_bytes(b"the rest of another recording")

    with pytest.raises(RecordingError, match="is not called after it"):
        nbrtc.recover(folder)

    assert others.read_bytes() == b"the rest of another recording"
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name, others.name]
    (lesson,) = nbrtc.recover(folder)
    assert [film.state for film in lesson.manifest.films] == ["failed"]


def test_what_is_moved_together_stays_together(tmp_path: Path) -> None:
    folder = tmp_path / "here" / "lesson.mkv.tracks"
    folder.parent.mkdir()
    stage(folder, ADA, finished=False)
    nbrtc.recover(folder)
    (tmp_path / "here").rename(tmp_path / "there")

    lesson = nbrtc.open_recording(tmp_path / "there" / "lesson.mkv")

    assert lesson.films == [tmp_path / "there" / "lesson.mkv"]
    assert lesson.films[0].is_file()


def test_a_films_path_is_said_from_its_folder() -> None:
    folder = HOME / "lesson.mkv.tracks"
    for file, path in (
        (folder / "pip.mkv", "pip.mkv"),
        (HOME / "lesson.mkv", "../lesson.mkv"),
        (folder / ".." / "lesson.mkv", "../lesson.mkv"),
        (HOME / "elsewhere" / "lesson.mkv", None),
    ):
        assert film_path(folder, file) == path
        if path is not None:
            assert film_file(folder, Film(path, "pip")) == Path(os.path.normpath(file))


def test_times_that_cannot_be_are_no_part_of_a_journal(tmp_path: Path) -> None:
    lines = [Moment(1e300, "you", "camera"), Moment(-1e300, "you", "camera"), Moment(5.0, "you", "camera")]
    path = tmp_path / manifest.JOURNAL
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    moments, _ = read_journal(path)
    assert [moment.time_ms for moment in moments] == [5.0]


def test_a_file_that_was_copied_much_later_does_not_make_the_recording_longer(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    whole = stage(folder, ADA, finished=False)
    # the manifest was written before Ada's file began, and the file's time is that of a copy
    manifest.write(folder, msgspec.structs.replace(whole, people=()))
    os.utime(folder / "Ada.mkv.partial", (1_750_000_000, 1_750_000_000))
    (lesson,) = nbrtc.recover(folder)
    assert lesson.duration_s < 5


@pytest.mark.parametrize("path", ["a" * 5000, "a\0b", "", "no/such/folder/at/all"])
def test_a_path_that_makes_no_sense_is_an_error_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for act in (nbrtc.open_recording, nbrtc.compose):
        with pytest.raises(RecordingError):
            act(path)
    if path:
        with pytest.raises(RecordingError):
            nbrtc.recover(path)


@pytest.mark.parametrize("to", ["a" * 300 + ".mkv", "a\0.mkv", "nowhere/a.mkv", "manifest.json"])
def test_a_film_that_can_have_no_such_name_is_refused(tmp_path: Path, to: str) -> None:
    stage(tmp_path / "lesson", ADA)
    with pytest.raises(RecordingError):
        nbrtc.compose(tmp_path / "lesson", "grid", tmp_path / to)
    assert [path.name for path in tmp_path.iterdir()] == ["lesson"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_folder_that_cannot_be_written_to_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    stage(tmp_path / "lesson", ADA, finished=False)
    bind = ["mount", "--bind", str(tmp_path / "lesson"), str(tmp_path / "lesson")]
    if subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(tmp_path / "lesson")], check=True)
        before = tree(tmp_path)
        with pytest.raises(RecordingError, match="Read-only file system"):
            nbrtc.recover(tmp_path / "lesson")
        assert tree(tmp_path) == before
    finally:
        subprocess.run(["umount", str(tmp_path / "lesson")], check=True)


def test_a_file_that_claims_to_last_for_ever_is_no_recording(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "Ada.mkv")
    writer = MatroskaWriter(file)
    writer.set_track(Track("audio", "A_OPUS", OPUS_HEAD))
    for time_ms in (0, 10**13):
        writer.write("audio", time_ms, b"\xfc", keyframe=True, duration_ms=20)
    writer.finish()
    path = file.publish()
    for count in (True, False):
        with pytest.raises(RecordingError, match="it is no recording"):
            probe(path, count=count)
