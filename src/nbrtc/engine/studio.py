"""The studio: where an effect's pictures go back to the page. On the engine's loop."""

from av import VideoFrame

from ..errors import FrameError
from ..messages import FrameHeader
from ..pictures import packed_size, unpack
from .link import Link


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

    def attach(self, link: Link) -> None:
        """Send on this link from now on."""
        self._link = link
        link.outgoing.echoes = self._echoes
        link.outgoing.use_effect(self._effect)
        self._choose()
        if self._effect and self._good is not None:
            link.outgoing.show(self._good, None, None)  # the last good frame holds over a reconnection

    def detach(self) -> None:
        """The link goes."""
        self._link = None

    @property
    def echoes(self) -> bool:
        """Whether the camera's own frames go back while there is no effect."""
        return self._echoes

    @echoes.setter
    def echoes(self, on: bool) -> None:
        self._echoes = on
        if self._link is not None:
            self._link.outgoing.echoes = on

    def use_effect(self, on: bool) -> None:
        """Send back only the kernel's pictures (True), or what goes back without an effect."""
        self._effect = on
        if not on:
            self._good = None
        if self._link is not None:
            self._link.outgoing.use_effect(on)
        self._choose()

    def share_screen(self, on: bool) -> None:
        """The page sends its screen (True) or its camera: an effect for a face is none for a screen."""
        self._is_screen = on
        self._choose()

    def _choose(self) -> None:
        """What the others see, which is what is recorded."""
        if self._link is not None:
            self._link.shown.use_effect(self._effect and not self._is_screen)

    def result(self, header: FrameHeader, planes: memoryview) -> None:
        """An effect's picture: send it now.

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
        if not self._effect:
            return  # it was taken off while the kernel still worked
        picture = unpack(planes, header.width, header.height)
        self._good = picture
        if self._link is not None:
            self._link.outgoing.show(picture, header.timestamp, header.arrived_s)
