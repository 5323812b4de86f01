"""URLs of STUN and TURN servers (RFC 7064, RFC 7065), taken apart."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Literal, NamedTuple

from ..messages import Transport

SCHEMES = ("stun:", "stuns:", "turn:", "turns:")
FORM = re.compile(
    r"(?P<scheme>stuns?|turns?):"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?\.?)"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?:\?transport=(?P<transport>(?i:udp|tcp)))?",
    re.ASCII,
)
PORT, TLS_PORT = 3478, 5349
SHOWN = 100
"""Characters of a wrong URL in a sentence."""


class ServerUrl(NamedTuple):
    """One way to one server; equal ones are the same however they were written."""

    kind: Literal["stun", "turn"]
    host: str
    """In small letters, an IPv6 address without its brackets."""
    port: int
    transport: Transport


def without_secrets(url: str) -> str:
    """A malformed URL for a sentence, without what may be a credential, before ``@`` or after ``?``."""
    plain, mark, query = url.partition("?")
    if "@" in url:  # a password may have a question mark, too
        scheme, _, rest = url.partition(":")
        host, mark, query = rest.rpartition("@")[2].partition("?")
        plain = f"{scheme if f'{scheme.lower()}:' in SCHEMES else '***'}:***@{host}"
    if mark and re.fullmatch(r"transport=[A-Za-z]{1,8}", query) is None:
        query = "***"
    return f"{plain}{mark}{query}"


@lru_cache(maxsize=512)
def parse(url: str) -> ServerUrl:
    """Take a URL apart.

    Raises
    ------
    ValueError
        If it is none of RFC 7064 or RFC 7065; the sentence names it, without what looks like a password.
    """
    shown = repr(without_secrets(url)[:SHOWN])
    scheme, _, rest = url.partition(":")
    if f"{scheme.lower()}:" not in SCHEMES:
        raise ValueError(f"The ICE server URL {shown} must begin with one of {', '.join(SCHEMES)}")
    if "@" in url:
        raise ValueError(f"The ICE server URL {shown} names a user: give username= and credential= instead.")
    if rest.startswith("/"):
        raise ValueError(f"The ICE server URL {shown} has slashes: the host follows the colon, as stun:host.")
    found = FORM.fullmatch(f"{scheme.lower()}:{rest}")
    if found is None:
        raise ValueError(
            f"The ICE server URL {shown} is not scheme:host, scheme:host:port or one of these "
            "with ?transport=udp or ?transport=tcp."
        )
    kind: Literal["stun", "turn"] = "stun" if scheme.lower().startswith("stun") else "turn"
    is_secure, asked = scheme.lower().endswith("s"), (found["transport"] or "").lower()
    if kind == "stun" and asked:
        raise ValueError(f"The ICE server URL {shown} has a transport: only turn: and turns: have one.")
    if is_secure and asked == "udp":
        raise ValueError(
            f"The ICE server URL {shown} asks for TURN over DTLS, which browsers do not have: "
            "leave ?transport=udp out."
        )
    port = int(found["port"] or (TLS_PORT if is_secure else PORT))
    if not 0 < port < 65536:
        raise ValueError(f"The ICE server URL {shown} has port {port}; ports are 1 to 65535.")
    host = found["host"].strip("[]").lower().removesuffix(".")
    if found["host"].startswith("["):
        try:
            host = str(IPv6Address(host))
        except AddressValueError:
            raise ValueError(
                f"The ICE server URL {shown} has no valid IPv6 address in its brackets."
            ) from None
    transport: Transport = "tls" if is_secure else "tcp" if asked == "tcp" else "udp"
    return ServerUrl(kind, host, port, transport)


def try_parse(url: str) -> ServerUrl | None:
    """The same of a URL that somebody else wrote; None if it is none."""
    try:
        return parse(url)
    except ValueError:
        return None


def canonical(url: str) -> str:
    """One spelling for each server, because browsers fill in what a user left out; empty if it is no URL."""
    found = try_parse(url)
    if found is None:
        return ""
    host = f"[{found.host}]" if ":" in found.host else found.host
    secure = "s" if found.transport == "tls" else ""
    asked = "" if found.kind == "stun" or secure else f"?transport={found.transport}"
    return f"{found.kind}{secure}:{host}:{found.port}{asked}"
