"""The call widget as a person meets it: by names and words."""

import re
from typing import cast

from playwright.sync_api import Locator, Page, expect

from tests.browser.notebook import Notebook

CALL = "import nbrtc\ncall = nbrtc.Call()\ncall"

CORNERS = """async video => {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(video, 0, 0);
  const at = (x, y) => [...context.getImageData(x * canvas.width, y * canvas.height, 1, 1).data].slice(0, 3);
  return [at(.1, .1), at(.9, .1), at(.1, .9), at(.9, .9)];
}"""


class Widget:
    """One view of the call in a page."""

    def __init__(self, notebook: Notebook, cell: int = 0) -> None:
        self.notebook = notebook
        self.page: Page = notebook.page
        self.root: Locator = notebook.cell(cell).locator(".nbrtc").first

    def button(self, name: str | re.Pattern[str]) -> Locator:
        """A control by its accessible name."""
        return self.root.get_by_role("button", name=name, exact=True)

    def start(self) -> None:
        """Click "Start camera" and wait for the call."""
        self.button("Start camera").click()
        expect(self.status).to_contain_text("Connected", timeout=15_000)

    def leave(self) -> None:
        """Click "Leave call"; the card comes back."""
        self.button("Leave call").click()
        expect(self.button("Start camera")).to_be_visible()

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
        """The picture of ``"own"`` or ``"python"``."""
        return self.root.locator(f'video[data-nbrtc="{whose}"]')

    def corners(self, whose: str) -> list[list[int]]:
        """RGB near the four corners, top left first."""
        return cast(list[list[int]], self.video(whose).evaluate(CORNERS))

    def wait_corners(self, whose: str, wanted: list[tuple[int, int, int]], tolerance: int = 40) -> None:
        """Wait until the corners have these colours; fails with those that were seen last."""
        seen = self.video(whose).evaluate(
            f"""async (video, [wanted, tolerance]) => {{
              const deadline = performance.now() + 15000;
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
        assert is_near(seen, wanted, tolerance), f"{whose}: {seen} instead of {wanted}"

    def wait_playing(self, whose: str) -> None:
        """Wait until three new frames of a picture have been shown."""
        self.video(whose).scroll_into_view_if_needed()  # out of sight nothing is shown
        shown = self.video(whose).evaluate(
            """video => new Promise(resolve => {
              let frames = 0;
              const count = () => ++frames === 3 ? resolve(3) : video.requestVideoFrameCallback(count);
              video.requestVideoFrameCallback(count);
              setTimeout(() => resolve(frames), 15000);
            })"""
        )
        assert shown == 3, f"{whose}: {shown} frames were shown in 15 s"

    def wait_python(self, condition: str) -> None:
        """Wait until an expression about `call` holds in the kernel."""
        self.notebook.execute(WAIT.format(condition=condition))


WAIT = """
import time
deadline = time.monotonic() + 15
while not ({condition}):
    assert time.monotonic() < deadline, (call, call.errors)
    time.sleep(0.02)
"""


def is_near(seen: list[list[int]] | None, wanted: list[tuple[int, int, int]], tolerance: int = 40) -> bool:
    """Whether all colours are the wanted ones but for what a lossy codec does to them."""
    return seen is not None and all(
        abs(a - b) <= tolerance
        for colour, other in zip(seen, wanted, strict=True)
        for a, b in zip(colour, other, strict=True)
    )
