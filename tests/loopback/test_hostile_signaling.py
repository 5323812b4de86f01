"""Clients that mean harm: refused or dropped, quietly, while two others go on as if nothing were."""

import asyncio
import itertools
import logging
import os
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import psutil
import pytest

from nbrtc.messages.signaling import MAX_PACKET_BYTES
from nbrtc.signaling import sockets
from nbrtc.signaling.limits import Rates
from tests.loopback.rooms import Hall, Member, until
from tests.loopback.stranger import Stranger


class Pair:
    """Two well-behaved people in a room of their own, and the server."""

    def __init__(self, hall: Hall, ada: Member, bob: Member) -> None:
        self.hall = hall
        self.ada = ada
        self.bob = bob
        self._numbers = itertools.count()

    def stranger(self, **headers: str) -> Stranger:
        return Stranger(self.hall.url, **headers)

    async def goes_on(self) -> None:
        """They still hear each other, and have heard nobody else."""
        text = f"candidate:{next(self._numbers)}"
        self.ada.send_candidate(self.bob.me, text)
        self.bob.send_candidate(self.ada.me, text)
        await until(lambda: text in self.ada.ear.candidates and text in self.bob.ear.candidates, text, s=5)
        for member in (self.ada, self.bob):
            assert member.ear.phases == ["joining", "joined"]
            assert member.ear.left == []
            assert sorted(member.ear.names) == ["Ada", "Bob"]
            assert all(signal.peer in (self.ada.me, self.bob.me) for signal in member.ear.signals)
            assert member.ear.chat == []


@pytest.fixture
async def pair(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> AsyncIterator[Pair]:
    """After each test they go on, and nothing a stranger did fills a log."""
    hall = Hall(**getattr(request, "param", {}))
    await hall.open()
    ada, bob = await hall.joined("Ada", "Bob", room="quiet")
    pair = Pair(hall, ada, bob)
    yield pair
    await pair.goes_on()
    await hall.close()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capfd.readouterr().err == ""


# --- packets that no client sends

DEEP = '{"a":' * 200 + "1" + "}" * 200
PACKETS = {
    "connect": '42["connect",{"sid":"x"}]',
    "disconnect": '42["disconnect",{}]',
    "connect-with-ack": '427["connect",{"HTTP_ORIGIN":"x"},{"token":"y"}]',
    "attachment": '451-["chat-message",{"message":{"_placeholder":true,"num":0}}]',
    "attachments": "45200-" + '["offer",{}]',
    "binary": b"\x04" * 1000,
    "binary-ack": '461-1["x",{"_placeholder":true,"num":0}]',
    "text": '42["chat-message","hello"]',
    "list": '42["chat-message",["hello"]]',
    "null": '42["join-room",null]',
    "nothing": '42["leave-room"]',
    "many": '42["offer",{},{},{}]',
    "deep": f'42["offer",{DEEP}]',
    "deep-list": '42["offer",' + "[" * 30_000,
    "deep-credentials": f"40{DEEP}",
    "not-json": '42["offer",{"a":}]',
    "nan": '42["offer",{"generation":NaN}]',
    "surrogate": '42["chat-message",{"message":"\\ud800"}]',
    "namespace": "40/admin,",
    "engine": "7",
    "empty": "",
}


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
async def test_a_packet_that_no_client_sends_ends_its_sender(pair: Pair, packet: str | bytes) -> None:
    async with pair.stranger() as stranger:
        await stranger.knock()
        await stranger.join("loud", "eve")
        await stranger.write(packet)
        await stranger.dropped()


async def test_a_packet_that_is_too_large_ends_its_sender(pair: Pair) -> None:
    async with pair.stranger() as stranger:
        await stranger.knock()
        await stranger.write('42["chat-message",{"message":"' + "x" * MAX_PACKET_BYTES + '"}]')
        await stranger.dropped()


async def test_a_flood_of_attachments_costs_no_memory(pair: Pair) -> None:
    process = psutil.Process(os.getpid())
    before_bytes = process.memory_info().rss
    for _ in range(20):
        async with pair.stranger() as stranger:
            await stranger.knock()
            await stranger.write('4520-["offer",{}]')
            for _ in range(20):
                try:
                    await stranger.write(b"x" * 60_000)
                except (ConnectionError, aiohttp.ClientError):
                    break
            await stranger.dropped()

    assert process.memory_info().rss - before_bytes < 16 * 1024 * 1024


# --- messages that are no messages

OFFER = {"type": "offer", "sdp": "v=0"}


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("offer", {"offer": OFFER, "to": "mallory", "isAdmin": True}, "invalid"),
        ("offer", {"offer": OFFER, "to": "mallory", "generation": "1"}, "invalid"),
        ("offer", {"offer": OFFER, "to": "mallory", "generation": 10**30}, "invalid"),
        ("offer", {"offer": OFFER, "to": "mallory", "generation": -1}, "invalid"),
        ("offer", {"offer": OFFER, "to": ["mallory"]}, "invalid"),
        ("offer", {"offer": "v=0", "to": "mallory"}, "invalid"),
        ("offer", {"offer": {"type": "answer", "sdp": "v=0"}, "to": "mallory"}, "invalid"),
        ("offer", {"offer": {"type": "offer", "sdp": "x" * 33_000}, "to": "mallory"}, "too-large"),
        ("offer", {"offer": {"type": "offer", "sdp": "é" * 17_000}, "to": "mallory"}, "too-large"),
        ("answer", {"answer": {"type": "answer", "sdp": "x" * 33_000}, "to": "mallory"}, "too-large"),
        ("ice-candidate", {"candidate": {"candidate": "x" * 1100}, "to": "mallory"}, "too-large"),
        ("ice-candidate", {"candidate": {"candidate": "", "sdpMid": "x" * 1100}}, "too-large"),
        ("ice-candidate", {"candidate": "candidate:1"}, "invalid"),
        ("chat-message", {"message": "x" * 5000}, "too-large"),
        ("chat-message", {"message": "é" * 2100}, "too-large"),
        ("chat-message", {"message": 7}, "invalid"),
        ("chat-message", {"message": ""}, "invalid"),
        ("participant-status", {"status": {"muted": "yes"}}, "invalid"),
        ("participant-status", {"status": {"admin": True}}, "invalid"),
        ("participant-status", {"status": {"recordingId": "tape"}}, "invalid"),
        ("participant-status", {"status": {"recording": True, "recordingId": 7}}, "invalid"),
        ("participant-status", {"status": {"recording": True, "recordingId": "../../etc"}}, "invalid"),
        ("participant-status", {"status": {"acknowledges": "tape"}}, "invalid"),
        ("participant-status", {"status": {"acknowledges": ["tape"] * 17}}, "invalid"),
        ("participant-status", {"status": {"acknowledges": ["<b>"]}}, "invalid"),
        ("offer", {"offer": OFFER, "to": "eve"}, "no-such-participant"),
        ("answer", {"answer": {"type": "answer", "sdp": "v=0"}, "to": "eve"}, "no-such-participant"),
        ("offer", {"offer": OFFER, "to": "nobody"}, "no-such-participant"),
        ("offer", {"offer": OFFER, "roomId": "quiet"}, "not-in-room"),
        ("leave-room", {"roomId": "quiet"}, "not-in-room"),
    ],
)
async def test_a_message_that_is_none_is_refused_with_a_reason(
    pair: Pair, event: str, payload: dict[str, Any], code: str
) -> None:
    async with pair.stranger() as eve, pair.stranger() as mallory:
        await (await eve.knock()).join("loud", "eve")
        await (await mallory.knock()).join("loud", "mallory")

        assert await eve.refused(event, payload) == code
        assert "ok" in await eve.ask("chat-message", {"message": "still here"})
        assert "ok" in await mallory.ask("chat-message", {"message": "still here"})
        assert [event for event, _ in mallory.heard if event not in ("room-joined", "chat-message")] == []


async def test_nothing_reaches_another_room(pair: Pair) -> None:
    async with pair.stranger() as eve:
        await (await eve.knock()).join("loud", "eve")
        for to in (pair.ada.me, pair.bob.me):
            assert await eve.refused("offer", {"offer": OFFER, "to": to}) == "no-such-participant"
            assert await eve.refused("chat-message", {"message": "hi", "to": to}) == "no-such-participant"
            message = {"offer": OFFER, "to": to, "roomId": "quiet"}
            assert await eve.refused("offer", message) == "not-in-room"
        assert "ok" in await eve.ask("offer", {"offer": OFFER})  # to nobody, because nobody else is there


async def test_a_stranger_without_a_room_reaches_nobody(pair: Pair) -> None:
    async with pair.stranger() as eve:
        await eve.knock()
        assert await eve.refused("offer", {"offer": OFFER, "roomId": "quiet"}) == "not-in-room"
        assert await eve.refused("chat-message", {"message": "hi", "roomId": "quiet"}) == "not-in-room"


@pytest.mark.parametrize("event", ["offer", "chat-message", "participant-status"])
async def test_the_server_stamps_the_sender(pair: Pair, event: str) -> None:
    payloads: dict[str, dict[str, Any]] = {
        "offer": {"offer": OFFER, "to": "mallory"},
        "chat-message": {"message": "I am Ada"},
        "participant-status": {"muted": True},
    }
    spoof = {"from": pair.ada.me, "userId": pair.ada.me, "userName": "Ada"}
    async with pair.stranger() as eve, pair.stranger() as mallory:
        await (await eve.knock()).join("loud", "eve", userName="Eve")
        await (await mallory.knock()).join("loud", "mallory")
        await eve.ask(event, payloads[event] | spoof)
        await mallory.ask("chat-message", {"message": "so that what came before is read"})

        heard = [value for name, value in mallory.heard if name == event]
        assert [(value["from"], value["userId"], value["userName"]) for value in heard] == [
            ("eve", "eve", "Eve")
        ]


async def test_a_seat_is_not_taken_by_its_id(pair: Pair) -> None:
    async with pair.stranger() as eve:
        await eve.knock()
        for more in ({}, {"resumeToken": "guess"}, {"resumeToken": ""}):
            message = {"roomId": "quiet", "userId": pair.ada.me, **more}
            assert await eve.refused("join-room", message) == "already-in-room"


@pytest.mark.parametrize(
    "fields",
    [
        {"roomId": "../quiet"},
        {"roomId": "loud/../quiet"},
        {"roomId": ""},
        {"roomId": "x" * 65},
        {"roomId": "loud\x00"},
        {"roomId": "l\u00f6ud"},
        {"userId": "../../etc"},
        {"userId": "eve\n"},
        {"userName": "Eve\x00"},
        {"userName": "\u202eadA"},
        {"userName": "\u2066Ada\u2069"},
        {"userName": "x" * 20_000},
        {"userName": "line\nbreak"},
        {"userName": ["Ada"]},
        {"roomName": "\u202eteiuq"},
        {"capacity": 10**9},
        {"capacity": -1},
        {"protocol": -1},
        {"passcode": "x" * 20_000},
    ],
    ids=lambda fields: repr(fields)[:40],
)
async def test_names_and_ids_are_checked(pair: Pair, fields: dict[str, Any]) -> None:
    async with pair.stranger() as eve:
        await eve.knock()
        message = {"roomId": "loud", "userId": "eve", "create": True, **fields}

        assert await eve.refused("join-room", message) in ("invalid", "too-large", "room-not-found")
        assert pair.hall.server is not None
        assert list(pair.hall.server.lobby.rooms) == ["quiet"]


async def test_a_name_of_a_megabyte_ends_its_sender(pair: Pair) -> None:
    async with pair.stranger() as eve:
        await eve.knock()
        await eve.write('42["join-room",{"roomId":"quiet","userName":"' + "x" * 1_000_000 + '"}]')
        await eve.dropped()


# --- floods


async def test_a_flood_of_joins_is_slowed_down_and_then_ended(pair: Pair) -> None:
    async with pair.stranger() as eve:
        await eve.knock()
        codes = []
        for number in range(20):
            answer = await eve.ask("join-room", {"roomId": f"room-{number}", "create": True})
            codes.append(answer.get("error", {}).get("code"))
        assert codes == [None] * 5 + ["rate-limited"] * 15

        for number in range(200):
            try:
                await eve.write(f'42["join-room",{{"roomId":"more-{number}","create":true}}]')
            except (ConnectionError, aiohttp.ClientError):
                break
        await eve.dropped()
    assert pair.hall.server is not None
    assert len(pair.hall.server.lobby.rooms) == 6


@pytest.mark.parametrize(
    ("event", "payload", "allowed"),
    [
        ("chat-message", {"message": "x"}, 5),
        ("ice-candidate", {"candidate": {"candidate": "candidate:1"}, "to": "mallory"}, 200),
        ("offer", {"offer": OFFER, "to": "mallory"}, 10),
        ("participant-status", {"muted": True}, 10),
    ],
)
async def test_a_flood_is_slowed_down_and_then_ended(
    pair: Pair, event: str, payload: dict[str, Any], allowed: int
) -> None:
    async with pair.stranger() as eve, pair.stranger() as mallory:
        await (await eve.knock()).join("loud", "eve")
        await (await mallory.knock()).join("loud", "mallory")
        for _ in range(allowed):
            assert "ok" in await eve.ask(event, payload)
        codes = set()
        try:
            async with asyncio.timeout(60):
                while True:
                    answer = await eve.ask(event, payload)
                    codes.add(answer.get("error", {}).get("code"))
        except (ConnectionError, aiohttp.ClientError):
            pass
        assert "rate-limited" in codes
        assert codes <= {"rate-limited", None}
        assert "ok" in await mallory.ask("chat-message", {"message": "still here"})


async def test_guessing_passcodes_is_slowed_down(pair: Pair) -> None:
    await pair.hall.joined("Cleo", room="secret-room", passcode="1234")
    codes: list[str] = []
    for number in range(4):
        async with pair.stranger() as eve:
            await eve.knock()
            for guess in range(5):
                message = {"roomId": "secret-room", "passcode": f"{number}{guess}"}
                codes.append(await eve.refused("join-room", message))

    assert codes[:10] == ["wrong-passcode"] * 10
    assert codes[10:] == ["rate-limited"] * 10


@pytest.mark.parametrize("pair", [{"handshake_s": 0.3}], indirect=True)
async def test_a_socket_that_never_connects_is_closed(pair: Pair) -> None:
    async with pair.stranger() as mute:
        await mute.dial()
        await mute.dropped()


@pytest.mark.parametrize("pair", [{"max_clients_per_address": 6}], indirect=True)
async def test_one_address_has_a_bounded_number_of_sockets(pair: Pair) -> None:
    strangers = [pair.stranger() for _ in range(10)]
    for stranger in strangers[:4]:
        await stranger.knock()
    for stranger in strangers[4:]:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await stranger.knock()
        assert caught.value.status == 503
    for stranger in strangers:
        await stranger.__aexit__(None, None, None)


async def test_a_storm_of_disconnects_leaves_nothing(pair: Pair) -> None:
    async def come_and_go(number: int) -> None:
        async with pair.stranger() as stranger:
            await stranger.knock()
            await stranger.join(f"storm-{number % 7}", f"s{number}")
            stranger.abort()

    await asyncio.gather(*(come_and_go(number) for number in range(60)))
    server = pair.hall.server
    assert server is not None
    await until(lambda: server._sockets.client_count == 2, "the sockets to be gone")
    assert server.lobby.participant_count == 2


@pytest.mark.parametrize("pair", [{"rates": Rates().scaled(1000)}], indirect=True)
async def test_a_client_that_never_reads_is_dropped_before_it_costs_memory(pair: Pair) -> None:
    process = psutil.Process(os.getpid())
    async with pair.stranger() as deaf, pair.stranger() as eve:
        await (await deaf.knock()).join("loud", "deaf")
        await (await eve.knock()).join("loud", "eve")
        deaf.go_deaf()
        before_bytes = process.memory_info().rss
        offer = {"offer": {"type": "offer", "sdp": "x" * 32_000}, "to": "deaf"}
        for _ in range(2000):
            answer = await eve.ask("offer", offer)
            if "error" in answer:
                break
        else:
            pytest.fail("64 MB were taken for a client that does not read")

        assert answer["error"]["code"] == "no-such-participant"
        grown_bytes = process.memory_info().rss - before_bytes
        assert grown_bytes < 12 * sockets.MAX_WAITING_BYTES


# --- where it comes from


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
    ids=["other", "null", "other-port", "forwarded", "rebound"],
)
async def test_a_page_of_another_origin_does_not_come_in(pair: Pair, headers: dict[str, str]) -> None:
    async with pair.stranger(**headers) as stranger:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await stranger.dial()
        assert caught.value.status == 403


async def test_a_stranger_is_not_told_which_rooms_there_are(pair: Pair) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{pair.hall.url}/api/rooms") as answer:
        assert answer.status == 200
        assert "quiet" not in await answer.text()
