"""Packed planes: the form in which frames cross the bridge."""

import itertools

import numpy as np
import pytest
from av import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.pictures import pack, packed_size, plane_shapes, unpack

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
