"""The connection that sends back what it gets, with an aiortc peer for the page."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

from nbrtc.engine.echo import MAX_BYTES, MOST, Echoes
from nbrtc.errors import CallError, NegotiationError
from nbrtc.messages import IceServerEntry

MESSAGES = 50


class Measurer:
    """A page that measures: one channel as the engine's, and what came back over it."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.channel: RTCDataChannel = self.connection.createDataChannel(
            "echo", negotiated=True, id=0, ordered=False, maxRetransmits=0
        )
        self.heard: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.opened, self.closed = asyncio.Event(), asyncio.Event()
        self.channel.on("message", self.heard.put_nowait)
        self.channel.on("open", self.opened.set)
        self.channel.on("close", self.closed.set)

    async def offer(self) -> str:
        """Its offer, with all candidates."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self.connection.localDescription.sdp

    async def take(self, answer: str) -> None:
        """Connect."""
        await self.connection.setRemoteDescription(RTCSessionDescription(sdp=answer, type="answer"))
        async with asyncio.timeout(30):
            await self.opened.wait()


@asynccontextmanager
async def measuring() -> AsyncIterator[Measurer]:
    measurer = Measurer()
    try:
        yield measurer
    finally:
        await measurer.connection.close()


@pytest.fixture
async def echoes() -> AsyncIterator[Echoes]:
    echoes = Echoes()
    yield echoes
    await echoes.close()


@pytest.fixture
def silent_server() -> Iterator[tuple[IceServerEntry, ...]]:
    """One of this machine, which takes what comes and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taker:
        taker.bind(("127.0.0.1", 0))
        yield (IceServerEntry((f"stun:127.0.0.1:{taker.getsockname()[1]}",)),)


async def connect(echoes: Echoes, measurer: Measurer) -> None:
    await measurer.take(await echoes.answer(await measurer.offer(), relay_only=False))


async def test_what_a_page_sends_comes_back(echoes: Echoes) -> None:
    async with measuring() as page:
        await connect(echoes, page)
        sent = [f"{number:04}".ljust(100, ".") for number in range(MESSAGES)]
        missing = set(sent)
        async with asyncio.timeout(30):
            while missing:  # unreliable: on a machine that is busy the kernel may drop one
                for text in sorted(missing):
                    page.channel.send(text)
                for _ in range(len(missing)):
                    try:
                        missing.discard(str(await asyncio.wait_for(page.heard.get(), 1.0)))
                    except TimeoutError:
                        break

    assert not missing


async def test_what_fits_into_no_packet_is_dropped(echoes: Echoes) -> None:
    async with measuring() as page:
        await connect(echoes, page)
        page.channel.send(bytes(MAX_BYTES + 1))
        async with asyncio.timeout(30):
            while page.heard.empty():
                page.channel.send(b"short")
                await asyncio.sleep(0.1)

        assert {page.heard.get_nowait() for _ in range(page.heard.qsize())} == {b"short"}


async def test_a_third_check_ends_the_oldest_one(echoes: Echoes) -> None:
    async with measuring() as first, measuring() as second, measuring() as third:
        for page in (first, second, third):
            await connect(echoes, page)
        async with asyncio.timeout(30):
            await first.closed.wait()
            while third.heard.empty() or second.heard.empty():
                for page in (second, third):
                    page.channel.send("there?")
                await asyncio.sleep(0.1)

        assert not second.closed.is_set()
    assert MOST == 2


async def test_an_offer_with_pictures_is_no_check(echoes: Echoes) -> None:
    async with measuring() as page:
        page.connection.addTransceiver("video")
        with pytest.raises(NegotiationError, match="one data section"):
            await echoes.answer(await page.offer(), relay_only=False)


async def test_servers_that_do_not_answer_do_not_hold_the_answer_up_for_long(
    echoes: Echoes, silent_server: tuple[IceServerEntry, ...]
) -> None:
    async with measuring() as page:
        answer = await echoes.answer(await page.offer(), silent_server, relay_only=False)

        assert answer.count("a=end-of-candidates") == 1
        await page.take(answer)


async def test_a_closed_call_ends_its_echoes(echoes: Echoes) -> None:
    async with measuring() as page:
        await connect(echoes, page)
        await echoes.close()
        async with asyncio.timeout(30):
            await page.closed.wait()


async def test_a_flood_of_checks_is_refused(
    echoes: Echoes, silent_server: tuple[IceServerEntry, ...]
) -> None:
    async with measuring() as page:
        offer = await page.offer()
        asked = [echoes.answer(offer, silent_server, relay_only=False) for _ in range(8)]
        answers = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(answer, CallError) for answer in answers) == 8 - 2 * MOST
