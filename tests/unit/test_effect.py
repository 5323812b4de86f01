"""What a video effect may take and return."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import PIL.Image
import pytest
from av import VideoFrame
from numpy.typing import NDArray

from nbrtc.effect import Form, VideoEffect, form_of, to_planes
from nbrtc.errors import FrameError
from nbrtc.frame import Frame
from nbrtc.messages import FrameHeader
from nbrtc.pictures import pack, unpack

RED = np.full((48, 64, 3), (255, 0, 0), np.uint8)


def plain(frame): ...  # type: ignore[no-untyped-def]  # as a notebook writes it
def array(frame: np.ndarray) -> np.ndarray: ...  # type: ignore[empty-body]
def typed_array(frame: NDArray[np.uint8]) -> NDArray[np.uint8]: ...  # type: ignore[empty-body]
def image(frame: PIL.Image.Image) -> PIL.Image.Image: ...  # type: ignore[empty-body]
def video_frame(frame: VideoFrame) -> VideoFrame: ...  # type: ignore[empty-body]
def image_as_text(frame: "PIL.Image.Image") -> None: ...
def short_image_as_text(frame: "Image") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def frame_as_text(frame: "av.VideoFrame") -> None: ...  # type: ignore[name-defined]  # noqa: F821
def array_as_text(frame: "np.ndarray") -> None: ...
def unknown_as_text(frame: "Picture") -> None: ...  # type: ignore[name-defined]  # noqa: F821
async def coroutine(frame: VideoFrame) -> VideoFrame: ...  # type: ignore[empty-body]


class Callback:
    def __call__(self, frame: VideoFrame) -> VideoFrame:
        return frame

    def method(self, frame: PIL.Image.Image) -> PIL.Image.Image:
        return frame


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (plain, "ndarray"),
        (array, "ndarray"),
        (typed_array, "ndarray"),
        (image, "image"),
        (video_frame, "video-frame"),
        (image_as_text, "image"),
        (short_image_as_text, "image"),
        (frame_as_text, "video-frame"),
        (array_as_text, "ndarray"),
        (unknown_as_text, "ndarray"),
        (coroutine, "video-frame"),
        (Callback(), "video-frame"),
        (Callback().method, "image"),
        (functools.partial(lambda amount, frame: frame, 3), "ndarray"),
        (lambda frame, amount=1: frame, "ndarray"),
        (np.flipud, "ndarray"),
        (np.negative, "ndarray"),
    ],
)
def test_the_form_is_told_by_the_annotation(function: Callable[..., Any], form: Form) -> None:
    assert form_of(function) == form


@pytest.mark.parametrize("function", [lambda: None, lambda frame, amount: frame, lambda *, frame: frame])
def test_a_function_of_something_else_is_refused_where_it_is_defined(function: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match=r"with one argument, the frame .*; write it as def effect\(frame\)"):
        VideoEffect.of(function)


def test_something_that_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="is a function of the frame, not 'blur'"):
        VideoEffect.of("blur")  # type: ignore[arg-type]  # that is what is tried


def frame_of(rgb: NDArray[np.uint8]) -> Frame:
    picture = VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
    header = FrameHeader(
        number=1, width=picture.width, height=picture.height, timestamp=90_000, arrived_s=0.0, time_s=1.0
    )
    return Frame(header, bytes(pack(picture)))


def negative_array(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return 255 - frame


def negative_image(frame: PIL.Image.Image) -> PIL.Image.Image:
    return PIL.Image.eval(frame, lambda value: 255 - value)


def callback(frame: VideoFrame) -> VideoFrame:
    """As it stands in the documentation of streamlit-webrtc."""
    img = frame.to_ndarray(format="bgr24")

    img = 255 - img

    return VideoFrame.from_ndarray(img, format="bgr24")


@pytest.mark.parametrize("function", [negative_array, negative_image, callback])
def test_each_form_makes_cyan_of_red(function: Callable[..., Any]) -> None:
    effect = VideoEffect.of(function)

    width, height, planes = to_planes(effect(frame_of(RED)), effect.name)

    picture = unpack(memoryview(planes), width, height).to_ndarray(format="rgb24")
    assert (width, height) == (64, 48)
    assert np.abs(picture.astype(int) - (0, 255, 255)).max() <= 4


@pytest.mark.parametrize("width", [1, 2, 3, 17, 641])
@pytest.mark.parametrize("height", [1, 2, 481])
def test_any_size_is_sent_as_it_is(width: int, height: int) -> None:
    picture = np.full((height, width, 3), (0, 0, 255), np.uint8)

    sent_width, sent_height, planes = to_planes(picture, "effect()")

    assert (sent_width, sent_height) == (width, height)
    back = unpack(memoryview(planes), width, height).to_ndarray(format="rgb24")
    assert np.abs(back.astype(int) - (0, 0, 255)).max() <= 4


@pytest.mark.parametrize(
    "picture",
    [
        RED[::-1, ::-1],
        np.asfortranarray(RED),
        PIL.Image.fromarray(RED).convert("RGBA"),
        VideoFrame.from_ndarray(RED, format="rgb24").reformat(format="rgba"),
        VideoFrame.from_ndarray(RED, format="rgb24").reformat(format="yuvj420p"),
    ],
    ids=["flipped view", "fortran order", "RGBA image", "rgba frame", "full range frame"],
)
def test_red_stays_red_in_whatever_layout_it_comes(picture: object) -> None:
    width, height, planes = to_planes(picture, "effect()")

    back = unpack(memoryview(planes), width, height).to_ndarray(format="rgb24")
    assert np.abs(back.astype(int) - (255, 0, 0)).max() <= 4


def test_an_array_of_floats_is_told_how_to_become_a_picture() -> None:
    with pytest.raises(FrameError, match=r"float64 from 0 to 1; a picture is uint8.*\(picture \* 255\)"):
        to_planes(RED / 255, "half()")


def test_a_missing_return_is_named() -> None:
    with pytest.raises(FrameError, match=r"half\(\) returned None; is a return missing\?"):
        to_planes(None, "half()")
