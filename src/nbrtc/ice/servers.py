"""ICE servers as the user writes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..messages import IceServerSource

SCHEMES = ("stun:", "stuns:", "turn:", "turns:")
KEYS = ("urls", "username", "credential")


def to_sources(servers: Iterable["str | Mapping[str, Any] | IceServerSource"]) -> tuple[IceServerSource, ...]:
    """Sources from URLs or from dictionaries like ``RTCIceServer`` (webrtc-pc, section 4.2.4).

    No error shows a credential.

    Raises
    ------
    ValueError
        For a URL of another scheme (RFC 7064, RFC 7065), an unknown key, or a TURN server without username
        and credential.
    TypeError
        For anything else.
    """
    if isinstance(servers, (str, Mapping, IceServerSource)):
        raise TypeError("ice_servers is a list of servers, not one: put it into [ ].")
    if not isinstance(servers, Iterable):
        raise TypeError(f"ice_servers is a list of servers, not {servers!r}.")
    return tuple(map(_entry, servers))


def _entry(server: object) -> IceServerSource:
    if isinstance(server, str):
        server = {"urls": server}
    if isinstance(server, IceServerSource):
        server = {"urls": server.urls, "username": server.username, "credential": server.credential}
    if not isinstance(server, Mapping):
        raise TypeError(f"An ICE server is a URL or a dictionary, not {type(server).__name__}.")
    unknown = [key for key in server if key not in KEYS]
    if unknown or "urls" not in server:
        raise ValueError(f"An ICE server has {', '.join(KEYS)}; this one has {', '.join(map(str, server))}.")
    urls = [server["urls"]] if isinstance(server["urls"], str) else server["urls"]
    username, credential = server.get("username"), server.get("credential")
    if not isinstance(urls, list | tuple) or not urls or not all(isinstance(url, str) for url in urls):
        raise TypeError(f"An ICE server's urls are one URL or a list of them, not {urls!r}.")
    if not all(isinstance(value, str | None) for value in (username, credential)):
        raise TypeError("An ICE server's username and credential are strings.")
    for url in urls:
        if not url.startswith(SCHEMES):
            raise ValueError(f"The ICE server URL {url!r} must begin with one of {', '.join(SCHEMES)}")
        if url.startswith("turn") and not (username and credential):
            raise ValueError(f"The TURN server {url!r} needs username and credential.")
    return IceServerSource(urls=tuple(urls), username=username, credential=credential)
