"""``nbrtc turn-config``: print a hardened configuration for coturn."""

import argparse
import sys
from pathlib import Path
from typing import Any

from ..ice.turn_config import turn_config
from ..ice.turn_options import MAX_BPS, MAX_PORT, MIN_PORT, PORT, TLS_PORT, USER_QUOTA, TurnOptions
from .secret import read_turn_secret, warn_if_others_read


def add(commands: Any) -> None:
    """Add the command to ``nbrtc``'s."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "turn-config", help="print a hardened turnserver.conf for coturn"
    )
    parser.set_defaults(run=run)
    parser.add_argument("--realm", required=True, metavar="DOMAIN", help="the server's domain")
    parser.add_argument(
        "--external-ip",
        required=True,
        metavar="IP[/PRIVATE]",
        help="the public IPv4 address; behind a NAT that maps it, the machine's own after a /",
    )
    parser.add_argument(
        "--secret-file",
        type=Path,
        required=True,
        metavar="FILE",
        help="what is shared with `nbrtc serve --turn-secret-file`, 32 characters or more",
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="certificate and chain (PEM), for turns:")
    parser.add_argument("--pkey", type=Path, metavar="FILE", help="the certificate's key")
    parser.add_argument("--no-tls", action="store_true", help="without turns:; for tests and closed networks")
    parser.add_argument("--port", type=int, default=PORT, help="for UDP and TCP (%(default)s)")
    parser.add_argument("--tls-port", type=int, default=TLS_PORT, help="for TLS (%(default)s)")
    parser.add_argument(
        "--min-port", type=int, default=MIN_PORT, help="first UDP port of what is relayed (%(default)s)"
    )
    parser.add_argument("--max-port", type=int, default=MAX_PORT, help="the last one (%(default)s)")
    parser.add_argument(
        "--listening-ip",
        nargs="+",
        default=[],
        metavar="IP",
        help="where clients come in (the machine's own address of --external-ip)",
    )
    parser.add_argument(
        "--allow-peer",
        nargs="+",
        default=[],
        metavar="IP[-IP]|NETWORK",
        help="relay there although it is not public: for example where the Jupyter servers are",
    )
    parser.add_argument(
        "--user-quota",
        type=int,
        default=USER_QUOTA,
        metavar="N",
        help="allocations of one participant at a time (%(default)s)",
    )
    parser.add_argument("--total-quota", type=int, metavar="N", help="allocations of everybody (600)")
    parser.add_argument(
        "--max-bps",
        type=int,
        default=MAX_BPS,
        metavar="BYTES",
        help="bytes a second of one allocation in each direction (%(default)s)",
    )


def run(options: argparse.Namespace) -> None:
    """Print the configuration; what a person should know goes to stderr."""
    warn_if_others_read(options.secret_file)
    text = turn_config(
        TurnOptions(
            realm=options.realm,
            external_ip=options.external_ip,
            secret=read_turn_secret(options.secret_file),
            certificate=None if options.cert is None else options.cert.absolute(),
            key=None if options.pkey is None else options.pkey.absolute(),
            tls=not options.no_tls,
            port=options.port,
            tls_port=options.tls_port,
            min_port=options.min_port,
            max_port=options.max_port,
            listening_ips=tuple(options.listening_ip),
            allow_peers=tuple(options.allow_peer),
            user_quota=options.user_quota,
            total_quota=options.total_quota,
            max_bps=options.max_bps,
        )
    )
    for path in filter(None, (options.cert, options.pkey)):
        if not path.is_file():
            print(f"nbrtc: {path} is not there (yet): coturn does not offer TLS without it.", file=sys.stderr)
    if sys.stdout.isatty():
        print("nbrtc: the secret stands in what follows; send it to a file instead.", file=sys.stderr)
    else:
        print(
            "nbrtc: the secret is in this file: write it under umask 077, then "
            "chown root:turnserver and chmod 640 it.",
            file=sys.stderr,
        )
    print(text, end="")
