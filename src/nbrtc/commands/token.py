"""``nbrtc token``: sign a room token."""

import argparse
from pathlib import Path
from typing import Any

from ..errors import RoomError
from .secret import read_secret

DAY_S = 24 * 3600.0


def add(commands: Any) -> None:
    """Add the command to ``nbrtc``'s."""
    token: argparse.ArgumentParser = commands.add_parser("token", help="print a signed room token")
    token.set_defaults(run=run)
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


def run(options: argparse.Namespace) -> None:
    """Print the token."""
    from ..rooms.names import check_name, check_room_id
    from ..signaling.access import sign_token

    try:
        if options.room != "*":
            check_room_id(options.room)
        name = None if options.name is None else check_name(options.name)
    except RoomError as error:
        raise ValueError(str(error)) from error
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
