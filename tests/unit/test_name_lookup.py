"""Names are looked up beside the loop and beside its threads, once however many want it."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from nbrtc.engine.name_lookup import addresses_of, first_of_each_family


class NameServer:
    """Knows ``a.example``, and answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.threads: list[str] = []
        self.answers = threading.Event()

    def getaddrinfo(self, host: str, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(host)
        self.threads.append(threading.current_thread().name)
        assert self.answers.wait(60)
        if host != "a.example":
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, 0, 0, "", (address, 0)) for address in ("2001:db8::1", "192.0.2.1", "192.0.2.1")]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.getaddrinfo)
    return server


@pytest.mark.parametrize(("host", "address"), [("192.0.2.7", "192.0.2.7"), ("2001:db8:0::1", "2001:db8::1")])
async def test_an_address_is_its_own(names: NameServer, host: str, address: str) -> None:
    assert await addresses_of(host) == [address]
    assert names.asked == []


async def test_many_wait_for_one_answer(names: NameServer) -> None:
    waiting = [asyncio.create_task(addresses_of("a.example")) for _ in range(9)]
    impatient = waiting.pop()
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    names.answers.set()
    assert await asyncio.gather(*waiting) == [["2001:db8::1", "192.0.2.1"]] * 8
    assert names.asked == ["a.example"]
    assert names.threads == ["nbrtc-lookup"]
    assert impatient.cancelled()


@pytest.mark.parametrize(
    ("addresses", "firsts"),
    [
        (["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"], ["192.0.2.1", "2001:db8::1"]),
        (["2001:db8::1", "2001:db8::2"], ["2001:db8::1"]),
        (["192.0.2.1"], ["192.0.2.1"]),
        ([], []),
    ],
)
def test_the_first_of_each_family_is_tried(addresses: list[str], firsts: list[str]) -> None:
    assert first_of_each_family(addresses) == firsts


async def test_an_unknown_name_raises_and_is_asked_again_the_next_time(names: NameServer) -> None:
    names.answers.set()
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await addresses_of("nowhere.invalid")
    assert len(names.asked) == 2
