"""Chromium with the clip as its camera, and pages that carry the probe."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.clip import LAYOUT

HERE = Path(__file__).parent
EXECUTABLE = "/usr/bin/chromium"
LIMIT_MS = 60_000


class Chromium:
    """A headless browser; every contender gets a fresh page in a fresh profile."""

    def __init__(self, browser: Browser, process: psutil.Process) -> None:
        self._browser = browser
        self.process = process

    @contextmanager
    def page(self, url: str) -> Iterator[Page]:
        context = self._browser.new_context(
            viewport={"width": 1280, "height": 900}, permissions=["camera", "microphone"]
        )
        context.set_default_timeout(LIMIT_MS)
        context.add_init_script(probe_source())
        try:
            page = context.new_page()
            page.goto(url)
            yield page
        finally:
            context.close()


class Probe:
    """The probe of one page, see `probe.js`."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def take(self) -> dict[str, Any]:
        """All that was seen since the last call."""
        batch: dict[str, Any] = self._page.evaluate("nbrtcProbe.take()")
        if batch["errors"]:
            raise RuntimeError(f"The probe failed in the page: {batch['errors']}")
        return batch

    def watch(self, selector: str) -> None:
        self._page.evaluate("selector => nbrtcProbe.watch(document.querySelector(selector))", selector)

    def set_encoder(self, bitrate_bps: int) -> None:
        self._page.evaluate("bitrate => nbrtcProbe.setEncoder(bitrate)", bitrate_bps)

    def connection_states(self) -> list[str]:
        """One for each connection that the page ever made (webrtc-pc, section 4.4.2)."""
        states: list[str] = self._page.evaluate("nbrtcProbe.connections.map(one => one.connectionState)")
        return states

    def stats(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._page.evaluate("nbrtcProbe.stats()")
        return found


def probe_source() -> str:
    reader = (HERE / "reader.js").read_text()
    constants = f"const READER = {json.dumps(reader)};\nconst LAYOUT = {json.dumps(LAYOUT.json())};\n"
    return f"(() => {{\n{constants}{(HERE / 'probe.js').read_text()}\n}})();"


@contextmanager
def chromium(video: Path, tone: Path) -> Iterator[Chromium]:
    """Start the browser with files for camera and microphone."""
    mark = f"--nbrtc-benchmark={uuid.uuid4()}"
    arguments = [
        mark,
        "--no-sandbox",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
        f"--use-file-for-fake-audio-capture={tone}",
        "--autoplay-policy=no-user-gesture-required",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=arguments)
        try:
            yield Chromium(browser, _process_with(mark))
        finally:
            browser.close()


def _process_with(mark: str) -> psutil.Process:
    """The browser's main process: Playwright does not tell its id."""
    for process in psutil.Process().children(recursive=True):
        command = process.cmdline()
        if mark in command and not any(part.startswith("--type=") for part in command):
            return process
    raise RuntimeError("Chromium was started, but none of the child processes carries its mark")
