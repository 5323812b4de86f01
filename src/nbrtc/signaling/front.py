"""What is checked and said for every request, whatever its path: origins, hosts, headers, errors as JSON."""

import logging
from collections.abc import Awaitable, Callable, Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

from ..errors import RoomError
from .proxies import Proxies

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATUS = {
    "invalid": 400,
    "not-allowed": 403,
    "wrong-passcode": 403,
    "room-not-found": 404,
    "room-exists": 409,
    "already-in-room": 409,
    "room-full": 409,
    "too-large": 413,
    "rate-limited": 429,
    "server-full": 503,
}
"""HTTP's word for an error's code; all others are 500."""


class Front:
    """Which pages may talk to this server, as a middleware.

    Browsers say in `Origin` which page asks; programs say nothing and are let through, so that this is no
    authentication: it keeps a stranger's page from using a visitor's browser.

    Parameters
    ----------
    origins
        Like ``https://hub.example.edu``, beside the server's own.
    public_url
        Where browsers reach the server, if not at the address in their `Host`.
    is_local
        The server listens on this machine only. Then it answers to this machine's names only, because a
        stranger's name may be pointed at 127.0.0.1 (DNS rebinding).
    proxies
        Addresses of proxies that say for whom they ask.

    Raises
    ------
    ValueError
        For an origin that is none (``*`` is none), or a proxy's address that is none.
    """

    def __init__(
        self, origins: Iterable[str], public_url: str | None, *, is_local: bool, proxies: Iterable[str] = ()
    ) -> None:
        self._origins = frozenset(map(_origin, origins))
        self._public = None if public_url is None else _origin(public_url)
        self._is_local = is_local
        self._proxies = Proxies(proxies)

    def attach(self, app: web.Application) -> None:
        """Stand in front of all routes of an application."""
        app.middlewares.append(self._middleware())
        app.on_response_prepare.append(self._prepare)

    def base_url(self, request: web.Request) -> str:
        """Where the asker reaches this server, without a slash at the end."""
        if self._public is not None:
            return self._public
        forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()
        scheme = forwarded if forwarded in ("http", "https") else request.scheme
        return f"{scheme}://{request.host}"

    def _middleware(self) -> Middleware:
        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            try:
                self._check_host(request)
                self._check_origin(request)
                if request.method == "OPTIONS":
                    return web.Response(status=204)
                return await handler(self._proxies.behind(request))
            except RoomError as error:
                return refusal(error)
            except web.HTTPException as error:
                if error.status < 400:
                    raise
                return refusal(RoomError(f"{error.reason}.", "invalid"), error.status)
            except Exception:
                logger.exception("A request failed")
                return refusal(RoomError("The server failed at this; its log says why.", "server-error"))

        return check

    def _check_host(self, request: web.Request) -> None:
        try:
            name = urlsplit(f"//{request.host}").hostname or ""
        except ValueError:
            name = ""
        if not name or (self._is_local and not self._is_ours(name)):
            raise RoomError("This server does not go by this name.", "not-allowed")

    def _is_ours(self, name: str) -> bool:
        if name == "localhost" or name.endswith(".localhost"):
            return True
        if self._public is not None and name == urlsplit(self._public).hostname:
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            return False

    def _check_origin(self, request: web.Request) -> None:
        origin = request.headers.get("Origin")
        if origin is not None and not (self._allows(origin) or origin == self.base_url(request)):
            raise RoomError("Pages of this origin may not use this server.", "not-allowed")

    def _allows(self, origin: str) -> bool:
        return origin in self._origins

    async def _prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        origin = request.headers.get("Origin")
        if origin is None or not self._allows(origin):
            return
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Vary"] = "Origin"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.headers["Access-Control-Max-Age"] = "600"


def answer(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer as JSON."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json"
    )


def bearer(request: web.Request) -> str | None:
    """The token of ``Authorization: Bearer`` (RFC 6750, section 2.1); None without one, or an empty one.

    Raises
    ------
    RoomError
        ``"not-allowed"`` for another scheme.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme and scheme.lower() != "bearer":
        raise RoomError("A token comes as Authorization: Bearer.", "not-allowed")
    return token.strip() or None


def refusal(error: RoomError, status: int | None = None) -> web.Response:
    """An error as JSON, in the form of the acknowledgements."""
    body = {"error": {"code": error.reason, "message": str(error)}}
    return web.Response(
        body=msgspec.json.encode(body),
        status=status or STATUS.get(error.reason, 500),
        content_type="application/json",
    )


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no origin: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.path.strip("/"):
        raise ValueError(
            f"{url!r} is no origin: write it like https://hub.example.edu or http://localhost:8888."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_usual = port is None or port == {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{port}")
