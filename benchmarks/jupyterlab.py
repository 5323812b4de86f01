"""A JupyterLab of its own, its notebooks, and a client to their kernels."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
from jupyter_client.blocking.client import BlockingKernelClient

START_LIMIT_S = 60
CELL_LIMIT_S = 60


class JupyterLab:
    """A JupyterLab server without a password, reachable from this machine only."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, url: str) -> None:
        self.process = process
        self.folder = folder
        self.url = url

    def write_notebook(self, name: str, *cells: str) -> str:
        """Write a notebook; returns the URL that opens it in JupyterLab."""
        notebook = {
            "cells": [
                {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None}
                for cell in cells
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
            "nbformat": 4,
            "nbformat_minor": 4,
        }
        (self.folder / name).write_text(json.dumps(notebook))
        return f"{self.url}lab/tree/{name}"

    def kernel_of(self, notebook: str) -> "Kernel":
        """The kernel behind an open notebook, once it is there."""
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline:
            with urlopen(f"{self.url}api/sessions") as reply:
                sessions: list[dict[str, Any]] = json.load(reply)
            for session in sessions:
                if session["path"] == notebook and session["kernel"]:
                    connection_file = self._runtime / f"kernel-{session['kernel']['id']}.json"
                    return Kernel(connection_file, f"{self.url}api/sessions/{session['id']}")
            time.sleep(0.2)
        raise TimeoutError(f"{notebook} had no kernel after {START_LIMIT_S} s")

    @property
    def _runtime(self) -> Path:
        return self.folder / ".runtime"


@contextmanager
def jupyterlab() -> Iterator[JupyterLab]:
    """Start JupyterLab in a temporary folder; ends with every kernel in it."""
    with tempfile.TemporaryDirectory(prefix="nbrtc-bench-") as name:
        folder = Path(name)
        environment = os.environ | {
            "JUPYTER_CONFIG_DIR": str(folder / ".config"),
            "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / ".settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / ".workspaces"),
        }
        options = [
            "--no-browser",
            "--allow-root",
            f"--ServerApp.root_dir={folder}",
            "--ServerApp.port=0",
            "--ServerApp.disable_check_xsrf=True",
            "--IdentityProvider.token=",
            "--LabApp.expose_app_in_browser=True",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]
        with (folder / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
            )
        try:
            yield JupyterLab(process, folder, _wait_for_url(process, folder))
        finally:
            _end(process)


class Kernel:
    """Runs code in a notebook's kernel, beside the notebook's own page."""

    def __init__(self, connection_file: Path, session_url: str) -> None:
        self._session_url = session_url
        self._client = BlockingKernelClient(connection_file=str(connection_file))
        self._client.load_connection_file()
        # Without the heartbeat: a kernel that is slow on a busy machine is not a dead one.
        self._client.start_channels(shell=True, control=False, iopub=False, stdin=False, hb=False)
        self._reply(self._client.kernel_info())
        self.process = psutil.Process(int(self.evaluate("__import__('os').getpid()")))

    def execute(self, code: str) -> None:
        """Run code to its end."""
        self._reply(self._client.execute(code, store_history=False))

    def evaluate(self, expression: str) -> str:
        """The `repr` of an expression."""
        reply = self._reply(
            self._client.execute("", store_history=False, user_expressions={"value": expression})
        )
        value = reply["user_expressions"]["value"]
        if value["status"] != "ok":
            raise RuntimeError(f"{expression} failed in the kernel: {value['evalue']}")
        return str(value["data"]["text/plain"])

    @contextmanager
    def running(self, statement: str) -> Iterator[list[float]]:
        """Repeat a statement for as long as the block runs; the list then holds the Unix time of its end."""
        loop = (
            "import time\nx = 0\ntry:\n    while True:\n"
            f"        {statement}\nexcept KeyboardInterrupt:\n    _ended = time.time()"
        )
        request = self._client.execute(loop, store_history=False)
        ended: list[float] = []
        yield ended
        self.process.send_signal(signal.SIGINT)
        self._reply(request)
        ended.append(float(self.evaluate("_ended")))

    def close(self) -> None:
        """Shut the kernel down, so that it costs nothing while others are measured."""
        self._client.stop_channels()
        with urlopen(Request(self._session_url, method="DELETE")):
            pass

    def _reply(self, request: str) -> dict[str, Any]:
        deadline = time.monotonic() + CELL_LIMIT_S
        while time.monotonic() < deadline:
            reply = self._client.get_shell_msg(timeout=CELL_LIMIT_S)
            if reply["parent_header"].get("msg_id") == request:
                content: dict[str, Any] = reply["content"]
                if content.get("status") != "ok":
                    raise RuntimeError(f"The kernel says {content.get('ename')}: {content.get('evalue')}")
                return content
        raise TimeoutError(f"The kernel gave no reply within {CELL_LIMIT_S} s")


def _wait_for_url(process: subprocess.Popen[bytes], folder: Path) -> str:
    note = folder / ".runtime" / f"jpserver-{process.pid}.json"
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if note.exists() and (text := note.read_text()):
            url: str = json.loads(text)["url"]
            return url
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{(folder / 'server.log').read_text()[-2000:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in psutil.wait_procs(children, timeout=5)[1]:
        child.kill()
