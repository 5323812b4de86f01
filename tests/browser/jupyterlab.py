"""A JupyterLab server for the tests: its own folders, its own port, kernels of the running interpreter."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import psutil

from tests import processes

MARK = "NBRTC_TEST_JUPYTER"
"""Set in the server's environment only, and so in its kernels' and their engines'."""

CONFIGURATION = """
from jupyterlab.galata import configure_jupyter_server
configure_jupyter_server(c)            # no token, no XSRF check, window.jupyterapp
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = {port}
c.ServerApp.port_retries = 50
c.ServerApp.allow_root = True
c.ServerApp.root_dir = {root!r}
c.LabApp.workspaces_dir = {workspaces!r}
c.KernelSpecManager.allowed_kernelspecs = {{"python3"}}
"""

START_S = 60.0
END_S = 30.0


class JupyterLab:
    """One server process; ends with `close()`.

    Parameters
    ----------
    folder
        An empty folder for everything: notebooks, settings, kernel connection files, the log.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self.runtime = folder / "runtime"
        self.log = folder / "jupyterlab.log"
        self._settings = folder / "config/lab/user-settings"
        temporary = folder / "tmp"
        for path in (self.root, self.runtime, temporary):
            path.mkdir(parents=True)
        self._write_configuration(folder)
        self._mark = uuid.uuid4().hex
        environment = os.environ | {
            MARK: self._mark,
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            "JUPYTERLAB_SETTINGS_DIR": str(self._settings),
            "JUPYTERLAB_GALATA_ROOT_DIR": str(self.root),
            "IPYTHONDIR": str(folder / "ipython"),
            "TMPDIR": str(temporary),
        }
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", "--no-browser"],
                env=environment,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url = self._wait_url()
        except BaseException:
            self.close()
            raise

    def _write_configuration(self, folder: Path) -> None:
        files = {
            "config/jupyter_server_config.py": CONFIGURATION.format(
                port=49152 + os.getpid() % 16000, root=str(self.root), workspaces=str(folder / "workspaces")
            ),
            # The news extension asks a server on the internet.
            "config/labconfig/page_config.json": json.dumps(
                {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
            ),
            "data/kernels/python3/kernel.json": json.dumps(
                {
                    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                    "display_name": "Python under test",
                    "language": "python",
                    "metadata": {"debugger": False},
                }
            ),
        }
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def _wait_url(self) -> str:
        """Where the server listens, as its own runtime file says once it does."""
        announcement = self.runtime / f"jpserver-{self._process.pid}.json"
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if announcement.exists() and (text := announcement.read_text()).rstrip().endswith("}"):
                return str(json.loads(text)["url"])
            time.sleep(0.05)
        raise RuntimeError(f"JupyterLab did not start (exit {self._process.poll()}):\n{self.log.read_text()}")

    def api(self, method: str, path: str) -> Any:
        """Call the server's REST API: ``api("GET", "kernels")``."""
        request = urllib.request.Request(f"{self.url}api/{path}", method=method)
        with urllib.request.urlopen(request, timeout=START_S) as response:
            body = response.read()
        return json.loads(body) if body else None

    def set_setting(self, extension: str, plugin: str, **values: object) -> None:
        """Set what windows find that load JupyterLab from now on, until `end_kernels`."""
        path = self._settings / extension / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))

    @property
    def has_settings(self) -> bool:
        """Whether a test has changed a setting, which its windows go on having after `end_kernels`."""
        return self._settings.exists()

    def end_kernels(self) -> list[str]:
        """Shut every kernel down and forget settings that a test changed.

        Returns
        -------
        list of str
            Processes that had to be killed because their kernel's end did not end them.
        """
        deadline = time.monotonic() + START_S
        while self._end_sessions():
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernels did not end:\n{self.log.read_text()}")
            time.sleep(0.2)
        shutil.rmtree(self._settings, ignore_errors=True)
        return processes.end(self._below(), grace_s=END_S)

    def _end_sessions(self) -> bool:
        """Ask every kernel to end; True if one refused, as the server does while it restarts it."""
        refused = False
        for what in ("sessions", "kernels"):
            for one in self.api("GET", what):
                try:
                    self.api("DELETE", f"{what}/{one['id']}")
                except urllib.error.HTTPError as error:
                    if error.code not in (404, 500):
                        raise
                    refused = True
        return refused

    def kernel_process(self, kernel_id: str) -> psutil.Process:
        """The process of a kernel, to kill or to freeze it."""
        for process in self._below():
            if any(f"kernel-{kernel_id}.json" in part for part in processes.command_of(process)):
                return process
        raise LookupError(f"no process runs kernel {kernel_id}")

    def engine_process(self, kernel_id: str) -> psutil.Process:
        """The one engine of a kernel."""
        below = self.kernel_process(kernel_id).children()
        (engine,) = [process for process in below if "nbrtc.engine" in processes.command_of(process)]
        return engine

    def close(self) -> None:
        """End the server and everything that it started; may be called twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        processes.end(self._below(), grace_s=END_S)

    def _below(self) -> set[psutil.Process]:
        return {process for process in processes.marked(MARK, self._mark) if process.pid != self._process.pid}
