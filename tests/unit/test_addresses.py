"""Which addresses a candidate of somebody else may name."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.ice.addresses import refusal, unwrapped

REFUSED = (
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "169.254.1.1",
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "ff02::1",
    "localhost",
    "metadata.google.internal",
    "router.lan",
    "1.2.3.999",
    "1:2",
    ":::",
    "",
)
TAKEN = (
    "192.168.1.20",
    "10.0.0.1",
    "203.0.113.9",
    "100.64.0.1",
    "2001:db8::1",
    "fd12:3456::1",
    "::ffff:203.0.113.9",
    "fec0::1",
    "0a5f3c1e-1b2d-4c3d-8e9f-000000000000.local",
)
"""Both as in the page's guard, js/test/ice-guard.test.ts."""


@pytest.mark.parametrize("address", REFUSED)
def test_what_a_stranger_must_not_name(address: str) -> None:
    reason = refusal(address)
    assert reason is not None
    assert reason.endswith(".")


@pytest.mark.parametrize("address", TAKEN)
def test_what_anybody_may_name(address: str) -> None:
    assert refusal(address) is None
    assert refusal(address, is_local=True) is None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "169.254.7.7", "fe80::1", "::ffff:127.0.0.1"])
def test_on_one_machine_its_own_addresses_are_fine(address: str) -> None:
    assert refusal(address, is_local=True) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "localhost", "1.2.3"])
def test_what_nobody_has_is_refused_everywhere(address: str) -> None:
    assert refusal(address, is_local=True) is not None


REFUSED_NETWORKS = [
    ip_network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
]


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_is_judged_by_its_network_in_whatever_clothes(address: IPv4Address) -> None:
    is_refused = any(address in network for network in REFUSED_NETWORKS) or str(address) == "100.100.100.200"
    clothes = [
        str(address),
        f"::ffff:{address}",
        str(IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))),
    ]
    assert {refusal(text) is not None for text in clothes} == {is_refused}


@given(st.ip_addresses(network="fe80::/10") | st.ip_addresses(network="ff00::/8"))
def test_no_ipv6_address_of_one_cable_or_of_many_is_taken(address: IPv6Address) -> None:
    assert refusal(str(address)) is not None


@given(st.ip_addresses(network="2000::/3"))
def test_every_global_ipv6_address_is_taken(address: IPv6Address) -> None:
    assert refusal(str(address)) is None
    assert unwrapped(address) == address


@given(st.text(max_size=40))
def test_any_text_gets_a_sentence_or_is_an_address_or_a_local_name(text: str) -> None:
    if refusal(text) is None and not text.lower().endswith(".local"):
        ip_address(text.partition("%")[0])
