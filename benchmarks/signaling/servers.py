"""The servers that are compared, each in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil

HERE = Path(__file__).parent
OURS = "nbrtc"
NPM = "npm socket.io"
COMMANDS: dict[str, Sequence[str]] = {
    OURS: (sys.executable, "-m", "benchmarks.signaling.nbrtc_server"),
    NPM: ("node", "--expose-gc", str(HERE / "socketio_server.js")),
}
STOP_S = 10.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    process: psutil.Process

    def cpu_s(self) -> float:
        """CPU seconds that it has used."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory_bytes(self) -> int:
        """Resident memory, after npm's server was asked to collect its garbage."""
        with urlopen(f"{self.url}/health"):
            return int(self.process.memory_info().rss)


@contextmanager
def server(name: str) -> Iterator[Server]:
    """Run one of `COMMANDS` on a free port of the loopback interface."""
    with subprocess.Popen(COMMANDS[name], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"The server {name} did not start.")
            yield Server(url, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
