"""What Chromium before version 117 wrote otherwise: ids that say the type, times in words, no timestamps."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

_TYPES = (
    (re.compile(r"RTCInboundRTP(Audio|Video)Stream_"), "inbound-rtp"),
    (re.compile(r"RTCOutboundRTP(Audio|Video)Stream_"), "outbound-rtp"),
    (re.compile(r"RTCRemoteInboundRtp(Audio|Video)Stream_"), "remote-inbound-rtp"),
    (re.compile(r"RTCRemoteOutboundR(?:tp|TP)(Audio|Video)Stream_"), "remote-outbound-rtp"),
    (re.compile(r"RTC(Audio|Video)Source_"), "media-source"),
    (re.compile(r"RTCIceCandidatePair_"), "candidate-pair"),
    (re.compile(r"RTCTransport_"), "transport"),
    (re.compile(r"RTCCodec_"), "codec"),
    (re.compile(r"RTCCertificate_"), "certificate"),
    (re.compile(r"RTCMediaStreamTrack_"), "track"),
    (re.compile(r"RTCMediaStream_"), "stream"),
    (re.compile(r"RTCDataChannel_"), "data-channel"),
    (re.compile(r"RTCPeerConnection"), "peer-connection"),
    # The statistics before the standard.
    (re.compile(r"ssrc_\d+_(?:send|recv)"), "ssrc"),
    (re.compile(r"Conn-"), "googCandidatePair"),
    (re.compile(r"Channel-"), "googComponent"),
    (re.compile(r"bweforvideo"), "VideoBwe"),
    (re.compile(r"googCertificate_"), "googCertificate"),
)

_DATES = (
    "%m/%d/%Y, %I:%M:%S %p",
    "%d.%m.%Y, %H:%M:%S",
    "%d/%m/%Y, %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%d-%m-%Y, %H:%M:%S",
)

_QUARTER_S = 900.0
"""Time zones differ by quarters of an hour."""


def type_of(id_: str, is_remote: object) -> tuple[str | None, str | None]:
    """The type of webrtc-stats and the kind that an id tells, None where it does not.

    Parameters
    ----------
    is_remote
        The member isRemote, which tells the two types of candidates apart.
    """
    if id_.startswith("RTCIceCandidate_"):
        return ("remote-candidate" if is_remote is True else "local-candidate"), None
    if id_.startswith("Cand-"):
        return ("remotecandidate" if is_remote is True else "localcandidate"), None
    for pattern, type_ in _TYPES:
        if found := pattern.match(id_):
            return type_, found[1].lower() if pattern.groups else None
    return None, None


def moments(texts: Sequence[str | None], first_poll_s: float | None) -> list[float | None]:
    """Unix times of what is dated in the words and the time zone of the browser.

    The zone is not said. The first event of a connection comes within minutes of its first poll, so that the
    difference, to the next quarter of an hour, is the zone; without polls UTC is assumed.
    """
    local = [None if text is None else _local_s(text) for text in texts]
    known = [moment for moment in local if moment is not None]
    if not known or first_poll_s is None:
        return local
    offset_s = _QUARTER_S * round((min(known) - first_poll_s) / _QUARTER_S)
    return [None if moment is None else moment - offset_s for moment in local]


def _local_s(text: str) -> float | None:
    clean = text.replace("\u202f", " ").strip()  # a narrow space stands before AM and PM since Chromium 110
    for form in _DATES:
        try:
            return datetime.strptime(clean, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None
