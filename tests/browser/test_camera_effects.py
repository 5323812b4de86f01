"""The camera led through its effects in a real browser: what anybody else can see of it, frame by frame.

The page is a plain one (js/test/camera-effects-page.ts); Chromium's camera shows `QUADRANTS`, four corners of
pure colours with hard edges between them, so that every frame tells whether it went through the effect.
"""

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import NewPage

ROOT = Path(__file__).parents[2]
ADDRESS = "http://localhost/camera"
"""A secure one, whose page the test itself gives."""
PATIENCE_MS = 60_000
GRAY, BLURRED = 4, 60
"""A gray picture is at most so far from it; a blurred one has no larger step (the clip: over 120)."""


class Stage:
    """The page."""

    def __init__(self, page: Page, script: str) -> None:
        self._page = page
        html = f"<!doctype html><title>Camera</title><body><script>{script}</script>"
        page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html"))
        page.route("**/static/*", self._serve)
        page.goto(ADDRESS)

    @staticmethod
    def _serve(route: Route) -> None:
        path = ROOT / "src/nbrtc/static" / Path(route.request.url).name
        route.fulfill(body=path.read_bytes(), content_type="application/octet-stream")

    def call(self, verb: str, *arguments: Any) -> Any:
        return self._page.evaluate(f"given => stage.{verb}(...given)", arguments)

    def until(self, condition: str) -> None:
        """Wait for it; the limit is for a test that fails."""
        try:
            self._page.wait_for_function(condition, timeout=PATIENCE_MS)
        except Exception as error:
            state = self._page.evaluate("[stage.status(), stage.troubles, stage.frames.at(-1)]")
            raise AssertionError(f"waited in vain for {condition}: {state}") from error

    def see(self, frames: int = 8) -> None:
        """Wait for so many more frames of the track that is shown now."""
        self.until(f"stage.count() >= {self.call('count') + frames}")

    def frames(self) -> list[dict[str, Any]]:
        """All so far; they are forgotten."""
        seen: list[dict[str, Any]] = self._page.evaluate("stage.frames.splice(0)")
        return seen

    def read(self, expression: str) -> Any:
        return self._page.evaluate(expression)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    out = tmp_path_factory.mktemp("camera-effects") / "page.js"
    subprocess.run(
        [node, "test/bundle.mjs", "test/camera-effects-page.ts", str(out)], cwd=ROOT / "js", check=True
    )
    return out.read_text()


@pytest.fixture
def stage(new_page: NewPage, script: str) -> Stage:
    return Stage(new_page(), script)


def sizes(frames: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return list(dict.fromkeys((frame["width"], frame["height"]) for frame in frames))


def test_not_one_frame_is_without_the_chosen_effect(stage: Stage) -> None:
    stage.call("choose", "grayscale", 1)  # before there is a camera
    stage.call("open", 640, 480)
    stage.see(20)
    first = stage.frames()
    stage.call("choose", "invert")
    stage.until("stage.frames.at(-1)?.colour > 60")
    assert stage.call("tracks") == 1, "another effect is no other track"
    stage.call("choose", "grayscale", 1)
    stage.until("stage.frames.at(-1)?.colour < 4")

    stage.frames()
    stage.call("constrain", 320, 240)
    stage.until("stage.frames.at(-1)?.width === 320")
    stage.see()
    assert stage.call("tracks") == 1, "nor is another size"
    resized = stage.frames()
    stage.call("open", 640, 480)
    stage.see()
    stage.call("crash")
    stage.until("stage.tracks() === 3")
    stage.see()
    later = stage.frames()

    assert sizes(first) == [(640, 480)]
    assert sizes(resized)[-1] == (320, 240)
    assert sizes(later)[-1] == (640, 480)
    assert [frame for frame in first + resized + later if frame["colour"] > GRAY] == []
    times = [frame["timestamp_us"] for frame in first]
    assert times == sorted(set(times)), "each picture once, at its own time"
    gaps = sorted(after - before for before, after in itertools.pairwise(times))
    assert gaps[len(gaps) // 2] < 200_000, "the camera's rate, or as much of it as the machine can do"
    assert stage.read("stage.troubles") == []

    stage.call("crash")  # a second time: nothing is shown rather than the camera as it is
    stage.until("stage.status().state === 'failed'")
    assert not stage.call("isShown")
    assert "does not work here" in stage.read("stage.troubles")[0]
    stage.call("choose", "grayscale", 1)
    stage.until("stage.isShown()")
    stage.see()
    stage.call("choose", "none")
    assert stage.call("isRaw")
    stage.until("stage.frames.at(-1)?.colour > 60")
    stage.call("close")
    assert stage.call("live") == 0


def test_until_the_person_can_be_told_from_the_background_all_is_blurred(stage: Stage) -> None:
    stage.call("hold")
    stage.call("choose", "blur", 1)
    stage.call("open", 640, 480)
    stage.see()
    assert stage.call("status")["state"] == "preparing"
    stage.call("release")
    stage.until("stage.status().state === 'running'")
    stage.see()
    assert [frame for frame in stage.frames() if frame["step"] > BLURRED] == []

    # nobody is in the picture: all of it is background
    stage.call("chooseBackground", "rgb(0 0 255)")
    stage.until("stage.frames.at(-1)?.quadrants.every(([, u]) => u > 200)")
    assert stage.call("tracks") == 1
    stage.call("close")
    assert stage.call("live") == 0
    assert stage.read("stage.troubles") == []


def test_a_busy_page_holds_no_picture_up(stage: Stage) -> None:
    stage.call("choose", "sepia", 1)
    stage.call("open", 640, 480)
    stage.see()

    began_ms, ended_ms = stage.call("block", 3000)

    stage.see()
    meanwhile = [frame for frame in stage.frames() if began_ms + 500 < frame["at_ms"] < ended_ms]
    assert len(meanwhile) > 5


def test_a_browser_without_streams_of_frames_goes_on_in_a_hidden_tab(stage: Stage) -> None:
    stage.call("lackStreams")
    stage.call("hide", True)
    stage.call("choose", "grayscale", 1)
    stage.call("open", 640, 480)
    stage.until("stage.frames.some(({ width, quadrants }) => width === 640 && quadrants[1][0] > 60)")
    stage.see()
    stage.call("choose", "invert")
    stage.until("stage.frames.at(-1)?.colour > 60")
    assert stage.call("tracks") == 1
    stage.call("hide", False)
    stage.call("choose", "grayscale", 1)
    stage.until("stage.frames.at(-1)?.colour < 4")
    stage.see()
    stage.call("preview", "sepia")
    stage.until("stage.previewed('sepia')[0] > 20")
    stage.call("close")
    assert stage.call("live") == 0


def test_previews_show_each_effect_and_leave_nothing_behind(stage: Stage) -> None:
    stage.call("open", 640, 480)
    stage.see(1)
    stage.call("preview", "none", "invert", "grayscale", "blur")
    for name in ("none", "invert", "grayscale", "blur"):
        stage.until(f"stage.previewed('{name}')[0] > 20")

    plain, inverted = stage.call("previewed", "none"), stage.call("previewed", "invert")
    assert plain[3:] == [176, 132]
    assert [one + other for one, other in zip(plain[:3], inverted[:3], strict=True)] == pytest.approx(
        [255] * 3, abs=25
    )
    red, green, blue = stage.call("previewed", "grayscale")[:3]
    assert red == pytest.approx(green, abs=2) == blue
    assert stage.call("isRaw")
    assert stage.call("live") == 2

    stage.call("crash")  # their canvases are gone with the worker: there are new ones
    for name in ("none", "invert", "grayscale", "blur"):
        stage.until(f"stage.previewed('{name}')[0] > 20")
    assert stage.call("live") == 2
    stage.call("crash")
    assert stage.call("previewed", "none")[0] == 0
    assert stage.call("live") == 1
    stage.call("endPreviews")
    assert stage.call("live") == 1
    stage.call("close")
    assert stage.call("live") == 0
    assert stage.read("stage.troubles") == []
