"""A matplotlib figure as a picture that follows its changes, drawn beside the figure's own canvas."""

import time
from typing import TYPE_CHECKING, Any, TypeGuard, cast

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

LOOK_S = 0.05
"""How often a figure is asked whether something in it changed; that is an attribute."""
REDRAW_S = 0.5
"""Drawn anew after this long all the same: another canvas that drew it took the mark of the change away. A
figure of 640x480 costs 25 ms of the interpreter, one of 1280x720 twice that."""


class FigurePicture:
    """Makes the next picture of a figure, when there is one. On the source's thread.

    Parameters
    ----------
    figure
        It keeps its canvas and whatever shows it in the notebook.
    """

    def __init__(self, figure: "Figure") -> None:
        self._figure = figure
        self._renderer: Any = None
        self._kind: tuple[int, int, float] | None = None
        self._drawn_s = float("-inf")

    def __call__(self) -> "NDArray[np.uint8]":
        """Wait for a change, at most `REDRAW_S`, and draw: (height, width, 3) uint8, RGB, even sides."""
        while not self._figure.stale and time.monotonic() - self._drawn_s < REDRAW_S:
            time.sleep(LOOK_S)
        self._drawn_s = time.monotonic()
        try:
            return self._draw()
        except Exception:  # noqa: BLE001  any artist's
            # most likely the user's code changed the figure at this moment; what is really wrong fails again
            return self._draw()

    def _draw(self) -> "NDArray[np.uint8]":
        import numpy as np
        from matplotlib.backends.backend_agg import RendererAgg

        figure = self._figure
        width, height = (max(2, int(side) // 2 * 2) for side in figure.bbox.size)
        kind = width, height, figure.dpi
        if kind != self._kind:
            self._renderer, self._kind = RendererAgg(*kind), kind  # type: ignore[no-untyped-call]
        self._renderer.clear()
        figure.draw(self._renderer)
        pixels = np.asarray(self._renderer.buffer_rgba())
        alpha = pixels[:, :, 3:]
        if alpha.min() == 255:
            return pixels[:, :, :3].copy()
        # a transparent figure lies on white, as in a notebook
        share = alpha.astype(np.float32) / 255
        mixed = pixels[:, :, :3] * share + 255 * (1 - share)
        return cast("NDArray[np.uint8]", mixed.round().astype(np.uint8))


def is_figure(value: object) -> "TypeGuard[Figure]":
    """Whether it is a matplotlib figure, without importing matplotlib."""
    return any(
        kind.__module__ == "matplotlib.figure" and kind.__name__ == "Figure" for kind in type(value).__mro__
    )
