"""Reading a recording back."""

import fcntl
import gzip
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import nbrtc
from nbrtc.errors import RecordingError
from nbrtc.messages import StatsSample
from nbrtc.recordings import manifest
from nbrtc.recordings.attendance import standings
from nbrtc.recordings.manifest import Film, Moment, Said
from nbrtc.recordings.opened import OpenRecording
from tests.unit.staged_recordings import Actor, Clip, flashes, luma_of, number_in, stage

ADA = Actor("Ada", (Clip(seconds=3, flashes_ms=(1000,)),), id="you")
BOB = Actor(
    "Bob",
    (Clip(start_ms=1000, seconds=1, flashes_ms=(1500,)), Clip(start_ms=2500, seconds=0.5, first_number=100)),
    joined_ms=900,
    events=((0, "camera", "on"), (2800, "camera", "off")),
)
LEFT_OUT = Actor("Eve", acknowledged_ms=None)
SAID = Said(2000.0, "bob", "Bob", "<b>hello</b>")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings") / "lesson"
    stage(folder, ADA, BOB, LEFT_OUT, chat=(SAID,))
    return folder


@pytest.fixture
def lesson(folder: Path) -> OpenRecording:
    return nbrtc.open_recording(folder)


def test_it_knows_who_and_when(lesson: OpenRecording, folder: Path) -> None:
    assert repr(lesson) == "<nbrtc.OpenRecording lesson: 3.0 s of Ada, Eve, Bob>"
    assert lesson.started_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert lesson.duration_s == 3.0
    assert lesson.is_complete
    assert [person.name for person in lesson] == ["Ada", "Eve", "Bob"]
    assert lesson["you"] is lesson["Ada"]
    assert lesson["Bob"].files == [folder / "Bob.mkv", folder / "Bob-2.mkv"]
    assert lesson["Bob"].presence == ((0.9, None),)
    assert lesson["Eve"].files == []
    assert all(key in lesson for key in ("you", "Ada", lesson["Bob"]))
    assert "Zoe" not in lesson
    assert None not in lesson
    with pytest.raises(KeyError, match=r"Nobody is 'Zoe'; by id there are: 'you' \(Ada\)"):
        lesson["Zoe"]


def test_one_that_goes_on_is_as_long_as_it_is_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its manifest is some seconds old."""
    folder = tmp_path / "lesson"
    began_s = stage(folder, ADA, finished=False).started_at_s
    written_s = nbrtc.open_recording(folder).duration_s
    with (folder / manifest.JOURNAL).open() as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        for now_s, lasts_s in ((4.5, 4.5), (-60.0, 0.0), (3600.0, 10.0)):  # the clock may be set
            monkeypatch.setattr(time, "time", lambda now_s=now_s: began_s + written_s + now_s)
            lesson = nbrtc.open_recording(folder)
            assert not lesson.is_complete
            assert lesson.duration_s == pytest.approx(written_s + lasts_s)
            assert len(lesson["Ada"].audio()) == round((written_s + lasts_s) * 48_000)
    assert nbrtc.open_recording(folder).duration_s == written_s, "it was cut off"


def test_pictures_come_by_the_recordings_time_over_all_files(lesson: OpenRecording) -> None:
    seen = [(frame.time_s, number_in(luma_of(frame.video_frame))) for frame in lesson["Bob"].frames()]

    assert seen[0] == (1.0, 0)
    assert seen[29] == (1.967, 29)
    assert seen[30] == (2.5, 100)
    assert len(seen) == 45


def test_a_span_is_read_alone(lesson: OpenRecording) -> None:
    span = [number_in(luma_of(frame.video_frame)) for frame in lesson["Ada"].frames(1.0, 1.1)]
    sparse = list(lesson["Ada"].frames(every_s=1.0, size=(32, 18)))

    assert span == [30, 31, 32]
    assert [frame.time_s for frame in sparse] == [0.0, 1.0, 2.0]
    assert np.asarray(sparse[0]).shape == (18, 32, 3)
    assert (sparse[0].width, sparse[0].height) == (32, 18)
    assert sparse[0].to_ndarray("gray").shape == (18, 32)
    assert sparse[0].to_image().size == (32, 18)


def test_the_picture_of_a_moment_is_there_only_while_a_camera_is(lesson: OpenRecording) -> None:
    bob = lesson["Bob"]
    lit, dark = bob.frame(1.55), bob.frame(1.2)

    assert lit is not None
    assert dark is not None
    assert lit.shape == (180, 320, 3)
    assert flashes(lit[..., 1])
    assert not flashes(dark[..., 1])
    assert bob.frame(2.2) is not None, "the last picture stands for a while"
    assert bob.frame(0.5) is None, "nobody is there yet"
    assert bob.frame(2.9) is None, "the camera is off"
    assert lesson["Eve"].frame(1.0) is None


def test_a_source_takes_the_place_of_a_camera_that_is_off() -> None:
    events = (
        Moment(0, "you", "camera", "off"),
        Moment(1000, "you", "source", "slides"),
        Moment(2000, "you", "source", "none"),
    )

    assert standings(events, {"you"}) == [(0.0, False), (1.0, True), (2.0, False)]


def test_behind_the_end_there_is_no_sound(lesson: OpenRecording) -> None:
    assert lesson["Bob"].audio(from_s=10).shape == (0, 2)
    assert lesson.audio(from_s=10).shape == (0, 2)


def test_sound_is_at_its_time_with_silence_around_it(lesson: OpenRecording) -> None:
    heard = lesson["Bob"].audio()

    assert heard.shape == (144_000, 2)
    assert heard.dtype == np.float32
    assert not heard[:48_000].any()
    assert not heard[96_500:119_000].any(), "between his two files"
    loud = np.flatnonzero(np.abs(heard[:, 0]) > 0.2) / 48_000
    assert loud[0] == pytest.approx(1.5, abs=0.02)
    assert loud[-1] == pytest.approx(1.6, abs=0.02)
    assert not lesson["Eve"].audio().any()


def test_a_span_of_sound_is_the_same_as_in_the_whole(lesson: OpenRecording) -> None:
    whole, part = lesson["Ada"].audio(), lesson["Ada"].audio(0.9, 1.2)

    assert part.shape == (14_400, 2)
    assert np.abs(part - whole[43_200:57_600]).max() < 0.02


def test_sound_of_another_rate_is_as_long(lesson: OpenRecording) -> None:
    heard = lesson["Ada"].audio(0.5, 2.0, rate=16_000)

    assert heard.shape == (24_000, 2)
    loud = np.flatnonzero(np.abs(heard[:, 0]) > 0.2) / 16_000
    assert 0.5 + loud[0] == pytest.approx(1.0, abs=0.02)


def test_the_sound_of_all_is_added_up(lesson: OpenRecording) -> None:
    together = lesson.audio()

    assert together.shape == (144_000, 2)
    assert np.abs(together).max() <= 1.0
    assert np.allclose(together, lesson["Ada"].audio() + lesson["Bob"].audio(), atol=1e-6)


@pytest.mark.parametrize(
    "ask",
    [
        lambda bob: bob.frames(-1.0),
        lambda bob: bob.frames(2.0, 1.0),
        lambda bob: bob.frames(every_s=0),
        lambda bob: bob.frames(size=(0, 18)),
        lambda bob: bob.frames(size=18),
        lambda bob: bob.frame(float("nan")),
        lambda bob: bob.audio(rate=7),
        lambda bob: bob.audio(-1.0),
    ],
)
def test_times_that_make_no_sense_are_refused(lesson: OpenRecording, ask: object) -> None:
    assert callable(ask)
    with pytest.raises(ValueError, match=r"0 s|before|above 0|pixels|samples a second"):
        ask(lesson["Bob"])


@pytest.mark.parametrize("time_s", ["1", None, [1.0]])
def test_what_is_no_time_is_refused(lesson: OpenRecording, time_s: Any) -> None:
    for ask in (lesson["Bob"].frame, lesson["Bob"].frames, lesson["Bob"].audio, lesson.audio):
        with pytest.raises(TypeError, match="A time is a number of seconds since the recording began, not"):
            ask(time_s)


def test_events_and_chat_are_tables_by_name(lesson: OpenRecording) -> None:
    events, chat = lesson.to_frame(), lesson.chat()

    assert list(events.columns) == ["time_s", "participant", "id", "name", "value"]
    assert str(events.index.dtype).endswith("UTC]")
    (off,) = events[
        (events.participant == "Bob") & (events.value == "off") & (events.name == "camera")
    ].time_s
    assert off == 2.8
    assert list(chat.columns) == ["time_s", "participant", "id", "text"]
    assert chat.iloc[0].tolist() == [2.0, "Bob", "bob", "<b>hello</b>"]
    assert chat.index[0].isoformat() == "2023-11-14T22:13:22+00:00"


def test_statistics_are_a_calls(tmp_path: Path) -> None:
    found = stage(tmp_path / "a", Actor("Ada", (Clip(seconds=0.2),), id="you"))
    samples = [
        StatsSample(found.started_at_s + index, "python", 1, ({"id": "T", "type": "transport"},))
        for index in range(3)
    ]
    lines = [gzip.compress(msgspec.json.encode(sample) + b"\n") for sample in samples]
    (tmp_path / "a" / manifest.STATISTICS).write_bytes(b"".join(lines)[:-5])  # cut off in the last one

    stats = nbrtc.open_recording(tmp_path / "a").stats

    assert [sample.time_s for sample in stats.raw()][:2] == [sample.time_s for sample in samples][:2]
    assert "camera" in stats.events("you").name.tolist()
    assert stats.info["format"] == "nbrtc"


def test_without_statistics_there_are_none(tmp_path: Path) -> None:
    stage(tmp_path / "a", Actor("Ada", (Clip(seconds=0.2),), id="you"))
    (tmp_path / "a" / manifest.STATISTICS).unlink()

    assert nbrtc.open_recording(tmp_path / "a").stats.raw() == []


def test_it_is_found_by_folder_manifest_and_its_one_file(tmp_path: Path) -> None:
    tracks = tmp_path / "lesson.mkv.tracks"
    stage(tracks, Actor("Ada", (Clip(seconds=0.2),), id="you"))
    (tmp_path / "lesson.mkv").hardlink_to(tracks / "Ada.mkv")

    for path in (tracks, tracks / "manifest.json", tmp_path / "lesson.mkv", str(tmp_path / "lesson.mkv")):
        assert [person.id for person in nbrtc.open_recording(path)] == ["you"]


def test_a_file_by_itself_is_one_person(folder: Path, tmp_path: Path) -> None:
    lone = tmp_path / "holiday.mkv"
    lone.hardlink_to(folder / "Ada.mkv")

    film = nbrtc.open_recording(lone)

    assert (len(film), film["film"].name, film.duration_s) == (1, "holiday", 3.0)
    assert len(list(film["holiday"].frames(0.5, 1.0))) == 15
    assert film.audio(0.0, 1.0).shape == (48_000, 2)
    assert film.to_frame().empty
    assert film.stats.raw() == []
    html = film._repr_html_()
    assert "<figcaption>holiday.mkv: 3.0 s</figcaption>" in html, "when it began is not known"
    assert "<table" not in html


def test_a_film_in_the_folder_has_the_events_of_its_recording(tmp_path: Path) -> None:
    folder = tmp_path / "lesson"
    found = stage(folder, Actor("Ada", (Clip(seconds=0.2),), id="you"), chat=(SAID,))
    (folder / "grid.mkv").hardlink_to(folder / "Ada.mkv")
    manifest.write(folder, msgspec.structs.replace(found, films=(Film("grid.mkv", "grid", "complete"),)))

    film = nbrtc.open_recording(folder / "grid.mkv")

    assert [person.id for person in film] == ["film"]
    assert film.chat().text.tolist() == ["<b>hello</b>"]
    assert nbrtc.open_recording(folder).films == [folder / "grid.mkv"]


def test_who_came_back_is_one_person_and_two_of_one_name_are_two(tmp_path: Path) -> None:
    stage(
        tmp_path / "a",
        Actor("Bob", (Clip(seconds=0.2),), id="b1", left_ms=500),
        Actor("Bob", (Clip(start_ms=800, seconds=0.2),), id="b2", joined_ms=700),
        Actor("Eve", id="e1"),
        Actor("Eve", id="e2"),
    )

    found = nbrtc.open_recording(tmp_path / "a")

    assert [(person.name, person.ids) for person in found] == [
        ("Bob", ("b1", "b2")),
        ("Eve", ("e1",)),
        ("Eve", ("e2",)),
    ]
    assert found["b2"] is found["Bob"]
    assert found["Bob"].presence == ((0.0, 0.5), (0.7, None))
    with pytest.raises(KeyError, match="2 people are called 'Eve'"):
        found["Eve"]


def test_one_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    stage(tmp_path / "a", Actor("Ada", (Clip(seconds=0.5),), id="you"), chat=(SAID,), finished=False)

    found = nbrtc.open_recording(tmp_path / "a")

    assert not found.is_complete
    assert "cut off: nbrtc.recover()" in repr(found)
    assert len(list(found["Ada"].frames())) == 15
    assert found.chat().text.tolist() == ["<b>hello</b>"]


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"has no manifest\.json: it is no recording of nbrtc$"):
        nbrtc.open_recording(tmp_path)
    (tmp_path / "Ada.mkv.partial").touch()
    with pytest.raises(RecordingError, match=r"cut off, nbrtc\.recover"):
        nbrtc.open_recording(tmp_path)
    with pytest.raises(RecordingError, match="is no recording of nbrtc"):
        nbrtc.open_recording(tmp_path / "nothing")
    (tmp_path / "text.mkv").write_text("text")
    with pytest.raises(RecordingError, match="cannot be read"):
        nbrtc.open_recording(tmp_path / "text.mkv")


def test_it_shows_a_player_for_each_and_a_table(lesson: OpenRecording) -> None:
    html = lesson._repr_html_()

    assert html.count("<video controls") == 3
    assert "<figcaption>Bob, file 2</figcaption>" in html
    assert "<td>Eve</td><td>0.0 s to the end</td><td>left out</td>" in html


def test_names_are_escaped(tmp_path: Path) -> None:
    found = stage(tmp_path / "a", Actor("Ada", (Clip(seconds=0.2),), id="you"))
    (person,) = found.people
    hostile = msgspec.structs.replace(person, name="<script>")
    manifest.write(tmp_path / "a", msgspec.structs.replace(found, people=(hostile,)))

    assert "<script>" not in nbrtc.open_recording(tmp_path / "a")._repr_html_()
