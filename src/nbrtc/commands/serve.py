"""``nbrtc serve``: the room server, until it is told to stop."""

import argparse
import asyncio
import contextlib
import errno
import signal
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..messages.signaling import CAPACITY
from .secret import read_secret, read_turn_secret, warn_if_others_read

if TYPE_CHECKING:
    from ..signaling.server import ServerOptions, SignalingServer

DEFAULT_PORT = 8000
TURN_TTL_S = 3600.0


def add(commands: Any) -> None:
    """Add the command to ``nbrtc``'s."""
    serve: argparse.ArgumentParser = commands.add_parser("serve", help="serve rooms and the guest page")
    serve.set_defaults(run=run)
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for every one (%(default)s)"
    )
    serve.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for any free one (%(default)s)")
    serve.add_argument("--cert", type=Path, metavar="FILE", help="certificate and chain (PEM): serves HTTPS")
    serve.add_argument(
        "--key", type=Path, metavar="FILE", help="the certificate's key, if it is not in --cert"
    )
    serve.add_argument(
        "--secret-file",
        type=Path,
        metavar="FILE",
        help="what signs room tokens, 32 bytes or more; without it invite links end with the server",
    )
    serve.add_argument(
        "--max-participants", type=int, default=CAPACITY, metavar="N", help="people in a room (%(default)s)"
    )
    serve.add_argument(
        "--origins", nargs="+", default=[], metavar="URL", help="other sites whose pages may connect"
    )
    serve.add_argument("--require-token", action="store_true", help="let nobody in without a room token")
    serve.add_argument("--public-url", metavar="URL", help="where browsers reach the server, behind a proxy")
    serve.add_argument("--max-clients", type=int, default=2000, metavar="N", help="connections (%(default)s)")
    serve.add_argument(
        "--max-clients-per-address",
        type=int,
        default=500,
        metavar="N",
        help="connections from one address (%(default)s)",
    )
    serve.add_argument(
        "--proxies",
        nargs="+",
        default=[],
        metavar="ADDRESS",
        help="proxies in front, like 127.0.0.1: their X-Forwarded-For says which client's limits count",
    )
    serve.add_argument(
        "--turn",
        nargs="+",
        default=[],
        metavar="URL",
        help="TURN servers that everybody in a room may use, like turn:turn.example.org?transport=udp",
    )
    serve.add_argument(
        "--turn-secret-file",
        type=Path,
        metavar="FILE",
        help="what is shared with them (coturn's static-auth-secret): credentials are made of it",
    )
    serve.add_argument(
        "--turn-ttl",
        type=float,
        default=TURN_TTL_S,
        metavar="SECONDS",
        help="how long a TURN credential is good for; calls outlive it (%(default)s)",
    )
    serve.add_argument(
        "--stun", nargs="+", default=[], metavar="URL", help="STUN servers, like stun:turn.example.org"
    )
    serve.add_argument(
        "--analytics",
        action="store_true",
        help="count at /metrics how connections went, without addresses; clients tell it then",
    )
    serve.add_argument("--log-json", action="store_true", help="log one JSON object a line")


def run(options: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    from ..signaling.log import write_to
    from ..signaling.server import ServerOptions, SignalingServer

    if not 0 <= options.port <= 65535:
        raise ValueError(f"A port is 0 to 65535, not {options.port}.")
    if options.key is not None and options.cert is None:
        raise ValueError("--key is the key of a certificate: give --cert, too.")
    if options.turn and options.turn_secret_file is None:
        raise ValueError("--turn needs --turn-secret-file: a TURN server takes nobody without credentials.")
    if options.turn_secret_file is not None and not options.turn:
        raise ValueError("--turn-secret-file is shared with a TURN server: give its URL with --turn.")
    for path in filter(None, (options.secret_file, options.turn_secret_file)):
        warn_if_others_read(path)
    turn_secret = options.turn_secret_file and read_turn_secret(options.turn_secret_file)
    server_options = ServerOptions(
        host=options.host,
        port=options.port,
        certificate=options.cert,
        key=options.key,
        secret=None if options.secret_file is None else read_secret(options.secret_file),
        require_token=options.require_token,
        capacity=options.max_participants,
        origins=tuple(options.origins),
        public_url=options.public_url,
        max_clients=options.max_clients,
        max_clients_per_address=options.max_clients_per_address,
        proxies=tuple(options.proxies),
        turn_urls=tuple(options.turn),
        turn_secret=turn_secret,
        turn_ttl_s=options.turn_ttl,
        stun_urls=tuple(options.stun),
        analytics=options.analytics,
    )
    server = SignalingServer(server_options)
    write_to(sys.stderr, as_json=options.log_json)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(server, server_options))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """A faster loop where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _run(server: "SignalingServer", options: "ServerOptions") -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    signals = [signal.SIGINT, signal.SIGTERM]
    for number in signals:
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C cancels this task instead
            loop.add_signal_handler(number, stop.set)
    try:
        await server.start()
    except OSError as error:
        raise ValueError(_why_not_started(error, options)) from error
    print(_welcome(server, options), flush=True)
    try:
        await stop.wait()
        for number in signals:  # a second Ctrl+C ends at once
            loop.remove_signal_handler(number)
    finally:
        await server.close()


def _why_not_started(error: OSError, options: "ServerOptions") -> str:
    if isinstance(error, ssl.SSLError):
        return (
            f"The certificate {str(options.certificate)!r} and its key cannot be used: "
            f"{error.reason or error}. Both are PEM files and belong together."
        )
    if error.errno == errno.EADDRINUSE:
        return f"Port {options.port} is in use: stop what uses it, or choose another with --port."
    if error.errno in (errno.EACCES, errno.EPERM) and options.certificate is None:
        return f"Port {options.port} needs more rights than you have: choose one above 1023 with --port."
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return f"The certificate {str(options.certificate)!r} or its key cannot be read: {error.strerror}."
    return f"The server cannot listen on {options.host} port {options.port}: {error.strerror or error}."


def _welcome(server: "SignalingServer", options: "ServerOptions") -> str:
    url = options.public_url or server.url
    lines = [
        f"nbrtc serves rooms at {url}",
        f"  in a browser:   {url}/r/NAME-OF-A-ROOM",
        f'  in a notebook:  nbrtc.Call(room="NAME-OF-A-ROOM", server="{url}")',
    ]
    if options.certificate is None and not url.startswith("https:"):
        lines.append(
            "Browsers give camera and microphone to https:// pages and to localhost only: for guests on "
            "other machines give --cert and --key, or put a proxy with HTTPS in front and give --public-url."
        )
    if not options.require_token and server.options.host not in ("127.0.0.1", "::1", "localhost"):
        lines.append("Whoever reaches this address may make and join rooms; --require-token changes that.")
    if options.turn_urls:
        lines.append(f"Whoever is in a room may use {', '.join(options.turn_urls)}.")
    if options.secret is None:
        lines.append("Invite links hold until the server stops; with --secret-file they outlive it.")
    lines.append("Stop with Ctrl+C.")
    return "\n".join(lines)
