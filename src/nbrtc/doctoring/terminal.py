"""The engine's part of a connection check without a page: for a terminal."""

import threading
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import astuple

from ..bridge import Bridge
from ..errors import EngineError
from ..kernel_side import KernelSide
from ..messages import (
    QUALITIES,
    Checked,
    CheckName,
    CheckResult,
    Event,
    IceServerSource,
    OpenCall,
    Reply,
    RoomTicket,
    RunChecks,
    decode_event,
    encode_json,
)

ROOM = "connection-check"
TIMEOUT_S = 30.0
"""An engine that starts on a slow machine needs some of it; the checks themselves take about 5 s."""


class Listener:
    """Takes what the engine says to the page that this is not."""

    def __init__(self, identity: str) -> None:
        self.refusal = ""
        self.ended = threading.Event()
        self._identity = identity
        self._planned: tuple[CheckName, ...] = ()
        self._found: list[CheckResult] = []

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """Every line, also of what the engine did not finish."""
        found = {result.name for result in self._found}
        missed = [
            CheckResult(
                name=name,
                title=title,
                outcome="fail",
                by="engine",
                detail="It was not finished in time.",
                advice="This machine may be overloaded: check again when it is quiet.",
            )
            for name, title in map(astuple, self._planned)
            if name not in found
        ]
        return (*self._found, *missed)

    def hear(self, _page: str | None, body: str) -> None:
        """On the bridge's thread."""
        event: Event = decode_event(body)
        match event:
            case Checked(id=identity) if identity == self._identity:
                self._planned = event.planned or self._planned
                self._found += event.checks
                if event.done:
                    self.ended.set()
            case Reply(id=identity, error_message=str(message)) if identity == self._identity:
                self.refusal = message
                self.ended.set()


def check_here(
    servers: Iterable[IceServerSource] = (),
    server: str | None = None,
) -> tuple[CheckResult, ...]:
    """Start an engine, if there is none, and have it check what it can; blocks for some seconds.

    Parameters
    ----------
    servers
        STUN and TURN servers to ask.
    server
        URL of a room server to ask.

    Raises
    ------
    EngineError
        If the engine does not start or does not answer.
    """
    identity, page = uuid.uuid4().hex, uuid.uuid4().hex
    listener = Listener(identity)
    opening = OpenCall(
        call=uuid.uuid4().hex,
        name="You",
        quality=QUALITIES["auto"],
        folder=str(Path.cwd()),
        epoch=0,
        ice_servers=tuple(servers),
        ticket=None if server is None else RoomTicket(room=ROOM, server=server),
    )
    side = KernelSide(Bridge.shared(), opening, listener.hear)
    began_s = time.monotonic()
    side.open()
    try:
        side.from_page({"page": page, "body": encode_json(RunChecks(id=identity)).decode()})
        if not listener.ended.wait(TIMEOUT_S):
            seen = "; ".join(problem.message for problem in side.problems.items())
            raise EngineError(f"The engine's checks did not end within {TIMEOUT_S:.0f} s. {seen}".rstrip())
    finally:
        side.close("The check has ended.")
    if listener.refusal:
        raise EngineError(listener.refusal)
    took = CheckResult(
        name="engine",
        title="Engine",
        outcome="pass",
        by="kernel",
        detail=f"It started and checked everything within {time.monotonic() - began_s:.1f} s.",
        value=time.monotonic() - began_s,
        unit="s",
    )
    return (took, *listener.results)
