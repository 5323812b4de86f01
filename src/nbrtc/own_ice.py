"""`call.ice`: the part of a `Call` and a `Bot` that shows how their connections found their way."""

from functools import cached_property
from typing import Protocol

import msgspec

from .ice.trail import IceTrail
from .ice.view import CallIce
from .messages import ProbeServers, ServerProbe, Verb
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


class OwnIce:
    """Base of `Call` and `Bot`."""

    _side: IceSide

    @cached_property
    def ice(self) -> CallIce:
        """Candidates, pairs, servers and the policy's decision; see `CallIce`."""
        side = self._side

        def probe(timeout_s: float) -> list[ServerProbe]:
            verb = ProbeServers(timeout_s=timeout_s)
            return _PROBES.decode(side.request(verb, timeout_s + ANSWER_S))

        return CallIce(side.trail, lambda: side.mirror.state.ice, probe)
