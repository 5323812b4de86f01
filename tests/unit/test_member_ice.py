"""What a call's membership passes on of its room's STUN and TURN servers."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from nbrtc.engine.board import Board
from nbrtc.engine.member import RoomMember
from nbrtc.errors import RoomError
from nbrtc.messages import CallState, IceServerEntry, OpenCall, Quality, RoomTicket
from nbrtc.messages.signaling import IceOutcomeJson, TurnCredentialsJson
from tests.unit.test_member import FakeDoors

SERVERS = (IceServerEntry(("turn:x",), "9:ada", "old"),)
FRESH = TurnCredentialsJson(ice_servers=(IceServerEntry(("turn:x",), "99:ada", "new"),), expires_at=99.0)


class Issuing(FakeDoors):
    """Its clients' server issues TURN servers and collects outcomes."""

    def __init__(self) -> None:
        super().__init__()
        self.reported: list[IceOutcomeJson] = []

    async def client(self, *arguments: Any, **options: Any) -> Any:
        client = await super().client(*arguments, **options)

        async def renew() -> TurnCredentialsJson:
            return FRESH

        client.turn_credentials = renew
        client.report_outcomes = self.reported.extend
        return client


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # the task to wait for is the member's own
            await asyncio.sleep(0)


async def test_the_servers_of_the_room_are_passed_on_with_a_way_to_others() -> None:
    told: list[tuple[Any, ...]] = []
    doors = Issuing()
    board = Board("call", CallState(quality=Quality(640, 480, 15)), lambda _: None)
    opening = OpenCall("call", "Ada", Quality(640, 480, 15), "/", 0, ticket=RoomTicket("lab"))
    member = RoomMember(board, opening, doors, on_ice=lambda *issued: told.append(issued))
    outcome = IceOutcomeJson(success=True)

    member.report_outcomes([outcome])
    assert doors.reported == [], "there is no room yet"
    member.enter("page", is_answered=False)
    await until(lambda: doors.log[-1:] == ["join id0"])
    doors.clients[0].listener.on_ice(SERVERS, 9.0, True)
    servers, expires_at_s, renew = told[0]
    assert (servers, expires_at_s) == (SERVERS, 9.0)
    assert await renew() == FRESH
    member.report_outcomes([outcome])
    assert doors.reported == [outcome]

    listener = doors.clients[0].listener
    await member.close()
    listener.on_ice(SERVERS, 9.0, True)
    assert len(told) == 1, "a room that was left issues nothing"
    with pytest.raises(RoomError) as caught:
        await renew()
    assert caught.value.reason == "not-in-room"
