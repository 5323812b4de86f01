"""A Python participant's connections to everybody else in the room: who offers, and what follows a failure.

A browser offers whoever joined first, and offers anew when the connection breaks. Of two Bots the smaller id
offers. A client of the plain tutorial protocol offers only where it is an earlier member that did not create
the room, and then without saying to whom; elsewhere, and where it keeps silent, this offers.

Generations count the connections of a pair. A higher one replaces the connection, a lower one is dropped.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from ..errors import NegotiationError
from ..messages import IceCandidate, IceRecord, Participant, PeerSignal, PeerState, SessionDescription
from .broadcast import Broadcast
from .ice_desk import IceDesk
from .peer import PythonPeer
from .tasks import Tasks
from .voice import Voice

logger = logging.getLogger(__name__)

MAX_PEERS = 16
LADDER_S = (0.0, 0.3, 1.2, 2.7, 4.8, 7.0)
"""How long after each failure the next connection is tried; after the last one it is given up."""
CONNECT_S = 15.0
SILENT_S, SILENT_LEGACY_S = 5.0, 15.0
"""A connection that we offered and that is silent for so long is replaced; aiortc notices after 30 s. A Bot
is heard 50 times a second, a browser that sends nothing only by its reports, some seconds apart."""
LEGACY_OFFER_S = 2.0
"""So long a client of the tutorial protocol has to offer where it is its turn."""
TICK_S = 0.05


class Mesh:
    """All connections of one Bot. On the engine's loop.

    Parameters
    ----------
    broadcast, voice
        What everybody gets.
    signal
        Sends a description to a participant.
    on_state
        Told how the connection to a participant stands, over all generations.
    problem
        Takes a code and a sentence for `Bot.errors`.
    ice
        The servers that connections are made with; without it none.
    on_records
        Told what is seen of the connections' ICE.
    """

    def __init__(
        self,
        *,
        broadcast: Broadcast | None,
        voice: Voice | None,
        signal: Callable[[PeerSignal], None],
        on_state: Callable[[str, PeerState], None],
        problem: Callable[[str, str], None],
        ice: IceDesk | None = None,
        on_records: Callable[[tuple[IceRecord, ...]], None] = lambda _: None,
    ) -> None:
        self.broadcast, self.voice = broadcast, voice
        self.signal, self.on_state, self.problem = signal, on_state, problem
        self.ice, self.on_records = ice, on_records
        self.tasks = Tasks()
        self._pairs: dict[str, Pair] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._refused: set[str] = set()

    @property
    def peers(self) -> dict[str, PythonPeer]:
        """The present connections by participant, connected or not."""
        return {identity: pair.peer for identity, pair in self._pairs.items() if pair.peer is not None}

    @property
    def states(self) -> dict[str, PeerState]:
        """How the connection to each participant stands."""
        return {identity: pair.state for identity, pair in self._pairs.items()}

    @property
    def connected(self) -> tuple[str, ...]:
        """Ids of those who are connected."""
        return tuple(identity for identity, pair in self._pairs.items() if pair.state == "connected")

    def meet(self, participants: Iterable[Participant]) -> None:
        """Everybody in the room, whenever that changed; oneself among them."""
        everybody = {participant.id: participant for participant in participants}
        me = next((participant for participant in everybody.values() if participant.is_you), None)
        if me is None:
            return
        for identity in [identity for identity in self._pairs if identity not in everybody]:
            self._pairs.pop(identity).close()
        self._refused &= everybody.keys()
        for identity, other in everybody.items():
            if other.is_you:
                continue
            if (pair := self._pairs.get(identity)) is not None:
                pair.update(other)
            elif len(self._pairs) < MAX_PEERS:
                self._pairs[identity] = pair = Pair(self, me, other)
                pair.begin()
            elif identity not in self._refused:
                self._refused.add(identity)
                text = f"{other.name} is not connected with: a Bot has at most {MAX_PEERS} others."
                self.problem("too-many-peers", text)
        if self._pairs and self._ticking is None:
            self._ticking = asyncio.create_task(self._tick(), name="nbrtc-mesh")

    def take(self, signal: PeerSignal) -> None:
        """A participant's description or candidate; from a stranger it means nothing."""
        if (pair := self._pairs.get(signal.peer)) is not None:
            pair.take(signal)

    async def leave(self) -> None:
        """End all connections; others may be met afterwards. Idempotent."""
        ticking, self._ticking = self._ticking, None
        if ticking is not None:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        pairs, self._pairs = self._pairs, {}
        for pair in pairs.values():
            pair.close()
        await self.tasks.finish()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for pair in list(self._pairs.values()):
                pair.tick()


class Pair:
    """The Bot and one other: at most one connection at a time, and what is to follow it."""

    def __init__(self, mesh: Mesh, me: Participant, other: Participant) -> None:
        self.other = other
        self.peer: PythonPeer | None = None
        self.state: PeerState = "new"
        self._mesh, self._me = mesh, me
        self._generation = 0
        self._failures = 0
        self._next: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def _is_legacy(self) -> bool:
        return self.other.protocol == 0

    @property
    def _is_ours_to_offer(self) -> bool:
        """Whether this side offers; a legacy client that has kept silent is offered to as well."""
        return self._is_legacy or (self.other.is_python and self._me.id < self.other.id)

    def begin(self) -> None:
        """The other one is there."""
        if not self._is_ours_to_offer:
            return
        waits = self._is_legacy and self.other.order < self._me.order and not self.other.is_creator
        self._offer_after(LEGACY_OFFER_S if waits else 0.0)

    def update(self, other: Participant) -> None:
        """What is known of the other one changed; one who is back is called again if it was given up."""
        came_back = other.is_connected and not self.other.is_connected
        self.other = other
        if came_back and self.state == "failed" and self._is_ours_to_offer:
            self._failures = 0
            self._offer_after(0.0)

    def take(self, signal: PeerSignal) -> None:
        """A description or candidate of the other one."""
        description = signal.description
        if description is None:
            if self.peer is not None and signal.generation in (None, self._generation):
                self._spawn(self.peer, self.peer.add_candidate(signal.candidate), "nbrtc-peer-candidate")
        elif description.type == "answer":
            if self.peer is not None and signal.generation in (None, self._generation):
                self._spawn(self.peer, self.peer.accept(description.sdp), "nbrtc-peer-accept")
        elif signal.generation is None:
            self._take_legacy_offer(description.sdp)
        elif signal.generation > self._generation:
            self._answer(signal.generation, description.sdp)

    def tick(self) -> None:
        """About 20 times a second."""
        peer = self.peer
        if peer is None:
            return
        peer.tick()
        if self.state == "connected":
            limit_s = SILENT_LEGACY_S if self._is_legacy else SILENT_S
            if self._is_ours_to_offer and peer.silent_s > limit_s and self.other.is_connected:
                self._lost(f"nothing was heard for {limit_s:.0f} s")
        elif time.monotonic() - peer.born_s > CONNECT_S:
            self._lost(f"it was not there within {CONNECT_S:.0f} s")

    def close(self) -> None:
        """The other one left. Idempotent."""
        self._closed = True
        self._drop()

    # --- one connection after the other

    def _take_legacy_offer(self, sdp: str) -> None:
        """An offer without generation, perhaps meant for somebody else in the room."""
        peer = self.peer
        if peer is not None and peer.state == "connected":
            if peer.has_fingerprint_of(sdp):
                self._spawn(peer, self._reply(peer, None, sdp), "nbrtc-peer-answer")
        elif peer is None or not peer.is_offering:
            self._answer(None, sdp)
        # else: both offered. A browser rolls its own offer back for ours and answers, which Python could not

    def _answer(self, generation: int | None, sdp: str) -> None:
        peer = self._renew(self._generation + 1 if generation is None else generation)
        self._spawn(peer, self._reply(peer, generation, sdp), "nbrtc-peer-answer")

    async def _reply(self, peer: PythonPeer, generation: int | None, sdp: str) -> None:
        answer = await peer.answer(sdp)
        if peer is self.peer:
            self._say(SessionDescription(type="answer", sdp=answer), generation)

    def _offer_after(self, delay_s: float) -> None:
        self._cancel()
        self._next = asyncio.get_running_loop().call_later(delay_s, self._offer)

    def _offer(self) -> None:
        if self._closed or (self.peer is not None and self.peer.state == "connected"):
            return
        peer = self._renew(self._generation + 1)
        self._spawn(peer, self._call(peer), "nbrtc-peer-offer")

    async def _call(self, peer: PythonPeer) -> None:
        offer = await peer.offer()
        if peer is self.peer:
            self._say(SessionDescription(type="offer", sdp=offer), self._generation)

    def _say(self, description: SessionDescription, generation: int | None) -> None:
        self._mesh.signal(
            PeerSignal(
                peer=self.other.id,
                generation=None if self._is_legacy else generation,
                description=description,
            )
        )

    def _trickle(self, peer: PythonPeer, line: str) -> None:
        """A candidate that a server gave; clients of the tutorial protocol know no end of them."""
        if peer is not self.peer or (self._is_legacy and not line):
            return
        self._mesh.signal(
            PeerSignal(
                peer=self.other.id,
                generation=None if self._is_legacy else self._generation,
                candidate=IceCandidate(candidate=line, sdp_mid=peer.mid, sdp_m_line_index=0),
            )
        )

    def _renew(self, generation: int) -> PythonPeer:
        """A new connection in the place of the present one."""
        self._drop()
        self._generation = generation
        desk = self._mesh.ice
        peer = self.peer = PythonPeer(
            self.other.id,
            generation,
            broadcast=self._mesh.broadcast,
            voice=self._mesh.voice,
            on_state=self._changed,
            ice_servers=() if desk is None else desk.servers,
            relay_only=desk is not None and desk.decision.ice_transport_policy == "relay",
        )
        peer.ice.on_records = self._mesh.on_records
        peer.ice.on_candidate = lambda line: self._trickle(peer, line)
        self._enter("connecting" if self.state == "new" else "reconnecting")
        return self.peer

    def _changed(self, peer: PythonPeer, state: str) -> None:
        if peer is not self.peer:
            return
        if state == "connected":
            self._failures = 0
            self._enter("connected")
        elif state in ("failed", "closed"):
            self._lost("it failed" if state == "failed" else "the other side ended it")

    def _lost(self, why: str) -> None:
        """The connection is over; the next one is ours to offer or is waited for."""
        logger.info("Connection %d to %s: %s", self._generation, self.other.id, why)
        self._drop()
        if not self._is_ours_to_offer:
            self._enter("reconnecting")
        elif self._failures < len(LADDER_S):
            self._enter("reconnecting")
            self._offer_after(LADDER_S[self._failures])
            self._failures += 1
        else:
            self._enter("failed")
            self._mesh.problem("peer", f"The connection to {self.other.name} could not be made: {why}.")

    def _drop(self) -> None:
        self._cancel()
        peer, self.peer = self.peer, None
        if peer is not None:
            self._mesh.tasks.spawn(peer.close(), "nbrtc-peer-close")

    def _cancel(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _enter(self, state: PeerState) -> None:
        if state != self.state and not self._closed:
            self.state = state
            self._mesh.on_state(self.other.id, state)

    def _spawn(self, peer: PythonPeer, work: Coroutine[Any, Any, None], name: str) -> None:
        async def run() -> None:
            try:
                await work
            except NegotiationError as error:
                if peer is self.peer:  # else it was replaced or closed meanwhile, which explains it
                    self._mesh.problem("negotiation", f"{self.other.name}: {error}")

        self._mesh.tasks.spawn(run(), name)
