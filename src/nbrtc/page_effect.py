"""The effects that the page itself puts on the camera's picture, as Python chooses them."""

from difflib import get_close_matches
from os import PathLike
from typing import TYPE_CHECKING

from .backdrop import to_backdrop, to_jpeg
from .kernel_side import KernelSide
from .messages import EFFECTS, Effect

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image
    from numpy.typing import NDArray

NONE, BACKGROUND = Effect("none"), Effect("background")


class PageEffect:
    """Base of `Call`: which of the page's effects is on. Everything may be used from any thread."""

    _side: KernelSide
    _background: "NDArray[np.uint8] | None" = None

    @property
    def effect(self) -> Effect:
        """What the page does to the camera's picture before anybody else sees it, Python too.

        Assign a name, an `Effect` with its strength, or None for ``"none"``; at any time, also before the
        click. ``call.effect.name`` is the name. It may be chosen in the widget, too. A shared screen stays
        as it is.

        >>> call.effect = "blur"                                        # doctest: +SKIP
        >>> call.effect = nbrtc.Effect("brightness", strength=0.5)      # doctest: +SKIP

        The names: ``"none"``, ``"blur"`` and ``"background"`` (behind the person; until the page can tell
        the person from the background the whole picture is blurred), ``"grayscale"``, ``"sepia"``,
        ``"invert"``, ``"brightness"``, ``"contrast"``, ``"pixelate"``, ``"edge"``, ``"mirror"``.

        Assigning raises ValueError for a name that does not exist, and for ``"background"`` without a
        picture; TypeError for anything else.
        """
        return self._side.mirror.state.effect

    @effect.setter
    def effect(self, value: "str | Effect | None") -> None:
        effect = to_effect(value)
        state = self._side.mirror.state
        # the page may have a picture of its own, which is chosen with the effect
        if effect == BACKGROUND and not state.background and state.effect != BACKGROUND:
            raise ValueError(
                'The effect "background" needs a picture: call.background = an ndarray, a PIL image or a '
                "path. That switches it on, too."
            )
        self._side.change_effect(effect, state.background)

    @property
    def background(self) -> "NDArray[np.uint8] | None":
        """The picture behind the person: (height, width, 3) uint8 RGB, as it was scaled; None without one.

        Assign an ndarray of this form, a PIL image or the path of a picture (relative to the notebook's
        folder), which is scaled to at most 1920x1080, covers the whole background and switches the effect
        ``"background"`` on. None takes it away and switches that effect off.

        Assigning raises `FrameError` (a ValueError) for what is no such picture or has more than 64 million
        pixels, FileNotFoundError where there is no such file, and TypeError for anything else.
        """
        return None if self._background is None else self._background.copy()

    @background.setter
    def background(self, value: "NDArray[np.uint8] | PIL.Image.Image | str | PathLike[str] | None") -> None:
        if value is None:
            present = self._side.mirror.state.effect
            self._side.change_effect(NONE if present == BACKGROUND else present, "")
            self._background = None
            return
        picture = to_backdrop(value, "call.background", self._side.folder)
        name = self._side.assets.add_picture(to_jpeg(picture))
        self._background = picture
        self._side.change_effect(BACKGROUND, name)


def to_effect(value: object) -> Effect:
    """The effect for a name, an `Effect`, or None.

    Raises
    ------
    ValueError
        For a name that does not exist, naming those that do.
    TypeError
        For anything else.
    """
    if value is None:
        return NONE
    if isinstance(value, Effect):
        return value
    if not isinstance(value, str):
        raise TypeError(f"call.effect is a name, nbrtc.Effect(name, strength=...) or None, not {value!r}.")
    for name in EFFECTS:
        if name == value:
            return Effect(name)
    near = get_close_matches(value.lower(), EFFECTS, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(f"There is no effect {value!r}{hint}; use {', '.join(map(repr, EFFECTS))}.")
