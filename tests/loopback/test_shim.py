"""The impaired network on a real pair of peers: what is lost, late, in order, and what stays behind."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection
from pyee.asyncio import AsyncIOEventEmitter

from nbrtc.engine.shim import install
from nbrtc.errors import EngineError
from nbrtc.lab.impairment import Fate, Ledger, Shim, Totals
from nbrtc.messages import Impairment

MESSAGES = 100


class WatchedLedger(Ledger):
    """A ledger that a test can wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def record(self, fate: Fate) -> None:
        super().record(fate)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@dataclass
class Pair:
    """Two peers with an unreliable, unordered data channel: one message, one datagram, no repair."""

    page: RTCPeerConnection
    python: RTCPeerConnection
    up: RTCDataChannel
    """The page's end of the channel."""
    down: RTCDataChannel
    """Python's end of it."""
    received: dict[str, asyncio.Queue[tuple[int, float]]] = field(default_factory=dict)
    """By direction: number of the message and its arrival on the loop's clock."""
    ledger: "WatchedLedger" = field(default_factory=lambda: WatchedLedger())

    @property
    def ice(self) -> Any:
        """The ICE transport at Python's side."""
        assert self.python.sctp is not None
        return self.python.sctp.transport.transport

    async def impair(self, impairment: Impairment) -> Callable[[], None]:
        """Install a shim; the datagram that passes unseen is a message of our own."""
        uninstall = install(self.ice, Shim(impairment, ledger=self.ledger))
        self.send("up", 1)
        await self.take("up", 1)
        return uninstall

    def send(self, direction: str, count: int = MESSAGES) -> None:
        channel = self.up if direction == "up" else self.down
        for number in range(count):
            channel.send(str(number))

    async def take(self, direction: str, count: int) -> list[tuple[int, float]]:
        async with asyncio.timeout(60):
            return [await self.received[direction].get() for _ in range(count)]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    page, python = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    ends = [
        peer.createDataChannel("test", negotiated=True, id=0, ordered=False, maxRetransmits=0)
        for peer in (page, python)
    ]
    await page.setLocalDescription(await page.createOffer())
    await python.setRemoteDescription(page.localDescription)
    await python.setLocalDescription(await python.createAnswer())
    opened = [asyncio.Event() for _ in ends]
    for end, event in zip(ends, opened, strict=True):
        end.on("open", event.set)
    await page.setRemoteDescription(python.localDescription)
    result = Pair(page, python, up=ends[0], down=ends[1])
    loop = asyncio.get_running_loop()
    for direction, end in (("up", ends[1]), ("down", ends[0])):
        arrived = result.received[direction] = asyncio.Queue()
        end.on("message", lambda text, to=arrived: to.put_nowait((int(text), loop.time())))
    async with asyncio.timeout(60):
        for event in opened:
            await event.wait()
    yield result
    await page.close()
    await python.close()


async def test_without_an_impairment_everything_passes_in_order(pair: Pair) -> None:
    uninstall = await pair.impair(Impairment())
    for direction in ("up", "down"):
        pair.send(direction)
        assert [number for number, _ in await pair.take(direction, MESSAGES)] == list(range(MESSAGES))
    uninstall()
    for totals in pair.ledger.totals.values():
        assert totals["delivered"] == totals["packets"] > 0


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_delay_holds_every_message_back_and_keeps_their_order(pair: Pair, direction: str) -> None:
    uninstall = await pair.impair(Impairment(seed=1, delay_ms=60, jitter_ms=40))
    started_s = asyncio.get_running_loop().time()
    pair.send(direction, 5)
    arrivals = await pair.take(direction, 5)
    uninstall()
    assert [number for number, _ in arrivals] == list(range(5))
    assert min(arrived_s for _, arrived_s in arrivals) - started_s >= 0.06


async def test_total_loss_is_a_blackout_that_the_connection_survives(pair: Pair) -> None:
    uninstall = await pair.impair(Impairment(loss_fraction=1.0))
    pair.send("up", 3)
    totals = pair.ledger.totals["up"]
    await pair.ledger.until(lambda: totals["lost"] > 0)
    assert totals["delivered"] == 0
    assert pair.received["up"].empty()
    uninstall()
    pair.send("down", 1)
    await pair.take("down", 1)
    assert pair.python.connectionState == "connected"


async def test_the_fates_are_those_of_the_pure_rule(pair: Pair) -> None:
    impairment = Impairment(seed=11, loss_fraction=0.3)
    uninstall = await pair.impair(impairment)
    for number in range(1, 11):
        for direction in ("up", "down"):
            totals = pair.ledger.totals[direction]
            pair.send(direction, 1)
            await pair.ledger.until(partial(has_packets, totals, number))
    uninstall()
    pure = Shim(impairment)
    for row in pair.ledger.to_rows():
        fate = pure.admit(row["direction"], row["size_bytes"], row["sent_s"])
        assert fate.outcome == row["outcome"]
    assert sum(totals["lost"] for totals in pair.ledger.totals.values()) > 0


def has_packets(totals: Totals, count: int) -> bool:
    return totals["packets"] >= count


async def test_one_impairment_replaces_another_while_data_flows(pair: Pair) -> None:
    for delay_ms in (30, 0, 5):
        uninstall = install(pair.ice, Shim(Impairment(delay_ms=delay_ms)))
        pair.send("up", 3)
        pair.send("down", 3)
        await pair.take("up", 3)
        await pair.take("down", 3)
        uninstall()
        uninstall()
    pair.send("up", 3)
    assert [number for number, _ in await pair.take("up", 3)] == [0, 1, 2]


async def test_a_connection_can_begin_impaired() -> None:
    page, python = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
    channels = [peer.createDataChannel("test", negotiated=True, id=0) for peer in (page, python)]
    await page.setLocalDescription(await page.createOffer())
    await python.setRemoteDescription(page.localDescription)
    await python.setLocalDescription(await python.createAnswer())
    assert python.sctp is not None
    shim = Shim(Impairment(seed=5, delay_ms=20, jitter_ms=10, loss_fraction=0.02))
    install(python.sctp.transport.transport, shim)
    opened = asyncio.Event()
    channels[0].on("open", opened.set)
    await page.setRemoteDescription(python.localDescription)
    async with asyncio.timeout(60):
        await opened.wait()
    await page.close()
    await python.close()
    assert shim.ledger.totals["up"]["delivered"] > 0
    assert shim.ledger.totals["down"]["delivered"] > 0


async def test_taking_it_off_cuts_what_is_on_its_way(pair: Pair) -> None:
    uninstall = await pair.impair(Impairment(delay_ms=60_000))
    pair.send("up", 3)
    pair.send("down", 3)
    await pair.ledger.until(lambda: all(totals["packets"] > 0 for totals in pair.ledger.totals.values()))
    uninstall()
    for totals in pair.ledger.totals.values():
        assert (totals["delivered"], totals["cut"]) == (0, totals["packets"])
    assert all(row["outcome"] == "cut" for row in pair.ledger.to_rows())


async def test_closing_the_connection_takes_the_shim_off_and_leaves_nothing(pair: Pair) -> None:
    ice = pair.ice
    send, recv = ice._send, ice._recv
    uninstall = await pair.impair(Impairment(delay_ms=60_000))
    installed = weakref.ref(uninstall.__self__)  # type: ignore[attr-defined]
    del uninstall
    pair.send("down", 3)
    totals = pair.ledger.totals["down"]
    await pair.ledger.until(lambda: totals["packets"] > 0)
    await pair.python.close()
    assert (ice._send, ice._recv) == (send, recv)
    assert (totals["delivered"], totals["cut"]) == (0, totals["packets"])
    await asyncio.sleep(0)  # lets the cancelled reader end
    gc.collect()
    assert installed() is None, "a timer, a task or a listener still holds the shim"


async def test_a_peer_that_goes_ends_the_connection_through_the_shim_too(pair: Pair) -> None:
    await pair.impair(Impairment(delay_ms=1))
    closed = asyncio.Event()
    pair.python.on("connectionstatechange", closed.set)
    await pair.page.close()
    async with asyncio.timeout(60):
        await closed.wait()
    assert pair.python.connectionState == "closed"


# --- the seam ------------------------------------------------------------------------------------------


class Transport(AsyncIOEventEmitter):
    """As much of an ICE transport as a shim touches, over a plain queue."""

    state = "completed"

    def __init__(self) -> None:
        super().__init__()
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._recv: Any = self.incoming.get

    async def _send(self, data: bytes) -> None:
        raise ConnectionError("not connected")


async def test_what_came_through_is_still_read_after_the_shim_is_taken_off() -> None:
    transport, ledger = Transport(), WatchedLedger()
    for data in (b"0", b"1", b"2", b"3"):
        transport.incoming.put_nowait(data)
    uninstall = install(transport, Shim(Impairment(), ledger=ledger))
    assert await transport._recv() == b"0"
    await ledger.until(partial(has_packets, ledger.totals["up"], 4))
    uninstall()
    assert await transport._recv() == b"1"
    again = install(transport, Shim(Impairment(), ledger=ledger))
    assert [await transport._recv() for _ in range(2)] == [b"2", b"3"]
    transport.incoming.put_nowait(b"4")
    assert await transport._recv() == b"4"
    again()
    assert transport._recv == transport.incoming.get
    assert ledger.totals["up"]["cut"] == 0


async def test_a_waiting_reader_goes_on_when_the_shim_is_taken_off() -> None:
    transport = Transport()
    uninstall = install(transport, Shim(Impairment()))
    waiting = asyncio.create_task(transport._recv())
    await asyncio.sleep(0)
    uninstall()
    transport.incoming.put_nowait(b"late")
    assert await waiting == b"late"


async def test_a_send_that_fails_is_raised_or_cut() -> None:
    transport, ledger = Transport(), WatchedLedger()
    uninstall = install(transport, Shim(Impairment(), ledger=ledger))
    with pytest.raises(ConnectionError):
        await transport._send(b"now")
    assert ledger.totals["down"]["cut"] == 1
    uninstall()


async def test_a_second_shim_on_the_same_transport_is_refused(pair: Pair) -> None:
    uninstall = install(pair.ice, Shim(Impairment()))
    with pytest.raises(EngineError, match="has an impairment already"):
        install(pair.ice, Shim(Impairment()))
    uninstall()


async def test_an_aiortc_without_the_seam_is_named() -> None:
    with pytest.raises(EngineError, match=r"SimpleNamespace\._recv .*install the aiortc"):
        install(SimpleNamespace(_send=print), Shim(Impairment()))
