"""The engine's door for remote candidates."""

import aioice.ice
import pytest

from nbrtc.engine.door import MOST_TOLD, Door


class Refusals(list[tuple[str, str]]):
    def take(self, address: str, reason: str) -> None:
        self.append((address, reason))


@pytest.fixture
def refusals() -> Refusals:
    return Refusals()


def have(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let this machine have these addresses."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: list(addresses))


def test_it_tells_what_it_refuses_and_why(monkeypatch: pytest.MonkeyPatch, refusals: Refusals) -> None:
    have(monkeypatch, "192.0.2.7")
    door = Door(refusals.take)
    assert [door.admits(address) for address in ("203.0.113.5", "127.0.0.1", "192.0.2.7")] == [
        True,
        False,
        True,
    ]
    assert refusals == [("127.0.0.1", "It is a machine's address for itself.")]
    assert door.refused == 1


def test_who_names_an_address_of_ours_does_not_get_further(
    monkeypatch: pytest.MonkeyPatch, refusals: Refusals
) -> None:
    have(monkeypatch, "192.0.2.7", "169.254.3.3")
    door = Door(refusals.take)
    assert door.admits("192.0.2.7")  # which every description from here tells
    assert door.admits("169.254.3.3")
    assert not door.admits("127.0.0.1")
    assert not door.admits("169.254.169.254")


def test_a_machine_off_the_network_calls_itself(monkeypatch: pytest.MonkeyPatch, refusals: Refusals) -> None:
    have(monkeypatch, "127.0.0.1")
    door = Door(refusals.take)
    assert door.admits("127.0.0.1")
    assert door.admits("::1")
    assert not door.admits("224.0.0.1")


def test_a_flood_is_refused_and_not_told(monkeypatch: pytest.MonkeyPatch, refusals: Refusals) -> None:
    asked: list[bool] = []

    def read(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        asked.append(use_ipv4)
        return []

    monkeypatch.setattr(aioice.ice, "get_host_addresses", read)
    door = Door(refusals.take)
    for number in range(3 * MOST_TOLD):
        assert not door.admits(f"127.0.0.{number}")
    assert len(refusals) == MOST_TOLD
    assert door.refused == 3 * MOST_TOLD
    assert asked == [True], "the machine's addresses are read once"
