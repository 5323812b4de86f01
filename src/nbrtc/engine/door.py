"""The other side's candidates at the engine's door: those that name what they must not are left outside."""

import re
from collections.abc import Callable

from aioice.ice import get_host_addresses

from ..ice.addresses import refusal

MOST_TOLD = 20
"""Refusals of one connection that are told; a flood of them is only refused."""


class Door:
    """For the candidates of one connection.

    Parameters
    ----------
    on_refused
        Told the address and why.
    """

    def __init__(self, on_refused: Callable[[str, str], None]) -> None:
        self.is_local = False
        """Both ends are on this machine."""
        self.refused = 0
        self._on_refused = on_refused

    def admits(self, candidate: str) -> bool:
        """Whether a candidate (RFC 8839, section 5.1) may be tried; what nobody can read is not judged."""
        found = re.match(r"(?:a=)?(?:candidate:)?(?:\S+ ){4}(\S+) \d+ typ ", candidate)
        if found is None:
            return True
        reason = refusal(found[1], is_local=self.is_local or self._is_own(found[1]))
        if reason is None:
            return True
        self.refused += 1
        if self.refused <= MOST_TOLD:
            self._on_refused(found[1], reason)
        return False

    def clean(self, sdp: str) -> str:
        """The description without the candidates that are refused."""
        lines = sdp.split("\n")
        return "\n".join(line for line in lines if not line.startswith("a=candidate:") or self.admits(line))

    def _is_own(self, address: str) -> bool:
        """The other end has an address of this very machine, so both are on it."""
        if address not in get_host_addresses(use_ipv4=True, use_ipv6=True):
            return False
        self.is_local = True
        return True
