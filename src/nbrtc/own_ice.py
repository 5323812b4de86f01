"""ICE of a `Call` and a `Bot`: how connections are to find their way, and, in `call.ice`, how they did."""

from collections.abc import Iterable
from functools import cached_property
from typing import Protocol

import msgspec

from .ice.policy import IcePolicy, to_options
from .ice.servers import AnyServer, IceServer, to_sources
from .ice.trail import IceTrail
from .ice.view import CallIce
from .messages import IceOptions, IceServerSource, ProbeServers, ServerProbe, Verb
from .mirror import StateMirror

_PROBES = msgspec.msgpack.Decoder(list[ServerProbe])
ANSWER_S = 10.0
"""The answer may take so much longer than the servers."""


class IceSide(Protocol):
    """What is asked of the kernel's side of a call."""

    mirror: StateMirror
    trail: IceTrail

    def request(self, verb: Verb, timeout_s: float = 10.0) -> msgspec.Raw:
        """Ask the engine and wait for its word."""

    @property
    def ice(self) -> tuple[tuple[IceServerSource, ...], IceOptions]:
        """The servers and the options that the engine was told of."""

    def change_ice(self, servers: tuple[IceServerSource, ...], options: IceOptions) -> None:
        """Use others for later connections."""


class OwnIce:
    """Base of `Call` and `Bot`. Everything may be used from any thread."""

    _side: IceSide

    @property
    def ice_servers(self) -> list[IceServer]:
        """The STUN and TURN servers that are configured; another list may be assigned.

        It is used by connections that are made from then on. What the room's server issues comes beside it.
        Assigning raises as the keyword does.
        """
        return [IceServer.of(source) for source in self._side.ice[0]]

    @ice_servers.setter
    def ice_servers(self, servers: Iterable[AnyServer]) -> None:
        sources = to_sources(servers)
        options = to_options(self.ice_policy, sources, in_room=self._is_in_room)
        self._side.change_ice(sources, options)

    @property
    def ice_policy(self) -> IcePolicy:
        """How connections find their way; another `IcePolicy` may be assigned, None for the default one.

        It is used by connections that are made from then on. ``call.ice_policy.explain()`` says what it comes
        to now, and why. Assigning raises as the keyword does, and CallError where the policy needs a TURN
        server and the room's server issues none.
        """
        return IcePolicy.of(self._side.ice[1], lambda: self._side.mirror.state.ice)

    @ice_policy.setter
    def ice_policy(self, policy: IcePolicy | None) -> None:
        sources = self._side.ice[0]
        self._side.change_ice(sources, to_options(policy, sources, in_room=self._is_in_room))

    @property
    def _is_in_room(self) -> bool:
        return self._side.mirror.state.room is not None

    @cached_property
    def ice(self) -> CallIce:
        """Candidates, pairs, servers and the policy's decision; see `CallIce`."""
        side = self._side

        def probe(timeout_s: float) -> list[ServerProbe]:
            verb = ProbeServers(timeout_s=timeout_s)
            return _PROBES.decode(side.request(verb, timeout_s + ANSWER_S))

        return CallIce(side.trail, lambda: side.mirror.state.ice, probe)
