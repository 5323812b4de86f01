"""The main path: a click, a picture there and back, a snapshot."""

from playwright.sync_api import Page, expect

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


NEGATIVE = """
import numpy as np

@call.video_effect
def negative(frame: np.ndarray) -> np.ndarray:
    return 255 - frame
"""


def test_a_python_function_changes_the_picture(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL, NEGATIVE, "call.clear_video_effect()"])
    notebook.run(0)
    widget = Widget(notebook)
    widget.start()
    widget.wait_corners("python", CLIP)
    notebook.run(1)
    inverted = [(255 - red, 255 - green, 255 - blue) for red, green, blue in CLIP]
    widget.wait_corners("python", inverted)
    expect(widget.root).to_contain_text("changed by negative()", use_inner_text=True)
    expect(widget.root).not_to_contain_text("negative()()", use_inner_text=True)
    for seen, wanted in zip(widget.corners("python"), inverted, strict=True):
        assert max(abs(a - b) for a, b in zip(seen, wanted, strict=True)) < 40
    notebook.run(2)
    widget.wait_corners("python", CLIP)
    assert notebook.execute("print(call.errors)").strip() == "[]"
