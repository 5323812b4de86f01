"""One end of a connection's ICE: what is gathered, what is let in, what is told. On the engine's loop."""

from collections.abc import Callable, Sequence
from typing import Literal

from aioice import Candidate as IceCandidate
from aiortc import (
    RTCConfiguration,
    RTCIceCandidate,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from ..messages import IceRecord, IceServerEntry
from .description import split_candidates
from .door import Door
from .gathering import Gathering
from .ice_seams import IceSeam, connect, guard
from .ice_trace import IceTrace
from .tasks import Tasks


def connection_of(*, relay_only: bool) -> RTCPeerConnection:
    """A connection without servers of its own: aiortc would ask them before it answers (see gathering.py)."""
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    return RTCPeerConnection(RTCConfiguration(iceServers=[], iceTransportPolicy=policy))


def checked(text: str) -> RTCIceCandidate:
    """A candidate of RFC 8839, section 5.1. One out of its bounds would end the connection as it is used.

    Raises
    ------
    ValueError, AssertionError, IndexError
        If it is malformed.
    """
    candidate = candidate_from_sdp(text)
    ports = (candidate.port, candidate.relatedPort or 0)
    if not all(0 <= port < 1 << 16 for port in ports):
        raise ValueError(f"a candidate has no port {max(ports, key=abs)}")
    if not 0 <= candidate.priority < 1 << 32 or not 1 <= candidate.component <= 256:
        raise ValueError(
            f"a candidate has no priority {candidate.priority} and component {candidate.component}"
        )
    return candidate


class IceEnd:
    """For one peer connection, from its making to its close.

    Parameters
    ----------
    connection
        As `connection_of` makes it.
    peer, generation
        Whose it is, in the records.
    servers, relay_only
        Asked for candidates once the local description is set; whether only relayed ones are used.
    """

    def __init__(
        self,
        connection: RTCPeerConnection,
        peer: str,
        generation: int,
        servers: Sequence[IceServerEntry],
        *,
        relay_only: bool,
    ) -> None:
        self.on_candidate: Callable[[str], None] = lambda _: None
        """Called with the line of each candidate that a server gave, and with an empty one at their end."""
        self.on_records: Callable[[tuple[IceRecord, ...]], None] = lambda _: None
        """Called with what is seen."""
        self.why_not = ""
        """What the last server said that gave nothing, as a sentence."""
        self._connection = connection
        self._seam: IceSeam | None = None
        trace = self._trace = IceTrace(peer, generation, lambda records: self.on_records(records))
        connection.on("iceconnectionstatechange", lambda: trace.changed(connection.iceConnectionState))
        self._door = Door(trace.refused)
        self._gathering = Gathering(
            servers, relay_only=relay_only, on_candidate=self._gathered, on_failed=self._failed
        )
        self._tasks = Tasks()
        self._is_ending = False
        self._is_without = relay_only  # any candidate at all

    @property
    def refused(self) -> int:
        """How many of the other side's candidates were not let in."""
        return self._door.refused

    @property
    def has_nothing(self) -> bool:
        """Only relays may be used, and no server gave one: there will be no connection."""
        return self._gathering.is_done and self._is_without

    async def take(self, sdp: str, kind: Literal["offer", "answer"]) -> None:
        """Set the other side's description; its candidates are added after it, as if they had trickled.

        A name among them would hold up the answer while it is looked up, and "end of candidates" would let
        ICE fail while ours are still being gathered.

        Raises
        ------
        Exception
            Whatever aiortc's parser stumbles over.
        """
        bare, candidates, has_ended = split_candidates(sdp)
        parsed = [(section, checked(text)) for section, text in candidates]
        await self._connection.setRemoteDescription(RTCSessionDescription(sdp=bare, type=kind))
        guard(self._connection, self._door.admits)
        for section, candidate in parsed:
            candidate.sdpMLineIndex = section
            adding = self._connection.addIceCandidate(candidate)
            if candidate.ip.endswith(".local"):
                self._tasks.spawn(adding, "nbrtc-candidate-name")
            else:
                await adding
        if has_ended and candidates:  # without any, ICE would fail without saying why
            self.end_candidates()

    async def add(self, line: str, sdp_mid: str | None, sdp_m_line_index: int | None) -> None:
        """Add a candidate that trickled in, once the description is set; a name is looked up first.

        Raises
        ------
        ValueError, AssertionError, IndexError
            If it is malformed.
        """
        candidate = checked(line.removeprefix("candidate:"))
        candidate.sdpMid, candidate.sdpMLineIndex = sdp_mid, sdp_m_line_index
        await self._connection.addIceCandidate(candidate)

    def begin(self, sdp: str) -> str:
        """A local description is set: gather beside the first one. Returns it as it goes out.

        Where more candidates follow, it does not say that these were all (RFC 8840, section 8.2).
        """
        if self._seam is None:
            self._seam = IceSeam(self._connection)
            self._trace.start(self._seam)
            self._gathering.start(self._seam)
        return sdp.replace("a=end-of-candidates\r\n", "") if self._gathering.is_wanted else sdp

    def end_candidates(self) -> None:
        """The other side has no more. ICE hears so when none is to come here either; else it fails early."""
        if not self._is_ending:
            self._is_ending = True
            self._tasks.spawn(self._end(), "nbrtc-candidates")

    async def close(self) -> None:
        """Before the connection is closed. Idempotent."""
        self._tasks.cancel()
        await self._gathering.close()
        await self._trace.close()
        await self._tasks.finish()

    async def _end(self) -> None:
        await self._gathering.finished()
        await self._connection.addIceCandidate(None)

    def _gathered(self, candidate: IceCandidate | None, url: str) -> None:
        self._trace.gathered(candidate, url)
        if candidate is not None and self._is_without:
            self._is_without = False
            self._tasks.spawn(connect(self._connection), "nbrtc-connect")
        if self._gathering.is_wanted:
            self.on_candidate("" if candidate is None else f"candidate:{candidate.to_sdp()}")

    def _failed(self, url: str, code: int, sentence: str) -> None:
        self.why_not = f"{url}: {sentence}"
        self._trace.failed(url, code, sentence)
