"""A guest records in the browser: who is in the picture, what is in the file, what a crash leaves."""

import re
from pathlib import Path
from typing import NamedTuple, cast

import av
import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Download, expect

from tests.browser.chromium import OTHER_QUADRANTS, QUADRANTS
from tests.browser.conftest import NewPage, Serve
from tests.browser.guest import Guest, Silence, never_asks_where_to_save
from tests.browser.widget import is_near

CLIP, OTHER_CLIP = list(QUADRANTS.values()), list(OTHER_QUADRANTS.values())
Picture = NDArray[np.uint8]
Box = tuple[int, int, int, int]

LARGE: Box = (160, 0, 960, 720)
"""Left, top, width, height of a picture of 4:3 in one of 16:9."""
INSET: Box = (940, 20, 320, 240)


class Film(NamedTuple):
    """A decoded file."""

    duration_s: float
    """As the file says."""
    end_s: float
    """Of its last picture or sound."""
    times_s: list[float]
    pictures: list[Picture]
    loudest: float


def test_a_guest_records_whoever_has_seen_the_badge_and_a_crash_leaves_what_was_written(
    serve: Serve, new_page: NewPage, tmp_path: Path
) -> None:
    server = serve()
    windows = new_page(), new_page("other-clip")
    never_asks_where_to_save(windows[0])
    silence = Silence(windows[1])
    ada, bob = (Guest(window, f"{server.url}/r/lab") for window in windows)
    ada.join("Ada")
    bob.join("Bob")
    ada.wait_corners("Bob", OTHER_CLIP)

    record(ada)
    expect(bob.root.get_by_text("Recording by Ada")).to_be_visible()
    left_out = ada.root.get_by_text("Left out until the red badge is seen there: Bob.")
    expect(left_out).to_be_visible()
    silence.end()
    bob.button("Microphone").click()
    expect(left_out).to_have_count(0)
    wait_longer(ada, 3)
    with ada.page.expect_download() as saving:
        ada.root.get_by_role("region", name="Recording").get_by_role("button", name="Stop").click()
    expect(bob.root.get_by_text("Recording by Ada")).to_have_count(0)
    expect(ada.root.get_by_text(re.compile(r"^Saved lab .*\.webm, 0:\d\d, ")).first).to_be_visible()
    film = decode(save(saving.value, tmp_path))
    assert abs(film.duration_s - film.end_s) <= 0.3
    assert film.loudest > 0.05
    both = next(i for i, picture in enumerate(film.pictures) if shows(picture, INSET, CLIP))
    assert film.times_s[both] > 1  # he was asked, and left out, for two seconds
    assert any(shows(picture, LARGE, CLIP) for picture in film.pictures[:both])
    assert not any(shows(picture, LARGE, OTHER_CLIP) for picture in film.pictures[:both])
    for picture in film.pictures[-3:]:
        assert shows(picture, LARGE, OTHER_CLIP)
        assert shows(picture, INSET, CLIP)
        assert has_white_frame(picture)

    record(ada)
    wait_longer(ada, 2)
    ada.page.reload()
    offer = ada.page.get_by_role("region", name="A recording that was cut off")
    with ada.page.expect_download() as saving:
        offer.get_by_role("button", name="Save").click()
    expect(offer).to_have_count(0)
    kept = decode(save(saving.value, tmp_path))
    assert kept.end_s > 0.5
    assert any(shows(picture, INSET, CLIP) for picture in kept.pictures)


def record(guest: Guest) -> None:
    """Begin, and wait until the first bytes are on the disk."""
    guest.record()
    expect(guest.root.get_by_text(re.compile(r"^Recording lab .*\.webm, 0:\d\d, ")).first).to_be_visible()


def wait_longer(guest: Guest, seconds: int) -> None:
    """Wait until the badge says that the recording is so many seconds longer."""
    time = guest.root.locator(".nbrtc-badge-time")
    minutes, begun = time.inner_text().split(":")
    since = int(minutes) * 60 + int(begun) + seconds
    wanted = "|".join(f"{later // 60}:{later % 60:02}" for later in range(since, since + 30))
    expect(time).to_have_text(re.compile(f"^({wanted})$"))


def save(download: Download, folder: Path) -> Path:
    path = folder / download.suggested_filename
    assert re.fullmatch(r"lab \d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.webm", path.name)
    download.save_as(path)
    return path


def decode(path: Path) -> Film:
    with av.open(path) as container:
        duration_s = (container.duration or 0) / 1e6
        times_s: list[float] = []
        pictures: list[Picture] = []
        end_s, loudest = 0.0, 0.0
        for frame in container.decode(video=0, audio=0):
            assert isinstance(frame, av.VideoFrame | av.AudioFrame)
            assert frame.time is not None
            end_s = max(end_s, frame.time)
            if isinstance(frame, av.VideoFrame):
                times_s.append(frame.time)
                pictures.append(cast(Picture, frame.to_ndarray(format="rgb24")))
            else:
                loudest = max(loudest, float(np.abs(frame.to_ndarray()).max()))
    assert pictures[0].shape == (720, 1280, 3)
    return Film(duration_s, end_s, times_s, pictures, loudest)


def shows(picture: Picture, box: Box, quadrants: list[tuple[int, int, int]]) -> bool:
    """Whether the middles of the box's quadrants have these colours."""
    left, top, width, height = box
    seen = [
        [int(value) for value in picture[top + height * row // 4, left + width * column // 4]]
        for row in (1, 3)
        for column in (1, 3)
    ]
    return is_near(seen, quadrants)


def has_white_frame(picture: Picture) -> bool:
    """Whether two pixels around the inset are white, and what is farther out is not."""
    left, top, width, height = INSET
    across, down = left + width // 4, top + height // 4
    right, bottom = left + width, top + height
    frame = [(down, left - 1), (down, right), (top - 1, across), (bottom, across)]
    outside = [(down, left - 6), (down, right + 5), (top - 6, across), (bottom + 5, across)]
    return all(picture[place].min() > 170 for place in frame) and all(
        picture[place].min() < 85 for place in outside
    )
