"""Where everybody is in the picture: rectangles on even pixels, because chroma has half of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from nbrtc.messages import RecordingLayout
from nbrtc.recordings.film.scenes import Standing

WIDTH, HEIGHT = 1280, 720
_INSET, _MARGIN, _FRAME = (320, 240), 20, 2
"""Of "pip", in a picture of 1280x720."""
_GAP = 8
_SLENDER = 3
"""A picture that would lose more than two thirds is not cut."""


@dataclass(frozen=True)
class Rect:
    """All even; in pixels from the top left."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Tile:
    """A place for somebody; later tiles lie on earlier ones."""

    who: int
    rect: Rect
    cover: bool = False
    """Fill the rectangle and cut what sticks out; otherwise all is seen, with dark bars."""
    frame: int = 0
    """Pixels of white around the rectangle."""


def arrange(
    layout: RecordingLayout, people: Sequence[Standing], ranking: Sequence[int], width: int, height: int
) -> tuple[Tile, ...]:
    """Give everybody who is to be seen a tile.

    Parameters
    ----------
    layout
        ``"pip"``, ``"grid"`` or ``"speaker"``. A grid gives way to "speaker" while somebody shares a screen.
    ranking
        Who spoke, the latest first; the others may be missing.
    width, height
        Of the film, even.
    """
    if not people:
        return ()
    if layout == "pip":
        return _pip(people, ranking, width, height)
    if layout == "grid" and not any(one.sharing for one in people):
        return _grid(people, width, height)
    return _speaker(people, ranking, width, height)


def fit(width: int, height: int, room_width: int, room_height: int, *, cover: bool) -> tuple[int, int]:
    """The even size of a picture that fits into a room, or covers it, and keeps its shape."""
    scales = sorted((room_width / width, room_height / height))
    cover = cover and scales[1] < _SLENDER * scales[0]
    scale = scales[1] if cover else scales[0]
    size = [max(2, round(side * scale / 2) * 2) for side in (width, height)]
    bound = max if cover else min
    return bound(size[0], room_width), bound(size[1], room_height)


def _pip(people: Sequence[Standing], ranking: Sequence[int], width: int, height: int) -> tuple[Tile, ...]:
    remote = [one for one in people if not one.local]
    local = next((one for one in people if one.local), None)
    large = _foremost(remote, ranking) or people[0]
    tiles = [Tile(large.who, Rect(0, 0, width, height))]
    if local is not None and local is not large:
        scale = min(width / WIDTH, height / HEIGHT)
        inset_width, inset_height = (_even(side * scale) for side in _INSET)
        margin, frame = _even(_MARGIN * scale), max(_FRAME, _even(_FRAME * scale))
        corner = Rect(max(0, width - inset_width - margin), margin, inset_width, inset_height)
        tiles.append(Tile(local.who, corner, cover=not local.sharing, frame=frame))
    return tuple(tiles)


def _grid(people: Sequence[Standing], width: int, height: int) -> tuple[Tile, ...]:
    count = len(people)
    if count == 1:
        return (Tile(people[0].who, Rect(0, 0, width, height)),)
    gap = _gap(width, height, count)
    tile_width, tile_height, columns = max(
        (*_tile(width, height, gap, columns, ceil(count / columns)), columns)
        for columns in range(1, count + 1)
    )
    rows = ceil(count / columns)
    top = (height - rows * tile_height - (rows - 1) * gap) / 2
    tiles = []
    for row in range(rows):
        there = people[row * columns : (row + 1) * columns]
        left = (width - len(there) * tile_width - (len(there) - 1) * gap) / 2
        y = _even(top) + row * (tile_height + gap)
        tiles += [
            Tile(one.who, Rect(_even(left) + index * (tile_width + gap), y, tile_width, tile_height))
            for index, one in enumerate(there)
        ]
    return tuple(tiles)


def _tile(width: int, height: int, gap: int, columns: int, rows: int) -> tuple[int, int]:
    """The size of tiles of 16:9, so many of them."""
    tile_width = (width - gap * (columns + 1)) / columns
    tile_height = (height - gap * (rows + 1)) / rows
    return _even(min(tile_width, tile_height * 16 / 9)), _even(min(tile_height, tile_width * 9 / 16))


def _speaker(people: Sequence[Standing], ranking: Sequence[int], width: int, height: int) -> tuple[Tile, ...]:
    large = (
        _foremost([one for one in people if one.sharing], ranking)
        or next((one for who in ranking for one in people if one.who == who), None)
        or next((one for one in people if not one.local), people[0])
    )
    others = [one for one in people if one is not large]
    if not others:
        return (Tile(large.who, Rect(0, 0, width, height)),)
    gap = _gap(width, height, len(others))
    strip = _even(height / 6)
    tile_width = min(strip * 16 / 9, (width - gap * (len(others) + 1)) / len(others))
    size = _even(tile_width), _even(min(strip, tile_width * 9 / 16))
    left = _even((width - len(others) * size[0] - (len(others) - 1) * gap) / 2)
    top = height - gap - size[1]
    tiles = [Tile(large.who, Rect(0, 0, width, top - gap))]
    tiles += [
        Tile(one.who, Rect(left + index * (size[0] + gap), top, *size)) for index, one in enumerate(others)
    ]
    return tuple(tiles)


def _foremost(people: Sequence[Standing], ranking: Sequence[int]) -> Standing | None:
    """Whose screen it is, else who spoke last, else the first."""
    order = {who: place for place, who in enumerate(ranking)}
    return min(people, key=lambda one: (not one.sharing, order.get(one.who, len(order))), default=None)


def _gap(width: int, height: int, count: int) -> int:
    """Between tiles; none where it would be wider than they are."""
    return _GAP if min(width, height) / count > 4 * _GAP else 0


def _even(value: float) -> int:
    return max(0, int(value // 2) * 2)
