"""What the engine says of servers that answer in one way or another; real ones are in tests/turn."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from aioice import stun

from nbrtc.engine import probe as probing
from nbrtc.engine.ice_access import MOST
from nbrtc.engine.probe import probe
from nbrtc.messages import IceServerEntry, ServerProbe
from tests.turn import certificate

HOST = "127.0.0.1"
PATIENCE_S = 60.0
HURRY_S = 0.2

Attributes = dict[str, object] | None
Serve = Callable[[Attributes], Awaitable[int]]


def answer_to(data: bytes, attributes: dict[str, object]) -> bytes:
    request = stun.parse_message(data)
    kind = stun.Class.ERROR if "ERROR-CODE" in attributes else stun.Class.RESPONSE
    return bytes(stun.Message(stun.Method.BINDING, kind, request.transaction_id, dict(attributes)))


class Server(asyncio.DatagramProtocol):
    """A STUN server over UDP; None for attributes: it answers with something else."""

    def __init__(self, attributes: dict[str, object] | None) -> None:
        self._attributes = attributes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._attributes is None:
            self.transport.sendto(b"HTTP/1.1 400 Bad Request\r\n\r\n", addr)
            # a message of its transaction whose LIFETIME is cut
            self.transport.sendto(
                b"\x01\x01\x00\x08" + data[4:20] + b"\x00\x0d\x00\x02\x01\x02\x00\x00", addr
            )
        else:
            self.transport.sendto(answer_to(data, self._attributes), addr)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    ends: list[asyncio.BaseTransport] = []

    async def start(attributes: dict[str, object] | None) -> int:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: Server(attributes), local_addr=(HOST, 0))
        ends.append(transport)
        return int(transport.get_extra_info("sockname")[1])

    yield start
    for end in ends:
        end.close()


@pytest.fixture
def closed_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        yield int(taken.getsockname()[1])


async def one(url: str, timeout_s: float = PATIENCE_S) -> ServerProbe:
    (found,) = await probe([IceServerEntry((url,), "ada", "a password")], timeout_s)
    assert (found.url, found.by) == (url, "engine")
    assert found.ok == (not found.error) == (found.rtt_s is not None)
    assert "password" not in found.error
    return found


async def test_a_stun_server_tells_the_address(serve: Serve) -> None:
    port = await serve({"XOR-MAPPED-ADDRESS": ("198.51.100.1", 5)})
    found = await one(f"stun:{HOST}:{port}")
    assert found.ok
    assert found.candidate_types == ("srflx",)
    assert found.transport == "udp"
    assert found.rtt_s is not None
    assert found.rtt_s > 0


async def test_one_that_tells_no_address_is_of_no_use(serve: Serve) -> None:
    found = await one(f"stun:{HOST}:{await serve({})}")
    assert (found.ok, found.error_code) == (False, 701)
    assert "something else" in found.error


async def test_a_refusal_has_its_code(serve: Serve) -> None:
    found = await one(f"stun:{HOST}:{await serve({'ERROR-CODE': (403, 'no')})}")
    assert (found.ok, found.error_code) == (False, 403)


async def test_what_is_no_stun_counts_as_silence(serve: Serve) -> None:
    found = await one(f"stun:{HOST}:{await serve(None)}", HURRY_S)
    assert (found.ok, found.error_code) == (False, 701)
    assert "does not answer" in found.error


@pytest.mark.parametrize("scheme", ["stun", "turn"])
async def test_a_silent_server_is_given_up(scheme: str, silent_port: int) -> None:
    found = await one(f"{scheme}:{HOST}:{silent_port}", HURRY_S)
    assert (found.ok, found.error_code) == (False, 701)
    assert "does not answer" in found.error


@pytest.mark.parametrize("url", ["stun:{}:{}", "turn:{}:{}?transport=tcp", "turns:{}:{}", "stuns:{}:{}"])
async def test_a_closed_port_is_told(url: str, closed_port: int) -> None:
    found = await one(url.format(HOST, closed_port))
    assert (found.ok, found.error_code) == (False, 701)
    assert "Nobody listens" in found.error


async def test_a_name_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, f"no {host}")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    found = await one("turn:nowhere.invalid")
    assert (found.ok, found.error_code) == (False, 701)
    assert "name is not known" in found.error


@pytest.mark.parametrize("name", ["turn..example.org", f"{'b' * 80}.example.org"])
async def test_a_name_that_cannot_be_is_not_taken_for_a_firewall(name: str) -> None:
    """Python's own codec refuses it before anybody is asked."""
    found = await one(f"turn:{name}")
    assert (found.ok, found.error_code) == (False, 701)
    assert "name is not known" in found.error


@pytest.mark.parametrize("answer", [{"XOR-MAPPED-ADDRESS": ("198.51.100.1", 5)}, {"ERROR-CODE": (403, "no")}])
async def test_a_name_with_two_kinds_of_address_is_asked_at_the_one_that_answers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, answer: dict[str, object]
) -> None:
    async def addresses_of(host: str) -> list[str]:
        assert host == "both.example"
        return ["::1", "127.0.0.1"]

    monkeypatch.setattr(probing, "addresses_of", addresses_of)
    found = await one(f"stun:both.example:{await serve(answer)}")
    assert (found.ok, found.error_code) == ((True, None) if "ERROR-CODE" not in answer else (False, 403))


async def test_stuns_is_asked_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = certificate.issue(tmp_path, HOST)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown.cert, shown.pkey)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_to(await reader.readexactly(20), {"XOR-MAPPED-ADDRESS": ("198.51.100.1", 5)}))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    async with server:
        url = f"stuns:{HOST}:{server.sockets[0].getsockname()[1]}"
        stranger = await one(url)
        monkeypatch.setenv("SSL_CERT_FILE", str(shown.authority))
        known = await one(url)
    assert (stranger.ok, stranger.error_code) == (False, 701)
    assert "not trusted" in stranger.error
    assert (known.ok, known.transport, known.candidate_types) == (True, "tls", ())


async def test_each_url_is_asked_by_itself_and_not_too_many(serve: Serve, silent_port: int) -> None:
    port = await serve({"XOR-MAPPED-ADDRESS": ("198.51.100.1", 5)})
    urls = (f"stun:{HOST}:{port}", *(f"turn:{HOST}:{silent_port}?transport=udp" for _ in range(1)))
    many = [IceServerEntry((f"turn:{HOST}:{number}",)) for number in range(1, 2 * MOST)]
    found = await probe([IceServerEntry(urls), *many], HURRY_S)
    assert len(found) == MOST
    assert [one.url for one in found[:2]] == list(urls)
