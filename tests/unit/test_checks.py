"""The engine's lines of a connection check, and the desk that asks for them and for echoes."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import av
import pytest
from aiohttp import web

from nbrtc.engine import checks as checking
from nbrtc.engine.board import Board
from nbrtc.engine.check_desk import MOST_LINES, CheckDesk
from nbrtc.engine.checks import checks
from nbrtc.engine.ice_desk import IceDesk
from nbrtc.engine.server_check import check_server
from nbrtc.errors import NegotiationError
from nbrtc.messages import (
    CallState,
    Checked,
    CheckOffer,
    CheckReport,
    CheckResult,
    ChecksArrived,
    IceDecision,
    Notification,
    PageMessage,
    Quality,
    Reply,
    RoomInfo,
    RunChecks,
    ServerProbe,
    decode_event,
)
from nbrtc.signaling.server import ServerOptions, SignalingServer

URL = "turn:turn.example.org"
OUTCOMES = {"pass", "warning", "fail", "skipped"}
WAIT_S = 30


def answered(**fields: Any) -> ServerProbe:
    """How a TURN server answered."""
    known: dict[str, Any] = {
        "url": URL,
        "by": "engine",
        "ok": True,
        "transport": "udp",
        "time_s": time.time(),
    }
    return ServerProbe(**{**known, **fields})


async def no_servers(_url: str, _timeout_s: float) -> ServerProbe | None:
    raise AssertionError("none is configured")


async def lines(*arguments: Any) -> dict[str, CheckResult]:
    found = [result async for result in checks(*arguments)]
    assert len({result.name for result in found}) == len(found)
    return {result.name: result for result in found}


async def test_every_line_says_what_was_found_and_bad_ones_what_to_do() -> None:
    async def probe(url: str, _timeout_s: float) -> ServerProbe | None:
        if url == URL:
            return answered(rtt_s=0.012, candidate_types=("relay",))
        return answered(url=url, ok=False, error_code=701, error="It does not answer.")

    found = await lines(None, probe, (URL, "stun:s"))

    for result in found.values():
        assert result.outcome in OUTCOMES
        assert result.by == "engine"
        assert result.detail.endswith(".")
        assert bool(result.advice) == (result.outcome in ("warning", "fail"))
    by_title = {result.title: result for result in found.values()}
    assert by_title[URL].outcome == "pass"
    assert "12 ms" in by_title[URL].detail
    assert by_title[URL].value == 0.012
    assert (by_title["stun:s"].outcome, by_title["stun:s"].value) == ("fail", None)
    assert found["python-versions"].detail.startswith("nbrtc 0.")
    assert all(value.unit in ("fps", "s", "") for value in found.values())
    assert found["python-encoder-vp8"].value is not None
    assert found["python-encoder-vp8"].value > 0


@pytest.mark.usefixtures("quick")
async def test_a_server_that_answers_does_not_wait_for_one_that_does_not() -> None:
    gate = asyncio.Event()

    async def probe(url: str, _timeout_s: float) -> ServerProbe | None:
        if url != URL:
            await gate.wait()
            return None
        return answered(candidate_types=("relay",))

    found = []
    async for result in checks(None, probe, ("turn:gone", URL)):
        found.append(result)
        if result.title == URL:
            gate.set()
    by_title = {result.title: result for result in found}
    assert by_title[URL].outcome == "pass"
    assert by_title["turn:gone"].outcome == "skipped"
    assert found.index(by_title[URL]) < found.index(by_title["turn:gone"])


async def test_addresses_are_counted_and_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ["192.168.7.9", "2001:db8::7", "10.1.1.1"]
    monkeypatch.setattr(checking, "get_host_addresses", lambda **_: own)

    (result,) = await checking.addresses()

    assert (result.outcome, result.value) == ("pass", 3)
    assert not [address for address in own if address in result.detail]


async def test_a_machine_without_a_network_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "get_host_addresses", lambda **_: ["127.0.0.1"])

    (result,) = await checking.addresses()

    assert result.outcome in ("warning", "fail")
    assert "127.0.0.1" in result.detail
    assert result.advice


async def test_a_machine_that_opens_no_udp_socket_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_address: str) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(checking, "_udp_socket", refused)

    (result,) = await checking.udp()

    assert result.outcome == "fail"
    assert "Operation not permitted" in result.detail


@pytest.mark.parametrize(("took_s", "outcome"), [(0.005, "pass"), (0.02, "warning"), (0.05, "fail")])
def test_an_encoder_that_is_too_slow_for_a_camera_is_told(
    took_s: float, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0

    class Encoder:
        def encode(self, *_: Any) -> bytes:
            nonlocal now_s
            now_s += took_s
            return b"."

    monkeypatch.setattr(checking, "ENCODERS", {"VP8": Encoder})
    monkeypatch.setattr(checking, "time", SimpleNamespace(monotonic=lambda: now_s))

    result = checking.encoder("VP8")

    assert (result.outcome, result.unit) == (outcome, "fps")
    assert result.value == pytest.approx(1 / took_s)


def test_an_encoder_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Encoder:
        def encode(self, *_: Any) -> bytes:
            raise av.error.EncoderNotFoundError(1, "no such encoder")

    monkeypatch.setattr(checking, "ENCODERS", {"VP8": Encoder})

    assert checking.encoder("VP8").outcome == "fail"


@pytest.mark.parametrize(
    ("code", "outcome", "advice"),
    [
        (401, "fail", "credential"),
        (438, "fail", "clocks"),
        (486, "fail", "quota"),
        (403, "fail", "denied-peer-ip"),
        (701, "fail", "firewall"),
        (None, "skipped", ""),
    ],
)
def test_the_advice_fits_the_servers_answer(code: int | None, outcome: str, advice: str) -> None:
    result = checking.probed(answered(ok=False, error_code=code, error="It said no."))

    assert result.outcome == outcome
    assert advice in result.advice
    assert bool(advice) == bool(result.advice)


@pytest.mark.usefixtures("quick")
async def test_whoever_stops_reading_stops_the_rest() -> None:
    stopped, begun = asyncio.Event(), asyncio.Event()

    async def probe(_url: str, _timeout_s: float) -> ServerProbe | None:
        try:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")
        except asyncio.CancelledError:
            stopped.set()
            raise

    found = checks(None, probe, (URL, "turn:another"))
    async with asyncio.timeout(WAIT_S):
        while not begun.is_set():
            await anext(found)
        await found.aclose()
    assert stopped.is_set()


# --- the room's server


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[dict[str, Handler]], Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve some paths on a free port; gives the URL."""
    runners: list[web.AppRunner] = []

    async def start(paths: dict[str, Handler]) -> str:
        app = web.Application()
        app.add_routes([web.get(path, handler) for path, handler in paths.items()])
        runners.append(web.AppRunner(app))
        await runners[-1].setup()
        await web.TCPSite(runners[-1], "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runners[-1].addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


async def healthy(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ok", "version": "9.9"})


async def test_a_room_server_that_answers_passes_and_nobody_joins_it() -> None:
    server = SignalingServer(ServerOptions())
    await server.start()
    try:
        (result,) = await check_server(server.url)
        async with aiohttp.ClientSession() as session, session.get(f"{server.url}/health") as answer:
            health = await answer.json()
    finally:
        await server.close()

    assert result.outcome in ("pass", "warning")  # a warning says that it is slow, as a busy machine is
    assert result.unit == "s"
    assert server.url in result.detail
    assert health.get("rooms", 0) == 0


async def test_a_server_that_is_not_there_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

    (result,) = await check_server(url)

    assert (result.outcome, url in result.detail) == ("fail", True)
    assert "nbrtc serve" in result.advice


async def test_another_web_site_is_no_room_server(serve: Serve) -> None:
    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="<html>welcome</html>")

    for url in (await serve({"/health": page}), await serve({})):
        (result,) = await check_server(url)
        assert result.outcome == "fail"
        assert "no room server" in result.detail


async def test_a_proxy_without_web_sockets_is_told(serve: Serve) -> None:
    (result,) = await check_server(await serve({"/health": healthy}))

    assert result.outcome == "fail"
    assert "WebSocket" in result.detail
    assert "Upgrade" in result.advice


async def test_a_plain_server_at_an_https_address_fails_in_words(serve: Serve) -> None:
    url = (await serve({"/health": healthy})).replace("http:", "https:")

    (result,) = await check_server(url)

    assert result.outcome == "fail"
    assert result.advice


# --- the desk


class Desk:
    """A check desk with a board of its own; the servers are a stand-in."""

    def __init__(self, room: RoomInfo | None = None) -> None:
        self.notifications: list[Notification] = []
        self.changed = asyncio.Event()
        state = CallState(quality=Quality(640, 480, 30), room=room)
        self.board = Board("call", state, self._notify)
        self.gate = asyncio.Event()
        self.desk = CheckDesk(self.board, cast(IceDesk, self))

    decision = IceDecision()
    servers = ()

    @property
    def probed_urls(self) -> tuple[str, ...]:
        return (URL,)

    async def probe_from_here(self, _url: str, _timeout_s: float) -> ServerProbe | None:
        await self.gate.wait()
        return answered(candidate_types=("relay",))

    def events(self, page: str, kind: type[Any]) -> list[Any]:
        """What a page was told."""
        bodies = [one.body for one in self.told(PageMessage) if one.page == page]
        return [event for event in map(decode_event, bodies) if isinstance(event, kind)]

    def told(self, kind: type[Any]) -> list[Any]:
        """What the kernel was told."""
        return [one for one in self.notifications if isinstance(one, kind)]

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    def _notify(self, notification: Notification) -> None:
        self.notifications.append(notification)
        self.changed.set()


@pytest.fixture
async def staged() -> AsyncIterator[Desk]:
    staged = Desk()
    yield staged
    await staged.desk.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what takes the processor's time."""
    monkeypatch.setattr(checking, "encoders", list)


@pytest.mark.usefixtures("quick")
async def test_a_page_gets_lines_as_they_are_found_and_the_end(staged: Desk) -> None:
    await staged.desk.hear("p", RunChecks(id="1"))
    await staged.until(lambda: len(staged.events("p", Checked)) >= 3)

    before = staged.events("p", Checked)
    assert not any(event.done for event in before)
    assert URL not in [line.title for event in before for line in event.checks]
    staged.gate.set()
    await staged.until(lambda: any(event.done for event in staged.events("p", Checked)))

    events = staged.events("p", Checked)
    assert [event.done for event in events] == [False] * (len(events) - 1) + [True]
    assert {event.id for event in events} == {"1"}
    assert URL in [line.title for event in events for line in event.checks]
    assert staged.events("p", Reply)[0].error_code is None


@pytest.mark.usefixtures("quick")
async def test_a_page_that_begins_anew_hears_only_of_the_new_check(staged: Desk) -> None:
    await staged.desk.hear("p", RunChecks(id="1"))
    await staged.desk.hear("p", RunChecks(id="2"))
    staged.gate.set()
    await staged.until(lambda: any(event.done for event in staged.events("p", Checked)))

    done = [event for event in staged.events("p", Checked) if event.done]
    assert [event.id for event in done] == ["2"]


async def test_python_asks_whoever_shows_the_call_and_the_report_ends_that(staged: Desk) -> None:
    staged.desk.request()
    requested = [staged.board.state.check_requested]
    result = CheckResult("a", "A", "pass", "page", "Fine.")
    await staged.desk.hear("p", RunChecks(id="1"))
    await staged.desk.hear("p", CheckReport(checks=(result,) * (MOST_LINES + 1)))

    assert [*requested, staged.board.state.check_requested] == [True, False]
    assert staged.told(ChecksArrived)[-1].checks == (result,) * MOST_LINES


async def test_a_hostile_offer_is_refused(staged: Desk) -> None:
    with pytest.raises(NegotiationError):
        await staged.desk.hear("p", CheckOffer(id="1", sdp="v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"))


@pytest.mark.usefixtures("quick")
async def test_a_closed_call_ends_its_checks(staged: Desk) -> None:
    await staged.desk.hear("p", RunChecks(id="1"))
    await staged.until(lambda: staged.events("p", Checked))

    await staged.desk.close()
    await staged.desk.close()

    assert not any(event.done for event in staged.events("p", Checked))
