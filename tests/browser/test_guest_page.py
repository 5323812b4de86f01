"""The guest page of a room server, in real Chromium: a call without Jupyter."""

import re
import time

from playwright.sync_api import ViewportSize, expect

from nbrtc.signaling.access import sign_token
from tests.browser.chromium import OTHER_QUADRANTS, QUADRANTS
from tests.browser.conftest import NewPage, Serve
from tests.browser.guest import Guest
from tests.browser.watch import Watch

CLIP, OTHER_CLIP = list(QUADRANTS.values()), list(OTHER_QUADRANTS.values())
PHONE: ViewportSize = {"width": 360, "height": 640}


def test_two_guests_call_each_other_over_a_reload_and_a_server_that_goes(
    serve: Serve, new_page: NewPage
) -> None:
    server = serve(keeps_secret=False)
    ada = Guest(new_page(), server.url)
    ada.root.get_by_label("Room").fill("lab")
    ada.join("Ada")
    assert ada.page.url == f"{server.url}/r/lab"
    ada.button("Invite").click()
    link = ada.root.get_by_label("Invite link", exact=True)
    bob = Guest(new_page("other-clip"), link.input_value())
    bob.page.set_viewport_size(PHONE)
    bob.join("Bob")
    ada.wait_corners("Bob", OTHER_CLIP)
    bob.wait_corners("Ada", CLIP)
    assert bob.page.url == f"{server.url}/r/lab"
    assert bob.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    ada.say("<b>hello</b>")
    expect(bob.drawer("Chat")).to_contain_text("<b>hello</b>")
    bob.say("hello yourself")
    expect(ada.drawer("Chat")).to_contain_text("hello yourself")

    bob.page.reload()
    expect(ada.video("peer")).to_have_count(0)
    expect(bob.root.get_by_label("Your name")).to_have_value("Bob")
    bob.button("Join").click()
    ada.wait_corners("Bob", OTHER_CLIP)
    bob.wait_corners("Ada", CLIP)

    watch = Watch(ada)
    server.close()
    for guest in (ada, bob):
        expect(guest.status).to_contain_text(re.compile("out of reach"))
    watch.wait_frames(10)
    server.restart()
    for guest in (ada, bob):
        expect(guest.status).to_have_text("In lab")
    watch.wait_frames(10)
    assert watch.notes == []


def test_an_invitation_lets_in_and_leaves_no_token_in_the_address(serve: Serve, new_page: NewPage) -> None:
    server = serve("--require-token")
    bob = Guest(new_page("other-clip"), f"{server.url}/r/lab#token={sign_token(server.secret, 'lab')}")
    bob.join("Bob")
    expect(bob.status).to_contain_text('The room "lab" is not open')
    ada = Guest(new_page(), f"{server.url}/r/lab#token={sign_token(server.secret, 'lab', role='owner')}")
    assert ada.page.url == f"{server.url}/r/lab"
    ada.join("Ada")
    ada.wait_corners("Bob", OTHER_CLIP)
    bob.wait_corners("Ada", CLIP)
    stranger = Guest(new_page(), f"{server.url}/r/lab")
    stranger.join("Eve")
    expect(stranger.root.get_by_role("alert")).to_contain_text("open an invite link")
    expect(stranger.button("Join")).to_be_enabled()


STEP = """(video, [left, top, right, bottom]) => {
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0, 640, 480);
  const { data, width } = context.getImageData(left, top, right - left, bottom - top);
  const light = data.filter((_, at) => at % 4 === 1);
  return light.reduce((sum, value, at) =>
    at % width === 0 ? sum : sum + Math.abs(value - light[at - 1]), 0) / light.length;
}"""
"""Mean step of light from one pixel to the next, in a part of the picture."""
ROOM, FACE = [6, 30, 62, 450], [285, 75, 355, 165]


def test_a_guest_blurs_the_room_before_anybody_sees_it(serve: Serve, new_page: NewPage) -> None:
    server = serve(keeps_secret=False)
    page = new_page("person")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    ada = Guest(page, f"{server.url}/r/lab")
    bob = Guest(new_page("other-clip"), f"{server.url}/r/lab")
    bob.join("Bob")

    ada.button(re.compile("^Effects")).click()
    ada.root.get_by_role("radio", name="Blur background").click()
    ada.page.keyboard.press("Escape")
    ada.join("Ada")
    ada.button(re.compile("^Effects")).click()
    expect(ada.root.locator(".nbrtc-effect-now--running .nbrtc-effect-figures")).to_be_visible(timeout=60_000)
    ada.page.keyboard.press("Escape")

    bob.wait_playing("Ada")
    picture = bob.video("Ada")
    deadline = time.monotonic() + 60
    while picture.evaluate(STEP, FACE) < 4:  # until then all of it was blurred, the face, too
        assert time.monotonic() < deadline, "the face stayed blurred"
        bob.wait_playing("Ada")
    assert picture.evaluate(STEP, ROOM) < 2
    parts = [url for url in asked if "/segmenter-" in url]
    assert len(parts) >= 3
    assert [url for url in asked if not url.startswith((f"{server.url}/", "blob:", "data:"))] == []
