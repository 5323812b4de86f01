"""The configuration of a TURN server that only relays what a call needs: coturn's ``turnserver.conf``.

Written for and tried with coturn 4.6.1 (Debian 12). A TURN server that relays to any address is a door into
the network behind it, so everything that is not a public IPv4 address is denied unless it was asked for.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address

from .turn_options import TurnOptions
from .turn_peers import DENIED, DENIED_V6, allowed_ranges, is_denied

__all__ = ["TurnOptions", "turn_config"]

Section = tuple[str, list[str]]
"""Why, and the settings."""


def turn_config(options: TurnOptions) -> str:
    """The text of ``turnserver.conf``; it has the secret in it, so its file is for the server only.

    >>> print(turn_config(options))  # doctest: +SKIP
    """
    lines = [
        "# turnserver.conf for coturn 4.6 or later, written by `nbrtc turn-config`.",
        "# The secret is in here: chmod 640, chown root:turnserver.",
    ]
    for why, settings in _sections(options):
        lines += ["", *(f"# {line}" for line in why.splitlines()), *settings]
    return "\n".join(lines) + "\n"


def _sections(options: TurnOptions) -> Iterator[Section]:
    yield from _addresses(options)
    yield from _credentials(options)
    yield from _limits(options)
    yield from _transports(options)
    yield from _left_out()
    yield from _peers(options)
    yield (
        "The log goes to stdout, where systemd's journal takes it, in one stream.",
        [
            "log-file=stdout",
            "simple-log",
        ],
    )


def _addresses(options: TurnOptions) -> Iterator[Section]:
    yield "Clients come in here, by UDP and TCP.", [f"listening-port={options.port}"]
    yield (
        "These addresses of this machine only.",
        [f"listening-ip={address}" for address in options.listening_ips or (options.relay_ip,)],
    )
    yield (
        "Relayed traffic goes out here. IPv4 only: coturn 4.6.1 lets ::ffff:127.0.0.1 through its deny list\n"
        "where it relays IPv6, too (CVE-2026-27624).",
        [f"relay-ip={options.relay_ip}"],
    )
    if options.public_ip != options.relay_ip:
        yield (
            "A NAT stands in front and maps the first address to the second.",
            [f"external-ip={options.public_ip}/{options.relay_ip}"],
        )
    yield (
        "UDP ports of what is relayed, one for each allocation: open them in the firewall.",
        [f"min-port={options.min_port}", f"max-port={options.max_port}"],
    )


def _credentials(options: TurnOptions) -> Iterator[Section]:
    yield "The domain that credentials are for.", [f"realm={options.realm}"]
    yield (
        "Credentials that end by themselves: the user is expiry:participant, the password an HMAC of that.\n"
        "Without any of these two lines this would be a relay for everybody.",
        ["use-auth-secret", f"static-auth-secret={options.secret}"],
    )
    yield (
        "No users, secrets or allowed peers besides those of this file, whatever a database on this machine\n"
        "has from earlier.",
        ["userdb=:memory:"],
    )
    yield (
        "A nonce is good for 10 minutes, so that what was overheard cannot be sent again.",
        ["stale-nonce=600"],
    )
    yield (
        "Messages carry a checksum that tells them from media on the same port (RFC 8489, 14.7).",
        ["fingerprint"],
    )


def _limits(options: TurnOptions) -> Iterator[Section]:
    yield "An allocation is renewed at least once an hour, or ends.", ["max-allocate-lifetime=3600"]
    yield (
        "Allocations at a time, not kilobytes: of one participant, and of everybody. Each connection of a\n"
        "page makes one for each URL of this server.",
        [f"user-quota={options.user_quota}", f"total-quota={options.everybodys_quota}"],
    )
    yield (
        "Bytes (not bits) a second of one allocation in each direction: "
        f"{options.max_bps * 8 / 1e6:g} Mbit/s. coturn takes this much from\n"
        "the capacity for each allocation, used or not, so the capacity is that of all of them.",
        [f"max-bps={options.max_bps}", f"bps-capacity={options.max_bps * options.everybodys_quota}"],
    )


def _transports(options: TurnOptions) -> Iterator[Section]:
    if options.tls:
        yield (
            "turns: for networks that let only TLS out. 443 gets through more firewalls than 5349.",
            [f"tls-listening-port={options.tls_port}"],
        )
        yield (
            "The certificate with its chain, and its key; restart coturn when they are renewed.",
            [
                f"cert={options.certificate}",
                f"pkey={options.key}",
            ],
        )
        yield "TLS 1.2 and later (RFC 8996).", ["no-tlsv1", "no-tlsv1_1"]
        yield "No TURN over DTLS: no browser has it.", ["no-dtls"]
    else:
        yield (
            "No TLS: whoever sits behind a firewall that passes only https does not get through.",
            [
                "no-tls",
                "no-dtls",
            ],
        )


def _left_out() -> Iterator[Section]:
    yield "No command line on a port of this machine.", ["no-cli"]
    yield (
        "Relays of UDP only, as WebRTC has them: no TCP connections into other networks (RFC 6062).",
        ["no-tcp-relay"],
    )
    yield (
        "No NAT discovery (RFC 5780) and no form of STUN before RFC 5389: nobody here uses them, and an\n"
        "answer larger than its question serves attacks by amplification.",
        ["no-rfc5780", "no-stun-backward-compatibility", "response-origin-only-with-rfc5780"],
    )
    yield "Strangers are not told which version this is.", ["no-software-attribute"]


def _peers(options: TurnOptions) -> Iterator[Section]:
    yield "Never to groups: multicast, and broadcast with it.", ["no-multicast-peers"]
    for denied, what in DENIED:
        yield (
            f"Not to {what}. Ranges, because coturn ignores networks written as 10.0.0.0/8.",
            [f"denied-peer-ip={denied}"],
        )
    yield "IPv6 is not relayed at all; these stand here for the day on which it is.", []
    for denied, what in DENIED_V6:
        yield f"Not to {what}.", [f"denied-peer-ip={denied}"]
    if is_denied(options.public_ip):
        yield (
            "This server's own address is in one of the ranges above; two who are both relayed meet at it.",
            [f"allowed-peer-ip={options.public_ip}"],
        )
    if options.allow_peers:
        yield (
            "Peers behind this server to which may be relayed all the same.",
            [
                "allowed-peer-ip=" + _written(*span)
                for peer in options.allow_peers
                for span in allowed_ranges(peer)
            ],
        )


def _written(first: IPv4Address, last: IPv4Address) -> str:
    return str(first) if first == last else f"{first}-{last}"
