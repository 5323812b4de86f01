"""A Python participant's connection to one other: an aiortc peer connection, one for each generation.

A browser always offers, and this answers whatever a browser writes. Towards another Bot, or a client of the
plain tutorial protocol, this may be the one who offers. A connection that broke is never mended: the next
generation is a new one (aiortc has neither rollback nor ICE restart).
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import Literal

from aiortc import MediaStreamTrack, RTCRtpReceiver, RTCRtpTransceiver

from ..errors import NegotiationError
from ..messages import IceCandidate, IceServerEntry
from .bandwidth import video_bitrate_bps
from .broadcast import Broadcast, BroadcastTrack
from .description import (
    MAX_CANDIDATES,
    MAX_MDNS_CANDIDATES,
    candidate_hosts,
    check_description,
    first_mid,
    with_bitrates,
)
from .encode import VideoCodec
from .feed import Kind
from .feedback import Feedback
from .ice_end import IceEnd, connection_of
from .inbound import Inbound
from .seams import SenderSeam, separate_streams
from .silence import Silence
from .statistics import Report, Scalar, Statistics, Stream
from .voice import Voice

logger = logging.getLogger(__name__)

CLOSE_S = 3.0
RECEIVE_BPS = video_bitrate_bps(1280, 720, 30)
"""What the other side's camera may send; browsers send 1280x720 at most by default."""


class PythonPeer:
    """One generation of the connection to one participant. On the engine's loop.

    Parameters
    ----------
    participant, generation
        To whom, and the how-manieth connection of the pair this is.
    broadcast, voice
        What is sent; without them no picture, and silence.
    ice_servers, relay_only
        Asked for candidates beside the description, which follow it by `ice.on_candidate`; whether nothing
        but relayed ones may be used.
    on_state
        Told each new ``connectionState`` (webrtc-pc, section 4.3.3).
    """

    def __init__(
        self,
        participant: str,
        generation: int,
        *,
        broadcast: Broadcast | None,
        voice: Voice | None,
        on_state: Callable[["PythonPeer", str], None],
        ice_servers: Sequence[IceServerEntry] = (),
        relay_only: bool = False,
    ) -> None:
        self.participant = participant
        self.generation = generation
        self.born_s = self.heard_s = time.monotonic()
        self.rtt_s: float | None = None
        self.video: Inbound | None = None
        self.audio: Inbound | None = None
        self._broadcast, self._voice, self._on_state = broadcast, voice, on_state
        self._connection = connection_of(relay_only=relay_only)
        self.ice = IceEnd(self._connection, participant, generation, ice_servers, relay_only=relay_only)
        self.mid = "0"
        """Of the section whose candidates are everybody's (RFC 9143)."""
        self._connection.on("connectionstatechange", self._state_changed)
        self._sending: BroadcastTrack | None = None
        self._sound: MediaStreamTrack | None = None
        self._streams: list[Stream] = []
        self._statistics = Statistics(self._connection, self._streams)
        self._candidates = self._names = 0
        self._described = asyncio.Event()  # or closed
        self._is_answered = False
        self._closed = False

    @property
    def state(self) -> str:
        """``connectionState`` (webrtc-pc, section 4.3.3)."""
        return self._connection.connectionState

    @property
    def is_offering(self) -> bool:
        """Whether an offer of ours waits for its answer."""
        return self._connection.signalingState == "have-local-offer"

    @property
    def silent_s(self) -> float:
        """Seconds since the other side was last heard."""
        packets = [inbound.last_packet_s or 0.0 for inbound in (self.video, self.audio) if inbound]
        return time.monotonic() - max([self.heard_s, *packets])

    def has_fingerprint_of(self, sdp: str) -> bool:
        """Whether a description comes from the connection that this one is connected with."""
        known = self._connection.remoteDescription
        return known is not None and bool(_fingerprints(sdp) & _fingerprints(known.sdp))

    async def answer(self, sdp: str) -> str:
        """Take an offer and return the answer, with this machine's own candidates in it.

        Raises
        ------
        NegotiationError
            If the offer is hostile, malformed, has neither VP8 nor H.264 or no Opus, or the connection is
            closed meanwhile.
        """
        check_description(sdp)
        self.mid = first_mid(sdp)
        for kind, section in _media(sdp):
            if (self.video if kind == "video" else self.audio) is None:
                self._add(kind, _codec(kind, section))
        separate_streams(self._connection)
        own = self._connection.getTransceivers()
        await self._describe("offer", sdp)
        for transceiver in self._connection.getTransceivers():
            if transceiver not in own:
                # a second camera or a screen, which nobody reads: aiortc would queue it without bound
                transceiver.direction = "inactive"
        try:
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # aiortc raises whatever it stumbles over
            raise _refusal("offer", error) from error
        if self._closed:
            raise NegotiationError("The connection was closed while its offer was being answered.")
        return with_bitrates(self.ice.begin(self._connection.localDescription.sdp), RECEIVE_BPS)

    async def offer(self) -> str:
        """Our offer, with this machine's own candidates in it.

        Raises
        ------
        NegotiationError
            If the connection was closed meanwhile.
        """
        self._add("audio", "opus")
        self._add("video", "VP8")
        separate_streams(self._connection)
        try:
            await self._connection.setLocalDescription(await self._connection.createOffer())
        except Exception as error:
            raise _refusal("offer", error) from error
        if self._closed:
            raise NegotiationError("The connection was closed while its offer was being made.")
        self.mid = first_mid(self._connection.localDescription.sdp)
        return with_bitrates(self.ice.begin(self._connection.localDescription.sdp), RECEIVE_BPS)

    async def accept(self, sdp: str) -> None:
        """Take the answer to our offer; a second one is left out, since signaling may repeat itself.

        Raises
        ------
        NegotiationError
            If it is hostile or malformed.
        """
        if not self.is_offering or self._is_answered:
            logger.debug("A late answer of %s means nothing any more", self.participant)
            return
        check_description(sdp, "answer")
        self._is_answered = True
        await self._describe("answer", sdp)

    async def add_candidate(self, message: IceCandidate | None) -> None:
        """Take a trickled candidate; an empty one ends them (RFC 8838).

        Raises
        ------
        NegotiationError
            If it is malformed, or the first one too many; what follows that one is dropped in silence.
        """
        text = "" if message is None else message.candidate
        self._candidates += bool(text)
        self._names += ".local" in text
        if self._candidates > MAX_CANDIDATES or self._names > MAX_MDNS_CANDIDATES:
            if self._candidates == MAX_CANDIDATES + 1 or self._names == MAX_MDNS_CANDIDATES + 1:
                raise NegotiationError(
                    f"More than {MAX_CANDIDATES} candidates, or {MAX_MDNS_CANDIDATES} .local names, came for "
                    "one connection; the rest is refused."
                )
            return
        await self._described.wait()  # they trickle in while the description is still being read
        if self._closed or (message is not None and self._is_of_another(message)):
            return
        if message is None or not text:
            if self._candidates:  # else ICE would fail without saying why
                self.ice.end_candidates()
            return
        try:
            await self.ice.add(text, message.sdp_mid, message.sdp_m_line_index)
        except (ValueError, AssertionError, IndexError) as error:
            raise NegotiationError(
                f"The candidate {text[:80]!r} of section {message.sdp_mid!r} is malformed."
            ) from error

    def tick(self) -> None:
        """Called about 20 times a second: repair what was lost, report bandwidth."""
        for inbound in (self.video, self.audio):
            if inbound is not None:
                inbound.tick(self.rtt_s)

    def reports(self) -> tuple[Report, ...]:
        """What this end of the connection measures, in webrtc-stats terms; empty unless connected."""
        return self._statistics.reports() if self.state == "connected" else ()

    def figures(self, now_s: float) -> dict[str, object]:
        """Counters, delays in s and bitrates in bit/s, for `Bot.engine_status`."""
        sending = self._sending
        return {
            "generation": self.generation,
            "state": self.state,
            "rtt_s": self.rtt_s,
            "silent_s": self.silent_s,
            "video_frames": self.video.feed.frames if self.video else 0,
            "audio_frames": self.audio.feed.frames if self.audio else 0,
            "codec": sending.codec if sending else None,
            "rendition": sending.level if sending else None,
            "sent_frames": sending.sent if sending else 0,
            "dropped_frames": sending.dropped if sending else 0,
            "send_limit_bps": sending.limit.bitrate_bps(now_s) if sending else None,
        }

    async def close(self) -> None:
        """End the connection and everything in it; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._described.set()
        await self.ice.close()
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("The connection to %s did not close within %.0f s", self.participant, CLOSE_S)
        finally:
            for track in (self._sending, self._sound):
                if track is not None:
                    track.stop()
            for inbound in (self.video, self.audio):
                if inbound is not None:
                    inbound.close()

    def _add(self, kind: Kind, codec: str) -> None:
        """Our own transceiver of a kind, which aiortc gives to the first such section."""
        sends = kind == "audio" or self._broadcast is not None
        transceiver = self._connection.addTransceiver(kind, "sendrecv" if sends else "recvonly")
        _prefer(transceiver, f"{kind}/{codec}".lower())
        feedback = SenderSeam(transceiver.sender)
        if kind == "video":
            inbound = self.video = Inbound(transceiver.receiver, kind, RECEIVE_BPS)
            if self._broadcast is not None:
                chosen: VideoCodec = "H264" if codec == "H264" else "VP8"
                self._sending = self._broadcast.track(chosen)
                feedback.on_keyframe_request(self._sending.request_keyframe)
                transceiver.sender.replaceTrack(self._sending)
        else:
            inbound = self.audio = Inbound(transceiver.receiver, kind, 0)
            self._sound = Silence() if self._voice is None else self._voice.track()
            transceiver.sender.replaceTrack(self._sound)
        limit = self._sending.limit if kind == "video" and self._sending else None

        def remb(bitrate_bps: int) -> None:
            if limit is not None:
                limit.add_remb(bitrate_bps, time.monotonic())

        def loss(fraction: float, rtt_s: float | None) -> None:
            self.heard_s = time.monotonic()
            self.rtt_s = rtt_s if rtt_s is not None else self.rtt_s
            if limit is not None:
                limit.add_loss(fraction, rtt_s, self.heard_s)

        feedback.on_feedback(remb, loss)
        outgoing = self._outgoing_report if kind == "video" else dict
        self._streams.append(Stream(transceiver, inbound, Feedback(feedback), outgoing))

    def _outgoing_report(self) -> dict[str, Scalar]:
        sending = self._sending
        if sending is None:
            return {}
        report: dict[str, Scalar] = {
            "framesSent": sending.sent,
            "framesEncoded": sending.sent,  # once for all peers, but what was not sent here is not counted
            "targetBitrate": sending.limit.bitrate_bps(time.monotonic()),
        }
        if sending.size is not None:
            report["frameWidth"], report["frameHeight"] = sending.size
        return report

    async def _describe(self, kind: Literal["offer", "answer"], sdp: str) -> None:
        self._candidates += len(candidate_hosts(sdp))
        try:
            await self.ice.take(sdp, kind)
        except Exception as error:  # aiortc raises whatever its parser stumbles over
            raise _refusal(kind, error) from error
        self._described.set()

    def _is_of_another(self, candidate: IceCandidate) -> bool:
        """Whether it belongs to another connection of a client that sends everything to everybody."""
        known = self._connection.remoteDescription
        ufrag = candidate.username_fragment
        return bool(ufrag and known) and f"a=ice-ufrag:{ufrag}" not in known.sdp.splitlines()

    def _state_changed(self) -> None:
        if not self._closed:
            self._on_state(self, self.state)


def _refusal(kind: str, error: Exception) -> NegotiationError:
    return NegotiationError(f"The {kind} could not be taken ({type(error).__name__}: {error}).")


def _media(sdp: str) -> list[tuple[Kind, str]]:
    """Kind and text of the audio and video sections."""
    sections = re.split(r"^m=", sdp, flags=re.MULTILINE)[1:]
    found: list[tuple[Kind, str]] = []
    for section in sections:
        if section.startswith("audio "):
            found.append(("audio", section))
        elif section.startswith("video "):
            found.append(("video", section))
    return found


def _codec(kind: Kind, section: str) -> str:
    """The codec that is used of those in an offer's section.

    Raises
    ------
    NegotiationError
        If it has none that Python can send.
    """
    offered = {name.upper(): name for name in re.findall(r"^a=rtpmap:\d+ ([\w-]+)/", section, re.MULTILINE)}
    for wanted in ("OPUS",) if kind == "audio" else ("VP8", "H264"):
        if wanted in offered:
            return wanted if kind == "video" else "opus"
    raise NegotiationError(
        f"The offer's {kind} has the codecs {', '.join(offered.values()) or 'none'}; Python needs "
        f"{'Opus' if kind == 'audio' else 'VP8 or H.264'}."
    )


def _prefer(transceiver: RTCRtpTransceiver, mime_type: str) -> None:
    capabilities = RTCRtpReceiver.getCapabilities(transceiver.kind)
    assert capabilities is not None
    wanted = (mime_type, "video/rtx")
    codecs = [codec for codec in capabilities.codecs if codec.mimeType.lower() in wanted]
    transceiver.setCodecPreferences(codecs)


def _fingerprints(sdp: str) -> set[str]:
    return {value.lower() for value in re.findall(r"^a=fingerprint:(\S+ \S+)", sdp, re.MULTILINE)}
