"""How the engine gets at a server: one for each URL, as aioice wants it."""

import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from ..ice.urls import parse
from ..messages import IceServerEntry, Transport

MOST = 20
"""URLs that are used or probed at a time; the best come first."""


def tls() -> ssl.SSLContext:
    """Verifies certificates; ``SSL_CERT_FILE`` names other authorities than the system's."""
    return _tls(os.environ.get("SSL_CERT_FILE"))


@lru_cache(maxsize=4)
def _tls(_: str | None) -> ssl.SSLContext:
    return ssl.create_default_context()  # reads the variable; doing so takes many milliseconds


@dataclass(frozen=True, slots=True)
class Access:
    """One URL of a server."""

    url: str
    kind: Literal["stun", "turn"]
    address: tuple[str, int]
    """Host and port, the host as the URL names it."""
    transport: Transport
    username: str | None
    credential: str | None

    def __repr__(self) -> str:
        return f"Access({self.url!r})"

    def endpoint(self, address: str) -> tuple[str, int]:
        """Where to connect to, its name being known to be this address; TLS wants the name all the same."""
        return (self.address[0] if self.transport == "tls" else address, self.address[1])

    @property
    def allocation(self) -> dict[str, Any]:
        """What aioice wants to know of a TURN server."""
        return {
            "turn_username": self.username,
            "turn_password": self.credential,
            "turn_ssl": tls() if self.transport == "tls" else False,
            "turn_transport": "udp" if self.transport == "udp" else "tcp",
        }


def accesses(servers: Iterable[IceServerEntry]) -> list[Access]:
    """Every URL by itself, in order, each once, at most `MOST`."""
    found: dict[str, Access] = {}
    for server in servers:
        for url in server.urls:
            parts = parse(url)
            access = Access(
                url, parts.kind, (parts.host, parts.port), parts.transport, server.username, server.credential
            )
            found.setdefault(url, access)
    return list(found.values())[:MOST]
