"""The private parts of aioice that gathering and tracing lean on, in one place; see seams.py."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aioice import Candidate as IceCandidate
from aioice import stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, relayed_candidate
from aioice.turn import TurnTransport
from aiortc import RTCPeerConnection

from .seams import _private, _replace, ice_transport

COMPONENT = 1
"""RTP and RTCP share one (RFC 8834, section 4.5)."""
MOST_PREFERRED = 65535
"""Local preference of the best candidate of its type (RFC 8445, section 5.1.2.1)."""


@dataclass(frozen=True, slots=True)
class CheckedPair:
    """A pair of the check list (RFC 8445, section 6.1.2.5)."""

    local: IceCandidate
    remote: IceCandidate
    state: str
    is_nominated: bool
    is_selected: bool


class Relay(StunProtocol):
    """The checks and media of one allocation.

    Parameters
    ----------
    ice
        The ICE connection that it belongs to.
    on_error
        Told what the server refuses once the allocation is there, and that it is lost.
    """

    def __init__(self, ice: Connection, on_error: Callable[[Exception], None]) -> None:
        super().__init__(ice)
        self._on_error = on_error
        self._is_released = False

    async def close(self) -> None:
        """Give the allocation back without waiting for the server, which may be gone. Idempotent.

        The transport asks for it on a task of its own, which ends with the retransmissions of that request.
        """
        self._is_released = True
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The allocation ended: by `close`, or it could not be refreshed, or the server hung up."""
        super().connection_lost(exc)
        if not self._is_released:
            self._on_error(exc or ConnectionResetError(0, "it ended the allocation"))

    def error_received(self, exc: Exception) -> None:
        """A packet could not be relayed, since the server forbids its peer, say (RFC 8656, section 12)."""
        super().error_received(exc)
        if not self._is_released:
            self._on_error(exc)


class IceSeam:
    """The one ICE connection of a bundled peer connection whose descriptions are set."""

    def __init__(self, connection: RTCPeerConnection) -> None:
        self._ice: Connection = _private(ice_transport(connection), "_connection")
        for name in (
            "_protocols",
            "_local_candidates",
            "_remote_candidates",
            "_check_list",
            "_check_list_done",
            "_nominated",
            "_closing",
            "_pair_remote_candidate",
        ):
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
        """Ask a STUN server, by its IP address, what address it sees (RFC 8489, section 12)."""
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        response, _ = await protocol.request(request, server)
        host, port = response.attributes["XOR-MAPPED-ADDRESS"]
        base = protocol.local_candidate
        return IceCandidate(
            foundation=candidate_foundation("srflx", "udp", base.host),
            component=COMPONENT,
            transport="udp",
            priority=candidate_priority(COMPONENT, "srflx"),
            host=host,
            port=port,
            type="srflx",
            related_address=base.host,
            related_port=base.port,
        )

    async def relayed(
        self,
        server: tuple[str, int],
        *,
        rank: int,
        hide_base: bool,
        on_error: Callable[[Exception], None],
        **access: Any,
    ) -> Relay:
        """Allocate on a TURN server (RFC 8656, section 7); a relay of lower rank is preferred."""
        candidate, relay = await relayed_candidate(
            component=COMPONENT,
            hide_related_address=hide_base,
            protocol_factory=lambda: Relay(self._ice, on_error),
            turn_server=server,
            **access,
        )
        candidate.priority = candidate_priority(COMPONENT, "relay", MOST_PREFERRED - rank)
        assert isinstance(relay, Relay)
        return relay

    def add_reflexive(self, candidate: IceCandidate) -> bool:
        """Take a reflexive candidate that was gathered late (RFC 8838, section 8); False if it is useless.

        It has no socket of its own: its checks leave from its base (RFC 8445, section 6.1.2.4). One that
        equals another of whatever type is redundant (section 5.1.3): without a NAT it is the host candidate.
        """
        known = self._ice._local_candidates
        if self._ice._closing or (candidate.host, candidate.port) in [(one.host, one.port) for one in known]:
            return False
        known.append(candidate)
        return True

    def add_relay(self, relay: Relay) -> bool:
        """The same of a relayed one, which is paired with what the other side has given."""
        if self._ice._closing:
            return False
        self._ice._local_candidates.append(relay.local_candidate)
        self._ice._protocols.append(relay)
        if not self._ice._check_list_done:  # else a way is found, and nobody would check these pairs
            for remote in self._ice._remote_candidates:
                self._ice._pair_remote_candidate(remote)
            self._ice.sort_check_list()
        return True


def guard(connection: RTCPeerConnection, admits: Callable[[str], bool]) -> None:
    """Ask `admits` of the IP address of each remote candidate, also of one that stood behind a name.

    To be called with every remote description that is set; candidates come after it.
    """
    carriers: list[Any] = [one.receiver for one in connection.getTransceivers()]
    carriers += [connection.sctp] if connection.sctp else []
    for ice in {_private(carrier.transport.transport, "_connection") for carrier in carriers}:
        if "_add_remote_candidate" not in vars(ice):
            _replace(ice, "_add_remote_candidate", _guarded(_private(ice, "_add_remote_candidate"), admits))


def _guarded(
    add: Callable[[IceCandidate, str], None], admits: Callable[[str], bool]
) -> Callable[[IceCandidate, str], None]:
    def add_admitted(remote_candidate: IceCandidate, network_host: str) -> None:
        if admits(network_host):
            add(remote_candidate, network_host)

    return add_admitted


def drop_malformed_messages() -> None:
    """Let aioice drop a STUN message with a cut attribute, as any other that is malformed. Idempotent.

    Whoever finds the port could fill the log with tracebacks: aioice expects nothing but ValueError there.
    """
    original: Callable[[bytes], stun.Message] = _private(stun, "parse_message")
    if getattr(original, "is_strict", False):
        return

    def parse_message(data: bytes) -> stun.Message:
        try:
            return original(data)
        except struct.error as error:
            raise ValueError(f"STUN attribute is malformed: {error}") from error

    parse_message.is_strict = True  # type: ignore[attr-defined]
    _replace(stun, "parse_message", parse_message)


async def free(transport: TurnTransport) -> None:
    """Give an allocation back and hear that it is (RFC 8656, section 8); its socket is closed in any case."""
    await _private(transport, "_TurnTransport__inner_protocol").delete()


async def connect(connection: RTCPeerConnection) -> None:
    """Begin what aiortc did not begin when both descriptions were set, because there was no candidate yet."""
    await _private(connection, "_RTCPeerConnection__connect")()
