"""Those that are compared: each opens a notebook in JupyterLab, starts on a click and goes through phases."""

import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
from playwright.sync_api import Page

from benchmarks.chromium import HERE
from benchmarks.jupyterlab import JupyterLab, Kernel

BITRATE_BPS = 1_000_000
"""The target of every video encoder, in both directions."""

Ended = list[float]
"""Unix time at which the kernel was free again; empty where it was never busy."""


@dataclass(frozen=True)
class Stage:
    """What a contender plays on."""

    page: Page
    lab: JupyterLab
    kernel: Kernel


class Contender(ABC):
    """One way to send a camera somewhere and get it back."""

    name: ClassVar[str]
    cells: ClassVar[tuple[str, ...]] = ("",)
    start: ClassVar[str] = "[data-bench=start]"
    """Selector of the button that starts it."""
    returned: ClassVar[str] = "video[data-bench=returned]"
    """Selector of the element that shows what came back."""

    @abstractmethod
    def phases(self, stage: Stage) -> Mapping[str, AbstractContextManager[Ended]]:
        """What is measured, in this order; each phase holds while its context does."""

    @abstractmethod
    def prepare(self, stage: Stage) -> None:
        """Bring the start button into the page."""

    def processes(self, stage: Stage) -> dict[str, psutil.Process]:
        """Whose CPU is counted beside the browser's."""
        return {"kernel": stage.kernel.process}

    def close(self) -> None:  # noqa: B027 - most have nothing to end
        """End what was begun outside the page."""


@contextmanager
def idle() -> Iterator[Ended]:
    """Nothing else happens."""
    yield []


class Floor(Contender):
    """Two peer connections in one page: what the browser alone needs."""

    name = "floor"

    def phases(self, stage: Stage) -> Mapping[str, AbstractContextManager[Ended]]:
        return {"idle": idle()}

    def prepare(self, stage: Stage) -> None:
        stage.page.evaluate((HERE / "loops.js").read_text())
        stage.page.evaluate("nbrtcLoops('floor')")


class BareEcho(Contender):
    """aiortc's echo in a process of its own."""

    name = "bare echo"
    options: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.echo_server", *self.options]
        command += ["--bitrate", str(BITRATE_BPS)]
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
        self.url = self._server.stdout.readline().strip() if self._server.stdout else ""
        if not self.url:
            raise RuntimeError("The echo server ended before it said its URL; see its error above")

    def phases(self, stage: Stage) -> Mapping[str, AbstractContextManager[Ended]]:
        return {"idle": idle()}

    def prepare(self, stage: Stage) -> None:
        stage.page.evaluate((HERE / "loops.js").read_text())
        options = {"url": self.url, "bitrate_bps": BITRATE_BPS}
        stage.page.evaluate("options => nbrtcLoops('echo', options)", options)

    def processes(self, stage: Stage) -> dict[str, psutil.Process]:
        return super().processes(stage) | {"engine": psutil.Process(self._server.pid)}

    def close(self) -> None:
        self._server.terminate()
        self._server.wait()


class RecordingEcho(BareEcho):
    """The same with aiortc's `MediaRecorder` on the same input, before and while it records."""

    name = "MediaRecorder echo"
    options = ("--relay",)

    def phases(self, stage: Stage) -> Mapping[str, AbstractContextManager[Ended]]:
        return {"idle": idle(), "recording": self._recording(stage)}

    @contextmanager
    def _recording(self, stage: Stage) -> Iterator[Ended]:
        ask = "([url, body]) => fetch(url, { method: 'POST', body }).then(() => null)"
        stage.page.evaluate(ask, [f"{self.url}/record", str(stage.lab.folder / "recorder.mkv")])
        yield []
        stage.page.evaluate(ask, [f"{self.url}/stop", ""])


def artifacts() -> Path:
    """The folder for clips and results, which git ignores."""
    folder = HERE.parent / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder
