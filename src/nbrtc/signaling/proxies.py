"""Whose request it is: the address of whoever asks, also behind a proxy, as limits count it."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

FORWARDED = "X-Forwarded-For"


class Proxies:
    """Who may say for whom it asks.

    Parameters
    ----------
    networks
        Addresses or networks of proxies, such as ``127.0.0.1`` or ``10.0.0.0/8``. From everybody else the
        header is passed over, as anybody can write one.

    Raises
    ------
    ValueError
        For what is no address.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = tuple(map(_network, networks))

    def behind(self, request: web.Request) -> web.Request:
        """The request as if its sender had come without the proxies."""
        if not self._networks:
            return request
        client = self.client(request.remote or "", request.headers.getall(FORWARDED, []))
        return request if client == request.remote else request.clone(remote=client)

    def client(self, remote: str, headers: Sequence[str]) -> str:
        """The last address that no proxy of ours has.

        Each proxy adds at the right from whom it heard; what stands further left than the last stranger is
        the stranger's own word.
        """
        hops = [hop.strip() for header in headers for hop in header.split(",")]
        client = remote
        while hops and self._trusts(client):
            said = _address(hops.pop())
            if said is None:
                break
            client = str(said)
        return client

    def _trusts(self, address: str) -> bool:
        known = _address(address)
        return known is not None and any(known in network for network in self._networks)


def address_of(request: web.Request) -> str:
    """What limits count: an IPv4 address, or an IPv6 network of 64 bits."""
    address = _address(request.remote or "")
    if address is None:
        return request.remote or ""
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no proxy's address: write it like 127.0.0.1, or a network like 10.0.0.0/8."
        ) from error
