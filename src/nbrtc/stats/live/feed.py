"""What a `StatsView` is told: the past when a page asks for it, then each new point and finding."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Any

import msgspec

from nbrtc.messages import Finding, StatsEvent, StatsSample
from nbrtc.stats.derive import derive_rows
from nbrtc.stats.findings.find import find
from nbrtc.stats.findings.judge import Judge
from nbrtc.stats.point import point, points
from nbrtc.stats.source import StatsSource
from nbrtc.stats.store import StatsStore

logger = logging.getLogger(__name__)

Message = dict[str, Any]

KEPT_POINTS = 3600
"""Of each participant; the page keeps as many."""
MESSAGE_POINTS = 1000
JUDGED_SAMPLES = 60
"""A judge of what is wrong now has to know the last seconds."""
MAX_ASKING = 8
"""Pages that are told the past at the same time; one more has to ask again."""
CLOSE_S = 5.0
QUIET = ("idle", "closed")
"""Phases of a call in which nothing can be wrong."""


class Feed:
    """Tells pages about a source, from the moment that the first one asks.

    New points are derived and sent on the thread that brings the samples, the past on a thread of its own for
    each page that asks: neither waits for a busy kernel's main thread.

    Parameters
    ----------
    source
        What is told about.
    send
        Sends a message to all pages. From any thread; it may be called once more while the feed is closed.
    """

    def __init__(self, source: StatsSource, send: Callable[[Message], None]) -> None:
        self._source: StatsSource | None = source
        self._send = send
        self._names = {"python": "Python", "you": "Python's end"}
        self._judge = Judge(self._name_of)
        self._newest: dict[str, StatsSample] = {}
        self._told: tuple[Finding, ...] = ()
        self._phase: str | None = None  # nobody said: a dump, or a store without a call
        self._is_asked = False
        self._asking: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        # What comes meanwhile waits for the lock, so that nothing is missed and nothing comes twice.
        with self._lock:
            self._stop = source.listen(self._take)
            past: list[list[StatsSample | StatsEvent]] = [
                [*source.events()],
                [*source.samples(newest=JUDGED_SAMPLES)],
            ]
            for one in merge(*past, key=lambda one: one.time_s):
                self._hear(one)
            for peer in source.participants():
                self._newest.update({sample.peer: sample for sample in source.samples(peer, newest=1)})

    def tell(self, page: str) -> None:
        """Send `page` the past, and from now on everybody what comes. Returns at once."""
        with self._lock:
            if self._source is None or page in self._asking or len(self._asking) >= MAX_ASKING:
                return
            self._is_asked = True
            thread = threading.Thread(
                target=self._tell_past, args=(self._source, page), name="nbrtc-stats-view", daemon=True
            )
            self._asking[page] = thread
            thread.start()

    def close(self) -> None:
        """Tell no more, and let go of the source. Idempotent, from any thread."""
        with self._lock:
            asking = list(self._asking.values())
            self._source = None
            stop, self._stop = self._stop, _nothing  # the one that was holds the source
        stop()
        for thread in asking:
            if thread is not threading.current_thread():
                thread.join(CLOSE_S)

    @property
    def is_open(self) -> bool:
        """Whether anything more is told."""
        return self._source is not None

    # --- the past, on its own thread

    def _tell_past(self, source: StatsSource, page: str) -> None:
        try:
            for message in self._past(source, page):
                if not self.is_open:
                    return
                self._send(message)
        except Exception:
            logger.exception("The past could not be told to a page")
        finally:
            with self._lock:
                self._asking.pop(page, None)

    def _past(self, source: StatsSource, page: str) -> Iterator[Message]:
        for peer in source.participants():
            past = points(_newest(source, peer))
            while part := list(islice(past, MESSAGE_POINTS)):
                yield self._points_message(peer, part, page)
        with self._lock:
            phase = self._phase if source.is_live else None
            findings = self._told = self._findings
        if phase is not None:
            yield _phase_message(phase)
        yield _findings_message(findings if source.is_live else find(source))

    # --- what comes, on the thread that brings it

    def _take(self, one: StatsSample | StatsEvent) -> None:
        with self._lock:
            if self._source is None:
                return
            messages = list(self._news(one))
            if not self._is_asked:  # nobody is there to be told
                return
        for message in messages:
            self._send(message)

    def _news(self, one: StatsSample | StatsEvent) -> Iterator[Message]:
        before = self._newest.get(one.peer)
        phase = self._phase
        self._hear(one)
        if isinstance(one, StatsSample) and self._is_asked:
            derived = point(derive_rows(before, one), one.time_s)
            yield self._points_message(one.peer, [derived], None)
        if self._phase is not None and self._phase != phase:
            yield _phase_message(self._phase)
        findings = self._findings
        if findings != self._told:
            self._told = findings
            yield _findings_message(findings)

    def _hear(self, one: StatsSample | StatsEvent) -> None:
        if isinstance(one, StatsSample):
            self._judge.add(one)
            self._newest[one.peer] = one
            return
        self._judge.note(one)
        if one.name == "join" and one.value:
            self._names[one.peer] = one.value
        if one.name == "phase" and one.peer == "":
            self._phase = one.value

    @property
    def _findings(self) -> tuple[Finding, ...]:
        return () if self._phase in QUIET else self._judge.findings

    # --- as the page reads it: js/src/stats/inbox.ts

    def _points_message(self, peer: str, derived: list[dict[str, float | None]], page: str | None) -> Message:
        keys = list(derived[0])
        return {
            "kind": "points",
            "to": page,
            "peer": peer,
            "name": self._name_of(peer),
            "keys": keys,
            "rows": [[row[key] for key in keys] for row in derived],
        }

    def _name_of(self, peer: str) -> str:
        return self._names.get(peer, peer)


def _nothing() -> None:
    """What ends a closed feed."""


def _phase_message(phase: str) -> Message:
    return {"kind": "phase", "phase": phase}


def _findings_message(findings: Iterable[Finding]) -> Message:
    return {"kind": "findings", "findings": [msgspec.to_builtins(finding) for finding in findings]}


def _newest(source: StatsSource, peer: str) -> Iterable[StatsSample]:
    """One by one where the source can: an hour of them would need some 70 MB as objects."""
    if isinstance(source, StatsStore):
        return source.each(peer, newest=KEPT_POINTS)
    return source.samples(peer, newest=KEPT_POINTS)
