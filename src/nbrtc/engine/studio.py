"""The studio: where an effect's pictures go back to the page. On the engine's loop."""

import time

from av import VideoFrame

from ..errors import FrameError
from ..messages import FrameHeader, OnLate
from ..pictures import packed_size, unpack
from .decode import Picture
from .link import Link

LATE_S = 0.15
"""An effect that has shown nothing for so long is late; a person sees a picture stand still by then."""


class Studio:
    """Puts the kernel's pictures on the link's outgoing track, over all links of a call.

    Parameters
    ----------
    echoes
        Whether the camera's own frames go back while there is no effect: in a solo call the person sees what
        Python sees; in a room the page shows its camera by itself.
    """

    def __init__(self, *, echoes: bool = True) -> None:
        self._link: Link | None = None
        self._effect = False
        self._echoes = echoes
        self._is_screen = False
        self._good: VideoFrame | None = None
        self._on_late: OnLate = "hold"
        self._resulted_s = 0.0
        self._number = 0
        self._source = False
        self._still: VideoFrame | None = None  # the source's last picture

    def attach(self, link: Link) -> None:
        """Send on this link from now on."""
        self._link = link
        link.outgoing.echoes = self._echoes
        self._choose()
        # the last good frame holds over a reconnection
        if self._source:
            self._show_again(self._still)
        elif self._effect:
            self._show_again(self._good)

    def detach(self) -> None:
        """The link goes."""
        self._link = None

    @property
    def sent(self) -> tuple[int, float]:
        """Of the effect's picture that was sent last (see `OutgoingVideo.effect_sent`)."""
        return (-1, 0.0) if self._link is None else self._link.outgoing.effect_sent

    @property
    def on_late(self) -> OnLate:
        """What is shown while the effect has nothing to show."""
        return self._on_late

    @property
    def echoes(self) -> bool:
        """Whether the camera's own frames go back while there is no effect."""
        return self._echoes

    @echoes.setter
    def echoes(self, on: bool) -> None:
        self._echoes = on
        if self._link is not None:
            self._link.outgoing.echoes = on

    def use_effect(self, on: bool, on_late: OnLate = "hold", number: int = 0) -> None:
        """Send back only the kernel's pictures (True), or what goes back without an effect.

        Parameters
        ----------
        number
            Whose results are shown (see `SetVideoEffect.number`).
        """
        self._effect = on
        self._number = number
        self._on_late = on_late
        self._resulted_s = time.monotonic()
        if not on:
            self._good = None
        self._choose()

    def use_source(self, on: bool) -> None:
        """Pictures of Python's own take the camera's place (True), an effect's too, which come again."""
        if on == self._source:
            return  # the last one's picture stays until there is another
        self._source = on
        self._still = None
        self._choose()
        if not on and self._effect:
            self._show_again(self._good)

    def show_source(self, picture: VideoFrame) -> None:
        """A yuv420p picture of the source: send it now."""
        if self._source:
            self._still = picture
            self._show_again(picture)

    def _show_again(self, picture: VideoFrame | None) -> None:
        """Send a picture that no frame of the camera stands behind, so that it is late by nothing."""
        if self._link is not None and picture is not None:
            self._link.outgoing.effect_delay_s = None
            self._link.outgoing.show(picture, None, None)

    def share_screen(self, on: bool) -> None:
        """The page sends its screen (True) or its camera: an effect for a face is none for a screen."""
        self._is_screen = on
        self._choose()

    def _choose(self) -> None:
        """What the others see, which is what is recorded."""
        if self._link is not None:
            python = self._effect or self._source
            self._link.outgoing.use_effect(python, stand_ins=self._on_late == "pass" and not self._source)
            self._link.shown.use_effect(python and not self._is_screen)

    def take_camera(self, picture: Picture) -> None:
        """A decoded picture of the camera: with `on_late` "pass" it stands in for an effect that is late."""
        if not self._effect or self._source or self._on_late == "hold" or self._link is None:
            return
        if time.monotonic() - self._resulted_s > LATE_S:
            self._link.outgoing.show(picture.frame, picture.timestamp, picture.arrived_s, is_result=False)

    def result(self, header: FrameHeader, planes: memoryview, effect: int = 0) -> None:
        """An effect's picture: send it now.

        Parameters
        ----------
        effect
            Which effect made it; one that was swapped meanwhile is not shown as the present one's.

        Raises
        ------
        FrameError
            If the planes are not those of a picture of this size.
        """
        size = packed_size(header.width, header.height)
        if min(header.width, header.height) < 1 or size != len(planes):
            raise FrameError(
                f"A picture of {header.width}x{header.height} has {size} bytes in yuv420p, not {len(planes)}."
            )
        if not self._effect or effect != self._number:
            return  # it was taken off or swapped while the kernel still worked
        picture = unpack(planes, header.width, header.height)
        self._good = picture
        self._resulted_s = time.monotonic()
        if self._link is not None and not self._source:
            self._link.outgoing.show(picture, header.timestamp, header.arrived_s)
