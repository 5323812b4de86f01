"""Calls that may go through a TURN server only: between browsers, and with the engine, by each transport."""

import pytest

from nbrtc.messages import IceConfiguration
from tests.turn.certificate import Certificate
from tests.turn.conftest import NewEngine, NewPerson, StartCoturn
from tests.turn.coturn import Transport
from tests.turn.people import Room

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_browsers_and_python_call_each_other_through_the_relay_alone(
    transport: Transport,
    start_coturn: StartCoturn,
    certificate: Certificate,
    monkeypatch: pytest.MonkeyPatch,
    new_person: NewPerson,
    new_engine: NewEngine,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    server = start_coturn(with_tls=True)

    def relay_only(name: str) -> IceConfiguration:
        entry = server.entry(transport, participant=name)
        return IceConfiguration(ice_servers=(entry,), ice_transport_policy="relay")

    ada, bob = (new_person(name, relay_only(name)) for name in ("ada", "bob"))

    Room(ada, bob, python=new_engine(relay_only("python"))).connect()

    for person, other in ((ada, "bob"), (bob, "ada"), (ada, "python")):
        assert person.pair(other) == {
            "local": "relay",
            "remote": "relay",
            "relayProtocol": transport,
            "url": server.url(transport),
        }
    assert ada.do("problems") == bob.do("problems") == []
