"""A call in its room, over a client that only writes down what it is told; time is the loop's."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from nbrtc.engine.board import Board
from nbrtc.engine.member import MAX_MESSAGES, PYTHON, RoomMember
from nbrtc.errors import CallError, RoomError
from nbrtc.messages import (
    CallState,
    ChatArrived,
    ChatMessage,
    EnterRoom,
    Notification,
    OpenCall,
    PageMessage,
    Participant,
    ParticipantStatus,
    PeerSignal,
    PeerStatus,
    Problem,
    Quality,
    RecordingStatus,
    RoomInfo,
    RoomTicket,
    TicketChanged,
    VideoSize,
    decode_event,
)
from nbrtc.messages.signaling import EMPTY_ROOM_S

PHYSICS = RoomTicket("physics")
SEATED: dict[str, Any] = {"participant": "seat", "resume_token": "again", "page": "page"}


def anew(ticket: RoomTicket | None) -> RoomTicket:
    """Without when it was left, which is known and recent."""
    assert ticket is not None
    assert ticket.left_s is not None
    return msgspec.structs.replace(ticket, left_s=None)


class FakeClient:
    """Joins at once, or as `gate` and `refusal` want it."""

    def __init__(self, doors: "FakeDoors", ticket: RoomTicket, name: str, listener: Any) -> None:
        self.ticket, self.name, self.listener = ticket, name, listener
        self.doors = doors
        self.me = ticket.participant or f"id{len(doors.clients)}"
        self.statuses: list[ParticipantStatus] = []
        self.signals: list[PeerSignal] = []
        self.is_closed = False

    async def join(self) -> None:
        self.room("joining")
        await self.doors.gate.wait()
        self.doors.log.append(f"join {self.me}")
        if self.doors.refusal is not None:
            self.room("refused", me="", code=self.doors.refusal.reason, reason=str(self.doors.refusal))
            raise self.doors.refusal
        self.listener.on_seat(self.me, f"token of {self.me}")
        self.room("joined", invite_url="http://room/r/physics#token=x", settings=self.doors.settings)
        self.people()

    def room(self, phase: Any, **fields: Any) -> None:
        info = RoomInfo(
            id=self.ticket.room, name="Physics", me=self.me, phase=phase, capacity=self.doors.capacity
        )
        self.listener.on_room(msgspec.structs.replace(info, **fields))

    def people(self, *others: Participant) -> None:
        you = Participant(id=self.me, name=self.name, is_you=True, joined_at_s=100.0)
        self.listener.on_participants((you, *others))

    def set_status(self, status: ParticipantStatus) -> None:
        self.statuses.append(status)

    def signal(self, signal: PeerSignal) -> None:
        self.signals.append(signal)

    async def chat(self, text: str, to: str | None = None) -> ChatMessage:
        message = ChatMessage(id=text, sender=self.me, sender_name=self.name, text=text, time_s=1.0, to=to)
        self.listener.on_chat((message,))
        return message

    async def close(self) -> None:
        if not self.is_closed:
            self.doors.log.append(f"leave {self.me}")
        self.is_closed = True
        self.room("outside")  # nobody listens any more
        self.listener.on_seat(self.me, None)


class FakeDoors:
    """Makes fake clients."""

    def __init__(self) -> None:
        self.clients: list[FakeClient] = []
        self.returns: list[bool] = []
        self.log: list[str] = []
        self.refusal: RoomError | None = None
        self.settings = RoomInfo("", "").settings
        self.capacity = 10
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> None:
        self.log.append("load")

    async def client(
        self,
        ticket: RoomTicket,
        name: str,
        listener: Any,
        *,
        is_python: bool = False,
        returns: bool = False,
    ) -> Any:
        self.clients.append(FakeClient(self, ticket, name, listener))
        self.returns.append(returns)
        return self.clients[-1]


class Member:
    """A member with its board, and what page and kernel were told."""

    def __init__(self, ticket: RoomTicket | None) -> None:
        self.told: list[Notification] = []
        self.doors = FakeDoors()
        opening = OpenCall("call", "Ada", Quality(640, 480, 15), "/", 0, ticket=ticket)
        self.board = Board("call", CallState(quality=opening.quality), self.told.append)
        self.member = RoomMember(self.board, opening, self.doors)
        self.board.on_change = self.member.follow

    @property
    def state(self) -> CallState:
        return self.board.state

    @property
    def room(self) -> RoomInfo:
        assert self.state.room is not None
        return self.state.room

    @property
    def client(self) -> FakeClient:
        return self.doors.clients[-1]

    @property
    def ids(self) -> list[str]:
        return [person.id for person in self.state.participants]

    @property
    def tickets(self) -> list[RoomTicket | None]:
        return [item.ticket for item in self.told if isinstance(item, TicketChanged)]

    @property
    def problems(self) -> list[tuple[str, str]]:
        return [(item.code, item.message) for item in self.told if isinstance(item, Problem)]

    def events(self, kind: type) -> list[Any]:
        bodies = [decode_event(item.body) for item in self.told if isinstance(item, PageMessage)]
        return [event for event in bodies if isinstance(event, kind)]

    async def settle(self) -> None:
        """Let everything happen that can."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def joined(self, page: str = "page") -> "Member":
        self.member.enter(page, is_answered=False)
        await self.settle()
        assert self.room.phase == "joined"
        return self


@pytest.fixture
async def new() -> AsyncIterator[Any]:
    made: list[Member] = []

    def make(ticket: RoomTicket | None = PHYSICS) -> Member:
        made.append(Member(ticket))
        return made[-1]

    yield make
    for member in made:
        await member.member.close()
        await member.member.close()


async def test_before_the_click_nobody_is_asked_for_anything(new: Any) -> None:
    call = new(RoomTicket("physics", server="https://calls.example.edu"))
    await call.settle()

    assert (call.room.phase, call.room.id, call.room.server) == (
        "outside",
        "physics",
        "https://calls.example.edu",
    )
    assert call.doors.log == ["load"]
    assert call.state.participants == (Participant(id="you", name="Ada", is_you=True),)


async def test_a_solo_call_has_python_and_no_room(new: Any) -> None:
    call = new(None)
    call.member.enter("page", is_answered=True)
    await call.settle()

    assert call.state.room is None
    assert call.state.participants == (Participant(id="you", name="Ada", is_you=True), PYTHON)
    assert call.doors.log == []
    with pytest.raises(CallError, match="a solo call has no chat"):
        await call.member.say("hello", None)


async def test_an_offer_joins_and_the_kernel_learns_the_seat(new: Any) -> None:
    call = await new().joined()

    assert (call.room.me, call.room.name, call.ids) == ("id0", "Physics", ["id0"])
    assert call.state.participants[0].connection == "connected"
    seat = call.tickets[-1]
    assert seat == RoomTicket("physics", participant="id0", resume_token="token of id0", page="page")


async def test_a_new_link_of_the_same_page_changes_nothing(new: Any) -> None:
    call = await new().joined()

    call.member.enter("page", is_answered=True)
    call.member.exit(20.0)
    call.member.enter("page", is_answered=False)
    await call.settle()

    assert call.doors.log == ["load", "join id0"]
    assert call.room.phase == "joined"


async def test_a_page_that_leaves_leaves_the_room(new: Any) -> None:
    call = await new().joined()
    call.client.people(Participant(id="bob", name="Bob"))

    call.member.exit(0.0)
    await call.settle()

    assert call.doors.log == ["load", "join id0", "leave id0"]
    assert (call.room.phase, call.ids) == ("outside", ["you"])
    assert anew(call.tickets[-1]) == RoomTicket("physics")
    assert call.member.page is None


async def test_a_lost_page_keeps_its_seat_for_a_while(new: Any) -> None:
    call = await new().joined()

    call.member.exit(0.05)
    await call.settle()
    assert (call.room.phase, call.member.page) == ("joined", "page")

    async with asyncio.timeout(20):
        while call.room.phase != "outside":  # noqa: ASYNC110  a timer of the loop tells nobody
            await asyncio.sleep(0.01)
    assert call.member.page is None


async def test_another_page_is_somebody_new_once_its_offer_was_answered(new: Any) -> None:
    call = await new().joined()

    call.member.enter("other", is_answered=False)
    await call.settle()
    assert call.doors.log == ["load", "join id0"], "an offer alone costs nobody a seat"

    call.member.enter("other", is_answered=True)
    await call.settle()
    assert call.doors.log == ["load", "join id0", "leave id0", "join id1"]
    assert (call.room.me, call.member.page) == ("id1", "other")
    call.doors.clients[0].people(Participant(id="late", name="late"))
    assert call.ids == ["id1"], "what an earlier stay hears means nothing"


async def test_leaving_while_joining_ends_outside(new: Any) -> None:
    call = new()
    call.doors.gate.clear()
    call.member.enter("page", is_answered=False)
    await call.settle()
    assert call.room.phase == "joining"

    call.member.exit(0.0)
    call.doors.gate.set()
    await call.settle()

    assert call.room.phase == "outside"
    assert call.doors.log == ["load", "leave id0"]


@pytest.mark.parametrize("code", ["room-full", "wrong-passcode", "room-not-found", "unreachable"])
async def test_a_refusal_is_said_once_in_state_errors_and_widget(new: Any, code: str) -> None:
    call = new()
    call.doors.refusal = RoomError("It does not want you.", code)
    call.member.enter("page", is_answered=False)
    await call.settle()

    assert (call.room.phase, call.room.code, call.room.reason) == ("refused", code, "It does not want you.")
    assert call.problems == [(f"room/{code}", "It does not want you.")]
    assert call.member.page == "page"
    call.member.enter("page", is_answered=True)
    await call.settle()
    assert call.doors.log == ["load", "join id0", "leave id0"], "its link does not try again by itself"

    call.member.exit(0.0)
    assert call.room.phase == "refused", "the card says why"
    call.doors.refusal = None
    await call.joined("page")


async def test_a_refused_page_may_give_the_passcode_without_leaving(new: Any) -> None:
    call = new(RoomTicket("physics", token="t"))
    call.doors.refusal = RoomError("Wrong passcode.", "wrong-passcode")
    call.member.enter("page", is_answered=True)
    await call.settle()
    call.board.change(owner="page")
    call.doors.refusal = None

    call.member.change_room("page", EnterRoom("1", "physics", "Ada", passcode="right"))
    await call.settle()

    assert call.room.phase == "joined"
    assert (call.client.ticket.passcode, call.client.ticket.token) == ("right", "t")


async def test_the_room_may_refuse_later(new: Any) -> None:
    call = await new().joined()

    call.client.room("refused", me="", code="room-full", reason="It is full.")
    await call.settle()

    assert (call.room.phase, call.ids) == ("refused", ["you"])
    assert call.problems == [("room/room-full", "It is full.")]
    assert call.doors.log[-1] == "leave id0"


async def test_who_gives_no_name_on_the_card_has_the_login_name_in_a_room(
    new: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "grace")
    call = new(None)
    call.member.change_room("page", EnterRoom("1", "physics", ""))
    assert call.state.participants[0].name == "Grace"
    call.member.change_room("page", EnterRoom("2", None, ""))
    assert call.state.participants[0].name == "You"


async def test_the_card_chooses_room_and_name(new: Any) -> None:
    call = new(None)
    call.member.change_room("page", EnterRoom("1", "physics", " Grace ", passcode="p"))

    assert (call.room.id, call.state.participants[0].name) == ("physics", "Grace")
    told = [item for item in call.told if isinstance(item, TicketChanged)][-1]
    assert (told.name, told.ticket) == ("Grace", RoomTicket("physics", passcode="p"))
    await call.joined()
    assert call.client.name == "Grace"

    call.member.exit(0.0)
    call.member.change_room("page", EnterRoom("2", None, "Grace"))
    assert call.state.room is None
    assert call.state.participants[1] == PYTHON
    assert call.tickets[-1] is None


async def test_a_room_of_another_name_does_not_get_the_first_ones_secrets(new: Any) -> None:
    call = new(RoomTicket("physics", server="https://calls.example.edu", passcode="p", token="t"))

    call.member.change_room("page", EnterRoom("1", "maths", "Ada"))

    assert call.tickets[-1] == RoomTicket("maths", server="https://calls.example.edu")


@pytest.mark.parametrize(("room", "name"), [("../etc", "Ada"), ("", "Ada"), ("a" * 65, "Ada"), ("a", "\0")])
async def test_what_cannot_be_a_room_or_a_name_is_refused(new: Any, room: str, name: str) -> None:
    call = new()
    before = call.state

    with pytest.raises(RoomError, match="cannot be"):
        call.member.change_room("page", EnterRoom("1", room, name))
    assert call.state == before


async def test_the_room_is_not_changed_during_a_call(new: Any) -> None:
    call = await new().joined()
    call.board.change(owner="page")

    with pytest.raises(CallError, match="Leave the call first"):
        call.member.change_room("page", EnterRoom("1", "maths", "Ada"))


# --- what is said


async def test_the_others_are_told_what_changed_and_only_then(new: Any) -> None:
    call = await new().joined()
    assert call.client.statuses == [ParticipantStatus(muted=True, video_off=True)]

    call.board.change(camera_on=True, microphone_on=True, camera=VideoSize(640, 480))
    call.board.change(reason="nothing that concerns others")
    call.board.change(wanted=("bob", "you"))
    call.board.change(camera_on=False, screen_sharing=True)

    assert call.client.statuses[1:] == [
        ParticipantStatus(),
        ParticipantStatus(receives=("bob",)),
        ParticipantStatus(receives=("bob",), screen_sharing=True),
    ]


async def test_the_recorders_of_others_hear_which_badges_this_page_shows(new: Any) -> None:
    call = await new().joined()
    call.member.acknowledge(("tape", "film"))
    assert call.client.statuses[-1].acknowledges == (), "nobody records"

    def bob(**status: Any) -> Participant:
        return Participant(id="bob", name="Bob", status=ParticipantStatus(**status))

    call.client.people(bob(recording=True, recording_id="tape"))
    assert call.client.statuses[-1].acknowledges == ("tape",)
    call.member.acknowledge(())
    assert call.client.statuses[-1].acknowledges == ()
    call.member.acknowledge(("tape",))
    assert call.client.statuses[-1].acknowledges == ("tape",)
    call.client.people(bob())
    assert call.client.statuses[-1].acknowledges == ()
    call.client.people(bob(recording=True, recording_id="tape"))

    call.member.exit(0.0)
    await call.joined("reloaded")
    call.client.people(bob(recording=True, recording_id="tape"))
    assert call.client.statuses[-1].acknowledges == (), "the next page says itself what it shows"


async def test_a_recording_is_told_with_its_id_while_it_runs(new: Any) -> None:
    call = await new().joined()
    status = RecordingStatus(id="tape", path="/tape", state="recording", started_at_s=1.0)
    call.board.change(recording=status)
    call.board.change(recording=msgspec.structs.replace(status, state="composing"))

    told = [(status.recording, status.recording_id) for status in call.client.statuses]
    assert told == [(False, ""), (True, "tape"), (False, "")]


async def test_participants_carry_what_only_this_page_knows(new: Any) -> None:
    call = await new().joined()
    call.client.people(Participant(id="bob", name="Bob", status=ParticipantStatus(receives=("id0",))))
    call.member.peer_changed(PeerStatus(peer="bob", state="connected"))
    call.board.change(wanted=("you",))

    you, bob = call.state.participants
    assert (bob.connection, bob.receives_video) == ("connected", True)
    assert (you.connection, you.receives_video) == ("connected", True)

    call.client.people()
    call.client.listener.on_left(bob, "left")
    call.client.people(Participant(id="bob", name="Bob"))
    assert call.state.participants[1].connection == "new", "who comes again begins anew"


async def test_a_failed_connection_is_an_error_once(new: Any) -> None:
    call = await new().joined()
    call.client.people(Participant(id="bob", name="Bob"))

    for _ in range(2):
        call.member.peer_changed(PeerStatus(peer="bob", state="failed", reason="Three attempts failed."))
    for stranger in ("id0", "nobody"):
        call.member.peer_changed(PeerStatus(peer=stranger, state="failed"))

    assert call.problems == [("peer", "The connection to Bob failed. Three attempts failed.")]
    assert call.state.participants[1].connection == "failed"


async def test_signals_go_to_the_room_and_come_from_it(new: Any) -> None:
    call = new()
    call.member.signal(PeerSignal(peer="bob", generation=1))
    await call.joined()
    call.member.signal(PeerSignal(peer="bob", generation=2))
    call.client.listener.on_signal(PeerSignal(peer="bob", generation=3))

    assert [signal.generation for signal in call.client.signals] == [2]
    assert [event.generation for event in call.events(PeerSignal)] == [3]


async def test_chat_is_kept_and_told_once(new: Any) -> None:
    call = await new().joined()
    said = await call.member.say("hello", "bob")
    call.client.listener.on_chat((said,))

    assert call.member.messages == (said,)
    assert [item.messages for item in call.told if isinstance(item, ChatArrived)] == [(said,)]
    for number in range(MAX_MESSAGES):
        await call.member.say(str(number), None)
    assert len(call.member.messages) == MAX_MESSAGES
    assert call.member.messages[0].text == "0"

    call.member.exit(0.0)
    with pytest.raises(RoomError, match="'physics' is not joined") as refused:
        await call.member.say("hello", None)
    assert refused.value.reason == "not-in-room"


# --- the engine after the engine


async def test_the_page_of_an_engine_that_went_takes_its_seat_again_and_sees_no_change(new: Any) -> None:
    call = new(RoomTicket("physics", **SEATED))
    assert (call.room.phase, call.room.me, call.ids) == ("reconnecting", "seat", ["seat"])

    call.member.enter("page", is_answered=False)
    await call.settle()

    assert call.client.ticket.resume_token == "again"
    assert call.doors.returns == [True], "a room that a restarted server lost is waited for"
    assert (call.room.phase, call.room.me) == ("joined", "seat")
    phases = [state.room.phase for state in call.events(CallState)]
    assert set(phases) == {"reconnecting", "joined"}


async def test_whoever_left_a_moment_ago_returns_unless_the_room_refused(new: Any) -> None:
    call = await new().joined()
    call.member.exit(0.0)
    await call.joined("reloaded")
    assert call.doors.returns == [False, True]

    call.client.room("refused", me="", code="room-not-found", reason="It is gone.")
    await call.settle()
    call.member.exit(0.0)
    await call.joined()
    call.member.exit(0.0)
    call.member.change_room("page", EnterRoom("1", "maths", "Ada"))
    await call.joined()
    assert call.doors.returns == [False, True, False, False]


@pytest.mark.parametrize("is_joining", [True, False], ids=["joining", "outside"])
async def test_whoever_left_a_moment_ago_returns_under_the_next_engine_too(
    new: Any, is_joining: bool
) -> None:
    """The room's server was restarted without the room, and then the engine is lost as well."""
    call = await new().joined()
    call.member.exit(0.0)
    if is_joining:
        call.doors.gate.clear()
        call.member.enter("reloaded", is_answered=True)
        await call.settle()
    ticket = call.tickets[-1]
    assert ticket.resume_token is None

    second = await new(ticket).joined("reloaded")
    assert second.doors.returns == [True]

    earlier = msgspec.structs.replace(ticket, left_s=ticket.left_s - EMPTY_ROOM_S)
    third = await new(earlier).joined("reloaded")
    assert third.doors.returns == [False], "by now it may be gone because nobody was in it"


async def test_another_page_does_not_get_that_seat(new: Any) -> None:
    call = new(RoomTicket("physics", **SEATED))

    call.member.enter("reloaded", is_answered=True)
    await call.settle()

    assert anew(call.client.ticket) == RoomTicket("physics")
    assert call.room.me == "id0"
    assert call.doors.returns == [True], "the call was in the room, whichever page of it"


async def test_a_page_that_leaves_instead_gives_the_seat_up(new: Any) -> None:
    call = new(RoomTicket("physics", **SEATED))

    call.member.exit(0.0)

    assert (call.room.phase, call.ids) == ("outside", ["you"])
    assert anew(call.tickets[-1]) == RoomTicket("physics")


async def test_no_secret_of_a_ticket_is_in_a_log(new: Any) -> None:
    ticket = RoomTicket("physics", passcode="s3cret", token="s3cret", resume_token="s3cret")

    assert "s3cret" not in repr(TicketChanged("call", "Ada", ticket))
