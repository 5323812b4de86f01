"""Statistics of calls that a test writes down: polls of getStats, made from what they should show."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbrtc.messages import StatsEvent, StatsSample

START_S = 1_800_000_000.0
Script = float | str | None | Callable[[int], Any]

USUAL: Mapping[str, Script] = {
    "bitrate_bps": 1_000_000.0,
    "audio_bps": 32_000.0,
    "fps": 30.0,
    "loss": 0.0,
    "rtt_s": 0.04,
    "jitter_s": 0.004,
    "frozen": 0.0,
    "limitation": "none",
    "available_bps": 2_500_000.0,
}
"""What one participant sends and receives each second; None is a member that the browser does not report."""


def scripted(
    polls: int = 20,
    *,
    peer: str = "python",
    start_s: float = START_S,
    interval_s: float = 1.0,
    generation: int = 1,
    **script: Script,
) -> list[StatsSample]:
    """Consecutive polls of one connection; what `USUAL` has may be a value, or go by the poll's number."""
    return list(_polls(polls, peer, start_s, interval_s, generation, {**USUAL, **script}))


def interleaved(*calls: list[StatsSample]) -> list[StatsSample]:
    """Several connections' polls in the order of time, as they arrive."""
    return sorted((sample for call in calls for sample in call), key=lambda sample: sample.time_s)


def event(after_s: float, name: str, value: str = "", peer: str = "") -> StatsEvent:
    return StatsEvent(time_s=START_S + after_s, peer=peer, name=name, value=value)


def _polls(
    polls: int, peer: str, start_s: float, interval_s: float, generation: int, script: Mapping[str, Script]
) -> Iterator[StatsSample]:
    sums = dict.fromkeys(("bytes", "audio", "packets", "lost", "frames", "frozen", "trips", "trip_s"), 0.0)
    for n in range(polls):
        now: dict[str, Any] = {name: value(n) if callable(value) else value for name, value in script.items()}
        loss = now["loss"] or 0.0
        packets = (now["bitrate_bps"] or 0.0) * interval_s / 8 / 1000
        sums["bytes"] += (now["bitrate_bps"] or 0.0) * interval_s / 8
        sums["audio"] += (now["audio_bps"] or 0.0) * interval_s / 8
        sums["packets"] += packets
        sums["lost"] += packets * loss
        sums["frames"] += (now["fps"] or 0.0) * interval_s
        sums["frozen"] += (now["frozen"] or 0.0) * interval_s
        sums["trips"] += 1
        sums["trip_s"] += now["rtt_s"] or 0.0
        time_s = start_s + n * interval_s
        yield StatsSample(
            time_s=time_s, peer=peer, generation=generation, reports=_reports(time_s, now, sums, generation)
        )


def _reports(
    time_s: float, now: Mapping[str, Any], sums: Mapping[str, float], generation: int
) -> tuple[dict[str, Any], ...]:
    def report(type_: str, id_: str, **members: Any) -> dict[str, Any]:
        known = {name: value for name, value in members.items() if value is not None}
        return {"type": type_, "id": f"{id_}{generation}", "timestamp": 1000 * time_s, **known}

    def known(name: str, value: Any) -> Any:
        return None if now[name] is None else value

    size = {"frameWidth": 640, "frameHeight": 480}
    return (
        report("transport", "T", selectedCandidatePairId=f"P{generation}"),
        report(
            "candidate-pair", "P", state="succeeded", nominated=True, bytesReceived=sums["bytes"],
            totalRoundTripTime=known("rtt_s", sums["trip_s"]), responsesReceived=sums["trips"],
            currentRoundTripTime=now["rtt_s"], availableOutgoingBitrate=now["available_bps"],
        ),
        report(
            "outbound-rtp", "OV", kind="video", ssrc=1, bytesSent=sums["bytes"], packetsSent=sums["packets"],
            framesEncoded=known("fps", sums["frames"]), qualityLimitationReason=now["limitation"], **size,
        ),
        report(
            "remote-inbound-rtp", "RV", kind="video", ssrc=1, fractionLost=now["loss"],
            jitter=now["jitter_s"], packetsLost=known("loss", sums["lost"]),
        ),
        report(
            "outbound-rtp", "OA", kind="audio", ssrc=2, bytesSent=sums["audio"],
            packetsSent=50.0 * sums["trips"],
        ),
        report(
            "inbound-rtp", "IV", kind="video", ssrc=3, bytesReceived=sums["bytes"],
            packetsReceived=sums["packets"] - sums["lost"], packetsLost=known("loss", sums["lost"]),
            framesDecoded=known("fps", sums["frames"]), jitter=now["jitter_s"],
            totalFreezesDuration=known("frozen", sums["frozen"]), **size,
        ),
        report(
            "inbound-rtp", "IA", kind="audio", ssrc=4, bytesReceived=sums["audio"], jitter=now["jitter_s"],
            packetsReceived=50.0 * sums["trips"], packetsLost=0,
        ),
    )  # fmt: skip
