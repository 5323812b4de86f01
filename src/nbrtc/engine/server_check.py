"""Whether a room server can be reached from the engine, and how fast it is. On the engine's loop."""

import asyncio
import ssl
import time
from importlib import import_module
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec

from ..messages import CheckResult

if TYPE_CHECKING:
    import aiohttp

ANSWER_S = 4.0
ROUNDS = 3
"""Requests over one connection; the quickest counts, because the first one pays for opening it."""
SLOW_S = 0.5
MAX_BYTES = 64 * 1024
SOCKET = "socket.io/?EIO=4&transport=websocket"
"""Engine.IO's handshake, which says ``0{...}`` at once and joins nothing."""
NAME, TITLE = "room-server", "Room server"


class Health(msgspec.Struct):
    """What is read of its answer."""

    status: str
    version: str


async def check_server(url: str) -> list[CheckResult]:
    """Ask ``/health`` of a server, and whether a WebSocket gets through to it. Nothing is raised."""
    if not url:
        detail = "The room is on a server of this machine, which starts with the first join."
        return _result("skipped", detail)
    await asyncio.to_thread(import_module, "aiohttp")
    import aiohttp

    try:
        async with asyncio.timeout(ANSWER_S), aiohttp.ClientSession() as session:
            health, rtt_s = await _ask(session, url)
            await _open_socket(session, url)
    except (aiohttp.ClientError, OSError, ValueError, TypeError, msgspec.MsgspecError) as error:
        return _failed(url, error)
    where = "over TLS, with a certificate that is trusted" if urlsplit(url).scheme == "https" else "over HTTP"
    detail = (
        f"{url} (nbrtc {health.version}) answers in {rtt_s * 1000:.0f} ms {where}; WebSockets get through."
    )
    if rtt_s > SLOW_S:
        advice = "Joining and messages will be slow: use a server that is nearer, or a quicker network."
        return _result("warning", detail, advice, rtt_s)
    return _result("pass", detail, "", rtt_s)


async def _ask(session: "aiohttp.ClientSession", url: str) -> tuple[Health, float]:
    """What it says of itself, and the quickest round trip in seconds."""
    times_s = []
    for _ in range(ROUNDS):
        began_s = time.monotonic()
        async with session.get(f"{url}/health", allow_redirects=False) as answer:
            body = await answer.content.read(MAX_BYTES)
            times_s.append(time.monotonic() - began_s)
            answer.raise_for_status()
    return msgspec.json.decode(body, type=Health), min(times_s)


async def _open_socket(session: "aiohttp.ClientSession", url: str) -> None:
    async with session.ws_connect(f"{url}/{SOCKET}", max_msg_size=MAX_BYTES) as opened:
        if not (await opened.receive_str()).startswith("0"):
            raise ValueError("no Engine.IO")


def _failed(url: str, error: Exception) -> list[CheckResult]:
    import aiohttp

    if isinstance(error, TimeoutError):
        return _result(
            "fail",
            f"{url} did not answer within {ANSWER_S:.0f} s.",
            "Check the address, and that no firewall or proxy stands between the kernel and the server.",
        )
    if isinstance(error, ssl.SSLError | aiohttp.ClientSSLError | ssl.CertificateError):
        cause = getattr(error, "certificate_error", error)
        reason = getattr(cause, "verify_message", "") or "its TLS fails"
        return _result(
            "fail",
            f"{url} is not trusted from here: {reason}.",
            "Renew its certificate, or name the authority that signed it with SSL_CERT_FILE.",
        )
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return _result(
            "fail",
            f"{url} answers, but lets no WebSocket through (HTTP {error.status}).",
            "Let the proxy in front of it pass the headers Upgrade and Connection on.",
        )
    if isinstance(error, aiohttp.ClientResponseError | msgspec.MsgspecError | ValueError | TypeError):
        status = f" (HTTP {error.status})" if isinstance(error, aiohttp.ClientResponseError) else ""
        return _result(
            "fail",
            f"What answers at {url} is no room server{status}.",
            "Check the address: it is the one that `nbrtc serve` names when it starts.",
        )
    return _result(
        "fail",
        f"No room server answers at {url}.",
        "Check the address, and that `nbrtc serve` runs there.",
    )


def _result(
    outcome: Literal["pass", "warning", "fail", "skipped"],
    detail: str,
    advice: str = "",
    value: float | None = None,
) -> list[CheckResult]:
    result = CheckResult(
        name=NAME,
        title=TITLE,
        outcome=outcome,
        by="engine",
        detail=detail,
        advice=advice,
        value=value,
        unit="" if value is None else "s",
    )
    return [result]
