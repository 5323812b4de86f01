"""Which page owns the call, and the life of its link: offered, answered, lost, taken over, left.

One page owns a call. Others mirror it and may take it over; the owner hears why before its link goes. A link
that breaks is not mended: the page offers a new one with a higher generation. A new link takes the old one's
place only when its offer was answered, so that a bad offer harms nobody; every change of the state happens
in one step of the loop, and what takes time, closing, goes on behind it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from ..errors import CallError, NegotiationError
from ..lab.impairment import Shim
from ..messages import Answer, Bye, Candidate, IceRecord, Intent, Offer, Reply
from ..messages.signaling import SEAT_S
from .board import Board
from .ice_desk import IceDesk
from .link import SILENT_S, Link
from .tasks import Tasks

VANISHED_S = 4.5
"""A silent page is given up after this long, so that everybody knows within 5 s."""
NO_CANDIDATE_S = 5.0
"""Browsers give their own addresses at once; Chromium without any does not even say that it is done."""
NO_PATH_S = 15.0
"""A link that has not opened by then never will."""
WATCH_S = 0.25
CLOSED_S = 10.0
"""A page that closed its link without leaving builds another within this time, or was itself closed."""

NO_ADDRESS = (
    "The browser has no network address to call from: this computer is off the network, or a policy or an "
    "extension of the browser forbids it."
)
NO_RELAY = (
    "Only relayed paths are allowed, and the browser got none from {urls}: check the server's address, "
    "credential and firewall, or allow other paths."
)
ONLY_LOOPBACK = (
    "This machine has no network address besides 127.0.0.1, and browsers do not call over that one: join any "
    "network, or start the browser with --allow-loopback-in-peer-connection."
)


class Ownership:
    """Keeps at most one link, and the board's phase and owner true. On the engine's loop.

    Parameters
    ----------
    board
        The call's state.
    ice
        The servers that links are made with.
    on_intent
        Carries out what the owner says on the data channel.
    on_attach, on_detach
        Told when a link begins and ends.
    on_enter
        Told the page that owns the call, and whether its offer was answered already.
    on_exit
        Told that the page left, or, with seconds above 0, for how long it may come back.
    """

    def __init__(
        self,
        board: Board,
        ice: IceDesk,
        *,
        on_intent: Callable[[str, Intent], Coroutine[Any, Any, None]],
        on_attach: Callable[[Link], None],
        on_detach: Callable[[], None],
        on_enter: Callable[[str, bool], None],
        on_exit: Callable[[float], None],
    ) -> None:
        self._board = board
        self._ice = ice
        self._on_intent, self._on_attach, self._on_detach = on_intent, on_attach, on_detach
        self._on_enter, self._on_exit = on_enter, on_exit
        self.on_records: Callable[[tuple[IceRecord, ...]], None] = lambda _: None
        """Told what is seen of the links' ICE at this end."""
        self._shim: Shim | None = None
        self._coming: Link | None = None  # being answered
        self._newest = ("", 0)  # page and generation of the last offer
        self._tasks = Tasks()
        self._closing = Tasks()
        self._closed = False
        self._tasks.spawn(self._watch(), "nbrtc-watch")

    @property
    def link(self) -> Link | None:
        """The current link, open or not yet."""
        return self._board.link

    @property
    def last_page(self) -> str:
        """The page that offered last; it may have lost its link since."""
        return self._newest[0]

    @property
    def shim(self) -> Shim | None:
        """The transport shim on this call, if any."""
        return self._shim

    def impair(self, shim: Shim | None) -> None:
        """Put a shim on this link and those that follow."""
        self._shim = shim
        if self.link is not None:
            self.link.impair(shim)

    async def offer(self, page: str, offer: Offer) -> None:
        """Answer a page's offer.

        Raises
        ------
        CallError
            If another page owns the call and this one does not ask to take it over, or the call is closed.
        NegotiationError
            If the offer is old, hostile or malformed.
        """
        link = self._begin(page, offer)
        try:
            sdp = await link.answer(offer.sdp)
        except NegotiationError as error:
            self._closing.spawn(link.close(), "nbrtc-close")
            if self._coming is link:
                self._coming = None
                if self.link is None:
                    self._board.change(phase="failed", owner=None, reason=str(error))
                    self._on_exit(0.0)
                raise
            if self._closed:
                raise
        if self._coming is link:
            self._coming = None
            self._put(link)
            self._board.send_by_comm(page, Answer(generation=link.generation, sdp=sdp))
        # one that a newer offer overtook gets its reply too, and needs no answer any more
        self._board.reply(page, Reply(id=offer.id))

    async def candidate(self, page: str, candidate: Candidate) -> None:
        """Hand a candidate to the link that it belongs to; one of an older generation means nothing."""
        for link in (self._coming, self.link):
            if link is not None and (link.page, link.generation) == (page, candidate.generation):
                await link.add_candidate(candidate)

    def reported(self) -> None:
        """The owner said what it sends: once its link is open, the call is connected."""
        for link in (self._coming, self.link):
            if link is not None and link.page == self._board.state.owner:
                link.has_reported = True
        if self.link is not None and self._coming is None:
            self._look(self.link)

    def release(self, reason: str, back_s: float = 0.0) -> None:
        """The page left by itself; it may come back within `back_s` seconds."""
        self._drop(None)
        self._idle(reason, back_s)

    def dismiss(self, code: Literal["closed", "kernel-gone", "left"], reason: str) -> None:
        """Tell the owner to stop its devices, and end the link."""
        self._drop(Bye(code=code, reason=reason))
        self._idle(reason)

    async def close(self) -> None:
        """Stop watching and wait until every link is closed. Idempotent; `dismiss` comes first."""
        self._closed = True
        self._tasks.cancel()
        await self._closing.finish()

    # --- one step each

    def _begin(self, page: str, offer: Offer) -> Link:
        state = self._board.state
        if self._closed:
            raise CallError("This call is closed: make a new Call().")
        if state.owner not in (None, page) and not offer.take_over:
            raise CallError("This call is open in another window. Move it here, or leave it there first.")
        if page == self._newest[0] and offer.generation <= self._newest[1]:
            raise NegotiationError(f"Generation {offer.generation} is not newer than {self._newest[1]}.")
        self._newest = (page, offer.generation)
        if self._coming is not None:
            self._end(self._coming, self._moved(self._coming, page))
        link = self._coming = Link(
            page,
            offer.generation,
            state.quality,
            state.codec,
            ice_servers=self._ice.servers,
            relay_only=self._ice.decision.ice_transport_policy == "relay",
            on_intent=lambda intent: self._tasks.spawn(self._on_intent(page, intent), "nbrtc-intent"),
            on_failed=lambda by_page: self._failed(link, by_page),
        )
        link.on_candidate = lambda candidate: self._board.send(page, candidate)
        link.ice.on_records = lambda records: self.on_records(records)
        again = state.owner == page and state.phase in ("connected", "reconnecting")
        if self.link is None or self.link.page == page:
            phase = "reconnecting" if again else "connecting"
            self._board.change(phase=phase, owner=page, join_requested=False, reason="")
            self._on_enter(page, False)
        return link

    def _put(self, link: Link) -> None:
        """Let a link that was answered take the place of the one before."""
        previous, state = self._take_off(), self._board.state
        if previous is not None:
            self._end(previous, self._moved(previous, link.page))
        self._board.link = link
        if state.owner != link.page:
            self._board.change(
                **self._nobody(), phase="connecting", owner=link.page, join_requested=False, reason=""
            )
        link.impair(self._shim)
        self._on_attach(link)
        self._on_enter(link.page, True)

    def _take_off(self) -> Link | None:
        link, self._board.link = self._board.link, None
        if link is not None:
            self._on_detach()
        return link

    def _drop(self, bye: Bye | None) -> None:
        """End the links there are, each with this word to its page."""
        coming, self._coming = self._coming, None
        for link in (coming, self._take_off()):
            if link is not None:
                self._end(link, bye)

    def _end(self, link: Link, bye: Bye | None) -> None:
        if bye is not None:
            self._board.send_by(link, bye)
        self._closing.spawn(link.close(), "nbrtc-close")

    def _moved(self, link: Link, page: str) -> Bye | None:
        if link.page == page:
            return None
        return Bye(code="taken-over", reason="The call moved to another window.")

    def _nobody(self) -> dict[str, Any]:
        """State without a page's media."""
        return {
            "camera_on": False,
            "microphone_on": False,
            "camera": None,
            "camera_requested": False,
            "microphone_requested": False,
            "screen_sharing": False,
            "screen_requested": False,
        }

    def _idle(self, reason: str, back_s: float = 0.0) -> None:
        self._board.change(**self._nobody(), phase="idle", owner=None, reason=reason)
        self._on_exit(back_s)

    # --- links that break

    def _failed(self, link: Link, by_page: bool) -> None:
        if link is not self.link:
            return
        if by_page:  # it left, or offers anew: in both cases it knows
            self.release("The page closed the connection.", CLOSED_S)
        else:
            self._lose(link, "No network path worked.")

    def _lose(self, link: Link, reason: str) -> None:
        """Give a link up. Its page may be alive behind a broken network: it hears this and offers anew."""
        self._board.send_by_comm(link.page, Bye(code="lost", reason=reason, recover=True))
        self.release(reason, SEAT_S)

    def _refuse(self, link: Link, reason: str) -> None:
        """Give a link up that another one would not mend."""
        self._board.send_by_comm(link.page, Bye(code="lost", reason=reason))
        self.release(reason)
        self._board.change(phase="failed")

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_S)
            if self.link is not None and self._coming is None:
                self._look(self.link)

    def _why_no_candidate(self, link: Link) -> str:
        decision = self._ice.decision
        if decision.ice_transport_policy == "relay":
            return NO_RELAY.format(urls=", ".join(url for url in decision.urls if url.startswith("turn")))
        return ONLY_LOOPBACK if link.is_on_loopback else NO_ADDRESS

    def _look(self, link: Link) -> None:
        silent_s, phase = link.silent_s, self._board.state.phase
        if not link.is_open:
            if not link.candidates and (link.candidates_ended or link.age_s > NO_CANDIDATE_S):
                self._refuse(link, self._why_no_candidate(link))
            elif link.ice.has_nothing:  # a new link asks with fresh credentials
                self._lose(link, f"Python got no relayed candidate. {link.ice.why_not}".strip())
            elif link.age_s > NO_PATH_S:
                self._lose(link, f"Page and engine found no network path within {NO_PATH_S:.0f} s.")
        elif silent_s > VANISHED_S:
            self._lose(link, f"The page has not been heard for {silent_s:.1f} s.")
        elif silent_s > SILENT_S and phase == "connected":
            self._board.change(phase="reconnecting", reason="No sign of the page; waiting for it.")
        elif silent_s < SILENT_S and phase != "connected" and link.has_reported:
            self._board.change(phase="connected", reason="")
