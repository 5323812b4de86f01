"""Who may come in: tokens, passcodes, origins, hosts, and how many at once."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
import socketio

from nbrtc.signaling.access import new_secret, sign_token, verify_token
from nbrtc.signaling.desk import WRONG_TRIES
from nbrtc.signaling.front import Front
from nbrtc.signaling.limits import Rates
from nbrtc.signaling.server import ServerOptions, SignalingServer
from nbrtc.signaling.sockets import MAX_WAITING_BYTES
from tests.unit.room_clients import Client, in_room, until

SECRET = new_secret()


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions(secret=SECRET, **options))
    await server.start()
    try:
        yield server
    finally:
        await server.close()


async def refusal_at_the_door(server: SignalingServer, **auth: str) -> str:
    """Why a connection is refused."""
    client = Client(server, **auth)
    told: list[dict[str, Any]] = []
    client._sio.on("connect_error", told.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        async with client:
            pytest.fail("it was let in")
    await client._sio.shutdown()
    code: str = told[0]["data"]["code"]
    return code


async def test_where_tokens_are_required_nobody_comes_in_without() -> None:
    async with serving(require_token=True) as server:
        assert await refusal_at_the_door(server) == "not-allowed"
        assert await refusal_at_the_door(server, token="nonsense") == "not-allowed"
        stale = sign_token(SECRET, "r", ttl_s=1, now_s=server.now_s() - 10)
        assert await refusal_at_the_door(server, token=stale) == "not-allowed"
        foreign = sign_token(new_secret(), "r")
        assert await refusal_at_the_door(server, token=foreign) == "not-allowed"

        async with Client(server, token=sign_token(SECRET, "r", role="owner")) as ada:
            joined = await in_room(ada, "r", "ada")
            assert await ada.refused("create-room", roomId="other") == "not-allowed"
            invitation = joined["inviteUrl"].partition("#token=")[2]
            async with Client(server, token=invitation) as bob:
                assert await in_room(bob, "r", "bob")
                assert await bob.refused("join-room", roomId="other", create=True) == "not-allowed"


async def test_a_token_is_never_overlooked_even_where_none_is_needed() -> None:
    async with serving() as server:
        assert await refusal_at_the_door(server, token="nonsense") == "not-allowed"


async def test_an_invited_guest_invites_no_longer_than_they_may_stay() -> None:
    async with serving() as server:
        token = sign_token(SECRET, "r", ttl_s=60, now_s=server.now_s())
        async with Client(server, token=token) as guest:
            joined = await in_room(guest, "r", "guest")

        passed_on = joined["inviteUrl"].partition("#token=")[2]
        assert verify_token(SECRET, passed_on).expires_s <= verify_token(SECRET, token).expires_s + 1
        assert verify_token(SECRET, passed_on).role == "participant"


async def test_a_passcode_opens_the_room_and_so_does_an_invitation() -> None:
    async with serving() as server, AsyncExitStack() as stack:
        ada = await stack.enter_async_context(Client(server))
        joined = await in_room(ada, "r", "ada", passcode="sesame")
        assert joined["room"]["isProtected"] is True

        bob = await stack.enter_async_context(Client(server))
        assert await bob.refused("join-room", roomId="r", passcode="open") == "wrong-passcode"
        assert await bob.refused("join-room", roomId="r") == "wrong-passcode"
        assert await in_room(bob, "r", "bob", passcode="sesame")
        at_the_door = await stack.enter_async_context(Client(server, passcode="sesame"))
        assert await in_room(at_the_door, "r", "eve")
        invitation = joined["inviteUrl"].partition("#token=")[2]
        invited = await stack.enter_async_context(Client(server, token=invitation))
        assert await in_room(invited, "r", "kim")


async def test_a_passcode_is_not_found_by_trying() -> None:
    async with serving(rates=Rates().scaled(100)) as server, AsyncExitStack() as stack:
        ada = await stack.enter_async_context(Client(server))
        await in_room(ada, "r", "ada", passcode="sesame")
        codes = []
        for number in range(WRONG_TRIES + 1):
            guesser = await stack.enter_async_context(Client(server))  # a fresh connection does not help
            codes.append(await guesser.refused("join-room", roomId="r", passcode=str(number)))

        assert codes == ["wrong-passcode"] * WRONG_TRIES + ["rate-limited"]
        assert await guesser.refused("join-room", roomId="r", passcode="sesame") == "rate-limited"


async def test_too_many_messages_are_refused_and_far_too_many_end_the_connection() -> None:
    async with serving() as server, Client(server) as ada, Client(server) as bob:
        await in_room(ada, "r", "ada")
        await in_room(bob, "r", "bob")

        codes = [
            (await ada.ask("chat-message", message="spam")).get("error", {}).get("code") for _ in range(8)
        ]
        assert codes[:5] == [None] * 5
        assert "rate-limited" in codes
        for _ in range(400):
            await ada.tell("chat-message", message="spam")
        await ada.until(lambda: not ada.is_connected)
        assert await bob.granted("chat-message", message="peace")


# --- origins and hosts ----------------------------------------------------------------------------------


async def handshake(server: SignalingServer, **headers: str) -> int:
    """Status of a websocket's opening."""
    url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as session:
        try:
            async with session.ws_connect(url, headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


async def test_pages_of_other_origins_are_refused() -> None:
    async with serving(origins=("https://hub.example.edu",)) as server:
        assert await handshake(server) == 101
        assert await handshake(server, Origin=server.url) == 101
        assert await handshake(server, Origin="https://hub.example.edu") == 101
        assert await handshake(server, Origin="https://evil.example") == 403
        assert await handshake(server, Origin="null") == 403
        assert await handshake(server, Origin=f"http://127.0.0.1:{server.port + 1}") == 403


async def test_a_name_that_was_pointed_at_this_machine_is_refused() -> None:
    async with serving() as server:
        rebound = f"evil.example:{server.port}"
        assert await handshake(server, Host=rebound, Origin=f"http://{rebound}") == 403
        assert await handshake(server, Host=f"localhost:{server.port}") == 101
        assert await handshake(server, Host="[") == 403


@pytest.mark.parametrize(
    "origin", ["*", "hub.example.edu", "file:///x", "https://a.example/path", "https://a:b"]
)
def test_what_is_no_origin(origin: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        Front([origin], None, is_local=True)


# --- bounds of sockets ----------------------------------------------------------------------------------


async def test_there_is_a_bound_of_connections_and_it_is_said() -> None:
    async with serving(max_clients_per_address=2) as server, AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(Client(server))
        assert await handshake(server) == 503

        await stack.aclose()
        await until(lambda: not server._sockets._addresses)
        assert await handshake(server) == 101


async def test_a_socket_that_never_connects_is_closed() -> None:
    url = "/socket.io/?EIO=4&transport=websocket"
    async with serving(handshake_s=0.1) as server, aiohttp.ClientSession() as session:
        async with session.ws_connect(server.url + url) as silent, asyncio.timeout(5):
            assert (await silent.receive_str())[0] == "0"
            assert (await silent.receive()).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        await until(lambda: not server._sockets.eio.sockets)


async def test_a_client_that_does_not_read_is_dropped_and_the_others_go_on() -> None:
    generous = Rates().scaled(10_000)
    async with serving(rates=generous) as server, Client(server) as ada, Client(server) as bob:
        await in_room(ada, "r", "ada")
        deaf = await a_client_that_never_reads(server)
        try:
            await ada.hears("participant-joined")
            await in_room(bob, "r", "bob")
            offer = {"type": "offer", "sdp": "x" * 30_000}
            dropped = False
            for _ in range(2000):
                await ada.granted("offer", to="deaf", offer=offer)
                queue = getattr(server._sockets.eio.sockets.get(deaf_sid(server, "deaf")), "queue", None)
                if queue is None:
                    dropped = True
                    break
                assert queue.waiting_bytes <= MAX_WAITING_BYTES + 64 * 1024
            assert dropped
            assert await bob.granted("chat-message", message="I read")
            await ada.hears("chat-message")
        finally:
            deaf.close()


def deaf_sid(server: SignalingServer, user: str) -> str | None:
    return server.lobby.rooms["r"].seats[user].client


async def a_client_that_never_reads(server: SignalingServer) -> socket.socket:
    """A member of the room `r`, made of bare bytes."""
    loop = asyncio.get_running_loop()
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await loop.sock_connect(raw, ("127.0.0.1", server.port))
    opening = (
        f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await loop.sock_sendall(raw, opening.encode())
    for text in ("40", '42["join-room",{"roomId":"r","userId":"deaf","protocol":1}]'):
        frame = bytes([0x81, 0x80 | len(text)]) + bytes(4) + text.encode()  # masked with zeros
        await loop.sock_sendall(raw, frame)
    return raw


def test_a_short_secret_and_an_empty_room_are_refused() -> None:
    with pytest.raises(ValueError, match="secret"):
        SignalingServer(ServerOptions(secret=b"short"))
    with pytest.raises(ValueError, match="at least 1"):
        SignalingServer(ServerOptions(capacity=0))
