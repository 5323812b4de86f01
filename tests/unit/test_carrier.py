"""The server's WebSockets: their frames, their order, and those that take a polling client over."""

import asyncio

import aiohttp
import pytest

from nbrtc.signaling import carrier
from nbrtc.signaling.carrier import text_frame
from nbrtc.signaling.limits import Rates
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.unit.room_clients import Client, in_room, until

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (0, "8100"),
        (125, "817d"),
        (126, "817e007e"),
        (65535, "817effff"),
        (65536, "817f0000000000010000"),
    ],
)
def test_a_frame_has_the_header_of_its_size(size: int, header: str) -> None:
    assert text_frame(b"x" * size) == bytes.fromhex(header) + b"x" * size


async def test_what_is_written_at_once_never_overtakes_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    server = SignalingServer(ServerOptions())
    await server.start()
    try:
        async with Client(server) as ada:
            joined = await in_room(ada, "r", "ada")
            seat = server.lobby.rooms["r"].seats[joined["userId"]]
            assert seat.client is not None
            sent: list[dict[str, object]] = []
            for limit in (64 * 1024, -1, 64 * 1024) * 3:  # at once, by the queue, behind what waits there
                monkeypatch.setattr(carrier, "WRITE_BUFFER_BYTES", limit)
                for size in (10, 200, 70_000):
                    sent.append({"number": len(sent), "text": "x" * size})
                    server._sockets.send((seat.client,), "numbered", sent[-1])
            assert [await ada.hears("numbered") for _ in sent] == sent
    finally:
        await server.close()


async def upgraded(session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    """The WebSocket of a client that has begun with polling."""
    async with session.get(POLLING) as answer:
        sid = (await answer.text()).partition('"sid":"')[2].partition('"')[0]
    await (await session.post(f"{POLLING}&sid={sid}", data="40")).read()
    web_socket = await session.ws_connect(f"{WEBSOCKET}&sid={sid}")
    await web_socket.send_str(carrier.PROBE)
    assert await web_socket.receive_str() == carrier.PROBED
    await web_socket.send_str(carrier.UPGRADE)
    return web_socket


async def test_a_client_that_changes_over_and_does_not_read_is_dropped() -> None:
    server = SignalingServer(ServerOptions(rates=Rates().scaled(1000)))
    await server.start()
    try:
        # each request on a connection of its own, as browsers have it
        connector = aiohttp.TCPConnector(force_close=True)
        async with (
            aiohttp.ClientSession(base_url=server.url, connector=connector) as session,
            Client(server) as ada,
        ):
            deaf = await upgraded(session)
            await deaf.send_str('42["join-room",{"roomId":"r","userId":"deaf","create":true,"protocol":1}]')
            await in_room(ada, "r", "ada")
            assert deaf._response.connection is not None
            assert deaf._response.connection.transport is not None
            deaf._response.connection.transport.pause_reading()
            offer = {"type": "offer", "sdp": "x" * 30_000}
            async with asyncio.timeout(20):
                while server._sockets.client_count == 2:
                    await ada.granted("offer", to="deaf", offer=offer)
            await until(lambda: len(server._sockets._gate.carriers) == 1)
            assert (await ada.hears("participant-status"))["connected"] is False
    finally:
        await server.close()


async def test_only_one_websocket_takes_a_polling_client_over() -> None:
    server = SignalingServer(ServerOptions())
    await server.start()
    try:
        async with aiohttp.ClientSession(base_url=server.url) as session, asyncio.timeout(20):
            async with session.get(POLLING) as answer:
                sid = (await answer.text()).partition('"sid":"')[2].partition('"')[0]
            first = await session.ws_connect(f"{WEBSOCKET}&sid={sid}")
            await first.send_str(carrier.PROBE)
            assert await first.receive_str() == carrier.PROBED
            second = await session.ws_connect(f"{WEBSOCKET}&sid={sid}")
            assert (await second.receive()).type is aiohttp.WSMsgType.CLOSE
            await first.send_str(carrier.UPGRADE)
            await first.send_str("40")
            while not (await first.receive_str()).startswith("40"):
                pass
            assert server._sockets.client_count == 1
    finally:
        await server.close()


async def test_a_websocket_that_never_takes_over_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "UPGRADE_S", 0.05)
    server = SignalingServer(ServerOptions())
    await server.start()
    try:
        async with aiohttp.ClientSession(base_url=server.url) as session, asyncio.timeout(20):
            async with session.get(POLLING) as answer:
                sid = (await answer.text()).partition('"sid":"')[2].partition('"')[0]
            silent = await session.ws_connect(f"{WEBSOCKET}&sid={sid}")
            assert (await silent.receive()).type is aiohttp.WSMsgType.CLOSE
            await (await session.post(f"{POLLING}&sid={sid}", data="40")).read()
            assert server._sockets.client_count == 1  # it goes on polling
    finally:
        await server.close()
