"""Write the dumps of older browsers that stand beside this file: ``python -m tests.data.dumps.old_styles``.

The numbers are made up, and the same in all of them: a call of `POLLS` polls that receives video at
`VIDEO_BPS` and sound at `SOUND_BPS`, and sends video at `SENT_BPS`. The style follows what is written about
each version.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

POLLS = 10
BEGAN_S = 1_602_687_845.5
VIDEO_BPS, SOUND_BPS, SENT_BPS = 1_000_000, 32_000, 800_000
FPS, RTT_S = 25, 0.05
LATE = 3
"""The poll in which availableOutgoingBitrate is first known."""
AVAILABLE_BPS = 2_500_000

Objects = dict[str, tuple[str, dict[str, Any]]]
"""By stats id: its type, and a member as values of all polls, or of those since `LATE`."""


def main() -> None:
    """Write all of them."""
    for name, dump in {
        "m86": m86(),
        "m117": newer("M117"),
        "m142": newer("M142"),
    }.items():
        (HERE / f"internals-{name}.json").write_text(json.dumps(dump, indent=1) + "\n")


def m86() -> dict[str, Any]:
    """Ids that tell the type, no statsType, no timestamps, times in words of a browser two hours east of
    UTC."""
    names = {
        "IT01V1001": "RTCInboundRTPVideoStream_1001",
        "IT01A1002": "RTCInboundRTPAudioStream_1002",
        "OT01V1003": "RTCOutboundRTPVideoStream_1003",
        "RIV1003": "RTCRemoteInboundRtpVideoStream_1003",
        "CP1": "RTCIceCandidatePair_aaaa_bbbb",
        "T01": "RTCTransport_0_1",
        "IL": "RTCIceCandidate_aaaa",
        "IR": "RTCIceCandidate_bbbb",
        "CIT01_96": "RTCCodec_video_Inbound_96",
    }
    stats = {}
    for id_, (_, members) in call().items():
        for name, values in members.items():
            if name in ("type", "timestamp"):
                continue
            renamed = [names.get(value, value) if isinstance(value, str) else value for value in values]
            stats[f"{names[id_]}-{name}"] = series(renamed, id_)
    return {
        "getUserMedia": [
            {
                "origin": "https://example.org",
                "pid": 4711,
                "rid": 3,
                "audio": "",
                "video": "{width: {ideal: 1280}}",
            }
        ],
        "PeerConnections": {
            "4711-1": {
                "pid": 4711,
                "url": "https://example.org/call",
                "rtcConfiguration": "{ iceServers: [], iceTransportPolicy: all, bundlePolicy: balanced }",
                "constraints": "",
                "updateLog": [
                    {
                        "time": "10/14/2020, 5:04:04 PM",
                        "type": "createOffer",
                        "value": "options: {iceRestart: false}",
                    },
                    {
                        "time": "10/14/2020, 5:04:04 PM",
                        "type": "setLocalDescription",
                        "value": "type: offer, sdp: v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
                    },
                    {
                        "time": "10/14/2020, 5:04:05 PM",
                        "type": "iceconnectionstatechange",
                        "value": "connected",
                    },
                ],
                "stats": stats,
            }
        },
        "UserAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/86.0.4240.75",
    }


def newer(version: str) -> dict[str, Any]:
    """Short ids with statsType, timestamps, events in ms; from M142 on states are quoted."""
    quoted = version >= "M142"
    stats: dict[str, Any] = {}
    for id_, (type_, members) in call().items():
        for name, values in members.items():
            stats[f"{id_}-{name}"] = {**series(values, id_), "statsType": type_}
        stats[f"{id_}-timestamp"] = {**series(polled_ms(id_), id_), "statsType": type_}
    stats["IT01V1001-[bytesReceived_in_bits/s]"] = {
        **series([VIDEO_BPS] * (POLLS - 1), "IT01V1001", since=1),
        "statsType": "inbound-rtp",
    }
    state = json.dumps("connected") if quoted else "connected"
    asked = {"pid": 4711, "rid": 3, "request_id": 0, "request_type": "getUserMedia"}
    dump = {
        "getUserMedia": [
            {**asked, "origin": "https://example.org", "timestamp": 1000 * BEGAN_S - 900, "video": "{}"},
            {**asked, "stream_id": "s1", "timestamp": 1000 * BEGAN_S - 700, "video_track_info": "{}"},
        ],
        "PeerConnections": {
            "3-1": {
                "pid": 4711,
                "url": "https://example.org/call",
                "rtcConfiguration": json.dumps({"iceServers": [], "iceTransportPolicy": "all"}),
                "updateLog": [
                    {"type": "createOffer", "value": "", "timestamp": 1000 * BEGAN_S - 600},
                    {"type": "iceconnectionstatechange", "value": state, "timestamp": 1000 * BEGAN_S - 100},
                ],
                "stats": stats,
            }
        },
        "UserAgent": f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/{version[1:]}.0.0.0",
    }
    if quoted:
        dump["UserAgentData"] = [{"brand": "Chromium", "version": version[1:]}]
    return dump


def call() -> Objects:
    """The stats objects of the call."""
    polls = range(POLLS)

    def grows(each: float) -> list[float]:
        return [1000 + each * index for index in polls]

    def same(value: Any) -> list[Any]:
        return [value] * POLLS

    return {
        "IT01V1001": ("inbound-rtp", {
            "type": same("inbound-rtp"), "kind": same("video"), "ssrc": same(1001), "mid": same(0),
            "codecId": same("CIT01_96"), "bytesReceived": grows(VIDEO_BPS / 8), "packetsReceived": grows(120),
            "packetsLost": same(0), "framesDecoded": grows(FPS), "frameWidth": same(1280),
            "frameHeight": same(720),
        }),
        "IT01A1002": ("inbound-rtp", {
            "type": same("inbound-rtp"), "kind": same("audio"), "ssrc": same(1002), "mid": same(1),
            "bytesReceived": grows(SOUND_BPS / 8), "packetsReceived": grows(50), "packetsLost": same(0),
        }),
        "OT01V1003": ("outbound-rtp", {
            "type": same("outbound-rtp"), "kind": same("video"), "ssrc": same(1003),
            "bytesSent": grows(SENT_BPS / 8), "packetsSent": grows(100), "framesEncoded": grows(FPS),
            "qualityLimitationDurations": [
                {"none": index, "cpu": 0, "bandwidth": 0, "other": 0} for index in polls
            ],
            "qualityLimitationReason": same("none"),
        }),
        "RIV1003": ("remote-inbound-rtp", {
            "type": same("remote-inbound-rtp"), "kind": same("video"), "ssrc": same(1003),
            "localId": same("OT01V1003"), "packetsLost": same(0), "fractionLost": same(0),
            "roundTripTime": same(RTT_S),
        }),
        "CP1": ("candidate-pair", {
            "type": same("candidate-pair"), "state": same("succeeded"), "nominated": same(True),
            "localCandidateId": same("IL"), "remoteCandidateId": same("IR"),
            "currentRoundTripTime": same(RTT_S), "totalRoundTripTime": grows(RTT_S),
            "responsesReceived": grows(1), "bytesReceived": grows(VIDEO_BPS / 8),
            "availableOutgoingBitrate": [AVAILABLE_BPS] * (POLLS - LATE),
        }),
        "T01": ("transport", {
            "type": same("transport"), "dtlsState": same("connected"), "selectedCandidatePairId": same("CP1"),
        }),
        "IL": ("local-candidate", {
            "type": same("local-candidate"), "candidateType": same("host"), "isRemote": same(False),
            "ip": same("192.0.2.1"), "port": same(50000),
        }),
        "IR": ("remote-candidate", {
            "type": same("remote-candidate"), "candidateType": same("srflx"), "isRemote": same(True),
            "ip": same("198.51.100.1"), "port": same(50001),
        }),
        "CIT01_96": ("codec", {
            "type": same("codec"), "mimeType": same("video/VP8"), "payloadType": same(96),
            "clockRate": same(90000),
        }),
    }  # fmt: skip


def polled_ms(id_: str) -> list[float]:
    """Timestamps of an object: of the polls, or of the RTCP report that each poll saw (every second brings
    none)."""
    times = [1000 * (BEGAN_S + index) for index in range(POLLS)]
    if not id_.startswith("R"):
        return times
    return [times[index - index % 2] - 300 for index in range(POLLS)]


def series(values: list[Any], id_: str, since: int | None = None) -> dict[str, Any]:
    """A series as the page writes it."""
    times = polled_ms(id_)[POLLS - len(values) if since is None else since :]
    return {"startTime": _iso(times[0]), "endTime": _iso(times[-1]), "values": json.dumps(values)}


def _iso(time_ms: float) -> str:
    return (
        datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


if __name__ == "__main__":
    main()
