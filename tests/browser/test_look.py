"""How the widget looks, light and dark, narrow and wide: pictures to look at, and what none may show."""

from typing import Literal

from playwright.sync_api import Page, expect

from tests.browser.chromium import QUADRANTS
from tests.browser.conftest import OpenNotebook
from tests.browser.notebook import ARTIFACTS, Notebook
from tests.browser.widget import CALL, ROOM_CALL, Widget

BOTS = """
import numpy as np

def still(colour):
    while True:
        yield np.full((180, 320, 3), colour, np.uint8)

bots = [
    nbrtc.Bot(room="looks", name="Bob", video=still((30, 90, 200)), fps=5),
    nbrtc.Bot(room="looks", name="Grace Hopper", video=still((200, 120, 30)), fps=5),
    nbrtc.Bot(room="looks", name="Carol"),
]
"""

WIDTHS = {"narrow": 400, "wide": 1000}
Look = tuple[Literal["light", "dark"], str]
LOOKS: tuple[Look, ...] = (("light", "wide"), ("dark", "narrow"))

OUTSIDE = """root => {
  const frame = root.getBoundingClientRect();
  return [...root.querySelectorAll("button, select, input, p, figcaption, .nbrtc-status, .nbrtc-badge")]
    .filter(element => element.checkVisibility({ visibilityProperty: true }))
    .map(element => [element, element.getBoundingClientRect()])
    .filter(([, box]) => box.left < frame.left - 1 || box.right > frame.right + 1)
    .map(([element]) => element.outerHTML.slice(0, 100));
}"""

COLOURS = """root => {
  const probe = root.appendChild(document.createElement("i"));
  const colour = value => { probe.style.background = value; return getComputedStyle(probe).backgroundColor; };
  const found = [getComputedStyle(root.querySelector(".nbrtc-layout")).backgroundColor,
    colour("var(--jp-layout-color1)")];
  probe.remove();
  return found;
}"""


def test_every_look(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [CALL])
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    notebook.run(0)
    widget = Widget(notebook)
    expect(widget.button("Start camera")).to_be_enabled()
    look(notebook, widget, "card")

    widget.start()
    widget.wait_corners("python", list(QUADRANTS.values()))
    look(notebook, widget, "call")

    widget.record()
    widget.button("Statistics").click()
    expect(widget.root.locator('[data-nbrtc="recording"]')).to_be_visible()
    widget.wait_python("len(call.stats) > 4")
    look(notebook, widget, "measured")


def test_every_look_of_a_room(page: Page, open_notebook: OpenNotebook) -> None:
    notebook = open_notebook(page, [ROOM_CALL.format(room="looks", name="Ada Lovelace"), BOTS])
    page.evaluate("window.jupyterapp.shell.collapseLeft()")
    notebook.run(0)
    widget = Widget(notebook)
    expect(widget.button("Start camera")).to_be_enabled()
    look(notebook, widget, "room-card")

    widget.button("Start camera").click()
    notebook.run(1)
    for name, colour in (("Bob", (30, 90, 200)), ("Grace Hopper", (200, 120, 30))):
        widget.wait_corners(name, [colour] * 4)
    expect(widget.tile("Carol")).to_contain_text("camera off")
    look(notebook, widget, "room")

    notebook.execute("bots[0].chat.send('Is the lecture recorded? See https://example.org/notes')")
    expect(widget.drawer("Chat")).to_contain_text("Is the lecture recorded?")
    look(notebook, widget, "room-chat")
    expect(widget.drawer("People").get_by_role("listitem")).to_have_count(4)
    look(notebook, widget, "room-people")


def look(notebook: Notebook, widget: Widget, state: str) -> None:
    """Save the pictures of a state; everything is inside the widget, and in the theme's colours."""
    for theme, name in LOOKS:
        width = WIDTHS[name]
        notebook.set_theme(theme)
        resize(widget, width)
        widget.root.screenshot(path=ARTIFACTS / f"look-{state}-{name}-{theme}.png")
        assert widget.root.evaluate(OUTSIDE) == [], f"{state}, {width} px"
        own, jupyterlab = widget.root.evaluate(COLOURS)
        assert own == jupyterlab, theme


LAID_OUT = (
    "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
)


def resize(widget: Widget, width: int) -> None:
    """Make the window so wide that the widget gets `width` pixels."""
    for _ in range(4):  # JupyterLab's margins depend on the window, so that the first guess misses
        size = widget.page.viewport_size
        assert size is not None
        missing = width - round(widget.root.evaluate("root => root.clientWidth"))
        widget.page.set_viewport_size({"width": size["width"] + missing, "height": 1000})
        widget.page.evaluate(LAID_OUT)
    assert abs(widget.root.evaluate("root => root.clientWidth") - width) < 4
