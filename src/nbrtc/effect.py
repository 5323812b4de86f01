"""A video effect: the user's function, the form of picture that it takes, and what it may return."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .errors import FrameError
from .frame import Frame
from .pictures import pack

if TYPE_CHECKING:
    import numpy as np

MAX_SIDE = 4096
"""Pixels; larger pictures are refused before they are encoded."""

Form = Literal["ndarray", "image", "video-frame"]
Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class VideoEffect:
    """A function on frames, checked once; one object, so that function and form are swapped together."""

    function: Function
    form: Form
    name: str

    @classmethod
    def of(cls, function: Function) -> "VideoEffect":
        """The effect that a function makes.

        Raises
        ------
        TypeError
            If it is not a function of one picture.
        """
        if not callable(function):
            raise TypeError(f"A video effect is a function of the frame, not {function!r}.")
        return cls(function, form_of(function), describe(function))

    def __call__(self, frame: Frame) -> Any | Awaitable[Any]:
        """Whatever the function returns for this frame."""
        match self.form:
            case "video-frame":
                return self.function(frame.video_frame)
            case "image":
                return self.function(frame.to_image())
            case _:
                return self.function(frame.to_ndarray())


def form_of(function: Function) -> Form:
    """Which form of a picture a function takes, by the annotation of its first parameter.

    `av.VideoFrame` (the form of streamlit-webrtc's callbacks) and `PIL.Image.Image` are told by name, so that
    string annotations work without evaluating them; everything else is an ndarray.

    Raises
    ------
    TypeError
        If it cannot be called with one argument.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:
        return "ndarray"  # a builtin that does not tell
    try:
        signature.bind(None)
    except TypeError as error:
        raise TypeError(
            f"{describe(function)} cannot be called with one argument, the frame ({error}); write it as "
            "def effect(frame): ... return picture."
        ) from None
    annotation = next(iter(signature.parameters.values())).annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    forms: dict[str, Form] = {"VideoFrame": "video-frame", "Image": "image"}
    return forms.get(name.strip("'\" ").rsplit(".")[-1], "ndarray")


def describe(function: Function) -> str:
    """A function's name as a person knows it."""
    return f"{getattr(function, '__name__', type(function).__name__)}()"


def to_planes(value: object, who: str) -> tuple[int, int, bytearray]:
    """(width, height, packed yuv420p) of a picture that a function returned.

    Parameters
    ----------
    value
        ndarray (height, width, 3) uint8 RGB, PIL image, or `av.VideoFrame` of any format.
    who
        Whom the error blames.

    Raises
    ------
    FrameError
        With what came and what is wanted.
    """
    from av import VideoFrame

    if isinstance(value, VideoFrame):
        picture = value
    else:
        picture = VideoFrame.from_ndarray(_checked_array(value, who), format="rgb24")
    if max(picture.width, picture.height) > MAX_SIDE:
        raise FrameError(
            f"{who} returned {picture.width}x{picture.height} pixels; at most {MAX_SIDE} a side are sent."
        )
    if picture.format.name != "yuv420p":
        picture = picture.reformat(format="yuv420p")
    return picture.width, picture.height, pack(picture)


def _checked_array(value: object, who: str) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    import numpy as np

    if hasattr(value, "convert") and hasattr(value, "mode"):  # a PIL image, without importing PIL
        value = np.asarray(value.convert("RGB"))
    wanted = "an ndarray (height, width, 3) of uint8, a PIL image or an av.VideoFrame"
    if value is None:
        raise FrameError(f"{who} returned None; is a return missing? Return {wanted}.")
    if not isinstance(value, np.ndarray):
        raise FrameError(f"{who} returned {type(value).__name__}; return {wanted}.")
    if value.ndim != 3 or value.shape[2] != 3 or 0 in value.shape:
        raise FrameError(f"{who} returned an array of shape {value.shape}; a picture is (height, width, 3).")
    if value.dtype != np.uint8:
        raise FrameError(
            f"{who} returned an array of {value.dtype}; a picture is uint8, 0 to 255: "
            "numpy.clip(picture, 0, 255).astype(numpy.uint8)."
        )
    return np.ascontiguousarray(value)
