"""What `Call(room=...)` and `Bot(room=...)` are given, checked: which room, where, and what lets one in."""

from numbers import Integral
from urllib.parse import parse_qs, unquote, urlsplit

from .arguments import to_boolean
from .errors import RoomError
from .messages import RoomSettings, RoomTicket
from .messages.plain import is_boolean
from .rooms.names import check_room_id

INVITE = "/r/"
"""An invite link's path: the server's own, then this, then the room."""
MAX_CAPACITY = 1_000


def to_ticket(
    room: object,
    *,
    server: str | None = None,
    passcode: str | None = None,
    token: str | None = None,
    capacity: int | None = None,
    settings: RoomSettings | None = None,
) -> RoomTicket | None:
    """The ticket for a room's id or an invite link; None for a solo call.

    Raises
    ------
    TypeError, ValueError
        Saying what of it cannot be.
    """
    texts = {"server": server, "passcode": passcode, "token": token}
    if room is None:
        rest = {**texts, "capacity": capacity, "settings": settings}
        given = [name for name, value in rest.items() if value is not None]
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
    people: object = capacity
    if people is not None and (
        is_boolean(people) or not isinstance(people, Integral) or not 1 <= int(people) <= MAX_CAPACITY
    ):
        raise ValueError(f"capacity is a whole number of people from 1 to {MAX_CAPACITY}, not {capacity!r}.")
    if settings is not None:
        _check_settings(settings)
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
        settings=settings,
        must_exist=must_exist,
    )


def _check_settings(settings: object) -> None:
    if not isinstance(settings, RoomSettings):
        raise TypeError(f"settings is an nbrtc.RoomSettings(recording=False, ...), not {settings!r}.")
    for name in settings.__struct_fields__:
        to_boolean(f"settings.{name}", getattr(settings, name))


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
