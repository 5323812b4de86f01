"""One JupyterLab and one Chromium for all browser tests; kernels for each test, and windows emptied."""

import itertools
import re
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.browser import chromium
from tests.browser.jupyterlab import JupyterLab
from tests.browser.notebook import ARTIFACTS, Notebook
from tests.browser.server import ServerProcess
from tests.browser.windows import PATIENCE_MS, Window, Windows

LIMIT_S = 300
"""Of one test, whose single waits may be as long as `PATIENCE_MS` on a busy machine."""
LOG_LINES = 60
"""How much of the log a failure shows; the whole file stays in pytest's temporary folder."""

expect.set_options(timeout=PATIENCE_MS)  # the default of 5 s is short on a busy machine

NUMBERS = itertools.count(1)


class NewPage(Protocol):
    """Opens a window; the context (cookies, permissions) is a new one unless given."""

    def __call__(self, camera: chromium.Camera = "clip", context: BrowserContext | None = None) -> Page: ...


class NotebookPage(Protocol):
    """Gives a window for a notebook, which has JupyterLab open if an earlier test left it so.

    For tests that change nothing in the window itself: no other address, no function of the browser replaced.
    """

    def __call__(self, camera: chromium.Camera = "clip") -> Page: ...


class OpenNotebook(Protocol):
    """Writes a notebook and opens it in a window; see `Notebook.open`."""

    def __call__(self, page: Page, cells: list[str] | dict[str, Any]) -> Notebook: ...


class Serve(Protocol):
    """Starts ``nbrtc serve`` with these options."""

    def __call__(self, *arguments: str, keeps_secret: bool = True) -> ServerProcess: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("browser")
            item.add_marker(pytest.mark.timeout(LIMIT_S))
            item.add_marker(pytest.mark.may_leave("server and browser outlive a test; nothing_left watches"))


@pytest.fixture(scope="package")
def chromium_path() -> str:
    path = chromium.find_chromium()
    if path is None:
        pytest.skip(
            "no chromium, chromium-browser or google-chrome in PATH: install one or set NBRTC_CHROMIUM"
        )
    return path


@pytest.fixture(scope="package")
def playwright(chromium_path: str) -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def lab(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    server = JupyterLab(tmp_path_factory.mktemp("jupyterlab"))
    yield server
    server.close()


@pytest.fixture(scope="package")
def browser_with(
    playwright: Playwright, chromium_path: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[chromium.Camera], Browser]]:
    """Give the Chromium with this camera, started when a test first asks for it."""
    folder = tmp_path_factory.mktemp("camera")
    browsers: list[Browser] = []

    @cache
    def get(camera: chromium.Camera) -> Browser:
        browsers.append(chromium.launch(playwright, chromium_path, camera, folder))
        return browsers[-1]

    yield get
    for browser in browsers:
        browser.close()


@pytest.fixture(scope="package")
def windows(browser_with: Callable[[chromium.Camera], Browser]) -> Iterator[Windows]:
    windows = Windows(browser_with)
    yield windows
    windows.close()


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """End the test's kernels, if it may have any, and fail it if one of their engines stays."""
    if "lab" not in request.fixturenames:
        yield
        return
    lab: JupyterLab = request.getfixturevalue("lab")
    request.node.stash[LOG_START] = lab.log.stat().st_size
    request.node.stash[LAB] = lab
    yield
    left = lab.end_kernels()
    if left:
        pytest.fail("These outlived their kernel: " + "; ".join(left))


@pytest.fixture
def new_page(windows: Windows, nothing_left: None, request: pytest.FixtureRequest) -> Iterator[NewPage]:
    """Open windows that nobody has used; all are closed after the test, before its kernels end."""
    opened: list[Window] = []

    def open_page(camera: chromium.Camera = "clip", context: BrowserContext | None = None) -> Page:
        window = windows.new(camera, context)
        opened.append(window)
        request.node.stash.setdefault(WINDOWS, []).append(window)
        return window.page

    yield open_page
    for window in reversed(opened):
        window.close()


@pytest.fixture
def notebook_page(
    windows: Windows, nothing_left: None, request: pytest.FixtureRequest
) -> Iterator[NotebookPage]:
    """Give windows that may have served an earlier test; they serve a later one unless this one fails."""
    taken: list[Window] = []

    def take(camera: chromium.Camera = "clip") -> Page:
        window = windows.take(camera)
        taken.append(window)
        request.node.stash.setdefault(WINDOWS, []).append(window)
        return window.page

    yield take
    lab = request.node.stash.get(LAB, None)
    is_changed = FAILED in request.node.stash or (lab is not None and lab.has_settings)
    for window in taken:
        if is_changed:
            window.close()
        else:
            windows.give_back(window)


@pytest.fixture
def page(notebook_page: NotebookPage) -> Page:
    """A window for a notebook, whose camera shows the clip."""
    return notebook_page()


@pytest.fixture
def open_notebook(lab: JupyterLab, request: pytest.FixtureRequest) -> OpenNotebook:
    def open_in(page: Page, cells: list[str] | dict[str, Any]) -> Notebook:
        return Notebook.open(lab, page, f"{slug(request.node.name)}-{next(NUMBERS)}.ipynb", cells)

    return open_in


@pytest.fixture
def serve(tmp_path: Path, nothing_left: None) -> Iterator[Serve]:
    """Start room servers of their own processes; all end after the test."""
    servers: list[ServerProcess] = []

    def start(*arguments: str, keeps_secret: bool = True) -> ServerProcess:
        servers.append(ServerProcess(tmp_path, *arguments, keeps_secret=keeps_secret))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


# --- what a failure shows -----------------------------------------------------------------------------------

LAB = pytest.StashKey[JupyterLab]()
LOG_START = pytest.StashKey[int]()
WINDOWS = pytest.StashKey[list[Window]]()
FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        item.stash[FAILED] = True
        if LAB in item.stash:
            log = item.stash[LAB].log
            lines = log.read_bytes()[item.stash[LOG_START] :].decode(errors="replace").splitlines()
            report.sections.append((f"end of {log}", "\n".join(lines[-LOG_LINES:])))
        windows: list[Window] = item.stash.get(WINDOWS, [])
        for number, window in enumerate(windows):
            console = "\n".join(window.console[-LOG_LINES:])
            report.sections.append((f"console of window {number}", console))
            picture = ARTIFACTS / f"failed-{slug(item.name)}-{number}.png"
            try:
                window.page.screenshot(path=picture, timeout=5000)
            except Error as error:  # a closed or crashed page: the failure itself must still be reported
                report.sections.append((f"no picture {picture.name}", str(error)))
    return report


def slug(name: str) -> str:
    """A test's name as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
