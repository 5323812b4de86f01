"""Pictures that a user gives: any reasonable form is taken, hostile and wrong ones are refused in words."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from nbrtc.backdrop import MAX_SIZE, to_backdrop, to_jpeg, to_rgb
from nbrtc.errors import FrameError

WHAT = "call.background"
RED = np.full((48, 64, 3), (200, 30, 40), np.uint8)


def read(value: object, folder: Path = Path("/")) -> Any:
    return to_backdrop(value, WHAT, folder)


def bomb(side: int) -> bytes:
    """A PNG that says that it has `side` x `side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def test_arrays_images_and_files_give_the_same_picture(tmp_path: Path) -> None:
    PIL.Image.fromarray(RED).save(tmp_path / "red.png")
    for value in (RED, PIL.Image.fromarray(RED), "red.png", tmp_path / "red.png", str(tmp_path / "red.png")):
        np.testing.assert_array_equal(read(value, tmp_path), RED)


def test_what_is_read_is_nobody_elses(tmp_path: Path) -> None:
    given = RED.copy()
    picture = read(given)
    given[:] = 0
    np.testing.assert_array_equal(picture, RED)


def test_a_view_with_strides_is_taken() -> None:
    np.testing.assert_array_equal(read(RED[::-2, ::2]), RED[::-2, ::2])


@pytest.mark.parametrize(
    ("size", "scaled"), [((4000, 1000), (1920, 480)), ((300, 4320), (75, 1080)), ((1, 1), (1, 1))]
)
def test_large_pictures_are_scaled_down_in_proportion(size: Any, scaled: Any) -> None:
    picture = read(PIL.Image.new("RGB", size))
    assert picture.shape == (scaled[1], scaled[0], 3)
    assert scaled <= MAX_SIZE or scaled[1] <= MAX_SIZE[1]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F", "YCbCr"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    picture = read(PIL.Image.new(mode, (8, 6)))
    assert (picture.shape, picture.dtype) == ((6, 8, 3), np.uint8)


def test_a_grey_of_16_bits_keeps_its_shades(tmp_path: Path) -> None:
    PIL.Image.new("I;16", (1, 1), 0x7530).save(tmp_path / "deep.png")
    assert read("deep.png", tmp_path).tolist() == [[[0x75] * 3]]


def test_what_is_transparent_becomes_black() -> None:
    image = PIL.Image.new("RGBA", (2, 1), (200, 100, 50, 0))
    image.putpixel((0, 0), (200, 100, 50, 255))
    assert read(image).tolist() == [[[200, 100, 50], [0, 0, 0]]]
    assert read(PIL.Image.new("LA", (1, 1), (200, 0))).tolist() == [[[0, 0, 0]]]


def test_pictures_that_stand_for_themselves_lie_on_white_and_upright(tmp_path: Path) -> None:
    """A drawing's black lines would be lost on black."""
    clear = PIL.Image.new("RGBA", (2, 1), (200, 100, 50, 0))
    clear.putpixel((0, 0), (200, 100, 50, 255))
    assert to_rgb(clear, "white").tolist() == [[[200, 100, 50], [255, 255, 255]]]
    assert to_backdrop(clear, WHAT, Path("/"), "white").tolist() == [[[200, 100, 50], [255, 255, 255]]]
    image = PIL.Image.fromarray(RED)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "photo.jpg", exif=exif)
    assert to_rgb(PIL.Image.open(tmp_path / "photo.jpg"), "white").shape == (64, 48, 3)
    assert to_rgb(PIL.Image.new("I;16", (1, 1), 0x7530), "white").tolist() == [[[0x75] * 3]]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_colour_that_stands_for_transparent_becomes_black(mode: str, tmp_path: Path) -> None:
    white = (255, 255, 255) if mode == "RGB" else 255
    PIL.Image.new(mode, (2, 1), white).save(tmp_path / "keyed.png", transparency=white)
    assert not read("keyed.png", tmp_path).any()


def test_a_photograph_that_lies_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    image = PIL.Image.fromarray(RED)
    exif = image.getexif()
    exif[0x0112] = 6  # rotate by 90 degrees (Exif 2.3, Orientation)
    image.save(tmp_path / "photo.jpg", exif=exif)
    assert read("photo.jpg", tmp_path).shape == (64, 48, 3)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (RED[:, :, 0], FrameError, r"shape \(48, 64\); a picture is \(height, width, 3\)"),
        (np.zeros((4, 4, 4), np.uint8), FrameError, r"shape \(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), FrameError, r"shape \(0, 4, 3\)"),
        (RED / 255, FrameError, "array of float64; a picture is uint8"),
        (np.broadcast_to(np.uint8(0), (8001, 8000, 3)), FrameError, "8000x8001 pixels"),
        (PIL.Image.new("1", (8001, 8000)), FrameError, "8001x8000 pixels; at most 64 million"),
        (7, TypeError, "a PIL image or a file's path, not 7"),
        (b"bytes", TypeError, "not b'bytes'"),
        ("https://example.org/beach.jpg", ValueError, "no address like 'https://example.org/beach.jpg'"),
        ("missing.png", FileNotFoundError, "no file '/missing.png' for call.background"),
        ("/", FileNotFoundError, "no file '/'"),
        ("/dev/zero", FileNotFoundError, "no file '/dev/zero'"),
        ("a\0b", FileNotFoundError, "no file"),
    ],
)
def test_anything_else_is_refused_with_its_value(value: object, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        read(value)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [9000, 12_000, 60_000])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(bomb(side))
    with pytest.raises(FrameError, match=r"pixels|cannot be read|can be read"):
        read("bomb.png", tmp_path)


def test_files_that_are_no_pictures_or_broken_off_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "page.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    whole = io.BytesIO()
    PIL.Image.effect_noise((200, 200), 50).save(whole, "PNG")
    (tmp_path / "half.png").write_bytes(whole.getvalue()[:5000])
    for name in ("text.png", "page.eps", "half.png"):
        with pytest.raises(FrameError, match="read"):
            read(name, tmp_path)


def test_the_page_gets_a_jpeg() -> None:
    image = PIL.Image.open(io.BytesIO(to_jpeg(RED)))
    assert (image.format, image.size) == ("JPEG", (64, 48))
    assert np.abs(np.asarray(image, np.int16) - RED).max() < 8
