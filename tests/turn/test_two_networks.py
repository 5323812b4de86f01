"""Calls between two networks that only the relay joins: what they survive, and how soon they are back.

Each test reports its times beside what is aimed at; the limits that fail a test are those of a busy machine.
"""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from nbrtc.messages import IceConfiguration, IceServerEntry
from tests.turn.conftest import NewEngine, NewPerson, StartCoturn, free_port
from tests.turn.coturn import Coturn, Transport
from tests.turn.people import Person, Room
from tests.turn.times import ReportTimes
from tests.turn.two_networks import A, B, TwoNetworks, blackout

pytestmark = pytest.mark.timeout(300)


class Relays:
    """TURN servers in the middle, and who uses them."""

    def __init__(self, networks: TwoNetworks, start_coturn: StartCoturn) -> None:
        self._networks, self._start = networks, start_coturn
        self.servers: list[Coturn] = []

    def start(self) -> Coturn:
        """One more, which both networks reach."""
        # a relay's peers are relays: nobody's own address is reached through one
        server = self._start(self._networks.relay, f"{A}.1", f"{B}.1", allow_peers=(f"{A}.1",), with_tls=True)
        self.servers.append(server)
        return server

    def entries(self, name: str, side: str, *transports: Transport) -> tuple[IceServerEntry, ...]:
        """All of them, as somebody on one side reaches them."""
        return tuple(
            server.entry(transport, participant=name, address=f"{side}.1")
            for server in self.servers
            for transport in transports or ("udp",)
        )

    def serving(self, person: Person, whom: str) -> Coturn:
        """Which of them carries what a person sends to somebody."""
        url = person.pair(whom)["url"]
        return next(server for server in self.servers if server.url(address=f"{A}.1") == url)


@dataclass
class People:
    """Ada in the one network, Bob and Python in the other."""

    networks: TwoNetworks
    relays: Relays
    new_person: NewPerson
    new_engine: NewEngine

    def meet(self, *transports: Transport, before: tuple[IceServerEntry, ...] = ()) -> Room:
        """Put them on these transports of all relays, after other servers; nobody has joined yet."""

        def ice(name: str, side: str) -> IceConfiguration:
            return IceConfiguration(ice_servers=(*before, *self.relays.entries(name, side, *transports)))

        ada = self.new_person("ada", ice("ada", A), self.networks.a)
        bob = self.new_person("bob", ice("bob", B), self.networks.b)
        return Room(ada, bob, python=self.new_engine(ice("python", B), self.networks.b))


@pytest.fixture
def relays(two_networks: TwoNetworks, start_coturn: StartCoturn) -> Relays:
    return Relays(two_networks, start_coturn)


@pytest.fixture
def people(two_networks: TwoNetworks, relays: Relays, new_person: NewPerson, new_engine: NewEngine) -> People:
    return People(two_networks, relays, new_person, new_engine)


def is_relayed(room: Room) -> bool:
    """Whether Ada reaches the others through a relay, hers or theirs."""
    pairs = [room.person("ada").pair(whom) for whom in ("bob", "python")]
    return all("relay" in (pair["local"], pair["remote"]) for pair in pairs)


def test_short_blackouts_and_another_address(
    people: People, relays: Relays, two_networks: TwoNetworks, report_times: ReportTimes
) -> None:
    relays.start()
    room = people.meet()
    room.connect()
    assert is_relayed(room)

    for seconds in (3, 10):
        blackout(two_networks, room, seconds)
        report_times(f"after a blackout of {seconds} s", room.until_moving(), 3)

    two_networks.move_a()
    report_times("after another address", room.until_moving(), 4)


@pytest.mark.parametrize("carrier", ["tcp", "tls"])
def test_where_udp_is_blocked_the_relay_is_reached_over(
    carrier: Transport, people: People, relays: Relays, two_networks: TwoNetworks, report_times: ReportTimes
) -> None:
    server = relays.start()
    blocked = ["meta l4proto udp"]
    if carrier == "tls":
        blocked.append(f"tcp sport {server.port}")
    two_networks.a.lose(*blocked)
    room = people.meet("udp", "tcp", "tls")

    report_times(f"connected over {carrier}", room.connect(), 10)

    ada = room.person("ada")
    for whom in ("bob", "python"):
        assert ada.pair(whom) | {"remote": ""} == {
            "local": "relay",
            "remote": "",
            "relayProtocol": carrier,
            "url": server.url(carrier, address=f"{A}.1"),
        }


def test_dead_servers_keep_nobody_from_the_living_one(
    people: People, relays: Relays, two_networks: TwoNetworks, report_times: ReportTimes
) -> None:
    living = relays.start()
    closed, silent = (free_port(f"{A}.1", two_networks.relay) for _ in range(2))
    two_networks.relay.lose(f"udp dport {silent}", f"tcp dport {silent}")
    entry = living.entry()
    dead = tuple(
        replace(entry, urls=(f"turn:{A}.1:{port}?transport={transport}",))
        for port in (closed, silent)
        for transport in ("udp", "tcp")
    )

    report_times("connected beside four dead servers", people.meet(before=dead).connect(), 10)


def test_a_relay_that_is_killed_is_replaced_by_another_and_by_the_direct_path(
    people: People, relays: Relays, two_networks: TwoNetworks, report_times: ReportTimes
) -> None:
    relays.start()
    relays.start()
    room = people.meet()
    room.connect()
    assert is_relayed(room)

    first = relays.serving(room.person("ada"), "bob")
    first.kill()
    report_times("after the relay was killed, by another", room.until_moving(), 10)
    assert is_relayed(room)

    two_networks.let_through()
    for server in relays.servers:
        server.kill()
    report_times("after the last relay was killed, directly", room.until_moving(), 10)
    assert not is_relayed(room)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_long_blackouts(
    people: People, relays: Relays, two_networks: TwoNetworks, report_times: ReportTimes
) -> None:
    relays.start()
    room = people.meet()
    room.connect()

    for seconds in (30, 120):
        blackout(two_networks, room, seconds)
        report_times(f"after a blackout of {seconds} s", room.until_moving(), 3)
