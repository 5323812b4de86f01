"""What `Call(room=...)` and `Bot(room=...)` are given, checked: which room, where, and what lets one in."""

import getpass
import os
from urllib.parse import parse_qs, unquote, urlsplit

from .errors import RoomError
from .messages import RoomTicket
from .rooms.names import check_room_id

INVITE = "/r/"
"""An invite link's path: the server's own, then this, then the room."""
NOBODY = "Guest"
MAX_CAPACITY = 1_000


def to_ticket(
    room: object,
    *,
    server: str | None = None,
    passcode: str | None = None,
    token: str | None = None,
    capacity: int | None = None,
) -> RoomTicket | None:
    """The ticket for a room's id or an invite link; None for a solo call.

    Raises
    ------
    TypeError, ValueError
        Saying what of it cannot be.
    """
    texts = {"server": server, "passcode": passcode, "token": token}
    if room is None:
        given = [name for name, value in {**texts, "capacity": capacity}.items() if value is not None]
        if given:
            raise ValueError(f"{', '.join(given)} needs a room: Call(room=..., {given[0]}=...).")
        return None
    if not isinstance(room, str):
        raise TypeError(f"room is a string, a room's id or an invite link, not {room!r}.")
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} is a string, not a value of type {type(value).__name__}.")
        if value is not None and not value.strip():
            raise ValueError(f"{name} is empty: leave it out.")
    if capacity is not None and not (
        isinstance(capacity, int) and not isinstance(capacity, bool) and 1 <= capacity <= MAX_CAPACITY
    ):
        raise ValueError(f"capacity is a whole number of people from 1 to {MAX_CAPACITY}, not {capacity!r}.")
    must_exist = False
    if "://" in room:
        if server is not None or token is not None:
            raise ValueError("An invite link says its server and brings its token: leave server= and token=.")
        room, server, token = _from_invite(room)
        must_exist = True
    try:
        check_room_id(room)
    except RoomError as error:
        raise ValueError(str(error)) from None
    return RoomTicket(
        room=room,
        server=None if server is None else _to_server(server),
        passcode=passcode,
        token=token,
        capacity=capacity,
        must_exist=must_exist,
    )


def own_name() -> str:
    """How the person at this notebook is called in a room who gave no name: the login name.

    A hub's user counts more than the container's, which is the same for everybody. Nobody knows: Guest.
    """
    try:
        login = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
    except (OSError, KeyError, ImportError):
        return NOBODY
    name = login.partition("@")[0].strip()
    return name[:1].upper() + name[1:64] if name.isprintable() and name else NOBODY


def _from_invite(link: str) -> tuple[str, str, str | None]:
    """(room, server, token) of a link like ``https://calls.example/r/physics#token=...``."""
    parts = urlsplit(link.strip())
    path, found, room = parts.path.rpartition(INVITE)
    if not found or not room:
        raise ValueError(
            "This link is no invite link: one looks like https://calls.example.edu/r/physics-101#token=... "
            "(the token is left out of this message)."
        )
    tokens = parse_qs(parts.fragment).get("token")
    return unquote(room), f"{parts.scheme}://{parts.netloc}{path}", tokens[0] if tokens else None


def _to_server(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"server is a URL like https://calls.example.edu, not {url.partition('#')[0]!r}.")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "server is a URL without user, query or fragment; secrets go into token= and passcode="
        )
    return url.strip().rstrip("/")
