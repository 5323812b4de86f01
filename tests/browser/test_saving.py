"""What only a real browser shows of the page's part in recordings: files on a disk, a badge that is laid out.

The page is a plain one (js/test/saving-page.ts), without a call.
"""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page

from tests.browser.conftest import NewPage

JS = Path(__file__).parents[2] / "js"
SIZE = 20_000_003


class QuietHandler(SimpleHTTPRequestHandler):
    """Says nothing on standard error."""

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bundled page, on this machine."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node in PATH to bundle the page with")
    folder = tmp_path_factory.mktemp("saving")
    subprocess.run(
        [node, "test/bundle.mjs", "test/saving-page.ts", str(folder / "page.js")], cwd=JS, check=True
    )
    (folder / "index.html").write_text(
        '<!doctype html><title>Saving</title><link rel="stylesheet" href="page.css"><body>'
        "<script src=page.js></script>"
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(new_page: NewPage, address: str) -> Page:
    page = new_page("none")
    page.goto(address)
    return page


def expected(size: int) -> np.ndarray:
    at = np.arange(size, dtype=np.int64)
    return ((at * 31 + (at >> 10)) & 0xFF).astype(np.uint8)


def test_a_file_is_written_where_the_person_chose(page: Page) -> None:
    page.evaluate("page.pick()")
    outcome = page.evaluate("size => page.save(size, 'lesson.mkv')", SIZE)
    assert outcome["notices"] == []
    assert outcome["most"] <= 4
    assert page.evaluate("page.picked('lesson.mkv')") == {"size": SIZE, "wrong": -1}


def test_a_file_is_downloaded_where_nobody_can_be_asked(page: Page, tmp_path: Path) -> None:
    page.evaluate("delete window.showSaveFilePicker; window.showSaveFilePicker = undefined")
    with page.expect_download() as download:
        outcome = page.evaluate("size => page.save(size, 'Ada Lovelace.mkv')", SIZE)
    assert outcome["notices"] == []
    assert download.value.suggested_filename == "Ada Lovelace.mkv"
    path = tmp_path / "saved.mkv"
    download.value.save_as(path)
    assert np.array_equal(np.fromfile(path, np.uint8), expected(SIZE))


def test_a_badge_is_acknowledged_only_where_it_stands_in_the_page(page: Page) -> None:
    def told() -> object:
        return page.evaluate("page.told()")

    page.evaluate("page.show('x')")
    page.evaluate("document.body.style.display = 'none'")  # as a notebook's tab that is not in front
    page.evaluate("page.open()")
    page.wait_for_selector(".nbrtc-badge", state="attached")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")
    assert told() == []
    page.evaluate("document.body.style.display = ''")
    page.wait_for_function("page.told().length === 1")
    assert told() == [["x"]]
    page.evaluate("page.show('y')")
    page.wait_for_function("page.told().length === 3")
    assert told() == [["x"], [], ["y"]]
    page.evaluate("page.close()")
    assert told() == [["x"], [], ["y"], []]


@pytest.mark.parametrize("theme", ["light", "dark", "forced"])
@pytest.mark.parametrize("width", [280, 400, 1000])
def test_the_badge_is_red_and_whole_at_every_width(page: Page, width: int, theme: str) -> None:
    page.set_viewport_size({"width": width + 16, "height": 700})
    page.emulate_media(
        color_scheme="dark" if theme == "dark" else "light",
        forced_colors="active" if theme == "forced" else "none",
    )
    page.evaluate("page.show('x')")
    page.evaluate("page.open()")
    badge = page.locator(".nbrtc-badge")
    badge.wait_for()
    assert badge.inner_text().startswith("Recording by Bob")
    seen = badge.evaluate(
        """badge => {
          const box = badge.getBoundingClientRect();
          const { backgroundColor, color } = getComputedStyle(badge);
          const inside = box.left >= 0 && box.right <= innerWidth && box.top >= 0;
          const top = document.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2)[0];
          return { backgroundColor, color, inside, covered: top.closest(".nbrtc-stage") === null };
        }"""
    )
    assert seen == {
        "backgroundColor": "rgb(198, 40, 40)",
        "color": "rgb(255, 255, 255)",
        "inside": True,
        "covered": False,
    }
