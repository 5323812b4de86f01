"""Who may talk to the server, and how they invite others: room tokens at work."""

from ..errors import RoomError
from .access import MIN_SECRET_BYTES, Claims, sign_token, verify_token

INVITE_S = 24 * 3600.0


class Doorkeeper:
    """Reads tokens and signs invitations.

    Parameters
    ----------
    secret
        Signs the tokens; 32 bytes or more.
    require_token
        Let nobody in without one.

    Raises
    ------
    ValueError
        For a shorter secret.
    """

    def __init__(self, secret: bytes, *, require_token: bool) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(
                f"The signing secret has {len(secret)} bytes; it needs {MIN_SECRET_BYTES} or more."
            )
        self._secret = secret
        self.require_token = require_token

    def admit(self, token: object, now_s: float) -> Claims | None:
        """Whom a token was made for; None for a stranger, where strangers are let in.

        Raises
        ------
        RoomError
            ``"not-allowed"``: a token that does not hold is refused, not passed over.
        """
        if token is None or token == "":
            if self.require_token:
                raise RoomError("This server asks for a room token: open an invite link.", "not-allowed")
            return None
        if not isinstance(token, str):
            raise RoomError("A room token is text.", "not-allowed")
        return verify_token(self._secret, token, now_s=now_s)

    def invitation(self, base_url: str, room: str, claims: Claims | None, now_s: float) -> str:
        """The guest page's address for a room; browsers keep the token in its fragment to themselves.

        Who was invited invites others no longer than they may stay themselves.
        """
        ttl_s = INVITE_S
        if claims is not None and claims.role == "participant":
            ttl_s = max(1.0, min(ttl_s, claims.expires_s - now_s))
        token = sign_token(self._secret, room, ttl_s=ttl_s, now_s=now_s)
        return f"{base_url}/r/{room}#token={token}"
