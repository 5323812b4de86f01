"""Composes the film's pictures; what did not change is neither scaled nor painted again."""

from collections.abc import Mapping, Sequence

import av
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from nbrtc.pictures import to_yuv420p
from nbrtc.recordings.film import captions
from nbrtc.recordings.film.layouts import Rect, Tile, fit
from nbrtc.recordings.film.planes import DARK, Planes


class Painter:
    """Paints tiles into pictures of one size. One thread.

    Parameters
    ----------
    names
        Of everybody, by the tiles' `who`.
    title
        For the card that is shown while nobody is there.
    """

    def __init__(self, names: Sequence[str], title: str, width: int, height: int) -> None:
        self._names = names
        self._title = title
        self._size = width, height
        self._tiles: tuple[Tile, ...] | None = None
        self._painted: dict[Tile, _Painted] = {}
        self._picture: av.VideoFrame | None = None

    def paint(self, tiles: tuple[Tile, ...], frames: Mapping[int, av.VideoFrame | None]) -> av.VideoFrame:
        """Make the next picture: each tile with the person's frame, or their avatar where it is None.

        Returns
        -------
        av.VideoFrame
            yuv420p. It is the same object as before if nothing changed, and is never painted on again.
        """
        changed = self._picture is None or tiles != self._tiles
        if tiles != self._tiles:
            # Kept for the tiles that stay, and for no others.
            known = self._painted
            self._painted = {tile: known.get(tile) or _Painted(tile, self._names[tile.who]) for tile in tiles}
            self._tiles = tiles
        for tile, painted in self._painted.items():
            changed |= painted.update(frames.get(tile.who))
        if changed or self._picture is None:
            self._picture = self._composed()
        return self._picture

    def _composed(self) -> av.VideoFrame:
        frame = av.VideoFrame(*self._size, "yuv420p")
        # What the encoder is told is written into the file, so that no player has to guess.
        frame.colorspace, frame.color_range = Colorspace.ITU601, ColorRange.MPEG
        picture = Planes.of(frame)
        if not self._painted:
            captions.card(picture, self._title, "Nobody is here")
            return frame
        covered = any((tile.rect.width, tile.rect.height) == self._size for tile in self._painted)
        if not covered:
            picture.fill(DARK)
        for tile, painted in self._painted.items():
            if tile.frame:
                picture.frame(tile.rect, tile.frame)
            picture.paste(painted.planes, tile.rect.x, tile.rect.y)
        return frame


class _Painted:
    """One tile, scaled and with its caption."""

    def __init__(self, tile: Tile, name: str) -> None:
        self._tile = tile
        self._name = name
        self._scaler = VideoReformatter()
        self._frame: av.VideoFrame | None = None
        self._fresh = False
        self._shape: tuple[int, int] | None = None
        self.planes = Planes.empty(tile.rect.width, tile.rect.height)

    def update(self, frame: av.VideoFrame | None) -> bool:
        """Paint another frame; False if it is the same as before."""
        if self._fresh and frame is self._frame:
            return False
        self._fresh, self._frame = True, frame
        if frame is None:
            self._shape = None
            captions.avatar(self.planes, self._name)
        else:
            self._paste(frame)
        captions.caption(self.planes, self._name)
        return True

    def _paste(self, frame: av.VideoFrame) -> None:
        rect = self._tile.rect
        width, height = fit(frame.width, frame.height, rect.width, rect.height, cover=self._tile.cover)
        if self._shape != (width, height):
            self._shape = width, height
            self.planes.fill(DARK)  # behind a picture that does not fill the tile
        scaled = Planes.of(to_yuv420p(frame, (width, height), self._scaler))
        self.planes.paste(
            scaled.part(_middle(rect.width, rect.height, width, height)),
            max(0, (rect.width - width) // 4 * 2),
            max(0, (rect.height - height) // 4 * 2),
        )


def _middle(room_width: int, room_height: int, width: int, height: int) -> Rect:
    """The part of a picture that is seen through a window, which is in its middle."""
    x, y = max(0, (width - room_width) // 4 * 2), max(0, (height - room_height) // 4 * 2)
    return Rect(x, y, min(width, room_width), min(height, room_height))
