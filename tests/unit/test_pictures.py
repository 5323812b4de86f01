"""Packed planes: the form in which frames cross the bridge."""

import itertools

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.pictures import pack, packed_size, plane_shapes, to_yuv420p, turned, unpack

sides = st.integers(1, 130)


def noise(width: int, height: int, seed: int = 0) -> VideoFrame:
    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")


@given(width=sides, height=sides)
def test_what_is_packed_comes_back_sample_for_sample(width: int, height: int) -> None:
    packed = pack(noise(width, height))

    assert len(packed) == packed_size(width, height)
    assert pack(unpack(memoryview(packed), width, height)) == packed


@given(width=sides, height=sides)
def test_planes_stand_one_after_the_other_without_padding(width: int, height: int) -> None:
    frame, offset = noise(width, height), 0
    packed = np.frombuffer(pack(frame), np.uint8)

    for plane, (rows, columns) in zip(frame.planes, plane_shapes(width, height), strict=True):
        samples = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:rows, :columns]
        assert np.array_equal(packed[offset : offset + rows * columns].reshape(rows, columns), samples)
        offset += rows * columns
    assert offset == len(packed)


def test_odd_sizes_round_the_chroma_up() -> None:
    assert plane_shapes(641, 481) == ((481, 641), (241, 321), (241, 321))
    assert plane_shapes(1, 1) == ((1, 1), (1, 1), (1, 1))


@pytest.mark.parametrize(
    ("rgb", "yuv"),
    [
        # BT.601, limited range: what cameras, VP8 and WebRTC mean where nothing else is said
        ((255, 0, 0), (81, 90, 240)),
        ((0, 255, 0), (145, 54, 34)),
        ((0, 0, 255), (41, 240, 110)),
        ((255, 255, 255), (235, 128, 128)),
        ((0, 0, 0), (16, 128, 128)),
    ],
)
def test_colours_are_bt601_limited_range_and_come_back(
    rgb: tuple[int, int, int], yuv: tuple[int, int, int]
) -> None:
    picture = np.full((48, 64, 3), rgb, np.uint8)
    packed = pack(VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p"))

    sizes = np.cumsum([0, *(rows * columns for rows, columns in plane_shapes(64, 48))])
    planes = [packed[begin:end] for begin, end in itertools.pairwise(sizes)]
    assert all(
        abs(sample - wanted) <= 1 for plane, wanted in zip(planes, yuv, strict=True) for sample in plane
    )
    back = unpack(bytes(packed), 64, 48).to_ndarray(format="rgb24")
    assert np.abs(back.astype(int) - rgb).max() <= 3


@pytest.mark.parametrize("form", ["rgb24", "bgra", "gbrp", "yuv444p", "yuv420p"])
@pytest.mark.parametrize("space", [0, 1, 2, 5])
def test_frames_of_any_form_have_the_colours_of_a_call(form: str, space: int) -> None:
    given = VideoFrame.from_ndarray(np.full((16, 16, 3), (40, 200, 40), np.uint8), format="rgb24")
    frame = given.reformat(format=form, dst_colorspace=space if space == 1 else 5)
    frame.colorspace = space

    picture = to_yuv420p(frame)

    bare = unpack(pack(picture), 16, 16).to_ndarray(format="rgb24")
    assert bare[8, 8] == pytest.approx((40, 200, 40), abs=5)


def test_a_frame_that_has_them_is_not_copied() -> None:
    frame = noise(32, 16)
    assert to_yuv420p(frame) is frame
    assert (to_yuv420p(frame, (16, 8)).width, frame.width) == (16, 32)


@given(width=sides, height=sides, degrees=st.sampled_from([-270, -180, -90, 0, 90, 180, 270]))
def test_a_turned_frame_has_every_sample(width: int, height: int, degrees: int) -> None:
    frame = noise(width, height)
    upright = turned(frame, degrees)

    assert (upright.width, upright.height) == ((height, width) if degrees % 180 else (width, height))
    assert pack(turned(upright, -degrees)) == pack(frame)


def test_a_frame_is_turned_counter_clockwise() -> None:
    rgb = np.zeros((16, 16, 3), np.uint8)
    rgb[:, :8] = 255  # the left half
    picture = turned(to_yuv420p(VideoFrame.from_ndarray(rgb, format="rgb24")), 90).to_ndarray(format="rgb24")
    assert picture[2].mean() < 10
    assert picture[-2].mean() > 245
