"""The other side's candidates at the engine's door: those that name what they must not are left outside."""

from collections.abc import Callable
from functools import cached_property

import aioice.ice

from ..ice.addresses import refusal
from .seams import LOOPBACK

MOST_TOLD = 20
"""Refusals of one connection that are told; a flood of them is only refused."""


class Door:
    """For the remote candidates of one connection; see `ice_seams.guard`.

    An address of this very machine is let in, since whoever names it is here, too, or gains nothing. It opens
    the door for no other: anybody who got a description from here knows it and could claim to be here.

    Parameters
    ----------
    on_refused
        Told the address and why.
    """

    def __init__(self, on_refused: Callable[[str, str], None]) -> None:
        self.refused = 0
        self._on_refused = on_refused

    def admits(self, address: str) -> bool:
        """Whether checks may be sent to an IP address: the candidate's, or what its name was resolved to."""
        reason = refusal(address, is_local=self.is_alone or address in self._own)
        if reason is None:
            return True
        self.refused += 1
        if self.refused <= MOST_TOLD:
            self._on_refused(address, reason)
        return False

    @property
    def is_alone(self) -> bool:
        """Only the loopback address is there, so whoever calls is on this machine."""
        return self._own == {LOOPBACK}

    @cached_property
    def _own(self) -> frozenset[str]:
        # by the module: seams.use_loopback_where_alone replaces it there
        return frozenset(aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True))
