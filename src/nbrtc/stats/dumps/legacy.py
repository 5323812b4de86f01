"""Statistics from before the standard (``goog...``), told in the words of webrtc-stats.

Chromium had them until version 117 beside the standard ones: every value a string, times in ms, percentages
over unsaid windows. What has a counterpart is renamed and rescaled; what has none keeps its own name, as a
number where it is one. Loss, round trip and jitter of what is sent stood in the sender's own object; they
become the ``remote-inbound-rtp`` that the standard has for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any

Report = dict[str, Any]

_TYPES = {
    "googCandidatePair": "candidate-pair",
    "googComponent": "transport",
    "googCertificate": "certificate",
    "localcandidate": "local-candidate",
    "remotecandidate": "remote-candidate",
}
_STREAM, _BANDWIDTH = "ssrc", "VideoBwe"
_LEGACY = {*_TYPES, _STREAM, _BANDWIDTH, "googTrack", "googLibjingleSession"}

_BOTH = {
    "googCodecName": "googCodecName",
    "googContentType": "contentType",
    "mediaType": "kind",
    "totalAudioEnergy": "totalAudioEnergy",
}
_SENT = {
    "googFrameWidthSent": "frameWidth",
    "googFrameHeightSent": "frameHeight",
    "googFrameRateSent": "framesPerSecond",
    "googNacksReceived": "nackCount",
    "googPlisReceived": "pliCount",
    "googFirsReceived": "firCount",
    "codecImplementationName": "encoderImplementation",
    "googAdaptationChanges": "qualityLimitationResolutionChanges",
}
_RECEIVED = {
    "googFrameWidthReceived": "frameWidth",
    "googFrameHeightReceived": "frameHeight",
    "googFrameRateDecoded": "framesPerSecond",
    "googNacksSent": "nackCount",
    "googPlisSent": "pliCount",
    "googFirsSent": "firCount",
    "codecImplementationName": "decoderImplementation",
}
_OF_THE_OTHER_END = ("packetsLost", "googRtt", "googJitterReceived")
_MEMBERS = {
    "candidate-pair": {"googRtt": "currentRoundTripTime", "googChannelId": "transportId"},
    "certificate": {
        "googFingerprint": "fingerprint",
        "googFingerprintAlgorithm": "fingerprintAlgorithm",
        "googDerBase64": "base64Certificate",
    },
    "local-candidate": {"ipAddress": "address", "portNumber": "port", "transport": "protocol"},
    "transport": {},
}
_MEMBERS["remote-candidate"] = _MEMBERS["local-candidate"]
_IN_MS = {"currentRoundTripTime", "roundTripTime", "jitter"}
_CANDIDATES = {
    "local": "host",
    "serverreflexive": "srflx",
    "stun": "srflx",
    "peerreflexive": "prflx",
    "relayed": "relay",
}
_LOUDEST = 32767.0
"""Levels were those of 16-bit samples."""
_TEXTS = {"id", "type", "address", "fingerprint", "base64Certificate", "googTrackId", "trackIdentifier"}


def standardised(reports: Sequence[Report]) -> list[Report]:
    """Reports of one poll, in the words of webrtc-stats; those that already are stay as they are."""
    if not any(report.get("type") in _LEGACY for report in reports):
        return list(reports)
    known = [report for report in reports if report.get("type") not in _LEGACY]
    legacy = [report for report in reports if report.get("type") in _LEGACY]
    bandwidth = next((report for report in legacy if report.get("type") == _BANDWIDTH), {})
    return known + [part for report in legacy for part in _told(report, bandwidth)]


def _told(report: Report, bandwidth: Mapping[str, Any]) -> Iterable[Report]:
    type_ = report.get("type")
    if type_ == _STREAM:
        yield from _stream(report)
    elif type_ in _TYPES:
        yield _object(report, _TYPES[str(type_)], bandwidth)


def _object(report: Report, type_: str, bandwidth: Mapping[str, Any]) -> Report:
    told = {**_renamed(report, _MEMBERS[type_]), "type": type_}
    if type_ == "candidate-pair":
        told["nominated"] = told.pop("googActiveConnection", False)
        told["state"] = "succeeded" if told.pop("googWritable", False) else "in-progress"
        if not told.get("responsesReceived"):  # a guess (3000 ms) until the first answer
            told.pop("currentRoundTripTime", None)
        available = _number(bandwidth.get("googAvailableSendBandwidth"))
        if told["nominated"] and isinstance(available, int | float) and available > 0:
            told["availableOutgoingBitrate"] = available
    elif "candidateType" in told:
        told["candidateType"] = _CANDIDATES.get(told["candidateType"], told["candidateType"])
    return told


def _stream(report: Report) -> Iterable[Report]:
    is_sent = str(report.get("id")).endswith("_send") or "bytesSent" in report
    names = {**_BOTH, **(_SENT if is_sent else _RECEIVED)}
    mine = {name: value for name, value in report.items() if not (is_sent and name in _OF_THE_OTHER_END)}
    told = _renamed(mine, names)
    told["type"] = "outbound-rtp" if is_sent else "inbound-rtp"
    if "googTrackId" in told:
        told["trackIdentifier"] = told.pop("googTrackId")
    codec = told.pop("googCodecName", None)
    if codec:
        told["codecId"] = f"{told['id']}_codec"
        yield {
            "id": told["codecId"],
            "type": "codec",
            "timestamp": told.get("timestamp"),
            "mimeType": f"{told.get('kind')}/{codec}",
        }
    if is_sent:
        yield from _sender(report, told)
    else:
        jitter = told.pop("googJitterReceived", None)
        if isinstance(jitter, int | float):
            told["jitter"] = jitter / 1000
        level = told.pop("audioOutputLevel", None)
        if isinstance(level, int | float):
            told["audioLevel"] = level / _LOUDEST
    yield told


def _sender(report: Report, told: Report) -> Iterable[Report]:
    """What the standard has apart from the stream: its source, and what its receiver says of it."""
    limited = {
        reason: told.pop(name, False)
        for reason, name in (
            ("cpu", "googCpuLimitedResolution"),
            ("bandwidth", "googBandwidthLimitedResolution"),
        )
    }
    if told.get("kind") == "video":
        told["qualityLimitationReason"] = next((reason for reason, is_so in limited.items() if is_so), "none")
    source = {"audioInputLevel": "audioLevel", "googFrameRateInput": "framesPerSecond"}
    source |= {"googFrameWidthInput": "width", "googFrameHeightInput": "height"}
    source |= {name: name for name in ("totalAudioEnergy", "totalSamplesDuration")}
    captured = {new: told.pop(old) for old, new in source.items() if old in told}
    if captured:
        if isinstance(captured.get("audioLevel"), int | float):
            captured["audioLevel"] /= _LOUDEST
        told["mediaSourceId"] = f"{told['id']}_source"
        shared = _of(told, "kind", "timestamp", "trackIdentifier")
        yield {"id": told["mediaSourceId"], "type": "media-source", **shared, **captured}
    said = _renamed(
        {name: report[name] for name in _OF_THE_OTHER_END if name in report},
        {"googRtt": "roundTripTime", "googJitterReceived": "jitter"},
    )
    if said.get("roundTripTime"):  # 0 until the first report of the receiver
        told["remoteId"] = f"{told['id']}_remote"
        shared = _of(told, "kind", "ssrc", "timestamp")
        yield {
            "id": told["remoteId"],
            "type": "remote-inbound-rtp",
            "localId": told["id"],
            **shared,
            **said,
        }


def _of(report: Report, *names: str) -> Report:
    return {name: report[name] for name in names if name in report}


def _renamed(report: Mapping[str, Any], names: Mapping[str, str]) -> Report:
    told = {}
    for name, value in report.items():
        label = names.get(name, name)
        told[label] = value if label in _TEXTS or label.endswith("Id") else _number(value)
        if label in _IN_MS and isinstance(told[label], int | float):
            told[label] /= 1000
    return told


def _number(value: Any) -> Any:
    """A value of what was written as text."""
    return _parsed(value) if isinstance(value, str) else value


# Most values of a poll are those of the poll before.
@lru_cache(maxsize=65_536)
def _parsed(text: str) -> str | int | float | bool:
    if text in ("true", "false"):
        return text == "true"
    try:
        number = int(text) if text.lstrip("-").isdecimal() and len(text) < 19 else float(text)
    except ValueError:
        return text
    return number if isfinite(number) else text
