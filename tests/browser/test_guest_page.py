"""The guest page of a real server, in real Chromium: a call without Jupyter."""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Page, expect

from nbrtc.signaling.access import sign_token
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.browser.conftest import NewPage

SECRET = b"a secret of the tests, of 32 bytes or more"
T = TypeVar("T")


class Host:
    """A loop of its own, as a server in another process would have: Playwright keeps this thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="guest-page-server")
        self._thread.start()
        self._servers: list[SignalingServer] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    def serve(self, port: int = 0, **options: Any) -> SignalingServer:
        server = SignalingServer(ServerOptions(port=port, secret=SECRET, **options))
        self.do(server.start())
        self._servers.append(server)
        return server

    def close(self) -> None:
        for server in self._servers:
            self.do(server.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@pytest.fixture
def host() -> Iterator[Host]:
    running = Host()
    yield running
    running.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(new_page: NewPage) -> Visit:
    """Open an address as somebody with a browser of their own."""

    def open_page(address: str, name: str, *, room: str | None = None, width: int = 1000) -> Page:
        page = new_page()
        page.set_viewport_size({"width": width, "height": 640})
        page.goto(address)
        if room is not None:
            page.get_by_label("Room").fill(room)
        page.get_by_label("Your name").fill(name)
        page.get_by_role("button", name="Join").click()
        return page

    return open_page


def expect_pictures(page: Page, count: int) -> None:
    """As many videos run in the page: one's own, and the others'."""
    page.wait_for_function(
        "count => [...document.querySelectorAll('video')].filter(v => v.videoWidth && v.currentTime).length"
        " === count",
        arg=count,
    )


def say(page: Page, text: str) -> None:
    """Write in the chat, which is open."""
    page.get_by_role("textbox", name="Message").fill(text)
    page.keyboard.press("Enter")


def test_two_guests_call_each_other_and_one_comes_back_after_a_reload(host: Host, visit: Visit) -> None:
    url = host.serve().url
    ada = visit(f"{url}/r/lab", "Ada")
    bob = visit(f"{url}/", "Bob", room="lab", width=360)
    for page in (ada, bob):
        expect_pictures(page, 2)
    assert bob.url == f"{url}/r/lab"
    assert bob.evaluate("document.documentElement.scrollWidth") == 360
    for page in (ada, bob):
        page.get_by_role("button", name=re.compile("chat", re.IGNORECASE)).click()
    say(ada, "<b>hello</b>")
    expect(bob.get_by_text("<b>hello</b>")).to_be_visible()
    say(bob, "hello yourself")
    expect(ada.get_by_text("hello yourself")).to_be_visible()
    bob.reload()
    expect(bob.get_by_label("Your name")).to_have_value("Bob")
    expect_pictures(ada, 1)
    bob.get_by_role("button", name="Join").click()
    for page in (ada, bob):
        expect_pictures(page, 2)


def test_an_invitation_lets_in_and_leaves_no_token_in_the_address(host: Host, visit: Visit) -> None:
    url = host.serve(require_token=True).url
    owner = sign_token(SECRET, "lab", role="owner")
    ada = visit(f"{url}/r/lab#token={owner}", "Ada")
    expect_pictures(ada, 1)
    assert "token" not in ada.url
    bob = visit(f"{url}/r/lab#token={sign_token(SECRET, 'lab')}", "Bob")
    for page in (ada, bob):
        expect_pictures(page, 2)
    stranger = visit(f"{url}/r/lab", "Eve")
    expect(stranger.get_by_role("alert")).to_contain_text("open an invite link")
    expect(stranger.get_by_role("button", name="Join")).to_be_enabled()


def test_the_server_goes_and_comes_back_and_the_pictures_never_stop(host: Host, visit: Visit) -> None:
    server = host.serve()
    ada, bob = (visit(f"{server.url}/r/lab", name) for name in ("Ada", "Bob"))
    for page in (ada, bob):
        expect_pictures(page, 2)
    ada.evaluate(
        """() => {
            window.stalls = 0;
            const videos = [...document.querySelectorAll("video")];
            for (const video of videos) {
                let seen = performance.now();
                const look = () => {
                    window.stalls = Math.max(window.stalls, performance.now() - seen);
                    seen = performance.now();
                    video.requestVideoFrameCallback(look);
                };
                video.requestVideoFrameCallback(look);
            }
        }"""
    )
    host.do(server.close())
    expect(ada.get_by_text(re.compile("out of reach")).first).to_be_visible()
    again = host.serve(port=server.port)
    expect(ada.get_by_text(re.compile("out of reach"))).to_have_count(0)
    ada.wait_for_function(
        "url => fetch(`${url}/health`).then(answer => answer.json()).then(({users}) => users === 2)",
        arg=again.url,
    )
    expect_pictures(ada, 2)
    assert ada.evaluate("window.stalls") < 2000
