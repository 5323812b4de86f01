"""How real servers answer the probes of page and engine: which serve, and why the others do not."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import convert, to_builtins
from msgspec.structs import replace

from nbrtc.engine.probe import probe
from nbrtc.messages import IceConfiguration, IceServerEntry, ServerProbe
from tests.turn import certificate as certificates
from tests.turn.certificate import Certificate
from tests.turn.client import Allocation
from tests.turn.conftest import NewLoop, NewPerson, StartCoturn, free_port
from tests.turn.coturn import Coturn
from tests.turn.namespaces import LoopIn

pytestmark = pytest.mark.timeout(300)

TIMEOUT_S = 10.0
QUOTA = 2


@pytest.fixture
def server(start_coturn: StartCoturn) -> Coturn:
    return start_coturn(user_quota=QUOTA, with_tls=True)


def entries(server: Coturn) -> dict[str, IceServerEntry]:
    """What is asked, by its story."""
    good = server.entry()
    closed = f"turn:{server.address}:{free_port(server.address)}?transport="
    return {
        "STUN": IceServerEntry((f"stun:{server.address}:{server.port}",)),
        # each with a user of its own: a quota counts a session for a second after its end
        "TURN by UDP": server.entry("udp", participant="udp"),
        "TURN by TCP": server.entry("tcp", participant="tcp"),
        "TURN by TLS": server.entry("tls", participant="tls"),
        "expired": server.entry(ttl_s=600, age_s=660),
        "wrong password": replace(good, credential="nonsense"),
        "quota used up": server.entry(participant="full"),
        "nobody there": replace(good, urls=(f"{closed}tcp",)),
    }


CODES = {"expired": 401, "wrong password": 401, "quota used up": 486, "nobody there": 701}


def found(asked: dict[str, IceServerEntry], probes: Sequence[ServerProbe]) -> dict[str, int | None]:
    """The error code of each; None for one that serves."""
    assert [result.url for result in probes] == [entry.urls[0] for entry in asked.values()]
    return {story: result.error_code for story, result in zip(asked, probes, strict=True)}


@pytest.fixture
def engine(server: Coturn, new_loop: NewLoop) -> LoopIn:
    """Where the quota of one user is used up, too."""
    loop = new_loop()

    async def use_up() -> None:
        for _ in range(QUOTA):
            await Allocation.open(server.entry(participant="full"))

    loop.run(use_up())
    return loop


def test_the_engine_tells_servers_that_serve_from_those_that_refuse(
    server: Coturn, engine: LoopIn, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = entries(server)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))

    # each by itself: of one URL the engine asks once
    probes = [result for entry in asked.values() for result in engine.run(probe([entry], TIMEOUT_S))]

    assert found(asked, probes) == dict.fromkeys(asked) | CODES
    check(asked, probes)


def test_the_page_tells_servers_that_serve_from_those_that_refuse(
    server: Coturn, engine: LoopIn, new_person: NewPerson
) -> None:
    asked = entries(server)
    ada = new_person("ada", IceConfiguration())

    said = ada.do("probe", [to_builtins(entry) for entry in asked.values()], 1000 * TIMEOUT_S)

    probes = [convert(result, ServerProbe) for result in said]
    assert found(asked, probes) == dict.fromkeys(asked) | CODES
    check(asked, probes)


def check(asked: dict[str, IceServerEntry], probes: Sequence[ServerProbe]) -> None:
    for (story, entry), result in zip(asked.items(), probes, strict=True):
        assert result.ok == (story not in CODES), result
        assert bool(result.error) != result.ok, result
        assert (result.rtt_s is not None) == result.ok
        assert str(entry.credential) not in result.error
        if result.ok:
            # there is no NAT here: what STUN tells may be an address that the browser has told already
            kinds = [("srflx",), ("host",)] if story == "STUN" else [("relay",)]
            assert result.candidate_types in kinds


def test_nobody_trusts_a_relay_whose_certificate_nobody_vouches_for(
    start_coturn: StartCoturn,
    own_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    certificate: Certificate,
    new_loop: NewLoop,
    new_person: NewPerson,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    entry = start_coturn(certificate=certificates.issue(tmp_path, own_address)).entry("tls")

    (by_engine,) = new_loop().run(probe([entry], TIMEOUT_S))
    said = new_person("ada", IceConfiguration()).do("probe", [to_builtins(entry)], 1000 * TIMEOUT_S)

    (by_page,) = (convert(result, ServerProbe) for result in said)
    assert (by_engine.ok, by_page.ok) == (False, False)
    assert "certificate" in by_engine.error
    assert by_page.error_code == 701
