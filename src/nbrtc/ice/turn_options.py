"""What is particular to one TURN server, checked."""

import re
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, ip_address
from pathlib import Path

from .turn_peers import NEVER, allowed_ranges, is_denied

PORT, TLS_PORT = 3478, 5349
MIN_PORT, MAX_PORT = 49152, 65535
USER_QUOTA, TOTAL_QUOTA = 60, 600
MAX_BPS = 512_000
MIN_SECRET = 32
"""Characters: whoever is given one credential can try secrets on it at leisure."""
MAX_SECRET = 512
"""coturn cuts lines of its configuration at about 1 KiB."""


@dataclass(frozen=True, kw_only=True)
class TurnOptions:
    """What is particular to one TURN server.

    Raises
    ------
    ValueError
        For what cannot be, as one sentence; the secret is in none.
    """

    realm: str
    """The server's domain, like ``turn.example.org``."""
    external_ip: str
    """The IPv4 address at which peers reach what is relayed; ``PUBLIC/PRIVATE`` behind a NAT that maps one
    to the other, as clouds do."""
    secret: str = field(repr=False)
    """What is shared with whoever issues credentials, 32 characters or more."""
    certificate: Path | None = None
    """A PEM file with the certificate and its chain, for ``turns:``."""
    key: Path | None = None
    tls: bool = True
    """False is for servers that nobody behind a strict firewall uses, and for tests."""
    port: int = PORT
    """For UDP and TCP."""
    tls_port: int = TLS_PORT
    min_port: int = MIN_PORT
    max_port: int = MAX_PORT
    """Relayed traffic uses UDP ports of this range, one for each allocation."""
    listening_ips: tuple[str, ...] = ()
    """Addresses of this machine where clients come in; by default the private, or only, `external_ip`."""
    allow_peers: tuple[str, ...] = ()
    """IPv4 addresses, ranges (``10.1.0.1-10.1.0.9``) or networks (``10.1.0.0/24``) to which may be relayed
    although they are not public, such as the one where Python's engines run."""
    user_quota: int = USER_QUOTA
    """Allocations of one participant at a time. Each connection makes one for each URL: in a room of ten
    with four URLs it is 44 for the page and its engine, and more while connections are restarted."""
    total_quota: int | None = None
    """Of everybody; by default 600, or the number of relay ports if there are fewer."""
    max_bps: int = MAX_BPS
    """Bytes a second of one allocation in each direction, in coturn's unit."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126})", self.realm):
            raise ValueError(
                f"The realm {self.realm[:40]!r} is no domain: write it like turn.example.org, in letters, "
                "digits, dots and hyphens."
            )
        check_secret(self.secret)
        self._check_addresses()
        self._check_ports()
        if not self.tls and (self.certificate or self.key):
            raise ValueError("A certificate is for TLS: leave it out, or do not switch TLS off.")
        if self.tls and (self.certificate is None or self.key is None):
            raise ValueError(
                "TLS needs a certificate and its key (--cert and --pkey). Without TLS (--no-tls) whoever "
                "sits behind a firewall that passes only https cannot connect."
            )
        for path in filter(None, (self.certificate, self.key)):
            if not path.is_absolute() or re.search(r"[\x00-\x20\x7f]", str(path)):
                raise ValueError(f"The path {str(path)!r} must begin with / and have no spaces.")
        if self.max_bps < 1:
            raise ValueError(f"The bytes a second of an allocation are 1 or more, not {self.max_bps}.")
        if not 1 <= self.user_quota <= self.everybodys_quota <= self.max_port - self.min_port + 1:
            raise ValueError(
                f"One participant's quota ({self.user_quota}), everybody's ({self.everybodys_quota}) and the "
                f"relay ports ({self.max_port - self.min_port + 1}) must not be less than one another, "
                "in this order."
            )

    @property
    def everybodys_quota(self) -> int:
        """`total_quota`, or what it is by default."""
        ports = self.max_port - self.min_port + 1
        return min(TOTAL_QUOTA, ports) if self.total_quota is None else self.total_quota

    @property
    def public_ip(self) -> str:
        """Where peers see relayed traffic come from."""
        return self.external_ip.partition("/")[0]

    @property
    def relay_ip(self) -> str:
        """The machine's own address for it."""
        return self.external_ip.rpartition("/")[2]

    def _check_addresses(self) -> None:
        for given in self.external_ip.split("/", 1):
            try:
                address = IPv4Address(given)
            except AddressValueError as error:
                raise ValueError(
                    f"The external IP {self.external_ip[:60]!r} is no IPv4 address and no pair "
                    "PUBLIC/PRIVATE of them."
                ) from error
            if any(address in network for network in NEVER):
                raise ValueError(f"Nobody is reached at the address {address}: give the machine's own.")
        if is_denied(self.public_ip) and not is_denied(self.relay_ip):
            raise ValueError(
                f"The external IP {self.external_ip!r} is the wrong way round: first the public address, "
                f"then the machine's own, as {self.relay_ip}/{self.public_ip}."
            )
        for given in self.listening_ips:
            try:
                ip_address(given)
            except ValueError as error:
                raise ValueError(f"The address to listen on, {given[:60]!r}, is no IP address.") from error
        for peer in self.allow_peers:
            allowed_ranges(peer)

    def _check_ports(self) -> None:
        ports = [self.port, self.min_port, self.max_port] + ([self.tls_port] if self.tls else [])
        for port in ports:
            if not 1 <= port <= 65535:
                raise ValueError(f"A port is 1 to 65535, not {port}.")
        if self.tls and self.port == self.tls_port:
            raise ValueError(f"Port {self.port} cannot be the one with and the one without TLS.")
        if self.min_port > self.max_port:
            raise ValueError(f"The relay ports {self.min_port} to {self.max_port} are none.")
        for port in (self.port, self.tls_port) if self.tls else (self.port,):
            if self.min_port <= port <= self.max_port:
                raise ValueError(f"Port {port} is one of the relay ports {self.min_port} to {self.max_port}.")


def check_secret(secret: str) -> str:
    """Return a shared secret that can stand in coturn's configuration.

    Raises
    ------
    ValueError
        If it is short, long, not one line of printable ASCII, or begins with what coturn strips off; the
        sentence does not show it.
    """
    if len(secret) < MIN_SECRET:
        raise ValueError(f"The TURN secret has {len(secret)} characters; {MIN_SECRET} or more are needed.")
    if len(secret) > MAX_SECRET or secret[0] in '="':
        raise ValueError(
            f'The TURN secret begins with = or ", or has more than {MAX_SECRET} characters: coturn reads '
            "another one then, and refuses every credential."
        )
    if not re.fullmatch(r"[!-~](?:[ -~]*[!-~])?", secret):
        raise ValueError(
            "The TURN secret must be one line of printable ASCII without space around it. This makes one: "
            'python -c "import secrets; print(secrets.token_hex(32))"'
        )
    return secret
