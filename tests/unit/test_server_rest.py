"""The server's HTTP interface and the guest page."""

import gzip
from collections.abc import AsyncIterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from nbrtc.signaling.access import new_secret, sign_token
from nbrtc.signaling.page import GuestPage
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.unit.room_clients import Client, in_room

SECRET = new_secret()


@pytest.fixture
async def server() -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions(secret=SECRET, origins=("https://hub.example.edu",)))
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def http(server: SignalingServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=server.url) as session:
        yield session


def bearer(room: str, role: Any = "participant") -> dict[str, str]:
    return {"Authorization": f"Bearer {sign_token(SECRET, room, role=role)}"}


async def get(http: aiohttp.ClientSession, path: str, **options: Any) -> tuple[int, Any]:
    async with http.get(path, **options) as response:
        return response.status, await response.json()


async def ids(http: aiohttp.ClientSession, **options: Any) -> list[str]:
    status, body = await get(http, "/api/rooms", **options)
    assert status == 200
    assert body["count"] == len(body["rooms"])
    return [room["roomId"] for room in body["rooms"]]


async def test_everybody_sees_the_rooms_that_are_theirs_to_see(
    server: SignalingServer, http: aiohttp.ClientSession
) -> None:
    async with Client(server) as ada, Client(server) as bob:
        await in_room(ada, "secret", "ada", passcode="sesame")
        await in_room(bob, "open", "bob", settings={"listed": True})

        assert await ids(http) == ["open"]
        assert await ids(http, headers=bearer("secret")) == ["secret"]
        assert await ids(http, headers=bearer("*", "admin")) == ["secret", "open"]


async def test_names_are_for_those_who_may_enter(
    server: SignalingServer, http: aiohttp.ClientSession
) -> None:
    async with Client(server) as ada, Client(server) as bob:
        await in_room(ada, "secret", "ada", passcode="sesame")
        await in_room(bob, "open", "bob")

        status, room = await get(http, "/api/rooms/open")
        assert (status, room["participantCount"], room["capacity"]) == (200, 1, 10)
        assert "participants" not in room
        assert "creatorId" not in room
        status, room = await get(http, "/api/rooms/secret", headers=bearer("secret"))
        assert (status, [person["userName"] for person in room["participants"]]) == (200, ["Ada"])
        assert "sesame" not in str(room)
        status, body = await get(http, "/api/rooms/secret")
        assert (status, body["error"]["code"]) == (403, "not-allowed")
        status, body = await get(http, "/api/rooms/secret", headers=bearer("open"))
        assert (status, body["error"]["code"]) == (403, "not-allowed")
        status, body = await get(http, "/api/rooms/nowhere")
        assert (status, body["error"]["code"]) == (404, "room-not-found")


async def test_a_room_is_made_and_joined(server: SignalingServer, http: aiohttp.ClientSession) -> None:
    wanted = {"roomId": "lab", "roomName": "The lab", "capacity": 3, "passcode": "sesame"}
    async with http.post("/api/rooms", json=wanted) as response:
        room = await response.json()
        assert response.status == 201
        assert response.headers["Location"] == "/api/rooms/lab"
    assert (room["roomName"], room["capacity"], room["isProtected"]) == ("The lab", 3, True)
    assert room["participants"] == []

    async with Client(server) as ada:
        assert await ada.refused("join-room", roomId="lab") == "wrong-passcode"
        assert await ada.granted("join-room", roomId="lab", passcode="sesame")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"capacity": 99}', 400),
        (b'{"roomId": "../x"}', 400),
        (b'{"roomName": "\\u202e"}', 400),
        (b'{"unheardOf": 1}', 400),
        (b'"' + b"x" * 70_000 + b'"', 413),
    ],
)
async def test_what_is_no_room_is_refused(http: aiohttp.ClientSession, body: bytes, status: int) -> None:
    async with http.post("/api/rooms", data=body) as response:
        assert response.status == status
        assert (await response.json())["error"]["message"]
    assert await ids(http, headers=bearer("*", "admin")) == []


async def test_one_address_makes_few_rooms_at_once(http: aiohttp.ClientSession) -> None:
    statuses = []
    for _ in range(12):
        async with http.post("/api/rooms", json={}) as response:
            statuses.append(response.status)

    assert statuses[:10] == [201] * 10
    assert 429 in statuses[10:]


async def test_where_tokens_are_required_only_owners_make_rooms_and_strangers_see_nothing() -> None:
    server = SignalingServer(ServerOptions(secret=SECRET, require_token=True))
    await server.start()
    try:
        async with aiohttp.ClientSession(base_url=server.url) as http:
            for headers, status in [({}, 403), (bearer("lab"), 403), (bearer("lab", "owner"), 201)]:
                async with http.post("/api/rooms", json={"roomId": "lab"}, headers=headers) as response:
                    assert response.status == status
            assert await ids(http) == []
            for path in ("/api/rooms/lab", "/api/rooms/nowhere"):
                assert (await get(http, path))[0] == 403
    finally:
        await server.close()


async def test_health_and_figures(server: SignalingServer, http: aiohttp.ClientSession) -> None:
    async with Client(server) as ada:
        await in_room(ada, "r", "ada")
        await ada.refused("create-room", roomId="r")

        status, health = await get(http, "/health")
        assert status == 200
        assert health.pop("uptime") >= 0
        assert health == {"status": "ok", "rooms": 1, "users": 1, "version": version("nbrtc")}
        async with http.get("/metrics") as response:
            figures = await response.text()
    for line in (
        "nbrtc_rooms 1.0",
        "nbrtc_participants 1.0",
        "nbrtc_clients 1.0",
        'nbrtc_events_total{event="join-room"} 1.0',
        'nbrtc_refusals_total{code="room-exists"} 1.0',
    ):
        assert line in figures
    assert "ada" not in figures


@pytest.mark.parametrize("header", ["Basic abc", "Bearer ", "Bearer nonsense"])
async def test_a_token_that_does_not_hold_is_refused(http: aiohttp.ClientSession, header: str) -> None:
    status, body = await get(http, "/api/rooms", headers={"Authorization": header})
    assert status == (200 if header == "Bearer " else 403)
    assert ("error" in body) == (status == 403)


async def test_errors_are_json_and_say_nothing_of_the_inside(http: aiohttp.ClientSession) -> None:
    for path, status in [("/nowhere", 404), ("/static/widget.js", 404), ("/static/../server.py", 404)]:
        code, body = await get(http, path)
        assert code == status
        assert body["error"]["message"]
    async with http.delete("/api/rooms") as response:
        assert response.status == 405


async def test_every_answer_has_the_headers_of_a_careful_server(http: aiohttp.ClientSession) -> None:
    for path in ("/health", "/nowhere", "/"):
        async with http.get(path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert response.headers["X-Frame-Options"] == "DENY"
            assert "Access-Control-Allow-Origin" not in response.headers


async def test_pages_of_listed_origins_may_ask(http: aiohttp.ClientSession) -> None:
    ours, other = {"Origin": "https://hub.example.edu"}, {"Origin": "https://evil.example"}
    async with http.get("/api/rooms", headers=ours) as response:
        assert response.headers["Access-Control-Allow-Origin"] == ours["Origin"]
        assert response.headers["Vary"] == "Origin"
    async with http.options("/api/rooms", headers=ours) as response:
        assert response.status == 204
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    async with http.get("/api/rooms", headers=other) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_the_guest_page_has_a_strict_policy_and_is_missed_in_words(
    tmp_path: Path, aiohttp_site: Any
) -> None:
    http = await aiohttp_site(GuestPage(tmp_path))
    async with http.get("/r/lab") as response:
        assert response.status == 503
        assert "not built" in (await response.json())["error"]["message"]

    (tmp_path / "page.html").write_text("<!doctype html>")
    (tmp_path / "page.js").write_text("1")
    (tmp_path / "widget.js").write_text("2")
    for path in ("/", "/r/lab"):
        async with http.get(path) as response:
            assert response.status == 200
            assert response.content_type == "text/html"
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "'unsafe-" not in policy, "WebAssembly may be compiled, nothing else"
    async with http.get("/static/page.js") as response:
        assert response.content_type == "text/javascript"
    async with http.get("/static/widget.js") as response:
        assert response.status == 404


async def test_what_tells_a_person_from_the_background_is_sent_packed_and_kept(
    tmp_path: Path, aiohttp_site: Any
) -> None:
    http = await aiohttp_site(GuestPage(tmp_path))
    types = {"js": "text/javascript", "wasm": "application/wasm", "tflite": "application/octet-stream"}
    for suffix, content_type in types.items():
        name = f"segmenter-0123456789abcdef.{suffix}"
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(suffix.encode()))
        async with http.get(f"/static/{name}") as response:
            assert response.status == 200
            assert await response.read() == suffix.encode(), "not unpacked by the client"
            assert response.content_type == content_type
            assert response.headers["Content-Encoding"] == "gzip"
            assert "immutable" in response.headers["Cache-Control"]
            policy = response.headers["Content-Security-Policy"]
            assert "script-src 'self' 'wasm-unsafe-eval';" in policy, "a worker of this script obeys it"


@pytest.mark.parametrize(
    "name",
    [
        "segmenter-0123456789abcdef.js.gz",
        "segmenter-0123456789abcdef.css",
        "segmenter.js",
        "background-0123456789abcdef.jpg",
        "..%2Fsegmenter-0123456789abcdef.js",
    ],
)
async def test_nothing_that_only_looks_like_a_part_is_sent(
    tmp_path: Path, aiohttp_site: Any, name: str
) -> None:
    folder = tmp_path / "static"
    folder.mkdir()
    stem = name.removesuffix(".gz").removeprefix("..%2F")
    for place in (folder, tmp_path):
        (place / f"{stem}.gz").write_bytes(gzip.compress(b"secret"))
        (place / stem).write_bytes(b"secret")
    http = await aiohttp_site(GuestPage(folder))
    async with http.get(URL(f"/static/{name}", encoded=True)) as response:
        assert response.status == 404
        assert b"secret" not in await response.read()


@pytest.fixture
async def aiohttp_site() -> AsyncIterator[Any]:
    """Serve one part alone."""
    runners: list[web.AppRunner] = []
    sessions: list[aiohttp.ClientSession] = []

    async def serve(part: GuestPage) -> aiohttp.ClientSession:
        app = web.Application()
        part.mount(app)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        sessions.append(aiohttp.ClientSession(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}"))
        return sessions[-1]

    yield serve
    for session in sessions:
        await session.close()
    for runner in runners:
        await runner.cleanup()
