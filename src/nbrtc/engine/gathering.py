"""Candidates of STUN and TURN servers, gathered beside a connection that is under way already (RFC 8838).

aiortc gathers before it answers, from the first server of each kind only, and a dead one holds the answer up
for seconds. So connections are made without servers and answer with their host candidates at once, and what
servers give follows when it comes: from all of them at the same time.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from aioice import Candidate as IceCandidate

from ..messages import IceServerEntry
from .ice_access import Access, accesses
from .ice_errors import ERRORS, explained
from .ice_seams import IceSeam

logger = logging.getLogger(__name__)

SERVER_S = 5.0
"""So long one server may take; a TURN server that is reached at all answers within two round trips."""


class Gathering:
    """Gathers for one connection, once. On the engine's loop.

    Parameters
    ----------
    servers
        All are asked at a time.
    relay_only
        Nothing but relayed candidates is used, and they hide where they come from (RFC 9429, section 3.5.3).
    on_candidate
        Called with each candidate and the URL that gave it, and with None when there will be no more.
    on_failed
        Called with the URL of a server that gave nothing, STUN's code or 701, and a sentence.
    """

    def __init__(
        self,
        servers: Sequence[IceServerEntry],
        *,
        relay_only: bool,
        on_candidate: Callable[[IceCandidate | None, str], None],
        on_failed: Callable[[str, int, str], None],
    ) -> None:
        self._accesses = [
            one
            for one in accesses(servers)
            # aioice asks STUN servers by UDP only
            if one.kind == "turn" or (not relay_only and one.transport == "udp")
        ]
        self._relay_only = relay_only
        self._on_candidate, self._on_failed = on_candidate, on_failed
        self._task: asyncio.Task[None] | None = None
        self._done = asyncio.Event()

    @property
    def is_wanted(self) -> bool:
        """There are servers to ask."""
        return bool(self._accesses)

    def start(self, ice: IceSeam) -> None:
        """Begin, once the connection's descriptions are set."""
        self._task = asyncio.create_task(self._gather(ice), name="nbrtc-gather")

    async def finished(self) -> None:
        """Wait until no further candidate will come."""
        await self._done.wait()

    async def close(self) -> None:
        """Stop asking. What was allocated ends with its connection. Idempotent."""
        self._done.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _gather(self, ice: IceSeam) -> None:
        try:
            await asyncio.gather(*(self._ask(ice, one) for one in self._accesses))
        finally:
            self._done.set()
        self._on_candidate(None, "")

    async def _ask(self, ice: IceSeam, access: Access) -> None:
        try:
            async with asyncio.timeout(SERVER_S):
                await (self._allocate if access.kind == "turn" else self._reflect)(ice, access)
        except ERRORS as error:
            code, sentence = explained(error)
            logger.info("%s gave no candidate: %s", access.url, sentence)
            self._on_failed(access.url, code, sentence)

    async def _allocate(self, ice: IceSeam, access: Access) -> None:
        relay = await ice.relayed(access.address, hide_base=self._relay_only, **access.allocation)
        if ice.add(relay.candidate, relay.protocol):
            self._on_candidate(relay.candidate, access.url)
        else:
            await relay.protocol.close()

    async def _reflect(self, ice: IceSeam, access: Access) -> None:
        sockets = [one for one in ice.host_protocols if ":" not in one.local_candidate.host]
        asked = [ice.reflexive(one, access.address) for one in sockets]
        found = await asyncio.gather(*asked, return_exceptions=True)
        for candidate in found:
            if not isinstance(candidate, BaseException) and ice.add(candidate):
                self._on_candidate(candidate, access.url)
        errors = [one for one in found if isinstance(one, BaseException)]
        if errors and len(errors) == len(found):
            raise errors[0]
