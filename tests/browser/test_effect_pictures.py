"""Effects on real pictures in a real browser, each pixel compared with the definition, before encoding.

The page is a plain one (js/test/effects-page.ts): a `VideoFrame` of known planes goes through an effect as in
a call, and both ends are read as the browser shows them.
"""

import base64
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.browser import effect_reference as reference
from tests.browser.conftest import NewPage
from tests.browser.effect_reference import Bytes, Space

JS = Path(__file__).parents[2] / "js"
ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut" / "astronaut.png"
ADDRESS = "http://localhost/effects"
"""A secure one, whose page the test itself gives."""
BT601, BT709, JPEG = Space("bt601", False), Space("bt709", False), Space("bt601", True)
SPACES = pytest.mark.parametrize("space", [BT601, BT709, JPEG], ids=["BT.601", "BT.709", "full range"])
ALLOWED = 3.0
"""Mean error, of 255."""


@dataclass(frozen=True)
class Seen:
    """RGB of a picture before and after an effect, (H, W, 3), and what its frames said."""

    before: Bytes
    after: Bytes
    frames: dict[str, Any]


class Effects:
    """The page."""

    def __init__(self, page: Page, script: str) -> None:
        self._page = page
        html = f"<!doctype html><title>Effects</title><script>{script}</script>"
        page.route(ADDRESS, lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(ADDRESS)

    def on(
        self, planes: tuple[Bytes, Bytes, Bytes], space: Space, name: str, strength: float | None = None
    ) -> Seen:
        """Put the effect on I420."""
        height, width = planes[0].shape
        data = b"".join(plane.tobytes() for plane in planes)
        return self.on_frame(
            {"format": "I420", "width": width, "height": height}, data, space, name, strength
        )

    def on_frame(
        self,
        frame: dict[str, Any],
        data: bytes,
        space: Space,
        name: str = "none",
        strength: float | None = None,
    ) -> Seen:
        given = {"colorSpace": space.init, **frame, "data": base64.b64encode(data).decode()}
        return read(
            self._page.evaluate(
                "given => page.change(...given)", [given, {"name": name, "strength": strength}]
            )
        )

    def on_turned(self, planes: tuple[Bytes, Bytes, Bytes], name: str, rotation: int, *, flip: bool) -> Seen:
        """Put the effect on I420 that is to be turned and mirrored when it is shown; pictures as shown."""
        height, width = planes[0].shape
        data = b"".join(plane.tobytes() for plane in planes)
        given = {
            "format": "I420",
            "width": width,
            "height": height,
            "colorSpace": BT601.init,
            "data": base64.b64encode(data).decode(),
        }
        effect = {"name": name, "strength": 1 if name == "grayscale" else None}
        return read(self._page.evaluate("given => page.turn(...given)", [given, effect, rotation, flip]))

    def on_camera(self, name: str) -> Seen:
        return read(self._page.evaluate("effect => page.camera(effect)", {"name": name, "strength": None}))


def read(seen: dict[str, Any]) -> Seen:
    def picture(key: str) -> Bytes:
        pixels = np.frombuffer(base64.b64decode(seen.pop(key)), np.uint8)
        return pixels.reshape(seen["height"], seen["width"], 4)[..., :3]

    return Seen(picture("before"), picture("after"), seen)


def mean_error(one: Bytes, other: Bytes) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def astronaut() -> Bytes:
    with Image.open(ASTRONAUT) as image:
        return np.asarray(image.convert("RGB"))


def random_squares() -> Bytes:
    """Colours of all kinds, in squares of two pixels: finer ones I420 does not have."""
    colours = np.random.default_rng(6).integers(0, 256, (64, 96, 3), np.uint8)
    return colours.repeat(2, axis=0).repeat(2, axis=1)


def smooth(height: int, width: int) -> Bytes:
    """Colours that change slowly, differently to the right and down."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [120 + 90 * np.sin(rows / 60 + 1), 130 + 90 * np.sin(columns / 80), 110 + rows * 100 / height]
    return np.stack(waves, axis=-1).round().astype(np.uint8)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    out = tmp_path_factory.mktemp("effects") / "page.js"
    subprocess.run([node, "test/bundle.mjs", "test/effects-page.ts", str(out)], cwd=JS, check=True)
    return out.read_text()


@pytest.fixture
def effects(new_page: NewPage, script: str) -> Effects:
    return Effects(new_page(), script)


COLOURS = [
    ("grayscale", 1.0),
    ("grayscale", 0.5),
    ("sepia", 1.0),
    ("sepia", 0.5),
    ("invert", None),
    ("brightness", 0.3),
    ("brightness", 1.0),
    ("brightness", -0.6),
    ("brightness", -1.0),
    ("contrast", 0.3),
    ("contrast", 1.0),
    ("contrast", -0.6),
    ("contrast", -1.0),
]


@SPACES
def test_every_colour_effect_is_what_its_definition_says(effects: Effects, space: Space) -> None:
    for title, picture in (("astronaut", astronaut()), ("random", random_squares())):
        planes = space.planes(picture)
        for name, strength in COLOURS:
            seen = effects.on(planes, space, name, strength)
            expected = reference.coloured(seen.before, name, strength or 0)

            error = mean_error(seen.after, expected)
            changed = mean_error(seen.before, expected)
            assert error < ALLOWED, f"{name} {strength} on {title}: {error:.2f}"
            assert changed > 4 * error, f"{name} {strength} changes {title} by {changed:.2f} only"


def test_a_mirror_turns_the_rows_around(effects: Effects) -> None:
    planes = BT601.planes(astronaut())

    seen = effects.on(planes, BT601, "mirror")

    assert mean_error(seen.after, seen.before[:, ::-1]) < 1
    assert mean_error(seen.after, seen.before) > 20


@pytest.mark.parametrize("strength", [0.05, 0.5, 1.0])
def test_pixelate_paints_squares_of_their_mean(effects: Effects, strength: float) -> None:
    planes = BT601.planes(astronaut())

    seen = effects.on(planes, BT601, "pixelate", strength)

    assert mean_error(seen.after, reference.pixelated(seen.before, strength)) < ALLOWED


@SPACES
def test_edge_draws_what_sobel_finds(effects: Effects, space: Space) -> None:
    planes = space.planes(astronaut())

    seen = effects.on(planes, space, "edge", 1.0)
    half = effects.on(planes, space, "edge", 0.5)

    lines = np.stack([reference.edges(planes[0], space)] * 3, axis=-1)
    assert mean_error(seen.after, lines) < 1
    assert lines.max() > 200
    between = ((seen.before.astype(float) + lines) / 2).round().astype(np.uint8)
    assert mean_error(half.after, between) < ALLOWED


@SPACES
@pytest.mark.parametrize("form", ["I420", "NV12"])
def test_a_picture_of_odd_size_goes_through_unchanged(effects: Effects, space: Space, form: str) -> None:
    y, u, v = space.planes(smooth(481, 641))
    chroma = np.stack([u, v], axis=-1) if form == "NV12" else np.stack([u, v])
    frame = {"format": form, "width": 641, "height": 481}

    seen = effects.on_frame(frame, y.tobytes() + chroma.tobytes(), space)

    assert seen.after.shape == (481, 641, 3)
    assert np.array_equal(seen.after, seen.before)
    assert seen.frames["colorSpaces"][0] == seen.frames["colorSpaces"][1]
    assert seen.frames["timestamps"] == [123_456, 123_456]
    assert seen.frames["durations"] == [33_333, 33_333]


def test_only_the_visible_part_of_a_frame_counts(effects: Effects) -> None:
    planes = BT601.planes(smooth(240, 320))
    frame = {
        "format": "I420",
        "width": 320,
        "height": 240,
        "visibleRect": {"x": 32, "y": 16, "width": 200, "height": 130},
    }

    seen = effects.on_frame(frame, b"".join(plane.tobytes() for plane in planes), BT601)

    assert seen.after.shape == (130, 200, 3)
    assert np.array_equal(seen.after, seen.before)


def test_red_green_and_blue_pictures_become_planes(effects: Effects) -> None:
    rgb = smooth(121, 161)
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    srgb = {"matrix": "rgb", "primaries": "bt709", "transfer": "iec61966-2-1", "fullRange": True}
    frame = {"format": "RGBA", "width": 161, "height": 121, "colorSpace": srgb}

    seen = effects.on_frame(frame, rgba.tobytes(), BT601)

    assert np.array_equal(seen.before, rgb)
    assert mean_error(seen.after, rgb) < 1.5


def test_the_cameras_colours_stay_as_they_are(effects: Effects) -> None:
    plain = effects.on_camera("none")
    inverted = effects.on_camera("invert")

    assert np.array_equal(plain.after, plain.before), plain.frames["colorSpaces"]
    assert mean_error(inverted.after, 255 - inverted.before) < ALLOWED


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_picture_that_is_stored_lying_or_mirrored_is_shown_upright(
    effects: Effects, rotation: int, flip: bool
) -> None:
    picture = smooth(120, 160)
    planes = BT601.planes(picture)

    gray = effects.on_turned(planes, "grayscale", rotation, flip=flip)
    mirrored = effects.on_turned(planes, "mirror", rotation, flip=flip)

    turned = np.rot90(picture, -rotation // 90)
    assert mean_error(gray.before, turned[:, ::-1] if flip else turned) < ALLOWED, (
        "the browser turns as we do"
    )
    assert mean_error(gray.after, reference.coloured(gray.before, "grayscale", 1)) < ALLOWED
    assert mean_error(mirrored.after, mirrored.before[:, ::-1]) < 1.5
    assert (gray.frames["rotation"], gray.frames["flip"]) == (rotation, flip), "it costs nothing"
    assert (mirrored.frames["rotation"], mirrored.frames["flip"]) == (0, False)
