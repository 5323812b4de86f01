"""The own picture as the others see it: the camera's frames, or those of the effect that takes their place.

What is recorded of oneself. A person who hides behind an effect is hidden in the recording, too.
"""

import time
from dataclasses import replace
from typing import Protocol

from .encode import TIME_BASE
from .feed import EncodedFrame, Feed
from .rtp_clock import JUMP_TICKS


class EffectSource(Protocol):
    """What is needed of `OutgoingVideo`."""

    effect_delay_s: float | None

    def request_keyframe(self) -> None:
        """Make the next picture decodable by itself."""


class ShownPicture:
    """One feed over both sources, on the camera's clock. On the engine's loop.

    Parameters
    ----------
    camera
        The link's encoded frames of the camera, or of the screen that is shared.
    effect
        Encodes the effect's pictures; its owner hands them to `take`.
    """

    def __init__(self, camera: Feed, effect: EffectSource) -> None:
        self.feed = Feed("video", self._ask_keyframe)
        self._camera = camera
        self._effect = effect
        self._is_effect = False
        self._awaits_keyframe = False
        self._newest: EncodedFrame | None = None
        """Of the camera."""
        self._timestamp = -1
        self._unsubscribe = camera.subscribe(self._pass)

    def use_effect(self, on: bool) -> None:
        """Show the effect's pictures (True), or the camera's. A shared screen has no effect."""
        if on == self._is_effect:
            return
        self._is_effect = on
        self._awaits_keyframe = True
        self.feed.request_keyframe()

    def take(self, data: bytes, codec: str, *, keyframe: bool, source: tuple[int, float] | None) -> None:
        """The effect's next picture, in the order of encoding; each one counts, for the next builds on it.

        Parameters
        ----------
        source
            RTP timestamp and arrival (`time.monotonic`) of the camera's frame that it was made of; None where
            the last picture is only sent again.
        """
        if not self._is_effect:
            return
        timestamp, arrived_s = self._now() if source is None else source
        self._push(
            EncodedFrame("video", codec, timestamp, TIME_BASE.denominator, keyframe, data, arrived_s),
        )

    def close(self) -> None:
        """Let go of the camera; idempotent."""
        self._unsubscribe()

    def _pass(self, frame: EncodedFrame) -> None:
        self._newest = frame
        if not self._is_effect:
            self._push(frame)

    def _push(self, frame: EncodedFrame) -> None:
        if self._awaits_keyframe and not frame.keyframe:
            self.feed.request_keyframe()
            return
        self._awaits_keyframe = False
        # the effect is behind the camera, whose place it takes; further back is another clock, as where the
        # camera was off until now
        if -JUMP_TICKS < frame.timestamp - self._timestamp <= 0:
            frame = replace(frame, timestamp=self._timestamp + 1)
        self._timestamp = frame.timestamp
        self.feed.report = self._camera.report
        self.feed.push(frame)

    def _now(self) -> tuple[int, float]:
        """Where a picture without a time of its own lies on the camera's clock: as late as the others are."""
        now_s = time.monotonic()
        camera = self._newest
        if camera is None:
            return round(now_s * TIME_BASE.denominator), now_s
        shown_s = now_s - (self._effect.effect_delay_s or 0.0)
        return camera.timestamp + round((shown_s - camera.arrived_s) * camera.clock_rate), shown_s

    def _ask_keyframe(self) -> None:
        if self._is_effect:
            self._effect.request_keyframe()
        else:
            self._camera.request_keyframe()
