"""How connections went, read from what was seen of their ICE: one `Outcome` for each attempt to connect."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from ..messages import (
    CandidateFailed,
    CandidateSeen,
    CandidateType,
    IceRecord,
    IceStateSeen,
    PairSeen,
    Transport,
)
from ..messages.signaling import IceOutcomeJson
from .urls import canonical

ENGINE_END = "you"
"""The engine's end of the link: the page's end, ``"python"``, is the same connection."""
MAX_ATTEMPTS = 64
"""Under way at once; the oldest is forgotten beyond this. A page says what it likes."""
MAX_CANDIDATES = 200
"""Remembered of one attempt."""
GAVE_UP_S = 10.0
"""A connection that is closed after so long without having connected did not work; one that is closed earlier
was not wanted any more."""
SETTLE_S = 2.0
"""So long after a connection's start its selected pair is still waited for."""


class Outcome(Struct, frozen=True):
    """One attempt to connect. No address, and nobody's name."""

    started_s: float
    """Unix time."""
    success: bool
    connect_s: float | None = None
    """From its start until it was connected."""
    peer: str = "participant"
    """``"python"`` for the link between page and engine, else ``"participant"``."""
    local_type: CandidateType | None = None
    """Of the selected pair, like `remote_type`; None if it is not known."""
    remote_type: CandidateType | None = None
    relay_protocol: Transport | None = None
    """How this side reaches its relay, if it uses one."""
    server: str = ""
    """URL of the server that gave the selected candidate of this side; empty for a direct path."""
    answered: tuple[str, ...] = ()
    """URLs of the servers that gave candidates."""
    silent: tuple[str, ...] = ()
    """Of those that gave none, and an error instead."""
    network: str = ""
    """``"wifi"``, ``"cellular"``, ..., or ``"4g"``: what the browser knew of its network; else empty."""

    def to_json(self) -> IceOutcomeJson:
        """What a server's operator is told, where they collect it."""
        return IceOutcomeJson(
            success=self.success,
            connect_s=self.connect_s,
            local_type=self.local_type,
            remote_type=self.remote_type,
            relay_protocol=self.relay_protocol,
        )


@dataclass
class _Attempt:
    peer: str
    started_s: float
    candidates: dict[str, CandidateSeen] = field(default_factory=dict)
    answered: dict[str, None] = field(default_factory=dict)  # in order
    silent: dict[str, None] = field(default_factory=dict)
    selected: PairSeen | None = None
    connected_s: float | None = None
    is_told: bool = False


class OutcomeBuilder:
    """Reads records, in the order in which they were seen, and says each outcome once.

    A restart of ICE is an attempt of its own.
    """

    def __init__(self) -> None:
        self._attempts: OrderedDict[tuple[str, int], _Attempt] = OrderedDict()

    def take(self, records: Iterable[IceRecord], network: str = "") -> list[Outcome]:
        """What is known now that these were seen."""
        outcomes: list[Outcome] = []
        for record in records:
            if record.peer != ENGINE_END:
                outcomes += self._look(record, network)
        return outcomes

    def finish(self, network: str = "") -> list[Outcome]:
        """Those that connected and whose pair was still waited for."""
        attempts, self._attempts = list(self._attempts.values()), OrderedDict()
        return [_told(attempt, network) for attempt in attempts if _is_due(attempt)]

    def _look(self, record: IceRecord, network: str) -> list[Outcome]:
        key = record.peer, record.generation
        attempt = self._attempts.get(key)
        if attempt is None:
            if not _begins(record):  # of one that was told, or that an earlier engine saw begin
                return []
            attempt = self._attempts[key] = _Attempt(record.peer, record.time_s)
            while len(self._attempts) > MAX_ATTEMPTS:
                self._attempts.popitem(last=False)
        is_late = attempt.connected_s is not None and record.time_s - attempt.connected_s > SETTLE_S
        outcomes = [_told(attempt, network)] if is_late and _is_due(attempt) else []
        match record:
            case CandidateSeen() if len(attempt.candidates) < MAX_CANDIDATES:
                attempt.candidates[record.id] = record
                if record.url and not record.is_remote:
                    attempt.answered[record.url] = None
            case CandidateFailed() if len(attempt.silent) < MAX_CANDIDATES and record.url:
                attempt.silent[record.url] = None
            case PairSeen() if record.selected:
                attempt.selected = record
            case IceStateSeen():
                outcomes += self._state(key, attempt, record, network)
        if _is_due(attempt) and _is_known(attempt):
            outcomes.append(_told(attempt, network))
        return outcomes

    def _state(
        self, key: tuple[str, int], attempt: _Attempt, seen: IceStateSeen, network: str
    ) -> list[Outcome]:
        ends = seen.what in ("restart", "closed")
        before = [_told(attempt, network)] if ends and _is_due(attempt) else []
        match seen.what, seen.state:
            case "restart", _:
                self._attempts[key] = _Attempt(seen.peer, seen.time_s)
            case "closed", _:
                del self._attempts[key]
                waited_s = seen.time_s - attempt.started_s
                if attempt.connected_s is None and not attempt.is_told and waited_s >= GAVE_UP_S:
                    return [_told(attempt, network)]
            case "connection", "connected" | "completed" if attempt.connected_s is None:
                attempt.connected_s = seen.time_s
            case "connection", "failed" if attempt.connected_s is None and not attempt.is_told:
                return [_told(attempt, network)]
        return before


def _begins(record: IceRecord) -> bool:
    if isinstance(record, IceStateSeen):
        return record.what in ("start", "restart", "gathering")
    return isinstance(record, CandidateSeen | CandidateFailed)


def _is_due(attempt: _Attempt) -> bool:
    return attempt.connected_s is not None and not attempt.is_told


def _is_known(attempt: _Attempt) -> bool:
    pair = attempt.selected
    return pair is not None and {pair.local_id, pair.remote_id} <= attempt.candidates.keys()


def _told(attempt: _Attempt, network: str) -> Outcome:
    attempt.is_told = True
    pair = attempt.selected
    local = None if pair is None else attempt.candidates.get(pair.local_id)
    remote = None if pair is None else attempt.candidates.get(pair.remote_id)
    is_relayed = local is not None and local.candidate_type == "relay"
    server = local.url if local is not None and local.candidate_type in ("srflx", "relay") else ""
    success = attempt.connected_s is not None
    answered = {canonical(url) for url in attempt.answered}
    return Outcome(
        started_s=attempt.started_s,
        success=success,
        connect_s=max(0.0, attempt.connected_s - attempt.started_s)
        if attempt.connected_s is not None
        else None,
        peer="python" if attempt.peer == "python" else "participant",
        local_type=None if local is None or not success else local.candidate_type,
        remote_type=None if remote is None or not success else remote.candidate_type,
        relay_protocol=local.relay_protocol if success and is_relayed and local is not None else None,
        server=canonical(server) if success else "",
        answered=tuple(sorted(answered - {""})),
        silent=tuple(sorted({canonical(url) for url in attempt.silent} - answered - {""})),
        network=network,
    )
