"""Whoever wrote a client from the plain Socket.IO tutorial calls a notebook, and is called by one."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chromium import OTHER_QUADRANTS, QUADRANTS
from tests.browser.conftest import NewPage, OpenNotebook, Serve
from tests.browser.tutorial import TutorialClient, TutorialSite
from tests.browser.widget import Widget, wait_corners

CLIP, OTHER_CLIP = list(QUADRANTS.values()), list(OTHER_QUADRANTS.values())
CALL = "import nbrtc\ncall = nbrtc.Call(room={room!r}, name='Ada', server={server!r}, quality='low')\ncall"


@pytest.fixture
def site() -> Iterator[TutorialSite]:
    site = TutorialSite()
    yield site
    site.close()


def test_it_calls_a_notebook_and_is_called_whoever_was_first(
    page: Page, new_page: NewPage, open_notebook: OpenNotebook, serve: Serve, site: TutorialSite
) -> None:
    server = serve("--origins", site.origin)
    tom = TutorialClient(new_page("other-clip"), site, "Tom")
    tom.create(server.url, "toms")
    notebook = open_notebook(page, [CALL.format(room=room, server=server.url) for room in ("toms", "adas")])
    notebook.run(0)
    ada = Widget(notebook)
    ada.enter()
    expect_call(ada, tom)

    tom = TutorialClient(tom.page, site, "Tom")
    ada.wait_python("len(call.participants) == 1")
    ada.leave()
    notebook.run(1)
    ada = Widget(notebook, 1)
    ada.enter()
    tom.join(server.url, "adas")
    expect_call(ada, tom)


def expect_call(ada: Widget, tom: TutorialClient) -> None:
    """Pictures, words and states, both ways."""
    ada.page.bring_to_front()
    ada.wait_corners("Tom", OTHER_CLIP)
    wait_corners(tom.remote, CLIP)

    tom.say("Hello <i>Ada</i>")
    ada.wait_python("[m.text for m in call.chat.messages] == ['Hello <i>Ada</i>']")
    ada.say("Hello Tom")
    tom.wait_heard("chat-message", message="Hello Tom", userName="Ada")

    assert ada.notebook.execute(STATES) == "False True False"
    tom.set_status(muted=True)
    ada.wait_python("call.participants['Tom'].is_muted")
    tom.set_status(muted=False, screenSharing=True)
    ada.wait_python("not call.participants['Tom'].is_muted and call.participants['Tom'].is_screen_sharing")
    tom.set_status(videoOff=True, screenSharing=False)
    ada.wait_python("not call.participants['Tom'].video.is_on")
    expect(ada.tile("Tom")).to_contain_text("camera off")
    ada.button(re.compile("^Microphone")).click()
    tom.wait_heard("participant-status", userName="Ada", muted=True, videoOff=False)
    ada.button(re.compile("^Camera")).click()
    tom.wait_heard("participant-status", userName="Ada", muted=True, videoOff=True)
    assert [said for said in tom.heard if said["event"] == "error"] == []


STATES = """
tom = call.participants["Tom"]
print(tom.is_muted, tom.video.is_on, tom.is_screen_sharing, end="")
"""
