"""A participant's side of a room: joins, stays over lost connections and restarted servers, and leaves."""

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from ..errors import RoomError
from ..messages.kernel import RoomTicket
from ..messages.nouns import ChatMessage, Participant, ParticipantStatus, RoomInfo
from ..messages.page import PeerSignal
from ..messages.signaling import (
    MAX_CHAT_BYTES,
    AnswerMessage,
    CandidateMessage,
    ChatMessageSent,
    IceOutcomeJson,
    JoinedJson,
    JoinRoom,
    LeaveRoom,
    OfferMessage,
    StatusMessage,
    TurnCredentialsJson,
    TurnRequest,
)
from ..rooms.names import check_text
from . import reading
from .connection import ACK_S, Connection, ServerAddress, accepted
from .membership import Membership, RoomListener
from .outbox import Letter, Outbox
from .reporter import OutcomeReporter

logger = logging.getLogger(__name__)

__all__ = ["RoomClient", "RoomListener", "ServerAddress"]

PROTOCOL = 1
"""Of the room's wire; 0 is the plain tutorial protocol."""
JOIN_S = 10.0
"""A server that cannot be reached for so long after the click is out of reach."""
BACKOFF_S = (0.2, 2.0)
"""The first pause between attempts, and the longest; each is shortened by chance, to half of it at most."""
RETURN_S = 60.0
"""How long a rejoin is tried again after a refusal that may pass: the server still thinks the seat taken, or
only the room's owner may make it again."""
LIMITED_S = 1.0
"""The pause after the server said that we say too much."""
LEAVE_S = 2.0
PASSING = {"unreachable", "rate-limited", "server-full", "server-error"}
PASSING_FOR_A_WHILE = {"already-in-room", "room-not-found", "not-allowed"}


class RoomClient:
    """One participant of one room. On the engine's loop.

    Parameters
    ----------
    ticket
        The room, and what lets its participant in.
    name
        Of the participant, for the others.
    find_server
        Asked before each connection; raises `RoomError` while there is none.
    returns
        Whether this participant was in the room a moment ago, under an earlier engine or in an earlier stay.
        Then joining waits like a rejoin: for the server, and for whoever may make the room again.
    clock
        Seconds that only grow.
    """

    def __init__(
        self,
        ticket: RoomTicket,
        name: str,
        listener: RoomListener,
        *,
        find_server: Callable[[], Awaitable[ServerAddress]],
        is_python: bool = False,
        returns: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ticket = ticket
        self._name = name
        self._find_server = find_server
        self._is_python = is_python
        self._returns = returns
        self._clock = clock
        self._membership = Membership(
            RoomInfo(id=ticket.room, name=ticket.room, server=ticket.server or ""),
            listener,
            on_came=self._on_came,
            on_gone=self._on_gone,
        )
        self._seat_taken_over = ticket.participant if ticket.resume_token is not None else None
        self._resume_token = ticket.resume_token
        self._has_joined = False
        self._is_token_forgotten = False
        self._outbox = Outbox()
        self._status: ParticipantStatus | None = None
        self._status_is_news = False
        self._status_on_its_way = False
        self._early: list[tuple[str, Any]] | None = None
        self._connection: Connection | None = None
        self._wake = asyncio.Event()
        self._silent_until_s = 0.0
        self._dismissed: RoomError | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_leaving = False
        self._collects_analytics = False
        self._reporter = OutcomeReporter(self._credentials_of_seat)

    @property
    def room(self) -> RoomInfo:
        """The room as it is now."""
        return self._membership.room

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Everybody, oneself too, in the order of joining; empty before joining and after leaving."""
        return self._membership.roster.everybody

    # --- coming and going

    async def join(self) -> None:
        """Join the room, or create it.

        Raises
        ------
        RoomError
            The server's refusal, or ``"unreachable"`` if no server answered within ten seconds. The phase is
            ``"refused"`` then, and `join` may be called again. Whoever returns is ``"reconnecting"`` instead
            for as long as a rejoin is tried.
        """
        if self._task is not None and not self._task.done():
            raise RoomError(f'You are in the room "{self._ticket.room}" already.', "already-in-room")
        self._is_leaving = False
        me, self._seat_taken_over = self._seat_taken_over or secrets.token_urlsafe(9), None
        self._membership.change(phase="joining", reason="", code="", me=me)
        entering = self._task = asyncio.get_running_loop().create_task(self._enter(), name="nbrtc-room-join")
        try:
            await entering
        except asyncio.CancelledError:
            entering.cancel()
            if not self._is_leaving:
                await self.leave()
                raise
            raise RoomError("You left while joining.", "not-in-room") from None
        except RoomError as error:
            await self._disconnect()
            self._refuse(error)
            raise
        self._task = asyncio.get_running_loop().create_task(self._stay(), name="nbrtc-room")
        self._task.add_done_callback(self._ended)

    async def leave(self) -> None:
        """Leave the room and tell its server. Idempotent."""
        self._is_leaving = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
        await self._reporter.close()
        connection = self._connection
        if connection is not None and connection.is_open and self.room.phase == "joined":
            try:
                await connection.request("leave-room", _plain(LeaveRoom()), timeout_s=LEAVE_S)
            except RoomError as error:
                logger.debug("The server did not hear that we left: %s", error)
        await self._disconnect()
        self._exit(phase="outside", reason="", code="")

    async def close(self) -> None:
        """Leave and free everything. Idempotent."""
        await self.leave()

    # --- saying something

    def signal(self, signal: PeerSignal) -> None:
        """Send a description or candidate to `signal.peer`.

        It is kept until the server has confirmed it, over lost connections too: at most 500, the oldest are
        dropped. It may so arrive twice. For somebody who is not in the room it is dropped.
        """
        if signal.peer not in self._membership.roster or signal.peer == self.room.me:
            return
        event, message = _message(signal)
        self._outbox.add(Letter(event, signal.peer, signal.generation, _plain(message)))
        self._wake.set()

    def set_status(self, status: ParticipantStatus) -> None:
        """Tell the others what one sends and does. The latest wins; it is told again after a rejoin."""
        if status == self._status:
            return
        self._status, self._status_is_news = status, True
        self._membership.set_own_status(status)
        self._wake.set()

    async def chat(self, text: str, to: str | None = None) -> ChatMessage:
        """Write to everybody, or to one participant; returns the message as the room has it.

        Raises
        ------
        RoomError
            The server's refusal, ``"not-in-room"``, ``"too-large"``, or ``"unreachable"`` while there is no
            connection.
        """
        connection = self._joined_connection("The message was not sent")
        check_text(text, MAX_CHAT_BYTES, "The message")
        said = await connection.request("chat-message", _plain(ChatMessageSent(message=text, to=to)))
        try:
            message = reading.chat_message(said)
        except (ValueError, AttributeError) as error:
            raise RoomError("The room's server confirmed a message that is none.", "server-error") from error
        self._membership.hear([message])
        return message

    async def turn_credentials(self) -> TurnCredentialsJson:
        """Ask for the room's STUN and TURN servers again, with fresh credentials.

        Raises
        ------
        RoomError
            The server's refusal (``"rate-limited"`` after six in a minute), ``"not-in-room"``, or
            ``"unreachable"`` while there is no connection.
        """
        connection = self._joined_connection("There are no fresh TURN credentials")
        said = await connection.request("turn-credentials", _plain(TurnRequest()))
        try:
            return reading.turn_credentials(said)
        except ValueError as error:
            raise RoomError(
                "The room's server answered with something that is no TURN credential.", "server-error"
            ) from error

    def report_outcomes(self, outcomes: Iterable[IceOutcomeJson]) -> None:
        """Tell the room's server how connections went, soon and without waiting, where it collects that.

        At most 100 wait; what it does not take is given up.
        """
        if self._collects_analytics and not self._is_leaving:
            self._reporter.add(outcomes)

    def _credentials_of_seat(self) -> tuple[str, str] | None:
        is_in = self.room.phase == "joined" and self._resume_token is not None
        return (self.room.server, self._resume_token or "") if is_in else None

    def _joined_connection(self, what: str) -> Connection:
        if self._connection is None or self.room.phase in ("outside", "refused", "joining"):
            raise RoomError("You are not in a room: join it first.", "not-in-room")
        if self.room.phase != "joined":
            sentence = f"{what}, because the room's server is out of reach. Try again in a moment."
            raise RoomError(sentence, "unreachable")
        return self._connection

    # --- the life of the connection

    async def _enter(self) -> None:
        """Join for the first time: keep trying for a while where nobody answers."""
        deadline_s = self._clock() + JOIN_S
        pauses, patience = _Backoff(), _Patience(self._clock)
        while True:
            try:
                await self._connect_and_join()
            except RoomError as error:
                if error.reason == "already-in-room" and self._resume_token is not None:
                    # the seat of the engine before this one: be somebody new
                    self._resume_token = None
                    self._membership.change(me=secrets.token_urlsafe(9))
                    continue
                if self._returns:
                    patience.bear(error)
                    self._membership.change(phase="reconnecting", reason=_waiting(error))
                elif error.reason != "unreachable" or self._clock() >= deadline_s:
                    raise
                await asyncio.sleep(pauses.next_s())
            else:
                return

    async def _stay(self) -> None:
        """Send what is to be sent, and come back whenever the connection was lost."""
        try:
            while True:
                await self._converse()
                if self._dismissed is not None:
                    raise self._dismissed
                self._membership.change(
                    phase="reconnecting", reason="The connection to the room's server was lost."
                )
                await self._return()
        except RoomError as error:
            await self._disconnect()
            self._refuse(error)

    async def _return(self) -> None:
        """Rejoin, however long the server stays away."""
        pauses, patience = _Backoff(), _Patience(self._clock)
        while True:
            await asyncio.sleep(pauses.next_s())
            try:
                await self._connect_and_join()
            except RoomError as error:
                patience.bear(error)
                logger.debug("Not back in the room yet: %s", error)
            else:
                return

    async def _connect_and_join(self) -> None:
        await self._disconnect()
        ticket = self._ticket
        address = await self._find_server()
        own_token = None if self._is_token_forgotten else ticket.token
        auth = {"token": address.token or own_token, "passcode": ticket.passcode}
        self._early = []
        connection = self._connection = Connection(self._on_event, self._wake.set)
        self._dismissed = None
        try:
            await connection.open(address, {key: value for key, value in auth.items() if value is not None})
        except RoomError as error:
            # a server that restarted without its secret holds no token valid, and may let in without one
            was_here = self._has_joined or self._returns
            self._is_token_forgotten |= was_here and error.reason == "not-allowed"
            raise
        request = JoinRoom(
            room_id=self.room.id,
            user_id=self.room.me,
            user_name=self._name,
            resume_token=self._resume_token,
            create=self._has_joined or not ticket.must_exist,
            room_name=self.room.name if self._has_joined else None,
            capacity=self.room.capacity if self._has_joined else ticket.capacity,
            settings=self.room.settings if self._has_joined else ticket.settings,
            passcode=ticket.passcode,
            protocol=PROTOCOL,
            is_python=self._is_python,
            status=self._status,
        )
        told = self._status
        said = await connection.request("join-room", _plain(request))
        try:
            joined = reading.joined(said)
        except ValueError as error:
            raise RoomError(
                "The room's server answered with something that is no room.", "server-error"
            ) from error
        self._status_is_news, self._status_on_its_way = self._status != told, False
        self._take_seat(joined, address.url)

    def _take_seat(self, joined: JoinedJson, url: str) -> None:
        is_first, self._has_joined = not self._has_joined, True
        self._resume_token = joined.resume_token
        self._collects_analytics = joined.collects_analytics
        self._outbox.again()
        self._membership.enter(joined, url, is_first=is_first)
        early, self._early = self._early or [], None
        for event, value in early:
            try:
                self._on_event(event, value)
            except ValueError as error:
                logger.warning("The room's server said a %s that means nothing: %s", event, error)
        self._wake.set()

    async def _converse(self) -> None:
        """Send what is to be sent until the connection is lost."""
        connection = self._connection
        while connection is not None and connection.is_open:
            self._wake.clear()
            now_s = self._clock()
            oldest_s = self._outbox.oldest_sent_s()
            if oldest_s is not None and now_s - oldest_s > ACK_S:
                return  # the server is not there any more, whatever TCP thinks
            if now_s >= self._silent_until_s:
                await self._send(connection, now_s)
            pause_s = ACK_S if oldest_s is None else max(0.0, oldest_s + ACK_S - now_s) + 0.1
            if now_s < self._silent_until_s:
                pause_s = min(pause_s, self._silent_until_s - now_s)
            try:
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _send(self, connection: Connection, now_s: float) -> None:
        if self._status_is_news and not self._status_on_its_way:
            self._status_is_news, self._status_on_its_way = False, True
            said = _plain(StatusMessage(status=self._status))
            await connection.send("participant-status", said, self._status_answered)
        for letter in self._outbox.ready(self._membership.roster.present, now_s):
            await connection.send(letter.event, letter.payload, self._answered(letter))

    def _status_answered(self, *said: object) -> None:
        self._status_on_its_way = False
        try:
            accepted(*said)
        except RoomError as error:
            if error.reason == "rate-limited":
                self._status_is_news = True
                self._be_silent()
            else:
                logger.warning("The room refused the status: %s", error)
        self._wake.set()

    def _answered(self, letter: Letter) -> Callable[..., None]:
        def answer(*said: object) -> None:
            try:
                accepted(*said)
            except RoomError as error:
                if error.reason == "rate-limited":
                    letter.sent_s = None
                    self._be_silent()
                elif error.reason == "no-such-participant" and letter.peer in self._membership.roster:
                    letter.sent_s = None  # until the server has them again
                    self._membership.roster.lose(letter.peer)
                    self._membership.await_missing()
                else:
                    logger.warning("The room refused an %s: %s", letter.event, error)
                    self._outbox.done(letter)
            else:
                self._outbox.done(letter)
            self._wake.set()

        return answer

    def _be_silent(self) -> None:
        self._silent_until_s = self._clock() + LIMITED_S

    async def _disconnect(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    # --- what the server says

    def _on_event(self, event: str, value: Any) -> None:
        """Take one event. `ValueError` where it means nothing."""
        if self._early is not None:  # before the answer to joining, which says who is here
            self._early.append((event, value))
            return
        if not isinstance(value, dict):
            raise ValueError("not an object")
        if event != "error":
            self._membership.take(event, value)
            return
        error = reading.error(value)
        logger.debug("The room's server says: %s", error)
        if error.reason == "already-in-room":
            self._dismissed = error

    def _on_came(self, participant: str) -> None:
        status, person = self._status, self._membership.roster.get(participant)
        recording = "" if person is None else person.status.recording_id
        if status is not None and (participant in status.receives or recording in status.acknowledges):
            # the server leaves out those whom it does not know, and what they record
            self._status_is_news = True
        self._wake.set()

    def _on_gone(self, participant: str) -> None:
        self._outbox.forget(participant)

    def _refuse(self, error: RoomError) -> None:
        """The room does not want us (any more): no more attempts until the next `join`."""
        self._exit(phase="refused", reason=str(error), code=error.reason)

    def _exit(self, **changes: Any) -> None:
        had_seat, self._has_joined, self._is_token_forgotten = self._has_joined, False, False
        self._outbox = Outbox()
        self._resume_token = None
        self._early = None
        self._membership.exit(had_seat=had_seat, **changes)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("The room client failed", exc_info=error)
            self._refuse(
                RoomError(f"The room was left, because of an error in nbrtc: {error!r}.", "server-error")
            )


class _Backoff:
    """Growing pauses, shortened by chance so that not everybody comes at once."""

    def __init__(self) -> None:
        self._pause_s = BACKOFF_S[0]

    def next_s(self) -> float:
        pause_s, self._pause_s = self._pause_s, min(BACKOFF_S[1], self._pause_s * 2)
        return pause_s * random.uniform(0.5, 1.0)


class _Patience:
    """How long the refusals of a rejoin are borne: some for ever, some for `RETURN_S`, others not at all."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused_since_s: float | None = None

    def bear(self, error: RoomError) -> None:
        """Raise the error where another attempt is not worth it (any more)."""
        if error.reason in PASSING:
            self._refused_since_s = None
            return
        if error.reason not in PASSING_FOR_A_WHILE:
            raise error
        now_s = self._clock()
        if self._refused_since_s is None:
            self._refused_since_s = now_s
        if now_s - self._refused_since_s > RETURN_S:
            raise error


def _waiting(error: RoomError) -> str:
    """What somebody who comes back reads meanwhile."""
    if error.reason == "room-not-found":
        return "The room's server was restarted: waiting for somebody who may open the room again."
    return f"{error} Trying again."


def _message(signal: PeerSignal) -> tuple[str, OfferMessage | AnswerMessage | CandidateMessage]:
    to, generation, description = signal.peer, signal.generation, signal.description
    if description is None:
        return "ice-candidate", CandidateMessage(candidate=signal.candidate, to=to, generation=generation)
    if description.type == "offer":
        return "offer", OfferMessage(offer=description, to=to, generation=generation)
    return "answer", AnswerMessage(answer=description, to=to, generation=generation)


def _plain(message: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(message)
    return plain
