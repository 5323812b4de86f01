"""A call that outlives its credentials: when its relay goes, it comes back with ones that are given then."""

from functools import partial

import pytest
from msgspec import to_builtins

from nbrtc.messages import IceConfiguration
from tests.turn.conftest import NewPerson, StartCoturn
from tests.turn.coturn import Coturn
from tests.turn.namespaces import PATIENCE_S
from tests.turn.people import Person, Room

pytestmark = pytest.mark.timeout(300)

LIFE_S = 12.0
"""Of the first credentials: enough to connect with them on a busy machine."""
UNAUTHORIZED = "401"


def relay_only(server: Coturn, name: str, ttl_s: float) -> IceConfiguration:
    entry = server.entry(participant=name, ttl_s=ttl_s)
    return IceConfiguration(ice_servers=(entry,), ice_transport_policy="relay", left_s=ttl_s)


def is_refused(person: Person, ice: IceConfiguration) -> bool:
    """Whether the relay has had enough of these credentials."""
    (probe,) = person.do("probe", to_builtins(ice.ice_servers), 3000)
    return bool(probe["errorCode"] == int(UNAUTHORIZED))


def since_connected(person: Person) -> list[str]:
    story: list[str] = person.do("story")
    first = next(at for at, line in enumerate(story) if line.endswith(": connected"))
    return story[first:]


def was_refused(person: Person) -> bool:
    return any(UNAUTHORIZED in line for line in since_connected(person))


def test_a_relay_that_comes_back_is_reached_with_fresh_credentials(
    start_coturn: StartCoturn, new_person: NewPerson
) -> None:
    server = start_coturn()
    short = {name: relay_only(server, name, LIFE_S) for name in ("ada", "bob")}
    ada, bob = (new_person(name, ice) for name, ice in short.items())
    room = Room(ada, bob)
    room.connect()
    room.until(partial(is_refused, ada, short["ada"]), "the first credentials to end")

    server.kill()  # with all that was allocated
    server.start()
    room.until(partial(was_refused, ada), "a restart with what has ended to be refused", 2 * PATIENCE_S)
    for person in (ada, bob):
        person.do("issue", to_builtins(relay_only(server, person.name, 3600)))
    room.until_moving()

    for person, other in ((ada, "bob"), (bob, "ada")):
        pair = person.pair(other)
        assert (pair["local"], pair["remote"]) == ("relay", "relay")
        assert any("asks for fresh credentials" in line for line in since_connected(person))
        assert person.do("problems") == []
