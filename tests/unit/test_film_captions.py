"""Names in a film's picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.recordings.film.captions import avatar, caption, card
from nbrtc.recordings.film.layouts import Rect
from nbrtc.recordings.film.lettering import initials, lettering, printable
from nbrtc.recordings.film.planes import DARK, WHITE, Planes


def test_a_name_has_an_ellipsis_where_it_does_not_fit() -> None:
    whole, cut = (
        lettering("Wilhelmine Featherstonehaugh", 20, 1000),
        lettering("Wilhelmine Featherstonehaugh", 20, 150),
    )

    assert whole.shape[1] > 150 >= cut.shape[1] > 100
    # At its end are dots on the line, and nothing above them.
    assert cut[: cut.shape[0] // 3, -12:].max() == 0
    assert cut[:, -12:].max() > 200


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ada\n  Lovelace", "Ada Lovelace"),
        ("\u202eadA\u202c\u200b", "adA"),
        ("<b>&amp;", "<b>&amp;"),
        ("A\0\x1b[31mB", "A[31mB"),
        ("\ue000", ""),
        ("e\u0301", "\xe9"),
    ],
)
def test_what_hides_or_turns_text_is_left_out_and_nothing_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize(
    ("name", "letters"), [("Ada Lovelace", "AL"), ("bob", "B"), ("", ""), ("--- !", ""), ("A B C", "AC")]
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_the_caption_is_light_on_a_darkened_plate_at_the_lower_left() -> None:
    tile = Planes.empty(640, 360)
    tile.fill((180, 60, 200))
    caption(tile, "Ada")

    assert np.all(tile.y[:300] == 180)
    assert np.all(tile.y[:, 200:] == 180)
    corner = tile.y[-36:, :80]
    assert corner.max() > 215
    assert np.percentile(corner, 20) < 100
    assert tile.u[-14:, 6:20].max() > 90  # less colour


def test_the_plate_lets_the_picture_through() -> None:
    plates = []
    for luma in (60, 200):
        tile = Planes.empty(64, 64)
        tile.fill((luma, 128, 128))
        tile.darken(Rect(0, 0, 64, 64))
        plates.append(int(tile.y[0, 0]))

    assert 40 < plates[1] - plates[0] < 80


@given(
    st.text(max_size=300),
    st.integers(1, 200).map(lambda half: 2 * half),
    st.integers(1, 200).map(lambda half: 2 * half),
)
@settings(max_examples=60, deadline=None)
def test_every_name_fits_into_every_tile(name: str, width: int, height: int) -> None:
    tile = Planes.empty(width, height)
    caption(tile, name)
    avatar(tile, name)
    card(tile, name, name)

    assert tile.y.shape == (height, width)


def test_an_avatar_is_dark_with_a_disc_and_letters() -> None:
    tile = Planes.empty(640, 360)
    avatar(tile, "Ada Lovelace")

    assert tuple(plane[0, 0] for plane in (tile.y, tile.u, tile.v)) == DARK
    assert tile.y[180 - 40 : 180 + 40, 320 - 60 : 320 + 60].max() == WHITE[0]
    assert 60 < tile.y[120, 320] < 120
