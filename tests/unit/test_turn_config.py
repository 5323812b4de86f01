"""The configuration for coturn: what stands in it, what is refused, and that a real coturn starts with it."""

import asyncio
import os
import pty
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import pytest
from aioice import turn
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.cli import main
from nbrtc.ice.credentials import issue
from nbrtc.ice.turn_config import TurnOptions, turn_config
from nbrtc.ice.turn_peers import DENIED, DENIED_V6, NEVER, allowed_ranges, is_denied, peer_range
from tests.turn.coturn import Coturn, find_turnserver

SECRET = "0123456789abcdef0123456789abcdef"
ALIBABA = IPv4Address("100.100.100.200")
OPTIONS = TurnOptions(realm="turn.example.org", external_ip="198.50.100.7", secret=SECRET, tls=False)
SECURE: dict[str, Any] = {"tls": True, "certificate": Path("/etc/c.pem"), "key": Path("/etc/k.pem")}


def settings(text: str) -> list[tuple[str, str]]:
    """Names and values, in their order."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [(name, value) for name, _, value in (line.partition("=") for line in lines)]


def values(options: TurnOptions, name: str) -> list[str]:
    return [value for key, value in settings(turn_config(options)) if key == name]


def test_it_is_hardened() -> None:
    found = settings(turn_config(OPTIONS))
    assert {
        ("listening-port", "3478"),
        ("listening-ip", "198.50.100.7"),
        ("relay-ip", "198.50.100.7"),
        ("min-port", "49152"),
        ("max-port", "65535"),
        ("realm", "turn.example.org"),
        ("use-auth-secret", ""),
        ("static-auth-secret", SECRET),
        ("userdb", ":memory:"),
        ("fingerprint", ""),
        ("stale-nonce", "600"),
        ("max-allocate-lifetime", "3600"),
        ("max-bps", "512000"),
        ("no-cli", ""),
        ("no-rfc5780", ""),
        ("no-stun-backward-compatibility", ""),
        ("response-origin-only-with-rfc5780", ""),
        ("no-software-attribute", ""),
        ("no-tcp-relay", ""),
        ("no-multicast-peers", ""),
        ("no-tls", ""),
        ("no-dtls", ""),
    } <= set(found)
    names = [name for name, _ in found]
    assert not {"stun-only", "allow-loopback-peers", "no-auth", "lt-cred-mech", "user", "tls"} & set(names)
    repeated = {name for name in names if names.count(name) > 1}
    assert repeated == {"denied-peer-ip"}


def test_every_line_says_why() -> None:
    blocks = turn_config(replace(OPTIONS, **SECURE, allow_peers=("10.1.0.0/24",))).strip().split("\n\n")
    for block in blocks:
        assert block.startswith("#"), block
        settings_of_block = [line for line in block.splitlines() if not line.startswith("#")]
        assert len(settings_of_block) <= 3, "said for each of them, not for a heap"


def test_the_capacity_is_what_all_allocations_may_take() -> None:
    """coturn takes max-bps from it for each allocation, used or not, and refuses those that come after."""
    assert values(replace(OPTIONS, total_quota=100, max_bps=1000), "bps-capacity") == ["100000"]


def test_tls_needs_a_certificate_and_has_no_old_versions() -> None:
    found = settings(turn_config(replace(OPTIONS, **SECURE)))
    assert {
        ("tls-listening-port", "5349"),
        ("cert", "/etc/c.pem"),
        ("pkey", "/etc/k.pem"),
        ("no-tlsv1", ""),
        ("no-tlsv1_1", ""),
        ("no-dtls", ""),
    } <= set(found)
    assert ("no-tls", "") not in found


def test_behind_a_nat_the_machine_uses_its_own_address() -> None:
    options = replace(OPTIONS, external_ip="198.50.100.7/10.0.0.5")
    assert values(options, "external-ip") == ["198.50.100.7/10.0.0.5"]
    assert values(options, "relay-ip") == values(options, "listening-ip") == ["10.0.0.5"]
    assert values(options, "allowed-peer-ip") == [], "what is relayed meets at the public address"
    assert values(OPTIONS, "external-ip") == []
    assert values(replace(options, listening_ips=("10.0.0.5", "fd00::5")), "listening-ip") == [
        "10.0.0.5",
        "fd00::5",
    ]


def test_two_who_are_both_relayed_meet_though_the_server_is_in_a_private_network() -> None:
    assert values(replace(OPTIONS, external_ip="10.0.0.5"), "allowed-peer-ip") == ["10.0.0.5"]
    assert values(OPTIONS, "allowed-peer-ip") == []


def test_peers_are_written_as_ranges() -> None:
    options = replace(OPTIONS, allow_peers=("10.1.0.0/24", "10.2.0.3", "10.3.0.1-10.3.0.9", "10.4.0.1/32"))
    assert values(options, "allowed-peer-ip") == [
        "10.1.0.0-10.1.0.255",
        "10.2.0.3",
        "10.3.0.1-10.3.0.9",
        "10.4.0.1",
    ]


@pytest.mark.parametrize(
    ("peer", "written"),
    [
        ("100.64.0.0/10", ["100.64.0.0-100.100.100.199", "100.100.100.201-100.127.255.255"]),
        ("100.100.100.199-100.100.100.200", ["100.100.100.199"]),
        ("100.100.100.200-100.100.100.201", ["100.100.100.201"]),
    ],
)
def test_a_metadata_service_stays_closed_within_a_range(peer: str, written: list[str]) -> None:
    assert values(replace(OPTIONS, allow_peers=(peer,)), "allowed-peer-ip") == written


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_only_metadata_services_are_cut_out_of_a_range(one: IPv4Address, other: IPv4Address) -> None:
    try:
        first, last = peer_range(f"{one}-{other}")
    except ValueError:
        return
    ranges = allowed_ranges(f"{one}-{other}")
    size = sum(int(end) - int(begin) + 1 for begin, end in ranges)
    assert size == int(last) - int(first) + 1 - (first <= ALIBABA <= last)
    assert not any(begin <= ALIBABA <= end for begin, end in ranges)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "0.0.0.1",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
        ),
        *("192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    ],
)
def test_what_is_not_public_is_denied(address: str) -> None:
    assert is_denied(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "198.17.0.1", "223.1.1.1"],
)
def test_what_is_public_is_not(address: str) -> None:
    assert not is_denied(address)


@given(st.ip_addresses(v=4))
def test_whatever_python_calls_private_or_special_is_denied(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert is_denied(str(address))


@pytest.mark.parametrize("denied", [denied for denied, _ in (*DENIED, *DENIED_V6)])
def test_ranges_are_ranges(denied: str) -> None:
    begin, dash, end = denied.partition("-")
    assert "/" not in denied, "coturn logs an error and ignores it"
    assert int(ip_address(begin)) <= int(ip_address(end)) if dash else denied == "::1"
    assert begin != "::", "coturn takes it for every address"


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_no_range_that_is_allowed_reaches_the_server_itself(one: IPv4Address, other: IPv4Address) -> None:
    try:
        first, last = peer_range(f"{one}-{other}")
    except ValueError:
        assert one > other or any(one <= never[-1] and never[0] <= other for never in NEVER)
    else:
        assert (first, last) == (one, other)
        assert not any(first <= never[-1] and never[0] <= last for never in NEVER)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"realm": ""}, "realm"),
        ({"realm": "turn example"}, "realm"),
        ({"realm": "x\nno-auth"}, "realm"),
        ({"external_ip": "turn.example.org"}, "IPv4"),
        ({"external_ip": "fd00::1"}, "IPv4"),
        ({"external_ip": "1.2.3.4/"}, "IPv4"),
        ({"external_ip": "1.2.3.4/10.0.0.1/10.0.0.2"}, "IPv4"),
        ({"external_ip": "127.0.0.1"}, "127.0.0.1"),
        ({"external_ip": "0.0.0.0"}, "0.0.0.0"),
        ({"external_ip": "10.0.0.5/198.50.100.7"}, "as 198.50.100.7/10.0.0.5"),
        ({"secret": "short"}, "5 characters"),
        ({"secret": SECRET + "\nno-auth"}, "one line"),
        ({"secret": SECRET + " "}, "space"),
        ({"secret": "=" + SECRET}, "begins with ="),
        ({"secret": '"' + SECRET + '"'}, "begins with ="),
        ({"secret": "x" * 513}, "more than 512"),
        ({"tls": True}, "--cert"),
        ({"tls": True, "certificate": Path("/c")}, "--cert"),
        ({"certificate": Path("/c")}, "TLS off"),
        ({**SECURE, "certificate": Path("c.pem")}, "begin with /"),
        ({**SECURE, "key": Path("/my key")}, "spaces"),
        ({"port": 0}, "not 0"),
        ({"max_port": 70000}, "70000"),
        ({**SECURE, "tls_port": 3478}, "3478"),
        ({"min_port": 60000, "max_port": 50000}, "60000"),
        ({"port": 50000}, "relay ports"),
        ({**SECURE, "tls_port": 50000}, "relay ports"),
        ({"listening_ips": ("here",)}, "here"),
        ({"allow_peers": ("10.0.0.1/8",)}, "10.0.0.1/8"),
        ({"allow_peers": ("10.0.0.9-10.0.0.1",)}, "ends before"),
        ({"allow_peers": ("host",)}, "host"),
        ({"allow_peers": ("fd00::/8",)}, "IPv4"),
        ({"allow_peers": ("0.0.0.0/0",)}, "must not relay"),
        ({"allow_peers": ("127.0.0.1",)}, "127.0.0.0/8"),
        ({"allow_peers": ("169.254.169.254",)}, "metadata"),
        ({"allow_peers": ("100.100.100.200",)}, "metadata"),
        ({"allow_peers": ("10.0.0.1\nno-auth",)}, "no IPv4"),
        ({"user_quota": 0}, "quota"),
        ({"user_quota": 700}, "quota"),
        ({"total_quota": 100, "min_port": 50000, "max_port": 50010}, "relay ports"),
        ({"max_bps": 0}, "not 0"),
    ],
)
def test_what_cannot_be_is_said(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        replace(OPTIONS, **changes)
    assert SECRET not in str(caught.value)


def test_few_relay_ports_serve_few() -> None:
    options = replace(OPTIONS, min_port=50000, max_port=50099)
    assert values(options, "total-quota") == ["100"]


def test_the_secret_is_in_no_repr() -> None:
    assert SECRET not in repr(OPTIONS)


# --- the command


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


ASKED = ("turn-config", "--realm", "turn.example.org", "--external-ip", "198.50.100.7", "--secret-file")


def test_the_command_prints_it_and_says_how_to_keep_it(
    secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([*ASKED, str(secret_file), "--no-tls", "--allow-peer", "10.1.0.0/24", "10.2.0.1"])
    said = capsys.readouterr()
    assert said.out == turn_config(replace(OPTIONS, allow_peers=("10.1.0.0/24", "10.2.0.1")))
    assert "umask 077" in said.err
    assert SECRET not in said.err

    secret_file.chmod(0o600 | stat.S_IROTH)
    main([*ASKED, str(secret_file), "--cert", "/nowhere/c.pem", "--pkey", "/nowhere/k.pem"])
    said = capsys.readouterr()
    assert "chmod 600" in said.err
    assert "/nowhere/c.pem is not there" in said.err
    assert "cert=/nowhere/c.pem" in said.out


def test_production_needs_a_certificate(secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([*ASKED, str(secret_file)])
    assert "--no-tls" in capsys.readouterr().err


def test_a_terminal_that_shows_the_secret_is_warned_of(secret_file: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        result = subprocess.run(
            [sys.executable, "-m", "nbrtc", *ASKED, str(secret_file), "--no-tls"],
            stdout=theirs,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
    finally:
        os.close(theirs)
        os.close(ours)
    assert "send it to a file" in result.stderr


@pytest.mark.parametrize(
    "content", [b"\xff" * 40, b"short\n", b"two lines of a secret\nthat is long enough\n"]
)
def test_a_secret_that_cannot_stand_there_is_said(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(SystemExit):
        main([*ASKED, str(path), "--no-tls"])
    assert "secret" in capsys.readouterr().err


# --- a real coturn


@pytest.fixture
def coturn(tmp_path: Path, secret_file: Path) -> Iterator[Coturn]:
    """Started with what the command prints, as it is, on this machine's own address."""
    if find_turnserver() is None:
        pytest.skip("turnserver is not in PATH: install coturn (tools/coturn.sh does)")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: UDP only looks for the way
        except OSError:
            pytest.skip("this machine has no network address besides loopback")
        address = str(probe.getsockname()[0])
    with socket.create_server((address, 0)) as free:
        port = free.getsockname()[1]
    ports = ("--min-port", "61000", "--max-port", "61999")
    if 61000 <= port <= 61999:
        ports = ("--min-port", "62000", "--max-port", "62999")
    asked = ("--realm", "turn.example.org", "--external-ip", address, "--secret-file", str(secret_file))
    printed = subprocess.run(
        [sys.executable, "-m", "nbrtc", "turn-config", *asked, "--no-tls", "--port", str(port), *ports],
        capture_output=True,
        text=True,
        check=True,
    )
    server = Coturn(tmp_path, address, port, printed.stdout)
    yield server
    server.close()


class Heard(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.first.done():
            self.first.set_result(data)


async def test_coturn_starts_with_it_as_it_is_and_relays(coturn: Coturn) -> None:
    async def allocate(participant: str) -> tuple[Any, Heard]:
        made = issue(SECRET, participant, 600, time.time())
        transport, heard = await turn.create_turn_endpoint(
            Heard, (coturn.address, coturn.port), made.username, made.credential
        )
        return transport, heard

    async with asyncio.timeout(60):
        ada, _ = await allocate("ada")
        bob, heard = await allocate("bob")
        # bob lets ada in by sending to her; what comes before that is dropped, as UDP is
        bob.sendto(b"hello", ada.get_extra_info("sockname"))
        while not heard.first.done():
            ada.sendto(b"hello", bob.get_extra_info("sockname"))
            await asyncio.wait([heard.first], timeout=0.1)
        ada.close()
        bob.close()
    assert heard.first.result() == b"hello"
    complaints = [
        line for line in coturn.said().splitlines() if re.search(r"\b(ERROR|WARNING)\b", line, re.I)
    ]
    assert complaints == []
