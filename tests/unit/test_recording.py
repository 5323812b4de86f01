"""A recording as the kernel sees it."""

import base64
import fcntl
import re
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordedFile, RecordedPerson, RecordingStatus
from nbrtc.recording import Recording
from nbrtc.recordings import manifest, player
from nbrtc.recordings.live_output import LiveOutput
from nbrtc.recordings.manifest import Film, Manifest, Person, Piece

PEOPLE = (RecordedPerson("you", "Ada", "recorded"), RecordedPerson("b0b", "Bob", "left-out"))


class Tape:
    """The engine's end: stops a recording, and counts how often."""

    def __init__(self, path: Path) -> None:
        self.folder = path.with_name(path.name + ".tracks") if path.suffix else path
        self.status = RecordingStatus(
            id="1", path=str(path), state="recording", started_at_s=0, folder=str(self.folder)
        )
        self.stops: list[str] = []
        self.failure: Exception | None = None

    def stop(self, identity: str) -> RecordingStatus:
        self.stops.append(identity)
        if self.failure is not None:
            raise self.failure
        path = Path(self.status.path)
        path.write_bytes(b"media")
        files = (RecordedFile(path.name, str(path), 5),)
        return self.now(state="stopped", duration_s=2.0, size_bytes=5, files=files)

    def now(self, **fields: Any) -> RecordingStatus:
        return msgspec.structs.replace(self.status, **fields)

    def leave(self, state: Any, *films: Film, error: str = "") -> None:
        """What the engine leaves on the disk."""
        self.folder.mkdir(exist_ok=True)
        piece = Piece("Ada.mkv", 0.0, 3000.0, 7, "VP8", "opus", state="complete")
        people = (Person("you", "Ada", 0.0, pieces=(piece,)), Person("b0b", "Bob", 0.0))
        found = Manifest("1", 0.0, state=state, error=error, duration_ms=3000.0, people=people, films=films)
        manifest.write(self.folder, found)


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path / "first.mkv")


@pytest.fixture
def recording(tape: Tape) -> Recording:
    return Recording(tape.status, tape.stop)


def test_it_follows_the_engine_and_stops_once(recording: Recording, tape: Tape) -> None:
    recording.update(tape.now(duration_s=1.0, size_bytes=1_500_000, people=PEOPLE, note="Little space."))
    recording.update(tape.now(id="another", duration_s=9.0))
    assert repr(recording) == "<nbrtc.Recording first.mkv: recording, 1.0 s, 1.5 MB>"
    assert [(person.name, person.state) for person in recording.people] == [
        ("Ada", "recorded"),
        ("Bob", "left-out"),
    ]
    html = recording._repr_html_()
    assert "1.0 s, 1.5 MB so far" in html
    assert "left out: the red badge is not seen there" in html
    assert "Little space." in html

    assert recording.stop() is recording
    assert recording.stop() is recording

    assert tape.stops == ["1"]
    recording.update(tape.now(duration_s=1.0))  # a late word of the engine changes nothing
    assert (recording.state, recording.duration_s, recording.size_bytes) == ("stopped", 2.0, 5)
    assert recording.is_over


def test_a_with_block_stops_it(recording: Recording, tape: Tape) -> None:
    with recording as inside:
        assert inside is recording

    assert recording.state == "stopped"


def test_an_error_in_the_block_stops_it_and_keeps_the_file(recording: Recording, tape: Tape) -> None:
    with pytest.raises(ZeroDivisionError), recording:
        1 / 0  # noqa: B018  raising is what is tried

    assert recording.state == "stopped"
    assert recording.path.read_bytes() == b"media"


def test_the_blocks_own_error_is_the_one_to_see(recording: Recording, tape: Tape) -> None:
    tape.failure = RecordingError("The engine went.")

    with pytest.raises(ZeroDivisionError) as error, recording:
        1 / 0  # noqa: B018  raising is what is tried

    assert error.value.__notes__ == ["The engine went."]


def test_one_stopped_by_the_button_needs_no_stop(recording: Recording, tape: Tape) -> None:
    with recording:
        recording.update(tape.now(state="stopped", duration_s=3.0))

    assert tape.stops == []
    assert recording.duration_s == 3.0


def test_one_that_failed_says_so_at_the_end_of_the_block(recording: Recording, tape: Tape) -> None:
    with pytest.raises(RecordingError, match="The disk is full"), recording:
        recording.update(tape.now(state="failed", error="The disk is full."))

    assert recording.state == "failed"
    assert repr(recording).endswith("; The disk is full.>")


# --- the one file is made while the cell goes on


def test_stopping_does_not_wait_for_the_film_and_waiting_does(tape: Tape) -> None:
    recording = Recording(tape.status, lambda _: tape.now(state="composing", composed_fraction=0.25))

    assert recording.stop().state == "composing"
    assert repr(recording) == "<nbrtc.Recording first.mkv: composing 25 %, 0.0 s, 0 kB>"
    assert 'value="0.250"' in recording._repr_html_()
    with pytest.raises(
        TimeoutError, match=r"After 0\.01 s the recording into .*first\.mkv is still composing"
    ):
        recording.wait(0.01)

    done = threading.Timer(0.05, recording.update, [tape.now(state="stopped", duration_s=2.0)])
    done.start()
    assert recording.wait(20).state == "stopped"
    done.join()
    recording.update(tape.now(state="composing", composed_fraction=0.9))
    assert recording.state == "stopped", "a late word changes nothing"


def test_waiting_for_a_film_that_fails_says_why(recording: Recording, tape: Tape) -> None:
    recording.update(tape.now(state="composing"))
    recording.update(tape.now(state="failed", error="The disk is full."))

    with pytest.raises(RecordingError, match="The disk is full"):
        recording.wait(20)


def test_it_is_called_what_it_became(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "first.mp4")
    recording = Recording(tape.status, tape.stop)
    made = RecordedFile("first.mkv", str(tmp_path / "first.mkv"), 5)
    own = RecordedFile("Ada.mkv", str(tape.folder / "Ada.mkv"), 5, "you")

    assert recording.path == tmp_path / "first.mp4"
    recording.update(tape.now(state="stopped", files=(made, own), note="The recording is first.mkv."))

    assert recording.path == tmp_path / "first.mkv"
    assert recording.files == [tmp_path / "first.mkv", tape.folder / "Ada.mkv"]
    assert recording.note == "The recording is first.mkv."


def test_files_that_grow_are_told_while_it_records(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "lesson")
    recording = Recording(tape.status, tape.stop)
    tape.folder.mkdir()
    for name in ("Ada.mkv.partial", "Bob.mkv", "events.jsonl", "manifest.json"):
        (tape.folder / name).touch()

    assert [path.name for path in recording.files] == ["Ada.mkv.partial", "Bob.mkv"]


# --- nobody tells any more


def test_one_whose_engine_went_says_where_the_rest_is(tape: Tape) -> None:
    recording = Recording(tape.status, tape.stop, lambda: False)
    tape.leave("recording")

    recording.lose("The engine was killed.")

    assert recording.state == "failed"
    with pytest.raises(
        RecordingError, match=r"The engine was killed\. .* nbrtc\.recover\('.*first\.mkv\.tracks'\)"
    ):
        recording.stop()
    assert tape.stops == []
    assert recording.manifest.state == "recording"


def test_one_whose_engine_went_without_a_trace_says_so(tape: Tape) -> None:
    recording = Recording(tape.status, tape.stop, lambda: False)

    recording.lose("The engine was killed.")

    assert recording.state == "failed"
    assert "cannot be read" in (recording.error or "")


def test_losing_the_engine_afterwards_means_nothing(recording: Recording) -> None:
    recording.stop()

    recording.lose("The engine was killed.")

    assert (recording.state, recording.error) == ("stopped", None)


def test_after_the_call_its_folder_tells_what_becomes_of_it(tape: Tape, tmp_path: Path) -> None:
    engine = {"is there": True}
    time_s = iter(range(100))
    recording = Recording(tape.status, tape.stop, lambda: engine["is there"], lambda: float(next(time_s)))
    tape.leave("recording")
    (tape.folder / manifest.JOURNAL).touch()
    with (tape.folder / manifest.JOURNAL).open() as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        recording.part("The call was closed.")
        assert recording.state == "recording", "its journal is held"

    film = Film("../first.mkv", "pip")
    tape.leave("complete", film)
    assert recording.stop().state == "composing"
    assert (recording.duration_s, recording.size_bytes) == (3.0, 7)
    assert [(person.name, person.state) for person in recording.people] == [
        ("Ada", "recorded"),
        ("Bob", "left-out"),
    ]

    (tmp_path / "first.mkv").write_bytes(b"film")
    tape.leave("complete", msgspec.structs.replace(film, state="complete"))
    assert recording.wait(20).state == "stopped"
    assert recording.files == [tmp_path / "first.mkv", tape.folder / "Ada.mkv"]
    assert tape.stops == []


def test_a_call_that_is_closed_at_once_waits_for_the_first_word_of_its_recording(tape: Tape) -> None:
    time_s = iter(range(100))
    recording = Recording(tape.status, tape.stop, lambda: True, lambda: float(next(time_s)))
    tape.folder.mkdir(exist_ok=True)
    with (tape.folder / manifest.JOURNAL).open("w") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        recording.part("The call was closed.")
        assert not (tape.folder / manifest.NAME).exists()
        assert (recording.state, recording.error) == ("recording", None)
        tape.leave("complete")
    assert recording.stop().state == "stopped"
    assert recording.files == [tape.folder / "Ada.mkv"]


@pytest.mark.parametrize(
    ("film", "error"),
    [
        (Film("../first.mkv", "pip"), r"The call was closed\. .* nbrtc\.recover"),
        (
            Film("../first.mkv", "pip", "failed", "The disk is full."),
            r"The disk is full\. The separate files",
        ),
    ],
)
def test_a_film_that_nobody_makes_any_more_failed(tape: Tape, film: Film, error: str) -> None:
    recording = Recording(tape.status, tape.stop, lambda: False)
    tape.leave("complete", film)

    recording.part("The call was closed.")

    with pytest.raises(RecordingError, match=error):
        recording.wait(20)
    assert recording.files == [tape.folder / "Ada.mkv"]


def test_where_the_files_are_is_said_once(tape: Tape) -> None:
    recording = Recording(tape.status, tape.stop, lambda: False)
    said = f"The disk is full. The separate files are complete in {tape.folder}."
    tape.leave("complete", Film("../first.mkv", "pip", "failed", said))

    recording.part("The call was closed.")

    assert recording.error == said


# --- in a cell


class Cell(LiveOutput):
    """Keeps what a notebook would show."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    @property
    def is_shown(self) -> bool:
        return True

    def update(self, html: str, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def time_s() -> list[float]:
    return [100.0]


def test_its_cell_changes_once_a_second_and_with_its_state(tape: Tape, time_s: list[float]) -> None:
    recording = Recording(tape.status, tape.stop, clock=lambda: time_s[0])
    cell = recording._output = Cell()

    for step_s in (0.0, 0.4, 0.8, 1.2):
        time_s[0] = 100 + step_s
        recording.update(tape.now(duration_s=step_s))
    recording.update(tape.now(state="composing"))
    recording.update(tape.now(state="composing", composed_fraction=0.5))
    recording.update(tape.now(state="stopped"))

    assert [text.partition(":")[2].split(",")[0].strip() for text in cell.shown] == [
        "recording",
        "recording",
        "composing 0 %",
        "stopped",
    ]


def test_a_cell_that_cannot_be_reached_disturbs_nothing(
    recording: Recording, tape: Tape, caplog: pytest.LogCaptureFixture
) -> None:
    class Closed(Cell):
        def update(self, html: str, text: str) -> None:
            raise OSError("the kernel's sockets are closed")

    recording._output = Closed()
    recording.update(tape.now(duration_s=5.0))

    assert recording.duration_s == 5.0
    assert "could not be brought up to date" in caplog.text


def test_outside_of_a_notebook_it_is_its_repr(recording: Recording) -> None:
    with pytest.raises(NotImplementedError):
        recording._ipython_display_()


@pytest.mark.parametrize(
    ("name", "kind"), [("a.mkv", "video/webm"), ("a.webm", "video/webm"), ("a.mp4", "video/mp4")]
)
def test_it_shows_itself_as_a_player(tmp_path: Path, name: str, kind: str) -> None:
    tape = Tape(tmp_path / name)
    html = Recording(tape.status, tape.stop).stop()._repr_html_()

    (source,) = re.findall(r'<video controls [^>]*src="([^"]*)"', html)
    header, _, data = source.partition(",")
    assert header == f"data:{kind};base64"
    assert base64.b64decode(data) == b"media"
    assert name in html


def test_a_folder_shows_a_player_for_each_person(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "lesson")
    tape.folder.mkdir()
    files = []
    for person, name in (("you", "Ada.mkv"), ("b0b", "Bob.mkv")):
        (tape.folder / name).write_bytes(name.encode())
        files.append(RecordedFile(name, str(tape.folder / name), 7, person))
    people = (RecordedPerson("you", "Ada <b>", "recorded"), RecordedPerson("b0b", "Bob", "recorded"))
    recording = Recording(tape.status, tape.stop)

    recording.update(tape.now(state="stopped", files=tuple(files), people=people))
    html = recording._repr_html_()

    assert html.count("<video controls") == 2
    assert "<figcaption>Ada &lt;b&gt;</figcaption>" in html
    assert "<figcaption>Bob</figcaption>" in html


def test_a_large_file_is_played_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "EMBED_BYTES", 4)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my videos").mkdir()
    tape = Tape(tmp_path / "my videos" / 'a "first" take.mkv')

    html = Recording(tape.status, tape.stop).stop()._repr_html_()

    assert 'src="my%20videos/a%20%22first%22%20take.mkv"' in html


def test_a_large_file_elsewhere_cannot_be_shown_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(player, "EMBED_BYTES", 4)
    (tmp_path / "notebook").mkdir()
    monkeypatch.chdir(tmp_path / "notebook")
    tape = Tape(tmp_path / "a.mkv")

    html = Recording(tape.status, tape.stop).stop()._repr_html_()

    assert "<video" not in html
    assert "too large to be shown from a folder outside the notebook" in html


def test_a_file_that_was_moved_away_is_said_to_be_missing(recording: Recording) -> None:
    recording.stop()
    recording.path.unlink()

    assert "cannot be shown" in recording._repr_html_()


def test_names_are_escaped(tmp_path: Path) -> None:
    tape = Tape(tmp_path / "<script>.mkv")
    recording = Recording(tape.status, tape.stop)
    recording.update(tape.now(people=(RecordedPerson("x", "<script>", "asked"),)))

    assert "<script>" not in recording._repr_html_()
    assert "<script>" not in recording.stop()._repr_html_()
