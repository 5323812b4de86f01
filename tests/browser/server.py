"""A room server of its own process, as ``nbrtc serve`` starts one: it can be killed and comes back."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

START_S = 60.0
END_S = 30.0


class ServerProcess:
    """``python -m nbrtc serve`` on a free port of this machine; ends with `close()`.

    Parameters
    ----------
    folder
        For the signing secret and the log.
    arguments
        Further options of the command.
    keeps_secret
        Whether its tokens outlive it, or each start signs with a new secret.
    """

    secret = b"a secret of the tests, of 32 bytes or more"

    def __init__(self, folder: Path, *arguments: str, keeps_secret: bool = True) -> None:
        self.log = folder / "server.log"
        path = folder / "secret"
        path.write_bytes(self.secret)
        path.chmod(0o600)
        self._arguments = [*(["--secret-file", str(path)] if keeps_secret else []), *arguments]
        self._process = self._start(0)
        self.url = self._wait_url()

    def kill(self) -> None:
        """End it without a word to anybody."""
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Start it again on the same port; returns when it listens."""
        port = urlsplit(self.url).port
        assert port is not None
        self._process = self._start(port)
        again = self._wait_url()
        assert again == self.url

    def health(self) -> dict[str, Any]:
        """What it says of itself: `users`, `rooms`."""
        with urllib.request.urlopen(f"{self.url}/health", timeout=END_S) as answer:
            return dict(json.load(answer))

    def make_room(self, **fields: object) -> None:
        """Make an empty room, as ``POST /api/rooms`` does."""
        request = urllib.request.Request(f"{self.url}/api/rooms", json.dumps(fields).encode(), method="POST")
        urllib.request.urlopen(request, timeout=END_S).close()

    def close(self) -> None:
        """End it; may be called twice.

        Raises
        ------
        AssertionError
            If it failed, or would not end.
        """
        if self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"The server did not end in {END_S} s:\n{self.log.read_text()}") from None
        assert code == 0, self.log.read_text()

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "nbrtc", "serve", "--port", str(port), *self._arguments]
        with self.log.open("w") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def _wait_url(self) -> str:
        """Where it listens, as it says itself once it does."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if said := re.search(r"serves rooms at (\S+)\n", self.log.read_text()):
                return said[1]
            time.sleep(0.02)
        self._process.kill()
        self._process.wait()
        raise RuntimeError(f"nbrtc serve did not start:\n{self.log.read_text()}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
