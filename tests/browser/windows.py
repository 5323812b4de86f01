"""Windows of Chromium. One that has JupyterLab open serves the next test, too: loading takes 5 s of a core.

A test finds such a window as it finds a new one: no tab, no storage, nothing open in the browser. A window
that cannot be shown to be so is closed, and the next test gets a new one: no test is failed by another.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, ViewportSize

from tests.browser import probe
from tests.browser.chromium import Camera, permissions

logger = logging.getLogger(__name__)

PATIENCE_MS = 60_000
"""A generous bound on everything that is waited for in a page; a quiet machine needs a small part of it."""
SIZE: ViewportSize = {"width": 1280, "height": 900}

# The tabs close as a person closes them, and a call ends as if the window did.
EMPTY = """() => {
  window.dispatchEvent(new PageTransitionEvent("pagehide"));
  const { shell } = window.jupyterapp;
  shell.expandLeft();
  for (const tab of [...shell.widgets("main")]) {
    if (tab.context) tab.context.model.dirty = false;  // nobody is there to be asked whether to save
    tab.close();
  }
  localStorage.clear();
  sessionStorage.clear();
  for (const name of Object.getOwnPropertyNames(window)) {
    if (name.startsWith("nbrtc") && name !== "nbrtcProbe") delete window[name];
  }
}"""

LEFT = f"""() => [
  ...{probe.LIVE}.map(kind => `an open track: ${{kind}}`),
  ...{probe.OPEN}.map(() => "an open peer connection"),
  ...window.nbrtcProbe.changed(),
  ...[...window.jupyterapp.shell.widgets("main")].filter(tab => tab.context).map(tab => `a tab: ${{tab.id}}`),
  ...[...document.querySelectorAll(".jp-Dialog, video, audio")].map(element => `<${{element.className}}>`),
]"""


@dataclass
class Window:
    """A page, and what it said to the test that has it."""

    page: Page
    camera: Camera
    owns_context: bool
    console: list[str] = field(default_factory=list)
    is_broken: bool = False
    loads: int = 0

    def __post_init__(self) -> None:
        self.page.on("load", self._loaded)
        self.page.on("console", self._note)
        self.page.on("pageerror", self._fail)
        self.page.on("crash", self._fail)
        self.page.add_init_script(f"{{ {probe.COUNT} }}")

    def _note(self, message: ConsoleMessage) -> None:
        self.console.append(f"{message.type}: {message.text}")

    def _loaded(self, _: Page) -> None:
        self.loads += 1

    def _fail(self, error: object) -> None:
        self.console.append(f"uncaught: {error}")
        self.is_broken = True

    @property
    def has_jupyterlab(self) -> bool:
        return "/lab/" in self.page.url

    def empty(self) -> bool:
        """Close what a test opened; whether the window may be of use to another one."""
        if self.is_broken or not self.has_jupyterlab or self.page.context.pages != [self.page]:
            return False
        if self.loads > 1:
            return False  # JupyterLab opens the notebook of the address again, long after all is shown
        try:
            self.page.evaluate(EMPTY)
            self.page.set_viewport_size(SIZE)
        except Error as error:
            logger.info("A window cannot be emptied: %s", error)
            return False
        return True

    def left(self) -> list[str]:
        """What is still there of the test before."""
        try:
            left: list[str] = self.page.evaluate(LEFT)
        except Error as error:
            return [str(error)]
        return ["an error in the page", *left] if self.is_broken else left

    def close(self) -> None:
        """Close it, and whatever else was opened in its context."""
        if self.owns_context:
            self.page.context.close()
        else:
            self.page.close()


class Windows:
    """Opens windows, and keeps one of each camera between tests.

    Parameters
    ----------
    browser_with
        The Chromium with a camera.
    """

    def __init__(self, browser_with: Callable[[Camera], Browser]) -> None:
        self._browser_with = browser_with
        self._kept: dict[Camera, Window] = {}

    def new(self, camera: Camera, context: BrowserContext | None = None) -> Window:
        """Open one that nobody has used; its context (cookies, permissions) is a new one unless given."""
        if context is not None:
            return Window(context.new_page(), camera, owns_context=False)
        context = self._browser_with(camera).new_context(viewport=SIZE, permissions=permissions(camera))
        context.set_default_timeout(PATIENCE_MS)
        return Window(context.new_page(), camera, owns_context=True)

    def take(self, camera: Camera) -> Window:
        """Give the one that is kept, or else open a new one."""
        window = self._kept.pop(camera, None)
        if window is None:
            return self.new(camera)
        if left := window.left():
            logger.info("A new window, since the last one holds: %s", "; ".join(left))
            window.close()
            return self.new(camera)
        window.console = []
        return window

    def give_back(self, window: Window) -> None:
        """Keep it for the next test if it can be emptied and none is kept, else close it."""
        if window.camera not in self._kept and window.empty():
            self._kept[window.camera] = window
        else:
            window.close()

    def close(self) -> None:
        """Close what is kept."""
        for window in self._kept.values():
            window.close()
        self._kept.clear()
