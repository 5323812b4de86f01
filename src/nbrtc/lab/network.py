"""A worse network for a call, on purpose: the seeded transport shim between the engine and its socket."""

from typing import Any, Protocol, cast

import msgspec

from ..bridge import Bridge
from ..messages import Impair, Impairment, ReadLedger
from .impairment import Shim


class Impaired(Protocol):
    """A `nbrtc.Call`, as far as this module needs to know it."""

    id: str


def impair(
    call: Impaired,
    *,
    loss_fraction: float = 0.0,
    delay_ms: float = 0.0,
    jitter_ms: float = 0.0,
    rate_bps: float | None = None,
    seed: int = 0,
) -> None:
    """Lose, delay and throttle the call's datagrams, alike both ways; replaces an earlier impairment.

    Parameters
    ----------
    loss_fraction
        Share of the datagrams that is lost, 0 to 1.
    delay_ms, jitter_ms
        Delay in one direction, and how much it varies; nothing is reordered.
    rate_bps
        Bits per second that pass; a queue of bounded length waits, the rest is dropped.
    seed
        The same seed loses the same datagrams.

    Raises
    ------
    ValueError
        For a value out of range.
    """
    impairment = Impairment(
        seed=seed, loss_fraction=loss_fraction, delay_ms=delay_ms, jitter_ms=jitter_ms, rate_bps=rate_bps
    )
    Shim(impairment)  # refuses values out of range here, where the caller sees the line
    Bridge.shared().request(call.id, Impair(impairment=impairment))


def clear(call: Impaired) -> None:
    """Take the impairment off."""
    Bridge.shared().request(call.id, Impair(impairment=None))


def ledger(call: Impaired) -> dict[str, Any]:
    """What became of the datagrams, by direction: counts and bytes sent, delivered, lost and dropped.

    Empty without an impairment.
    """
    return cast(dict[str, Any], msgspec.msgpack.decode(Bridge.shared().request(call.id, ReadLedger())) or {})
