"""Letters that the film's own font lacks. A machine may have no other font, so matplotlib's others serve."""

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from nbrtc.recordings.film import fonts as module
from nbrtc.recordings.film import lettering as drawing
from nbrtc.recordings.film.captions import avatar
from nbrtc.recordings.film.fonts import Face, Fonts
from nbrtc.recordings.film.lettering import complaint, initials, lettering, printable
from nbrtc.recordings.film.planes import Planes

FOLDER = Path(mpl.get_data_path(), "fonts/ttf")
BOLD, PLAIN = FOLDER / "STIXGeneralBol.ttf", FOLDER / "STIXGeneral.ttf"
LETTER, OTHER = "\U0001d400", "\u1d81"
"""Only in the one, and only in the other; in DejaVu Sans neither."""
SQUARE = "\N{WHITE SQUARE}"


class Shop:
    """Offers these fonts for every letter, and counts."""

    def __init__(self, *paths: Path) -> None:
        self.paths = paths
        self.asked: list[str] = []

    def __call__(self, letter: str) -> Iterable[Face]:
        self.asked.append(letter)
        return map(Face, self.paths)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Shop]]:
    def sell(*paths: Path) -> Shop:
        shop = Shop(*paths)
        made = Fonts(shop)
        monkeypatch.setattr(drawing, "fonts", lambda: made)
        lettering.cache_clear()
        return shop

    yield sell
    lettering.cache_clear()


def test_letters_of_several_fonts_stand_on_one_line(use: Callable[..., Shop]) -> None:
    shop = use(BOLD, PLAIN)
    alone, mixed = lettering("Ag", 40, 1000), lettering(f"Ag {LETTER}{OTHER}", 40, 1000)

    assert printable(f"Ag {LETTER}{OTHER}") == f"Ag {LETTER}{OTHER}"
    assert initials(f"{LETTER}da {OTHER}") == f"{LETTER}{OTHER}".upper()
    assert mixed.shape[1] > alone.shape[1] + 40
    left = mixed[:, : alone.shape[1]]
    tops = [top for top in range(len(left)) if np.array_equal(left[top : top + len(alone)], alone)]
    assert len(tops) == 1, "the first font's letters are as they were"
    bold, at = lettering(LETTER, 40, 1000), alone.shape[1] + 8
    capitals = mixed[:, : alone.shape[1] // 2], mixed[:, at : at + bold.shape[1]]
    feet = [max(row for row in range(len(one)) if one[row].max() > 128) for one in capitals]
    assert abs(feet[0] - feet[1]) <= 2, "capitals stand on one line, beside the g's tail"
    assert (shop.asked, complaint()) == ([LETTER, OTHER], "")


def test_what_cannot_be_opened_or_lacks_the_letter_is_passed_over(
    use: Callable[..., Shop], tmp_path: Path
) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    (tmp_path / "LastResort.ttf").write_bytes((FOLDER / "LastResortHE-Regular.ttf").read_bytes())
    use(tmp_path / "broken.ttf", tmp_path / "missing.ttf", tmp_path / "LastResort.ttf", PLAIN, BOLD)
    assert lettering(LETTER, 20, 1000).size
    assert printable(LETTER) == LETTER


def test_a_letter_that_no_font_has_is_a_square_and_is_said_once(
    use: Callable[..., Shop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = use()
    name = "\u4e00\u4e01"
    assert printable(f"Ada {name}") == f"Ada {SQUARE * 2}"
    assert np.array_equal(lettering(name, 20, 1000), lettering(SQUARE * 2, 20, 1000))
    assert (initials(name), initials(f"Ada {name}")) == ("", "A")
    assert shop.asked == list(name), "each once"
    assert complaint().partition(". ")[0].endswith("has these letters of a name: U+4E00, U+4E01")
    discs = [Planes.empty(64, 64), Planes.empty(64, 64)]
    for disc, person in zip(discs, (name, "\u4e02\u4e06"), strict=True):
        avatar(disc, person)
    assert not np.array_equal(discs[0].u, discs[1].u), "their colours tell them apart"
    monkeypatch.setattr(module, "SEARCHES", 4)
    printable("\u4e03\u4e04\u4e05")
    assert len(shop.asked) == 4, "a name of strange letters does not hold the film up"
    assert "U+4E00, U+4E01, U+4E02 and 4 more." in complaint()


def test_fontconfig_is_asked_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "fc-match"
    expected = "sans:charset=1d400"
    lines = ("import sys", f"assert sys.argv[2] == {expected!r}", f"print({str(BOLD)!r}, 65536, sep='\\n')")
    program.write_text("\n".join([f"#!{sys.executable}", *lines]))
    program.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "folders", lambda: ())
    assert list(module.installed(LETTER)) == [Face(BOLD, 0)]
    program.write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
    assert list(module.installed(LETTER)) == []


def test_without_fontconfig_the_usual_folders_are_looked_through(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "folders", lambda: (tmp_path, tmp_path / "missing"))
    (tmp_path / "deep").mkdir()
    for name in ("zz.ttf", "deep/NotoSansCJK.ttf", "deep/readme.txt", "Arial Unicode.TTF"):
        shutil.copy(BOLD, tmp_path / name)
    assert [face.path.name for face in module.installed(LETTER)] == [
        "NotoSansCJK.ttf",
        "Arial Unicode.TTF",
        "zz.ttf",
    ]
    assert Fonts().of(LETTER) is not None


@pytest.mark.parametrize(
    ("system", "folder"), [("linux", "share"), ("darwin", "Library"), ("win32", "Fonts")]
)
def test_every_system_has_folders(monkeypatch: pytest.MonkeyPatch, system: str, folder: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    places = module.folders()
    assert places
    assert any(folder in place.parts for place in places)
