"""A real TURN server for a test: coturn with a configuration of ours, killed and started again at will."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from nbrtc.ice.credentials import issue
from nbrtc.messages import IceServerEntry
from tests.turn.namespaces import Namespace

Transport = Literal["udp", "tcp", "tls"]

SECRET = "a secret of the tests, shared with the TURN server"
START_S = 60.0
END_S = 30.0


def find_turnserver() -> str | None:
    """Path of coturn's server, the same one that tools/coturn.sh finds."""
    names = (os.environ.get("NBRTC_TURNSERVER"), "turnserver", "/usr/sbin/turnserver")
    return next((path for name in names if name and (path := shutil.which(name))), None)


class Coturn:
    """One coturn on an address of this machine or of a namespace; ends with `close()`.

    Parameters
    ----------
    folder
        An empty folder for its configuration and its log.
    address, port, tls_port
        Where it listens for UDP and TCP, and (None: not at all) for TLS.
    text
        Its configuration.
    namespace
        Where it runs; None for the machine's own network.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        port: int,
        text: str,
        *,
        tls_port: int | None = None,
        namespace: Namespace | None = None,
    ) -> None:
        path = find_turnserver()
        assert path is not None, "the fixture skips without it"
        self.address, self.port, self.tls_port = address, port, tls_port
        self._log = folder / "turnserver.log"
        self._configuration = folder / "turnserver.conf"
        self.rewrite(text)
        command = [path, "-c", str(self._configuration), "--pidfile", str(folder / "pid")]
        self._namespace = namespace
        self._command = namespace.command(*command) if namespace else command
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def url(self, transport: Transport = "udp", *, address: str | None = None) -> str:
        """As RFC 7065 writes it; `address` is another one of its own."""
        if transport == "tls":
            return f"turns:{address or self.address}:{self.tls_port}?transport=tcp"
        return f"turn:{address or self.address}:{self.port}?transport={transport}"

    def entry(
        self,
        transport: Transport = "udp",
        *,
        participant: str = "ada",
        ttl_s: float = 3600,
        age_s: float = 0,
        address: str | None = None,
    ) -> IceServerEntry:
        """The server as a client is told of it, with credentials that were issued a while ago."""
        username, credential, _ = issue(SECRET, participant, ttl_s, time.time() - age_s)
        return IceServerEntry((self.url(transport, address=address),), username, credential)

    def rewrite(self, text: str) -> None:
        """Another configuration, for the next start."""
        self.text = text
        self._configuration.write_text(text)
        self._configuration.chmod(0o600)

    def start(self) -> None:
        """Start it; returns when it listens. Nothing happens where it runs."""
        if self._process is not None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        in_there: Callable[[], bool] = self._listens
        deadline = time.monotonic() + START_S
        while not (self._namespace.do(in_there) if self._namespace else in_there()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.said()
                self.kill()
                raise RuntimeError(f"turnserver did not start:\n{said}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it without a word to anybody; idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it as a service manager does; idempotent.

        Raises
        ------
        AssertionError
            If it had ended by itself.
        """
        if self._process is None:
            return
        code = self._process.poll()
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None
        assert code is None, f"turnserver ended by itself with {code}:\n{self.said()}"

    def said(self) -> str:
        """Its log so far."""
        return self._log.read_text(errors="replace")

    def _listens(self) -> bool:
        """Whether it takes a connection; what it does for TCP comes after what it does for UDP."""
        for port in filter(None, (self.port, self.tls_port)):
            try:
                socket.create_connection((self.address, port), START_S).close()
            except OSError:
                return False
        return True
