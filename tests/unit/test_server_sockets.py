"""The server's sockets: both transports, pings, and connections that never get anywhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from nbrtc.signaling import server as serving
from nbrtc.signaling import sockets
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.unit.room_clients import Client, in_room, until

ENDS = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


@asynccontextmanager
async def a_server(**options: Any) -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions(**options))
    await server.start()
    try:
        yield server
    finally:
        await server.close()


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"], ["websocket"]])
async def test_clients_of_every_transport_talk_to_each_other(transports: list[str]) -> None:
    async with (
        a_server() as server,
        Client(server, transports=transports) as ada,
        Client(server) as bob,
    ):
        await in_room(ada, "r", "ada")
        await in_room(bob, "r", "bob")
        assert (await ada.hears("participant-joined"))["userId"] == "bob"
        for number in range(20):
            await ada.tell("ice-candidate", to="bob", candidate={"candidate": f"candidate:{number}"})
        heard = [(await bob.hears("ice-candidate"))["candidate"]["candidate"] for _ in range(20)]
        assert heard == [f"candidate:{number}" for number in range(20)]
        assert await bob.granted("chat-message", message="all in order")
        assert (await ada.hears("chat-message"))["message"] == "all in order"


async def test_who_answers_pings_stays_and_who_does_not_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "PING_S", 1.0)
    monkeypatch.setattr(serving, "SWEEP_S", 0.05)
    async with (
        a_server() as server,
        aiohttp.ClientSession(base_url=server.url) as session,
        asyncio.timeout(20),
        session.ws_connect(WEBSOCKET) as honest,
        session.ws_connect(WEBSOCKET) as dead,
    ):
        for socket in (honest, dead):
            await socket.receive_str()
            await socket.send_str("40")
            await socket.receive_str()
        for _ in range(2):
            assert await honest.receive_str() == "2"
            await honest.send_str("3")
        assert await dead.receive_str() == "2"
        assert (await dead.receive()).type in ENDS
        assert server._sockets.client_count == 1
        assert await honest.receive_str() == "2"


async def test_a_connection_that_never_asks_for_anything_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "SWEEP_S", 0.05)
    async with a_server(handshake_s=0.2) as server, asyncio.timeout(20):
        for said in (b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(said)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


async def test_a_body_that_never_comes_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_server(handshake_s=0.2) as server, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = "POST /api/rooms HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n"
        writer.write(head.encode())
        assert b" 408 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_a_socket_that_disconnects_without_closing_is_closed_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "SWEEP_S", 0.05)
    async with a_server(handshake_s=0.2) as server, aiohttp.ClientSession(base_url=server.url) as session:
        async with session.ws_connect(WEBSOCKET) as lingering, asyncio.timeout(20):
            await lingering.receive_str()
            await lingering.send_str("40")
            await lingering.receive_str()
            await lingering.send_str("41")
            assert (await lingering.receive()).type in ENDS
        await until(lambda: not server._sockets.eio.sockets)
        assert server._sockets.client_count == 0


async def test_a_socket_that_connects_again_and_again_is_closed() -> None:
    async with a_server() as server, aiohttp.ClientSession(base_url=server.url) as session:
        async with session.ws_connect(WEBSOCKET) as restless, asyncio.timeout(20):
            for _ in range(sockets.MAX_CONNECTS + 1):
                await restless.send_str("40")
                await restless.send_str("41")
            while (await restless.receive()).type is aiohttp.WSMsgType.TEXT:
                pass
        await until(lambda: server._sockets.client_count == 0)
