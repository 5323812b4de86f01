"""A call that connects only through relays, in a room whose server issues some, or none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from nbrtc.engine.composer import Composer
from nbrtc.engine.rooms import Rooms
from nbrtc.engine.session import Session
from nbrtc.messages import (
    CallState,
    IceConfigured,
    IceOptions,
    Notification,
    Offer,
    OpenCall,
    PageMessage,
    RefreshIce,
    Reply,
    RoomTicket,
    StateChanged,
    decode_event,
)
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.loopback.conftest import SMALL


class Private:
    """One session that wants relays only, and what it said."""

    def __init__(self, url: str, folder: Path) -> None:
        self.events: list[Any] = []
        self.states: list[CallState] = []
        ticket = RoomTicket(room="lab", server=url)
        opening = OpenCall(
            "call", "Ada", SMALL, str(folder), 0, ice_options=IceOptions(privacy=True), ticket=ticket
        )
        self._rooms, self._composer = Rooms(), Composer()
        self.session = Session(opening, self._notify, self._rooms, self._composer)

    def _notify(self, notification: Notification) -> None:
        if isinstance(notification, StateChanged):
            self.states.append(notification.state)
        elif isinstance(notification, PageMessage):
            self.events.append(decode_event(notification.body))

    def last(self, kind: type[Any]) -> Any:
        return [event for event in self.events if isinstance(event, kind)][-1]

    async def close(self) -> None:
        await self.session.close("closed", "The test is over.")
        await self._composer.close()
        await self._rooms.close()


@pytest.fixture
async def servers() -> AsyncIterator[list[SignalingServer]]:
    with_turn = {"turn_urls": ("turn:192.0.2.1",), "turn_secret": "a secret of thirty-two characters"}
    made = [SignalingServer(ServerOptions(**options)) for options in ({}, with_turn)]  # type: ignore[arg-type]
    for server in made:
        await server.start()
    yield made
    for server in made:
        await server.close()


async def test_it_gets_the_rooms_relays_before_it_connects(
    servers: list[SignalingServer], tmp_path: Path
) -> None:
    call = Private(servers[1].url, tmp_path)
    try:
        await call.session.from_page("p1", RefreshIce(id="r"))
        async with asyncio.timeout(60):
            while not call.session.ice.servers:  # noqa: ASYNC110  on a slow machine the room answers later
                await asyncio.sleep(0.01)
        await call.session.from_page("p1", RefreshIce(id="s"))
        ice = call.last(IceConfigured).ice
        assert call.last(Reply) == Reply(id="s")
        assert ice.ice_servers[0].urls == ("turn:192.0.2.1",)
        assert ice.ice_transport_policy == "relay"
        assert str(ice.ice_servers[0].credential) not in repr(call.states)
    finally:
        await call.close()


async def test_where_the_room_issues_none_an_offer_is_refused_in_words(
    servers: list[SignalingServer], tmp_path: Path
) -> None:
    call = Private(servers[0].url, tmp_path)
    try:
        await call.session.from_page("p1", RefreshIce(id="r"))
        async with asyncio.timeout(60):
            while call.session.ice.problem is None:  # noqa: ASYNC110  the same
                await asyncio.sleep(0.01)
        await call.session.from_page("p1", Offer(id="o", generation=1, sdp="v=0"))
        reply = call.last(Reply)
        assert (reply.id, reply.error_code) == ("o", "call")
        assert "the room's server issues none" in reply.error_message
        assert call.states[-1].phase == "failed"
        assert call.states[-1].reason == reply.error_message
    finally:
        await call.close()
