"""A TURN server of one's own for a lesson: coturn on this machine, for as long as it is wanted."""

import atexit
import os
import secrets
import shutil
import socket
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from ..ice.servers import IceServer
from ..ice.turn_config import turn_config
from ..ice.turn_options import TurnOptions

NAMES = ("turnserver", "/usr/sbin/turnserver", "/usr/local/bin/turnserver")
START_S = 10.0
LOOK_S = 0.05
END_S = 5.0
PORTS = (55_000, 55_999)
"""Of what is relayed."""


class LocalTurn:
    """Starts coturn on an address of this machine, without TLS, and ends it with `close` or with Python.

    It relays between clients of this machine only. Anything may be done from any thread.

    >>> with LocalTurn() as turn:                                       # doctest: +SKIP
    ...     call = nbrtc.Call(ice_servers=[turn.server])

    Raises
    ------
    RuntimeError
        If coturn is not installed, this machine is in no network, or the server does not start.
    """

    def __init__(self) -> None:
        path = _find()
        if path is None:
            raise RuntimeError(
                "coturn is not installed here: on Debian, apt install coturn (its service may stay off)."
            )
        self.address, self.port = _address(), _free_port()
        self._secret = secrets.token_hex(32)
        self._folder = TemporaryDirectory(prefix="nbrtc-turn-")
        configuration = Path(self._folder.name, "turnserver.conf")
        configuration.touch(mode=0o600)
        configuration.write_text(self.configuration())
        self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
            [path, "-c", str(configuration), "--pidfile", str(configuration.with_suffix(".pid"))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.close)
        self._await()

    @staticmethod
    def is_installed() -> bool:
        """Whether there is a coturn to start."""
        return _find() is not None

    @property
    def server(self) -> IceServer:
        """For ``ice_servers=[...]``, reached by UDP and by TCP; its credentials are made of the secret."""
        urls = [f"turn:{self.address}:{self.port}?transport={one}" for one in ("udp", "tcp")]
        return IceServer(urls, secret=self._secret)

    def configuration(self) -> str:
        """What coturn reads, every line with its reason; as ``nbrtc turn-config`` writes it."""
        options = TurnOptions(
            realm="nbrtc.local",
            external_ip=self.address,
            secret=self._secret,
            tls=False,
            port=self.port,
            min_port=PORTS[0],
            max_port=PORTS[1],
            listening_ips=(self.address,),
            allow_peers=(self.address,),
        )
        return turn_config(options)

    def close(self) -> None:
        """End it. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.close)
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._process is None else f"on {self.address}:{self.port}"
        return f"<LocalTurn {state}>"

    def _await(self) -> None:
        deadline_s = time.monotonic() + START_S
        while True:
            process = self._process
            code = None if process is None else process.poll()
            if code is not None or time.monotonic() > deadline_s:
                self.close()
                why = f"it ended with exit code {code}" if code is not None else f"not within {START_S:.0f} s"
                raise RuntimeError(f"coturn did not start: {why}.")
            try:
                socket.create_connection((self.address, self.port), LOOK_S).close()
            except OSError:
                time.sleep(LOOK_S)
            else:
                return


def _find() -> str | None:
    names = (os.environ.get("NBRTC_TURNSERVER"), *NAMES)
    return next((path for name in names if name and (path := shutil.which(name))), None)


def _address() -> str:
    """The one that this machine has in its network; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # RFC 5737: nobody's
        except OSError as error:
            raise RuntimeError(
                "This machine is in no network: browsers do not use relays on 127.0.0.1."
            ) from error
        address: str = asked.getsockname()[0]
    return address


def _free_port() -> int:
    """One that nobody listens on, and that is none of those that are relayed from."""
    while True:
        with socket.socket() as asked:
            asked.bind(("", 0))
            port: int = asked.getsockname()[1]
        if not PORTS[0] <= port <= PORTS[1]:
            return port
