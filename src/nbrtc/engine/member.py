"""A call's membership of its room: joined with the page's click, kept over broken links, left with the page.

The page negotiates with the others; the engine is the room's client and carries what they say. A page that
reloads, or another one that takes the call over, is somebody new in the room. A page whose link broke keeps
its seat for a while, because its connections to the others may well be alive.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import msgspec

from ..errors import CallError, RoomError
from ..messages import (
    CallState,
    Chat,
    ChatArrived,
    ChatMessage,
    EnterRoom,
    IceServerEntry,
    Notice,
    OpenCall,
    Participant,
    PeerSignal,
    PeerStatus,
    RoomInfo,
    RoomTicket,
    TicketChanged,
)
from ..messages.signaling import SEAT_S, IceOutcomeJson, TurnCredentialsJson
from ..rooms.login import own_name
from ..rooms.names import check_name, check_room_id
from ..rooms.wishes import unmet
from .board import Board
from .stay import YOU, OnIce, Stay, recordings_of, status_of, was_inside, without_seat
from .tasks import Tasks

if TYPE_CHECKING:
    from ..signaling.client import RoomClient, RoomListener

logger = logging.getLogger(__name__)

MAX_MESSAGES = 500
"""Chat that a page is shown; the oldest is forgotten beyond this."""

PYTHON = Participant(id="python", name="Python", is_python=True)
"""Everybody else in a solo call."""


class Doors(Protocol):
    """What makes a client for one stay in a room: `Rooms`, or a test's own."""

    async def load(self) -> None:
        """Load what a join needs."""

    async def client(
        self,
        ticket: RoomTicket,
        name: str,
        listener: "RoomListener",
        *,
        is_python: bool = False,
        returns: bool = False,
    ) -> "RoomClient":
        """A client that has not joined yet; `returns` as `RoomClient` has it."""


class RoomMember:
    """Joins, keeps, and leaves the room of one call. On the engine's loop.

    `CallState.room` and `participants` are this object's, in a solo call too.

    Parameters
    ----------
    board
        The call's state.
    opening
        What the kernel said of the call: with a seat, if an earlier engine had one.
    doors
        Makes the clients.
    on_ice
        Told at each join which STUN and TURN servers the room's server issues.
    """

    def __init__(
        self, board: Board, opening: OpenCall, doors: Doors, *, on_ice: OnIce = lambda *_: None
    ) -> None:
        self._board = board
        self._doors = doors
        self._on_ice = on_ice
        self._name = self._told_name = opening.name
        self._ticket = opening.ticket
        self._page: str | None = None
        self._stay: Stay | None = None
        self._expects = False  # the page of an earlier engine's seat
        self._shown: tuple[str, ...] = ()  # recordings whose badge this page shows
        self._messages: OrderedDict[str, ChatMessage] = OrderedDict()
        self._tasks = Tasks()
        self._closing = Tasks()
        self._giving_up: asyncio.TimerHandle | None = None
        if self._ticket is not None:
            self._tasks.spawn(doors.load(), "nbrtc-load")
            if self._ticket.participant is not None and self._ticket.resume_token is not None:
                # the page and the others may well be connected still, so they are to see no change
                back = msgspec.structs.replace(
                    _outside(self._ticket), phase="reconnecting", me=self._ticket.participant
                )
                self._page, self._expects = self._ticket.page, True
                self._give_up_after(SEAT_S)
                self._show_alone(back)
                return
        self._show_alone(None if self._ticket is None else _outside(self._ticket))

    @property
    def page(self) -> str | None:
        """The page that is in the room, or whose seat is kept."""
        return self._page

    @property
    def messages(self) -> tuple[ChatMessage, ...]:
        """What was written so far, at most the last 500."""
        return tuple(self._messages.values())

    # --- joining and leaving

    def enter(self, page: str, *, is_answered: bool) -> None:
        """A page offers a link, or its offer was answered: from now on it is the one in the room.

        An offer alone does not yet cost another page the seat that is kept for it.
        """
        if self._ticket is None or (self._page not in (None, page) and not is_answered):
            return
        self._keep()
        if page != self._page or self._expects:
            self._begin(page)

    def exit(self, seat_s: float) -> None:
        """The page left, or was lost: then its seat is kept for `seat_s` seconds."""
        if self._page is None:
            return
        if seat_s > 0 and self._stay is not None:
            self._give_up_after(seat_s)
        else:
            self._end()

    def change_room(self, page: str, wish: EnterRoom) -> None:
        """The person chose a room (or none), a name and a passcode on the card.

        Raises
        ------
        CallError
            If somebody is in the call, unless it is this page and its room refused it.
        RoomError
            If the room's id or the name cannot be one.
        """
        state = self._board.state
        again = page == state.owner and state.room is not None and state.room.phase == "refused"
        if state.owner is not None and not again:
            raise CallError("Leave the call first: its room can only be changed before the click.")
        name = check_name(wish.name or ("You" if wish.room is None else own_name()))
        ticket = None if wish.room is None else self._ticket_for(check_room_id(wish.room), wish.passcode)
        if ticket is not None:
            self._tasks.spawn(self._doors.load(), "nbrtc-load")
        self._end()
        if ticket is None or self._ticket is None or ticket.room != self._ticket.room:
            self._messages.clear()
        self._name = name
        self._change_ticket(ticket)
        self._show_alone(None if ticket is None else _outside(ticket))
        if again and ticket is not None:
            self._begin(page)

    async def close(self) -> None:
        """Leave, and free everything. Idempotent."""
        self._end()
        self._tasks.cancel()
        await self._tasks.finish()
        await self._closing.finish()

    # --- what the page and Python say

    def signal(self, signal: PeerSignal) -> None:
        """A description or candidate of the page, for another participant."""
        if self._stay is None or self._stay.client is None:
            logger.debug("A signal for %s came outside the room", signal.peer)
            return
        self._stay.client.signal(signal)

    def peer_changed(self, status: PeerStatus) -> None:
        """How the page's connection to another participant stands."""
        stay = self._stay
        person = None if stay is None else stay.find(status.peer)
        if stay is None or person is None or person.is_you:
            return
        before = stay.connections.get(person.id)
        if before == status.state:
            return
        stay.connections[person.id] = status.state
        self.heard_people()
        if status.state == "failed":
            reason = status.reason or "No network path worked."
            self._board.problem("peer", f"The connection to {person.name} failed. {reason}", show=False)

    async def say(self, text: str, to: str | None) -> ChatMessage:
        """Write a chat message; returns it as the room got it.

        Raises
        ------
        CallError
            In a solo call.
        RoomError
            Outside the room, or if the room refuses.
        """
        if self._ticket is None:
            raise CallError("Nobody hears this: a solo call has no chat. Call(room=...) has one.")
        if self._stay is None or self._stay.client is None:
            raise RoomError(
                f"Nobody hears this: the room {self._ticket.room!r} is not joined yet.", "not-in-room"
            )
        return await self._stay.client.chat(text, to)

    def acknowledge(self, recordings: tuple[str, ...]) -> None:
        """The page shows the red badge of these recordings, all that it shows: their recorders hear it.

        What nobody in the room records (any more, or yet) is told once somebody does.
        """
        self._shown = recordings
        self._tell_status()

    def report_outcomes(self, outcomes: Iterable[IceOutcomeJson]) -> None:
        """How connections went, for the room's server where it collects that; else nothing happens."""
        if self._stay is not None and self._stay.client is not None:
            self._stay.client.report_outcomes(outcomes)

    def follow(self, state: CallState) -> None:
        """The call's state changed: tell the others what concerns them."""
        self._tell_status()
        self.heard_people()  # whom Python receives is shown with them

    def _tell_status(self) -> None:
        if (stay := self._stay) is not None:
            known = tuple(one for one in recordings_of(stay.people) if one in self._shown)
            stay.tell(msgspec.structs.replace(status_of(self._board.state), acknowledges=known))

    # --- what the present stay hears

    def heard_room(self, info: RoomInfo) -> None:
        """The room, or where this participant stands with it, changed."""
        if info.phase == "refused":
            self._refused(info.code, info.reason)
            return
        if info.phase == "joining" and self._stay is not None and self._stay.is_resumed:
            return  # for the page it is the room that it never left
        before = self._board.state.room
        self._board.change(room=info)
        self.heard_people()
        if info.phase == "joined" and before is not None and before.phase == "joining":
            self._compare(info)

    def heard_people(self) -> None:
        """Somebody came, went, or is different."""
        stay = self._stay
        if stay is None or not any(person.is_you for person in stay.people):
            return
        self._tell_status()  # a recording began or ended
        state = self._board.state
        people = stay.shown(state)
        if people != state.participants:
            self._board.change(participants=people)

    def heard_signal(self, signal: PeerSignal) -> None:
        """A description or candidate of another participant."""
        if self._page is not None:
            self._board.send(self._page, signal)

    def heard_chat(self, messages: tuple[ChatMessage, ...]) -> None:
        """Somebody wrote, or this is what was written before."""
        fresh = tuple(message for message in messages if message.id not in self._messages)
        if not fresh:
            return
        self._messages.update((message.id, message) for message in fresh)
        while len(self._messages) > MAX_MESSAGES:
            self._messages.popitem(last=False)
        self._board.broadcast(Chat(messages=fresh))
        self._board.notify(ChatArrived(call=self._board.call, messages=fresh))

    def heard_seat(self, participant: str, resume_token: str | None) -> None:
        """What takes this seat again, should this engine go."""
        if self._ticket is not None:
            self._change_ticket(
                msgspec.structs.replace(
                    self._ticket, participant=participant, resume_token=resume_token, page=self._page
                )
            )

    def heard_ice(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, collects_analytics: bool
    ) -> None:
        """The servers that the room's server issues; what it collects is the client's affair."""
        self._on_ice(servers, expires_at_s, self._turn_credentials)

    def _compare(self, info: RoomInfo) -> None:
        """Say what the room that was joined is other than this call would have made it."""
        sentence = "" if self._ticket is None else unmet(self._ticket, info)
        if sentence:
            code = f"{RoomError.code}/settings"
            self._board.problem(code, sentence, show=False)
            self._board.broadcast(Notice(key=code, level="warning", text=sentence))

    async def _turn_credentials(self) -> TurnCredentialsJson:
        if self._stay is None or self._stay.client is None:
            raise RoomError("The room that issues TURN credentials is not joined.", "not-in-room")
        return await self._stay.client.turn_credentials()

    # --- one step each

    def _begin(self, page: str) -> None:
        """Join as this page, once every earlier stay is over."""
        self._drop_stay()
        ticket = self._ticket
        assert ticket is not None
        is_resumed, returns = self._expects and ticket.page == page, was_inside(ticket)
        self._page, self._expects, self._shown = page, False, ()
        if not is_resumed:
            ticket = without_seat(ticket)
            self._change_ticket(ticket)
            self._show_alone(msgspec.structs.replace(_outside(ticket), phase="joining"))
        stay = self._stay = Stay(self, is_resumed=is_resumed)
        joining = self._join(stay, ticket, returns)
        stay.joining = asyncio.get_running_loop().create_task(joining, name="nbrtc-join")

    async def _join(self, stay: Stay, ticket: RoomTicket, returns: bool) -> None:
        await self._closing.finish()
        try:
            stay.client = await self._doors.client(ticket, self._name, stay, returns=returns)
            self._tell_status()
            await stay.client.join()
        except RoomError as error:
            code, reason = error.reason, str(error)
        except Exception as error:
            logger.exception("Joining the room %s failed", ticket.room)
            code, reason = "server-error", f"The room could not be joined ({type(error).__name__}: {error})."
        else:
            return
        if stay is self._stay:  # else the client's own word was first
            self._refused(code, reason)

    def _refused(self, code: str, reason: str) -> None:
        """The room does not take this participant, or is out of reach; the link to Python stays."""
        self._drop_stay()
        if self._ticket is not None:
            # the next attempt is answered at once
            self._change_ticket(msgspec.structs.replace(without_seat(self._ticket), left_s=None))
            refused = msgspec.structs.replace(
                _outside(self._ticket), phase="refused", code=code, reason=reason
            )
            self._show_alone(refused)
        # every view reads it in the state
        self._board.problem(f"{RoomError.code}/{code}", reason, show=False)

    def _end(self) -> None:
        """Leave now, whoever is there. What refused the last attempt stands until the next one."""
        self._keep()
        self._drop_stay()
        self._page, self._expects = None, False
        if self._ticket is None:
            return
        self._change_ticket(without_seat(self._ticket))
        room = self._board.state.room
        if room is not None and room.phase not in ("outside", "refused"):
            self._show_alone(_outside(self._ticket))

    def _drop_stay(self) -> None:
        stay, self._stay = self._stay, None
        if stay is None:
            return
        room = self._board.state.room
        if self._ticket is not None and room is not None and room.phase in ("joined", "reconnecting"):
            self._change_ticket(msgspec.structs.replace(self._ticket, left_s=time.monotonic()))
        self._closing.spawn(stay.close(), "nbrtc-leave")

    def _keep(self) -> None:
        """Whoever was waited for is here."""
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _give_up_after(self, seat_s: float) -> None:
        self._keep()
        self._giving_up = asyncio.get_running_loop().call_later(seat_s, self._end)

    def _show_alone(self, room: RoomInfo | None) -> None:
        """Nobody else is there, or nobody is known yet."""
        if room is None:
            you = Participant(id=YOU, name=self._name, is_you=True)
            self._board.change(room=None, participants=(you, PYTHON))
        else:
            you = Participant(id=room.me or YOU, name=self._name, is_you=True)
            self._board.change(room=room, participants=(you,))

    def _ticket_for(self, room: str, passcode: str | None) -> RoomTicket:
        ticket = self._ticket
        if (
            ticket is not None and ticket.room == room
        ):  # its token, and what it is to be made with, still hold
            return msgspec.structs.replace(without_seat(ticket), passcode=passcode or ticket.passcode)
        return RoomTicket(room=room, server=None if ticket is None else ticket.server, passcode=passcode)

    def _change_ticket(self, ticket: RoomTicket | None) -> None:
        """Remember it, and have the kernel remember it for the next engine."""
        if ticket != self._ticket or self._told_name != self._name:
            self._ticket, self._told_name = ticket, self._name
            self._board.notify(TicketChanged(call=self._board.call, name=self._name, ticket=ticket))


def _outside(ticket: RoomTicket) -> RoomInfo:
    """The room before it is joined, or after."""
    return RoomInfo(id=ticket.room, name=ticket.room, server=ticket.server or "")
