"""Text as masks: how much of each pixel a letter covers, 0 to 255."""

import unicodedata
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray

Mask = NDArray[np.uint8]

MAX_LETTERS = 120
_UNKNOWN = "\N{WHITE SQUARE}"
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@lru_cache(maxsize=256)
def lettering(text: str, size_px: int, room_px: int) -> Mask:
    """Draw one line, no wider than `room_px`: what does not fit gives way to an ellipsis.

    Control characters are left out, and so is what hides or turns text; letters that the font does not have
    become squares. The mask is empty, (0, 0), where nothing is left or fits.
    """
    font = _font()
    font.set_size(size_px, 72)  # 72 dpi: a point is a pixel
    letters = printable(text)
    mask = _drawn(font, letters)
    if mask.shape[1] <= room_px:
        return mask
    fits, too_many = 0, len(letters)
    best: Mask = np.zeros((0, 0), np.uint8)
    while fits < too_many:
        middle = (fits + too_many) // 2
        mask = _drawn(font, letters[:middle].rstrip() + _ELLIPSIS)
        if mask.shape[1] <= room_px:
            fits, best = middle + 1, mask
        else:
            too_many = middle
    return best


def printable(text: str) -> str:
    """The text in one line, composed, without control and formatting characters, and not endless."""
    composed = unicodedata.normalize("NFC", text[: 4 * MAX_LETTERS])
    visible = (" " if letter.isspace() else letter for letter in composed)
    kept = "".join(letter for letter in visible if unicodedata.category(letter)[0] != "C")
    font = _font()
    known = (letter if font.get_char_index(ord(letter)) else _UNKNOWN for letter in kept)
    return " ".join("".join(known).split())[:MAX_LETTERS]


def initials(name: str) -> str:
    """One or two letters for somebody without a picture."""
    words = [word for word in printable(name).split() if word[0].isalnum()]
    chosen = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0].upper() for word in chosen)


def _drawn(font: FT2Font, text: str) -> Mask:
    if not text:
        return np.zeros((0, 0), np.uint8)
    font.set_text(text, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    return np.array(font.get_image(), np.uint8)


@lru_cache(maxsize=1)
def _font() -> FT2Font:
    return FT2Font(str(Path(mpl.get_data_path(), "fonts/ttf/DejaVuSans.ttf")))
