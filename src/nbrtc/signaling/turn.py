"""The STUN and TURN servers that a room's server gives its participants, with credentials of their own."""

import time
from collections.abc import Callable, Iterable

from ..ice.credentials import issue
from ..ice.turn_options import check_secret
from ..ice.urls import parse
from ..messages.ice import IceServerEntry
from ..messages.signaling import TurnCredentialsJson

TTL_S = (60.0, 86_400.0)
"""Of a credential; 600 to 3600 s is usual. A connection outlives it."""
MAX_URLS = 20
"""Of both kinds. Browsers are slowed down by more than four, and clients choose among them."""


class TurnIssuer:
    """Makes credentials that end by themselves, for one participant each.

    Parameters
    ----------
    turn_urls, secret
        TURN servers (RFC 7065), and what is shared with them: both or none.
    stun_urls
        STUN servers (RFC 7064).
    ttl_s
        How long credentials are good for, 60 to 86,400 s.
    clock
        Unix time as the TURN servers have it. Not the server's own clock: that one stands still while the
        machine sleeps.

    Raises
    ------
    ValueError
        As one sentence, without the secret.
    """

    def __init__(
        self,
        *,
        turn_urls: Iterable[str] = (),
        secret: str | None = None,
        stun_urls: Iterable[str] = (),
        ttl_s: float = 3600.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._turn_urls, self._stun_urls = tuple(turn_urls), tuple(stun_urls)
        for kind, urls in (("turn", self._turn_urls), ("stun", self._stun_urls)):
            for url in urls:
                if (found := parse(url).kind) != kind:
                    raise ValueError(
                        f"{url!r} is a {found.upper()} server, given as a {kind.upper()} server."
                    )
        if (number := len(self._turn_urls) + len(self._stun_urls)) > MAX_URLS:
            raise ValueError(f"These are {number} STUN and TURN URLs; {MAX_URLS} are the most.")
        if self._turn_urls and secret is None:
            raise ValueError("A TURN server takes nobody without credentials: give its secret, too.")
        if secret is not None and not self._turn_urls:
            raise ValueError("A TURN secret is shared with a TURN server: give its URL, too.")
        if not TTL_S[0] <= ttl_s <= TTL_S[1]:
            raise ValueError(
                f"TURN credentials are good for {TTL_S[0]:.0f} to {TTL_S[1]:.0f} s, not {ttl_s:g} s."
            )
        self._secret = None if secret is None else check_secret(secret)
        self._ttl_s = ttl_s
        self._clock = clock

    def issue(self, participant: str) -> TurnCredentialsJson:
        """All servers, with fresh credentials for this participant; empty where the server has none."""
        servers = (IceServerEntry(urls=self._stun_urls),) if self._stun_urls else ()
        if self._secret is None:
            return TurnCredentialsJson(ice_servers=servers)
        now_s = self._clock()
        made = issue(self._secret, participant, self._ttl_s, now_s)
        turn = IceServerEntry(urls=self._turn_urls, username=made.username, credential=made.credential)
        left_s = made.expires_at_s - now_s
        return TurnCredentialsJson(ice_servers=(*servers, turn), expires_at=made.expires_at_s, ttl=left_s)
