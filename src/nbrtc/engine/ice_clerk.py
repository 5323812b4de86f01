"""What page, kernel and room say of one call's ICE, brought to its desk, and what follows. On the loop."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import CallError
from ..ice.outcome import Outcome
from ..messages import (
    CallState,
    ChangeIce,
    IceArrived,
    IceConfigured,
    IceRecord,
    IceServerEntry,
    IceTrace,
    NetworkReport,
    OpenCall,
    ProbeIce,
    ProbeReport,
    ProbesArrived,
    ProbeServers,
    RefreshIce,
    Reply,
    ServerProbe,
)
from .ice_desk import IceDesk, Renew

if TYPE_CHECKING:
    from .board import Board
    from .member import RoomMember
    from .ownership import Ownership

ISSUED_S = 1.5
"""So long a page that connects only through relays waits for those of its room's server."""
OFFER_S = 20.0
"""A page that joined for their sake, and then does not connect, leaves again."""

IceIntent = NetworkReport | ProbeReport | IceTrace | RefreshIce


class IceClerk:
    """The desk of a call, with its doors.

    Parameters
    ----------
    opening
        The call as the kernel knows it.
    board
        Its state; asked for when there is something to say, because the desk's decision is a part of it.
    """

    def __init__(self, opening: OpenCall, board: "Callable[[], Board]") -> None:
        self._board_of = board
        self.desk = IceDesk(
            opening.ice_servers,
            opening.ice_options,
            on_change=self._changed,
            on_probes=self._probed,
            on_outcome=self._went,
            on_problem=lambda sentence: self._board.problem("ice-history", sentence, show=False),
            ask_page=self._ask_page,
            call=opening.call,
            in_room=opening.ticket is not None,
        )
        self._room = None if opening.ticket is None else (opening.ticket.room, opening.ticket.server or "")
        self._member: RoomMember | None = None
        self._ownership: Ownership | None = None
        self._giving_up: asyncio.TimerHandle | None = None

    def attach(self, ownership: "Ownership", member: "RoomMember") -> None:
        """Who ends the call, and who joins its room."""
        self._ownership, self._member = ownership, member

    async def hear(self, page: str, intent: IceIntent) -> None:
        """Carry out what a page says."""
        owner = self._board.state.owner
        is_owner = page == owner or (
            owner is None and self._ownership is not None and page == self._ownership.last_page
        )
        match intent:
            case NetworkReport() if owner in (None, page):
                self.desk.take_network(intent.network)
            case ProbeReport() if is_owner:
                self.desk.take_probes(intent.probes)
            case IceTrace() if is_owner:
                self.trace(intent.records)
            case RefreshIce():
                await self._refresh(page)
                self._board.send(page, IceConfigured(ice=self.desk.configuration))
                self._board.reply(page, Reply(id=intent.id))

    def trace(self, records: tuple[IceRecord, ...]) -> None:
        """What was seen of the call's connections, at the page's end or at the engine's."""
        self.desk.take_records(records)
        self._board.notify(IceArrived(call=self._board.call, records=records))

    async def carry_out(self, verb: ChangeIce | ProbeServers) -> tuple[ServerProbe, ...] | None:
        """Carry out what Python wants.

        Raises
        ------
        CallError
            If the policy needs a TURN server, and there is none.
        """
        if isinstance(verb, ProbeServers):
            return await self.desk.probe(verb.timeout_s)
        sentence = self.desk.change(verb.ice_servers, verb.ice_options)
        if sentence is not None:
            raise CallError(sentence)
        return None

    def require(self) -> None:
        """Before a connection is made: say so if none could be.

        Raises
        ------
        CallError
            If the policy needs a TURN server, and there is none.
        """
        if self._giving_up is not None:
            self._giving_up.cancel()
        if (sentence := self.desk.problem) is not None:
            self._board.change(phase="failed", reason=sentence)
            raise CallError(sentence)

    def heard_room(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, renew: Renew | None
    ) -> None:
        """The room was joined, and its server said what it issues."""
        self.desk.issued(servers, expires_at_s, renew)
        if (sentence := self.desk.problem) is not None and self._ownership is not None:
            self._board.problem("ice", sentence)
            self._ownership.dismiss("left", sentence)
            self._board.change(phase="failed", reason=sentence)

    def follow(self, state: CallState) -> None:
        """The call's state changed: perhaps its room is another one."""
        room = None if state.room is None else (state.room.id, state.room.server)
        if room != self._room:
            self._room = room
            self.desk.change_room(room is not None)

    async def close(self) -> None:
        """Stop asking, and keep what was learned. Idempotent."""
        if self._giving_up is not None:
            self._giving_up.cancel()
        await self.desk.close()

    # --- what the desk says

    @property
    def _board(self) -> "Board":
        return self._board_of()

    def _changed(self) -> None:
        # to every page: whichever is clicked connects with this
        self._board.change(ice=self.desk.decision)
        self._board.broadcast(IceConfigured(ice=self.desk.configuration))

    def _probed(self, probes: tuple[ServerProbe, ...]) -> None:
        self._board.notify(ProbesArrived(call=self._board.call, probes=probes))

    def _went(self, outcome: Outcome) -> None:
        if self._member is not None:
            self._member.report_outcomes((outcome.to_json(),))

    def _ask_page(self, question: ProbeIce) -> bool:
        owner = self._board.state.owner
        if owner is not None:
            self._board.send(owner, question)
        return owner is not None

    async def _refresh(self, page: str) -> None:
        """Give a page fresh credentials; it is about to connect, so that it has clicked."""
        if self.desk.awaits_turn and self._member is not None and self._board.state.owner in (None, page):
            self._member.enter(page, is_answered=False)
            if self._board.state.owner is None:
                self._give_up_later(page)
            await self.desk.heard_room(ISSUED_S)
        await self.desk.refresh()

    def _give_up_later(self, page: str) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
        self._giving_up = asyncio.get_running_loop().call_later(OFFER_S, self._give_up, page)

    def _give_up(self, page: str) -> None:
        if self._member is not None and self._board.state.owner is None and self._member.page == page:
            self._member.exit(0.0)
