"""Calls in a room: sessions, pages and a real room server in this process."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from nbrtc.errors import NotConnected, RecordingError, RoomError
from nbrtc.messages import (
    PROTOCOL,
    Chat,
    ChatArrived,
    EnterRoom,
    Hello,
    IceCandidate,
    Leave,
    LeaveCall,
    MediaStatus,
    PeerSignal,
    PeerStatus,
    Record,
    RoomInfo,
    RoomSettings,
    RoomTicket,
    Say,
    SendChat,
    SessionDescription,
    SetCodec,
    ShareScreen,
    StartRecording,
    SwitchMedia,
    TicketChanged,
    Welcome,
)
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.loopback.conftest import SMALL, Call
from tests.loopback.page import Page

MakeCall = Callable[..., Call]


@pytest.fixture
async def server() -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions())
    await server.start()
    yield server
    await server.close()


@pytest.fixture
def ticket(server: SignalingServer) -> RoomTicket:
    return RoomTicket("physics", server=server.url)


@pytest.fixture
def call_of(new_call: MakeCall, ticket: RoomTicket) -> MakeCall:
    def make(name: str, **fields: Any) -> Call:
        return new_call(SMALL, name=name, ticket=msgspec.structs.replace(ticket, **fields))

    return make


def room(call: Call) -> RoomInfo:
    assert call.state.room is not None
    return call.state.room


def names(call: Call) -> list[str]:
    return [person.name for person in call.state.participants]


def identity(call: Call, name: str) -> str:
    return next(person.id for person in call.state.participants if person.name == name)


def heard(page: Page, kind: type) -> list[Any]:
    return [event for event in page.events if isinstance(event, kind)]


async def in_room(call: Call, *others: Call) -> Page:
    """A page of the call, connected and in the room, seen by the others."""
    page = await call.connected()
    await call.until(lambda: room(call).phase == "joined", "the room")
    everybody = 1 + len(others)
    await call.until(
        lambda: all(len(other.state.participants) == everybody for other in (call, *others)), "the newcomer"
    )
    return page


async def test_two_calls_of_a_room_see_each_other_and_what_they_do(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    ada_page = await in_room(ada)
    await in_room(bob, ada)

    assert names(ada) == names(bob) == ["Ada", "Bob"]
    assert [person.is_you for person in bob.state.participants] == [False, True]
    assert [person.is_creator for person in bob.state.participants] == [True, False]
    assert room(ada).invite_url
    ada_page.send(MediaStatus(microphone_on=False, camera_on=True, screen_sharing=True))
    await bob.until(lambda: bob.state.participants[0].status.muted, "that Ada is muted")
    assert bob.state.participants[0].status.screen_sharing
    ada_page.send(Leave())
    await bob.until(lambda: names(bob) == ["Bob"], "that Ada left")
    assert room(ada).phase == "outside"


async def test_a_call_is_in_its_room_before_its_link_is_open(call_of: MakeCall) -> None:
    call = call_of("Ada")
    page = call.page()
    offer = await page.make_offer()
    page.say(offer)
    await call.until(lambda: room(call).phase == "joined", "the room")
    assert call.state.phase == "connecting"
    await call.reaches("connected")


async def test_descriptions_and_candidates_go_from_page_to_page(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    ada_page = await in_room(ada)
    bob_page = await in_room(bob, ada)

    description = SessionDescription(type="offer", sdp="v=0\r\n")
    to_ada = PeerSignal(peer=identity(bob, "Ada"), generation=1, description=description)
    bob_page.send(to_ada)
    await ada.until(lambda: heard(ada_page, PeerSignal), "Bob's offer")
    bob_page.say(msgspec.structs.replace(to_ada, description=None, candidate=IceCandidate("candidate:1")))
    await ada.until(lambda: len(heard(ada_page, PeerSignal)) == 2, "Bob's offer and candidate")

    first, second = heard(ada_page, PeerSignal)
    assert (first.peer, first.generation, first.description) == (identity(ada, "Bob"), 1, description)
    assert second.candidate == IceCandidate("candidate:1")
    stranger = ada.page()
    stranger.say(msgspec.structs.replace(to_ada, peer=identity(ada, "Bob")))
    ada_page.send(PeerSignal(peer=identity(ada, "Bob"), generation=7))
    await bob.until(lambda: heard(bob_page, PeerSignal), "Ada's signal")
    assert [signal.generation for signal in heard(bob_page, PeerSignal)] == [7], "only the owner's"


async def test_how_the_connections_stand_is_in_the_state(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    ada_page = await in_room(ada)
    await in_room(bob, ada)

    ada_page.send(PeerStatus(peer=identity(ada, "Bob"), state="connected"))
    await ada.until(lambda: ada.state.participants[1].connection == "connected", "the connection")
    ada_page.send(PeerStatus(peer=identity(ada, "Bob"), state="failed", reason="No path."))
    await ada.until(lambda: ada.problems, "the failure")
    assert ada.problems == ["The connection to Bob failed. No path."]


async def test_chat_reaches_everybody_and_who_comes_later(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    ada_page = await in_room(ada)
    reply = await ada_page.request(SendChat(id="chat", text="<b>hello</b>"))
    assert reply.error_code is None
    bob_page = await in_room(bob, ada)
    await bob.session.from_kernel(Say("from Python"))

    await ada.until(lambda: len(heard(ada_page, Chat)) >= 2, "both messages")
    texts = {
        message.text: message.sender_name for event in heard(ada_page, Chat) for message in event.messages
    }
    assert texts == {"<b>hello</b>": "Ada", "from Python": "Bob"}
    to_kernel = [item for item in bob.notifications if isinstance(item, ChatArrived)]
    assert [message.text for item in to_kernel for message in item.messages] == [
        "<b>hello</b>",
        "from Python",
    ]
    bob_page.say(Hello(protocol=PROTOCOL))
    await bob.until(lambda: heard(bob_page, Welcome), "a welcome")
    assert [message.text for message in heard(bob_page, Welcome)[0].chat] == ["<b>hello</b>", "from Python"]


async def test_a_chat_that_the_room_refuses_is_answered_with_its_sentence(call_of: MakeCall) -> None:
    call = call_of("Ada", settings=RoomSettings(chat=False, recording=False))
    page = call.page()
    reply = await page.request(SendChat(id="early", text="hello"))
    assert reply.error_code == "call"
    page = await in_room(call)
    reply = await page.request(SendChat(id="chat", text="hello"))
    assert reply.error_code == "room/not-allowed"
    with pytest.raises(RoomError) as refused:
        await call.session.from_kernel(Say("hello"))
    assert refused.value.reason == "not-allowed"
    with pytest.raises(RecordingError, match="forbids"):
        await call.session.from_kernel(Record("/tmp/never.mkv"))


async def test_whoever_makes_the_room_forbids_recording_and_who_wants_it_otherwise_is_told(
    call_of: MakeCall,
) -> None:
    ada = call_of("Ada", settings=RoomSettings(recording=False))
    bob = call_of("Bob", settings=RoomSettings(chat=False))
    await in_room(ada)
    page = await in_room(bob, ada)
    assert room(bob).settings == room(ada).settings == RoomSettings(recording=False)
    reply = await page.request(StartRecording(id="go"))
    assert reply.error_message == "Nothing is recorded: the creator of the room 'physics' forbids it."
    assert ada.problems == []
    assert bob.problems[0] == (
        "The room 'physics' was there already, and its creator decides: recording is forbidden and chat is "
        "allowed."
    )


async def test_a_page_that_takes_over_is_somebody_new(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    await in_room(ada)
    await in_room(bob, ada)
    before = identity(bob, "Ada")

    second = ada.page()
    reply = await second.connect(take_over=True)
    assert reply.error_code is None

    await ada.until(lambda: room(ada).phase == "joined" and room(ada).me != before, "the new seat")
    await bob.until(lambda: names(bob) == ["Bob", "Ada"], "the new Ada")
    assert identity(bob, "Ada") == room(ada).me
    await ada.reaches("connected")


async def test_a_lost_link_keeps_the_seat_and_a_new_one_goes_on_in_it(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    page = await in_room(ada)
    await in_room(bob, ada)
    before = identity(bob, "Ada")
    seen = [person.id for person in bob.state.participants]

    page.answers_pings = False
    ada.session._ownership._lose(ada.link, "The network went.")
    await ada.reaches("idle")
    assert (room(ada).phase, names(ada)) == ("joined", ["Ada", "Bob"])
    page.answers_pings = True
    await page.connect()
    await ada.reaches("connected")

    assert room(ada).me == before
    assert [person.id for person in bob.state.participants] == seen


async def test_a_page_that_closes_its_link_without_a_word_may_come_back(call_of: MakeCall) -> None:
    call = call_of("Ada")
    page = await in_room(call)
    before = room(call).me
    await page.close()
    await call.reaches("idle")
    assert room(call).phase == "joined"
    page.say(Leave(reason="The page was closed."))
    await call.until(lambda: room(call).phase == "outside", "the leaving")
    await page.connect()
    await call.until(lambda: room(call).phase == "joined", "the room")
    assert room(call).me != before
    await call.reaches("connected")


async def test_python_leaves_the_room_too(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    await in_room(ada)
    await in_room(bob, ada)
    await ada.session.from_kernel(LeaveCall())
    await bob.until(lambda: names(bob) == ["Bob"], "that Ada left")
    assert names(ada) == ["Ada"]


async def test_the_next_engine_takes_the_seat_of_the_page_that_lives_on(
    call_of: MakeCall, new_call: MakeCall
) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    page = await in_room(ada)
    await in_room(bob, ada)
    seat = [item.ticket for item in ada.notifications if isinstance(item, TicketChanged)][-1]
    assert seat is not None
    assert (seat.participant, seat.page) == (room(ada).me, page.id)
    client = ada.session._member._stay.client  # type: ignore[union-attr]
    await client._connection.close()  # type: ignore[union-attr]  # as a killed engine would: without a word
    client._task.cancel()  # type: ignore[union-attr]
    await bob.until(lambda: not bob.state.participants[0].is_connected, "that Ada's seat is kept")

    again = new_call(SMALL, name="Ada", ticket=seat)
    assert (room(again).phase, room(again).me) == ("reconnecting", seat.participant)
    same = again.page()
    same.id = page.id
    again.pages[same.id] = same
    await same.connect()
    await again.until(lambda: room(again).phase == "joined", "the room")

    assert room(again).me == seat.participant
    await again.reaches("connected")
    await bob.until(lambda: bob.state.participants[0].is_connected, "that Ada is back")
    assert names(bob) == names(again) == ["Ada", "Bob"]
    newest = [item.ticket for item in again.notifications if isinstance(item, TicketChanged)][-1]
    assert newest is not None
    assert newest.resume_token not in (None, seat.resume_token), "a token is good for once"


async def test_a_full_room_is_said_and_the_link_to_python_stays(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada", capacity=1), call_of("Bob")
    await in_room(ada)
    page = await bob.connected()
    await bob.until(lambda: room(bob).phase == "refused", "the refusal")

    assert room(bob).code == "room-full"
    assert "full" in room(bob).reason
    assert bob.problems == [room(bob).reason]
    assert page.notices() == []  # the state says it to every view
    assert bob.state.phase == "connected"
    assert page.byes() == []


async def test_an_invitation_to_a_room_that_is_gone_says_so(call_of: MakeCall) -> None:
    call = call_of("Ada", must_exist=True)
    await call.connected()
    await call.until(lambda: room(call).phase == "refused", "the refusal")
    assert room(call).code == "room-not-found"


async def test_the_passcode_is_asked_for_and_given(call_of: MakeCall) -> None:
    ada, bob = call_of("Ada", passcode="right"), call_of("Bob", passcode="wrong")
    await in_room(ada)
    page = await bob.connected()
    await bob.until(lambda: room(bob).code == "wrong-passcode", "the refusal")
    page.send(Leave())
    await bob.reaches("idle")
    assert room(bob).code == "wrong-passcode", "the card asks for it"

    reply = await page.request(EnterRoom(id="e", room="physics", name="Bobby", passcode="right"))
    assert reply.error_code is None
    await page.connect()
    await bob.until(lambda: room(bob).phase == "joined", "the room")
    await ada.until(lambda: names(ada) == ["Ada", "Bobby"], "Bobby")
    await bob.reaches("connected")


async def test_a_solo_call_may_enter_a_room_and_leave_it_again(
    new_call: MakeCall, ticket: RoomTicket
) -> None:
    call = new_call(SMALL)
    page = await call.connected()
    reply = await page.request(EnterRoom(id="1", room="physics", name="Ada"))
    assert reply.error_code == "call"
    assert "Leave the call first" in (reply.error_message or "")
    page.send(Leave())
    await call.reaches("idle")
    reply = await page.request(EnterRoom(id="2", room="../physics", name="Ada"))
    assert reply.error_code == "room/invalid"
    reply = await page.request(EnterRoom(id="3", room="physics", name="Ada"))
    assert (reply.error_code, room(call).phase, names(call)) == (None, "outside", ["Ada"])
    reply = await page.request(EnterRoom(id="4", room=None, name="Ada"))
    assert (reply.error_code, call.state.room, names(call)) == (None, None, ["Ada", "Python"])


async def test_python_asks_for_the_screen_and_ends_it(call_of: MakeCall) -> None:
    call = call_of("Ada")
    with pytest.raises(NotConnected):
        await call.session.from_kernel(ShareScreen(on=True))
    page = await in_room(call)
    await call.session.from_kernel(ShareScreen(on=True))
    assert call.state.screen_requested
    page.send(MediaStatus(microphone_on=True, camera_on=True, screen_sharing=True))
    await call.until(lambda: call.state.screen_sharing and not call.state.screen_requested, "the screen")
    await call.session.from_kernel(ShareScreen(on=False))
    await call.until(lambda: heard(page, SwitchMedia), "the wish")
    assert heard(page, SwitchMedia)[-1] == SwitchMedia(screen_on=False)


async def test_the_codec_is_chosen_in_the_widget(call: Call) -> None:
    page = call.page()
    reply = await page.request(SetCodec(id="c", codec="vp9"))
    assert (reply.error_code, call.state.codec) == (None, "vp9")


async def test_a_server_that_comes_back_finds_everybody_and_their_pages_notice_nothing(
    call_of: MakeCall, server: SignalingServer
) -> None:
    ada, bob = call_of("Ada"), call_of("Bob")
    await in_room(ada)
    await in_room(bob, ada)
    before = [person.id for person in bob.state.participants]
    port = server.port
    await server.close()
    await ada.until(lambda: room(ada).phase == "reconnecting", "that the server is gone")
    assert len(ada.state.participants) == 2

    again = SignalingServer(ServerOptions(port=port))
    await again.start()
    try:
        for call in (ada, bob):
            await call.until(lambda call=call: room(call).phase == "joined", "the room")  # type: ignore[misc]
        assert sorted(person.id for person in bob.state.participants) == sorted(before)
        assert {call.state.phase for call in (ada, bob)} == {"connected"}
        await ada.session.from_kernel(Say("still here"))
        await bob.until(
            lambda: any(isinstance(item, ChatArrived) for item in bob.notifications), "Ada's message"
        )
    finally:
        await ada.session.close("closed", "over")
        await bob.session.close("closed", "over")
        await again.close()
