"""TURN credentials that expire: the "TURN REST" format, which coturn takes with ``use-auth-secret``.

The username is ``expiry:participant`` with the expiry in Unix seconds, the credential is the Base64 of
HMAC-SHA1 over the username, keyed with what the TURN server and this side share
(draft-uberti-behave-turn-rest-00, section 2.2). An allocation outlives its credential.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

MAX_USERNAME_BYTES = 508
"""RFC 8489, section 14.3: a USERNAME has fewer than 509 bytes."""


class Credentials(NamedTuple):
    """What one participant shows to a TURN server, until it expires."""

    username: str
    credential: str
    expires_at_s: float
    """Unix time, the one in the username."""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r}, expires_at_s={self.expires_at_s:.0f}, ...)"


def issue(secret: str, participant: str, ttl_s: float, now_s: float) -> Credentials:
    """Credentials for `participant` that are good for `ttl_s` seconds from `now_s` (Unix time).

    Raises
    ------
    ValueError
        For an empty secret or participant, a time to live that is not positive, or a username too long for
        STUN. No sentence shows the secret.
    """
    if not secret or not participant:
        raise ValueError("TURN credentials need a secret and a participant.")
    if not ttl_s > 0:
        raise ValueError(f"TURN credentials are good for more than 0 s, not {ttl_s:g} s.")
    expiry = int(now_s + ttl_s)
    username = f"{expiry}:{participant}"
    if len(username.encode()) > MAX_USERNAME_BYTES:
        raise ValueError(f"The participant {participant[:40]!r}... is too long for a TURN username.")
    digest = hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()
    return Credentials(username, base64.b64encode(digest).decode(), float(expiry))


def expiry_of(username: str | None) -> float | None:
    """Unix time at which a credential with this username ends; None for one that is not of this format."""
    expiry, colon, participant = (username or "").partition(":")
    is_time = expiry.isascii() and expiry.isdigit() and len(expiry) <= 12
    return float(expiry) if colon and participant and is_time else None
