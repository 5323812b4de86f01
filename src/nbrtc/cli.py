"""The command ``nbrtc``: serve rooms, sign room tokens."""

import argparse
import asyncio
import contextlib
import errno
import os
import signal
import ssl
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from .messages.signaling import CAPACITY

if TYPE_CHECKING:
    from .signaling.server import ServerOptions, SignalingServer

DEFAULT_PORT = 8000
DAY_S = 24 * 3600.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exits with 2 and a sentence where something given to it cannot be."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError) as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    print(f"nbrtc: {sentence}", file=sys.stderr)
    raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nbrtc", description="Video calls between notebooks and browsers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve rooms and the guest page")
    serve.set_defaults(run=_serve)
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
        help="connections from one address; raise it behind a proxy (%(default)s)",
    )
    serve.add_argument("--log-json", action="store_true", help="log one JSON object a line")

    token = commands.add_parser("token", help="print a signed room token")
    token.set_defaults(run=_token)
    token.add_argument("--secret-file", type=Path, required=True, metavar="FILE", help="the server's secret")
    token.add_argument("--room", required=True, metavar="ID", help="the one room; * with --role admin")
    token.add_argument(
        "--role",
        choices=("owner", "participant", "admin"),
        default="participant",
        help="an owner may make the room, a participant joins it, an admin sees all (%(default)s)",
    )
    token.add_argument("--name", help="the holder's name in calls")
    token.add_argument(
        "--subject", metavar="ID", help="whom it is for; joining again takes the earlier seat over"
    )
    token.add_argument(
        "--ttl", type=float, default=DAY_S, metavar="SECONDS", help="how long it holds (%(default)s)"
    )
    return parser


# --- nbrtc token ----------------------------------------------------------------------------------------


def _token(options: argparse.Namespace) -> None:
    from .errors import RoomError
    from .rooms.names import check_name, check_room_id
    from .signaling.access import sign_token

    try:
        if options.room != "*":
            check_room_id(options.room)
        name = None if options.name is None else check_name(options.name)
    except RoomError as error:
        _fail(str(error))
    print(
        sign_token(
            read_secret(options.secret_file),
            options.room,
            role=options.role,
            name=name,
            subject=options.subject,
            ttl_s=options.ttl,
        )
    )


def read_secret(path: Path) -> bytes:
    """The signing secret in a file, without the line's end.

    Raises
    ------
    ValueError
        The file cannot be read or holds less than 32 bytes.
    """
    from .signaling.access import MIN_SECRET_BYTES

    try:
        secret = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise ValueError(
            f"The secret file {str(path)!r} cannot be read ({error.strerror}). This makes one: "
            f'python -c "import secrets; print(secrets.token_hex(32))" > {path}'
        ) from error
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(
            f"The secret file {str(path)!r} holds {len(secret)} bytes; {MIN_SECRET_BYTES} or more are needed."
        )
    return secret


# --- nbrtc serve ----------------------------------------------------------------------------------------


def _serve(options: argparse.Namespace) -> None:
    from .signaling.log import write_to
    from .signaling.server import ServerOptions, SignalingServer

    if not 0 <= options.port <= 65535:
        raise ValueError(f"A port is 0 to 65535, not {options.port}.")
    if options.key is not None and options.cert is None:
        raise ValueError("--key is the key of a certificate: give --cert, too.")
    if options.secret_file is not None and _others_read(options.secret_file):
        print(f"nbrtc: others on this machine can read {options.secret_file}: chmod 600 it.", file=sys.stderr)
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
    )
    write_to(sys.stderr, as_json=options.log_json)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_run(SignalingServer(server_options), server_options))


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
    if options.secret is None:
        lines.append("Invite links hold until the server stops; with --secret-file they outlive it.")
    lines.append("Stop with Ctrl+C.")
    return "\n".join(lines)


def _others_read(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # said when it is read
    return os.name == "posix" and bool(mode & (stat.S_IRGRP | stat.S_IROTH))
