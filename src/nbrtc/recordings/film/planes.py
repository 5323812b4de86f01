"""Pictures as planes of luma and chroma (4:2:0, limited range, BT.601), and what is drawn on them."""

from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from nbrtc.recordings.film.layouts import Rect
from nbrtc.recordings.film.lettering import Mask

Plane = NDArray[np.uint8]

Colour = tuple[int, int, int]
"""Y, U and V."""
DARK: Colour = (24, 129, 127)
WHITE: Colour = (235, 128, 128)
GREY: Colour = (165, 128, 128)
_PLATE = 0.6
"""How much of the picture a caption's plate takes away."""


@dataclass(frozen=True)
class Planes:
    """Three planes; those of chroma have half the width and height."""

    y: Plane
    u: Plane
    v: Plane

    @classmethod
    def empty(cls, width: int, height: int) -> "Planes":
        """New ones of an even size, filled with `DARK`."""
        half = height // 2, width // 2
        planes = cls(np.empty((height, width), np.uint8), np.empty(half, np.uint8), np.empty(half, np.uint8))
        planes.fill(DARK)
        return planes

    @classmethod
    def of(cls, frame: av.VideoFrame) -> "Planes":
        """The memory of a yuv420p frame itself, without its padding."""
        y, u, v = (
            np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
                : plane.height, : plane.width
            ]
            for plane in frame.planes
        )
        return cls(y, u, v)

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.y.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.y.shape[0])

    def part(self, rect: Rect) -> "Planes":
        """A window onto these planes."""
        x, y, right, below = rect.x, rect.y, rect.x + rect.width, rect.y + rect.height
        chroma = np.s_[y // 2 : below // 2, x // 2 : right // 2]
        return Planes(self.y[y:below, x:right], self.u[chroma], self.v[chroma])

    def fill(self, colour: Colour) -> None:
        """Paint all of it."""
        self.y[:], self.u[:], self.v[:] = colour

    def paste(self, other: "Planes", x: int = 0, y: int = 0) -> None:
        """Copy `other` to an even place, where it fits."""
        target = self.part(Rect(x, y, other.width, other.height))
        target.y[:], target.u[:], target.v[:] = other.y, other.u, other.v

    def frame(self, rect: Rect, width: int, colour: Colour = WHITE) -> None:
        """Paint a frame around `rect`, as far as there is room."""
        left, top = max(0, rect.x - width), max(0, rect.y - width)
        right = min(self.width, rect.x + rect.width + width)
        below = min(self.height, rect.y + rect.height + width)
        self.part(Rect(left, top, right - left, below - top)).fill(colour)

    def blend(self, mask: Mask, x: int, y: int, colour: Colour) -> None:
        """Paint through a mask; what lies outside is cut off. `x` and `y` are even."""
        height, width = min(mask.shape[0], self.height - y), min(mask.shape[1], self.width - x)
        if width <= 0 or height <= 0:
            return
        even = np.zeros((height + height % 2, width + width % 2), np.uint16)
        even[:height, :width] = mask[:height, :width]
        coarse = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) // 4
        target = self.part(Rect(x, y, even.shape[1], even.shape[0]))
        for plane, cover, value in zip(
            (target.y, target.u, target.v), (even, coarse, coarse), colour, strict=True
        ):
            # A window at an odd edge of the picture is smaller than the evened mask.
            part = cover[: plane.shape[0], : plane.shape[1]]
            plane[:] = (plane * (255 - part) + value * part + 127) // 255

    def darken(self, rect: Rect) -> None:
        """Put a caption's plate over a part."""
        height, width = min(rect.height, self.height - rect.y), min(rect.width, self.width - rect.x)
        self.blend(
            np.full((max(0, height), max(0, width)), round(255 * _PLATE), np.uint8), rect.x, rect.y, DARK
        )
