"""The call widget as a person meets it: by names and words."""

import re
import time
from collections.abc import Callable
from typing import cast

from playwright.sync_api import Locator, Page, expect

from tests.browser.notebook import Notebook

CALL = "import nbrtc\ncall = nbrtc.Call()\ncall"
ROOM_CALL = "import nbrtc\ncall = nbrtc.Call(room={room!r}, name={name!r}, quality='low')\ncall"

CORNERS = """async video => {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const at = (x, y) => [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3);
  return [at(.1, .1), at(.9, .1), at(.1, .9), at(.9, .9)];
}"""


class View:
    """One view of a call in a page, whatever kind of page that is."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page = page
        self.root = root

    def show(self) -> None:
        """Scroll it into view: out of sight nothing is painted, and a notebook takes it out of the page."""

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """A control by its accessible name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def words(self) -> str:
        """All that can be read in the view."""
        return self.root.inner_text()

    def notice(self, text: str) -> Locator:
        """A notification, or a request of Python's, that says this."""
        return self.root.locator(".nbrtc-notice", has_text=text)

    @property
    def status(self) -> Locator:
        """The sentence that says where the call stands."""
        return self.root.locator(".nbrtc-status").first

    def video(self, whose: str) -> Locator:
        """The picture of ``"own"`` or ``"python"``, or of somebody else in the room by name."""
        if whose in ("own", "python"):
            return self.root.locator(f'video[data-nbrtc="{whose}"]')
        return self.root.get_by_label(f"{whose}'s picture", exact=True)

    def tile(self, name: str) -> Locator:
        """Somebody's place on the stage of a room; oneself is "You"."""
        named = self.page.locator(".nbrtc-caption-name").get_by_text(name, exact=True)
        return self.root.locator("figure[data-nbrtc-participant]", has=named)

    def drawer(self, name: str) -> Locator:
        """The drawer ``"Chat"``, ``"People"`` or ``"Statistics"``, opened if it is not."""
        button = self.root.get_by_role("button", name=name, exact=True)
        if button.get_attribute("aria-pressed") == "false":
            button.click()
        return self.root.get_by_role("region", name=name, exact=True)

    def record(self) -> None:
        """Record with the choices that the panel has."""
        self.button("Record").click()
        self.button("Start recording").click()

    def say(self, text: str) -> None:
        """Write in the chat."""
        self.drawer("Chat").get_by_role("textbox", name="Message").fill(text)
        self.page.keyboard.press("Enter")

    def person(self, name: str) -> Locator:
        """Somebody in the list of people."""
        return self.drawer("People").get_by_role("listitem").filter(has_text=name)

    def corners(self, whose: str) -> list[list[int]]:
        """RGB near the four corners, top left first."""
        return cast(list[list[int]], self.video(whose).evaluate(CORNERS))

    def wait_corners(self, whose: str, wanted: list[tuple[int, int, int]], tolerance: int = 40) -> None:
        """Wait until the corners have these colours; fails with those that were seen last."""
        wait_corners(self.video(whose), wanted, tolerance, self.show)

    def wait_playing(self, whose: str) -> None:
        """Wait until three new frames of a picture have been shown."""
        self.show()
        self.video(whose).scroll_into_view_if_needed()
        shown = self.video(whose).evaluate(
            """video => new Promise(resolve => {
              let frames = 0;
              const count = () => ++frames === 3 ? resolve(3) : video.requestVideoFrameCallback(count);
              video.requestVideoFrameCallback(count);
              setTimeout(() => resolve(frames), 60000);
            })"""
        )
        assert shown == 3, f"{whose}: {shown} frames were shown in 60 s"


class Widget(View):
    """The view below a cell."""

    def __init__(self, notebook: Notebook, cell: int = 0) -> None:
        super().__init__(notebook.page, notebook.cell(cell).locator(".nbrtc").first)
        self.notebook = notebook
        self.cell = cell

    def show(self) -> None:
        self.notebook.cell(self.cell)

    def start(self) -> None:
        """Click "Start camera" and wait for the call."""
        self.button("Start camera").click()
        expect(self.status).to_contain_text("Connected")

    def enter(self) -> None:
        """Click "Start camera" and wait until the room has let this page in."""
        self.button("Start camera").click()
        expect(self.status).to_have_text(re.compile("^(In |Waiting for others)"))

    def leave(self) -> None:
        """Click "Leave call"; the card comes back."""
        self.button("Leave call").click()
        expect(self.button("Start camera")).to_be_visible()

    def wait_python(self, condition: str) -> None:
        """Wait until an expression about `call` holds in the kernel."""
        self.notebook.execute(WAIT.format(condition=condition))


WAIT = """
import time
deadline = time.monotonic() + 50
while not ({condition}):
    assert time.monotonic() < deadline, (call, call.errors)
    time.sleep(0.02)
"""


def wait_corners(
    video: Locator,
    wanted: list[tuple[int, int, int]],
    tolerance: int = 40,
    show: Callable[[], None] = lambda: None,
) -> None:
    """Wait until the corners of a picture have these colours; fails with those that were seen last.

    Every few seconds it is looked for anew, and shown: a notebook that is still laid out may scroll it away.
    """
    seen = None
    deadline = time.monotonic() + 60
    while not is_near(seen, wanted, tolerance):
        assert time.monotonic() < deadline, f"{video}: {seen} instead of {wanted}"
        show()
        seen = video.evaluate(
            f"""async (video, [wanted, tolerance]) => {{
              const deadline = performance.now() + 5000;
              for (;;) {{
                const seen = video.videoWidth === 0 ? null : await ({CORNERS})(video);
                const close = seen?.every((colour, corner) => colour.every(
                  (value, channel) => Math.abs(value - wanted[corner][channel]) <= tolerance));
                if (close || performance.now() > deadline) return seen;
                await new Promise(resolve => setTimeout(resolve, 50));
              }}
            }}""",
            [[list(colour) for colour in wanted], tolerance],
        )


def is_near(seen: list[list[int]] | None, wanted: list[tuple[int, int, int]], tolerance: int = 40) -> bool:
    """Whether all colours are the wanted ones but for what a lossy codec does to them."""
    return seen is not None and all(
        abs(a - b) <= tolerance
        for colour, other in zip(seen, wanted, strict=True)
        for a, b in zip(colour, other, strict=True)
    )
