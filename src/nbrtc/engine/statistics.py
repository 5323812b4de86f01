"""What Python measures at its own end of a peer connection, in the terms and units of webrtc-stats.

aiortc's own getStats gives jitter in ticks and loss in 1/256, knows neither NACK nor frames, and has one id
for a stream and its retransmissions. Here are counters of aiortc (by `seams`) and ours, named and scaled as a
browser does, so that both ends of a connection are read with the same formulas. What is not known is left
out. Addresses are not among it.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiortc import RTCPeerConnection, RTCRtpTransceiver
from aiortc.rtcrtpparameters import RTCRtpCodecParameters

from .feedback import Feedback
from .inbound import Inbound
from .seams import TransportSeam, codec_of

Scalar = str | int | float | bool | None
Report = dict[str, Scalar]

TRANSPORT, LOCAL, REMOTE, PAIR = "transport", "certificate-local", "certificate-remote", "candidate-pair"
LOCAL_CANDIDATE, REMOTE_CANDIDATE = "candidate-local", "candidate-remote"
NTP_EPOCH_S = 2_208_988_800
"""From 1900, where NTP begins, to 1970 (RFC 5905)."""
HASH = "sha-256"


@dataclass(frozen=True, slots=True)
class Stream:
    """One transceiver: what comes in, what goes out, and what the other end says of that."""

    transceiver: RTCRtpTransceiver
    inbound: Inbound
    feedback: Feedback
    outgoing: Callable[[], Mapping[str, Scalar]] = dict
    """Members of ``outbound-rtp`` that only the track knows: frames, sizes, the encoder's figures."""


class Statistics:
    """Reads the counters of one peer connection. On the engine's loop.

    Parameters
    ----------
    connection
        Its transceivers are bundled.
    streams
        At most one of each kind.
    """

    def __init__(self, connection: RTCPeerConnection, streams: Sequence[Stream]) -> None:
        self._connection = connection
        self._streams = streams
        self._transport: TransportSeam | None = None
        self._fingerprint = ""

    def reports(self) -> tuple[Report, ...]:
        """All there is now, one report an object; empty before ICE begins."""
        if self._connection.iceConnectionState == "new":
            return ()
        if self._transport is None:
            self._transport = TransportSeam(self._connection)
            self._fingerprint = fingerprint(self._connection.remoteDescription.sdp)
        now_s = time.time()
        found = [report for stream in self._streams for report in _stream(stream, now_s)]
        found += _transport(self._transport, self._fingerprint)
        for report in found:
            report.setdefault("timestamp", 1000 * now_s)
        return tuple({str(report["id"]): report for report in found}.values())


def fingerprint(sdp: str) -> str:
    """The SHA-256 of the certificate that a description names (RFC 8122); empty if it names another hash."""
    found = re.search(rf"^a=fingerprint:{HASH} ([0-9A-F:]+)", sdp, re.MULTILINE | re.IGNORECASE)
    return "" if found is None else found[1].upper()


# --- RTP ------------------------------------------------------------------------------------------------


def _stream(stream: Stream, now_s: float) -> Iterator[Report]:
    kind = stream.transceiver.kind
    common: Report = {"kind": kind, "transportId": TRANSPORT}
    if stream.transceiver.mid is not None:
        common["mid"] = stream.transceiver.mid
    yield from _received(stream.inbound, kind, common, now_s)
    codec = codec_of(stream.transceiver)
    if codec is not None and stream.transceiver.currentDirection in ("sendrecv", "sendonly"):
        yield _codec(codec)
        yield from _sent(stream, codec, common)


def _received(inbound: Inbound, kind: str, common: Report, now_s: float) -> Iterator[Report]:
    reception, codec = inbound.reception, inbound.codec
    if reception is None or codec is None:
        return
    received = inbound.received
    report: Report = {
        "id": f"inbound-{kind}-{inbound.ssrc}",
        "type": "inbound-rtp",
        **common,
        "ssrc": inbound.ssrc,
        "codecId": _codec_id(codec),
        # with what was sent again, as the standard has it, although that came under an SSRC of its own
        "packetsReceived": reception.packets + received.repeated_packets,
        "packetsLost": reception.lost,
        "jitter": reception.jitter / codec.clockRate,
        "bytesReceived": received.bytes,
        "jitterBufferDelay": inbound.buffer.counters.total_delay_s,
        "jitterBufferEmittedCount": inbound.buffer.counters.frames,
    }
    if inbound.last_packet_s is not None:
        silent_s = time.monotonic() - inbound.last_packet_s
        report["lastPacketReceivedTimestamp"] = 1000 * (now_s - silent_s)
    if kind == "audio":  # whose buffer delay is summed over samples
        report["jitterBufferDelay"] = received.samples_delay_s
        report["jitterBufferEmittedCount"] = received.samples
    else:
        report |= _pictures(inbound)
    word = inbound.word
    if word is not None:
        remote = f"remote-outbound-{kind}-{inbound.ssrc}"
        report["remoteId"] = remote
        yield {
            "id": remote,
            "type": "remote-outbound-rtp",
            "timestamp": 1000 * word.arrived_s,
            "kind": kind,
            "transportId": TRANSPORT,
            "ssrc": inbound.ssrc,
            "codecId": _codec_id(codec),
            "localId": report["id"],
            "remoteTimestamp": 1000 * (word.info.ntp_timestamp / (1 << 32) - NTP_EPOCH_S),
            "packetsSent": word.info.packet_count,
            "bytesSent": word.info.octet_count,
            "reportsSent": word.count,
        }
    yield _codec(codec)
    yield report


def _pictures(inbound: Inbound) -> Report:
    received, feed = inbound.received, inbound.feed
    report: Report = {
        "framesReceived": feed.frames,
        "nackCount": received.nacks,
        "pliCount": received.plis,
        "firCount": 0,
        "retransmittedPacketsReceived": received.repeated_packets,
        "retransmittedBytesReceived": received.repeated_bytes,
    }
    if received.size is not None:
        report["frameWidth"], report["frameHeight"] = received.size
    if feed.is_decoded:  # else a still counter would look like a picture that stands still
        report["framesDecoded"], report["keyFramesDecoded"] = feed.decoded, feed.decoded_keyframes
    return report


def _sent(stream: Stream, codec: RTCRtpCodecParameters, common: Report) -> Iterator[Report]:
    feedback, kind = stream.feedback, stream.transceiver.kind
    packets, size_bytes = feedback.sent
    own, remote = f"outbound-{kind}-{feedback.ssrc}", f"remote-inbound-{kind}-{feedback.ssrc}"
    report: Report = {
        "id": own,
        "type": "outbound-rtp",
        **common,
        "ssrc": feedback.ssrc,
        "codecId": _codec_id(codec),
        "packetsSent": packets + feedback.repeated_packets,
        "bytesSent": size_bytes + feedback.repeated_bytes,
        "retransmittedPacketsSent": feedback.repeated_packets,
        "retransmittedBytesSent": feedback.repeated_bytes,
        "nackCount": feedback.nacks,
        **stream.outgoing(),
    }
    if kind == "video":
        report |= {"rtxSsrc": feedback.rtx_ssrc, "pliCount": feedback.plis, "firCount": feedback.firs}
    if feedback.report is not None:
        report["remoteId"] = remote
        yield _reported(feedback, codec, {"id": remote, "localId": own, "kind": kind})
    yield report


def _reported(feedback: Feedback, codec: RTCRtpCodecParameters, report: Report) -> Report:
    said = feedback.report
    assert said is not None
    report |= {
        "type": "remote-inbound-rtp",
        "timestamp": 1000 * said.arrived_s,
        "transportId": TRANSPORT,
        "ssrc": feedback.ssrc,
        "codecId": _codec_id(codec),
        "packetsLost": said.packets_lost,
        "fractionLost": said.fraction_lost,
        "jitter": said.jitter / codec.clockRate,
        "totalRoundTripTime": feedback.total_round_trip_s,
        "roundTripTimeMeasurements": feedback.round_trips,
    }
    if feedback.round_trip_s is not None:
        report["roundTripTime"] = feedback.round_trip_s
    return report


def _codec(codec: RTCRtpCodecParameters) -> Report:
    report: Report = {
        "id": _codec_id(codec),
        "type": "codec",
        "transportId": TRANSPORT,
        "payloadType": codec.payloadType,
        "mimeType": codec.mimeType,
        "clockRate": codec.clockRate,
    }
    if codec.channels is not None:
        report["channels"] = codec.channels
    return report


def _codec_id(codec: RTCRtpCodecParameters) -> str:
    return f"codec-{codec.payloadType}"


# --- the transport --------------------------------------------------------------------------------------


def _transport(transport: TransportSeam, remote_fingerprint: str) -> list[Report]:
    counters, candidates = transport.counters, transport.candidates
    report: Report = {
        "id": TRANSPORT,
        "type": "transport",
        "packetsSent": counters.packetsSent,
        "packetsReceived": counters.packetsReceived,
        "bytesSent": counters.bytesSent,
        "bytesReceived": counters.bytesReceived,
        "iceRole": counters.iceRole,
        "iceState": transport.ice_state,
        "dtlsState": counters.dtlsState,
        "localCertificateId": LOCAL,
    }
    found = [report, _certificate(LOCAL, transport.fingerprints[HASH])]
    if remote_fingerprint:
        report["remoteCertificateId"] = REMOTE
        found.append(_certificate(REMOTE, remote_fingerprint))
    if candidates is not None:
        report["selectedCandidatePairId"] = PAIR
        pair: Report = {
            "id": PAIR,
            "type": "candidate-pair",
            "transportId": TRANSPORT,
            "localCandidateId": LOCAL_CANDIDATE,
            "remoteCandidateId": REMOTE_CANDIDATE,
            "state": "succeeded",
            "nominated": True,
            # one pair carries all of a connection here, from its start to its end
            "packetsSent": counters.packetsSent,
            "packetsReceived": counters.packetsReceived,
            "bytesSent": counters.bytesSent,
            "bytesReceived": counters.bytesReceived,
        }
        local = _candidate(LOCAL_CANDIDATE, "local-candidate", candidates.local_type, candidates.protocol)
        remote = _candidate(REMOTE_CANDIDATE, "remote-candidate", candidates.remote_type, candidates.protocol)
        found += [pair, local, remote]
    return found


def _candidate(identity: str, type_: str, candidate_type: str, protocol: str) -> Report:
    return {
        "id": identity,
        "type": type_,
        "transportId": TRANSPORT,
        "candidateType": candidate_type,
        "protocol": protocol,
    }


def _certificate(identity: str, value: str) -> Report:
    return {"id": identity, "type": "certificate", "fingerprint": value, "fingerprintAlgorithm": HASH}
