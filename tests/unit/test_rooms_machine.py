"""The room rules against a simple model, in any order that hypothesis thinks of."""

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nbrtc.errors import RoomError
from nbrtc.messages.nouns import ParticipantStatus, RoomSettings
from nbrtc.messages.page import SessionDescription
from nbrtc.messages.signaling import CreateRoom, JoinedJson, JoinRoom
from nbrtc.rooms import Lobby, Outcome, Visitor

CAPACITY = 3
MAX_ROOMS = 3
SEAT_S = 30.0
EMPTY_ROOM_S = 60.0

CLIENTS = st.sampled_from([f"c{number}" for number in range(6)])
ROOMS = st.sampled_from(["r1", "r2", "r3", "r4"])
USERS = st.sampled_from(["ada", "bob", "eve", "kim", "lee"])
RECORDINGS = st.sampled_from(["tape", "film", "reel"])
STATUSES = st.builds(
    ParticipantStatus,
    muted=st.booleans(),
    video_off=st.booleans(),
    recording=st.booleans(),
    recording_id=st.one_of(st.just(""), RECORDINGS),
    acknowledges=st.lists(RECORDINGS, max_size=4).map(tuple),
)
OFFER = SessionDescription("offer", "v=0\r\n")


@dataclass
class Seat:
    """A seat as the model has it."""

    room: str
    user: str
    client: str | None
    order: int
    is_held: bool
    """It is of a client that can come back."""
    token: str | None = None
    lost_s: float | None = None
    status: ParticipantStatus = field(default_factory=ParticipantStatus)


@dataclass
class RoomModel:
    capacity: int
    passcode: str | None
    orders: int = 0
    empty_since_s: float | None = None
    seats: dict[str, Seat] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


class Rooms(RuleBasedStateMachine):
    """Each rule asks the lobby and the model, and compares what they say and whom they tell."""

    def __init__(self) -> None:
        super().__init__()
        tokens = itertools.count()
        self.lobby = Lobby(
            capacity=CAPACITY,
            max_rooms=MAX_ROOMS,
            seat_s=SEAT_S,
            empty_room_s=EMPTY_ROOM_S,
            new_token=lambda: f"token-{next(tokens)}",
        )
        self.now_s = 1000.0
        self.rooms: dict[str, RoomModel] = {}
        self.sits: dict[str, Seat] = {}
        self.spent: deque[tuple[str, str, str]] = deque(maxlen=20)
        self.messages = itertools.count()

    # --- coming --------------------------------------------------------------------------------------------

    @rule(
        client=CLIENTS,
        room=ROOMS,
        user=USERS,
        protocol=st.sampled_from([0, 1]),
        passcode=st.sampled_from([None, "p"]),
    )
    def create(self, client: str, room: str, user: str, protocol: int, passcode: str | None) -> None:
        request = CreateRoom(room_id=room, user_id=user, user_name=user, protocol=protocol)
        refusal = self._refusal_to_make(room)
        outcome = self._ask(refusal, self.lobby.create, Visitor(client=client), request, passcode)
        if outcome is not None:
            self._leaves_earlier(client, outcome)
            self.rooms[room] = RoomModel(CAPACITY, passcode)
            self._sits_down(outcome, client, room, user, protocol, "room-created")

    @rule(
        client=CLIENTS,
        room=ROOMS,
        user=USERS,
        protocol=st.sampled_from([0, 1]),
        create=st.booleans(),
        knows_passcode=st.booleans(),
        capacity=st.sampled_from([None, 1, 2]),
    )
    def join(
        self,
        client: str,
        room: str,
        user: str,
        protocol: int,
        create: bool,
        knows_passcode: bool,
        capacity: int | None,
    ) -> None:
        visitor = Visitor(client=client, gave_passcode=knows_passcode, knows_passcode=knows_passcode)
        request = JoinRoom(
            room_id=room, user_id=user, user_name=user, protocol=protocol, create=create, capacity=capacity
        )
        model, mine = self.rooms.get(room), self.sits.get(client)
        refusal = None
        if model is None:
            refusal = self._refusal_to_make(room) if create else "room-not-found"
        elif mine is not None and mine.room == room:
            if mine.user == user:
                again = self._ask(None, self.lobby.join, visitor, request, None)
                assert again is not None
                assert again.reply.resume_token == mine.token
                self._only(again, {client})
                return
            refusal = "already-in-room"
        elif model.passcode is not None and not knows_passcode:
            refusal = "wrong-passcode"
        elif user in model.seats:
            refusal = "already-in-room"
        elif len(model.seats) >= model.capacity:
            refusal = "room-full"
        outcome = self._ask(refusal, self.lobby.join, visitor, request, None)
        if outcome is not None:
            self._leaves_earlier(client, outcome)
            if model is None:
                self.rooms[room] = RoomModel(capacity or CAPACITY, None)
            self._sits_down(outcome, client, room, user, protocol, "room-joined")

    @precondition(lambda self: any(seat.token for seat in self._seats()))
    @rule(client=CLIENTS, data=st.data(), status=st.one_of(st.none(), STATUSES))
    def resume(self, client: str, data: st.DataObject, status: ParticipantStatus | None) -> None:
        seat = data.draw(st.sampled_from([seat for seat in self._seats() if seat.token]))
        request = JoinRoom(
            room_id=seat.room, user_id=seat.user, resume_token=seat.token, protocol=1, status=status
        )
        refusal = None if status is None else self._refusal_of(status)
        outcome = self._ask(refusal, self.lobby.join, Visitor(client=client), request, None)
        if outcome is None:
            return
        if status is not None:
            seat.status = self._kept(seat, status)
        reply: JoinedJson = outcome.reply
        assert reply.resumed
        assert reply.resume_token not in (None, seat.token)
        assert [person.order for person in reply.participants if person.user_id == seat.user] == [seat.order]
        assert outcome.dismissed == (() if seat.client in (None, client) else (seat.client,))
        assert seat.token is not None
        self.spent.append((seat.room, seat.user, seat.token))
        if self.sits.get(client) is not seat:
            self._leaves_earlier(client, outcome)
        if seat.client is not None:
            del self.sits[seat.client]
        seat.client, seat.lost_s, seat.token = client, None, reply.resume_token
        self.sits[client] = seat

    @precondition(lambda self: self.spent)
    @rule(data=st.data())
    def a_spent_token_opens_nothing(self, data: st.DataObject) -> None:
        room, user, token = data.draw(st.sampled_from(list(self.spent)))
        if user in self.rooms.get(room, RoomModel(1, None)).seats:
            request = JoinRoom(room_id=room, user_id=user, resume_token=token, protocol=1)
            visitor = Visitor(client="thief", knows_passcode=True)
            self._ask("already-in-room", self.lobby.join, visitor, request, None)

    # --- going ---------------------------------------------------------------------------------------------

    @rule(client=CLIENTS)
    def leave(self, client: str) -> None:
        seat = self.sits.get(client)
        outcome = self._ask(None if seat else "not-in-room", self.lobby.leave, client, None)
        if outcome is not None and seat is not None:
            self._stands_up(seat)
            self._tells(outcome, "participant-left", seat, reason="left")

    @rule(client=CLIENTS)
    def lose_the_connection(self, client: str) -> None:
        seat = self.sits.get(client)
        outcome = self.lobby.disconnect(client, self.now_s)
        if seat is None:
            assert outcome == Outcome()
        elif seat.is_held:
            del self.sits[client]
            seat.client, seat.lost_s = None, self.now_s
            self._tells(outcome, "participant-status", seat, connected=False)
        else:
            self._stands_up(seat)
            self._tells(outcome, "participant-left", seat, reason="disconnected")

    @rule(passed_s=st.sampled_from([1.0, 10.0, 29.0, 31.0, 61.0]))
    def let_time_pass(self, passed_s: float) -> None:
        self.now_s += passed_s
        outcome = self.lobby.expire(self.now_s)
        lost = [s for s in self._seats() if s.lost_s is not None and s.lost_s + SEAT_S <= self.now_s]
        for seat in lost:
            self._stands_up(seat)
        for name, room in list(self.rooms.items()):
            if room.empty_since_s is not None and room.empty_since_s + EMPTY_ROOM_S <= self.now_s:
                del self.rooms[name]
        told = {(d.data["roomId"], d.data["userId"]) for d in outcome.deliveries if isinstance(d.data, dict)}
        heard = {(s.room, s.user) for s in lost if self._present(s.room)}
        assert told == heard
        assert all(delivery.event == "participant-left" for delivery in outcome.deliveries)

    # --- talking -------------------------------------------------------------------------------------------

    @precondition(lambda self: self.sits)
    @rule(data=st.data(), to=st.one_of(st.none(), USERS))
    def offer(self, data: st.DataObject, to: str | None) -> None:
        client = data.draw(st.sampled_from(sorted(self.sits)))
        me = self.sits[client]
        others = [seat for seat in self.rooms[me.room].seats.values() if seat is not me]
        chosen = [seat for seat in others if to in (None, seat.user)]
        room, seat = self.lobby.place(client, None)
        refusal = "no-such-participant" if to is not None and not chosen else None
        outcome = self._ask(refusal, room.relay, seat, "offer", OFFER, to=to, generation=1)
        if outcome is not None:
            here = {seat.client for seat in chosen if seat.client is not None}
            assert outcome.reply == {"delivered": len(here)}
            self._only(outcome, here)
            for delivery in outcome.deliveries:
                assert isinstance(delivery.data, dict)
                assert (delivery.data["from"], delivery.data["roomId"]) == (me.user, me.room)

    @precondition(lambda self: self.sits)
    @rule(data=st.data())
    def say(self, data: st.DataObject) -> None:
        client = data.draw(st.sampled_from(sorted(self.sits)))
        me = self.sits[client]
        room, seat = self.lobby.place(client, None)
        text = f"message {next(self.messages)}"
        outcome = self._ask(None, room.say, seat, text, to=None, message_id=text)
        assert outcome is not None
        self._only(outcome, self._present(me.room) - {client})
        self.rooms[me.room].said.append(text)
        assert [m["message"] for m in room.history.public()] == self.rooms[me.room].said[-200:]

    @precondition(lambda self: self.sits)
    @rule(data=st.data(), status=STATUSES)
    def change_status(self, data: st.DataObject, status: ParticipantStatus) -> None:
        client = data.draw(st.sampled_from(sorted(self.sits)))
        me = self.sits[client]
        room, seat = self.lobby.place(client, None)
        outcome = self._ask(self._refusal_of(status), room.set_status, seat, status)
        if outcome is None:
            return
        kept = self._kept(me, status)
        others = self._present(room.id) - {client}
        self._only(outcome, others if kept != me.status else set())
        me.status = kept

    # --- always --------------------------------------------------------------------------------------------

    @invariant()
    def model_and_lobby_agree(self) -> None:
        assert set(self.lobby.rooms) == set(self.rooms)
        for name, model in self.rooms.items():
            room = self.lobby.rooms[name]
            assert [(s.id, s.order, s.client) for s in room.seats.values()] == [
                (s.user, s.order, s.client) for s in model.seats.values()
            ]
            assert [s.status for s in room.seats.values()] == [s.status for s in model.seats.values()]
            assert len(room.seats) <= room.capacity <= CAPACITY
            assert (room.empty_since_s is None) == bool(room.seats)
            orders = [seat.order for seat in room.seats.values()]
            assert orders == sorted(set(orders))
            assert room.message_count == len(model.said)
            assert sum(seat.is_creator for seat in room.seats.values()) <= 1
        for client, seat in self.sits.items():
            place = self.lobby.find(client)
            assert place is not None
            assert (place[0].id, place[1].id) == (seat.room, seat.user)
        assert len(self.lobby.rooms) <= MAX_ROOMS

    # --- the model's own steps -----------------------------------------------------------------------------

    def _ask(self, refusal: str | None, request: Any, *values: Any, **named: Any) -> Outcome | None:
        """Ask the lobby; a refusal must be the expected one and change nothing (the invariant looks)."""
        try:
            outcome: Outcome = (
                request(*values, **named, now_s=self.now_s) if named else request(*values, self.now_s)
            )
        except RoomError as error:
            if error.reason != refusal:
                raise
            return None
        assert refusal is None, f"granted, but it must be refused as {refusal}"
        return outcome

    def _refusal_to_make(self, room: str) -> str | None:
        if room in self.rooms:
            return "room-exists"
        return "server-full" if len(self.rooms) >= MAX_ROOMS else None

    def _refusal_of(self, status: ParticipantStatus) -> str | None:
        return "invalid" if status.recording_id and not status.recording else None

    def _kept(self, seat: Seat, status: ParticipantStatus) -> ParticipantStatus:
        """What the room keeps of a status: of what it acknowledges that which somebody else records."""
        others = [other for other in self.rooms[seat.room].seats.values() if other is not seat]
        recorded = {other.status.recording_id for other in others}
        known = [one for one in status.acknowledges if one in recorded]
        return msgspec.structs.replace(status, acknowledges=tuple(dict.fromkeys(known)))

    def _seats(self) -> list[Seat]:
        return [seat for room in self.rooms.values() for seat in room.seats.values()]

    def _present(self, room: str) -> set[str]:
        return {seat.client for seat in self.rooms[room].seats.values() if seat.client is not None}

    def _sits_down(
        self, outcome: Outcome, client: str, room: str, user: str, protocol: int, event: str
    ) -> None:
        model = self.rooms[room]
        model.orders += 1
        model.empty_since_s = None
        reply: JoinedJson = outcome.reply
        assert (reply.resume_token is not None) == (protocol == 1)
        seat = Seat(room, user, client, model.orders, protocol == 1, reply.resume_token)
        model.seats[user] = self.sits[client] = seat
        assert outcome.deliveries[0].event == event
        assert outcome.deliveries[0].clients == (client,)
        assert "resumeToken" not in msgspec.to_builtins(outcome.deliveries[0].data)
        self._tells(outcome, "participant-joined", seat)

    def _leaves_earlier(self, client: str, outcome: Outcome) -> None:
        earlier = self.sits.get(client)
        if earlier is not None:
            self._stands_up(earlier)
            self._tells(outcome, "participant-left", earlier, reason="left")

    def _stands_up(self, seat: Seat) -> None:
        room = self.rooms[seat.room]
        del room.seats[seat.user]
        if seat.client is not None:
            del self.sits[seat.client]
        if not room.seats:
            room.empty_since_s = self.now_s

    def _tells(self, outcome: Outcome, event: str, seat: Seat, **facts: object) -> None:
        """Everybody else in the seat's room, and nobody of another room, hears this."""
        told = [
            delivery
            for delivery in outcome.deliveries
            if delivery.event == event
            and isinstance(delivery.data, dict)
            and (delivery.data["roomId"], delivery.data["userId"]) == (seat.room, seat.user)
            and facts.items() <= delivery.data.items()
        ]
        heard = [client for delivery in told for client in delivery.clients]
        assert sorted(heard) == sorted(self._present(seat.room) - {seat.client})

    def _only(self, outcome: Outcome, clients: set[str]) -> None:
        heard = [client for delivery in outcome.deliveries for client in delivery.clients]
        assert sorted(heard) == sorted(clients)


TestRooms = Rooms.TestCase
TestRooms.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_room_that_forbids_recording_refuses_it_at_the_door() -> None:
    lobby = Lobby()
    lobby.open(Visitor(client=""), CreateRoom(room_id="r", settings=RoomSettings(recording=False)), None, 0.0)
    joining = JoinRoom(room_id="r", status=ParticipantStatus(recording=True))

    with pytest.raises(RoomError, match="not allowed"):
        lobby.join(Visitor(client="c"), joining, None, 0.0)
    assert lobby.rooms["r"].seats == {}
