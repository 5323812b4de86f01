"""Addresses that may be shown to others: of what kind each one is, and which are the same."""

from ipaddress import IPv4Address, IPv6Address, ip_address


class Redaction:
    """Gives each address a name that tells its kind, and tells it from others; one for each table.

    >>> redaction = Redaction()
    >>> redaction("192.168.1.20"), redaction("2001:db8::1"), redaction("192.168.1.20")
    ('private-ipv4-1', 'public-ipv6-1', 'private-ipv4-1')
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __call__(self, address: str) -> str:
        """The name of an address; an empty one stays empty."""
        if not address:
            return address
        if address not in self._names:
            kind = kind_of(address)
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._names[address] = f"{kind}-{self._counts[kind]}"
        return self._names[address]


def kind_of(address: str) -> str:
    """``"private-ipv4"``, ``"public-ipv6"``, ``"loopback-ipv4"`` and so on; ``"mdns"``, or ``"name"``."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "mdns" if address.endswith(".local") else "name"
    family = f"ipv{parsed.version}"
    return f"{_reach(parsed)}-{family}"


DOCUMENTATION = ("2001:db8:", "192.0.2.", "198.51.100.", "203.0.113.")


def _reach(address: IPv4Address | IPv6Address) -> str:
    if address.is_loopback:
        return "loopback"
    if address.is_link_local:
        return "link-local"
    # documentation addresses stand for public ones, although ipaddress calls them private
    if address.is_private and not str(address).startswith(DOCUMENTATION):
        return "private"
    return "public"
