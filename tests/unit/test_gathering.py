"""Gathering from several servers beside a connection that is under way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aioice import Candidate, stun

from nbrtc.engine import gathering
from nbrtc.engine.gathering import Gathering
from nbrtc.engine.ice_seams import IceSeam
from nbrtc.messages import IceServerEntry

LIVING, DEAD, THIRD = "203.0.113.1", "203.0.113.2", "203.0.113.3"


def candidate(kind: str, host: str, port: int = 50000) -> Candidate:
    return Candidate("1", 1, "udp", 1, host, port, kind)


def turn(*hosts: str) -> list[IceServerEntry]:
    return [IceServerEntry((f"turn:{host}",), "ada", "a password") for host in hosts]


def stuns(*hosts: str) -> list[IceServerEntry]:
    return [IceServerEntry((f"stun:{host}",)) for host in hosts]


async def never() -> Candidate:
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


def refused(code: int) -> stun.TransactionFailed:
    response = stun.Message(stun.Method.ALLOCATE, stun.Class.ERROR)
    response.attributes["ERROR-CODE"] = (code, "whatever it says")
    return stun.TransactionFailed(response)


@dataclass(eq=False)
class Base:
    """A socket of a host candidate."""

    local_candidate: Candidate


@dataclass(eq=False)
class FakeRelay:
    local_candidate: Candidate
    on_error: Callable[[Exception], None]
    is_closed: bool = False

    async def close(self) -> None:
        self.is_closed = True


@dataclass
class FakeIce:
    """An ICE connection whose servers do what `answers` says, by host, and for STUN by base and host."""

    answers: dict[Any, Callable[[], Awaitable[Candidate]]]
    bases: tuple[str, ...] = ("192.0.2.7",)
    is_closing: bool = False
    asked: list[tuple[str, Any]] = field(default_factory=list)
    relays: list[FakeRelay] = field(default_factory=list)

    @property
    def host_protocols(self) -> list[Base]:
        self._made = getattr(self, "_made", None) or [Base(candidate("host", host)) for host in self.bases]
        return self._made

    async def reflexive(self, base: Base, server: tuple[str, int]) -> Candidate:
        self.asked.append((server[0], base.local_candidate.host))
        return await self.answers[base.local_candidate.host, server[0]]()

    async def relayed(self, server: tuple[str, int], **access: Any) -> FakeRelay:
        self.asked.append((server[0], access))
        relay = FakeRelay(await self.answers[server[0]](), access["on_error"])
        self.relays.append(relay)
        return relay

    def add_reflexive(self, found: Candidate) -> bool:
        return found.host not in self.bases and not self.is_closing

    def add_relay(self, relay: FakeRelay) -> bool:
        return not self.is_closing


class Told(list[Any]):
    """What a gathering told, in order: candidates by host, failures by URL and code, the end as None."""

    def __init__(self) -> None:
        self.sentences: list[str] = []
        self._changed = asyncio.Event()

    def candidate(self, found: Candidate | None, url: str) -> None:
        self.append(None if found is None else (found.host, url))
        self._changed.set()

    def failed(self, url: str, code: int, sentence: str) -> None:
        self.sentences.append(sentence)
        self.append((url, code))
        self._changed.set()

    async def has(self, count: int) -> None:
        async with asyncio.timeout(60):
            while len(self) < count:
                await self._changed.wait()
                self._changed.clear()


async def gave(kind: str, host: str) -> Candidate:
    return candidate(kind, host)


async def raises(error: Exception) -> Candidate:
    raise error


def gather(ice: FakeIce, servers: list[IceServerEntry], told: Told, *, relay_only: bool = False) -> Gathering:
    found = Gathering(servers, relay_only=relay_only, on_candidate=told.candidate, on_failed=told.failed)
    found.start(cast(IceSeam, ice))
    return found


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "SERVER_S", 0.05)


async def test_a_silent_server_does_not_hold_up_what_the_others_give(hurried: None) -> None:
    told = Told()
    ice = FakeIce({DEAD: never, LIVING: lambda: gave("relay", "198.51.100.1")})
    found = gather(ice, turn(DEAD, LIVING), told)
    await told.has(3)
    assert told == [("198.51.100.1", f"turn:{LIVING}"), (f"turn:{DEAD}", 701), None]
    assert "does not answer" in told.sentences[0]
    assert found.is_done
    await found.close()


BOTH = "both.example"


@pytest.fixture
def two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def addresses_of(host: str) -> list[str]:
        assert host == BOTH
        return ["2001:db8::1", LIVING]

    monkeypatch.setattr(gathering, "addresses_of", addresses_of)


async def test_a_name_with_two_kinds_of_address_gives_from_either(two_kinds: None) -> None:
    told = Told()
    ice = FakeIce(
        {
            LIVING: lambda: raises(ConnectionRefusedError()),
            "2001:db8::1": lambda: gave("relay", "198.51.100.1"),
        }
    )
    found = gather(ice, turn(BOTH), told)
    await told.has(2)
    assert told == [("198.51.100.1", f"turn:{BOTH}"), None]
    assert [host for host, _ in ice.asked] == [LIVING, "2001:db8::1"]
    await found.close()


async def test_of_two_kinds_of_address_the_answer_is_told(two_kinds: None) -> None:
    told = Told()
    ice = FakeIce(
        {LIVING: lambda: raises(ConnectionRefusedError()), "2001:db8::1": lambda: raises(refused(401))}
    )
    found = gather(ice, turn(BOTH), told)
    await told.has(2)
    assert told == [(f"turn:{BOTH}", 401), None]
    await found.close()


async def test_a_socket_that_leads_nowhere_does_not_either(hurried: None) -> None:
    told = Told()
    ice = FakeIce(
        {("172.17.0.1", LIVING): never, ("192.0.2.7", LIVING): lambda: gave("srflx", "198.51.100.9")},
        bases=("172.17.0.1", "192.0.2.7"),
    )
    found = gather(ice, stuns(LIVING), told)
    await told.has(2)
    assert told == [("198.51.100.9", f"stun:{LIVING}"), None]
    await found.close()


async def test_relays_are_ranked_as_the_servers_are(hurried: None) -> None:
    told = Told()
    hosts = (THIRD, LIVING, DEAD)
    ice = FakeIce({host: lambda: gave("relay", "198.51.100.1") for host in hosts})
    found = gather(ice, turn(*hosts), told)
    await found.finished()
    assert {host: access["rank"] for host, access in ice.asked} == {THIRD: 0, LIVING: 1, DEAD: 2}
    assert not any(access["hide_base"] for _, access in ice.asked)
    await found.close()


async def test_only_relays_are_asked_where_only_they_may_be_used() -> None:
    told = Told()
    ice = FakeIce({LIVING: lambda: gave("relay", "198.51.100.1")})
    found = gather(ice, stuns(DEAD) + turn(LIVING), told, relay_only=True)
    await told.has(2)
    assert told == [("198.51.100.1", f"turn:{LIVING}"), None]
    ((host, access),) = ice.asked
    assert (host, access["hide_base"]) == (LIVING, True)
    await found.close()


@pytest.mark.parametrize("code", [401, 403, 437, 486, 508, 599])
async def test_what_a_server_refuses_is_told_with_its_code_and_no_credential(code: int) -> None:
    told = Told()
    found = gather(FakeIce({LIVING: lambda: raises(refused(code))}), turn(LIVING), told)
    await told.has(2)
    assert told == [(f"turn:{LIVING}", code), None]
    assert told.sentences[0].endswith(".")
    assert "password" not in told.sentences[0]
    await found.close()


async def test_what_it_refuses_later_is_told_once() -> None:
    told = Told()
    ice = FakeIce({LIVING: lambda: gave("relay", "198.51.100.1")})
    found = gather(ice, turn(LIVING), told)
    await told.has(2)
    for _ in range(3):
        ice.relays[0].on_error(refused(403))
    assert told[2:] == [(f"turn:{LIVING}", 403)]
    await found.close()


async def test_a_mistake_of_ours_is_in_the_log_and_the_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    found = gather(FakeIce({LIVING: lambda: raises(RuntimeError("a mistake"))}), turn(LIVING), told)
    await told.has(2)
    assert told == [(f"turn:{LIVING}", 701), None]
    assert "a mistake" in caplog.text
    await found.close()


async def test_a_server_of_another_kind_of_address_is_out_of_reach() -> None:
    told = Told()
    found = gather(FakeIce({}), [IceServerEntry(("stun:[2001:db8::1]",))], told)
    await told.has(2)
    assert told == [("stun:[2001:db8::1]", 701), None]
    assert "no address of its kind" in told.sentences[0]
    await found.close()


async def test_what_equals_a_host_candidate_is_not_told() -> None:
    told = Told()
    ice = FakeIce({("192.0.2.7", LIVING): lambda: gave("srflx", "192.0.2.7")})
    found = gather(ice, stuns(LIVING), told)
    await told.has(1)
    assert told == [None]
    await found.close()


async def test_an_allocation_that_comes_after_the_end_is_given_back() -> None:
    told = Told()
    ice = FakeIce({LIVING: lambda: gave("relay", "198.51.100.1")}, is_closing=True)
    found = gather(ice, turn(LIVING), told)
    await told.has(1)
    assert told == [None]
    assert ice.relays[0].is_closed
    await found.close()


async def test_closing_stops_it_without_a_word() -> None:
    told = Told()
    is_asked = asyncio.Event()

    async def ask() -> Candidate:
        is_asked.set()
        return await never()

    found = gather(FakeIce({LIVING: ask}), turn(LIVING), told)
    async with asyncio.timeout(60):
        await is_asked.wait()
    await found.close()
    await found.close()
    await found.finished()
    assert told == []


async def test_without_servers_it_ends_at_once() -> None:
    told = Told()
    found = gather(FakeIce({}), [], told)
    assert not found.is_wanted
    await told.has(1)
    assert told == [None]
    await found.close()
