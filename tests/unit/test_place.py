"""Where a recording goes."""

from pathlib import Path

import pytest

from nbrtc.engine import place as module
from nbrtc.engine.place import FileNames, choose, dated, within
from nbrtc.errors import RecordingError


def test_a_name_without_suffix_is_a_folder_and_one_with_it_has_its_tracks_beside(tmp_path: Path) -> None:
    folder = choose(tmp_path, "lesson", None)
    assert (folder.asked, folder.folder, folder.file) == (tmp_path / "lesson", tmp_path / "lesson", None)
    file = choose(tmp_path, "lesson.mkv", "pip")
    assert (file.file, file.folder) == (tmp_path / "lesson.mkv", tmp_path / "lesson.mkv.tracks")
    assert file.layout == "pip"
    assert list(tmp_path.iterdir()) == [], "looking makes nothing"
    file.make()
    assert (tmp_path / "lesson.mkv.tracks").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "is no name"),
        ("..", "is no name"),
        ("a\0b.mkv", "is no name"),
        ("lesson.avi", r"'\.avi' of 'lesson\.avi' is no container"),
        ("nowhere/lesson.mkv", "nowhere' does not exist"),
        (f"{'a' * 300}/lesson.mkv", "cannot be used"),
        ("a\nb.mkv", "no line ends|controls"),
        ("a\\b.mkv", "no backslashes"),
        ("\u202egpj.mkv", "controls"),
        (f"{'ж' * 121}.mkv", "at most 240 bytes"),
        ("other.mp4", r"other\.mkv' exists, and a recording that cannot be an \.mp4"),
        ("taken.mkv", "exists and is not overwritten"),
        ("planted", "exists and is not overwritten"),
        ("tracked.mkv", r"tracked\.mkv\.tracks' exists"),
        ("cut.mkv", r"cut\.mkv\.partial' exists"),
    ],
)
def test_a_path_that_cannot_be_used_is_refused_in_words(tmp_path: Path, path: str, problem: str) -> None:
    (tmp_path / "taken.mkv").touch()
    (tmp_path / "other.mkv").touch()
    (tmp_path / "planted").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "tracked.mkv.tracks").mkdir()
    (tmp_path / "cut.mkv.partial").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(RecordingError, match=problem):
        choose(tmp_path, path, None)
    assert sorted(tmp_path.iterdir()) == before


def test_a_link_that_is_planted_in_between_is_not_followed(tmp_path: Path) -> None:
    place = choose(tmp_path, "lesson", None)
    (tmp_path / "lesson").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RecordingError, match="exists"):
        place.make()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("path", ["/etc/x.mkv", "../x.mkv", "a/../../x"])
def test_a_page_cannot_record_outside_of_the_notebooks_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(RecordingError, match="outside of the notebook's folder"):
        within(tmp_path, path)
    assert within(tmp_path, "a/x.mkv") == "a/x.mkv"


def test_dated_names_of_the_same_second_differ(tmp_path: Path) -> None:
    first = choose(tmp_path, dated(tmp_path, ".mkv"), None)
    first.make()
    second = choose(tmp_path, dated(tmp_path, ".mkv"), None)
    assert first.asked.parent == tmp_path / "recordings"
    assert first.folder != second.folder
    assert choose(tmp_path, dated(tmp_path, ""), None).file is None


def test_files_are_named_after_people_and_nobodys_name_is_taken_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FILES", 6)
    names = FileNames(choose(tmp_path, "Lesson.mkv", None))
    people = ["Bob", "bob", "../../Bob", "lesson", "Grid", ""]
    assert [names.next(person).name for person in people] == [
        "Bob.mkv",
        "bob-2.mkv",
        "Bob-3.mkv",
        "lesson-2.mkv",
        "Grid-2.mkv",
        "participant.mkv",
    ]
    with pytest.raises(RecordingError, match="has 6 files already"):
        names.next("Bob")
