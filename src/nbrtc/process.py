"""Starting and ending the engine process."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import EngineError

LOG_TAIL_BYTES = 2000


class EngineProcess:
    """One run of ``python -m nbrtc.engine``.

    Its standard input is a pipe that only this process holds: when the kernel dies, however it dies, the pipe ends and
    the engine closes everything and exits. It has a session of its own, so that interrupting a cell does not reach it.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nbrtc-"))  # mode 0700: the sockets are this user's only
        self._log = self.folder / "engine.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; it says `Ready` over the bridge when it listens.

        Raises
        ------
        EngineError
            If Python could not be started.
        """
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "nbrtc.engine", str(self.folder)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    env=self._environment(),
                )
        except OSError as error:
            raise EngineError(f"The engine could not be started with {sys.executable} ({error}).") from error

    @property
    def pid(self) -> int | None:
        """Process id, once started."""
        return None if self._process is None else self._process.pid

    @property
    def ended(self) -> str | None:
        """How the process ended, in words; None while it runs."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        tail = self.log_tail()
        return f"ended with exit code {code}" + (f": {tail.splitlines()[-1]}" if tail else "")

    def log_tail(self) -> str:
        """The end of what the engine has logged."""
        try:
            return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
        except OSError:
            return ""

    def kill(self) -> None:
        """End it at once and reap it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._release()

    def close(self, timeout_s: float = 10.0) -> None:
        """Let it finish what it holds and end; kill it if it does not. Idempotent."""
        if self._process is None:
            self._release()
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._release()

    def _release(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def _environment() -> dict[str, str]:
        """The kernel's environment, and its import path where nbrtc itself was found by it."""
        package_root = str(Path(__file__).resolve().parent.parent)
        paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
        return (
            os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
            if package_root in sys.path
            else dict(os.environ)
        )
