"""Who may enter a room: signed room tokens (JWT, RFC 7519) and passcodes."""

import hashlib
import hmac
import math
import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal

import jwt
import msgspec

from ..errors import RoomError

Role = Literal["owner", "participant", "admin"]
"""An owner may create the token's room, a participant only join it, an admin sees every room."""

ALGORITHM = "HS256"
AUDIENCE = "nbrtc"
TOKEN_S = 24 * 3600.0
"""How long a token is good for, unless its maker says otherwise."""
MIN_SECRET_BYTES = 32
"""RFC 7518, section 3.2: the key is at least as long as the hash."""
MAX_TOKEN_CHARACTERS = 4096
ANY_ROOM = "*"
NOT_OURS = "The room token is not one of this server's: ask for a new invite link."


@dataclass(frozen=True, slots=True)
class Claims:
    """What a signed token says."""

    room: str
    """The one room that it opens; ``"*"`` for an admin."""
    role: Role
    subject: str | None
    """Who it was made for. Two joins under one subject are the same person."""
    expires_s: float
    """Unix time in seconds."""
    name: str | None = None

    def opens(self, room: str) -> bool:
        """Whether the token is for this room."""
        return self.room in (room, ANY_ROOM)


def new_secret() -> bytes:
    """A signing secret that nobody can guess."""
    return secrets.token_bytes(MIN_SECRET_BYTES)


def sign_token(
    secret: bytes,
    room: str,
    *,
    role: Role = "participant",
    subject: str | None = None,
    name: str | None = None,
    ttl_s: float = TOKEN_S,
    now_s: float | None = None,
) -> str:
    """A token for one room and one role.

    Raises
    ------
    ValueError
        If the secret is short, the room is empty, or a role other than admin asks for every room.
    """
    _require_long(secret)
    if not room or (room == ANY_ROOM) != (role == "admin"):
        raise ValueError(f"A token is for one room, or for {ANY_ROOM!r} as admin, not {room!r} as {role}.")
    if ttl_s <= 0:
        raise ValueError(f"A token must be good for some time, not {ttl_s:g} s.")
    now_s = time.time() if now_s is None else now_s
    payload: dict[str, Any] = {"aud": AUDIENCE, "exp": math.ceil(now_s + ttl_s), "room": room, "role": role}
    if subject is not None:
        payload["sub"] = subject
    if name is not None:
        payload["name"] = name
    return jwt.encode(payload, secret, algorithm=ALGORITHM)


def verify_token(secret: bytes, token: str, *, now_s: float | None = None) -> Claims:
    """What a token says, if its signature, audience, time, room and role hold.

    The algorithm is pinned, so that neither ``none`` nor another family's key is taken for a signature
    (RFC 8725, section 3.1). Whether the room is the right one is for the caller: `Claims.opens`.

    Raises
    ------
    RoomError
        With the reason ``"not-allowed"``. The sentence never repeats the token.
    """
    _require_long(secret)
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARACTERS:
        raise _refused(NOT_OURS)
    try:
        payload = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            # the times are looked at below, by the caller's clock
            options={
                "require": ["exp", "aud"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError, RecursionError) as error:  # half a surrogate pair, deep JSON
        raise _refused(NOT_OURS) from error
    return _claims(payload, time.time() if now_s is None else now_s)


class _Payload(msgspec.Struct):
    """What stands in a token. Other claims are passed over."""

    exp: float
    room: str
    role: Role
    nbf: float = 0.0
    sub: str | None = None
    name: str | None = None


def _claims(payload: dict[str, Any], now_s: float) -> Claims:
    try:
        said = msgspec.convert(payload, _Payload)
    except msgspec.ValidationError as error:
        raise _refused(NOT_OURS) from error
    if not said.room or (said.room == ANY_ROOM) != (said.role == "admin"):
        raise _refused(NOT_OURS)
    if not said.exp > now_s:
        raise _refused("The room token has expired: ask for a new invite link.")
    if not said.nbf <= now_s:
        raise _refused("The room token is not valid yet: try again when its time has come.")
    return Claims(room=said.room, role=said.role, subject=said.sub, expires_s=said.exp, name=said.name)


def _refused(sentence: str) -> RoomError:
    return RoomError(sentence, "not-allowed")


def _require_long(secret: bytes) -> None:
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(
            f"A signing secret has at least {MIN_SECRET_BYTES} bytes (RFC 7518, 3.2), not {len(secret)}."
        )


# --- passcodes ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HashedPasscode:
    """A passcode that a room remembers without keeping its text.

    It lives in the server's memory only and attempts are limited, so that a fast keyed hash does; a slow one
    would let strangers keep the server's loop busy.
    """

    salt: bytes
    digest: bytes


def hash_passcode(passcode: str) -> HashedPasscode:
    """What a room keeps of its passcode."""
    salt = secrets.token_bytes(16)
    return HashedPasscode(salt, _digest(salt, passcode))


def check_passcode(hashed: HashedPasscode, passcode: str | None) -> bool:
    """Whether it is the room's passcode, in a time that does not tell how much of it was right."""
    return hmac.compare_digest(hashed.digest, _digest(hashed.salt, passcode or ""))


def _digest(salt: bytes, passcode: str) -> bytes:
    # surrogates cannot come over the wire, but a passcode given in Python may hold anything
    return hmac.new(salt, passcode.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
