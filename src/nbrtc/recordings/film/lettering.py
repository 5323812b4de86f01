"""Text as masks: how much of each pixel a letter covers, 0 to 255."""

import unicodedata
from functools import lru_cache

import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray

from nbrtc.recordings.film.fonts import Fonts

Mask = NDArray[np.uint8]

MAX_LETTERS = 120
_UNKNOWN = "\N{WHITE SQUARE}"
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@lru_cache(maxsize=256)
def lettering(text: str, size_px: int, room_px: int) -> Mask:
    """Draw one line, no wider than `room_px`: what does not fit gives way to an ellipsis.

    Control characters are left out, and so is what hides or turns text; letters that no font of this machine
    has become squares. The mask is empty, (0, 0), where nothing is left or fits.
    """
    letters = printable(text)
    mask = _drawn(letters, size_px)
    if mask.shape[1] <= room_px:
        return mask
    fits, too_many = 0, len(letters)
    best: Mask = np.zeros((0, 0), np.uint8)
    while fits < too_many:
        middle = (fits + too_many) // 2
        mask = _drawn(letters[:middle].rstrip() + _ELLIPSIS, size_px)
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
    known = (letter if fonts().of(letter) else _UNKNOWN for letter in kept)
    return " ".join("".join(known).split())[:MAX_LETTERS]


def complaint() -> str:
    """Which letters no font had, as a sentence; empty if all were found."""
    missing = sorted(fonts().missing)
    if not missing:
        return ""
    some = ", ".join(f"U+{ord(letter):04X}" for letter in missing[:3])
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return (
        f"No font of this machine has these letters of a name: {some}{more}. Squares stand for them in the "
        "film. Install a font that has them, such as one of the Noto fonts, and compose the film again."
    )


def initials(name: str) -> str:
    """One or two letters for somebody without a picture."""
    words = [word for word in printable(name).split() if word[0].isalnum()]
    chosen = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0].upper() for word in chosen)


def _drawn(text: str, size_px: int) -> Mask:
    """Runs of letters side by side on one line, each in the font that has them."""
    runs = fonts().runs(text)
    drawn = [_run(font, letters.rstrip(), size_px) for font, letters in runs]
    if len(drawn) < 2:
        return drawn[0][0] if drawn else np.zeros((0, 0), np.uint8)
    gaps = [max(1, size_px // (3 if letters.endswith(" ") else 16)) for _, letters in runs[:-1]] + [0]
    above = max(mask.shape[0] - below for mask, below in drawn)
    below = max(below for _, below in drawn)
    line = np.zeros((above + below, sum(mask.shape[1] for mask, _ in drawn) + sum(gaps)), np.uint8)
    x = 0
    for (mask, under), gap in zip(drawn, gaps, strict=True):
        top = above + under - mask.shape[0]
        line[top : top + mask.shape[0], x : x + mask.shape[1]] = mask
        x += mask.shape[1] + gap
    return line


def _run(font: FT2Font, letters: str, size_px: int) -> tuple[Mask, int]:
    """Its mask, and how many of the rows are below the line that letters stand on."""
    font.set_size(size_px, 72)  # 72 dpi: a point is a pixel
    font.set_text(letters, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    mask = np.array(font.get_image(), np.uint8)
    return mask, min(max(0, round(font.get_descent() / 64)), mask.shape[0])


@lru_cache(maxsize=1)
def fonts() -> Fonts:
    """Those of this machine."""
    return Fonts()
