"""A seat in a room outlives its engine, and the server that gave it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from nbrtc.errors import RoomError
from nbrtc.messages import ParticipantStatus
from nbrtc.signaling import client
from nbrtc.signaling.access import sign_token
from tests.loopback.rooms import Hall, Member, nowhere, refusal, until


@pytest.fixture
async def hall(request: pytest.FixtureRequest) -> AsyncIterator[Hall]:
    hall = Hall(**getattr(request, "param", {}))
    await hall.open()
    yield hall
    await hall.close()


async def crashed(member: Member) -> dict[str, Any]:
    """End a member's connection without a word; the ticket's fields for the next engine."""
    assert member._task is not None
    member._task.cancel()
    await asyncio.wait([member._task])
    await member._disconnect()
    participant, token = member.ear.seats[-1]
    return {"participant": participant, "resume_token": token}


async def test_the_next_engine_takes_the_seat_again(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    bob.set_status(ParticipantStatus(receives=(ada.me,)))
    seat = await crashed(ada)
    await until(lambda: not bob.who("Ada").is_connected)
    next_ada = hall.member("Ada", **seat)
    await next_ada.join()
    await until(lambda: bob.who("Ada").is_connected)

    assert next_ada.me == seat["participant"]
    assert next_ada.sees("Ada", "Bob")
    assert (bob.ear.joined, bob.ear.left) == ([], [])
    assert next_ada.ear.seats[-1][1] != seat["resume_token"]

    await next_ada.leave()
    await next_ada.join()
    assert next_ada.me != seat["participant"]


async def test_a_seat_is_taken_again_although_the_server_thinks_it_taken(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    participant, token = ada.ear.seats[-1]
    next_ada = hall.member("Ada", participant=participant, resume_token=token)
    await next_ada.join()
    await until(lambda: ada.room.phase == "refused", "the old one to be told")

    assert next_ada.me == participant
    assert ada.room.code == "already-in-room"
    assert (bob.ear.joined, bob.ear.left) == ([], [])
    await next_ada.chat("still here")
    assert next_ada.ear.phases == ["joining", "joined"]


async def test_a_stale_seat_makes_somebody_new(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    again = hall.member("Ada", participant=ada.me, resume_token="used already")
    await again.join()

    assert again.me not in (ada.me, "")
    await until(lambda: len(bob.ear.participants) == 3)


async def test_a_seat_of_a_server_that_restarted_is_a_plain_join_under_the_same_id(hall: Hall) -> None:
    (ada,) = await hall.joined("Ada")
    seat = await crashed(ada)
    await hall.shut()
    await hall.open()
    next_ada = hall.member("Ada", **seat)
    await next_ada.join()

    assert next_ada.me == seat["participant"]


async def test_a_restarted_server_hears_of_recordings_and_acknowledgements_again(hall: Hall) -> None:
    ada, bob = await hall.joined("Ada", "Bob")
    ada.set_status(ParticipantStatus(recording=True, recording_id="tape"))
    await until(lambda: bob.who("Ada").status.recording)
    bob.set_status(ParticipantStatus(acknowledges=("tape",)))
    await until(lambda: ada.who("Bob").status.acknowledges == ("tape",))
    await hall.shut()
    await until(lambda: ada.room.phase == bob.room.phase == "reconnecting")
    find, ada._find_server = ada._find_server, nowhere  # so Bob is there before what he acknowledges
    await hall.open()
    await until(lambda: bob.room.phase == "joined")
    assert hall.status_of(bob).acknowledges == ()
    ada._find_server = find
    await until(lambda: ada.sees("Ada", "Bob") and bob.sees("Ada", "Bob"), "both")
    await until(lambda: hall.status_of(bob).acknowledges == ("tape",), "Bob's word to the new server")

    assert bob.who("Ada").status.recording_id == "tape"
    await until(lambda: ada.who("Bob").status.acknowledges == ("tape",))
    assert (ada.ear.left, bob.ear.left) == ([], [])


SECRET = b"a secret of thirty-two bytes, or more"


async def left_behind(hall: Hall, name: str = "Bob") -> tuple[Member, dict[str, Any]]:
    """Ada owns the room and is away; the server restarted without it. The lost seat of an invited one."""
    ada = hall.member("Ada", token=sign_token(SECRET, "physics", role="owner"))
    await ada.join()
    invitation: dict[str, Any] = {"token": ada.room.invite_url.partition("#token=")[2], "must_exist": True}
    bob = hall.member(name, **invitation)
    await bob.join()
    seat = await crashed(bob)
    ada.find, ada._find_server = ada._find_server, nowhere  # type: ignore[attr-defined]
    await hall.shut()
    await until(lambda: ada.room.phase == "reconnecting")
    await hall.open()
    return ada, invitation | seat


@pytest.mark.parametrize("hall", [{"require_token": True, "secret": SECRET}], indirect=True)
async def test_whoever_was_in_the_room_waits_for_its_owner_under_the_next_engine_too(hall: Hall) -> None:
    ada, seat = await left_behind(hall)
    bob = hall.member("Bob", returns=True, **seat)
    joining = asyncio.create_task(bob.join())
    await until(lambda: bob.room.phase == "reconnecting", "Bob to wait")
    assert "waiting for somebody who may open the room" in bob.room.reason
    assert (await refusal(hall.member("Eve", **seat))).reason == "room-not-found"

    ada._find_server = ada.find  # type: ignore[attr-defined]
    await joining
    await until(lambda: ada.sees("Ada", "Bob") and bob.sees("Ada", "Bob"), "both to be back")
    assert bob.me == seat["participant"]
    assert bob.ear.phases == ["joining", "reconnecting", "joined"]
    assert (ada.ear.joined, ada.ear.left) == (["Bob"], [])


@pytest.mark.parametrize("hall", [{"require_token": True, "secret": SECRET}], indirect=True)
async def test_an_owner_who_never_comes_back_is_not_waited_for_for_ever(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "RETURN_S", 0.5)
    _, seat = await left_behind(hall)
    bob = hall.member("Bob", returns=True, **seat)
    with pytest.raises(RoomError) as caught:
        await bob.join()

    assert caught.value.reason == "room-not-found"
    assert bob.ear.phases == ["joining", "reconnecting", "refused"]


async def test_whoever_returns_waits_longer_for_the_server_than_a_newcomer(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "JOIN_S", 0.1)
    (ada,) = await hall.joined("Ada")
    seat = await crashed(ada)
    await hall.shut()
    assert (await refusal(hall.member("Bob"))).reason == "unreachable"
    next_ada = hall.member("Ada", returns=True, **seat)
    joining = asyncio.create_task(next_ada.join())
    await until(lambda: next_ada.room.phase == "reconnecting", "Ada to wait")
    assert hall.url in next_ada.room.reason
    await hall.open()
    await joining

    assert next_ada.me == seat["participant"]


async def test_leaving_while_waiting_for_the_room_is_quick(hall: Hall) -> None:
    bob = hall.member("Bob", must_exist=True, returns=True)
    joining = asyncio.create_task(bob.join())
    await until(lambda: bob.room.phase == "reconnecting")
    async with asyncio.timeout(20):  # it would be tried for a minute
        await bob.close()

    with pytest.raises(RoomError, match="left while joining"):
        await joining
    assert bob.room.phase == "outside"
