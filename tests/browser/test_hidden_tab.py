"""The camera's effects in a tab that is really hidden: pictures go on to the other side of a connection."""

import http.server
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser import chromium
from tests.browser.background import NOT_HELD_BACK, Tab

ROOT = Path(__file__).parents[2]
WINDOW_MS = 3000
CODED = 24
"""A gray picture may be so far from it after it was encoded."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the page (js/test/camera-effects-page.ts); tabs that Playwright does not know need a server."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    folder = tmp_path_factory.mktemp("hidden")
    command = [node, "test/bundle.mjs", "test/camera-effects-page.ts", str(folder / "page.js")]
    subprocess.run(command, cwd=ROOT / "js", check=True)
    page = "<!doctype html><title>Camera</title><body><script src='page.js'></script>"
    (folder / "index.html").write_text(page)

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever, name="hidden-tab-files")
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    executable = chromium.find_chromium()
    if executable is None:
        pytest.skip("no Chromium in PATH")
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    flags = (*chromium.COMMON_FLAGS, "--use-fake-ui-for-media-stream", *sandbox)
    browser = playwright.chromium.launch(
        executable_path=executable, args=flags, ignore_default_args=list(NOT_HELD_BACK)
    )
    yield browser
    browser.close()


@pytest.mark.parametrize("lacks_streams", [False, True], ids=["streams", "canvas"])
def test_a_tab_that_is_really_hidden_sends_on(browser: Browser, address: str, lacks_streams: bool) -> None:
    tab = Tab(browser, address)
    tab.until("document.readyState === 'complete' && 'stage' in window")
    if lacks_streams:
        tab.evaluate("stage.lackStreams()")
    tab.evaluate("stage.choose('grayscale', 1)")
    tab.evaluate("stage.open(640, 480)")
    tab.evaluate("stage.connect()")
    tab.until("stage.received.length > 10")
    before = tab.until(f"stage.receivedRate(stage.received[9].at_ms, {WINDOW_MS})")

    other = Tab(browser, "about:blank")
    other.show()
    tab.until("document.visibilityState === 'hidden'")
    hidden_ms = tab.evaluate("stage.now()")
    # once there is such a window the tab goes on; one that does not has none ever
    tab.until(f"stage.receivedRate({hidden_ms}, {WINDOW_MS}) >= {before / 2}")
    assert tab.evaluate("document.hidden")

    colours = tab.evaluate("stage.received.filter(({ width }) => width > 1).map(({ colour }) => colour)")
    assert max(colours) <= CODED
    assert tab.evaluate("stage.troubles") == []
    tab.evaluate("stage.close()")
    assert tab.evaluate("stage.live()") == 0
    other.close()
    tab.close()
