"""A recording as the kernel sees it."""

import base64
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nbrtc import recording as module
from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingStatus
from nbrtc.recording import Recording


class Tape:
    """The engine's end: stops a recording, and counts how often."""

    def __init__(self, path: Path) -> None:
        self.status = RecordingStatus(id="1", path=str(path), state="recording", started_at_s=0)
        self.stops: list[str] = []
        self.failure: Exception | None = None

    def stop(self, identity: str) -> RecordingStatus:
        self.stops.append(identity)
        if self.failure is not None:
            raise self.failure
        Path(self.status.path).write_bytes(b"media")
        return self.now(state="stopped", duration_s=2.0, size_bytes=5)

    def now(self, **fields: Any) -> RecordingStatus:
        return msgspec.structs.replace(self.status, **fields)


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    return Tape(tmp_path / "first.mkv")


@pytest.fixture
def recording(tape: Tape) -> Recording:
    return Recording(tape.status, tape.stop)


def test_it_follows_the_engine_and_stops_once(recording: Recording, tape: Tape) -> None:
    recording.update(tape.now(duration_s=1.0, size_bytes=1_500_000))
    recording.update(tape.now(id="another", duration_s=9.0))
    assert repr(recording) == "<nbrtc.Recording first.mkv: recording, 1.0 s, 1.5 MB>"
    assert "1 s so far" in recording._repr_html_()

    assert recording.stop() is recording
    assert recording.stop() is recording

    assert tape.stops == ["1"]
    recording.update(tape.now(duration_s=1.0))  # a late word of the engine changes nothing
    assert (recording.state, recording.duration_s, recording.size_bytes) == ("stopped", 2.0, 5)


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


def test_one_whose_engine_went_says_where_the_rest_is(recording: Recording) -> None:
    recording.lose("The engine was killed.")

    with pytest.raises(RecordingError, match=r"The engine was killed\. .* is in .*first\.mkv\.partial"):
        recording.stop()
    assert "first.mkv.partial" in recording._repr_html_()


def test_losing_the_engine_afterwards_means_nothing(recording: Recording) -> None:
    recording.stop()

    recording.lose("The engine was killed.")

    assert (recording.state, recording.error) == ("stopped", None)


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


def test_a_large_file_is_played_from_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EMBED_BYTES", 4)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my videos").mkdir()
    tape = Tape(tmp_path / "my videos" / 'a "first" take.mkv')

    html = Recording(tape.status, tape.stop).stop()._repr_html_()

    assert 'src="my%20videos/a%20%22first%22%20take.mkv"' in html


def test_a_large_file_elsewhere_cannot_be_shown_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EMBED_BYTES", 4)
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

    assert "<script>" not in Recording(tape.status, tape.stop).stop()._repr_html_()
