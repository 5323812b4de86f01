"""A call's ICE in the engine: which servers its connections are made with, and why. On the engine's loop.

Credentials are made, renewed and kept here; what leaves is `decision`, which has none, for everybody, and
`configuration` for the page that uses it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import msgspec

from ..errors import NbrtcError
from ..ice.decision import configuration_of, decide, is_relay_only, lack, servers_of
from ..ice.history import History
from ..ice.outcome import Outcome
from ..ice.servers import MAX_URLS, entry_of
from ..ice.standing import kind_of
from ..ice.urls import parse, try_parse
from ..messages import (
    IceConfiguration,
    IceDecision,
    IceOptions,
    IceRecord,
    IceServerEntry,
    IceServerSource,
    NetworkInformation,
    ProbeIce,
    ServerProbe,
)
from ..messages.signaling import TurnCredentialsJson
from ..signaling.reading import expiry
from .ice_outcomes import IceOutcomes
from .ice_probes import IceProbes, Prober, probe_from_here

logger = logging.getLogger(__name__)

RENEW_S = 5.0
"""So long the room's server has to give fresh credentials; the old ones stay meanwhile."""
SHORTENED = 16
"""Characters of a call's id in a credential's username: no person's name stands in a TURN server's log."""

Renew = Callable[[], Awaitable[TurnCredentialsJson]]


@dataclass(frozen=True)
class _Issued:
    """An entry, and the time in which its credential is good (Unix time)."""

    entry: IceServerEntry
    since_s: float
    expires_at_s: float | None

    def is_fresh(self, now_s: float) -> bool:
        """Whether more than half of its life is left."""
        return self.expires_at_s is None or now_s < (self.since_s + self.expires_at_s) / 2


class IceDesk:
    """Servers of the user and of the room, and what is made of them.

    Parameters
    ----------
    sources, options
        What the user configured.
    on_change
        Told after the decision or the configuration changed.
    on_probes
        Told how servers answered.
    on_outcome
        Told how each connection went.
    on_problem
        Told what a person should know, as a sentence.
    ask_page
        Sends the question to the page in the call; False if there is none.
    call
        The call's id; the user in credentials that are made here.
    in_room
        Whether a room's server may issue servers, too.
    history, prober
        By default the user's file, and the network.
    """

    def __init__(
        self,
        sources: tuple[IceServerSource, ...],
        options: IceOptions,
        *,
        on_change: Callable[[], None] = lambda: None,
        on_probes: Callable[[tuple[ServerProbe, ...]], None] = lambda _: None,
        on_outcome: Callable[[Outcome], None] = lambda _: None,
        on_problem: Callable[[str], None] = lambda _: None,
        ask_page: Callable[[ProbeIce], bool] = lambda _: False,
        call: str = "",
        in_room: bool = False,
        history: History | None = None,
        prober: Prober = probe_from_here,
    ) -> None:
        self._sources, self._options = sources, options
        self._on_change, self._on_probes, self._on_outcome = on_change, on_probes, on_outcome
        self._participant = call[:SHORTENED] or "nbrtc"
        self._awaits_room = in_room
        self._heard = asyncio.Event()
        self._own: tuple[_Issued, ...] = ()
        self._rooms: tuple[_Issued, ...] = ()
        self._renew: Renew | None = None
        self._renewing = asyncio.Lock()
        self._network: NetworkInformation | None = None
        self._may_ask = False
        self._outcomes = IceOutcomes(
            on_outcomes=self._went,
            on_known=self._decide,
            on_problem=on_problem,
            history=history,
        )
        self._probes = IceProbes(
            entries=lambda: self._askable,
            refresh=self.refresh,
            ask_page=ask_page,
            on_change=self._probed,
            prober=prober,
        )
        self._decision = IceDecision(options=options)
        self._make()
        self._decision = self._decided()
        self._told = self._decision, self.servers
        if self._sources:
            self._outcomes.want()

    # --- what was decided

    @property
    def decision(self) -> IceDecision:
        """What was decided, for `CallState`."""
        return self._decision

    @property
    def configuration(self) -> IceConfiguration:
        """For the page's next connection, with credentials."""
        entries = self._entries
        if self.awaits_turn:
            # without the servers that the room has still to issue: the page asks again before it connects
            left_s: float | None = 0.0
        else:
            ends_s = self._expires_at_s
            left_s = None if ends_s is None else max(0.0, ends_s - time.time())
        return configuration_of(self._decision, entries, left_s)

    @property
    def servers(self) -> tuple[IceServerEntry, ...]:
        """For the engine's own next connection, the best first."""
        return servers_of(self._decision, self._entries)

    @property
    def awaits_turn(self) -> bool:
        """Only relayed candidates may be used, and the TURN server is still to come from the room's."""
        return self._awaits_room and lack(self._options, self._urls) is not None

    @property
    def problem(self) -> str | None:
        """Why no connection can be made, as a sentence; None while one can, or the room has not spoken."""
        if self._awaits_room:
            return None
        none = "none is configured" + (", and the room's server issues none" if self._heard.is_set() else "")
        return lack(self._options, self._urls, none)

    # --- what is learned

    def offered(self) -> None:
        """Somebody clicked, or Python joined a room: from now on servers may be contacted."""
        self._may_ask = True
        self._probes.begin()

    def take_network(self, network: NetworkInformation) -> None:
        """What the page's browser knows of its network."""
        self._network = network
        self._decide()

    def take_probes(self, probes: Iterable[ServerProbe]) -> None:
        """How servers answered the page."""
        self._probes.take(probes)

    def take_records(self, records: Iterable[IceRecord]) -> None:
        """What was seen of connections."""
        self._outcomes.take(records, kind_of(self._network))

    def issued(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, renew: Renew | None
    ) -> None:
        """The room's server gave its servers, at a join; `renew` asks it again."""
        self._awaits_room, self._renew = False, renew
        self._take_issued(servers, expires_at_s)
        self._heard.set()
        if self._rooms:
            self._outcomes.want()
        self._decide()
        if self._may_ask:
            self._probes.begin()

    def change_room(self, in_room: bool) -> None:
        """The room is another one, or none: what the last one issued is not used any more."""
        self._rooms, self._renew, self._awaits_room = (), None, in_room
        self._heard.clear()
        self._decide()

    def change(self, sources: tuple[IceServerSource, ...], options: IceOptions) -> str | None:
        """Other servers or another policy, for connections that are made from now on.

        Returns why no connection could be made that way; then everything stays as it is.
        """
        before = self._sources, self._options, self._own
        self._sources, self._options, self._own = sources, options, ()
        self._make()
        if (sentence := self.problem) is not None:
            self._sources, self._options, self._own = before
            return sentence
        if self._sources:
            self._outcomes.want()
        self._decide()
        if self._may_ask:
            self._probes.begin()
        return None

    async def probe(self, timeout_s: float) -> tuple[ServerProbe, ...]:
        """Ask every server now, from the engine and from the page, with credentials that are good."""
        return await self._probes.ask(timeout_s)

    async def probe_from_here(self, url: str, timeout_s: float) -> ServerProbe | None:
        """Ask one of `probed_urls` now, from the engine only, with credentials that are good.

        None if it is configured no more.
        """
        return await self._probes.ask_from_here(url, timeout_s)

    @property
    def probed_urls(self) -> tuple[str, ...]:
        """Of the servers that a probe asks."""
        return tuple(url for entry in self._askable for url in entry.urls)

    async def heard_room(self, timeout_s: float) -> None:
        """Wait until the room's server said what it issues, at most so long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._heard.wait()
        except TimeoutError:
            logger.info("The room's server has not said within %.0f s which servers it issues", timeout_s)

    async def refresh(self) -> None:
        """Have credentials that are good for more than half of their time, as far as that can be had.

        Never raises: if the room's server is out of reach, what is there stays.
        """
        async with self._renewing:  # whoever waited here finds them fresh
            self._make()
            if self._renew is None or all(one.is_fresh(time.time()) for one in self._rooms):
                return
            try:
                async with asyncio.timeout(RENEW_S):
                    answer = await self._renew()
            except (NbrtcError, OSError, msgspec.MsgspecError) as error:
                logger.warning("The room's server gave no fresh credentials: %s", error)
                return
            self._take_issued(answer.ice_servers, expiry(answer.ttl, answer.expires_at))
            self._decide()

    async def close(self) -> None:
        """Stop asking, and keep what was learned. Idempotent."""
        await self._probes.close()
        await self._outcomes.close(kind_of(self._network))

    # --- one step each

    @property
    def _issues(self) -> tuple[_Issued, ...]:
        return (*self._own, *self._rooms)

    @property
    def _entries(self) -> tuple[IceServerEntry, ...]:
        self._make()
        return tuple(one.entry for one in self._issues)

    @property
    def _urls(self) -> list[str]:
        return [url for one in self._issues for url in one.entry.urls][:MAX_URLS]

    @property
    def _askable(self) -> tuple[IceServerEntry, ...]:
        """Those that may be asked: no STUN server, which sees an address, where only relays are wanted.

        Of several spellings the one that is used: each server is asked once, and has one result.
        """
        decision = self._decision
        known = {url: parse(url) for url in (*decision.urls, *decision.left_out)}
        if is_relay_only(self._options):
            known = {url: parts for url, parts in known.items() if parts.kind == "turn"}
        first = {parts: url for url, parts in reversed(known.items())}
        urls = tuple(url for url, parts in known.items() if first[parts] == url)
        return servers_of(msgspec.structs.replace(decision, urls=urls), self._entries)

    @property
    def _expires_at_s(self) -> float | None:
        used = set(self._decision.urls)
        times = [one.expires_at_s for one in self._issues if used & set(one.entry.urls)]
        return min((time_s for time_s in times if time_s is not None), default=None)

    def _make(self) -> None:
        """Make credentials of secrets, where that is due."""
        now_s = time.time()
        before = self._own or (None,) * len(self._sources)
        self._own = tuple(
            one
            if one is not None and (source.secret is None or one.is_fresh(now_s))
            else self._made(source, now_s)
            for one, source in zip(before, self._sources, strict=True)
        )

    def _made(self, source: IceServerSource, now_s: float) -> _Issued:
        entry, expires_at_s = entry_of(source, self._participant, now_s)
        return _Issued(entry, now_s, expires_at_s)

    def _take_issued(self, servers: Iterable[IceServerEntry], expires_at_s: float | None) -> None:
        """A server may say what it likes: only what connections can be made with is taken."""
        now_s = time.time()
        entries = []
        for server in servers:
            has_credentials = server.username is not None and server.credential is not None
            kinds = {"stun", "turn"} if has_credentials else {"stun"}
            urls = tuple(url for url in server.urls if (parts := try_parse(url)) and parts.kind in kinds)
            if len(urls) < len(server.urls):
                logger.warning(
                    "The room's server issued a server whose URL is none, or a TURN server without "
                    "credentials; it is left out"
                )
            if urls:
                entries.append(IceServerEntry(urls, server.username, server.credential))
        self._rooms = tuple(_Issued(entry, now_s, expires_at_s) for entry in entries)

    def _decided(self) -> IceDecision:
        return decide(
            self._urls,
            self._options,
            probes=self._probes.known,
            network=self._network,
            outcomes=self._outcomes.known,
            now_s=time.time(),
        )

    def _decide(self) -> None:
        self._decision = self._decided()
        now = self._decision, self.servers
        if now != self._told:
            self._told = now
            self._on_change()

    def _probed(self, probes: tuple[ServerProbe, ...]) -> None:
        self._decide()
        self._on_probes(probes)

    def _went(self, outcomes: list[Outcome]) -> None:
        self._decide()
        for outcome in outcomes:
            self._on_outcome(outcome)
            if self._may_ask:
                self._probes.compare(outcome)
