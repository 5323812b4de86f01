"""The own camera's picture in Python: seen, and changed before anybody else sees it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from . import poster
from .effect import VideoEffect
from .effect_runner import EffectStatus
from .errors import NotConnected
from .frames import Frames, snapshot
from .kernel_side import KernelSide
from .mirror import LIVE
from .port import FramePort

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])


class OwnPicture:
    """Base of `Call`: what it does with the camera's picture. Everything may be used from any thread."""

    _side: KernelSide

    def snapshot(self, timeout_s: float = 5.0) -> "NDArray[np.uint8]":
        """The camera's picture now: (height, width, 3) uint8 RGB, before any video effect.

        Raises
        ------
        NotConnected
            If nobody is in the call, or the camera is off.
        TimeoutError
            If no picture came within `timeout_s` seconds.
        """
        return snapshot(FramePort(self._side.bridge, self._side.id), timeout_s, self._require_camera)

    def frames(self) -> Frames:
        """The camera's frames, for ``for`` and ``async for``; the newest one each time.

        The loop ends when the call is left or closed, and when it is lost; an engine that crashes is not
        the end.

        Raises
        ------
        NotConnected
            If nobody is in the call.
        """
        if self._side.mirror.state.phase not in LIVE:
            raise NotConnected(f"No frames yet: the call is {poster.sentence(self._side.mirror.state)}.")
        return Frames(self._side.bridge, self._side.id, lambda: self._side.mirror.is_live)

    def video_effect(self, function: Function) -> Function:
        """Decorator: send `function(frame)` back instead of the camera's picture, and return it unchanged.

        The function takes an ndarray (height, width, 3) uint8 RGB, a PIL image, or an `av.VideoFrame`, by the
        annotation of its parameter, and returns any of them; it may be a coroutine function. It runs in the
        kernel on a thread of its own; the newest frame wins. If it raises, the last good picture stays and
        `errors` says why. Defining it again swaps it live.

        Raises
        ------
        TypeError
            If it is not a function of one picture.
        """
        self._side.use_effect(VideoEffect.of(function))
        return function

    def clear_video_effect(self) -> None:
        """Send the camera's own picture back again."""
        self._side.use_effect(None)

    @property
    def video_effect_status(self) -> EffectStatus | None:
        """How the video effect does: pictures made, skipped and failed, its delay; None without one."""
        return self._side.effect.status

    def _require_camera(self) -> None:
        state = self._side.mirror.state
        if state.phase not in ("connected", "reconnecting"):
            raise NotConnected(f"There is no picture: the call is {poster.sentence(state)}.")
        if not state.camera_on:
            raise NotConnected("There is no picture: the camera is off.")
