"""To whom a TURN server relays: public IPv4 addresses, and what was asked for."""

from ipaddress import IPv4Address, IPv4Network

from .addresses import METADATA

DENIED = (
    ("0.0.0.0-0.255.255.255", "this host (RFC 1122)"),
    ("10.0.0.0-10.255.255.255", "private networks (RFC 1918)"),
    ("100.64.0.0-100.127.255.255", "carrier-grade NAT (RFC 6598)"),
    ("127.0.0.0-127.255.255.255", "loopback (RFC 1122)"),
    ("169.254.0.0-169.254.255.255", "link-local (RFC 3927), and with it the metadata services of clouds"),
    ("172.16.0.0-172.31.255.255", "private networks (RFC 1918)"),
    ("192.0.0.0-192.0.0.255", "protocol assignments (RFC 6890)"),
    ("192.0.2.0-192.0.2.255", "documentation (RFC 5737)"),
    ("192.88.99.0-192.88.99.255", "6to4 relays (RFC 7526)"),
    ("192.168.0.0-192.168.255.255", "private networks (RFC 1918)"),
    ("198.18.0.0-198.19.255.255", "benchmarks (RFC 2544)"),
    ("198.51.100.0-198.51.100.255", "documentation (RFC 5737)"),
    ("203.0.113.0-203.0.113.255", "documentation (RFC 5737)"),
    ("224.0.0.0-255.255.255.255", "multicast, reserved and broadcast (RFC 1112, RFC 919)"),
)
DENIED_V6 = (
    ("::1", "loopback (RFC 4291)"),
    ("::ffff:0.0.0.0-::ffff:255.255.255.255", "IPv4-mapped addresses: the way around the ranges above"),
    ("64:ff9b::-64:ff9b::ffff:ffff", "IPv4 behind NAT64 (RFC 6052)"),
    ("64:ff9b:1::-64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "IPv4 behind a local NAT64 (RFC 8215)"),
    ("100::-100::ffff:ffff:ffff:ffff", "discarded (RFC 6666)"),
    ("2001::-2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo and protocol assignments (RFC 2928)"),
    ("2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation (RFC 3849)"),
    ("2002::-2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "IPv4 inside 6to4 (RFC 3056)"),
    ("fc00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private networks (RFC 4193)"),
    ("fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local (RFC 4291)"),
    ("fec0::-feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local (RFC 3879)"),
    ("ff00::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast (RFC 4291)"),
)
"""A bare ``::`` must not stand among them: coturn takes it for every address."""
NEVER = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3")))
"""What no ``allow_peers`` opens: the server's own machine, metadata services, multicast."""

Range = tuple[IPv4Address, IPv4Address]


def peer_range(peer: str) -> Range:
    """First and last address of an IPv4 address, a range ``A-B`` or a network ``A/N``.

    Raises
    ------
    ValueError
        If it is none, or has addresses to which a TURN server must never relay.
    """
    try:
        if "/" in peer:
            network = IPv4Network(peer)
            first, last = network[0], network[-1]
        else:
            begin, dash, end = peer.partition("-")
            first = IPv4Address(begin)
            last = IPv4Address(end) if dash else first
    except ValueError as error:
        raise ValueError(
            f"The peer {peer[:60]!r} is no IPv4 address, range (10.1.0.1-10.1.0.9) or network (10.1.0.0/24)."
        ) from error
    if first > last:
        raise ValueError(f"The range of peers {peer!r} ends before it begins.")
    for never in NEVER:
        if first <= never[-1] and never[0] <= last:
            raise ValueError(
                f"The peers {peer!r} include addresses of {never}: the TURN server's own machine, metadata "
                "services or multicast, to which it must not relay."
            )
    return first, last


def allowed_ranges(peer: str) -> list[Range]:
    """The same without the metadata services of clouds, one of which is in the carriers' range.

    Raises
    ------
    ValueError
        As `peer_range`, and where nothing else is left.
    """
    ranges = [peer_range(peer)]
    for hole in sorted(address for address in METADATA if isinstance(address, IPv4Address)):
        ranges = [part for one in ranges for part in _without(one, hole)]
    if not ranges:
        raise ValueError(f"The peer {peer!r} is a cloud's metadata service, to which nothing is relayed.")
    return ranges


def _without(span: Range, hole: IPv4Address) -> list[Range]:
    first, last = span
    if not first <= hole <= last:
        return [span]
    sides = [(first, hole - 1)] if first < hole else []
    return [*sides, (hole + 1, last)] if hole < last else sides


def is_denied(address: str) -> bool:
    """Whether an IPv4 address is in one of the ranges to which nothing is relayed."""
    wanted = IPv4Address(address)
    return any(
        IPv4Address(begin) <= wanted <= IPv4Address(end)
        for begin, _, end in (denied.partition("-") for denied, _ in DENIED)
    )
