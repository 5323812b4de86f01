"""The person told from the background by the real model, in a real browser, on pixels that come out.

The page is a plain one (js/test/person-page.ts); in the place of the camera there is the picture of an
astronaut.
"""

import base64
import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, Route
from playwright.sync_api import TimeoutError as TooLateError

from tests.browser.conftest import NewPage

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/nbrtc/static"
ASTRONAUT = ROOT / "tests/data/astronaut/astronaut.png"
ADDRESS = "http://localhost/person"
"""A secure one, whose page the test itself gives."""
PATIENCE_MS = 60_000
SHADERS_MS = 200_000
"""Software that plays a graphics processor compiles for seconds."""
SIZE = (640, 480)
FACE = (slice(84, 190), slice(236, 326))
FLAG = (slice(20, 250), slice(10, 130))
SHUTTLE = (slice(10, 220), slice(430, 630))

Picture = NDArray[np.float64]
"""Light, (H, W), or red, green and blue, (H, W, 3)."""


class Stage:
    """The page."""

    def __init__(self, page: Page, script: str, options: str = "") -> None:
        self._page = page
        self.lost = ""
        """What the server does not have: a part of names."""
        self.requests: list[str] = []
        page.context.on("request", lambda request: self.requests.append(request.url))
        html = f"<!doctype html><title>Person</title><body><script>{script}</script>"
        page.route(f"{ADDRESS}*", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.route("**/static/*", self._serve)
        page.goto(ADDRESS + options)
        picture = base64.b64encode(ASTRONAUT.read_bytes()).decode()
        self.call("open", f"data:image/png;base64,{picture}", *SIZE)

    def _serve(self, route: Route) -> None:
        name = Path(route.request.url).name
        if self.lost and self.lost in name:
            route.fulfill(status=404)
        else:
            route.fulfill(body=(STATIC / name).read_bytes(), content_type="application/octet-stream")

    def call(self, verb: str, *arguments: Any) -> Any:
        return self._page.evaluate(f"given => person.{verb}(...given)", arguments)

    def until(self, state: str) -> None:
        """Wait until pictures with the chosen effect have come out for a while, in this state."""
        condition = f"person.status().state === '{state}' && person.status().fps !== null"
        try:
            self._page.wait_for_function(condition, timeout=PATIENCE_MS)
        except TooLateError as error:
            raise AssertionError(f"waited in vain for {state}: {self.call('status')}") from error

    def until_found_by(self, processor: str) -> None:
        """Wait until this one tells the person from the background."""
        condition = f"person.status().finder?.processor === '{processor}'"
        try:
            self._page.wait_for_function(condition, timeout=SHADERS_MS)
        except TooLateError as error:
            raise AssertionError(f"waited in vain for the {processor}: {self.call('status')}") from error

    def see(self, after: int = 3) -> Picture:
        """After so many more pictures."""
        data = base64.b64decode(self.call("picture", after).split(",")[1])
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.float64)

    @property
    def history(self) -> list[str]:
        """States and finders in turn."""
        history: list[str] = self._page.evaluate("person.history")
        return history

    @property
    def troubles(self) -> list[str]:
        troubles: list[str] = self._page.evaluate("person.troubles")
        return troubles


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    out = tmp_path_factory.mktemp("person") / "page.js"
    subprocess.run([node, "test/bundle.mjs", "test/person-page.ts", str(out)], cwd=ROOT / "js", check=True)
    return out.read_text()


@pytest.fixture
def stage(new_page: NewPage, script: str) -> Stage:
    return Stage(new_page(), script)


def detail(picture: Picture, where: tuple[slice, slice]) -> float:
    """Energy of high frequencies: mean square of the Laplacian of light.

    Of means of two by two pixels: alone, the rounding of smooth colours to bytes would be a tenth of what the
    flag, which is out of focus, has.
    """
    light = picture.mean(axis=2)[where]
    light = (light[::2, ::2] + light[1::2, ::2] + light[::2, 1::2] + light[1::2, 1::2]) / 4
    across = light[1:-1, :-2] + light[1:-1, 2:]
    laplacian = 4 * light[1:-1, 1:-1] - light[:-2, 1:-1] - light[2:, 1:-1] - across
    return float((laplacian**2).mean())


def test_the_face_stays_sharp_and_the_background_does_not(stage: Stage) -> None:
    before = stage.see()
    stage.call("choose", "blur")
    stage.until("running")
    after = stage.see()
    stage.call("choose", "blur", 0.05)
    stage.until("running")
    weakest = stage.see()

    assert after.shape == before.shape == (SIZE[1], SIZE[0], 3)
    for picture in after, weakest:
        assert detail(picture, FACE) >= 0.8 * detail(before, FACE)
        for background in FLAG, SHUTTLE:
            assert detail(picture, background) <= 0.1 * detail(before, background)
    assert stage.troubles == []
    strange = [url for url in stage.requests if not re.match(r"http://localhost/|blob:|data:", url)]
    assert strange == []
    assert any("segmenter" in url for url in stage.requests)


def test_a_background_picture_covers_all_but_the_person(stage: Stage) -> None:
    before = stage.see()
    stage.call("chooseBackground", "rgb(0 0 255)", "rgb(255 255 0)", 2000, 500)  # much of its width is cut
    stage.until("running")
    after = stage.see()

    blue, yellow = after[20:460, 5:60], after[10:220, 560:635]
    assert np.abs(blue.mean(axis=(0, 1)) - (0, 0, 255)).max() < 25
    assert np.abs(yellow.mean(axis=(0, 1)) - (255, 255, 0)).max() < 25
    assert np.abs(after[FACE] - before[FACE]).mean() < 6
    assert stage.troubles == []


def test_all_is_blurred_while_the_model_cannot_be_had_and_choosing_again_tries_again(stage: Stage) -> None:
    before = stage.see()
    stage.lost = ".tflite"
    stage.call("choose", "blur")
    stage.until("failed")
    without = stage.see()
    told = stage.call("status")["text"]

    for place in FACE, FLAG, SHUTTLE:
        assert detail(without, place) <= 0.1 * detail(before, place)
    assert "404" in told
    assert "whole picture is blurred" in told
    assert stage.troubles == [told]

    stage.lost = ""
    stage.call("choose", "blur")
    stage.until("running")
    assert detail(stage.see(), FACE) >= 0.8 * detail(before, FACE)


def test_the_graphics_processor_finds_the_same_person_and_while_it_is_lost_all_is_blurred(
    new_page: NewPage, script: str
) -> None:
    page = new_page()
    if not page.evaluate("new OffscreenCanvas(1, 1).getContext('webgl2') !== null"):
        pytest.skip("this browser has no WebGL2, not even by software")
    stage = Stage(page, script, "?graphics=always")
    before = stage.see()
    stage.call("choose", "blur")
    stage.until_found_by("GPU")
    by_graphics = stage.see()

    stage.call("loseGraphics")
    meanwhile = []
    while "running CPU" not in stage.history:
        meanwhile.append(stage.see(1))
    after = stage.see()

    assert detail(by_graphics, FACE) >= 0.8 * detail(before, FACE)
    for picture in by_graphics, *meanwhile, after:
        for background in FLAG, SHUTTLE:
            assert detail(picture, background) <= 0.1 * detail(before, background)
    difference = np.abs(by_graphics - after).max(axis=2)
    assert difference.mean() < 1, "of 255"
    assert (difference > 16).mean() < 0.002
    assert stage.history[-5:] == ["running", "running GPU", "preparing", "running", "running CPU"]
    assert stage.troubles == []


RENDERER = """() => {
    const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
    const named = gl?.getExtension("WEBGL_debug_renderer_info");
    return named ? gl.getParameter(named.UNMASKED_RENDERER_WEBGL) : "";
}"""


def test_software_that_plays_a_graphics_processor_is_not_used(new_page: NewPage, script: str) -> None:
    page = new_page()
    renderer = page.evaluate(RENDERER)
    if not re.search("SwiftShader|llvmpipe", renderer):
        pytest.skip(f"what draws here is no such software, but {renderer!r}")
    stage = Stage(page, script)
    stage.call("choose", "blur")
    stage.until_found_by("CPU")
    assert renderer in stage.call("status")["finder"]["why"]
