"""A room's client and its TURN servers: told at each join, fetched again; and reports of outcomes."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from nbrtc.errors import RoomError
from nbrtc.messages.signaling import MAX_OUTCOMES, IceOutcomeJson
from nbrtc.signaling import reporter
from tests.loopback.rooms import Hall, until

SECRET = "what the TURN server and this one share"
TURN = "turn:turn.example.org"
RELAYED = IceOutcomeJson(success=True, connect_s=0.5, local_type="relay", relay_protocol="udp")


@pytest.fixture
async def hall(request: pytest.FixtureRequest) -> AsyncIterator[Hall]:
    options = {"turn_urls": (TURN,), "turn_secret": SECRET, "analytics": True}
    hall = Hall(**getattr(request, "param", options))
    await hall.open()
    yield hall
    await hall.close()


async def test_servers_are_told_at_each_join_and_fetched_again(hall: Hall) -> None:
    ada = hall.member("Ada")
    with pytest.raises(RoomError) as caught:
        await ada.turn_credentials()
    assert caught.value.reason == "not-in-room"

    await ada.join()
    servers, expires_at_s, collects = ada.ear.ice[0]
    assert [entry.urls for entry in servers] == [(TURN,)]
    said_s, _, whose = str(servers[0].username).partition(":")
    assert whose == ada.me
    assert expires_at_s == pytest.approx(float(said_s), abs=60), "one machine has one clock"
    assert collects

    fresh = await ada.turn_credentials()
    assert fresh.ice_servers[0].username == f"{fresh.expires_at:.0f}:{ada.me}"

    await hall.shut()
    await until(lambda: ada.room.phase == "reconnecting")
    with pytest.raises(RoomError) as caught:
        await ada.turn_credentials()
    assert caught.value.reason == "unreachable"
    await hall.open()
    await until(lambda: len(ada.ear.ice) == 2, "the servers of the rejoin")


@pytest.mark.parametrize("hall", [{}], indirect=True)
async def test_a_server_without_any_is_told_as_such(hall: Hall) -> None:
    (ada,) = await hall.joined("Ada")
    assert ada.ear.ice == [((), None, False)]
    assert (await ada.turn_credentials()).ice_servers == ()


async def test_outcomes_get_to_the_server_in_reports_it_takes(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "PAUSE_S", 0.0)
    ada = hall.member("Ada")
    ada.report_outcomes([RELAYED])  # nobody knows yet whether they are wanted
    await ada.join()
    ada.report_outcomes([RELAYED] * (MAX_OUTCOMES + 1))

    async with aiohttp.ClientSession() as http:

        async def count() -> float:
            async with http.get(f"{hall.url}/metrics") as response:
                lines = (await response.text()).splitlines()
            return sum(
                float(line.rpartition(" ")[2])
                for line in lines
                if line.startswith("nbrtc_ice_outcomes_total{")
            )

        async with asyncio.timeout(60):
            while (counted := await count()) < MAX_OUTCOMES + 1:  # noqa: ASYNC110  # over HTTP
                await asyncio.sleep(0.01)
        assert counted == MAX_OUTCOMES + 1


@pytest.mark.parametrize("hall", [{}], indirect=True)
async def test_nothing_is_reported_to_a_server_that_does_not_ask(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[object] = []

    async def post(self: object, outcomes: object) -> None:
        posted.append(outcomes)

    monkeypatch.setattr(reporter.OutcomeReporter, "_post", post)
    (ada,) = await hall.joined("Ada")
    ada.report_outcomes([RELAYED])
    await ada.leave()
    assert posted == []


async def test_a_server_that_is_gone_costs_only_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    post = reporter.OutcomeReporter._post

    async def counted(self: reporter.OutcomeReporter, outcomes: list[IceOutcomeJson]) -> None:
        tried.append(len(outcomes))
        await post(self, outcomes)

    monkeypatch.setattr(reporter.OutcomeReporter, "_post", counted)
    monkeypatch.setattr(reporter, "PAUSE_S", 0.0)
    gone = reporter.OutcomeReporter(lambda: ("http://127.0.0.1:1", "token"))
    gone.add([RELAYED] * 150)
    await until(lambda: len(tried) == 5, "five reports of the last hundred")
    assert tried == [20] * 5
    gone.add([RELAYED])
    await until(lambda: tried[-1] == 1, "the next one")
    await gone.close()
    await gone.close()
