"""A relay of one's own, as the notebook about ways through networks starts it."""

import asyncio
import time

import pytest

from nbrtc.engine.probe import probe
from nbrtc.ice.servers import entry_of, to_sources
from nbrtc.lab import LocalTurn
from nbrtc.lab import local_turn as module


@pytest.mark.skipif(not LocalTurn.is_installed(), reason="coturn is not installed here")
def test_it_relays_until_it_is_closed() -> None:
    with LocalTurn() as turn:
        (source,) = to_sources([turn.server])
        entry, _ = entry_of(source, "ada", time.time())
        found = asyncio.run(probe([entry], 10.0))
        assert [(one.transport, one.ok) for one in found] == [("udp", True), ("tcp", True)], found
        secret = next(
            line for line in turn.configuration().splitlines() if line.startswith("static-auth-secret")
        )
        assert secret.partition("=")[2] not in repr(turn) + repr(turn.server)
    turn.close()
    assert repr(turn) == "<LocalTurn closed>"
    refused = asyncio.run(probe([entry], 2.0))
    assert not any(one.ok for one in refused)


def test_without_coturn_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_find", lambda: None)
    assert not LocalTurn.is_installed()
    with pytest.raises(RuntimeError, match="apt install coturn"):
        LocalTurn()


@pytest.mark.skipif(not LocalTurn.is_installed(), reason="coturn is not installed here")
def test_one_that_does_not_start_is_told_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalTurn, "configuration", lambda self: "listening-port=not-a-port\ncert=/nowhere\n")
    monkeypatch.setattr(module, "START_S", 1.0)
    with pytest.raises(RuntimeError, match="coturn did not start"):
        LocalTurn()
