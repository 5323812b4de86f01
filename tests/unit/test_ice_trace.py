"""What the engine tells of one connection's ICE."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import pytest
from aioice import Candidate

from nbrtc.engine import ice_trace
from nbrtc.engine.ice_seams import CheckedPair, IceSeam
from nbrtc.engine.ice_trace import MOST_SEEN, IceTrace
from nbrtc.messages import (
    CandidateFailed,
    CandidateRefused,
    CandidateSeen,
    IceRecord,
    IceStateSeen,
    PairSeen,
)


def candidate(host: str, kind: str = "host", port: int = 5000) -> Candidate:
    return Candidate("f", 1, "udp", 7, host, port, kind, "0.0.0.0" if kind == "relay" else None, 9)


@dataclass
class FakeIce:
    local_candidates: list[Candidate] = field(default_factory=list)
    remote_candidates: list[Candidate] = field(default_factory=list)
    pairs: list[CheckedPair] = field(default_factory=list)


class Heard(list[IceRecord]):
    def __init__(self) -> None:
        self.changed = asyncio.Event()

    def take(self, records: tuple[IceRecord, ...]) -> None:
        self.extend(records)
        self.changed.set()

    def of(self, kind: type[IceRecord]) -> list[IceRecord]:
        return [record for record in self if isinstance(record, kind)]

    def states(self) -> list[tuple[str, str]]:
        return [(record.what, record.state) for record in self if isinstance(record, IceStateSeen)]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def trace(heard: Heard) -> AsyncIterator[IceTrace]:
    trace = IceTrace("bob", 3, heard.take)
    yield trace
    await trace.close()


async def test_it_tells_the_course_of_a_connection(trace: IceTrace, heard: Heard) -> None:
    assert heard == [], "nobody listens before it starts"
    local, remote = candidate("192.0.2.7"), candidate("192.0.2.8")
    ice = FakeIce([local])
    trace.start(cast(IceSeam, ice))
    trace.changed("checking")
    ice.remote_candidates.append(remote)
    ice.pairs.append(CheckedPair(local, remote, "in-progress", False, False))
    trace.look()
    ice.pairs[0] = CheckedPair(local, remote, "succeeded", True, True)
    trace.changed("completed")
    trace.changed("closed")
    await trace.close()
    await trace.close()

    assert heard.states() == [
        ("start", ""),
        ("gathering", "gathering"),
        ("connection", "checking"),
        ("connection", "completed"),
        ("closed", ""),
    ]
    mine, other = (record for record in heard if isinstance(record, CandidateSeen))
    assert (mine.is_remote, mine.address, mine.port, mine.candidate_type) == (
        False,
        "192.0.2.7",
        5000,
        "host",
    )
    assert (other.is_remote, other.address) == (True, "192.0.2.8")
    pairs = [record for record in heard if isinstance(record, PairSeen)]
    assert [(one.state, one.nominated, one.selected) for one in pairs] == [
        ("in-progress", False, False),
        ("succeeded", True, True),
    ]
    assert {(one.local_id, one.remote_id) for one in pairs} == {(mine.id, other.id)}
    assert {(record.peer, record.generation) for record in heard} == {("bob", 3)}
    assert [record.time_s for record in heard] == sorted(record.time_s for record in heard)


async def test_a_relay_names_its_server_and_how_it_is_reached(trace: IceTrace, heard: Heard) -> None:
    ice = FakeIce()
    trace.start(cast(IceSeam, ice))
    relay = candidate("198.51.100.1", "relay")
    ice.local_candidates.append(relay)
    trace.gathered(relay, "turns:turn.example")
    trace.gathered(None, "")
    (seen,) = heard.of(CandidateSeen)
    assert isinstance(seen, CandidateSeen)
    assert (seen.url, seen.relay_protocol, seen.candidate_type) == ("turns:turn.example", "tls", "relay")
    assert heard.states()[-1] == ("gathering", "complete")


async def test_failures_and_refusals_are_records(trace: IceTrace, heard: Heard) -> None:
    trace.failed("turn:turn.example", 486, "The quota is used up.")
    trace.refused("127.0.0.1", "It is a machine's address for itself.")
    failed, refused = heard
    assert isinstance(failed, CandidateFailed)
    assert (failed.url, failed.error_code, failed.error_text) == (
        "turn:turn.example",
        486,
        "The quota is used up.",
    )
    assert isinstance(refused, CandidateRefused)
    assert refused.address == "127.0.0.1"


async def test_it_looks_by_itself(trace: IceTrace, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice_trace, "EAGER_S", 0.001)
    ice = FakeIce()
    trace.start(cast(IceSeam, ice))
    ice.remote_candidates.append(candidate("192.0.2.8", "prflx"))
    async with asyncio.timeout(60):
        while not heard.of(CandidateSeen):
            heard.changed.clear()
            await heard.changed.wait()


async def test_nothing_is_told_twice(trace: IceTrace, heard: Heard) -> None:
    local, remote = candidate("192.0.2.7"), candidate("192.0.2.8")
    trace.start(
        cast(IceSeam, FakeIce([local], [remote], [CheckedPair(local, remote, "waiting", False, False)]))
    )
    trace.look()
    told = len(heard)
    trace.look()
    trace.look()
    assert len(heard) == told


async def test_a_flood_is_cut(trace: IceTrace, heard: Heard) -> None:
    flood = [candidate("192.0.2.8", "prflx", port) for port in range(1, 2 * MOST_SEEN)]
    trace.start(cast(IceSeam, FakeIce([], flood)))
    trace.look()
    assert len(heard.of(CandidateSeen)) == MOST_SEEN
