"""The main path: a click, a picture there and back, a snapshot."""

from playwright.sync_api import Page

from tests.browser.chromium import QUADRANTS
from tests.browser.conftest import OpenNotebook
from tests.browser.widget import CALL, Widget

CLIP = list(QUADRANTS.values())


def test_a_click_starts_the_call_and_the_picture_comes_back(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL, "call.state", "picture = call.snapshot(); picture.shape"])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    widget.wait_corners("python", CLIP)
    notebook.run(1)
    assert "connected" in notebook.text(1)
    notebook.run(2)
    assert "(480, 640, 3)" in notebook.text(2)
    corners = notebook.execute("print([picture[y, x].tolist() for y in (48, 432) for x in (64, 576)])")
    for seen, wanted in zip(eval(corners), CLIP, strict=True):
        assert max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) < 40, corners
    widget.notebook.screenshot("first-call")
