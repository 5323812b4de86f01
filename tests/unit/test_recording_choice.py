"""What `call.record()` may be asked for."""

from pathlib import Path
from typing import Any, cast

import pytest

from nbrtc import messages
from nbrtc.bridge import Bridge
from nbrtc.errors import RecordingError
from nbrtc.messages import CallState, Quality
from nbrtc.mirror import StateMirror
from nbrtc.participants import Participant
from nbrtc.recording_choice import to_layout, to_path, to_tracks

FOLDER = Path("/notebooks")


def test_relative_paths_are_below_the_notebooks_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somebody")

    assert to_path("lesson.mkv", FOLDER) == Path("/notebooks/lesson.mkv")
    assert to_path(Path("a/b"), FOLDER) == Path("/notebooks/a/b")
    assert to_path("a/../b.mkv", FOLDER) == Path("/notebooks/b.mkv")
    assert to_path("/elsewhere/lesson", FOLDER) == Path("/elsewhere/lesson")
    assert to_path("~/lesson", FOLDER) == Path("/somebody/lesson")
    assert to_path("/elsewhere/data/../lesson.mkv", FOLDER) == Path("/elsewhere/lesson.mkv")
    assert to_path("~lesson.mkv", FOLDER) == Path("/notebooks/~lesson.mkv"), "nobody is called so"


@pytest.mark.parametrize("path", ["../lesson.mkv", "a/../../lesson", ".", ""])
def test_relative_paths_stay_there(path: str) -> None:
    with pytest.raises(RecordingError, match=r"absolute path|is no path"):
        to_path(path, FOLDER)


@pytest.mark.parametrize("value", [7, None, b"lesson.mkv", ["lesson.mkv"]])
def test_what_is_no_path_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="path is a string or a Path"):
        to_path(value, FOLDER)


def test_tracks_are_all_local_or_names() -> None:
    mirror = StateMirror(CallState(quality=Quality(640, 480, 15)), lambda _: None)
    bob = Participant(messages.Participant("b0b", "Bob"), cast(Bridge, None), "call", mirror)

    assert to_tracks("all") == "all"
    assert to_tracks("local") == "local"
    assert to_tracks(["Ada", bob]) == ("Ada", "b0b")
    assert to_tracks(bob) == ("b0b",)


@pytest.mark.parametrize(
    ("value", "kind"),
    [("Bob", ValueError), ([], ValueError), (None, TypeError), ([7], TypeError), (7, TypeError)],
)
def test_other_tracks_are_refused_with_what_would_be_valid(value: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="tracks"):
        to_tracks(value)


def test_layouts_are_those_that_exist() -> None:
    assert to_layout(None) is None
    assert to_layout("pip") == "pip"
    with pytest.raises(ValueError, match="no layout 'mosaic'; use 'separate', 'pip', 'grid', 'speaker'"):
        to_layout("mosaic")
