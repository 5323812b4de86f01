"""Large parts of the page, piece by piece: whole and in order, and nothing else of the machine."""

import gzip
import hashlib
from pathlib import Path

import pytest

from nbrtc.assets import FOLDER, MAX_PICTURES, PIECE_BYTES, AssetError, Assets

WASM = "segmenter-0123456789abcdef.wasm"
PACKED = bytes(range(256)) * 4096 + b"the end"  # of two pieces and a bit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    static = tmp_path / "static"
    static.mkdir()
    (static / f"{WASM}.gz").write_bytes(PACKED)
    (static / "widget.js.gz").write_bytes(b"not for pages")
    (tmp_path / "segmenter-0123456789abcdef.js.gz").write_bytes(b"beside the folder")
    return static


def pull(assets: Assets, name: str) -> tuple[list[bytes], int, bool]:
    """All pieces, as a page asks for them."""
    piece, total, packed = assets.read(name, 0)
    pieces = [piece]
    while (offset := sum(map(len, pieces))) < total:
        piece, again, same = assets.read(name, offset)
        assert (again, same) == (total, packed)
        pieces.append(piece)
    return pieces, total, packed


def test_a_part_of_the_page_comes_whole_in_pieces_and_packed(folder: Path) -> None:
    pieces, total, packed = pull(Assets(folder), WASM)
    assert b"".join(pieces) == PACKED
    assert (total, packed) == (len(PACKED), True)
    assert [len(piece) for piece in pieces] == [PIECE_BYTES, PIECE_BYTES, len(b"the end")]


def test_a_picture_comes_as_it_is_under_a_name_of_its_choice_and_content() -> None:
    assets = Assets()
    data = b"\xff\xd8" + bytes(PIECE_BYTES)
    name = assets.add_picture(data)
    content = hashlib.sha256(data).hexdigest()[:16]
    assert name == f"background-1-{content}.jpg"
    assert assets.add_picture(data) == f"background-2-{content}.jpg", "chosen again: pages show it again"
    pieces, total, packed = pull(assets, name)
    assert b"".join(pieces) == data
    assert (total, packed) == (len(data), False)


def test_another_call_has_not_this_ones_picture() -> None:
    name = Assets().add_picture(b"mine")
    with pytest.raises(AssetError, match="nbrtc has no 'background-"):
        Assets().read(name, 0)


def test_only_the_latest_pictures_are_kept() -> None:
    assets = Assets()
    names = [assets.add_picture(bytes([number])) for number in range(MAX_PICTURES)]
    assets.add_picture(b"one more")
    with pytest.raises(AssetError):
        assets.read(names[0], 0)
    for name in names[1:]:
        assets.read(name, 0)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "widget.js",
        f"{WASM}.gz",
        "segmenter-fedcba9876543210.wasm",
        "../segmenter-0123456789abcdef.js",
        "segmenter-0123456789abcdef.js\n",
        "segmenter-../-0123456789abcdef.js",
        f"{WASM}\0",
        "/etc/passwd",
        "background-0123456789abcdef.jpg",
    ],
)
def test_nothing_else_is_handed_out(folder: Path, name: str) -> None:
    with pytest.raises(AssetError, match="nbrtc has no"):
        Assets(folder).read(name, 0)


@pytest.mark.parametrize("offset", [-1, len(PACKED), len(PACKED) + 1, 2**63, 10**30, -(10**30)])
def test_there_is_nothing_outside(folder: Path, offset: int) -> None:
    assets = Assets(folder)
    for name in (WASM, assets.add_picture(PACKED)):
        with pytest.raises(AssetError, match=f"has nothing at {offset}"):
            assets.read(name, offset)


def test_the_build_has_all_parts_under_names_of_their_content() -> None:
    parts = [path.name.removesuffix(".gz") for path in FOLDER.glob("segmenter*.gz")]
    if not parts:
        pytest.skip("the page is not built: run node build.mjs in js/")
    assert sorted(name.rsplit("-", 1)[0] + Path(name).suffix for name in parts) == [
        "segmenter-loader.js",
        "segmenter.js",
        "segmenter.tflite",
        "segmenter.wasm",
    ]
    for name in parts:
        pieces, _, packed = pull(Assets(), name)
        assert packed
        content = gzip.decompress(b"".join(pieces))
        assert hashlib.sha256(content).hexdigest()[:16] == name.rsplit("-", 1)[1].partition(".")[0]
