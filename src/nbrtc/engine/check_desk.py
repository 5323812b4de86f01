"""Checks of one call's connection: what a page asks of the engine, and what it reports. On the loop."""

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from ..errors import CallError
from ..messages import (
    CheckAnswer,
    Checked,
    CheckOffer,
    CheckReport,
    ChecksArrived,
    Reply,
    RunChecks,
)
from .tasks import Tasks

if TYPE_CHECKING:
    from .board import Board
    from .echo import Echoes
    from .ice_desk import IceDesk

logger = logging.getLogger(__name__)

MOST_LINES = 100
"""Of a page's report; further ones are not passed on."""
MOST_RUNS = 4
"""At a time, of all pages."""
ALL_S = 6.0
"""The engine's part ends by then, whatever of it is missing: the page says that of eight seconds in all."""

CheckIntent = CheckOffer | RunChecks | CheckReport


class CheckDesk:
    """For one call.

    Parameters
    ----------
    board
        The call's state, which names its room's server.
    ice
        The servers that its connections use.
    """

    def __init__(self, board: "Board", ice: "IceDesk") -> None:
        self._board, self._ice = board, ice
        self._echoes: Echoes | None = None
        self._newest: dict[str, str] = {}
        self._tasks = Tasks()

    def request(self) -> None:
        """Python wants the connection checked: whoever shows the call does it."""
        self._board.change(check_requested=True)

    async def hear(self, page: str, intent: CheckIntent) -> None:
        """Carry out what a page asks for.

        Raises
        ------
        CallError
            If too many windows check at a time.
        NegotiationError
            If the offer cannot be answered.
        """
        match intent:
            case CheckOffer():
                await self._answer(page, intent)
            case RunChecks():
                if self._board.state.check_requested:
                    self._board.change(check_requested=False)
                self._run(page, intent.id)
                self._board.reply(page, Reply(id=intent.id))
            case CheckReport():
                self._board.notify(ChecksArrived(call=self._board.call, checks=intent.checks[:MOST_LINES]))

    async def close(self) -> None:
        """End what runs. Idempotent."""
        self._tasks.cancel()
        await self._tasks.finish()
        if self._echoes is not None:
            await self._echoes.close()

    async def _answer(self, page: str, offer: CheckOffer) -> None:
        if self._echoes is None:
            from .echo import Echoes

            self._echoes = Echoes()
        relay_only = self._ice.decision.ice_transport_policy == "relay"
        sdp = await self._echoes.answer(offer.sdp, self._ice.servers, relay_only=relay_only)
        self._board.send(page, CheckAnswer(id=offer.id, sdp=sdp))
        self._board.reply(page, Reply(id=offer.id))

    def _run(self, page: str, identity: str) -> None:
        if len(self._tasks) >= MOST_RUNS:
            raise CallError("The connection is being checked already: try again in a few seconds.")
        self._newest[page] = identity  # a page that begins anew has given its earlier check up
        while len(self._newest) > MOST_RUNS:
            self._newest.pop(next(iter(self._newest)))
        self._tasks.spawn(self._check(page, identity), "nbrtc-check")

    async def _check(self, page: str, identity: str) -> None:
        from .checks import checks, planned

        room = self._board.state.room
        server = None if room is None else room.server
        urls = self._ice.probed_urls
        self._board.send(page, Checked(id=identity, checks=(), planned=planned(server, urls)))
        try:
            async with (
                asyncio.timeout(ALL_S),
                aclosing(checks(server, self._ice.probe_from_here, urls)) as found,
            ):
                async for result in found:
                    if self._newest.get(page) != identity:
                        return
                    self._board.send(page, Checked(id=identity, checks=(result,)))
        except TimeoutError:
            logger.warning("A check of the connection took more than %.0f s; the rest is missing", ALL_S)
        self._board.send(page, Checked(id=identity, checks=(), done=True))
