"""The fonts that names are written with: matplotlib's own, and for other letters whatever this machine has.

Nothing is looked for until a letter needs it. One thread.
"""

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import matplotlib as mpl
from matplotlib.ft2font import FT2Font

logger = logging.getLogger(__name__)

SEARCHES, SEARCHED_S = 32, 10.0
"""So many letters a font is looked for, and so long in all; those that no open font has then have none."""
FILES = 500
"""Of the folders, where no fontconfig is: so many are opened for a letter at most."""
SUFFIXES = (".ttf", ".otf", ".ttc", ".otc")
FONTCONFIG_S = 10.0
_PREFERRED = ("cjk", "pingfang", "hiragino", "msyh", "gothic", "noto", "unicode", "sans")
"""In a file's name, lower case: the sooner here, the sooner it is opened."""
_LAST_RESORT = "lastresort"
"""Fonts of this name have a box for every letter."""


@dataclass(frozen=True)
class Face:
    """A font in a file; a collection has several."""

    path: Path
    index: int = 0


Find = Callable[[str], Iterable[Face]]
"""Faces that may have a letter, the best first."""


class Fonts:
    """Which font has a letter.

    Parameters
    ----------
    find
        Where to look for what the first font lacks.
    """

    def __init__(self, find: Find | None = None) -> None:
        self.missing: set[str] = set()
        """Letters that were asked for and that no font has."""
        self._find = installed if find is None else find
        self._open = [FT2Font(str(Path(mpl.get_data_path(), "fonts/ttf/DejaVuSans.ttf")))]
        self._known: dict[str, FT2Font | None] = {}  # of the names of one film, each bounded
        self._searches = 0
        self._searched_s = 0.0

    def of(self, letter: str) -> FT2Font | None:
        """The font for a letter; None where none has it."""
        if letter not in self._known:
            self._known[letter] = self._found(letter)
            if self._known[letter] is None:
                self.missing.add(letter)
        return self._known[letter]

    def runs(self, text: str) -> list[tuple[FT2Font, str]]:
        """The text in pieces of one font each; a space goes with what is before it, a lost letter nowhere."""
        found: list[tuple[FT2Font, str]] = []
        for letter in text:
            font = found[-1][0] if found and letter == " " else self.of(letter)
            if font is None:
                continue
            if found and found[-1][0] is font:
                found[-1] = font, found[-1][1] + letter
            else:
                found.append((font, letter))
        return found

    def _found(self, letter: str) -> FT2Font | None:
        for font in self._open:
            if font.get_char_index(ord(letter)):
                return font
        if self._searches >= SEARCHES or self._searched_s > SEARCHED_S:
            return None
        self._searches += 1
        began_s = time.monotonic()
        usable = (_opened(face) for face in self._find(letter) if _LAST_RESORT not in face.path.name.lower())
        found = next((font for font in usable if font is not None and _draws(font, letter)), None)
        if found is not None:
            self._open.append(found)
        self._searched_s += time.monotonic() - began_s
        return found


def installed(letter: str) -> Iterator[Face]:
    """What this machine has for a letter: fontconfig's choice first, then the usual folders."""
    return chain(_from_fontconfig(letter), _from_folders(folders()))


def folders() -> tuple[Path, ...]:
    """Where this system keeps its fonts; not all are there."""
    home = Path.home()
    match sys.platform:
        case "darwin":
            system = Path("/System/Library/Fonts")
            return (system, system / "Supplemental", Path("/Library/Fonts"), home / "Library/Fonts")
        case "win32":
            own = Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local"))
            return (Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts", own / "Microsoft/Windows/Fonts")
        case _:
            shared = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
            return (*shared, home / ".local/share/fonts", home / ".fonts")


def _from_fontconfig(letter: str) -> Iterator[Face]:
    program = shutil.which("fc-match")
    if program is None:
        return
    command = [program, "--format=%{file}\n%{index}", f"sans:charset={ord(letter):x}"]
    try:
        process = subprocess.run(command, capture_output=True, text=True, timeout=FONTCONFIG_S, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError) as error:
        logger.warning("fc-match does not say which font has U+%04X: %s", ord(letter), error)
        return
    path, _, index = process.stdout.partition("\n")
    if path:
        # In the upper half is which instance of a variable font it is; the lower one counts faces.
        yield Face(Path(path), int(index) & 0xFFFF if index.isdecimal() else 0)


def _from_folders(places: Iterable[Path]) -> Iterator[Face]:
    files = (
        path for place in places for path in place.rglob("*") if path.suffix.lower() in SUFFIXES
    )  # a folder that is not there, or may not be read, has none
    yield from (Face(path) for path in sorted(islice(files, FILES), key=_order))


def _order(path: Path) -> tuple[int, str]:
    name = path.name.lower()
    rank = next((rank for rank, word in enumerate(_PREFERRED) if word in name), len(_PREFERRED))
    return rank, str(path)


def _opened(face: Face) -> FT2Font | None:
    try:
        # Before matplotlib 3.11 there is no choice: then it is the first of the collection.
        return FT2Font(str(face.path), face_index=face.index) if face.index else FT2Font(str(face.path))
    except TypeError:
        return _opened(Face(face.path))
    except (OSError, RuntimeError, ValueError) as error:
        logger.info("The font %s cannot be opened: %s", face.path, error)
        return None


def _draws(font: FT2Font, letter: str) -> bool:
    """Whether the font has an outline of the letter; one of coloured pictures has none to be drawn."""
    if not font.get_char_index(ord(letter)):
        return False
    try:
        font.set_size(16, 72)
        return font.load_char(ord(letter)).width > 0
    except RuntimeError as error:
        logger.info("The font %s cannot draw U+%04X: %s", font.fname, ord(letter), error)
        return False
