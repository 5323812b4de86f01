"""A page with a script of js/test in a headless Chromium, and what it costs."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.chromium import EXECUTABLE

JS = Path(__file__).parents[1] / "js"
FLAGS = (
    "--no-sandbox",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",  # candidates of this machine, without asking the network
)


@dataclass(frozen=True)
class Cost:
    """CPU seconds a second."""

    main_thread: float
    """Of the page: CDP, Performance.getMetrics, TaskDuration by the thread's own clock."""
    renderer: float
    """Of the page's process, with its threads."""
    browser: float
    """Of all processes, also the one that draws: without a GPU that is the processor's work."""

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(*(getattr(self, one.name) - getattr(other, one.name) for one in fields(self)))


def median_cost(costs: list[Cost]) -> Cost:
    """Of several rounds, each figure by itself."""
    return Cost(*(median(getattr(cost, one.name) for cost in costs) for one in fields(Cost)))


class BundledPage:
    """One page in a browser of its own."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self._page = page
        self._system = browser.new_browser_cdp_session()
        self._session = page.context.new_cdp_session(page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def call(self, function: str, *arguments: object) -> Any:
        """Call a function of the page, as `panel.open`, and wait for what it promises."""
        return self._page.evaluate(f"given => {function}(...given)", list(arguments))

    def cost(self, seconds: float) -> Cost:
        """Count for so long."""
        before, began_s = self._used_s(), time.monotonic()
        time.sleep(seconds)
        used, elapsed_s = self._used_s() - before, time.monotonic() - began_s
        return Cost(*(getattr(used, one.name) / elapsed_s for one in fields(used)))

    def _used_s(self) -> Cost:
        """Since the start, in CPU seconds."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        main_thread = next(one["value"] for one in metrics if one["name"] == "TaskDuration")
        renderer = browser = 0.0
        for process in self._system.send("SystemInfo.getProcessInfo")["processInfo"]:
            times = psutil.Process(process["id"]).cpu_times()
            browser += times.user + times.system
            if process["type"] == "renderer":
                renderer += times.user + times.system
        return Cost(main_thread, renderer, browser)


@contextmanager
def bundled_page(script: str, *, width: int = 1280) -> Iterator[BundledPage]:
    """Bundle a script of js/test as the browser tests do, and run it in an empty page of this width."""
    node = shutil.which("node")
    if node is None:
        raise RuntimeError("No node in PATH: the page's script cannot be bundled.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        out = Path(folder) / "page.js"
        subprocess.run([node, "test/bundle.mjs", f"test/{script}", out], cwd=JS, check=True)
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(FLAGS))
        try:
            page = browser.new_page(viewport={"width": width, "height": 900})
            if (style := out.with_suffix(".css")).exists():
                page.add_style_tag(path=style)
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.add_script_tag(path=out)
            if errors:
                raise RuntimeError(f"{script} failed in the page: {errors}")
            yield BundledPage(browser, page)
        finally:
            browser.close()
