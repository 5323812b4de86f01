"""The gate: what a client sends either is one known thing, or ends its connection, quietly."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp import web

from nbrtc.signaling.gate import MAX_DEPTH, MAX_UNKNOWN, Gate, GuardedPacket, Violation

DEEP = "[" * 30_000


def nested(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    "text", ['2["offer",{"to":"bob"}]', '217["chat-message",{"message":"hi"}]', "0", "1"]
)
def test_what_clients_send_passes(text: str) -> None:
    packet = GuardedPacket(encoded_packet=text)

    assert packet.packet_type == int(text[0])


def test_credentials_and_ack_numbers_are_decoded() -> None:
    assert GuardedPacket(encoded_packet='0{"token":"x"}').data == {"token": "x"}
    packet = GuardedPacket(encoded_packet='217["chat-message",{"message":"hi"}]')
    assert (packet.id, packet.data) == (17, ["chat-message", {"message": "hi"}])


REFUSED = {
    "binary": b"\x00\x01",
    "connect": '2["connect",{}]',
    "disconnect": '2["disconnect",{}]',
    "final": '2["__disconnect_final",{}]',
    "placeholder": '51-["offer",{"_placeholder":true,"num":0}]',
    "attachments": '5200-["offer",{}]',
    "binary-event": '50-["offer",{}]',
    "dash": '2999999-["offer",{}]',
    "ack": "31[]",
    "error": '4{"message":"x"}',
    "type": "9[]",
    "word": "offer",
    "empty": "",
    "no-payload": '2["offer"]',
    "two-payloads": '2["offer",{},{}]',
    "list": '2["offer",[]]',
    "text": '2["offer","x"]',
    "null": '2["offer",null]',
    "number": "2[7,{}]",
    "object": '2{"offer":1}',
    "no-data": "2",
    "not-json": '2["offer",{]',
    "nan": '2["offer",{"a":NaN}]',
    "half-surrogate": '2["offer",{"a":"\\ud800"}]',
    "raw-surrogate": '2["offer",{"a":"\ud800"}]',
    "huge-number": '2["offer",{"a":' + "9" * 5000 + "}]",
    "huge-id": "2" + "1" * 200 + '["offer",{}]',
    "deep": '2["offer",' + nested(MAX_DEPTH) + "]",
    "very-deep": "2" + DEEP,
    "namespace": '2/admin,["offer",{}]',
    "credentials": '0["token"]',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_everything_else_is_a_violation(text: object) -> None:
    with pytest.raises(Violation) as caught:
        GuardedPacket(encoded_packet=text or "?")
    assert len(str(caught.value)) < 60


def test_depth_is_allowed_up_to_the_limit() -> None:
    text = '2["offer",' + nested(MAX_DEPTH - 1) + "]"

    assert GuardedPacket(encoded_packet=text).data[0] == "offer"


# --- in front of a server


class Door:
    """A server with the gate, and raw WebSockets to it."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.heard: list[tuple[str, object]] = []
        server = socketio.AsyncServer(
            async_mode="aiohttp",
            async_handlers=False,
            max_http_buffer_size=64 * 1024,
            ping_interval=0.2,  # a task of the server sleeps this long after the end
            serializer=GuardedPacket,
        )
        self.gate = Gate(server, self.refused.append)
        for event in ("connect", "disconnect", "chat-message"):
            server.on(event, self._hear(event))
        self.server = server
        self.address = ""
        self.client = aiohttp.ClientSession()

    def _hear(self, event: str) -> Any:
        def handler(sid: str, *arguments: Any) -> dict[str, Any] | None:
            self.heard.append((event, arguments[-1]))
            return {"ok": {}} if event == "chat-message" else None

        return handler

    async def start(self) -> None:
        app = web.Application()
        self.server.attach(app)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        await self.client.close()
        await self.server.shutdown()
        await self._runner.cleanup()

    async def knock(self) -> aiohttp.ClientWebSocketResponse:
        """A connection that has said CONNECT."""
        socket = await self.client.ws_connect(f"{self.address}/socket.io/?EIO=4&transport=websocket")
        assert (await socket.receive_str()).startswith("0")
        await socket.send_str("40")
        assert (await hear(socket)).startswith("40")
        return socket

    def count(self, event: str) -> int:
        return sum(name == event for name, _ in self.heard)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    await door.start()
    yield door
    await door.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  the server has no event for it
            await asyncio.sleep(0.01)


async def ends(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Wait until the server has closed the connection."""
    async with asyncio.timeout(5):
        while (await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass


async def hear(socket: aiohttp.ClientWebSocketResponse) -> str:
    """The next packet that is no ping."""
    async with asyncio.timeout(5):
        while (packet := await socket.receive_str()) == "2":
            await socket.send_str("3")
    return packet


async def says_hello(socket: aiohttp.ClientWebSocketResponse) -> None:
    await socket.send_str('421["chat-message",{"message":"hello"}]')
    assert await hear(socket) == '431[{"ok":{}}]'


@pytest.mark.parametrize(
    "packet",
    [
        *("", "x", "9", "4", "4x", "4" + DEEP, "3x", "2", "42", b"abc"),
        *('42["connect",{}]', '42["disconnect",{}]', '451-["offer",{"_placeholder":true,"num":0}]'),
        '42["chat-message",' + nested(100) + "]",
    ],
    ids=lambda packet: repr(packet[:24]),
)
async def test_a_violation_ends_one_connection_and_is_not_in_the_log(
    door: Door, packet: str | bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    good, bad = await door.knock(), await door.knock()
    with caplog.at_level(logging.WARNING):
        if isinstance(packet, str):
            await bad.send_str(packet)
        else:
            await bad.send_bytes(packet)
        await ends(bad)
        await until(lambda: door.count("disconnect"))
    await says_hello(good)

    assert (door.count("connect"), door.count("disconnect")) == (2, 1)
    assert not caplog.records
    assert capfd.readouterr().err == ""
    await good.close()


async def test_a_violation_is_counted_in_words_that_say_nothing_of_the_client(door: Door) -> None:
    bad = await door.knock()
    await bad.send_str('42["disconnect",{"secret":1}]')
    await ends(bad)

    assert door.refused == ["reserved event"]


async def test_nothing_that_follows_a_violation_is_heard(door: Door) -> None:
    bad = await door.knock()
    await bad.send_str('42["disconnect",{}]')
    for _ in range(100):
        await bad.send_str('42["chat-message",{"message":"still here"}]')
    await ends(bad)

    assert door.count("chat-message") == 0
    assert len(door.refused) == 1


async def test_events_that_are_not_known_are_answered_and_a_flood_of_them_ends(door: Door) -> None:
    newer = await door.knock()
    await newer.send_str('421["raise-hand",{}]')
    answer = await hear(newer)
    assert '"invalid"' in answer
    assert "raise-hand" in answer
    await says_hello(newer)

    for _ in range(MAX_UNKNOWN):
        await newer.send_str('42["raise-hand",{}]')
    await ends(newer)
    assert door.refused == ["unknown events"]


async def test_a_client_that_never_reads_is_dropped_at_once(door: Door) -> None:
    deaf = await door.knock()
    sid = next(iter(door.server.environ))
    assert deaf._response.connection is not None
    assert deaf._response.connection.transport is not None
    deaf._response.connection.transport.pause_reading()
    for _ in range(200):
        await door.server.emit("chat-message", {"message": "x" * 60_000})

    await door.gate.drop(sid)
    await door.gate.drop(sid)

    assert door.count("disconnect") == 1
    await until(lambda: not door.server.eio.sockets)


async def test_polling_passes_the_same_gate(door: Door) -> None:
    address = f"{door.address}/socket.io/?EIO=4&transport=polling"
    async with door.client.get(address) as answer:
        sid = (await answer.text()).partition('"sid":"')[2].partition('"')[0]
    address += f"&sid={sid}"
    await (await door.client.post(address, data="40")).read()
    with pytest.raises(aiohttp.ServerDisconnectedError):  # the request rode on the first one's connection
        await door.client.post(address, data='42["disconnect",{}]')

    async with door.client.get(address) as answer:
        assert answer.status == 400
    assert door.refused == ["reserved event"]
    assert door.count("disconnect") == 1
