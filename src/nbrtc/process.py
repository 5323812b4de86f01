"""Starting and ending the engine process."""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from .errors import EngineError
from .exits import worded_exit

LOG_TAIL_BYTES = 2000
LONGEST_FOLDER_BYTES = 90
"""A socket's path may have 103 bytes on macOS and 107 on Linux."""


class EngineProcess:
    """One run of ``python -m nbrtc.engine``, in a folder of its own for sockets and log. Thread-safe.

    Its standard input is a pipe that only this process holds: when the kernel dies, however it dies, the
    pipe ends and the engine closes everything and exits. It has a session of its own, so that interrupting
    a cell does not reach it.

    Raises
    ------
    EngineError
        If the folder cannot be made.
    """

    def __init__(self) -> None:
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="nbrtc-"))  # mode 0700: for this user only
        except OSError as error:
            raise EngineError(
                f"The engine has no folder for its sockets ({error}): set TMPDIR to one that can be written."
            ) from error
        if len(os.fsencode(self.folder)) > LONGEST_FOLDER_BYTES:
            self.folder.rmdir()
            raise EngineError(
                f"{self.folder} is too long a path for sockets: set TMPDIR to a folder with a shorter one."
            )
        self.is_ready = False
        """Whether it has said that it listens; until then there is nothing that it would have to finish."""
        self._log = self.folder / "engine.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._is_over = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the process; it says `Ready` over the bridge when it listens.

        Raises
        ------
        EngineError
            If Python could not be started, or `kill` or `close` came first.
        """
        with self._lock:
            if self._is_over:
                raise EngineError("The engine was ended before it was started.")
            try:
                with self._log.open("wb") as log:
                    self._process = subprocess.Popen(
                        # without the user's folder in its path, where a queue.py of theirs may lie
                        [sys.executable, "-P", "-m", "nbrtc.engine", str(self.folder)],
                        stdin=subprocess.PIPE,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                        env=child_environment(),
                    )
            except OSError as error:
                raise EngineError(
                    f"The engine could not be started with {sys.executable} ({error})."
                ) from error

    @property
    def pid(self) -> int | None:
        """Process id, once started."""
        return None if self._process is None else self._process.pid

    @property
    def ended(self) -> str | None:
        """How the process ended, in words; None while it runs."""
        if self._process is None or (code := self._process.poll()) is None:
            return None
        tail = self.log_tail() if code >= 0 else ""
        return worded_exit(code) + (f": {tail.splitlines()[-1]}" if tail else "")

    def log_tail(self) -> str:
        """The end of what the engine has logged."""
        try:
            return self._log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
        except OSError:
            return ""

    def activity_s(self) -> float | None:
        """Seconds that its threads have computed or waited for a core; None where the system does not say."""
        process = self._process
        if process is None:
            return None
        schedules = self._of_threads(process.pid, "schedstat")  # ns computed, ns waited, and how often
        total_ns = sum(int(field) for schedule in schedules for field in schedule.split()[:2])
        return total_ns / 1e9 if total_ns else None

    def waits_for_disk(self) -> bool:
        """Whether one of its threads is in uninterruptible sleep now; False where the system does not say."""
        process = self._process
        if process is None:
            return False
        stats = self._of_threads(process.pid, "stat")
        return any(stat.rpartition(")")[2].split()[0] == "D" for stat in stats)

    @staticmethod
    def _of_threads(pid: int, name: str) -> list[str]:
        """What the system has in a file for each thread; empty where it has no such file."""
        found = []
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                # one that ends just now says nothing, and the others do
                with suppress(OSError):
                    found.append((thread / name).read_text())
        except OSError:
            return []  # no such file system, or the process ended
        return found

    def kill(self) -> None:
        """End it at once, reap it and remove its folder. Idempotent."""
        self._end(0.0)

    def close(self, timeout_s: float) -> None:
        """Let it finish what it holds; kill it if it does not within `timeout_s`. Idempotent."""
        self._end(timeout_s if self.is_ready else 0.0)

    def let_go(self) -> None:
        """In a forked child: drop this end of the pipe, so that the kernel alone keeps the engine alive."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _end(self, timeout_s: float) -> None:
        with self._lock:
            self._is_over = True
            if self._process is not None:
                self.let_go()
                try:
                    self._process.wait(timeout_s)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)  # the engine removes it, too, unless it was killed


def child_environment() -> dict[str, str]:
    """The environment of this process, and its import path where nbrtc itself was found by it."""
    package_root = str(Path(__file__).resolve().parent.parent)
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    if package_root not in sys.path:
        return dict(os.environ)
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
