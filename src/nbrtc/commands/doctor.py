"""``nbrtc doctor``: what Python finds of a connection's conditions on this machine, in a terminal."""

import argparse
import sys
from pathlib import Path
from typing import Any

from ..ice.urls import parse
from ..messages import CheckResult, IceServerSource
from .secret import read_turn_secret, warn_if_others_read

MAX_CREDENTIAL_BYTES = 1024


def add(commands: Any) -> None:
    """Add the command to ``nbrtc``'s."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "doctor", help="check servers, network and Python on this machine"
    )
    parser.set_defaults(run=run)
    parser.add_argument("--server", metavar="URL", help="a room server (nbrtc serve) to check")
    parser.add_argument(
        "--ice-server",
        nargs="+",
        action="extend",
        default=[],
        metavar="URL",
        help="STUN and TURN servers to check, like turn:turn.example.org?transport=udp",
    )
    parser.add_argument(
        "--turn-secret-file",
        type=Path,
        metavar="FILE",
        help="what is shared with the TURN servers (coturn's static-auth-secret)",
    )
    parser.add_argument("--username", metavar="NAME", help="of the TURN servers, with --credential-file")
    parser.add_argument("--credential-file", type=Path, metavar="FILE", help="the credential of --username")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the results as a page, too")


def run(options: argparse.Namespace) -> None:
    """Check, print, and exit with 1 if something failed."""
    import msgspec

    from ..doctoring import page
    from ..doctoring.terminal import check_here
    from ..errors import EngineError
    from ..ticket import to_ticket

    sources = _sources(options)
    if options.html is not None and not options.html.parent.is_dir():
        raise ValueError(f"The page cannot be written: there is no folder {str(options.html.parent)!r}.")
    ticket = to_ticket("connection-check", server=options.server) if options.server else None
    server = None if ticket is None else ticket.server
    is_shown = sys.stderr.isatty() and not options.json
    if is_shown:
        print("nbrtc checks this machine, which takes some seconds ...", file=sys.stderr)
    try:
        results = check_here(sources, server)
    except EngineError as error:
        results = (_no_engine(error),)
    print(msgspec.json.encode(results).decode() if options.json else page.text(results))
    if options.html is not None:
        options.html.write_text(page.document(results), encoding="utf-8")
    if any(result.outcome == "fail" for result in results):
        raise SystemExit(1)


def _no_engine(error: Exception) -> CheckResult:
    return CheckResult(
        name="engine",
        title="Engine",
        outcome="fail",
        by="kernel",
        detail=str(error),
        advice="Look whether this machine is overloaded, and whether nbrtc and aiortc are installed whole.",
    )


def _sources(options: argparse.Namespace) -> tuple[IceServerSource, ...]:
    from ..ice.servers import IceServer, to_sources

    if options.username is not None and options.credential_file is None:
        raise ValueError("--username needs --credential-file: the credential is not given on a command line.")
    if options.credential_file is not None and options.username is None:
        raise ValueError("--credential-file holds the credential of a user: give --username, too.")
    if options.credential_file is not None and options.turn_secret_file is not None:
        raise ValueError("--turn-secret-file and --credential-file exclude each other: give one of them.")
    turn = [url for url in options.ice_server if parse(url).kind == "turn"]
    if turn and options.turn_secret_file is None and options.credential_file is None:
        raise ValueError(
            f"{turn[0]!r} takes nobody without credentials: give --turn-secret-file, or --username and "
            "--credential-file."
        )
    for path in filter(None, (options.turn_secret_file, options.credential_file)):
        warn_if_others_read(path)
    secret = options.turn_secret_file and read_turn_secret(options.turn_secret_file)
    credential = options.credential_file and _credential(options.credential_file)
    return to_sources(
        IceServer(url, options.username, credential, secret=secret) for url in options.ice_server
    )


def _credential(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ValueError(f"The credential file {str(path)!r} cannot be read ({reason}).") from error
    if not 0 < len(text.encode()) <= MAX_CREDENTIAL_BYTES:
        raise ValueError(f"The credential file {str(path)!r} is empty, or longer than a credential.")
    return text
