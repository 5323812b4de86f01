"""Where a relay must not send: into its own networks. Every range of the configuration is tried, one by one.

The peers stand in a network behind the relay that really has these addresses, and packets are counted there.
The same relay without its deny list reaches each of them: so what does not arrive was refused.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
from aioice import stun

from tests.turn.client import Allocation
from tests.turn.conftest import NewLoop, StartCoturn
from tests.turn.coturn import Coturn
from tests.turn.namespaces import PATIENCE_S, Network

PORT = 4999
PUBLIC, OWN = "9.9.9.9", "10.200.0.7"
"""Allowed peers: one of the internet's addresses, and one by ``allowed-peer-ip``; both in this network."""
TALKED_ABOUT = (
    *("10.1.2.3", "127.0.0.1", "127.8.8.8", "169.254.169.254", "172.31.255.254", "192.168.1.1"),
    *("100.100.100.200", "224.0.0.5", "240.0.0.1"),
)
"""Metadata services, loopback, neighbours: of the ranges, what an attacker wants."""
MAPPED = ("::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254")
IPV6 = ("::1", "fe80::1", "fd00:ec2::254", *MAPPED)
UNROUTABLE = ("0.0.0.0", "255.255.255.255")
"""Nothing can be sent there at all: there is no packet to count."""


def ranges(text: str) -> list[tuple[str, str]]:
    """The IPv4 ranges that a configuration denies."""
    found = re.findall(r"^denied-peer-ip=(\d[\d.]*)-(\d[\d.]*)$", text, re.MULTILINE)
    return [(str(first), str(last)) for first, last in found]


def peers(text: str) -> list[str]:
    """Of each denied range an address from its middle, and those that are talked about."""
    middles = [
        str(ipaddress.ip_address((int(ipaddress.ip_address(first)) + int(ipaddress.ip_address(last))) // 2))
        for first, last in ranges(text)
    ]
    return [peer for peer in dict.fromkeys([*middles, *TALKED_ABOUT]) if peer not in UNROUTABLE]


class Behind:
    """A client, a relay, and behind the relay a network that has every address there is."""

    def __init__(self, network: Network) -> None:
        self.client, self.relay, self.rest = (network.add(label) for label in ("client", "relay", "rest"))
        network.cable(self.client, "10.77.1.2/24", self.relay, "10.77.1.1/24")
        network.cable(self.relay, "10.77.2.1/24", self.rest, "10.77.2.2/24")
        self.relay.route("default", via="10.77.2.2")

    def count(self, peers: Sequence[str]) -> None:
        """Count packets to these from now on, in the rest and, for its own loopback, in the relay."""
        names = {peer: f"to_{number}" for number, peer in enumerate(peers)}
        rules = "\n".join(
            [
                "table inet count {",
                *(f"counter {name} {{ }}" for name in (*names.values(), "ipv6")),
                "chain arrived { type filter hook prerouting priority raw; policy accept;",
                *(f"ip daddr {peer} udp dport {PORT} counter name {name}" for peer, name in names.items()),
                f"meta nfproto ipv6 udp dport {PORT} counter name ipv6",
                "}",
                "}",
            ]
        )
        self._names = names | {"IPv6": "ipv6"}
        for namespace in (self.relay, self.rest):
            namespace.firewall(rules + "\n")

    def arrived(self) -> dict[str, int]:
        """Packets by peer, so far."""
        seen = [namespace.counters() for namespace in (self.relay, self.rest)]
        return {peer: sum(counters[name] for counters in seen) for peer, name in self._names.items()}


async def try_everything(allocation: Allocation, peer: str, number: int) -> list[int | None]:
    """Send to a peer in every way that TURN has; the answers to the two that are answered."""
    to = (peer, PORT)
    allocation.send(b"unasked", to)
    codes = [await code(allocation.permit(peer)), await code(allocation.bind(number, to))]
    allocation.send(b"indication", to)
    allocation.send_on_channel(number, b"channel data")
    return codes


async def code(request: Coroutine[Any, Any, None]) -> int | None:
    try:
        await request
    except stun.TransactionFailed as error:
        return error.response.error_code
    return None


@pytest.fixture
def behind(network: Network) -> Behind:
    return Behind(network)


@pytest.fixture
def server(behind: Behind, start_coturn: StartCoturn) -> Coturn:
    return start_coturn(behind.relay, "10.77.1.1", relay_address="10.77.2.1", allow_peers=(OWN,))


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def test_no_packet_reaches_a_forbidden_peer_and_every_allowed_one_gets_its_own(
    behind: Behind, server: Coturn, new_loop: NewLoop
) -> None:
    forbidden = peers(server.text)
    assert len(ranges(server.text)) >= 14
    behind.count([*forbidden, PUBLIC, OWN])
    loop = new_loop(behind.client)

    async def try_all() -> dict[str, list[int | None]]:
        allocation = await Allocation.open(server.entry())
        codes = {
            peer: await try_everything(allocation, peer, 0x4000 + number)
            for number, peer in enumerate([*forbidden, *IPV6, PUBLIC, OWN])
        }
        await allocation.close()
        return codes

    codes = loop.run(try_all())
    # the last to be tried: when these have arrived, so would all the others have
    until(lambda: behind.arrived()[OWN] >= 2, "the packets to the peer that the configuration allows")
    arrived = behind.arrived()

    assert codes.pop(PUBLIC) == codes.pop(OWN) == [None, None]
    assert arrived.pop(PUBLIC) == arrived.pop(OWN) == 2, (
        "the indication and the channel data, not the unasked one"
    )
    assert arrived == dict.fromkeys([*forbidden, "IPv6"], 0)
    assert {peer: codes[peer] for peer in forbidden} == {peer: [403, 403] for peer in forbidden}
    # 443: this allocation relays IPv4 only (RFC 8656, section 9.2)
    assert all(set(codes[peer]) <= {403, 443} for peer in IPV6), codes


def test_without_the_deny_list_every_one_of_them_is_reached(
    behind: Behind, server: Coturn, new_loop: NewLoop
) -> None:
    """The control: what the test above does not see arrive does arrive if the relay lets it."""
    reachable = [
        peer for peer in peers(server.text) if not peer.startswith("0.")
    ]  # those coturn itself refuses
    assert len(reachable) >= 20
    server.close()
    server.rewrite(
        re.sub(r"^(denied-peer-ip|no-multicast-peers).*$", "", server.text, flags=re.MULTILINE)
        + "allow-loopback-peers\n"
    )
    server.start()
    behind.count(reachable)

    async def try_all() -> None:
        allocation = await Allocation.open(server.entry())
        for number, peer in enumerate(reachable):
            assert await try_everything(allocation, peer, 0x4000 + number) == [None, None], peer
        await allocation.close()

    new_loop(behind.client).run(try_all())

    until(lambda: all(behind.arrived()[peer] >= 2 for peer in reachable), "the packets to each of them")
