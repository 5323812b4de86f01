"""Where everybody is in a film's picture."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.messages import RecordingLayout
from nbrtc.recordings.film.layouts import Rect, Tile, arrange, fit
from nbrtc.recordings.film.scenes import Standing

REMOTE, LOCAL = Standing(0), Standing(1, local=True)


def people(count: int, *, local: bool = True) -> list[Standing]:
    return [Standing(who, local=local and who == count - 1) for who in range(count)]


def overlap(one: Rect, two: Rect) -> bool:
    return (
        one.x < two.x + two.width
        and two.x < one.x + one.width
        and one.y < two.y + two.height
        and two.y < one.y + one.height
    )


def test_pip_has_the_other_large_and_oneself_in_the_corner() -> None:
    assert arrange("pip", [REMOTE, LOCAL], (), 1280, 720) == (
        Tile(0, Rect(0, 0, 1280, 720)),
        Tile(1, Rect(940, 20, 320, 240), cover=True, frame=2),
    )


def test_pip_shows_all_of_ones_own_screen() -> None:
    inset = arrange("pip", [REMOTE, Standing(1, local=True, sharing=True)], (), 1280, 720)[1]

    assert (inset.rect, inset.cover) == (Rect(940, 20, 320, 240), False)


def test_pip_of_oneself_alone_is_large() -> None:
    assert arrange("pip", [LOCAL], (), 1280, 720) == (Tile(1, Rect(0, 0, 1280, 720)),)


def test_pip_shows_whoever_of_the_others_speaks() -> None:
    there = [Standing(0), Standing(1), Standing(2), Standing(3, local=True)]

    assert [tile.who for tile in arrange("pip", there, (3, 1, 0), 1280, 720)] == [1, 3]
    assert [tile.who for tile in arrange("pip", there, (), 1280, 720)] == [0, 3]


@pytest.mark.parametrize("layout", ["pip", "speaker", "grid"])
def test_a_screen_is_large_whoever_speaks(layout: RecordingLayout) -> None:
    there = [Standing(0), Standing(1, sharing=True), Standing(2, local=True)]

    largest = max(arrange(layout, there, (0, 1, 2), 1280, 720), key=lambda tile: tile.rect.width)
    assert largest.who == 1


def test_speaker_shows_the_speaker_large_and_the_others_in_a_strip() -> None:
    tiles = arrange("speaker", people(4), (2,), 1280, 720)

    assert tiles[0].who == 2
    assert tiles[0].rect == Rect(0, 0, 1280, 584)
    assert {tile.rect.height for tile in tiles[1:]} == {120}
    assert {tile.who for tile in tiles} == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("count", "shape"),
    [(1, (1, 1)), (2, (2, 1)), (3, (2, 2)), (4, (2, 2)), (5, (3, 2)), (9, (3, 3)), (10, (4, 3))],
)
def test_a_grid_has_the_rows_and_columns_that_make_the_largest_tiles(
    count: int, shape: tuple[int, int]
) -> None:
    tiles = arrange("grid", people(count), (), 1280, 720)

    assert len({tile.rect.y for tile in tiles}) == shape[1]
    assert max(sum(one.rect.y == two.rect.y for two in tiles) for one in tiles) == shape[0]
    assert len({(tile.rect.width, tile.rect.height) for tile in tiles}) == 1


def test_nobody_has_no_tile() -> None:
    assert arrange("grid", [], (1,), 1280, 720) == ()


sizes = st.integers(32, 2000).map(lambda half: 2 * half)


@given(
    st.sampled_from(["pip", "grid", "speaker"]),
    st.lists(st.booleans(), min_size=1, max_size=40),
    st.lists(st.integers(0, 45), unique=True),
    sizes,
    sizes,
)
def test_tiles_are_even_inside_and_apart(
    layout: RecordingLayout, sharing: list[bool], ranking: list[int], width: int, height: int
) -> None:
    there = [
        Standing(who, local=who == len(sharing) - 1, sharing=shares) for who, shares in enumerate(sharing)
    ]
    tiles = arrange(layout, there, ranking, width, height)

    assert len({tile.who for tile in tiles}) == len(tiles)
    assert len(tiles) == (min(2, len(there)) if layout == "pip" else len(there)) or layout == "pip"
    for tile in tiles:
        rect = tile.rect
        assert not any(side % 2 for side in (rect.x, rect.y, rect.width, rect.height))
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.width > 0
        assert rect.height > 0
        assert rect.x + rect.width <= width
        assert rect.y + rect.height <= height
    if layout != "pip":
        assert not any(overlap(one.rect, two.rect) for one, two in combinations(tiles, 2))


@given(st.integers(1, 4000), st.integers(1, 4000), sizes, sizes, st.booleans())
def test_a_picture_fits_or_covers_and_keeps_its_shape(
    width: int, height: int, room_width: int, room_height: int, cover: bool
) -> None:
    fitted = fit(width, height, room_width, room_height, cover=cover)

    assert not any(side % 2 for side in fitted)
    slender = max(room_width / width, room_height / height) >= 3 * min(
        room_width / width, room_height / height
    )
    if cover and not slender:
        assert fitted[0] >= room_width
        assert fitted[1] >= room_height
    else:
        assert fitted[0] <= room_width
        assert fitted[1] <= room_height
    if min(fitted) > 20:
        assert fitted[0] / fitted[1] == pytest.approx(width / height, rel=0.1)
