"""A Bot that connects only through relays, in rooms whose server issues some, or none."""

from collections.abc import AsyncIterator

import pytest

from nbrtc.messages import ChangeIce, IceOptions, IceServerSource, Join
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.loopback.bots import Bot, OneServer

PRIVATE = IceOptions(privacy=True)
OWN = (IceServerSource(("turn:192.0.2.1",), "ada", "pw"),)


@pytest.fixture
async def server() -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions())
    await server.start()
    yield server
    await server.close()


async def test_without_any_relay_it_is_refused_in_words_before_it_is_in(server: SignalingServer) -> None:
    bot = Bot(server.url, "Robot", OneServer(server.url), ice_options=PRIVATE)
    try:
        await bot.reaches("failed")
        assert "connected" not in bot.phases
        assert "needs a TURN server" in bot.state.reason
        assert bot.state.room is not None
        assert bot.state.room.code == "no-turn"

        await bot.session.from_kernel(ChangeIce((), IceOptions()))
        await bot.session.from_kernel(Join())
        await bot.reaches("connected")
    finally:
        await bot.close()


async def test_its_own_servers_do_as_well(server: SignalingServer) -> None:
    bot = Bot(server.url, "Robot", OneServer(server.url), ice_options=PRIVATE, ice_servers=OWN)
    try:
        await bot.reaches("connected")
        assert bot.state.ice.ice_transport_policy == "relay"
        assert bot.state.ice.urls == ("turn:192.0.2.1",)
    finally:
        await bot.close()
