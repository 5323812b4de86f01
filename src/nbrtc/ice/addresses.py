"""Addresses that a stranger's candidates may not name: a check sent there knocks where nobody invited it."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

METADATA = frozenset(map(ip_address, ("169.254.169.254", "100.100.100.200", "fd00:ec2::254")))
"""Where clouds tell a machine its secrets."""
TRANSLATED = ip_network("64:ff9b::/96")
"""IPv4 behind NAT64 (RFC 6052, section 2.1)."""

Address = IPv4Address | IPv6Address


def refusal(address: str, *, is_local: bool = False) -> str | None:
    """Why no packet goes to a candidate's address, as a sentence; None if one may.

    Parameters
    ----------
    address
        An IP address or a name, as it stands in the candidate (RFC 8839, section 5.1).
    is_local
        Both ends are on this machine: then its own addresses are fine.
    """
    if address.lower().endswith(".local"):
        return None  # RFC 9429, section 5.2.1 has mDNS names; what one resolves to is looked at by itself
    try:
        found = unwrapped(ip_address(address.partition("%")[0]))
    except ValueError:
        return "Host names other than .local are refused."
    if found.is_unspecified or found.is_multicast or found in (IPv4Address(0xFFFFFFFF),):
        return "Nobody has this address."
    if isinstance(found, IPv4Address) and (found.packed[0] == 0 or found.packed[0] >= 240):
        return "Nobody has this address."
    if is_local:
        return None
    if found in METADATA:
        return "It is a cloud's metadata service."
    if found.is_loopback:
        return "It is a machine's address for itself."
    if found.is_link_local:
        return "It is valid on one cable only."
    return None


def unwrapped(address: Address) -> Address:
    """The IPv4 address in an IPv6 one (RFC 4291, section 2.5.5; RFC 6052), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in TRANSLATED or (address.packed[:12] == bytes(12) and int(address) > 1):
        return IPv4Address(address.packed[12:])
    return address
