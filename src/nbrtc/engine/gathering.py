"""Candidates of STUN and TURN servers, gathered beside a connection that is under way already (RFC 8838).

aiortc gathers before it answers, from the first server of each kind only, and a dead one holds the answer up
for seconds. So connections are made without servers and answer with their host candidates at once, and what
servers give follows when it comes: from all of them at the same time.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from aioice import Candidate as IceCandidate
from aioice.ice import StunProtocol

from ..ice.standing import UNREACHABLE
from ..messages import IceServerEntry
from .ice_access import Access, accesses
from .ice_errors import ERRORS, explained, most_telling
from .ice_seams import IceSeam
from .name_lookup import addresses_of, first_of_each_family

logger = logging.getLogger(__name__)

SERVER_S = 5.0
"""So long one server may take; a TURN server that is reached at all answers within two round trips."""


class Gathering:
    """Gathers for one connection, once. On the engine's loop.

    Parameters
    ----------
    servers
        The best first; all are asked at a time.
    relay_only
        Nothing but relayed candidates is used, and they hide where they come from (RFC 9429, section 3.5.3).
    on_candidate
        Called with each candidate and the URL that gave it, and with None when there will be no more.
    on_failed
        Called with the URL of a server that gave nothing, STUN's code or 701, and a sentence. Also later,
        once for each code, when an allocation is lost or the server forbids what is to be relayed.
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
            # by TCP a STUN server tells an address that no packet of ours comes from
            if one.kind == "turn" or (not relay_only and one.transport == "udp")
        ]
        self._relay_only = relay_only
        self._on_candidate, self._on_failed = on_candidate, on_failed
        self._task: asyncio.Task[None] | None = None
        self._done = asyncio.Event()
        self._told: set[tuple[str, int]] = set()

    @property
    def is_wanted(self) -> bool:
        """There are servers to ask."""
        return bool(self._accesses)

    @property
    def is_done(self) -> bool:
        """No further candidate will come."""
        return self._done.is_set()

    def start(self, ice: IceSeam) -> None:
        """Begin, once the connection's local description is set."""
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
        asked = [self._ask(ice, rank, access) for rank, access in enumerate(self._accesses)]
        results = await asyncio.gather(*asked, return_exceptions=True)
        for access, result in zip(self._accesses, results, strict=True):
            if isinstance(result, BaseException):  # not one that a server causes: a mistake of ours
                logger.error("Asking %s for a candidate failed", access.url, exc_info=result)
                self._failed(access, UNREACHABLE, "Asking it failed; the log says more.")
        self._done.set()
        self._on_candidate(None, "")

    async def _ask(self, ice: IceSeam, rank: int, access: Access) -> None:
        try:
            async with asyncio.timeout(SERVER_S):
                addresses = await addresses_of(access.address[0])
            if access.kind == "stun":
                await self._reflect(ice, access, addresses)
                return
        except ERRORS as error:
            self._failed(access, *explained(error))
            return
        errors: list[Exception] = []
        for address in first_of_each_family(addresses):
            try:
                async with asyncio.timeout(SERVER_S):
                    await self._allocate(ice, rank, access, address)
                return
            except ERRORS as error:
                errors.append(error)
        self._failed(access, *explained(most_telling(errors)))

    async def _allocate(self, ice: IceSeam, rank: int, access: Access, address: str) -> None:
        relay = await ice.relayed(
            access.endpoint(address),
            rank=rank,
            hide_base=self._relay_only,
            on_error=lambda error: self._failed(access, *explained(error)),
            **access.allocation,
        )
        if ice.add_relay(relay):
            self._on_candidate(relay.local_candidate, access.url)
        else:
            await relay.close()

    async def _reflect(self, ice: IceSeam, access: Access, addresses: Sequence[str]) -> None:
        """Ask from every host candidate's socket; some of them lead nowhere, which delays none."""
        errors: list[Exception] = []

        async def ask(base: StunProtocol, address: str) -> None:
            try:
                async with asyncio.timeout(SERVER_S):
                    candidate = await ice.reflexive(base, (address, access.address[1]))
            except ERRORS as error:
                errors.append(error)
                return
            if ice.add_reflexive(candidate):
                self._on_candidate(candidate, access.url)

        ways = [
            (one, address)
            for one in ice.host_protocols
            for address in addresses
            if (":" in address) == (":" in one.local_candidate.host)
        ]
        firsts = dict(reversed(ways))
        await asyncio.gather(*(ask(one, address) for one, address in firsts.items()))
        if len(errors) == len(firsts):
            raise errors[0] if errors else OSError("this machine has no address of its kind")

    def _failed(self, access: Access, code: int, sentence: str) -> None:
        if (access.url, code) not in self._told:
            self._told.add((access.url, code))
            logger.info("%s: %s", access.url, sentence)
            self._on_failed(access.url, code, sentence)
