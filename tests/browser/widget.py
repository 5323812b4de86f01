"""The call widget as a person meets it: by names and words."""

import re
from typing import cast

from playwright.sync_api import Locator, Page, expect

from tests.browser.notebook import Notebook

CALL = "import nbrtc\ncall = nbrtc.Call()\ncall"

CORNERS = """async video => {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
  const context = canvas.getContext("2d");
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
        return self.root.get_by_role("button", name=name)

    def start(self) -> None:
        """Click "Start camera" and wait for the call."""
        self.button("Start camera").click()
        expect(self.status).to_contain_text("Connected", timeout=15_000)

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


def is_near(seen: list[list[int]] | None, wanted: list[tuple[int, int, int]], tolerance: int = 40) -> bool:
    """Whether all colours are the wanted ones but for what a lossy codec does to them."""
    return seen is not None and all(
        abs(a - b) <= tolerance
        for colour, other in zip(seen, wanted, strict=True)
        for a, b in zip(colour, other, strict=True)
    )
