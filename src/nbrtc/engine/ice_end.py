"""One end of a connection's ICE: what is gathered, what is let in, what is told. On the engine's loop."""

import asyncio
from collections.abc import Callable, Sequence

from aioice import Candidate as IceCandidate
from aiortc import RTCConfiguration, RTCIceTransportPolicy, RTCPeerConnection

from ..messages import IceRecord, IceServerEntry
from .door import Door
from .gathering import Gathering
from .ice_seams import IceSeam, connect
from .ice_trace import IceTrace


def connection_of(*, relay_only: bool) -> RTCPeerConnection:
    """A connection without servers of its own: aiortc would ask them before it answers (see gathering.py)."""
    policy = RTCIceTransportPolicy.RELAY if relay_only else RTCIceTransportPolicy.ALL
    return RTCPeerConnection(RTCConfiguration(iceServers=[], iceTransportPolicy=policy))


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
        self._connection = connection
        self._has_begun = False
        trace = self._trace = IceTrace(peer, generation, lambda records: self.on_records(records))
        connection.on("iceconnectionstatechange", lambda: trace.changed(connection.iceConnectionState))
        self.door = Door(trace.refused)
        self._gathering = Gathering(
            servers, relay_only=relay_only, on_candidate=self._gathered, on_failed=trace.failed
        )
        self._ending: asyncio.Task[None] | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._is_without = relay_only  # any candidate at all

    def begin(self, sdp: str) -> str:
        """A local description is set: gather beside the first one. Returns it as it goes out.

        Where more candidates follow, it does not say that these were all (RFC 8840, section 8.2).
        """
        if not self._has_begun:
            self._has_begun = True
            ice = IceSeam(self._connection)
            self._trace.start(ice)
            self._gathering.start(ice)
        return sdp.replace("a=end-of-candidates\r\n", "") if self._gathering.is_wanted else sdp

    def end_candidates(self) -> None:
        """The other side has no more. ICE hears so when none is to come here either; else it fails early."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name="nbrtc-candidates")

    async def close(self) -> None:
        """Before the connection is closed. Idempotent."""
        await self._gathering.close()
        for task in (self._ending, self._connecting):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._trace.close()

    async def _end(self) -> None:
        await self._gathering.finished()
        await self._connection.addIceCandidate(None)

    def _gathered(self, candidate: IceCandidate | None, url: str) -> None:
        self._trace.gathered(candidate, url)
        if candidate is not None and self._is_without:
            self._is_without = False
            self._connecting = asyncio.create_task(connect(self._connection), name="nbrtc-connect")
        if self._gathering.is_wanted:
            self.on_candidate("" if candidate is None else f"candidate:{candidate.to_sdp()}")
