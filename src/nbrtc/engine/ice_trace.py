"""What the engine sees of one connection's ICE, as records. On the engine's loop."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aioice import Candidate as IceCandidate

from ..ice.urls import try_parse
from ..messages import (
    CandidateFailed,
    CandidateRefused,
    CandidateSeen,
    IceRecord,
    IceStateSeen,
    PairSeen,
)
from .ice_seams import IceSeam

EAGER_S, CALM_S = 0.1, 1.0
"""How often the check list is looked at while a way is looked for, and after it was found."""
EAGER_FOR_S = 3.0
MOST_SEEN = 500
"""Candidates and pairs of one connection; further ones are not told."""


class IceTrace:
    """Tells of one connection until it is closed.

    Parameters
    ----------
    peer, generation
        Whose connection, and the how-manieth.
    emit
        Told the records, in order.
    """

    def __init__(self, peer: str, generation: int, emit: Callable[[tuple[IceRecord, ...]], None]) -> None:
        self._peer, self._generation, self._emit = peer, generation, emit
        self._ice: IceSeam | None = None
        self._urls: dict[tuple[str, int], str] = {}
        self._ids: dict[tuple[bool, str, int], str] = {}
        self._pairs: dict[tuple[str, str], tuple[str, bool, bool]] = {}
        self._found_s = 0.0
        self._state = ""
        self._task: asyncio.Task[None] | None = None
        self._began = IceStateSeen(**self._when(), what="start")  # told once somebody listens

    def start(self, ice: IceSeam) -> None:
        """Look at the check list from now on."""
        self._ice = ice
        self._tell(self._began)
        self._tell(IceStateSeen(**self._when(), what="gathering", state="gathering"))
        self._task = asyncio.create_task(self._watch(), name="nbrtc-ice-trace")

    def gathered(self, candidate: IceCandidate | None, url: str) -> None:
        """A server gave a candidate; None: no more will come."""
        if candidate is None:
            self._tell(IceStateSeen(**self._when(), what="gathering", state="complete"))
        else:
            self._urls[candidate.host, candidate.port] = url
            self.look()

    def failed(self, url: str, code: int, sentence: str) -> None:
        """A server gave nothing."""
        self._tell(CandidateFailed(**self._when(), url=url, error_code=code, error_text=sentence))

    def refused(self, address: str, reason: str) -> None:
        """A candidate of the other side was not taken."""
        self._tell(CandidateRefused(**self._when(), address=address, reason=reason))

    def changed(self, state: str) -> None:
        """``iceConnectionState``, as aiortc says it."""
        if state in (self._state, "closed"):
            return
        self._state = state
        if state in ("connected", "completed"):
            self._found_s = time.monotonic()
        self.look()
        self._tell(IceStateSeen(**self._when(), what="connection", state=state))

    def look(self) -> None:
        """Tell what is new in the check list."""
        if self._ice is None:
            return
        records: list[IceRecord] = []
        for is_remote, candidates in (
            (False, self._ice.local_candidates),
            (True, self._ice.remote_candidates),
        ):
            for candidate in candidates:
                self._candidate(candidate, records, is_remote=is_remote)
        for pair in self._ice.pairs:
            local = self._candidate(pair.local, records, is_remote=False)
            remote = self._candidate(pair.remote, records, is_remote=True)
            now = (pair.state, pair.is_nominated, pair.is_selected)
            if local and remote and self._pairs.get((local, remote)) != now:
                self._pairs[local, remote] = now
                records.append(
                    PairSeen(
                        **self._when(),
                        local_id=local,
                        remote_id=remote,
                        state=pair.state,  # type: ignore[arg-type]
                        nominated=pair.is_nominated,
                        selected=pair.is_selected,
                    )
                )
        if records:
            self._emit(tuple(records))

    async def close(self) -> None:
        """Say that it is over. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._ice = None
            self._tell(IceStateSeen(**self._when(), what="closed"))

    async def _watch(self) -> None:
        while True:
            self.look()
            is_calm = self._found_s and time.monotonic() - self._found_s > EAGER_FOR_S
            await asyncio.sleep(CALM_S if is_calm else EAGER_S)

    def _candidate(self, candidate: IceCandidate, records: list[IceRecord], *, is_remote: bool) -> str:
        """Its id; told when it is seen first."""
        key = (is_remote, candidate.host, candidate.port)
        if key in self._ids:
            return self._ids[key]
        if len(self._ids) >= MOST_SEEN:
            return ""
        identity = self._ids[key] = f"{'R' if is_remote else 'L'}{len(self._ids)}"
        url = "" if is_remote else self._urls.get((candidate.host, candidate.port), "")
        parts = try_parse(url) if candidate.type == "relay" else None
        records.append(
            CandidateSeen(
                **self._when(),
                id=identity,
                is_remote=is_remote,
                candidate_type=candidate.type,  # type: ignore[arg-type]
                address=candidate.host,
                port=candidate.port,
                protocol="tcp" if candidate.transport.lower() == "tcp" else "udp",
                relay_protocol=None if parts is None else parts.transport,
                url=url,
                priority=candidate.priority,
                related_address=candidate.related_address or "",
                related_port=candidate.related_port,
                foundation=candidate.foundation,
            )
        )
        return identity

    def _when(self) -> dict[str, Any]:
        return {"time_s": time.time(), "peer": self._peer, "generation": self._generation}

    def _tell(self, record: IceRecord) -> None:
        self._emit((record,))
