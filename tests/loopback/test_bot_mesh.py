"""Who offers to whom, generations, and what follows a failure: meshes on loopback, signaling by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from nbrtc.engine import mesh as rules
from nbrtc.engine.broadcast import Broadcast
from nbrtc.engine.mesh import MAX_PEERS, Mesh
from nbrtc.messages import IceCandidate, Participant, PeerSignal, SessionDescription
from tests.loopback.bots import until


class Desk:
    """A mesh whose signals are kept, and delivered to whom they are for if that one is here."""

    def __init__(self, others: "dict[str, Desk]", identity: str) -> None:
        self.id = identity
        self.sent: list[PeerSignal] = []
        self.states: list[tuple[str, str]] = []
        self.problems: list[str] = []
        self.broadcast = Broadcast(30)
        self._others = others
        others[identity] = self
        self.mesh = Mesh(
            broadcast=self.broadcast,
            voice=None,
            signal=self._signal,
            on_state=lambda peer, state: self.states.append((peer, state)),
            problem=lambda code, text: self.problems.append(text),
        )

    def meet(self, *others: Participant, order: int = 5) -> None:
        me = Participant(id=self.id, name=self.id, is_python=True, is_you=True, order=order)
        self.mesh.meet([me, *others])

    def descriptions(self) -> list[tuple[str, int | None]]:
        return [(found.description.type, found.generation) for found in self.sent if found.description]

    async def until(self, condition: Callable[[], object], what: str) -> None:
        await until(condition, lambda: f"{what}; {self.states} {self.descriptions()} {self.problems}")

    async def close(self) -> None:
        await self.mesh.leave()
        await self.broadcast.close()

    def _signal(self, signal: PeerSignal) -> None:
        self.sent.append(signal)
        if (other := self._others.get(signal.peer)) is not None:
            heard = msgspec.structs.replace(signal, peer=self.id)
            asyncio.get_running_loop().call_soon(other.mesh.take, heard)


class Browser:
    """A plain connection in a browser's place: it knows nothing of meshes."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))

    async def offer(self, generation: int | None = 1) -> PeerSignal:
        if not self.connection.getTransceivers():
            self.connection.addTransceiver("audio")
            self.connection.addTransceiver("video")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        return self._signal("offer", generation)

    async def answer(self, desk: Desk, generation: int | None = None) -> PeerSignal:
        """The answer to what a desk sent last."""
        offer = desk.sent[-1].description
        assert offer is not None
        await self.connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        await self.connection.setLocalDescription(await self.connection.createAnswer())
        return self._signal("answer", generation)

    async def accept(self, desk: Desk) -> None:
        """The answer that a desk sent last."""
        await desk.until(lambda: desk.sent and desk.sent[-1].description, "an answer")
        answer = desk.sent[-1].description
        assert answer is not None
        await self.connection.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))

    def _signal(self, kind: str, generation: int | None) -> PeerSignal:
        description = msgspec.convert(
            {"type": kind, "sdp": self.connection.localDescription.sdp}, SessionDescription
        )
        return PeerSignal(peer="web", generation=generation, description=description)


@pytest.fixture
async def desks() -> AsyncIterator[dict[str, Desk]]:
    desks: dict[str, Desk] = {}
    for identity in ("a", "b"):
        Desk(desks, identity)
    yield desks
    for desk in desks.values():
        await desk.close()


@pytest.fixture
async def new_browser() -> AsyncIterator[Callable[[], Browser]]:
    made: list[Browser] = []

    def make() -> Browser:
        made.append(Browser())
        return made[-1]

    yield make
    for browser in made:
        await browser.connection.close()


def bot(identity: str, **fields: object) -> Participant:
    return msgspec.convert({"id": identity, "name": identity, "isPython": True, **fields}, Participant)


def web(*, protocol: int = 1, order: int = 1, creator: bool = False) -> Participant:
    return Participant(id="web", name="Web", order=order, protocol=protocol, is_creator=creator)


async def test_of_two_bots_the_smaller_id_offers(desks: dict[str, Desk]) -> None:
    a, b = desks["a"], desks["b"]
    b.meet(bot("a"))  # b hears of it first, and waits all the same
    a.meet(bot("b"))
    await a.until(lambda: "b" in a.mesh.connected and "a" in b.mesh.connected, "a connection")
    assert a.descriptions() == [("offer", 1)]
    assert b.descriptions() == [("answer", 1)]
    assert a.states == [("b", "connecting"), ("b", "connected")]


async def test_signals_that_come_twice_change_nothing(desks: dict[str, Desk]) -> None:
    a, b = desks["a"], desks["b"]
    a.meet(bot("b"))
    b.meet(bot("a"))
    await a.until(lambda: "b" in a.mesh.connected and "a" in b.mesh.connected, "a connection")
    for from_whom, to in ((a, b), (b, a)):
        to.mesh.take(msgspec.structs.replace(from_whom.sent[-1], peer=from_whom.id))
    peers = a.mesh.peers["b"], b.mesh.peers["a"]
    await asyncio.sleep(0)
    assert (a.mesh.peers["b"], b.mesh.peers["a"]) == peers
    assert a.descriptions() + b.descriptions() == [("offer", 1), ("answer", 1)]
    assert a.problems == b.problems == []


async def test_a_bot_that_broke_is_called_again_under_a_higher_generation(desks: dict[str, Desk]) -> None:
    a, b = desks["a"], desks["b"]
    a.meet(bot("b"))
    b.meet(bot("a"))
    await a.until(lambda: "b" in a.mesh.connected and "a" in b.mesh.connected, "a connection")
    await b.mesh.peers["a"]._connection.close()  # as when the other process has crashed
    await a.until(lambda: ("offer", 2) in a.descriptions(), "a second offer")
    await a.until(lambda: "b" in a.mesh.connected and "a" in b.mesh.connected, "a connection again")
    assert a.mesh.peers["b"].generation == b.mesh.peers["a"].generation == 2
    assert ("b", "reconnecting") in a.states


async def test_a_bot_that_never_answers_is_given_up_after_the_ladder(
    desks: dict[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CONNECT_S", 1.0)
    monkeypatch.setattr(rules, "LADDER_S", (0.0, 0.02))
    a = desks["a"]
    a.meet(bot("deaf"))
    await a.until(lambda: ("deaf", "failed") in a.states, "the end of the ladder")
    offers = a.descriptions()
    assert (offers[0], offers[-1]) == (("offer", 1), ("offer", 3))
    # on a busy machine an attempt may end before its offer is described
    assert offers == sorted(set(offers))
    assert "The connection to deaf could not be made" in a.problems[0]
    a.meet(bot("deaf", isConnected=False))
    a.meet(bot("deaf"))  # its signaling is back: another attempt
    await a.until(lambda: ("offer", 4) in a.descriptions(), "another offer")


async def test_a_browser_offers_and_a_higher_generation_replaces(
    desks: dict[str, Desk], new_browser: Callable[[], Browser]
) -> None:
    a = desks["a"]
    a.meet(web(order=9))
    first, second = new_browser(), new_browser()
    a.mesh.take(await first.offer(2))
    await first.accept(a)
    await a.until(lambda: "web" in a.mesh.connected, "the first connection")
    late = await new_browser().offer(1)
    a.mesh.take(late)
    assert a.mesh.peers["web"].generation == 2, "a late offer counts"
    a.sent.clear()
    a.mesh.take(await second.offer(3))
    await second.accept(a)
    await a.until(lambda: "web" in a.mesh.connected, "the second connection")
    assert a.descriptions() == [("answer", 3)]
    assert a.states[-2:] == [("web", "reconnecting"), ("web", "connected")]
    await a.until(lambda: first.connection.connectionState == "closed", "the first one's end")


async def test_a_broken_browser_is_waited_for(
    desks: dict[str, Desk], new_browser: Callable[[], Browser]
) -> None:
    a = desks["a"]
    a.meet(web())
    browser = new_browser()
    a.mesh.take(await browser.offer())
    await browser.accept(a)
    await a.until(lambda: "web" in a.mesh.connected, "the connection")
    await browser.connection.close()
    await a.until(lambda: a.states[-1] == ("web", "reconnecting"), "the loss")
    assert a.descriptions() == [("answer", 1)], "Python offered to a browser"


async def test_candidates_may_come_before_and_after(
    desks: dict[str, Desk], new_browser: Callable[[], Browser]
) -> None:
    a = desks["a"]
    a.meet(web())
    browser = new_browser()
    offer = await browser.offer()
    assert offer.description is not None
    lines = offer.description.sdp.splitlines(keepends=True)
    candidates = [line.strip().removeprefix("a=") for line in lines if line.startswith("a=candidate:")]
    bare = "".join(line for line in lines if not line.startswith(("a=candidate:", "a=end-of-candidates")))
    description = SessionDescription(type="offer", sdp=bare)
    a.mesh.take(msgspec.structs.replace(offer, description=description))
    for text in candidates:
        for mid in ("0", "1"):
            candidate = IceCandidate(candidate=text, sdp_mid=mid, sdp_m_line_index=int(mid))
            a.mesh.take(PeerSignal(peer="web", generation=1, candidate=candidate))
    a.mesh.take(PeerSignal(peer="web", generation=1))
    await browser.accept(a)
    await a.until(lambda: "web" in a.mesh.connected, "the connection")
    a.mesh.take(PeerSignal(peer="web", generation=1, candidate=IceCandidate(candidate="candidate:nonsense")))
    await a.until(lambda: a.problems, "a word about the malformed one")
    assert "malformed" in a.problems[0]
    assert a.mesh.connected == ("web",)


async def test_a_tutorial_client_is_offered_to(
    desks: dict[str, Desk], new_browser: Callable[[], Browser]
) -> None:
    """Neither its creator nor its joiner offers."""
    a = desks["a"]
    a.meet(web(protocol=0, order=1, creator=True))
    await a.until(lambda: a.sent, "an offer")
    assert a.descriptions() == [("offer", None)]
    browser = new_browser()
    a.mesh.take(await browser.answer(a))
    await a.until(lambda: "web" in a.mesh.connected, "the connection")
    # it offers to somebody else, by broadcast: another connection, which is not meant for us
    peer = a.mesh.peers["web"]
    a.mesh.take(await new_browser().offer(None))
    assert a.mesh.peers["web"] is peer
    assert len(a.sent) == 1


async def test_an_earlier_tutorial_client_may_offer_first(
    desks: dict[str, Desk], new_browser: Callable[[], Browser]
) -> None:
    a = desks["a"]
    a.meet(web(protocol=0, order=2))
    browser = new_browser()
    a.mesh.take(await browser.offer(None))
    await browser.accept(a)
    await a.until(lambda: "web" in a.mesh.connected, "the connection")
    assert a.descriptions() == [("answer", None)]
    # it negotiates the same connection again, as for a track that it replaces
    a.sent.clear()
    peer = a.mesh.peers["web"]
    a.mesh.take(await browser.offer(None))
    await browser.accept(a)
    assert a.mesh.peers["web"] is peer
    assert browser.connection.signalingState == "stable"
    assert a.mesh.connected == ("web",)
    assert a.problems == []


async def test_an_earlier_tutorial_client_that_keeps_silent_is_offered_to(
    desks: dict[str, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "LEGACY_OFFER_S", 0.1)
    a = desks["a"]
    a.meet(web(protocol=0, order=2))
    assert not a.sent
    await a.until(lambda: a.descriptions() == [("offer", None)], "an offer")


async def test_strangers_and_those_who_left_mean_nothing(
    desks: dict[str, Desk], new_browser: Callable[[], Browser]
) -> None:
    a = desks["a"]
    offer = await new_browser().offer()
    a.mesh.take(offer)
    a.meet(web())
    a.meet()
    a.mesh.take(offer)
    assert not a.mesh.peers
    assert not a.sent


async def test_no_more_than_sixteen_others(desks: dict[str, Desk]) -> None:
    a = desks["a"]
    crowd = [Participant(id=f"web{number}", name=f"Web {number}", order=number) for number in range(20)]
    a.meet(*crowd)
    a.meet(*crowd)
    assert len(a.mesh.states) == MAX_PEERS
    assert len(a.problems) == 4
    assert "at most 16" in a.problems[0]
    a.meet(*crowd[4:])
    assert len(a.mesh.states) == MAX_PEERS, "a place that became free stays empty"


async def test_a_hostile_offer_of_one_disturbs_nobody_else(desks: dict[str, Desk]) -> None:
    a, b = desks["a"], desks["b"]
    a.meet(bot("b"), web())
    b.meet(bot("a"))
    await a.until(lambda: "b" in a.mesh.connected, "a connection")
    nonsense = SessionDescription(type="offer", sdp="v=0\r\n" + "m=video\r\n" * 3 + "a=fingerprint:x\r\n")
    a.mesh.take(PeerSignal(peer="web", generation=1, description=nonsense))
    await a.until(lambda: a.problems, "a word about it")
    assert a.problems[0].startswith("Web: The offer")
    assert a.mesh.connected == ("b",)
