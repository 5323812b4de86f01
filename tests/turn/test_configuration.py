"""The configuration that ``nbrtc turn-config`` prints starts a real coturn as it is, and it serves."""

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from nbrtc.messages import IceServerEntry
from tests.turn.certificate import Certificate
from tests.turn.client import Allocation
from tests.turn.conftest import NewLoop, free_port
from tests.turn.coturn import SECRET, Coturn


def test_what_the_command_prints_starts_coturn_without_a_complaint_and_it_relays(
    turnserver: str, own_address: str, certificate: Certificate, tmp_path: Path, new_loop: NewLoop
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    port, tls_port = free_port(own_address), free_port(own_address)
    text = subprocess.run(
        [
            *(sys.executable, "-m", "nbrtc", "turn-config", "--realm", "turn.nbrtc.test"),
            *("--external-ip", own_address, "--secret-file", str(secret)),
            *("--cert", str(certificate.cert), "--pkey", str(certificate.pkey)),
            *("--port", str(port), "--tls-port", str(tls_port)),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    async def relay(first: IceServerEntry, second: IceServerEntry) -> bytes:
        ada, bob = await Allocation.open(first), await Allocation.open(second, certificate)
        await ada.permit(bob.relayed[0])
        await bob.bind(0x4000, ada.relayed)
        ada.send(b"hello", bob.relayed)
        data, _ = await bob.received.packets.get()
        await ada.close()
        await bob.close()
        return data

    with closing(Coturn(tmp_path, own_address, port, text, tls_port=tls_port)) as server:
        loop = new_loop()
        for transport in ("udp", "tcp", "tls"):
            pair = server.entry(), server.entry(transport, participant="bob")
            assert loop.run(relay(*pair)) == b"hello", transport
        said = server.said()
    assert re.findall(r"^.*(?:error|warning|unknown|cannot|bad conf|deprecated).*$", said, re.I | re.M) == []
    assert SECRET not in said
