"""The own camera's picture in Python: seen, and changed before anybody else sees it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from . import poster
from .arguments import to_number
from .effect import Policy, VideoEffect, Where
from .errors import NotConnected
from .frames import Frames, snapshot
from .kernel_side import KernelSide
from .messages import OnLate
from .mirror import LIVE
from .port import FramePort
from .supplier import VideoStatus
from .video_effect_stats import VideoEffectStats

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

    @overload
    def video_effect(self, function: Function) -> Function: ...

    @overload
    def video_effect(
        self,
        *,
        policy: Policy = "latest",
        on_late: OnLate = "hold",
        size: tuple[int, int] | None = None,
        where: Where = "kernel",
    ) -> Callable[[Function], Function]: ...

    def video_effect(self, function: Any = None, **options: Any) -> Any:
        """Decorator: send `function(frame)` back instead of the camera's picture, and return it unchanged.

        The function takes an ndarray (height, width, 3) uint8 RGB, a PIL image, or an `av.VideoFrame`, by the
        annotation of its parameter, and returns any of them, of any size; it may be a coroutine function. If
        it raises, or returns something else, the last good picture stays and `errors` says why. Defining it
        again swaps it live; one that never returns is left behind on its thread.

        Parameters
        ----------
        policy
            ``"latest"``: the newest frame each time; a slow function skips frames and is never behind by
            more than itself. ``"block"``: every frame in order; up to a second of them waits, and only
            beyond that the oldest are dropped.
        on_late
            What the others see while there is no result. ``"hold"``: the last one, or nothing before the
            first, so that an effect for privacy never shows a raw frame. ``"pass"``: after 0.15 s the
            camera's own picture.
        size
            (width, height) that frames are scaled to before the function gets them, in the engine.
        where
            ``"kernel"``: on a thread of its own beside your cells. ``"engine"``: in a process of its own
            beside the engine, where no busy cell is in its way; the function goes there as a copy (by
            pickle, or cloudpickle if it is defined in the notebook), so that what it changes stays there.
            What it prints appears in the cell that set it.

        Raises
        ------
        TypeError, ValueError
            If it is not a function of one picture, cannot be copied, or for an option that does not exist.
        """
        if function is None:
            return lambda decorated: self.video_effect(decorated, **options)
        self._side.use_effect(VideoEffect.of(function, **options))
        return function

    def clear_video_effect(self) -> None:
        """Send the camera's own picture back again."""
        self._side.use_effect(None)

    @property
    def video_effect_stats(self) -> VideoEffectStats | None:
        """What the video effect does with each frame, as data: counts, delays in s; None without one."""
        return self._side.effect_stats

    def on_frame(
        self, function: Callable[[Any], object], every_s: float = 0.5, participant: str | None = None
    ) -> Callable[[], None]:
        """Call `function(frame)` every `every_s` seconds; returns a function that ends it.

        For work that needs only some frames, the newest each time, and changes none. It takes what a video
        effect takes, by the annotation of its parameter; what it returns is ignored. It runs on a thread of
        its own, also through pauses of the call; when it is slow the next frame comes later. If it raises,
        `errors` says so and it goes on. It ends with the call.

        Parameters
        ----------
        every_s
            Seconds from one frame to the next: 0 (every frame that it is quick enough for) to 3600.
        participant
            Name or id of somebody else in the room; None for the own camera.

        Raises
        ------
        TypeError, ValueError
            If it is not a function of one picture, or for another time.
        KeyError
            If nobody has that name.
        CallError
            If the call was closed.
        """
        identity = "" if participant is None else self._side.participants[participant].id
        every_s = to_number("every_s", every_s, (0, 3600))
        return self._side.watch(VideoEffect.of(function), identity, every_s).close

    @property
    def video_source(self) -> object:
        """What others see in the camera's place, also with the camera off; None for the camera.

        Assign at any time:

        - a generator function, a generator or any iterable of pictures: once through, then the last one
          stays; ``itertools.cycle(pictures)`` goes on for ever;
        - a function without arguments that gives the next picture;
        - one picture, which stays; a picture is an ndarray (height, width, 3) uint8 RGB, a PIL image, or an
          `av.VideoFrame`;
        - the path of a video, which is played in a loop without its sound, or of a picture; relative to the
          notebook's folder;
        - a matplotlib figure, which is followed as it changes, 10 times a second at most;
        - `VideoSource` with any of these, to say how often and how large;
        - None: the camera again.

        Pictures are made one at a time on a thread of the kernel, when the engine wants the next one, and
        shown at their rate by the engine's clock. If the kernel is busy or the code raises, the last picture
        stays. It comes before a video effect, which goes on where the source ends. `snapshot` and `frames`
        remain the camera's, and a screen that is shared is what others see.

        Assigning raises TypeError, ValueError or FileNotFoundError for what is no such thing.
        """
        return self._side.source.given

    @video_source.setter
    def video_source(self, value: object) -> None:
        self._side.use_source(value)

    @property
    def video_source_status(self) -> VideoStatus | None:
        """How many pictures the source made, how many failed, whether they are over; None where Python makes
        none: without a source, or with a video's file.
        """
        return self._side.source.status

    def _require_camera(self) -> None:
        state = self._side.mirror.state
        if state.phase not in ("connected", "reconnecting"):
            raise NotConnected(f"There is no picture: the call is {poster.sentence(state)}.")
        if not state.camera_on:
            raise NotConnected("There is no picture: the camera is off.")
