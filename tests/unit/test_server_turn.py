"""The room server gives out TURN credentials, to whom, how often; and what it counts of connections."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from nbrtc.signaling.access import new_secret, sign_token
from nbrtc.signaling.server import ServerOptions, SignalingServer
from nbrtc.signaling.turn import TurnIssuer
from tests.unit.room_clients import Client, in_room

TOKENS = new_secret()
SECRET = "what the TURN server and this one share"
STUN, TURN = "stun:turn.example.org", ("turn:turn.example.org?transport=udp", "turns:turn.example.org:443")
OPTIONS: dict[str, Any] = {
    "secret": TOKENS,
    "turn_urls": TURN,
    "turn_secret": SECRET,
    "turn_ttl_s": 600,
    "stun_urls": (STUN,),
}


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions(**{**OPTIONS, **getattr(request, "param", {})}))
    await server.start()
    yield server
    await server.close()


@pytest.fixture
async def http(server: SignalingServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=server.url) as session:
        yield session


async def post(
    http: aiohttp.ClientSession, path: str, body: Any, token: str | None = None
) -> tuple[int, dict[str, Any]]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with http.post(path, json=body, headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else {}


def good_for(issued: list[dict[str, Any]], participant: str) -> float:
    """When they end; after a look at everything else, with the formula written out once more."""
    stun, turn = issued
    assert stun["urls"] == [STUN]
    assert stun.get("username") is stun.get("credential") is None
    assert turn["urls"] == list(TURN)
    expiry, _, whom = turn["username"].partition(":")
    assert whom == participant
    digest = hmac.new(SECRET.encode(), turn["username"].encode(), hashlib.sha1).digest()
    assert turn["credential"] == base64.b64encode(digest).decode()
    return float(expiry)


# --- at joining


async def test_whoever_joins_gets_servers_in_the_answer_and_nobody_else_sees_them(
    server: SignalingServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    before_s = time.time()
    async with Client(server) as ada, Client(server) as bob:
        created = await ada.granted("create-room", roomId="lab", userId="ada", userName="Ada", protocol=1)
        joined = await bob.granted("join-room", roomId="lab", userId="bob", userName="Bob", protocol=1)
        await ada.hears("participant-joined")
        told = [await ada.hears("room-created"), await bob.hears("room-joined")]

        for said, who in ((created, "ada"), (joined, "bob")):
            expires_s = good_for(said["iceServers"], who)
            assert said["iceExpiresAt"] == expires_s
            assert before_s + 599 <= expires_s <= time.time() + 600
            assert "collectsAnalytics" not in said
        for said in told:
            assert "iceServers" not in said
            assert "iceExpiresAt" not in said
        heard = json.dumps([ada.heard, bob.heard, told])
    for secret in (created["iceServers"][1]["credential"], joined["iceServers"][1]["credential"], SECRET):
        assert secret not in heard
        assert secret not in caplog.text
    assert SECRET not in repr(server.options)


async def test_a_rejoin_brings_fresh_ones(server: SignalingServer) -> None:
    async with Client(server) as first:
        joined = await in_room(first, "lab", "ada")
        await first.cut()
    async with Client(server) as again:
        resumed = await in_room(again, "lab", "ada", resumeToken=joined["resumeToken"])

    assert resumed["resumed"]
    assert good_for(resumed["iceServers"], "ada") >= good_for(joined["iceServers"], "ada")


@pytest.mark.parametrize("server", [{"turn_urls": (), "turn_secret": None, "stun_urls": ()}], indirect=True)
async def test_a_server_without_servers_says_nothing_of_them(server: SignalingServer) -> None:
    async with Client(server) as ada:
        joined = await in_room(ada, "lab", "ada")
        assert not {"iceServers", "iceExpiresAt"} & set(joined)
        assert await ada.granted("turn-credentials") == {"iceServers": []}


@pytest.mark.parametrize("server", [{"turn_urls": (), "turn_secret": None}], indirect=True)
async def test_stun_alone_needs_no_credentials(server: SignalingServer) -> None:
    async with Client(server) as ada:
        joined = await in_room(ada, "lab", "ada")
    assert [entry["urls"] for entry in joined["iceServers"]] == [[STUN]]
    assert "iceExpiresAt" not in joined


# --- by the event


async def test_whoever_is_in_the_room_gets_their_own_again(server: SignalingServer) -> None:
    async with Client(server) as ada, Client(server) as stranger:
        assert await ada.refused("turn-credentials", roomId="lab") == "not-in-room"
        await in_room(ada, "lab", "ada")
        await in_room(stranger, "other", "eve")

        for payload in ({}, {"roomId": "lab"}, {"roomId": "lab", "userId": "bob"}):
            said = await ada.granted("turn-credentials", **payload)
            assert good_for(said["iceServers"], "ada") == said["expiresAt"], "for the seat, whatever it says"
        assert await stranger.refused("turn-credentials", roomId="lab") == "not-in-room"
        assert await ada.refused("turn-credentials", ttl=10**9) == "invalid"


async def test_they_are_not_given_without_end(server: SignalingServer) -> None:
    async with Client(server) as ada:
        await in_room(ada, "lab", "ada")
        answers = [await ada.ask("turn-credentials") for _ in range(8)]

    codes = [answer.get("error", {}).get("code") for answer in answers]
    assert codes[:6] == [None] * 6
    assert "rate-limited" in codes[6:]


# --- over HTTP


async def test_a_resume_token_gets_them_over_http_and_stays_good(
    server: SignalingServer, http: aiohttp.ClientSession
) -> None:
    async with Client(server) as ada:
        token = (await in_room(ada, "lab", "ada"))["resumeToken"]
        place = {"roomId": "lab", "userId": "ada"}
        for body, bearer in ((place, token), ({**place, "resumeToken": token}, None), (place, token)):
            status, said = await post(http, "/api/turn-credentials", body, bearer)
            assert status == 200
            assert good_for(said["iceServers"], "ada") == said["expiresAt"]
        await ada.cut()
    async with Client(server) as again:
        assert (await in_room(again, "lab", "ada", resumeToken=token))["resumed"]


async def test_nobody_else_gets_them_over_http(server: SignalingServer, http: aiohttp.ClientSession) -> None:
    async with Client(server) as ada, Client(server) as bob, Client(server) as tutorial:
        ada_token = (await in_room(ada, "lab", "ada"))["resumeToken"]
        bob_token = (await in_room(bob, "other", "bob"))["resumeToken"]
        await tutorial.granted("join-room", roomId="lab", userId="tom", userName="Tom")
        room_token = sign_token(TOKENS, "lab", role="owner")
        sentences = set()
        for room, user, token in [
            ("lab", "ada", None),
            ("lab", "ada", ""),
            ("lab", "ada", "wrong"),
            ("lab", "ada", bob_token),
            ("lab", "ada", room_token),
            ("lab", "bob", bob_token),
            ("lab", "tom", ""),
            ("lab", "nobody", ada_token),
            ("nowhere", "ada", ada_token),
            (None, None, ada_token),
        ]:
            status, said = await post(http, "/api/turn-credentials", {"roomId": room, "userId": user}, token)
            assert (status, said["error"]["code"]) == (403, "not-allowed")
            sentences.add(said["error"]["message"])
        assert len(sentences) == 1, "whether a room or a person is there shows in no answer"


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 400), (b"[]", 400), (b'{"ttl": 1}', 400), (b'"' + b"x" * 70_000 + b'"', 413)]
)
async def test_what_is_no_request_is_refused(http: aiohttp.ClientSession, body: bytes, status: int) -> None:
    async with http.post("/api/turn-credentials", data=body) as response:
        assert response.status == status
        assert (await response.json())["error"]["message"]


async def test_one_address_tries_few_tokens(http: aiohttp.ClientSession) -> None:
    place, passed = {"roomId": "lab", "userId": "ada"}, 0
    while (await post(http, "/api/turn-credentials", place, str(passed)))[0] == 403:
        passed += 1
        assert passed < 1000
    assert passed >= 30


# --- how connections went

RELAYED = {
    "success": True,
    "connectS": 0.7,
    "localType": "relay",
    "remoteType": "srflx",
    "relayProtocol": "tls",
}
COLLECTS = pytest.mark.parametrize("server", [{"analytics": True}], indirect=True)


@COLLECTS
async def test_outcomes_are_counted_and_nothing_else_is_kept(
    server: SignalingServer, http: aiohttp.ClientSession
) -> None:
    async with Client(server) as ada:
        joined = await in_room(ada, "lab", "ada")
        assert joined["collectsAnalytics"] is True
        for token in (joined["resumeToken"], sign_token(TOKENS, "lab")):
            report = {"outcomes": [RELAYED, {"success": False, "connectS": 9.0}]}
            assert await post(http, "/api/webrtc-analytics", report, token) == (204, {})
    async with http.get("/metrics") as response:
        figures = await response.text()

    labels = 'local_type="relay",relay_protocol="tls",remote_type="srflx",success="true"'
    assert f"nbrtc_ice_outcomes_total{{{labels}}} 2.0" in figures
    labels = 'local_type="none",relay_protocol="none",remote_type="none",success="false"'
    assert f"nbrtc_ice_outcomes_total{{{labels}}} 2.0" in figures
    assert 'nbrtc_ice_connect_seconds_bucket{le="0.5"} 0.0' in figures
    assert 'nbrtc_ice_connect_seconds_bucket{le="1.0"} 2.0' in figures
    assert "nbrtc_ice_connect_seconds_count 2.0" in figures, "how long a failure took is no time to connect"
    assert "ada" not in figures


@COLLECTS
@pytest.mark.parametrize(
    "report",
    [
        {},
        {"outcomes": []},
        {"outcomes": [RELAYED] * 21},
        {"outcomes": [{**RELAYED, "address": "198.51.100.1"}]},
        {"outcomes": [{**RELAYED, "localType": "198.51.100.1"}]},
        {"outcomes": [{**RELAYED, "relayProtocol": "sctp"}]},
        {"outcomes": [RELAYED, {**RELAYED, "connectS": -1}]},
        {"outcomes": [RELAYED, {**RELAYED, "connectS": 1e300}]},
        {"outcomes": [RELAYED], "userId": "ada"},
    ],
)
async def test_what_is_no_report_is_refused_whole(
    server: SignalingServer, http: aiohttp.ClientSession, report: dict[str, Any]
) -> None:
    token = sign_token(TOKENS, "lab")
    status, said = await post(http, "/api/webrtc-analytics", report, token)
    assert (status, said["error"]["code"]) == (400, "invalid")
    async with http.get("/metrics") as response:
        assert "nbrtc_ice_outcomes_total{" not in await response.text()


@COLLECTS
async def test_strangers_report_nothing(http: aiohttp.ClientSession) -> None:
    report = {"outcomes": [RELAYED]}
    for token in (None, "", "wrong", "a.b.c", sign_token(new_secret(), "lab")):
        status, said = await post(http, "/api/webrtc-analytics", report, token)
        assert (status, said["error"]["code"]) == (403, "not-allowed")


@COLLECTS
async def test_one_address_does_not_report_without_end(http: aiohttp.ClientSession) -> None:
    token, report, passed = sign_token(TOKENS, "lab"), {"outcomes": [RELAYED]}, 0
    while (status := (await post(http, "/api/webrtc-analytics", report, token))[0]) == 204:
        passed += 1
        assert passed < 4000
    assert status == 429
    assert passed >= 120


async def test_nothing_is_collected_unless_it_is_switched_on(
    server: SignalingServer, http: aiohttp.ClientSession
) -> None:
    async with Client(server) as ada:
        token = (await in_room(ada, "lab", "ada"))["resumeToken"]
        status, said = await post(http, "/api/webrtc-analytics", {"outcomes": [RELAYED]}, token)
    assert status == 404
    assert "--analytics" in said["error"]["message"]
    async with http.get("/metrics") as response:
        assert "nbrtc_ice" not in await response.text()


# --- what cannot be


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"turn_urls": TURN}, "secret"),
        ({"secret": SECRET}, "URL"),
        ({"turn_urls": ("stun:x",), "secret": SECRET}, "STUN server, given as a TURN"),
        ({"stun_urls": ("turn:x",)}, "TURN server, given as a STUN"),
        ({"turn_urls": ("turn.example.org",), "secret": SECRET}, "must begin with"),
        ({"turn_urls": TURN, "secret": "short"}, "5 characters"),
        ({"turn_urls": TURN, "secret": SECRET, "ttl_s": 59}, "60 to 86400 s"),
        ({"turn_urls": TURN, "secret": SECRET, "ttl_s": float("nan")}, "60 to 86400 s"),
        ({"stun_urls": tuple(f"stun:host-{n}" for n in range(21))}, "20"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        TurnIssuer(**options)
    assert SECRET not in str(caught.value)


def test_credentials_follow_the_wall_clock() -> None:
    now_s = 1000.0
    issuer = TurnIssuer(turn_urls=TURN, secret=SECRET, ttl_s=600, clock=lambda: now_s)
    assert (issuer.issue("ada").expires_at, issuer.issue("ada").ttl) == (1600.0, 600.0)
    now_s = 9000.0
    assert issuer.issue("ada").ice_servers[0].username == "9600:ada"
