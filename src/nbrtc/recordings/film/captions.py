"""What is written into the picture: names, faces of those who have no picture, and a card for nobody."""

from zlib import crc32

import numpy as np

from nbrtc.recordings.film.layouts import Rect
from nbrtc.recordings.film.lettering import initials, lettering
from nbrtc.recordings.film.planes import DARK, GREY, WHITE, Colour, Planes

_SMALLEST, _LARGEST = 11, 24
"""Of a name, in pixels."""
_AVATARS: tuple[Colour, ...] = (
    (92, 156, 112),
    (88, 108, 160),
    (96, 112, 108),
    (84, 148, 144),
    (100, 104, 140),
)


def caption(tile: Planes, name: str) -> None:
    """Write a name at the lower left of a tile, on a dark plate that lets the picture through."""
    size = min(_LARGEST, max(_SMALLEST, tile.height // 20))
    pad = size // 2 // 2 * 2
    mask = lettering(name, size, tile.width - 4 * pad)
    if not mask.size or size * 3 > tile.height:
        return
    # As high as the tallest letters, so that plates side by side are alike.
    height = (size * 14 // 10 + pad) // 2 * 2
    plate = Rect(pad, (tile.height - height - pad) // 2 * 2, (mask.shape[1] + 2 * pad) // 2 * 2, height)
    tile.darken(plate)
    tile.blend(mask, plate.x + pad, plate.y + (height - mask.shape[0]) // 4 * 2, WHITE)


def avatar(tile: Planes, name: str) -> None:
    """Show somebody who has no picture: their initials in a disc of their colour."""
    tile.fill(DARK)
    radius = min(tile.width, tile.height) * 0.24
    rows, columns = np.ogrid[: tile.height, : tile.width]
    distance = np.hypot(rows - tile.height / 2 + 0.5, columns - tile.width / 2 + 0.5)
    disc = (255 * np.clip(radius - distance, 0, 1)).astype(np.uint8)
    tile.blend(disc, 0, 0, _AVATARS[crc32(name.encode()) % len(_AVATARS)])
    _centred(tile, lettering(initials(name), max(4, round(radius * 0.8)), tile.width), WHITE)


def card(picture: Planes, title: str, below: str) -> None:
    """Say what a film is of while nobody is in it."""
    picture.fill(DARK)
    size = max(8, picture.height // 16)
    room = picture.width * 9 // 10
    _centred(picture, lettering(title, size, room), WHITE, -size)
    _centred(picture, lettering(below, size // 2, room), GREY, size // 2)


def _centred(
    target: Planes, mask: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], colour: Colour, down: int = 0
) -> None:
    x = max(0, (target.width - mask.shape[1]) // 4 * 2)
    y = max(0, (target.height - mask.shape[0]) // 4 * 2 + down // 2 * 2)
    target.blend(mask, x, y, colour)
