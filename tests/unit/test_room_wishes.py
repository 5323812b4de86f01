"""Rooms that were made before, with other settings than somebody who joins them wants."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from nbrtc.messages import Notice, RoomInfo, RoomSettings, RoomTicket
from nbrtc.rooms.wishes import unmet
from tests.unit.test_member import PHYSICS, Member

WISH = RoomSettings(chat=False, recording=False)


@pytest.fixture
async def call() -> AsyncIterator[Member]:
    made = Member(msgspec.structs.replace(PHYSICS, settings=WISH, capacity=4))
    yield made
    await made.member.close()


async def test_a_room_that_is_otherwise_is_joined_and_told_of_once(call: Member) -> None:
    await call.joined()
    said = (
        "The room 'Physics' was there already, and its creator decides: "
        "recording is allowed, chat is allowed and it holds 10 people."
    )
    assert call.problems == [("room/settings", said)]
    assert [(one.level, one.text) for one in call.events(Notice)] == [("warning", said)]
    call.client.room("reconnecting")
    call.client.room("joined")
    assert len(call.problems) == 1, "a connection that comes back brings nothing new"


async def test_a_room_that_is_as_wanted_needs_no_word(call: Member) -> None:
    call.doors.settings = WISH
    call.doors.capacity = 4
    await call.joined()
    assert (call.room.settings, call.room.capacity) == (WISH, 4)
    assert call.problems == []


@pytest.mark.parametrize(
    ("ticket", "room", "said"),
    [
        (RoomTicket("a"), RoomSettings(recording=False), ""),
        (RoomTicket("a", settings=RoomSettings()), RoomSettings(), ""),
        (RoomTicket("a", settings=RoomSettings(listed=True)), RoomSettings(), "it is not listed."),
        (RoomTicket("a", settings=RoomSettings()), RoomSettings(recording=False), "recording is forbidden."),
        (RoomTicket("a", capacity=3), RoomSettings(), "it holds 10 people."),
    ],
)
def test_only_what_was_asked_for_is_compared(ticket: RoomTicket, room: RoomSettings, said: str) -> None:
    info = RoomInfo("a", "a", phase="joined", capacity=10, settings=room)
    assert unmet(ticket, info).rpartition("decides: ")[2] == said
