"""A call between two browsers as getStats tells it, second by second, with the faults that a test wants."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbrtc.messages import StatsEvent, StatsSample

START_S = 1_700_000_000.0
ASKED = 1280, 720

WELL: Mapping[str, float | str | bool] = {
    "send_bps": 1_800_000.0,
    "receive_bps": 1_800_000.0,
    "send_fps": 30.0,
    "receive_fps": 30.0,
    "camera_fps": 30.0,
    "width": 1280.0,
    "height": 720.0,
    "limitation": "none",
    "available_bps": 3_000_000.0,
    "send_loss": 0.0,
    "receive_loss": 0.0,
    "jitter_s": 0.006,
    "rtt_s": 0.04,
    "encode_s": 0.008,
    "decode_s": 0.004,
    "dropped": 0.0,
    "frozen": 0.0,
    "concealed": 0.0,
    "stretched": 0.002,
    "buffer_s": 0.06,
    "level": 0.1,
    "qp": 30.0,
    "keyframe_requests": 0.0,
    "audio_bps": 32_000.0,
    "arrives": True,
    "video_arrives": True,
    "audio_arrives": True,
    "they_send_video": True,
    "they_send_audio": True,
    "is_reported": True,
    "candidate": "host",
    "protocol": "udp",
    "content": "",
    "active": True,
}
"""Each second of a call in which nothing is wrong; a fault is another value, or a function of the second."""

Fault = float | str | bool | Callable[[int], Any]


def staged(
    seconds: int = 40,
    *,
    peer: str = "ada",
    generation: int = 1,
    start_s: float = START_S,
    interval_s: float = 1.0,
    **faults: Fault,
) -> list[StatsSample]:
    """The polls of one connection; unknown faults are a mistake of the test."""
    assert not set(faults) - set(WELL), sorted(set(faults) - set(WELL))
    return list(_polls(seconds, peer, generation, start_s, interval_s, {**WELL, **faults}))


def event(after_s: float, name: str, value: str = "", peer: str = "", generation: int = 0) -> StatsEvent:
    """Something that happens so long after the call's first poll."""
    return StatsEvent(time_s=START_S + after_s, peer=peer, name=name, value=value, generation=generation)


def devices_on() -> list[StatsEvent]:
    """What the engine says at the beginning of an ordinary call."""
    return [
        event(0, "microphone", "on"),
        event(0, "camera", "on 1280x720@30"),
        event(0, "quality", "auto 1280x720@30"),
        event(0, "camera", "on", peer="ada"),
        event(0, "microphone", "on", peer="ada"),
    ]


def _polls(
    seconds: int, peer: str, generation: int, start_s: float, interval_s: float, script: Mapping[str, Any]
) -> Iterator[StatsSample]:
    sums: dict[str, float] = {}

    def add(name: str, amount: float) -> None:
        sums[name] = sums.get(name, 0.0) + amount

    reported_s = start_s
    for n in range(seconds):
        now = {name: value(n) if callable(value) else value for name, value in script.items()}
        time_s = start_s + n * interval_s
        video = now["arrives"] and now["video_arrives"]
        audio = now["arrives"] and now["audio_arrives"]
        if now["is_reported"] and now["arrives"]:
            reported_s = time_s - 0.2
        packets = now["send_bps"] / 8 / 1100 * interval_s
        add("sent_bytes", now["send_bps"] / 8 * interval_s)
        add("sent_packets", packets)
        add("encoded", now["send_fps"] * interval_s)
        add("captured", now["camera_fps"] * interval_s)
        add("encode_s", now["encode_s"] * now["send_fps"] * interval_s)
        add("sent_qp", now["qp"] * now["send_fps"] * interval_s)
        add("asked_of_us", now["keyframe_requests"] * interval_s)
        add("sound_bytes", now["audio_bps"] / 8 * interval_s)
        add("sound_packets", 50 * interval_s)
        add("energy", now["level"] ** 2 * interval_s)
        add("sound_s", interval_s)
        came = now["receive_bps"] / 8 / 1100 * interval_s if video else 0.0
        add("came_packets", came * (1 - now["receive_loss"]))
        add("came_lost", came * now["receive_loss"])
        add("came_bytes", now["receive_bps"] / 8 * interval_s if video else 0.0)
        shown = now["receive_fps"] * interval_s if video else 0.0
        add("frames", shown)
        add("decoded", shown * (1 - now["dropped"]))
        add("dropped", shown * now["dropped"])
        add("decode_s", now["decode_s"] * shown * (1 - now["dropped"]))
        add("frozen_s", now["frozen"] * interval_s)
        add("heard_packets", 50 * interval_s * (1 - now["receive_loss"]) if audio else 0.0)
        add("heard_lost", 50 * interval_s * now["receive_loss"] if audio else 0.0)
        add("heard_bytes", now["audio_bps"] / 8 * interval_s if audio else 0.0)
        add("samples", 48_000 * interval_s)
        # A stream that ends is silence and not made up; FEC repairs half of what is lost.
        add("concealed", 48_000 * interval_s * max(now["concealed"], now["receive_loss"] / 2))
        add("stretched", 48_000 * interval_s * now["stretched"])
        add("waited_s", now["buffer_s"] * 48_000 * interval_s)
        add("theirs", (came or 50.0) if now["they_send_video"] else 0.0)
        add("theirs_sound", 50 * interval_s if now["they_send_audio"] else 0.0)
        add("path_bytes", (sums["came_bytes"] + sums["heard_bytes"] + 200.0) if now["arrives"] else 0.0)
        add("trips", 1.0 if now["arrives"] else 0.0)
        add("trip_s", now["rtt_s"] if now["arrives"] else 0.0)
        yield StatsSample(
            time_s=time_s,
            peer=peer,
            generation=generation,
            reports=tuple(_reports(time_s, reported_s, generation, now, sums)),
        )


def _reports(
    time_s: float, reported_s: float, generation: int, now: Mapping[str, Any], sums: Mapping[str, float]
) -> Iterator[dict[str, Any]]:
    def report(type_: str, id_: str, **members: Any) -> dict[str, Any]:
        return {"type": type_, "id": f"{id_}{generation}", "timestamp": 1000 * time_s, **members}

    size = {"frameWidth": now["width"], "frameHeight": now["height"]}
    content = {"contentType": now["content"]} if now["content"] else {}
    yield report("transport", "T", selectedCandidatePairId=f"P{generation}")
    yield report(
        "candidate-pair", "P", localCandidateId=f"L{generation}", remoteCandidateId=f"R{generation}",
        bytesReceived=sums["path_bytes"], bytesSent=sums["sent_bytes"], responsesReceived=sums["trips"],
        totalRoundTripTime=sums["trip_s"], currentRoundTripTime=now["rtt_s"],
        availableOutgoingBitrate=now["available_bps"],
    )  # fmt: skip
    yield report("local-candidate", "L", candidateType=now["candidate"], protocol=now["protocol"])
    yield report("remote-candidate", "R", candidateType="host", protocol=now["protocol"])
    yield report("codec", "CV", mimeType="video/VP8")
    yield report("codec", "CA", mimeType="audio/opus")
    yield report(
        "media-source", "SV", kind="video", frames=sums["captured"], framesPerSecond=now["camera_fps"],
        width=float(ASKED[0]), height=float(ASKED[1]),
    )  # fmt: skip
    yield report(
        "media-source",
        "SA",
        kind="audio",
        totalAudioEnergy=sums["energy"],
        totalSamplesDuration=sums["sound_s"],
    )
    yield report(
        "outbound-rtp", "OV", kind="video", ssrc=1, mediaSourceId=f"SV{generation}", active=now["active"],
        codecId=f"CV{generation}", bytesSent=sums["sent_bytes"], packetsSent=sums["sent_packets"],
        framesEncoded=sums["encoded"], totalEncodeTime=sums["encode_s"], qpSum=sums["sent_qp"],
        pliCount=sums["asked_of_us"], qualityLimitationReason=now["limitation"], **size, **content,
    )  # fmt: skip
    yield report(
        "outbound-rtp", "OA", kind="audio", ssrc=2, mediaSourceId=f"SA{generation}", active=True,
        codecId=f"CA{generation}", bytesSent=sums["sound_bytes"], packetsSent=sums["sound_packets"],
    )  # fmt: skip
    for name, ssrc, kind in (("RV", 1, "video"), ("RA", 2, "audio")):
        yield {
            **report("remote-inbound-rtp", name, kind=kind, ssrc=ssrc, jitter=now["jitter_s"]),
            "fractionLost": now["send_loss"],
            "roundTripTime": now["rtt_s"],
            "timestamp": 1000 * reported_s,
        }
    yield report(
        "inbound-rtp", "IV", kind="video", ssrc=3, codecId=f"CV{generation}", jitter=now["jitter_s"],
        bytesReceived=sums["came_bytes"], packetsReceived=sums["came_packets"],
        packetsLost=sums["came_lost"], framesReceived=sums["frames"], framesDecoded=sums["decoded"],
        framesDropped=sums["dropped"], totalDecodeTime=sums["decode_s"], pliCount=0.0,
        totalFreezesDuration=sums["frozen_s"], jitterBufferDelay=sums["frames"] * 0.03,
        jitterBufferEmittedCount=sums["frames"], frameWidth=1280.0, frameHeight=720.0,
    )  # fmt: skip
    yield report(
        "inbound-rtp", "IA", kind="audio", ssrc=4, codecId=f"CA{generation}", jitter=now["jitter_s"],
        bytesReceived=sums["heard_bytes"], packetsReceived=sums["heard_packets"],
        packetsLost=sums["heard_lost"], totalSamplesReceived=sums["samples"],
        concealedSamples=sums["concealed"], silentConcealedSamples=0.0,
        insertedSamplesForDeceleration=sums["stretched"], removedSamplesForAcceleration=0.0,
        jitterBufferDelay=sums["waited_s"], jitterBufferEmittedCount=sums["samples"],
        totalAudioEnergy=sums["sound_s"] * 0.01, totalSamplesDuration=sums["sound_s"],
    )  # fmt: skip
    yield report("remote-outbound-rtp", "QV", kind="video", ssrc=3, packetsSent=sums["theirs"])
    yield report("remote-outbound-rtp", "QA", kind="audio", ssrc=4, packetsSent=sums["theirs_sound"])
