"""A video effect: the user's function, the form of picture that it takes, and what it may return."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from .arguments import to_size
from .backdrop import is_image, to_rgb
from .errors import FrameError
from .frame import Frame
from .messages import OnLate
from .pictures import pack, to_yuv420p

if TYPE_CHECKING:
    import numpy as np

MAX_SIDE = 4096
"""Pixels; larger pictures are refused before they are encoded."""

Form = Literal["ndarray", "image", "video-frame"]
Policy = Literal["latest", "block"]
"""Which frames a function gets: the newest one each time, or every one in order, as far as memory allows."""
Where = Literal["kernel", "engine"]
"""Where it runs: on a thread of the kernel, or in a process of its own beside the engine."""
Function = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class VideoEffect:
    """A function on frames, checked once; one object, so that function and form are swapped together."""

    function: Function
    form: Form
    name: str
    policy: Policy = "latest"
    on_late: OnLate = "hold"
    size: tuple[int, int] | None = None
    """(width, height) that frames are scaled to before the function gets them."""
    where: Where = "kernel"
    guess: "Guess | None" = None
    """Where no annotation says which form it takes."""

    @classmethod
    def of(
        cls,
        function: Function,
        *,
        policy: Policy = "latest",
        on_late: OnLate = "hold",
        size: tuple[int, int] | None = None,
        where: Where = "kernel",
    ) -> "VideoEffect":
        """The effect that a function makes.

        Raises
        ------
        TypeError, ValueError
            If it is not a function of one picture, or for an option that does not exist; the message names
            those that do.
        """
        if not callable(function):
            raise TypeError(f"A video effect is a function of the frame, not {function!r}.")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{describe(function)} is a generator function; a video effect returns one picture for each "
                "frame. Pictures that a generator makes by itself are a call.video_source."
            )
        options = {"policy": (policy, Policy), "on_late": (on_late, OnLate), "where": (where, Where)}
        for what, (value, literal) in options.items():
            if value not in get_args(literal):
                valid = " or ".join(map(repr, get_args(literal)))
                raise ValueError(f"{what} is {valid}, not {value!r}.")
        return cls(
            function,
            form_of(function),
            describe(function),
            policy,
            on_late,
            to_size(size),
            where,
            None if _annotation(function) else Guess(),
        )

    def __call__(self, frame: Frame) -> Any | Awaitable[Any]:
        """Whatever the function returns for this frame."""
        if self.guess is not None:
            return self.guess.call(self.function, frame)
        match self.form:
            case "video-frame":
                return self.function(frame.video_frame)
            case "image":
                return self.function(frame.to_image())
            case _:
                return self.function(frame.to_ndarray())


class Guess:
    """Finds out which form a function without annotations takes: an ndarray, or else an `av.VideoFrame`.

    ``def callback(frame): picture = frame.to_ndarray(format="bgr24")`` is how callbacks of streamlit-webrtc
    are often written.
    """

    def __init__(self) -> None:
        self._wants_video_frame = False

    def call(self, function: Function, frame: Frame) -> Any | Awaitable[Any]:
        """Whatever the function returns for this frame."""
        if self._wants_video_frame:
            return function(frame.video_frame)
        picture = frame.to_ndarray()
        try:
            value = function(picture)
        except AttributeError as error:
            if not self._tells(error, picture):
                raise
            return function(frame.video_frame)
        return self._awaited(value, function, frame, picture) if inspect.isawaitable(value) else value

    async def _awaited(self, value: Awaitable[Any], function: Function, frame: Frame, picture: object) -> Any:
        """The same for a coroutine function, which finds out when it is awaited."""
        try:
            return await value
        except AttributeError as error:
            if not self._tells(error, picture):
                raise
        return await function(frame.video_frame)

    def _tells(self, error: AttributeError, picture: object) -> bool:
        """Whether the function asked an array for what only an `av.VideoFrame` has."""
        from av import VideoFrame

        if error.obj is picture and hasattr(VideoFrame, error.name or ""):
            self._wants_video_frame = True
        return self._wants_video_frame


def _annotation(function: Function) -> object:
    """Of the first parameter; None without one."""
    try:
        annotation = next(iter(inspect.signature(function).parameters.values())).annotation
    except (ValueError, StopIteration):
        return None
    return None if annotation is inspect.Parameter.empty else annotation


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
    picture = to_yuv420p(picture)
    return picture.width, picture.height, pack(picture)


def _checked_array(value: object, who: str) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    import numpy as np

    if is_image(value):
        value = to_rgb(value, "white")
    wanted = "an ndarray (height, width, 3) of uint8, a PIL image or an av.VideoFrame"
    if value is None:
        raise FrameError(f"{who} returned None; is a return missing? Return {wanted}.")
    if not isinstance(value, np.ndarray):
        raise FrameError(f"{who} returned {type(value).__name__}; return {wanted}.")
    if value.ndim != 3 or value.shape[2] != 3 or 0 in value.shape:
        raise FrameError(f"{who} returned an array of shape {value.shape}; a picture is (height, width, 3).")
    if value.dtype != np.uint8:
        raise FrameError(f"{who} returned an array of {value.dtype}{_range(value)}.")
    return np.ascontiguousarray(value)


def _range(value: "np.ndarray[Any, np.dtype[Any]]") -> str:
    """What is in an array that is no picture, and how it becomes one."""
    import numpy as np

    if value.dtype == np.bool_:
        return "; a picture is uint8, 0 to 255: picture.astype(numpy.uint8) * 255"
    if value.dtype.kind not in "iuf":
        return "; a picture is uint8, 0 to 255"
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        return " with NaN or infinite values; a picture is uint8, 0 to 255, and has a number everywhere"
    low, high = value.min(), value.max()
    if value.dtype.kind == "f" and low >= 0 and high <= 1:
        scaled = "(picture * 255).round().astype(numpy.uint8)"
    else:
        scaled = "numpy.clip(picture, 0, 255).astype(numpy.uint8)"
    return f" from {low:g} to {high:g}; a picture is uint8, 0 to 255: {scaled}"
