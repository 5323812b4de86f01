"""Qualities by name and by number."""

from typing import Any

import numpy as np
import pytest

from nbrtc.messages import QUALITIES, OpenCall, Quality, decode_request, encode_bridge
from nbrtc.quality import to_quality


@pytest.mark.parametrize(
    ("name", "size"), [("low", (640, 480, 15)), ("medium", (1280, 720, 30)), ("high", (1920, 1080, 30))]
)
def test_a_name_stands_for_a_size_and_a_rate(name: str, size: tuple[int, int, float]) -> None:
    quality = to_quality(name)

    assert (quality.width, quality.height, quality.fps) == size
    assert quality.name == name


def test_one_of_the_users_own_is_taken_as_it_is() -> None:
    assert to_quality(Quality(320, 180, 60)) == Quality(320, 180, 60)


def test_numbers_of_numpy_cross_the_bridge() -> None:
    numbers: list[Any] = [np.int64(320), np.int32(180), np.float32(30)]
    quality = to_quality(Quality(*numbers))
    opening = OpenCall(call="call", name="Ada", quality=quality, folder="/", epoch=0)

    assert decode_request(encode_bridge(opening)) == opening


def test_an_unknown_name_is_refused_with_the_valid_ones() -> None:
    with pytest.raises(ValueError, match="no quality 'hd'") as error:
        to_quality("hd")
    assert all(f'"{name}"' in str(error.value) for name in QUALITIES)


@pytest.mark.parametrize("value", [5, None, (640, 480, 30), {"width": 640}])
def test_something_else_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match=r"a name or nbrtc.Quality"):
        to_quality(value)  # type: ignore[arg-type]  # that is what is tried


def test_half_a_pixel_is_refused_before_it_reaches_the_engine() -> None:
    with pytest.raises(TypeError, match=r"width of a Quality is a whole number of pixels, not 640.5"):
        to_quality(Quality(640.5, 480, 30))  # type: ignore[arg-type]  # that is what is tried
