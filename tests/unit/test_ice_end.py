"""One end of a connection's ICE, with servers that do not answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import aioice.ice
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from nbrtc.engine.ice_end import IceEnd, connection_of
from nbrtc.engine.seams import ice_transport
from nbrtc.messages import CandidateFailed, CandidateRefused, IceRecord, IceServerEntry

HOST = "127.0.0.1"
PATIENCE_S = 60.0


@pytest.fixture
async def offer() -> AsyncIterator[str]:
    """Of a page with a data channel, with all its candidates."""
    page = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    page.createDataChannel("echo", negotiated=True, id=0)
    await page.setLocalDescription(await page.createOffer())
    assert "a=end-of-candidates" in page.localDescription.sdp
    yield page.localDescription.sdp
    await page.close()


@pytest.fixture
def silent() -> Iterator[list[IceServerEntry]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        yield [IceServerEntry((f"turn:{HOST}:{taken.getsockname()[1]}",), "ada", "pw")]


@pytest.fixture
def closed() -> list[IceServerEntry]:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return [IceServerEntry((f"turn:{HOST}:{taken.getsockname()[1]}?transport=tcp",), "ada", "pw")]


class End:
    """An answering end, and what it told."""

    def __init__(self, servers: list[IceServerEntry], *, relay_only: bool = False) -> None:
        self.connection = connection_of(relay_only=relay_only)
        self.ice = IceEnd(self.connection, "you", 1, servers, relay_only=relay_only)
        self.lines: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
        self.records: list[IceRecord] = []
        self.ice.on_candidate = self.lines.put_nowait
        self.ice.on_records = self.records.extend

    async def answer(self, sdp: str) -> str:
        await self.ice.take(sdp, "offer")
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self.ice.begin(self.connection.localDescription.sdp)

    @property
    def may_fail(self) -> bool:
        """ICE was told that no further candidate of the other side will come."""
        ended: bool = ice_transport(self.connection)._connection._remote_candidates_end
        return ended

    @property
    def remote(self) -> list[str]:
        return [one.ip for one in ice_transport(self.connection).getRemoteCandidates()]

    async def close(self) -> None:
        await self.ice.close()
        await self.ice.close()
        await self.connection.close()


async def test_ice_does_not_fail_while_candidates_are_gathered(
    offer: str, silent: list[IceServerEntry]
) -> None:
    end = End(silent)
    try:
        answer = await end.answer(offer)
        assert "a=candidate" in answer, "the host candidates go at once"
        assert "a=end-of-candidates" not in answer
        assert end.remote
        assert not end.may_fail, "the offer said that these were all"
        assert end.lines.empty()
    finally:
        await end.close()


async def test_once_all_are_gathered_it_may(offer: str) -> None:
    end = End([])
    try:
        answer = await end.answer(offer)
        assert "a=end-of-candidates" in answer
        async with asyncio.timeout(PATIENCE_S):
            while not end.may_fail:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not end.ice.has_nothing
        assert end.lines.empty(), "there was nothing to add to the answer"
    finally:
        await end.close()


async def test_without_a_relay_a_private_connection_has_nothing_and_says_why(
    offer: str, closed: list[IceServerEntry]
) -> None:
    end = End(closed, relay_only=True)
    try:
        answer = await end.answer(offer)
        assert "a=candidate" not in answer
        async with asyncio.timeout(PATIENCE_S):
            assert await end.lines.get() == ""
        assert end.ice.has_nothing
        (url,) = closed[0].urls
        assert end.ice.why_not == f"{url}: Nobody listens on this port."
        (failed,) = [record for record in end.records if isinstance(record, CandidateFailed)]
        assert (failed.url, failed.error_code, failed.peer) == (url, 701, "you")
    finally:
        await end.close()


@pytest.mark.parametrize(
    ("component", "priority", "port"),
    [(1, 1, 70_000), (1, 1, -5), (1, 10**19, 9), (1, -1, 9), (0, 1, 9), (257, 1, 9)],
)
async def test_a_candidate_out_of_its_bounds_is_refused(
    offer: str, component: int, priority: int, port: int
) -> None:
    """aioice would end the connection, or a task of it, when it used it."""
    end = End([])
    await end.answer(offer)
    line = f"candidate:1 {component} udp {priority} 192.0.2.7 {port} typ host"
    with pytest.raises(ValueError, match="a candidate has no"):
        await end.ice.add(line, "0", 0)
    assert end.connection.iceConnectionState in ("new", "checking", "completed")
    await end.close()


async def test_a_name_in_the_offer_does_not_hold_up_the_answer(
    offer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = asyncio.Event()

    class Resolver:
        async def resolve(self, hostname: str) -> str:
            await answers.wait()
            return "198.51.100.20"

    async def get_resolver(_: object) -> Resolver:
        return Resolver()

    monkeypatch.setattr(aioice.ice, "get_or_create_mdns_protocol", get_resolver)
    named = with_candidates(offer, "0a5f3c1e-1b2d.local")
    end = End([])
    try:
        async with asyncio.timeout(PATIENCE_S):
            assert "a=candidate" in await end.answer(named)
        assert end.remote == []
        answers.set()
        async with asyncio.timeout(PATIENCE_S):
            while not end.remote:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        await end.close()


@pytest.mark.parametrize(
    "line",
    [
        "1 1 udp 1 127.0.0.1 5000 typ host",
        "1 1 udp 1  127.0.0.1 5000  typ host",  # two blanks
        "1 1 UDP 1 ::ffff:127.0.0.1 5000 typ srflx raddr 192.0.2.1 rport 9",
        "1 1 udp 1 169.254.169.254 80 typ relay",
    ],
)
async def test_what_must_not_be_named_is_left_out_of_offers_and_afterwards(offer: str, line: str) -> None:
    end = End([])
    try:
        await end.answer(with_candidates(offer, line, "198.51.100.20"))
        assert end.remote == ["198.51.100.20"]
        assert end.ice.refused == 1
        (refused,) = [record for record in end.records if isinstance(record, CandidateRefused)]
        assert refused.address in ("127.0.0.1", "::ffff:127.0.0.1", "169.254.169.254")

        await end.ice.add(f"candidate:{line}", "0", 0)
        assert end.remote == ["198.51.100.20"]
        assert end.ice.refused == 2
    finally:
        await end.close()


def with_candidates(sdp: str, *hosts: str) -> str:
    """The description with these candidates in the place of its own, and more to come."""
    lines = [line for line in sdp.splitlines() if not line.startswith(("a=candidate", "a=end-of"))]
    lines += [f"a=candidate:{host if ' ' in host else f'1 1 udp 1 {host} 5000 typ host'}" for host in hosts]
    return "\r\n".join([*lines, ""])
