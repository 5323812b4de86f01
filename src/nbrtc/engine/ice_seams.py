"""The private parts of aioice that gathering and tracing lean on, in one place; see seams.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aioice import Candidate as IceCandidate
from aioice.ice import Connection, StunProtocol, relayed_candidate, server_reflexive_candidate
from aiortc import RTCPeerConnection

from .seams import _private, ice_transport

COMPONENT = 1
"""RTP and RTCP share one (RFC 8834, section 4.5)."""


@dataclass(frozen=True, slots=True)
class CheckedPair:
    """A pair of the check list (RFC 8445, section 6.1.2.5)."""

    local: IceCandidate
    remote: IceCandidate
    state: str
    is_nominated: bool
    is_selected: bool


class IceSeam:
    """The one ICE connection of a bundled peer connection whose descriptions are set."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        self._ice: Connection = _private(ice_transport(connection), "_connection")
        for name in ("_protocols", "_local_candidates", "_remote_candidates", "_check_list", "_nominated"):
            _private(self._ice, name)

    @property
    def local_candidates(self) -> list[IceCandidate]:
        """Own candidates so far."""
        return self._ice.local_candidates

    @property
    def remote_candidates(self) -> list[IceCandidate]:
        """The other side's so far, also those that its checks showed."""
        return self._ice.remote_candidates

    @property
    def pairs(self) -> Iterator[CheckedPair]:
        """The check list as it is now."""
        selected = self._ice._nominated.get(COMPONENT)
        for pair in list(self._ice._check_list):
            yield CheckedPair(
                pair.local_candidate,
                pair.remote_candidate,
                pair.state.name.lower().replace("_", "-"),
                pair.nominated,
                pair is selected,
            )

    @property
    def host_protocols(self) -> list[StunProtocol]:
        """The sockets of the host candidates."""
        return [one for one in self._ice._protocols if one.local_candidate.type == "host"]

    async def reflexive(self, protocol: StunProtocol, server: tuple[str, int]) -> IceCandidate:
        """Ask a STUN server what address it sees (RFC 8489, section 12)."""
        candidate, _ = await server_reflexive_candidate(protocol, server)
        return candidate

    async def relayed(self, server: tuple[str, int], *, hide_base: bool, **access: Any) -> "Relay":
        """Allocate on a TURN server (RFC 8656, section 7)."""
        candidate, protocol = await relayed_candidate(
            component=COMPONENT,
            hide_related_address=hide_base,
            protocol_factory=lambda: StunProtocol(self._ice),
            turn_server=server,
            **access,
        )
        return Relay(candidate, protocol)

    def add(self, candidate: IceCandidate, protocol: StunProtocol | None = None) -> bool:
        """Use a local candidate that was gathered late (RFC 8838, section 8); False if it is of no use.

        A reflexive one has no socket of its own: its checks leave from its base (RFC 8445, section 6.1.2.4).
        """
        if _private(self._ice, "_closing"):
            return False
        known = self._ice._local_candidates
        if any(
            (one.host, one.port, one.type) == (candidate.host, candidate.port, candidate.type)
            for one in known
        ):
            return False
        if candidate.type == "srflx" and any(
            (one.host, one.port) == (candidate.host, candidate.port) for one in known
        ):
            return False  # no NAT: it is the host candidate (RFC 8445, section 5.1.3)
        known.append(candidate)
        if protocol is not None:
            self._ice._protocols.append(protocol)
            for remote in self._ice._remote_candidates:
                self._ice._pair_remote_candidate(remote)
            self._ice.sort_check_list()
        return True


async def connect(connection: RTCPeerConnection) -> None:
    """Begin what aiortc did not begin when both descriptions were set, because there was no candidate yet."""
    await _private(connection, "_RTCPeerConnection__connect")()


@dataclass(frozen=True, slots=True)
class Relay:
    """An allocation that is in use."""

    candidate: IceCandidate
    protocol: StunProtocol
