"""A simulated call: the true times at which packets pass, and what each end's getStats makes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from nbrtc.messages import StatsSample

START_S = 1_800_000_000.0
"""True time at which every simulated call begins."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Flow:
    """Packets of one SSRC on their way; times in seconds since the call's start, by the true clock."""

    ssrc: int
    kind: str
    sent: Floats
    arrived: Floats
    """Infinite for the lost."""
    reports_sent: Floats
    reports_arrived: Floats

    @property
    def lost(self) -> int:
        return int(np.isinf(self.arrived).sum())


def flow(
    rng: np.random.Generator,
    *,
    ssrc: int,
    kind: str = "video",
    packets_per_s: float = 60.0,
    between: tuple[float, float] = (0.0, 60.0),
    delay_s: float = 0.04,
    jitter_s: float = 0.003,
    loss: float = 0.0,
    reports: bool = True,
) -> Flow:
    """Packets at a steady rate, over a path that now and then queues; a sender report about every second."""
    begin, end = between
    sent = np.arange(begin, end, 1 / packets_per_s)
    arrived = sent + delay_s + rng.exponential(jitter_s, len(sent))
    arrived[rng.random(len(sent)) < loss] = np.inf
    reports_sent = np.cumsum(rng.uniform(0.5, 1.5, int(end - begin))) + begin if reports else np.empty(0)
    reports_arrived = reports_sent + delay_s + rng.exponential(jitter_s, len(reports_sent))
    return Flow(ssrc, kind, sent, arrived, reports_sent, reports_arrived)


@dataclass(frozen=True)
class Polls:
    """When and by which clock an end polls."""

    offset_s: float = 0.0
    drift: float = 0.0
    phase_s: float = 0.0
    begin_s: float = 0.0
    end_s: float = 60.0
    interval_s: float = 1.0

    def clock(self, true_s: Any) -> Any:
        return START_S + true_s + self.offset_s + self.drift * true_s


@dataclass
class SimulatedEnd:
    """One end of a connection: polls it, as a browser would."""

    peer: str
    polls: Polls
    sends: Sequence[Flow]
    receives: Sequence[Flow]
    fingerprints: tuple[str, str] | None = ("AA:01", "BB:02")
    round_trip_s: float | None = 0.08
    generation: int = 1
    samples: list[StatsSample] = field(default_factory=list)

    def __post_init__(self) -> None:
        polls = self.polls
        for poll_s in np.arange(polls.begin_s + polls.phase_s, polls.end_s, polls.interval_s):
            self.samples.append(self._sample(float(poll_s)))

    def _sample(self, poll_s: float) -> StatsSample:
        now_s = float(self.polls.clock(poll_s))
        reports: list[dict[str, Any]] = []
        for one in self.sends:
            count = int(np.searchsorted(one.sent, poll_s, side="right"))
            if count:
                reports.append(_rtp("outbound-rtp", one, now_s, "Sent", "framesEncoded", count))
        for one in self.receives:
            has_come = one.arrived <= poll_s
            count = int(has_come.sum())
            if count:
                report = _rtp("inbound-rtp", one, now_s, "Received", "framesDecoded", count)
                highest = int(np.flatnonzero(has_come)[-1]) + 1
                reports.append({**report, "packetsLost": highest - count})
            newest = int(np.searchsorted(one.reports_arrived, poll_s, side="right")) - 1
            if newest >= 0:
                reports.append(self._sender_report(one, newest))
        if self.fingerprints is not None:
            reports += [
                {"id": "CL", "type": "certificate", "fingerprint": self.fingerprints[0]},
                {"id": "CR", "type": "certificate", "fingerprint": self.fingerprints[1]},
                {"id": "T", "type": "transport", "localCertificateId": "CL", "remoteCertificateId": "CR"},
            ]
        if self.round_trip_s is not None:
            pair = {"id": "P", "type": "candidate-pair", "currentRoundTripTime": self.round_trip_s}
            reports.append(pair)
        return StatsSample(time_s=now_s, peer=self.peer, generation=self.generation, reports=tuple(reports))

    sender_clock: Callable[[Any], Any] = field(default=Polls().clock)
    """The other end's."""

    def _sender_report(self, one: Flow, number: int) -> dict[str, Any]:
        return {
            "id": f"RO{one.ssrc}",
            "type": "remote-outbound-rtp",
            "kind": one.kind,
            "ssrc": one.ssrc,
            "remoteTimestamp": 1000 * float(self.sender_clock(one.reports_sent[number])),
            "timestamp": 1000 * float(self.polls.clock(one.reports_arrived[number])),
        }


def _rtp(type_: str, one: Flow, now_s: float, moved: str, coded: str, count: int) -> dict[str, Any]:
    report: dict[str, Any] = {
        "id": f"{type_}-{one.ssrc}",
        "type": type_,
        "kind": one.kind,
        "ssrc": one.ssrc,
        "timestamp": 1000 * now_s,
        f"packets{moved}": count,
        f"bytes{moved}": 1000 * count,
    }
    return report | ({coded: count // 2} if one.kind == "video" else {})


def two_ends(
    up: Sequence[Flow],
    down: Sequence[Flow],
    ours: Polls,
    theirs: Polls,
    *,
    names: tuple[str, str] = ("ada", "ben"),
    fingerprints: bool = True,
    round_trip_s: float | None = 0.08,
    generation: int = 1,
) -> tuple[list[StatsSample], list[StatsSample]]:
    """What both ends of a connection poll; `up` goes from us to them. We call them `names[1]`."""
    prints = (f"{names[0]}:{generation}", f"{names[1]}:{generation}") if fingerprints else None
    our_end = SimulatedEnd(
        names[1], ours, up, down, prints, round_trip_s, generation, sender_clock=theirs.clock
    )
    their_end = SimulatedEnd(
        names[0],
        theirs,
        down,
        up,
        prints[::-1] if prints else None,
        round_trip_s,
        generation,
        sender_clock=ours.clock,
    )
    return our_end.samples, their_end.samples
