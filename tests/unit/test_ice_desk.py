"""A call's ICE in the engine: servers of the user and of the room, credentials, probes, outcomes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from nbrtc.engine.ice_desk import IceDesk
from nbrtc.errors import RoomError
from nbrtc.ice.history import History
from nbrtc.ice.outcome import Outcome
from nbrtc.messages import (
    CandidateFailed,
    CandidateSeen,
    IceOptions,
    IceRecord,
    IceServerEntry,
    IceServerSource,
    IceStateSeen,
    NetworkInformation,
    ProbeIce,
    ServerProbe,
)
from nbrtc.messages.signaling import TurnCredentialsJson

STUN, TURN = "stun:s", "turn:t"
SECRET = IceServerSource((TURN,), secret="s3cret", ttl_s=600)
ISSUED = (IceServerEntry(("turn:room",), "17:p", "c1"),)
WAIT_S = 20.0
T = time.time()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110  what a desk tells is kept in lists
            await asyncio.sleep(0.005)


class Staged:
    """A desk whose servers answer as a test says."""

    def __init__(self, *sources: IceServerSource, history: History | None = None, **more: Any) -> None:
        self.changes = 0
        self.asked: list[list[str]] = []
        self.asked_with: list[tuple[IceServerEntry, ...]] = []
        self.page_asked: list[ProbeIce] = []
        self.has_page = True
        self.ok = True
        self.outcomes: list[Outcome] = []
        self.problems: list[str] = []
        self.probes: list[ServerProbe] = []
        self.desk = IceDesk(
            sources,
            more.pop("options", IceOptions()),
            on_change=self._changed,
            on_probes=self.probes.extend,
            on_outcome=self.outcomes.append,
            on_problem=self.problems.append,
            ask_page=self._ask_page,
            call="0123456789abcdef0123456789abcdef",
            history=history or History(None),
            prober=self._probe,
            **more,
        )

    def _changed(self) -> None:
        self.changes += 1

    def _ask_page(self, question: ProbeIce) -> bool:
        if self.has_page:
            self.page_asked.append(question)
        return self.has_page

    async def _probe(self, entries: tuple[IceServerEntry, ...], timeout_s: float) -> list[ServerProbe]:
        self.asked_with.append(entries)
        self.asked.append([url for entry in entries for url in entry.urls])
        return [probed(url, "engine", ok=self.ok) for entry in entries for url in entry.urls]


@pytest.fixture
async def stage() -> AsyncIterator[Callable[..., Staged]]:
    stages: list[Staged] = []

    def build(*sources: IceServerSource, **more: Any) -> Staged:
        stages.append(Staged(*sources, **more))
        return stages[-1]

    yield build
    for one in stages:
        await one.desk.close()


def probed(url: str, by: Any, *, ok: bool = True) -> ServerProbe:
    return ServerProbe(url, by, ok, "udp", time.time())


def source(*urls: str) -> IceServerSource:
    return IceServerSource(urls, "ada", "pw")


def a_connection(*records: IceRecord, state: str = "connected") -> list[IceRecord]:
    return [
        IceStateSeen(T + 0, "python", 1, "start"),
        *records,
        IceStateSeen(T + 1, "python", 1, "connection", state),
        IceStateSeen(T + 10, "python", 1, "gathering", "complete"),
    ]


async def test_of_two_spellings_one_is_asked_and_planned(stage: Any) -> None:
    one = stage(source("turn:t?transport=udp", TURN, "turn:T:3478"), source(STUN, "stun:s:3478"))
    assert one.desk.probed_urls == (STUN, "turn:t?transport=udp")
    for url in one.desk.probed_urls:
        found = await one.desk.probe_from_here(url, 1.0)
        assert found is not None
        assert found.url == url
    assert one.asked == [[STUN], ["turn:t?transport=udp"]]
    assert one.asked_with[1][0].credential == "pw"
    assert await one.desk.probe_from_here("turn:gone", 1.0) is None


async def test_the_users_servers_are_decided_about_at_once(stage: Any) -> None:
    desk = stage(source(TURN), source(STUN)).desk
    assert desk.decision.urls == (STUN, TURN)
    assert desk.servers == (IceServerEntry((STUN,)), IceServerEntry((TURN,), "ada", "pw"))
    assert desk.configuration.ice_servers == desk.servers
    assert desk.configuration.left_s is None
    assert desk.problem is None


async def test_credentials_are_made_of_a_secret_and_made_again_in_time(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_s = time.time()
    desk = stage(SECRET).desk
    first = desk.configuration
    (entry,) = first.ice_servers
    ends_s = int(str(entry.username).removesuffix(":0123456789abcdef"))
    assert start_s + 500 < ends_s < start_s + 700
    assert first.left_s == pytest.approx(ends_s - start_s, abs=30)
    assert "s3cret" not in repr((first, desk.decision, entry.username))

    monkeypatch.setattr(time, "time", lambda: start_s + 200)
    assert desk.configuration.ice_servers == first.ice_servers, "more than half of its life is left"
    assert desk.configuration.left_s == ends_s - start_s - 200
    monkeypatch.setattr(time, "time", lambda: start_s + 400)
    await desk.refresh()
    assert desk.configuration.left_s == pytest.approx(600, abs=2)
    assert desk.servers == desk.configuration.ice_servers


async def test_the_rooms_servers_come_beside_and_are_renewed_by_the_room(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewals = 0

    async def renew() -> TurnCredentialsJson:
        nonlocal renewals
        renewals += 1
        await asyncio.sleep(0)
        return TurnCredentialsJson((IceServerEntry(("turn:room",), "18:p", "c2"),), expires_at=99.0, ttl=600)

    start_s = time.time()
    staged = stage(source(STUN), in_room=True)
    desk = staged.desk
    desk.issued(ISSUED, start_s + 600, renew)
    assert staged.changes == 1
    assert desk.decision.urls == (STUN, "turn:room")
    assert desk.configuration.left_s == pytest.approx(600, abs=30)

    await desk.refresh()
    assert renewals == 0
    monkeypatch.setattr(time, "time", lambda: start_s + 400)
    await asyncio.gather(*(desk.refresh() for _ in range(5)))
    assert renewals == 1, "the others waited for the first"
    assert desk.servers[-1].credential == "c2"
    assert desk.configuration.left_s == 600, "whatever time the server's clock has"
    assert staged.changes == 2

    desk.change_room(True)
    assert desk.decision.urls == (STUN,)


async def test_a_room_out_of_reach_leaves_what_is_there(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def renew() -> TurnCredentialsJson:
        raise RoomError("The server is out of reach.", "unreachable")

    desk = stage(in_room=True).desk
    desk.issued(ISSUED, time.time() + 600, renew)
    late_s = time.time() + 599
    monkeypatch.setattr(time, "time", lambda: late_s)
    await desk.refresh()
    assert desk.servers == ISSUED


async def test_what_the_room_issues_is_looked_at(stage: Any) -> None:
    desk = stage(in_room=True).desk
    desk.issued((IceServerEntry(("https://evil", "turn:room"), "17:p", "c1"),), None, None)
    assert desk.servers == ISSUED


async def test_a_turn_server_without_credentials_is_none(stage: Any) -> None:
    desk = stage(in_room=True).desk
    desk.issued((IceServerEntry((STUN, "turn:room")),), None, None)
    assert desk.servers == (IceServerEntry((STUN,)),)


async def test_relays_only_waits_for_the_rooms_servers(stage: Any) -> None:
    desk = stage(source(STUN), options=IceOptions(privacy=True), in_room=True).desk
    assert desk.awaits_turn
    assert desk.problem is None
    assert desk.configuration.left_s == 0, "the page asks for another one before it connects"
    waiting = asyncio.create_task(desk.heard_room(WAIT_S))
    await asyncio.sleep(0)
    desk.issued(ISSUED, time.time() + 600, None)
    await waiting
    assert not desk.awaits_turn
    assert desk.problem is None
    assert desk.configuration.ice_servers == ISSUED
    assert desk.configuration.ice_transport_policy == "relay"


async def test_relays_only_without_any_is_a_problem_once_the_room_has_spoken(stage: Any) -> None:
    desk = stage(options=IceOptions(force_turn=True), in_room=True).desk
    desk.issued((), None, None)
    assert "and the room's server issues none" in desk.problem


async def test_a_change_that_cannot_work_changes_nothing(stage: Any) -> None:
    staged = stage(source(STUN))
    assert "needs a TURN server" in staged.desk.change((), IceOptions(privacy=True))
    assert staged.desk.decision.urls == (STUN,)
    assert staged.changes == 0
    assert staged.desk.change((SECRET,), IceOptions(privacy=True)) is None
    assert staged.desk.decision.urls == (TURN,)
    assert staged.changes == 1


async def test_nobody_is_asked_before_the_click_and_then_seldom(stage: Any) -> None:
    staged = stage(source(STUN, TURN))
    staged.desk.take_network(NetworkInformation(type="wifi"))
    await asyncio.sleep(0)
    assert staged.asked == []

    staged.desk.offered()
    await until(lambda: staged.probes)
    assert staged.asked == [[STUN, TURN]]
    assert "it answered Python" in " ".join(staged.desk.decision.reasons)

    staged.desk.offered()
    staged.desk.issued(ISSUED, None, None)
    await until(lambda: len(staged.asked) > 1)
    assert staged.asked[1:] == [["turn:room"]], "only the new one"
    assert staged.page_asked == []


async def test_with_privacy_no_stun_server_is_asked(stage: Any) -> None:
    staged = stage(source(STUN, TURN), options=IceOptions(privacy=True))
    staged.desk.offered()
    await until(lambda: staged.asked)
    await staged.desk.probe(0.0)
    assert staged.asked == [[TURN], [TURN]]
    assert [url for entry in staged.page_asked[0].ice_servers for url in entry.urls] == [TURN]


async def test_python_may_ask_both_ends(stage: Any) -> None:
    staged = stage(source(STUN))
    asking = asyncio.create_task(staged.desk.probe(WAIT_S))
    await until(lambda: staged.page_asked)
    assert staged.page_asked[0].timeout_s == WAIT_S
    staged.desk.take_probes(
        [probed(STUN, "page", ok=False), probed("stun:x", "page"), probed(STUN, "engine")]
    )
    found = await asking

    assert [(probe.by, probe.ok) for probe in found] == [("engine", True), ("page", False)]
    assert staged.desk.decision.urls == (STUN,)
    assert "from the page: no answer" in " ".join(staged.desk.decision.reasons)


async def test_servers_are_asked_with_credentials_that_are_good(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renew() -> TurnCredentialsJson:
        return TurnCredentialsJson((IceServerEntry(("turn:room",), "18:p", "c2"),), expires_at=99.0, ttl=600)

    start_s = time.time()
    staged = stage(in_room=True)
    staged.desk.issued(ISSUED, start_s + 600, renew)
    monkeypatch.setattr(time, "time", lambda: start_s + 599)
    asking = asyncio.create_task(staged.desk.probe(WAIT_S))
    await until(lambda: staged.page_asked)
    staged.desk.take_probes([probed("turn:room", "page")])
    await asking
    assert [entry.credential for entry in staged.page_asked[0].ice_servers] == ["c2"]
    assert [entry.credential for entry in staged.asked_with[0]] == ["c2"]


async def test_without_a_page_only_the_engine_asks(stage: Any) -> None:
    staged = stage(source(STUN))
    staged.has_page = False
    assert [probe.by for probe in await staged.desk.probe(1.0)] == ["engine"]
    assert await stage().desk.probe(1.0) == ()


async def test_closing_ends_a_question(stage: Any) -> None:
    staged = stage(source(STUN))
    asking = asyncio.create_task(staged.desk.probe(WAIT_S))
    await until(lambda: staged.page_asked)
    await staged.desk.close()
    assert [probe.by for probe in await asking] == ["engine"]


async def test_the_page_is_asked_where_it_fares_otherwise_than_the_engine(stage: Any) -> None:
    staged = stage(source(STUN))
    staged.desk.offered()
    await until(lambda: staged.probes)
    agrees = CandidateSeen(
        T + 0.1, "python", 1, "L", False, "srflx", "192.0.2.1", 1, "udp", url="stun:S:3478"
    )
    staged.desk.take_records(a_connection(agrees))
    assert staged.page_asked == []
    failed = CandidateFailed(T + 100.1, "python", 2, STUN, 701, "")
    staged.desk.take_records(
        [
            IceStateSeen(T + 100, "python", 2, "start"),
            failed,
            IceStateSeen(T + 101, "python", 2, "connection", "failed"),
        ]
    )
    await until(lambda: len(staged.page_asked) == 1)
    assert [outcome.success for outcome in staged.outcomes] == [True, False]


async def test_outcomes_are_kept_and_used_next_time(stage: Any, tmp_path: Path) -> None:
    history = History(tmp_path / "history.sqlite")
    first = stage(source("turn:a", "turn:b"), history=history)
    first.desk.take_network(NetworkInformation(type="wifi"))
    first.desk.take_records(a_connection(CandidateFailed(T + 0.2, "python", 1, "turn:a", 701, "")))
    assert first.desk.decision.urls == ("turn:b", "turn:a")
    await first.desk.close()
    (kept,) = history.read()
    assert (kept.network, kept.silent) == ("wifi", ("turn:a:3478?transport=udp",))

    second = stage(source("turn:a", "turn:b"), history=history)
    await until(lambda: second.changes)
    assert second.desk.decision.urls == ("turn:b", "turn:a")


async def test_a_history_that_cannot_be_used_harms_no_call(stage: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    staged = stage(source(TURN), history=History(tmp_path / "file" / "history.sqlite"))
    staged.desk.take_records(a_connection())
    staged.desk.take_records(a_connection(state="failed"))
    await staged.desk.close()
    assert len(staged.problems) == 1
    assert "The call goes on" in staged.problems[0]
    assert len(staged.outcomes) == 1


async def test_the_bitrate_follows_the_network(stage: Any) -> None:
    staged = stage()
    staged.desk.take_network(NetworkInformation(save_data=True))
    assert staged.desk.configuration.max_bitrate_bps == 300_000
    assert staged.changes == 1
    staged.desk.take_network(NetworkInformation(save_data=True))
    assert staged.changes == 1
