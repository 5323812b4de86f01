"""How the servers of a call answer: asked from the engine and from the page, seldom. On the engine's loop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from ..ice.outcome import Outcome
from ..ice.urls import ServerUrl, canonical, try_parse
from ..messages import IceServerEntry, ProbeIce, ServerProbe
from .tasks import Tasks

logger = logging.getLogger(__name__)

AGAIN_S = 600.0
"""No server is asked twice within this time, unless somebody wants to know."""
TIMEOUT_S = 5.0
PAGE_MARGIN_S = 1.0
"""The page's answer may take so much longer than its servers'."""

Prober = Callable[[tuple[IceServerEntry, ...], float], Awaitable[list[ServerProbe]]]


async def probe_from_here(entries: tuple[IceServerEntry, ...], timeout_s: float) -> list[ServerProbe]:
    """Ask them from the engine."""
    from .probe import probe  # needs aioice's parts, and most calls have no servers

    return await probe(entries, timeout_s)


class IceProbes:
    """The newest probe of each server from each end.

    Parameters
    ----------
    entries
        Says which servers may be asked now, with credentials.
    ask_page
        Asks the page that is in the call; False if there is none.
    on_change
        Told when there are new ones, with those.
    prober
        Asks them from here.
    """

    def __init__(
        self,
        *,
        entries: Callable[[], tuple[IceServerEntry, ...]],
        refresh: Callable[[], Awaitable[None]],
        ask_page: Callable[[ProbeIce], bool],
        on_change: Callable[[tuple[ServerProbe, ...]], None],
        prober: Prober = probe_from_here,
    ) -> None:
        self._entries, self._refresh = entries, refresh
        self._ask_page, self._on_change = ask_page, on_change
        self._prober = prober
        self._newest: dict[tuple[ServerUrl, str], ServerProbe] = {}  # of what is configured: at most 2 x 20
        self._asked_s: dict[str, float] = {}
        self._page_asked_s = -AGAIN_S
        self._page_waits: set[asyncio.Future[tuple[ServerProbe, ...]]] = set()
        self._tasks = Tasks()

    @property
    def known(self) -> tuple[ServerProbe, ...]:
        """The newest of each server and end."""
        return tuple(self._newest.values())

    def begin(self) -> None:
        """Ask from here those that were not asked lately, beside everything else."""
        if self._entries():
            self._tasks.spawn(self._ask_due(), "nbrtc-ice-probe")

    async def _ask_due(self) -> None:
        await self._refresh()
        now_s = time.monotonic()
        due = tuple(
            IceServerEntry(urls, entry.username, entry.credential)
            for entry in self._entries()
            if (
                urls := tuple(
                    url for url in entry.urls if now_s - self._asked_s.get(url, -AGAIN_S) >= AGAIN_S
                )
            )
        )
        if due:
            self._asked_s |= {url: now_s for entry in due for url in entry.urls}
            await self._from_here(due, TIMEOUT_S)

    def compare(self, outcome: Outcome) -> None:
        """The page connected, or tried to: where it fared otherwise than the engine, it is asked, too."""
        for probe in self.known:
            name = canonical(probe.url)
            differs = name in (outcome.silent if probe.ok else outcome.answered)
            if probe.by == "engine" and differs and time.monotonic() - self._page_asked_s >= AGAIN_S:
                self._tasks.spawn(self._ask_page_freshly(), "nbrtc-ice-probe")
                return

    async def _ask_page_freshly(self) -> None:
        await self._refresh()
        if time.monotonic() - self._page_asked_s >= AGAIN_S:
            self._ask(TIMEOUT_S)

    def take(self, probes: Iterable[ServerProbe]) -> tuple[ServerProbe, ...]:
        """The page's word, as far as it is about servers that are configured; returns that."""
        said = self._keep(probe for probe in probes if probe.by == "page")
        waits, self._page_waits = self._page_waits, set()
        for wait in waits:
            if not wait.done():
                wait.set_result(said)
        return said

    async def ask(self, timeout_s: float) -> tuple[ServerProbe, ...]:
        """Ask every server now, from both ends; the page's part is missing if it does not say anything."""
        await self._refresh()
        entries = self._entries()
        if not entries:
            return ()
        self._asked_s |= {url: time.monotonic() for entry in entries for url in entry.urls}
        wait = asyncio.get_running_loop().create_future()
        from_page: tuple[ServerProbe, ...] = ()
        if self._ask(timeout_s):
            self._page_waits.add(wait)
        else:
            wait.set_result(())
        try:
            async with asyncio.timeout(timeout_s + PAGE_MARGIN_S):
                from_here = await self._from_here(entries, timeout_s)
                from_page = await wait
        except TimeoutError:
            from_here = tuple(probe for probe in self.known if probe.by == "engine")
            logger.info("The page did not say how the servers answer it")
        finally:
            self._page_waits.discard(wait)
        return (*from_here, *from_page)

    async def ask_from_here(self, url: str, timeout_s: float) -> ServerProbe | None:
        """Ask one server now, from here only; None if it is not configured any more."""
        await self._refresh()
        entries = tuple(
            IceServerEntry((url,), entry.username, entry.credential)
            for entry in self._entries()
            if url in entry.urls
        )
        if not entries:
            return None
        self._asked_s[url] = time.monotonic()
        found = await self._from_here(entries[:1], timeout_s)
        return found[0] if found else None

    async def close(self) -> None:
        """Stop asking. Idempotent."""
        self.take(())
        self._tasks.cancel()
        await self._tasks.finish()

    def _ask(self, timeout_s: float) -> bool:
        entries = self._entries()
        if not entries or not self._ask_page(ProbeIce(ice_servers=entries, timeout_s=timeout_s)):
            return False
        self._page_asked_s = time.monotonic()
        return True

    async def _from_here(
        self, entries: tuple[IceServerEntry, ...], timeout_s: float
    ) -> tuple[ServerProbe, ...]:
        return self._keep(await self._prober(entries, timeout_s))

    def _keep(self, probes: Iterable[ServerProbe]) -> tuple[ServerProbe, ...]:
        asked = {try_parse(url) for entry in self._entries() for url in entry.urls}
        kept: dict[tuple[ServerUrl, str], ServerProbe] = {}
        for probe in probes:
            parts = try_parse(probe.url)
            if parts is not None and parts in asked:
                kept[parts, probe.by] = probe
        if kept:
            self._newest |= kept
            self._newest = {key: probe for key, probe in self._newest.items() if key[0] in asked}
            self._on_change(tuple(kept.values()))
        return tuple(kept.values())
