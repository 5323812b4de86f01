"""ICE servers as the user writes them, and as a connection uses them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from ..messages import IceServerEntry, IceServerSource
from .credentials import MAX_USERNAME_BYTES, expiry_of, issue
from .urls import parse

KEYS = ("urls", "username", "credential", "secret", "ttl_s")
MAX_URLS = 20
"""Of one call. A browser that is given five already warns that they slow it down."""
TTL_S = (60.0, 7 * 86400.0)
DEFAULT_TTL_S = 3600.0


@dataclass(frozen=True, init=False, repr=False)
class IceServer:
    """A STUN or TURN server.

    >>> nbrtc.IceServer("turn:turn.example.org", secret=open("turn.secret").read().strip())  # doctest: +SKIP
    IceServer('turn:turn.example.org', secret=...)

    Parameters
    ----------
    urls
        ``"stun:host"``, ``"turn:host:3478?transport=udp"``, ``"turns:host?transport=tcp"``, ..., or several
        of one server (RFC 7064, RFC 7065). The port is 3478, with TLS 5349, unless it is given.
    username, credential
        What a TURN server asks for.
    secret
        In place of `credential`: what this side shares with the TURN server (coturn's
        ``static-auth-secret``). The engine makes credentials of it that expire; the secret itself never
        leaves this machine. `username` is then the part after the time, by default the call's own id.
    ttl_s
        How many seconds such a credential is good for, 60 to 604,800. It is renewed before a connection is
        made or restarted, and a connection outlives it.

    Raises
    ------
    TypeError, ValueError
        For a URL that is none, or a TURN server without credentials. No sentence shows a credential.
    """

    urls: tuple[str, ...]
    username: str | None
    credential: str | None
    secret: str | None
    ttl_s: float

    def __init__(
        self,
        urls: str | Sequence[str],
        username: str | None = None,
        credential: str | None = None,
        *,
        secret: str | None = None,
        ttl_s: float = DEFAULT_TTL_S,
    ) -> None:
        source = _checked(urls, username, credential, secret, ttl_s)
        for name in KEYS:
            object.__setattr__(self, name, getattr(source, name))

    @classmethod
    def of(cls, source: IceServerSource) -> "IceServer":
        """The server that the engine was told of."""
        return cls(source.urls, source.username, source.credential, secret=source.secret, ttl_s=source.ttl_s)

    @property
    def source(self) -> IceServerSource:
        """The same for the engine."""
        return IceServerSource(self.urls, self.username, self.credential, self.secret, self.ttl_s)

    def __repr__(self) -> str:
        urls = repr(self.urls[0]) if len(self.urls) == 1 else repr(list(self.urls))
        username = "" if self.username is None else f", username={self.username!r}"
        hidden = [name for name in ("credential", "secret") if getattr(self, name) is not None]
        return f"IceServer({urls}{username}{''.join(f', {name}=...' for name in hidden)})"


AnyServer = str | Mapping[str, Any] | IceServer | IceServerSource
"""What a user may give for one server."""


def to_sources(servers: Iterable[AnyServer]) -> tuple[IceServerSource, ...]:
    """Sources from URLs, from dictionaries like ``RTCIceServer`` (webrtc-pc, section 4.2.4), or `IceServer`.

    No error shows a credential.

    Raises
    ------
    ValueError
        For a URL of another scheme (RFC 7064, RFC 7065), an unknown key, a TURN server without username
        and credential, or more than 20 URLs.
    TypeError
        For anything else.
    """
    if isinstance(servers, (str, Mapping, IceServer, IceServerSource)):
        raise TypeError("ice_servers is a list of servers, not one: put it into [ ].")
    if not isinstance(servers, Iterable):
        raise TypeError(f"ice_servers is a list of servers, not {servers!r}.")
    sources = tuple(map(_source, servers))
    if (number := sum(len(source.urls) for source in sources)) > MAX_URLS:
        raise ValueError(f"ice_servers has {number} URLs; {MAX_URLS} are the most.")
    return sources


def entry_of(source: IceServerSource, participant: str, now_s: float) -> tuple[IceServerEntry, float | None]:
    """What a connection uses of a source, and when that expires (Unix time); made anew of a secret.

    Parameters
    ----------
    participant
        Whom the credential is for, where the source names nobody.
    """
    if source.secret is None:
        entry = IceServerEntry(urls=source.urls, username=source.username, credential=source.credential)
        return entry, expiry_of(source.username)
    made = issue(source.secret, source.username or participant, source.ttl_s, now_s)
    return IceServerEntry(source.urls, made.username, made.credential), made.expires_at_s


def _source(server: object) -> IceServerSource:
    if isinstance(server, IceServer):
        return server.source
    if isinstance(server, IceServerSource):
        server = {key: getattr(server, key) for key in KEYS}
    if isinstance(server, str):
        server = {"urls": server}
    if not isinstance(server, Mapping):
        raise TypeError(
            f"An ICE server is a URL, a dictionary or an nbrtc.IceServer, not {type(server).__name__}."
        )
    unknown = [key for key in server if key not in KEYS]
    if unknown or "urls" not in server:
        raise ValueError(f"An ICE server has {', '.join(KEYS)}; this one has {', '.join(map(str, server))}.")
    named = {"username": None, "credential": None, "secret": None, "ttl_s": DEFAULT_TTL_S, **server}
    return _checked(**named)


def _checked(
    urls: object, username: object, credential: object, secret: object, ttl_s: object
) -> IceServerSource:
    listed = [urls] if isinstance(urls, str) else urls
    if not isinstance(listed, list | tuple) or not listed:
        raise TypeError(f"An ICE server's urls are one URL or a list of them, not {type(urls).__name__}.")
    if not all(isinstance(url, str) for url in listed):
        raise TypeError("An ICE server's urls are one URL or a list of them, and each is a string.")
    username, credential, secret = (
        _text(name, value)
        for name, value in (("username", username), ("credential", credential), ("secret", secret))
    )
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, Real):
        raise TypeError(f"An ICE server's ttl_s is a number of seconds, not {type(ttl_s).__name__}.")
    if not TTL_S[0] <= float(ttl_s) <= TTL_S[1]:
        raise ValueError(f"An ICE server's ttl_s is {TTL_S[0]:.0f} to {TTL_S[1]:.0f} s, not {ttl_s!r}.")
    if credential and secret:
        raise ValueError(f"The ICE server {listed[0]!r} has a credential and a secret: give one of them.")
    is_turn = False
    for url in listed:
        if parse(url).kind == "turn":
            is_turn = True
            if not secret and not (username and credential):
                raise ValueError(
                    f"The TURN server {url!r} needs username and credential, or the secret they are made of."
                )
    if len((username or "").encode()) > MAX_USERNAME_BYTES - 16:  # the time stands before it
        raise ValueError(f"The username for the server {listed[0]!r} is too long for STUN.")
    if not is_turn:
        username = credential = secret = None  # STUN asks nobody who they are
    return IceServerSource(tuple(listed), username, credential, secret or None, float(ttl_s))


def _text(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"An ICE server's username, credential and secret are strings; {name} is none.")
    return value
