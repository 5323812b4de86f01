"""Rooms over real sockets: joining, leaving, talking, coming back, and clients of the tutorial protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from nbrtc.messages.signaling import MAX_CHAT_BYTES, MAX_SDP_BYTES
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.unit.room_clients import Client, in_room, until

OFFER = {"type": "offer", "sdp": "v=0\r\n"}
ANSWER = {"type": "answer", "sdp": "v=0\r\n"}
CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 5000 typ host", "sdpMid": "0", "sdpMLineIndex": 0}


@pytest.fixture
async def server() -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions(capacity=4, seat_s=0.3, empty_room_s=0.3))
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def people(server: SignalingServer, stack: AsyncExitStack, *names: str) -> list[Client]:
    """Clients of nbrtc in the room `r`, in the order of joining, who have heard of each other."""
    clients: list[Client] = []
    for name in names:
        client = await stack.enter_async_context(Client(server))
        await in_room(client, "r", name)
        for other in clients:
            await other.hears("participant-joined")
        clients.append(client)
    for client in clients:
        client.heard.clear()
    return clients


async def test_a_creator_and_a_joiner_hear_of_each_other(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada, bob = [await stack.enter_async_context(Client(server)) for _ in range(2)]

    made = await ada.granted("create-room", roomId="r", userId="ada", userName="Ada", protocol=1)
    joined = await bob.granted("join-room", roomId="r", userId="bob", userName="Bob", protocol=1)

    assert (await ada.hears("room-created"))["roomId"] == made["roomId"] == "r"
    event = await bob.hears("room-joined")
    assert [person["userId"] for person in event["participants"]] == ["ada", "bob"]
    assert [person["order"] for person in joined["participants"]] == [1, 2]
    assert [person["isCreator"] for person in joined["participants"]] == [True, False]
    assert joined["resumeToken"]
    assert "resumeToken" not in event
    assert joined["inviteUrl"].startswith(f"{server.url}/r/r#token=")
    assert "inviteUrl" not in event
    arrival = await ada.hears("participant-joined")
    assert (arrival["userId"], arrival["userName"]) == ("bob", "Bob")
    assert arrival["participant"]["order"] == 2


async def test_a_room_without_a_name_gets_128_random_bits(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada = await stack.enter_async_context(Client(server))

    made = await ada.granted("create-room")

    assert len(made["roomId"]) == 22
    assert made["participants"][0]["userName"] == "Guest"


async def test_a_description_goes_to_whom_it_is_for(server: SignalingServer, stack: AsyncExitStack) -> None:
    ada, bob, eve = await people(server, stack, "ada", "bob", "eve")

    await bob.granted("offer", roomId="r", to="ada", generation=1, offer=OFFER)
    await ada.granted("answer", to="bob", generation=1, answer=ANSWER)
    await bob.granted("ice-candidate", to="ada", generation=1, candidate=CANDIDATE)

    offer = await ada.hears("offer")
    assert offer == {
        "roomId": "r",
        "from": "bob",
        "userId": "bob",
        "userName": "Bob",
        "offer": OFFER,
        "generation": 1,
        "to": "ada",
    }
    assert (await bob.hears("answer"))["answer"] == ANSWER
    candidate = (await ada.hears("ice-candidate"))["candidate"]
    assert {name: candidate[name] for name in CANDIDATE} == CANDIDATE
    assert await eve.granted("chat-message", message="did I miss something?")
    await ada.hears("chat-message")
    assert eve.names() == []


async def test_a_message_for_nobody_in_particular_goes_to_everybody_else(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada, bob, eve = await people(server, stack, "ada", "bob", "eve")

    assert await ada.granted("ice-candidate", candidate=None) == {"delivered": 2}

    for other in (bob, eve):
        assert (await other.hears("ice-candidate"))["candidate"] is None
    assert ada.names() == []


async def test_nobody_is_reached_across_rooms(server: SignalingServer, stack: AsyncExitStack) -> None:
    ada, bob = await people(server, stack, "ada", "bob")
    mallory = await stack.enter_async_context(Client(server))
    await in_room(mallory, "elsewhere", "mallory")

    assert await mallory.refused("offer", to="ada", offer=OFFER) == "no-such-participant"
    assert await mallory.refused("offer", roomId="r", to="ada", offer=OFFER) == "not-in-room"
    assert await mallory.refused("offer", to="mallory", offer=OFFER) == "no-such-participant"
    assert (await mallory.hears("error"))["code"] == "no-such-participant"
    await mallory.granted("chat-message", message="hello?")
    await bob.granted("chat-message", message="hi")
    assert (await ada.hears("chat-message"))["from"] == "bob"
    assert ada.names() == []


async def test_the_sender_is_stamped(server: SignalingServer, stack: AsyncExitStack) -> None:
    ada, bob = await people(server, stack, "ada", "bob")

    await bob.granted(
        "chat-message", **{"message": "I am Ada", "from": "ada", "userId": "ada", "userName": "Ada"}
    )

    heard = await ada.hears("chat-message")
    assert (heard["from"], heard["userId"], heard["userName"]) == ("bob", "bob", "Bob")


async def test_chat_is_numbered_dated_and_given_to_those_who_come_later(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada, bob = await people(server, stack, "ada", "bob")

    said = await ada.granted("chat-message", message="<b>hello</b>")
    await ada.granted("chat-message", message="psst", to="bob")

    heard = await bob.hears("chat-message")
    assert heard == said
    assert heard["message"] == "<b>hello</b>"
    assert abs(heard["timestamp"] - server.now_s()) < 60
    assert (await bob.hears("chat-message"))["to"] == "bob"
    eve = await stack.enter_async_context(Client(server))
    joined = await in_room(eve, "r", "eve")
    assert joined["messages"] == [said]
    assert joined["room"]["messageCount"] == 2


async def test_a_status_is_whole_or_in_the_tutorials_words(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada, bob = await people(server, stack, "ada", "bob")

    await ada.granted("participant-status", status={"muted": True, "receives": ["bob", "nobody"]})
    whole = await bob.hears("participant-status")
    await ada.granted("participant-status", videoOff=True)
    part = await bob.hears("participant-status")

    assert whole["status"]["receives"] == ["bob"]
    assert (whole["muted"], whole["videoOff"], whole["connected"]) == (True, False, True)
    assert (part["muted"], part["videoOff"]) == (True, True)


async def test_the_creators_settings_hold(server: SignalingServer, stack: AsyncExitStack) -> None:
    ada = await stack.enter_async_context(Client(server))
    await in_room(ada, "r", "ada", settings={"chat": False, "recording": False}, capacity=1)

    assert await ada.refused("chat-message", message="hello") == "not-allowed"
    assert await ada.refused("participant-status", status={"recording": True}) == "not-allowed"
    bob = await stack.enter_async_context(Client(server))
    assert await bob.refused("join-room", roomId="r", userId="bob") == "room-full"


async def test_a_lost_connection_is_resumed_with_what_was_missed(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada = await stack.enter_async_context(Client(server))
    bob = await stack.enter_async_context(Client(server))
    await in_room(ada, "r", "ada")
    token = (await in_room(bob, "r", "bob"))["resumeToken"]

    await bob.cut()
    assert (await ada.hears("participant-status"))["connected"] is False
    assert await ada.granted("offer", to="bob", generation=2, offer=OFFER) == {"delivered": 0}
    said = await ada.granted("chat-message", message="are you there?", to="bob")

    back = await stack.enter_async_context(Client(server))
    joined = await in_room(back, "r", "bob", resumeToken=token)

    assert joined["resumed"] is True
    assert joined["resumeToken"] != token
    assert joined["messages"] == [said]
    assert (await back.hears("offer"))["generation"] == 2
    assert (await ada.hears("participant-status"))["connected"] is True
    assert "participant-left" not in ada.names()
    thief = await stack.enter_async_context(Client(server))
    assert (
        await thief.refused("join-room", roomId="r", userId="bob", resumeToken=token, protocol=1)
        == "already-in-room"
    )


async def test_the_newest_connection_wins_a_resumed_seat(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    old = await stack.enter_async_context(Client(server))
    token = (await in_room(old, "r", "bob"))["resumeToken"]

    new = await stack.enter_async_context(Client(server))
    await in_room(new, "r", "bob", resumeToken=token)

    assert (await old.hears("error"))["code"] == "already-in-room"
    await old.until(lambda: not old.is_connected)
    assert await new.granted("chat-message", message="still here")


async def test_a_seat_is_given_up_after_its_time_and_the_room_after_its_own(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada, bob = await people(server, stack, "ada", "bob")

    await bob.cut()
    left = await ada.hears("participant-left")
    assert (left["userId"], left["reason"]) == ("bob", "lost")
    await ada.granted("leave-room", roomId="r")
    assert await ada.refused("chat-message", message="hello") == "not-in-room"

    await until(lambda: not server.lobby.rooms)
    assert await ada.refused("join-room", roomId="r") == "room-not-found"


class Tutorial(Client):
    """A client as the tutorials have it: knows only rooms and broadcasts."""

    async def enter(self, event: str, user: str) -> dict[str, Any]:
        await self.tell(event, roomId="r", userId=user, userName=user)
        reply: dict[str, Any] = await self.hears("room-created" if event == "create-room" else "room-joined")
        return reply


async def test_a_tutorial_client_and_one_of_ours_find_each_other_in_both_orders(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    old = Tutorial(server)
    ours = Client(server)
    for client in (old, ours):
        await stack.enter_async_context(client)

    made = await old.enter("create-room", "old")
    joined = await in_room(ours, "r", "ours")
    assert made["participants"][0]["protocol"] == 0
    assert [person["protocol"] for person in joined["participants"]] == [0, 1]
    assert (await old.hears("participant-joined"))["userName"] == "Ours"

    await ours.granted("offer", to="old", generation=1, offer=OFFER)
    assert (await old.hears("offer"))["offer"] == OFFER
    await old.tell("answer", roomId="r", answer=ANSWER)
    answer = await ours.hears("answer")
    assert answer["from"] == "old"
    assert "generation" not in answer
    await old.tell("ice-candidate", roomId="r", candidate=CANDIDATE)
    assert (await ours.hears("ice-candidate"))["from"] == "old"
    await old.tell("participant-status", roomId="r", muted=True, videoOff=False, screenSharing=False)
    assert (await ours.hears("participant-status"))["status"]["muted"] is True

    await old.cut()
    assert (await ours.hears("participant-left"))["reason"] == "disconnected"
    later = await stack.enter_async_context(Tutorial(server))
    reply = await later.enter("join-room", "later")
    assert [person["userId"] for person in reply["participants"]] == ["ours", "later"]
    assert (await ours.hears("participant-joined"))["participant"]["isCreator"] is False


async def test_an_old_client_hears_of_errors_by_their_event(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    old = await stack.enter_async_context(Client(server))

    await old.tell("join-room", roomId="nowhere", userId="old", userName="Old")

    error = await old.hears("error")
    assert error["code"] == "room-not-found"
    assert '"nowhere"' in error["message"]


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("join-room", {"roomId": "../etc"}, "invalid"),
        ("join-room", {"roomId": "x" * 65}, "invalid"),
        ("join-room", {}, "invalid"),
        ("join-room", {"roomId": "r", "unheardOf": 1}, "invalid"),
        ("create-room", {"roomId": "r"}, "room-exists"),
        ("create-room", {"userId": "you"}, "invalid"),
        ("create-room", {"userName": "a\x00b"}, "invalid"),
        ("create-room", {"userName": "a\u202eb"}, "invalid"),
        ("create-room", {"userName": "  "}, "invalid"),
        ("create-room", {"userName": "n" * 65}, "invalid"),
        ("create-room", {"capacity": 5}, "invalid"),
        ("create-room", {"capacity": 0}, "invalid"),
        ("create-room", {"protocol": -1}, "invalid"),
        ("create-room", {"passcode": "p" * 300}, "too-large"),
        ("join-room", {"roomId": "r", "userId": "ada"}, "already-in-room"),
        ("leave-room", {"roomId": "r"}, "not-in-room"),
        ("offer", {"offer": OFFER}, "not-in-room"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    server: SignalingServer, stack: AsyncExitStack, event: str, data: dict[str, Any], code: str
) -> None:
    await people(server, stack, "ada")
    client = await stack.enter_async_context(Client(server))

    assert await client.refused(event, **data) == code
    assert await in_room(client, "r", "bob")


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("offer", {"offer": ANSWER}, "invalid"),
        ("offer", {"offer": {**OFFER, "sdp": "v" * (MAX_SDP_BYTES + 1)}}, "too-large"),
        ("offer", {"offer": OFFER, "generation": -1}, "invalid"),
        ("answer", {"answer": ANSWER, "to": "nobody"}, "no-such-participant"),
        ("ice-candidate", {"candidate": {"candidate": "c" * 1025}}, "too-large"),
        ("chat-message", {"message": "é" * (MAX_CHAT_BYTES // 2 + 1)}, "too-large"),
        ("chat-message", {"message": " \n"}, "invalid"),
        ("chat-message", {"message": 1}, "invalid"),
        ("participant-status", {"status": {"muted": "yes"}}, "invalid"),
    ],
)
async def test_a_bad_message_harms_nobody(
    server: SignalingServer, stack: AsyncExitStack, event: str, data: dict[str, Any], code: str
) -> None:
    ada, bob = await people(server, stack, "ada", "bob")

    assert await bob.refused(event, **data) == code

    await bob.granted("chat-message", message="hello")
    await ada.hears("chat-message")
    assert ada.names() == []


async def test_a_handler_that_fails_is_answered_and_logged(
    server: SignalingServer, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    (ada,) = await people(server, stack, "ada")

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(server.lobby), "leave", fail)

    assert await ada.refused("leave-room") == "server-error"
    assert "ZeroDivisionError" in caplog.text
    assert await ada.granted("chat-message", message="the server lives")


async def test_closing_tells_everybody_and_comes_back_once(
    server: SignalingServer, stack: AsyncExitStack
) -> None:
    ada, bob = await people(server, stack, "ada", "bob")

    await asyncio.gather(server.close("The server stops for lunch."), server.close())

    for client in (ada, bob):
        assert await client.hears("error") == {
            "code": "unreachable",
            "message": "The server stops for lunch.",
        }
        await client.until(lambda c=client: not c.is_connected)  # type: ignore[misc]
        assert client.names() == []
