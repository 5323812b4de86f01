"""Which page owns the call, and the life of its link: offered, answered, lost, taken over, left.

One page owns a call. Others mirror it and may take it over; the owner hears why before its link goes. A link that
breaks is not mended: the page offers a new one with a higher generation.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from ..errors import CallError, NegotiationError
from ..lab.impairment import Shim
from ..messages import Answer, Bye, Candidate, IceServerEntry, Intent, Offer, Participant, Reply
from .board import Board
from .link import Link

SILENT_S = 1.5
"""The page is said to reconnect after this long without a sign of it."""
VANISHED_S = 4.5
"""And is given up after this long, so that everybody knows within 5 s."""
NO_PATH_S = 15.0
"""A link that has not opened by then never will."""

PYTHON = Participant(id="python", name="Python", is_python=True)


class Ownership:
    """Keeps at most one link, and the board's phase and owner true. On the engine's loop.

    Parameters
    ----------
    board
        The call's state.
    ice_servers
        What the user configured.
    on_intent
        Carries out what the owner says on the data channel.
    on_attach, on_detach
        Told when a link begins and ends.
    """

    def __init__(
        self,
        board: Board,
        ice_servers: tuple[IceServerEntry, ...],
        *,
        on_intent: Callable[[str, Intent], Coroutine[Any, Any, None]],
        on_attach: Callable[[Link], None],
        on_detach: Callable[[], None],
    ) -> None:
        self._board = board
        self._ice_servers = ice_servers
        self._on_intent, self._on_attach, self._on_detach = on_intent, on_attach, on_detach
        self._shim: Shim | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._spawn(self._watch(), "nbrtc-watch")

    @property
    def link(self) -> Link | None:
        """The current link, open or not yet."""
        return self._board.link

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
            If another page owns the call and this one does not ask to take it over.
        NegotiationError
            If the offer is old, hostile or malformed.
        """
        state, link = self._board.state, self.link
        if state.owner not in (None, page) and not offer.take_over:
            raise CallError("This call is open in another window. Move it here, or leave it there first.")
        if link is not None and link.page == page and offer.generation <= link.generation:
            raise NegotiationError(f"Generation {offer.generation} is not newer than {link.generation}.")
        again = state.owner == page and state.phase in ("connected", "reconnecting")
        if link is not None and link.page != page:
            self._board.send(link.page, Bye(code="taken-over", reason="The call moved to another window."))
        await self.unlink()
        self._board.change(
            phase="reconnecting" if again else "connecting", owner=page, join_requested=False, reason=""
        )
        link = self._board.link = Link(
            page,
            offer.generation,
            self._board.state.quality,
            ice_servers=self._ice_servers,
            on_intent=lambda intent: self._spawn(self._on_intent(page, intent), "nbrtc-intent"),
            on_failed=lambda reason: self._spawn(self.lose(link, reason), "nbrtc-lost"),
        )
        try:
            sdp = await link.answer(offer.sdp)
        except NegotiationError as error:
            if self.link is link:
                await self.unlink()
                self._board.change(phase="failed", owner=None, reason=str(error))
            raise
        if self.link is not link:
            return  # a newer offer overtook this one
        link.impair(self._shim)
        self._on_attach(link)
        self._board.send(page, Answer(generation=offer.generation, sdp=sdp))
        self._board.reply(page, Reply(id=offer.id))

    async def candidate(self, page: str, candidate: Candidate) -> None:
        """Hand a candidate to the link that it belongs to; one of an older generation means nothing."""
        link = self.link
        if link is not None and link.page == page and link.generation == candidate.generation:
            await link.add_candidate(candidate)

    def reported(self) -> None:
        """The owner said what it sends: from now on the call is connected."""
        if self.link is not None and self.link.is_open:
            self._board.change(phase="connected", reason="")

    async def release(self, reason: str) -> None:
        """The page left by itself."""
        await self.unlink()
        self._idle(reason)

    async def dismiss(self, code: Literal["closed", "kernel-gone", "left"], reason: str) -> None:
        """Tell the owner to stop its devices, and end the link."""
        if self._board.state.owner is not None:
            self._board.send(self._board.state.owner, Bye(code=code, reason=reason))
            await asyncio.sleep(0.05)  # SCTP needs a turn of the loop and of the wire to carry it
        await self.unlink()
        self._idle(reason)

    async def lose(self, link: Link, reason: str) -> None:
        """A link broke. Its page may be alive behind a broken network: it hears this and offers anew."""
        if link is self.link:
            self._board.send(link.page, Bye(code="lost", reason=reason, recover=True))
            await self.unlink()
            self._idle(reason)

    async def unlink(self) -> None:
        """End the link, if there is one."""
        link, self._board.link = self._board.link, None
        if link is not None:
            self._on_detach()
            await link.close()

    async def close(self) -> None:
        """Stop watching. Idempotent."""
        current = asyncio.current_task()
        for task in list(self._tasks):
            if task is not current:
                task.cancel()

    def _idle(self, reason: str) -> None:
        self._board.change(
            phase="idle",
            owner=None,
            reason=reason,
            camera_on=False,
            microphone_on=False,
            camera=None,
            camera_requested=False,
            microphone_requested=False,
            participants=(self._board.state.participants[0], PYTHON),
        )

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            link = self.link
            if link is None:
                continue
            silent_s, phase = link.silent_s, self._board.state.phase
            if not link.is_open:
                if silent_s > NO_PATH_S:
                    await self.lose(link, f"Page and engine found no network path within {NO_PATH_S:.0f} s.")
            elif silent_s > VANISHED_S:
                await self.lose(link, f"The page has not been heard for {silent_s:.1f} s.")
            elif silent_s > SILENT_S and phase == "connected":
                self._board.change(phase="reconnecting", reason="No sign of the page; waiting for it.")
            elif silent_s < SILENT_S and phase == "reconnecting" and link.has_reported:
                self._board.change(phase="connected", reason="")

    def _spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
