"""A room of two is recorded: told first, then each by themselves and both in one picture, in step."""

import hashlib
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.beacon import BITS, Sighting, become_beacon
from tests.browser.chromium import OTHER_QUADRANTS, QUADRANTS
from tests.browser.conftest import NewPage, OpenNotebook
from tests.browser.widget import Widget, is_near

ADA, BOB = list(QUADRANTS.values()), list(OTHER_QUADRANTS.values())
LARGE, INSET = (160, 0, 960, 720), (940, 20, 320, 240)
"""Where a 4:3 picture is in a film of 1280x720 with picture in picture: x, y, width, height."""

CALL = """
import nbrtc
call = nbrtc.Call(room="lesson", name={name!r}, quality=nbrtc.Quality(320, 240, 15))
call
"""

RECORD = """
import time
with call.record("lesson.mkv") as recording:
    while recording.duration_s < 5:
        time.sleep(0.1)
recording.wait(60)
recording
"""


def test_two_people_are_recorded_in_step_and_put_into_one_picture(
    new_page: NewPage, open_notebook: OpenNotebook, tmp_path: Path
) -> None:
    pages = new_page(), new_page("other-clip")
    ada = Widget(open_notebook(pages[0], [CALL.format(name="Ada"), RECORD]))
    bob = Widget(open_notebook(pages[1], [CALL.format(name="Bob")]))
    for page, widget, colours in zip(pages, (ada, bob), (ADA, BOB), strict=True):
        become_beacon(page, colours)
        widget.notebook.run(0)
        widget.enter()
    ada.wait_corners("Bob", BOB)
    bob.wait_corners("Ada", ADA)

    ada.notebook.start(1)
    expect(bob.root.locator('[data-nbrtc="recording"]')).to_contain_text("Recording by Ada")
    expect(ada.root.locator('[data-nbrtc="recording"]')).to_contain_text("Recording")
    ada.notebook.wait_done(1)
    expect(bob.root.locator('[data-nbrtc="recording"]')).to_be_hidden()

    folder = ada.notebook.path.parent
    tracks = folder / "lesson.mkv.tracks"
    assert sorted(path.name for path in tracks.glob("*.mkv")) == ["Ada.mkv", "Bob.mkv"]
    assert not list(tracks.glob("*.partial"))
    for name, colours in (("Ada", ADA), ("Bob", BOB)):
        seen = Sighting(tracks / f"{name}.mkv")
        assert is_near(seen.corners, colours), f"{name}: {seen.corners}"
        assert 1 <= seen.duration_s <= 30  # it begins with a keyframe, which a busy machine makes late
        steps = [(after - before) % (1 << BITS) for before, after in pairwise(seen.numbers)]
        assert all(step < 100 for step in steps), "pictures do not go back"
        apart_s = seen.apart_s()
        assert len(apart_s) >= 2, f"{name}: {seen.flashes_s} flashed, {seen.beeps_s} beeped"
        assert abs(sorted(apart_s)[len(apart_s) // 2]) <= 0.1, f"{name}: {apart_s}"

    film = folder / "lesson.mkv"
    large, inset = Sighting(film, LARGE), Sighting(film, INSET)
    for seen, colours, covered in ((large, BOB, 1), (inset, ADA, 2)):  # by the inset, and by the name
        uncovered = [i for i in range(4) if i != covered]
        assert is_near([seen.corners[i] for i in uncovered], [colours[i] for i in uncovered])
    # both flash at the same moments of this machine's clock
    pairs = [(flash, min(inset.flashes_s, key=lambda at: abs(at - flash))) for flash in large.flashes_s]
    between_s = sorted(after - before for before, after in pairs)
    assert abs(between_s[len(between_s) // 2]) <= 0.1, between_s
    for seen in (large, inset):
        assert abs(sorted(seen.apart_s())[len(seen.apart_s()) // 2]) <= 0.1

    ada.notebook.screenshot("recorded")
    ada.page.evaluate("window.showSaveFilePicker = undefined")  # its dialogue is not the page's
    with ada.page.expect_download() as download:
        ada.root.get_by_role("button", name="Download lesson.mkv").click()
    saved = tmp_path / "saved.mkv"
    download.value.save_as(saved)
    assert hashlib.sha256(saved.read_bytes()).digest() == hashlib.sha256(film.read_bytes()).digest()
