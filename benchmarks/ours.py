"""nbrtc itself: a Call in a cell, without and with a callback, beside an idle and a busy kernel."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

import psutil

from benchmarks.clip import FPS, HEIGHT, WIDTH
from benchmarks.contenders import Contender, Ended, Stage, idle

ENGINE_COMMAND = "nbrtc.engine"

BUSY = {
    "python loop": "x += 1",
    "C call": "sum(range(10**8))",
}
"""What keeps the kernel busy: a loop that shares the interpreter's lock, a call that holds it for seconds."""

CALLBACK = """
import time
import numpy as np
@call.video_effect
def same(frame: np.ndarray) -> np.ndarray:
    time.sleep({seconds})
    return frame
"""
IDENTITY = CALLBACK.replace("    time.sleep({seconds})\n", "")


CELL_ERROR = """() => {
  const { cells } = jupyterapp.shell.currentWidget.content.model.toJSON();
  return cells.flatMap(({ outputs }) => outputs).find(({ ename }) => ename)?.evalue;
}"""


class Ours(Contender):
    """Frames go through the engine as they are, whatever the kernel does."""

    name = "nbrtc"
    cells: ClassVar[tuple[str, ...]] = (
        f"import nbrtc\ncall = nbrtc.Call(quality=nbrtc.Quality({WIDTH}, {HEIGHT}, {FPS}))\ncall",
    )
    start = "button:has-text('Start camera')"
    returned = "video[data-nbrtc=python]"

    def prepare(self, stage: Stage) -> None:
        stage.page.wait_for_function("window.jupyterapp?.shell.currentWidget?.sessionContext?.isReady")
        stage.page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
        if error := stage.page.evaluate(CELL_ERROR):
            raise RuntimeError(f"The notebook's cell failed: {error}")
        stage.page.locator(self.start).first.wait_for()

    def processes(self, stage: Stage) -> dict[str, psutil.Process]:
        return super().processes(stage) | {"engine": _engine(stage.kernel.process)}

    def phases(self, stage: Stage) -> Mapping[str, AbstractContextManager[Ended]]:
        busy = {name: stage.kernel.running(statement) for name, statement in BUSY.items()}
        return {"idle": idle(), "recording": _recording(stage), **busy}


CALLBACKS_MS = (10, 50, 200)
"""How long they sleep for each frame."""


class OursWithCallback(Ours):
    """Frames go through a function in the kernel, which stays in place from its phase on."""

    name = "nbrtc, callback"

    def phases(self, stage: Stage) -> Mapping[str, AbstractContextManager[Ended]]:
        busy = {
            f"identity beside a {name}": stage.kernel.running(statement) for name, statement in BUSY.items()
        }
        return {
            "identity": _callback(stage, IDENTITY),
            **busy,
            **{
                f"{ms} ms callback": _callback(stage, CALLBACK.format(seconds=ms / 1000))
                for ms in CALLBACKS_MS
            },
        }


@contextmanager
def _callback(stage: Stage, code: str) -> Iterator[Ended]:
    stage.kernel.execute(code)
    yield []


@contextmanager
def _recording(stage: Stage) -> Iterator[Ended]:
    # all kernels share a folder, and nothing is overwritten
    stage.kernel.execute("import os; recording = call.record(f'benchmark-{os.getpid()}.mkv')")
    yield []
    stage.kernel.execute("recording.stop()")


def _engine(kernel: psutil.Process) -> psutil.Process:
    for process in kernel.children(recursive=True):
        if ENGINE_COMMAND in process.cmdline():
            return process
    raise RuntimeError(f"The kernel {kernel.pid} has no engine among its child processes")
