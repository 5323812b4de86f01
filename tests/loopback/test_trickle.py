"""What TURN servers give follows the engine's answer, and a dead one among them delays nothing."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from aiortc import RTCIceServer

from nbrtc.engine.peer import PythonPeer
from nbrtc.engine.tasks import Tasks
from nbrtc.ice.servers import entry_of, to_sources
from nbrtc.lab import LocalTurn
from nbrtc.messages import (
    Answer,
    Candidate,
    IceArrived,
    IceCandidate,
    IceOptions,
    IceServerEntry,
    IceServerSource,
    PairSeen,
)
from nbrtc.messages.ice import CandidateFailed, CandidateSeen
from tests.loopback.conftest import Call

PRIVATE = IceOptions(privacy=True)
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def relay() -> Iterator[LocalTurn]:
    if not LocalTurn.is_installed():
        pytest.skip("turnserver is not in PATH: install coturn (tools/coturn.sh does)")
    with LocalTurn() as server:
        yield server


@pytest.fixture
def silent(relay: LocalTurn) -> Iterator[IceServerSource]:
    """A TURN server that has hung: packets come to it, and none comes from it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((relay.address, 0))
        url = f"turn:{relay.address}:{taken.getsockname()[1]}?transport=udp"
        yield IceServerSource((url,), "ada", "a password")


@pytest.fixture
def closed() -> IceServerSource:
    """One whose process is gone."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"turn:127.0.0.1:{taken.getsockname()[1]}?transport=tcp"
        return IceServerSource((url,), "ada", "a password")


def entry(relay: LocalTurn, transport: str, user: str = "page") -> IceServerEntry:
    """The server reached in one way only, with a credential that was made of its secret."""
    (source,) = to_sources([relay.server])
    made, _ = entry_of(source, user, time.time())
    (url,) = (url for url in made.urls if url.endswith(transport))
    return IceServerEntry((url,), made.username, made.credential)


def only(relay: LocalTurn, transport: str) -> IceServerSource:
    made = entry(relay, transport, "engine")
    return IceServerSource(made.urls, made.username, made.credential)


def browser(relay: LocalTurn, transport: str) -> RTCIceServer:
    made = entry(relay, transport)
    return RTCIceServer(list(made.urls), made.username, made.credential)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_private_call_goes_through_the_relay_alone(
    relay: LocalTurn, new_call: Callable[..., Call], transport: str
) -> None:
    call = new_call(ice_servers=(only(relay, transport),), ice_options=PRIVATE)
    page = await call.connected(relay=browser(relay, transport))
    await call.until(lambda: len(page.received) > 5, "pictures")

    told = [event for event in page.events if isinstance(event, Answer | Candidate)]
    answer = told[0]
    assert isinstance(answer, Answer)
    assert "a=candidate" not in answer.sdp
    lines = [event.candidate for event in told if isinstance(event, Candidate)]
    assert " typ relay raddr 0.0.0.0 rport 9" in lines[0]
    assert lines[1:] == [""]

    records = [
        record for item in call.notifications if isinstance(item, IceArrived) for record in item.records
    ]
    types = {record.id: record.candidate_type for record in records if isinstance(record, CandidateSeen)}
    (selected,) = {
        (types[record.local_id], types[record.remote_id])
        for record in records
        if isinstance(record, PairSeen) and record.selected
    }
    assert selected[0] == "relay"
    (own,) = [record for record in records if isinstance(record, CandidateSeen) and not record.is_remote]
    assert (own.relay_protocol, own.url) == (transport, entry(relay, transport).urls[0])


async def test_dead_servers_neither_delay_the_answer_nor_the_call(
    relay: LocalTurn, new_call: Callable[..., Call], silent: IceServerSource, closed: IceServerSource
) -> None:
    call = new_call(ice_servers=(silent, closed, only(relay, "udp")), ice_options=PRIVATE)
    page = await call.connected(relay=browser(relay, "udp"))

    def lines() -> list[str]:
        return [event.candidate for event in page.events if isinstance(event, Candidate)]

    await call.until(lambda: lines()[-1:] == [""], "the end of candidates", s=PATIENCE_S)
    kinds = [type(event) for event in page.events if isinstance(event, Answer | Candidate)]
    assert kinds == [Answer, Candidate, Candidate], "the answer, the living relay's candidate, the end"
    failures = {
        record.url: record.error_text
        for item in call.notifications
        if isinstance(item, IceArrived)
        for record in item.records
        if isinstance(record, CandidateFailed)
    }
    assert list(failures) == [*closed.urls, *silent.urls], "the silent one was given up last"
    assert "password" not in "".join(failures.values())
    assert call.state.phase == "connected"


async def test_without_any_relay_the_page_hears_why(
    new_call: Callable[..., Call], closed: IceServerSource
) -> None:
    call = new_call(ice_servers=(closed,), ice_options=PRIVATE)
    page = call.page()
    reply = await page.connect()
    assert reply.error_code is None
    await call.until(page.byes, "the end of the link")
    (bye,) = page.byes()
    assert (bye.code, bye.recover) == ("lost", True)
    assert bye.reason == f"Python got no relayed candidate. {closed.urls[0]}: Nobody listens on this port."
    assert call.state.reason == bye.reason


class Pair:
    """Two Bots' ends that may meet at a relay only; what one tells the other hears."""

    def __init__(self, servers: list[IceServerEntry]) -> None:
        self._tasks = Tasks()
        self.connected = asyncio.Event()
        self.ends = [
            PythonPeer(
                name,
                1,
                broadcast=None,
                voice=None,
                on_state=self._changed,
                ice_servers=[server],
                relay_only=True,
            )
            for name, server in zip(("bob", "ada"), servers, strict=True)
        ]
        for end, other in zip(self.ends, reversed(self.ends), strict=True):
            end.ice.on_candidate = lambda line, end=end, other=other: self._tasks.spawn(  # type: ignore[misc]
                other.add_candidate(IceCandidate(candidate=line, sdp_mid=end.mid, sdp_m_line_index=0)),
                "test-candidate",
            )

    async def connect(self) -> None:
        offerer, answerer = self.ends
        offer = await offerer.offer()
        answer = await answerer.answer(offer)
        assert "a=candidate" not in offer + answer
        await offerer.accept(answer)
        async with asyncio.timeout(PATIENCE_S):
            await self.connected.wait()

    async def close(self) -> None:
        for end in self.ends:
            await end.close()
        await self._tasks.finish()

    def _changed(self, end: PythonPeer, state: str) -> None:
        if {end.state for end in self.ends} == {"connected"}:
            self.connected.set()


@pytest.fixture
async def pair(relay: LocalTurn) -> AsyncIterator[Pair]:
    made = Pair([entry(relay, "udp", "bob"), entry(relay, "tcp", "ada")])
    yield made
    await made.close()


async def test_bots_meet_at_the_relay(pair: Pair) -> None:
    await pair.connect()
