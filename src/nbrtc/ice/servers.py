"""ICE servers as the user writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..messages import IceServerEntry

SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


def to_entries(servers: Iterable["str | Mapping[str, Any] | IceServerEntry"]) -> tuple[IceServerEntry, ...]:
    """Entries from URLs or from dictionaries like ``RTCIceServer`` (webrtc-pc, section 4.2.4).

    Raises
    ------
    ValueError
        For a URL of another scheme, or a TURN server without username and credential.
    TypeError
        For anything else.
    """
    if isinstance(servers, (str, Mapping)):
        raise TypeError(f"ice_servers is a list of servers, not one: write ice_servers=[{servers!r}].")
    entries = []
    for server in servers:
        if isinstance(server, str):
            server = {"urls": server}
        if isinstance(server, Mapping):
            unknown = set(server) - {"urls", "username", "credential"}
            if unknown or "urls" not in server:
                raise ValueError(f"An ICE server has urls, username and credential; got {sorted(server)}.")
            urls = server["urls"]
            server = IceServerEntry(
                urls=(urls,) if isinstance(urls, str) else tuple(urls),
                username=server.get("username"),
                credential=server.get("credential"),
            )
        if not isinstance(server, IceServerEntry):
            raise TypeError(f"An ICE server is a URL or a dictionary, not {server!r}.")
        for url in server.urls:
            if not url.startswith(SCHEMES):
                raise ValueError(f"The ICE server URL {url!r} must begin with one of {', '.join(SCHEMES)}")
            if url.startswith("turn") and (server.username is None or server.credential is None):
                raise ValueError(f"The TURN server {url!r} needs username and credential.")
        entries.append(server)
    return tuple(entries)
