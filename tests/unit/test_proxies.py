"""Whose address is counted behind proxies: nobody's own word for it."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.signaling.proxies import Proxies, address_of
from nbrtc.signaling.server import ServerOptions, SignalingServer

OURS = ("127.0.0.1", "10.0.0.0/8", "fd00::/8")
SOCKET = "/socket.io/?EIO=4&transport=websocket"


@pytest.mark.parametrize(
    ("remote", "headers", "client"),
    [
        pytest.param("203.0.113.5", ["198.51.100.1"], "203.0.113.5", id="a stranger's word"),
        pytest.param("127.0.0.1", ["198.51.100.1"], "198.51.100.1", id="one proxy"),
        pytest.param("127.0.0.1", ["6.6.6.6, 198.51.100.1"], "198.51.100.1", id="a client that lies to it"),
        pytest.param("127.0.0.1", ["198.51.100.1, 10.1.2.3"], "198.51.100.1", id="two proxies"),
        pytest.param("127.0.0.1", ["198.51.100.1", "10.1.2.3"], "198.51.100.1", id="two headers"),
        pytest.param("::ffff:127.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1", id="mapped addresses"),
        pytest.param("fd00::1%eth0", ["2001:db8::7"], "2001:db8::7", id="IPv6"),
        pytest.param("127.0.0.1", ["unknown"], "127.0.0.1", id="no address"),
        pytest.param("127.0.0.1", ["198.51.100.1, nonsense, 10.1.2.3"], "10.1.2.3", id="nonsense ends it"),
        pytest.param("127.0.0.1", ["10.1.2.3"], "10.1.2.3", id="a proxy asks for itself"),
        pytest.param("127.0.0.1", [], "127.0.0.1", id="no header"),
        pytest.param("127.0.0.1", [" , "], "127.0.0.1", id="an empty header"),
    ],
)
def test_the_last_address_that_no_proxy_of_ours_has(remote: str, headers: list[str], client: str) -> None:
    assert Proxies(OURS).client(remote, headers) == client


@given(own_words=st.lists(st.text("0123456789abcdef.:, x", max_size=30), max_size=5))
def test_whatever_a_client_writes_the_proxy_adds_the_truth(own_words: list[str]) -> None:
    headers = [", ".join([*own_words, "198.51.100.1"])]
    assert Proxies(OURS).client("127.0.0.1", headers) == "198.51.100.1"


def test_nobody_is_believed_unless_named() -> None:
    request = make_mocked_request("GET", "/", headers={"X-Forwarded-For": "198.51.100.1"})
    assert Proxies(()).behind(request) is request


@pytest.mark.parametrize("nonsense", ["proxy.example.org", "10.0.0.1/8", "", "*"])
def test_what_is_no_proxys_address(nonsense: str) -> None:
    with pytest.raises(ValueError, match=r"no proxy's address: write it like 127\.0\.0\.1"):
        SignalingServer(ServerOptions(proxies=(nonsense,)))


@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("2001:db8::1:2:3:4%eth0", "2001:db8::/64"),
        ("", ""),
        ("a unix socket", "a unix socket"),
    ],
)
def test_an_ipv6_network_counts_as_one(remote: str, counted: str) -> None:
    request: web.Request = make_mocked_request("GET", "/").clone(remote=remote)
    assert address_of(request) == counted


async def test_behind_a_proxy_each_client_has_limits_of_its_own() -> None:
    server = SignalingServer(ServerOptions(proxies=("127.0.0.1",), max_clients_per_address=1))
    await server.start()
    try:
        async with aiohttp.ClientSession() as session:

            def connect(client: str) -> aiohttp.client._WSRequestContextManager:
                return session.ws_connect(server.url + SOCKET, headers={"X-Forwarded-For": client})

            async with connect("198.51.100.1") as first, connect("198.51.100.2") as second:
                for each in (first, second):
                    assert (await each.receive()).data.startswith("0")  # Engine.IO's greeting
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await connect("198.51.100.1")
                assert refused.value.status == 503
    finally:
        await server.close()
