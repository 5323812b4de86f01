"""The private parts of aioice that gathering leans on are there and do what we take them for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aioice.ice
import pytest
from aioice import Candidate, stun
from aioice.ice import StunProtocol
from aiortc.sdp import candidate_from_sdp
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.ice_end import connection_of
from nbrtc.engine.ice_seams import IceSeam, Relay, connect, drop_malformed_messages, free, guard
from nbrtc.engine.seams import ice_transport
from tests.unit.peers import Peers

PATIENCE_S = 60.0


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    result = Peers()
    yield result
    await result.offerer.close()
    await result.answerer.close()


async def described(peers: Peers) -> IceSeam:
    """The answerer's, which has an offer without candidates and has answered."""
    await peers.offerer.setLocalDescription(await peers.offerer.createOffer())
    offer = peers.offerer.localDescription
    offer.sdp = "".join(
        line
        for line in offer.sdp.splitlines(keepends=True)
        if not line.startswith(("a=candidate", "a=end-of-candidates"))
    )
    await peers.answerer.setRemoteDescription(offer)
    await peers.answerer.setLocalDescription(await peers.answerer.createAnswer())
    return IceSeam(peers.answerer)


def relayed(host: str, port: int = 3000) -> Candidate:
    return Candidate("9", 1, "udp", 5, host, port, "relay", "192.0.2.9", 9)


class TurnTransport:
    """An allocation's transport that notes what is asked of it."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.is_closed = False

    def sendto(self, data: bytes, addr: tuple[str, int]) -> None:
        self.sent.append((data, addr))

    def close(self) -> None:
        self.is_closed = True


def relay_of(peers: Peers, host: str, errors: list[Exception]) -> tuple[Relay, TurnTransport]:
    relay, transport = Relay(ice_transport(peers.answerer)._connection, errors.append), TurnTransport()
    relay.connection_made(transport)  # type: ignore[arg-type]
    relay.local_candidate = relayed(host)
    return relay, transport


async def add(peers: Peers, host: str, port: int = 4000) -> None:
    candidate = candidate_from_sdp(f"1 1 udp 100 {host} {port} typ host")
    candidate.sdpMid = "0"
    await peers.answerer.addIceCandidate(candidate)


async def test_candidates_and_pairs_are_seen(peers: Peers) -> None:
    await peers.connect()
    ice = IceSeam(peers.answerer)
    assert {one.type for one in ice.local_candidates} == {"host"}
    assert ice.remote_candidates
    (selected,) = (pair for pair in ice.pairs if pair.is_selected)
    assert (selected.state, selected.is_nominated) == ("succeeded", True)
    assert selected.local in ice.local_candidates
    assert {one.local_candidate.host for one in ice.host_protocols} == {
        one.host for one in ice.local_candidates
    }


async def test_a_host_socket_asks_a_stun_server(peers: Peers) -> None:
    ice = await described(peers)
    base = ice.host_protocols[0]

    class Server(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            request = stun.parse_message(data)
            answer = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
            answer.attributes["XOR-MAPPED-ADDRESS"] = ("198.51.100.1", 7)
            self.transport.sendto(bytes(answer), addr)

    server, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Server, local_addr=(base.local_candidate.host, 0)
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = await ice.reflexive(base, server.get_extra_info("sockname")[:2])
    finally:
        server.close()
    assert (found.type, found.host, found.port) == ("srflx", "198.51.100.1", 7)
    assert (found.related_address, found.related_port) == (
        base.local_candidate.host,
        base.local_candidate.port,
    )
    assert found.priority < base.local_candidate.priority
    assert ice.add_reflexive(found)
    assert found in ice.local_candidates
    assert not ice.add_reflexive(found), "it is there already (RFC 8445, section 5.1.3)"


async def test_without_a_nat_a_reflexive_candidate_is_redundant(peers: Peers) -> None:
    ice = await described(peers)
    host = ice.local_candidates[0]
    assert not ice.add_reflexive(Candidate("1", 1, "udp", 1, host.host, host.port, "srflx"))


async def test_a_late_relay_is_paired_with_what_came_and_what_comes(peers: Peers) -> None:
    ice = await described(peers)
    await add(peers, "198.51.100.20")
    relay, transport = relay_of(peers, "198.51.100.1", [])
    assert ice.add_relay(relay)
    await add(peers, "198.51.100.21")
    pairs = {pair.remote.host for pair in ice.pairs if pair.local is relay.local_candidate}
    assert pairs == {"198.51.100.20", "198.51.100.21"}
    async with asyncio.timeout(PATIENCE_S):
        while {addr[0] for _, addr in transport.sent} != pairs:  # noqa: ASYNC110  checks are paced
            await asyncio.sleep(0.01)


async def test_a_closed_connection_takes_none(peers: Peers) -> None:
    ice = await described(peers)
    await peers.answerer.close()
    relay, _ = relay_of(peers, "198.51.100.1", [])
    assert not ice.add_relay(relay)
    assert not ice.add_reflexive(relayed("198.51.100.1"))


async def test_closing_does_not_wait_for_the_turn_server(peers: Peers) -> None:
    ice = await described(peers)
    errors: list[Exception] = []
    relay, transport = relay_of(peers, "198.51.100.1", errors)
    ice.add_relay(relay)
    async with asyncio.timeout(PATIENCE_S):
        await peers.answerer.close()  # nobody ever calls connection_lost
    assert transport.is_closed
    relay.error_received(ConnectionError("late"))
    relay.connection_lost(None)
    assert errors == [], "it is over: nobody wants to know"


async def test_what_befalls_an_allocation_is_told(peers: Peers) -> None:
    await described(peers)
    errors: list[Exception] = []
    relay, _ = relay_of(peers, "198.51.100.1", errors)
    forbidden = ConnectionError("forbidden")
    relay.error_received(forbidden)
    relay.connection_lost(None)
    assert errors[0] is forbidden
    assert isinstance(errors[1], ConnectionResetError)


async def test_relays_are_preferred_by_rank(peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    ice = await described(peers)
    asked: list[dict[str, Any]] = []

    async def relayed_candidate(**how: Any) -> tuple[Candidate, StunProtocol]:
        asked.append(how)
        relay = how["protocol_factory"]()
        relay.local_candidate = relayed("198.51.100.1", 3000 + len(asked))
        return relay.local_candidate, relay

    monkeypatch.setattr("nbrtc.engine.ice_seams.relayed_candidate", relayed_candidate)
    first, second = [
        await ice.relayed(
            ("192.0.2.1", 3478),
            rank=rank,
            hide_base=True,
            on_error=lambda _: None,
            turn_username="ada",
            turn_password="pw",
            turn_ssl=False,
            turn_transport="udp",
        )
        for rank in range(2)
    ]
    assert first.local_candidate.priority > second.local_candidate.priority > 0
    assert asked[0]["hide_related_address"]
    assert asked[0]["turn_server"] == ("192.0.2.1", 3478)


class Resolver:
    """Multicast DNS in which every name is this."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, hostname: str) -> str:
        return self._address


async def test_the_guard_is_asked_of_every_address_also_behind_a_name(
    peers: Peers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ice = await described(peers)
    asked: list[str] = []

    def admits(address: str) -> bool:
        asked.append(address)
        return not address.startswith("127.")

    async def get_resolver(_: object) -> Resolver:
        return Resolver("127.0.0.1")

    monkeypatch.setattr(aioice.ice, "get_or_create_mdns_protocol", get_resolver)
    guard(peers.answerer, admits)
    guard(peers.answerer, admits)  # a second description
    for host in ("198.51.100.20", "127.0.0.1", "0a5f3c1e-1b2d.local"):
        await add(peers, host)
    assert asked == ["198.51.100.20", "127.0.0.1", "127.0.0.1"]
    assert [one.host for one in ice.remote_candidates] == ["198.51.100.20"]


async def test_connecting_can_begin_with_the_first_relay(peers: Peers) -> None:
    await peers.offerer.setLocalDescription(await peers.offerer.createOffer())
    answerer = peers.answerer = connection_of(relay_only=True)
    await answerer.setRemoteDescription(peers.offerer.localDescription)
    await answerer.setLocalDescription(await answerer.createAnswer())
    ice = IceSeam(answerer)
    assert ice.local_candidates == []
    assert "a=candidate" not in answerer.localDescription.sdp
    relay, transport = relay_of(peers, "198.51.100.1", [])
    ice.add_relay(relay)
    connecting = asyncio.create_task(connect(answerer))
    async with asyncio.timeout(PATIENCE_S):
        while not transport.sent:  # noqa: ASYNC110  the first check goes
            await asyncio.sleep(0.01)
    assert answerer.iceConnectionState == "checking"
    await answerer.close()
    await asyncio.gather(connecting, return_exceptions=True)


async def test_an_allocation_can_be_freed_by_its_transport() -> None:
    class Inner:
        is_deleted = False

        async def delete(self) -> None:
            self.is_deleted = True

    inner = Inner()
    transport = aioice.turn.TurnTransport(inner)  # type: ignore[arg-type]
    await free(transport)
    assert inner.is_deleted


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stun, "parse_message", stun.parse_message)
    drop_malformed_messages()


def message(attribute: int, value: bytes, declared: int | None = None) -> bytes:
    """A binding response with one attribute, whose length may be a lie."""
    length = len(value) if declared is None else declared
    body = attribute.to_bytes(2, "big") + length.to_bytes(2, "big") + value
    body += bytes(-len(body) % 4)
    return b"\x01\x01" + len(body).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + bytes(12) + body


@pytest.mark.usefixtures("strict")
async def test_a_malformed_packet_of_anybody_is_dropped(peers: Peers) -> None:
    ice = await described(peers)
    base = ice.host_protocols[0]
    cut = message(stun.ATTRIBUTES_BY_NAME["LIFETIME"][0], b"\x01\x02")
    base.datagram_received(cut, ("192.0.2.66", 6))
    once = stun.parse_message
    drop_malformed_messages()
    assert stun.parse_message is once


@pytest.mark.usefixtures("strict")
def test_a_message_is_read_or_malformed() -> None:
    @given(
        st.sampled_from(sorted(stun.ATTRIBUTES_BY_TYPE)),
        st.binary(max_size=24),
        st.none() | st.integers(0, 40),
    )
    def read(attribute: int, value: bytes, declared: int | None) -> None:
        try:
            found = stun.parse_message(message(attribute, value, declared))
        except ValueError:
            return
        assert found.message_method == stun.Method.BINDING

    read()
