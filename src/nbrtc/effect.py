"""The user's function on every frame: runs in the kernel, on a thread of its own, newest frame wins."""

import asyncio
import inspect
import threading
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import numpy as np

from .bridge import Bridge
from .errors import EngineError, FrameError, NbrtcError
from .frames import POLL_S, Frame, FramePort
from .messages import FrameHeader
from .pictures import pack

MAX_SIDE = 4096
"""Pixels; larger pictures are refused before they are encoded."""

Form = Literal["ndarray", "image", "video-frame"]


def form_of(function: Callable[..., Any]) -> Form:
    """Which form of a picture a function takes, by the annotation of its first parameter.

    `av.VideoFrame` (the form of streamlit-webrtc's callbacks) and `PIL.Image.Image` are told by name, so that
    string annotations work without evaluating them; everything else is an ndarray.
    """
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters:
        raise TypeError(f"{describe(function)} takes no parameter; a video effect takes the frame.")
    annotation = parameters[0].annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    forms: dict[str, Form] = {"VideoFrame": "video-frame", "Image": "image"}
    return forms.get(name.rsplit(".")[-1], "ndarray")


def describe(function: Callable[..., Any]) -> str:
    """A function's name as a person knows it."""
    return f"{getattr(function, '__name__', type(function).__name__)}()"


def to_planes(value: object, who: str) -> tuple[int, int, bytearray]:
    """(width, height, packed yuv420p) of a picture that a function returned.

    Raises
    ------
    FrameError
        With what came and what is wanted.
    """
    from av import VideoFrame

    if isinstance(value, VideoFrame):
        picture = value
    else:
        if hasattr(value, "convert") and hasattr(value, "mode"):  # a PIL image, without importing PIL
            value = np.asarray(value.convert("RGB"))
        if not isinstance(value, np.ndarray):
            raise FrameError(
                f"{who} returned {type(value).__name__}; return an ndarray (H, W, 3) uint8, a PIL image or an "
                "av.VideoFrame."
            )
        if value.ndim != 3 or value.shape[2] != 3 or value.dtype != np.uint8 or 0 in value.shape:
            raise FrameError(
                f"{who} returned an array {value.shape} of {value.dtype}; a picture is (H, W, 3) uint8 RGB."
            )
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(value), format="rgb24")
    if max(picture.width, picture.height) > MAX_SIDE:
        raise FrameError(
            f"{who} returned {picture.width}x{picture.height} pixels; at most {MAX_SIDE} a side are sent."
        )
    if picture.format.name != "yuv420p":
        picture = picture.reformat(format="yuv420p")
    return picture.width, picture.height, pack(picture)


class EffectRunner:
    """Runs the current video effect of one call until `close`.

    Parameters
    ----------
    on_error
        Told the function, the error and its traceback, on the runner's thread, for every failure.
    """

    def __init__(
        self, bridge: Bridge, call: str, on_error: Callable[[Callable[..., Any], Exception, str], None]
    ) -> None:
        self._bridge = bridge
        self._call = call
        self._on_error = on_error
        self._function: Callable[..., Any] | None = None
        self._form: Form = "ndarray"
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.frames = self.skipped = self.errors = 0
        self.run_s = 0.0

    @property
    def function(self) -> Callable[..., Any] | None:
        """The current effect."""
        return self._function

    def use(self, function: Callable[..., Any] | None) -> None:
        """Swap the function; None ends the thread after the frame that it works on."""
        if function is not None:
            self._form = form_of(function)
        self._function = function
        if function is None:
            self._stopped.set()
        elif self._thread is None or self._stopped.is_set():
            self._stopped = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopped,), name="nbrtc-video-effect", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """End the thread after the frame that it works on. Idempotent."""
        self.use(None)

    def _run(self, stopped: threading.Event) -> None:
        port = FramePort(self._bridge, self._call)
        loop: asyncio.AbstractEventLoop | None = None
        result: tuple[FrameHeader, bytearray] | None = None
        try:
            while not stopped.is_set():
                try:
                    frame = port.receive(POLL_S, result)
                    result = None
                except EngineError:
                    result = None
                    stopped.wait(POLL_S)  # a new engine comes with the next start
                    continue
                except NbrtcError:
                    return  # the call is closed
                function = self._function
                if frame is None or function is None:
                    continue
                self.skipped += frame.skipped
                began_s = frame.age_s
                try:
                    value = function(self._input(frame))
                    if inspect.isawaitable(value):
                        loop = loop or asyncio.new_event_loop()
                        value = loop.run_until_complete(_awaited(value))
                    width, height, planes = to_planes(value, describe(function))
                except Exception as error:
                    self.errors += 1
                    self._on_error(function, error, traceback.format_exc())
                    continue
                self.frames += 1
                self.run_s = frame.age_s - began_s
                header = frame._header
                result = (
                    FrameHeader(
                        number=header.number,
                        width=width,
                        height=height,
                        timestamp=header.timestamp,
                        arrived_s=header.arrived_s,
                        time_s=header.time_s,
                    ),
                    planes,
                )
        finally:
            port.close()
            if loop is not None:
                loop.close()

    def _input(self, frame: Frame) -> object:
        if self._form == "video-frame":
            return frame.video_frame
        return frame.to_image() if self._form == "image" else frame.to_ndarray()


async def _awaited(value: Awaitable[Any]) -> Any:
    return await value
