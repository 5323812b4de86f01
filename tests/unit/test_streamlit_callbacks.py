"""Callbacks as people write them for streamlit-webrtc run as they are.

Written after the filters of its sample app: edge detection, cartoon and rotation, on `av.VideoFrame`.
"""

# mypy: disable-error-code="assignment, arg-type"
# (the callbacks are not ours to annotate)

import math
from collections.abc import Callable
from typing import Any

import av
import cv2
import numpy as np
import pytest

from nbrtc.effect import VideoEffect, to_planes
from nbrtc.frame import Frame
from nbrtc.messages import FrameHeader
from nbrtc.pictures import pack, unpack

WIDTH, HEIGHT = 64, 48


def edges(frame: av.VideoFrame) -> av.VideoFrame:
    img = frame.to_ndarray(format="bgr24")
    img = cv2.cvtColor(cv2.Canny(img, 100, 200), cv2.COLOR_GRAY2BGR)
    return av.VideoFrame.from_ndarray(img, format="bgr24")


def cartoon(frame: av.VideoFrame) -> av.VideoFrame:
    img = frame.to_ndarray(format="bgr24")
    img_color = cv2.pyrDown(cv2.pyrDown(img))
    for _ in range(6):
        img_color = cv2.bilateralFilter(img_color, 9, 9, 7)
    img_color = cv2.pyrUp(cv2.pyrUp(img_color))
    img_edges = cv2.cvtColor(img, cv2.COLOR_RGB2GRAY)
    img_edges = cv2.adaptiveThreshold(
        cv2.medianBlur(img_edges, 7), 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 2
    )
    img_edges = cv2.cvtColor(img_edges, cv2.COLOR_GRAY2RGB)
    return av.VideoFrame.from_ndarray(cv2.bitwise_and(img_color, img_edges), format="bgr24")


def rotate(frame: av.VideoFrame) -> av.VideoFrame:
    img = frame.to_ndarray(format="bgr24")
    rows, cols, _ = img.shape
    degrees = math.degrees((frame.time or 0.0) * math.pi / 2)
    matrix = cv2.getRotationMatrix2D((cols / 2, rows / 2), degrees, 1)
    img = cv2.warpAffine(img, matrix, (cols, rows))
    return av.VideoFrame.from_ndarray(img, format="bgr24")


def without_annotation(frame):  # type: ignore[no-untyped-def]  # as it is often written
    img = frame.to_ndarray(format="bgr24")
    return av.VideoFrame.from_ndarray(img[:, ::-1, :], format="bgr24")


def halves(time_s: float) -> Frame:
    """White on the left, black on the right."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, : WIDTH // 2] = 255
    planes = pack(av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p"))
    header = FrameHeader(
        number=1, width=WIDTH, height=HEIGHT, timestamp=round(90_000 * time_s), arrived_s=0.0, time_s=time_s
    )
    return Frame(header, bytes(planes))


def applied(callback: Callable[..., Any], time_s: float = 0.0) -> np.ndarray[Any, Any]:
    effect = VideoEffect.of(callback)
    width, height, planes = to_planes(effect(halves(time_s)), effect.name)
    return unpack(planes, width, height).to_ndarray(format="rgb24")


def test_edges() -> None:
    picture = applied(edges)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert picture[:, WIDTH // 2 - 3 : WIDTH // 2 + 3].max() > 200
    assert picture[:, : WIDTH // 4].max() < 30
    assert picture[:, -WIDTH // 4 :].max() < 30


def test_cartoon() -> None:
    picture = applied(cartoon)
    assert picture[:, : WIDTH // 4].mean() > 200
    assert picture[:, -WIDTH // 4 :].mean() < 30


@pytest.mark.parametrize(("time_s", "bright"), [(0.0, "left"), (2.0, "right")])
def test_rotation_follows_the_frames_time(time_s: float, bright: str) -> None:
    picture = applied(rotate, time_s).mean(axis=2)
    left, right = picture[8:40, 12:28].mean(), picture[8:40, 36:52].mean()
    assert bool(left > right) is (bright == "left")


def test_a_callback_without_annotation_is_understood_at_its_first_frame() -> None:
    effect = VideoEffect.of(without_annotation)
    for _ in range(2):
        width, height, planes = to_planes(effect(halves(0.0)), effect.name)
        picture = unpack(planes, width, height).to_ndarray(format="rgb24")
        assert picture[:, : WIDTH // 4].mean() < 30
        assert picture[:, -WIDTH // 4 :].mean() > 200


def test_a_mistake_of_the_callback_is_no_sign_of_another_form() -> None:
    def wrong(frame):  # type: ignore[no-untyped-def]
        return frame.turned

    with pytest.raises(AttributeError, match="turned"):
        VideoEffect.of(wrong)(halves(0.0))
