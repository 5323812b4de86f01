"""The link: one peer connection between the page and Python, over fixed transceivers.

Microphone and camera come up, a video and an audio track go down, and a data channel carries control. The page
offers, the link answers once; recovery is a new link with a higher generation, never a renegotiation
(aiortc has neither rollback nor ICE restart).
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence

import msgspec
from aiortc import (
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCSessionDescription,
)
from aiortc.sdp import candidate_from_sdp

from ..errors import NegotiationError
from ..lab.impairment import Shim
from ..messages import (
    Candidate,
    Event,
    IceServerEntry,
    Intent,
    Ping,
    Pong,
    Quality,
    decode_intent,
    encode_json,
)
from .bandwidth import SendLimit
from .description import check_offer, with_bitrates
from .inbound import Inbound
from .outgoing import OutgoingAudio, OutgoingVideo
from .seams import SenderSeam, ice_transport, separate_streams
from .shim import install

logger = logging.getLogger(__name__)

TICK_S = 0.05
PING_S = 0.25
MAX_CONTROL_BYTES = 256 * 1024
MAX_CANDIDATES = 50
MAX_BUFFERED_BYTES = 1024 * 1024
"""Control that the page does not read: beyond this the link drops events, since state is sent whole anyway."""


class Link:
    """One generation of the connection to one page.

    Parameters
    ----------
    page, generation
        Who offered, and the how-manieth link of that page this is.
    quality
        What is asked of the camera; sets the bitrates in both directions.
    on_intent, on_failed
        Called on the engine's loop: an intent from the data channel, and the end of ICE or DTLS.
    """

    def __init__(
        self,
        page: str,
        generation: int,
        quality: Quality,
        *,
        ice_servers: Sequence[IceServerEntry],
        on_intent: Callable[[Intent], None],
        on_failed: Callable[[str], None],
    ) -> None:
        self.page = page
        self.generation = generation
        self.rtt_s: float | None = None
        self.heard_s = time.monotonic()
        self.is_open = False
        self.has_reported = False
        """Whether the page has said what it sends; only then the call counts as connected."""
        self._on_intent, self._on_failed = on_intent, on_failed
        servers = [
            RTCIceServer(urls=list(entry.urls), username=entry.username, credential=entry.credential)
            for entry in ice_servers
        ]
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        self._connection.on("connectionstatechange", self._state_changed)
        audio = self._connection.addTransceiver("audio", "sendrecv")
        video = self._connection.addTransceiver("video", "sendrecv")
        for transceiver, mime_type in ((audio, "audio/opus"), (video, "video/VP8")):
            capabilities = RTCRtpReceiver.getCapabilities(transceiver.kind)
            assert capabilities is not None
            wanted = (mime_type.lower(), "video/rtx")
            transceiver.setCodecPreferences(
                [codec for codec in capabilities.codecs if codec.mimeType.lower() in wanted]
            )
        self.video = Inbound(video.receiver, "video", quality.bitrate_bps)
        self.audio = Inbound(audio.receiver, "audio", 0)
        self.limit = SendLimit(quality.bitrate_bps)
        self.outgoing = OutgoingVideo(self.video.feed, self.limit)
        self.video.cap_bps = self._downstream_bps
        self._silence = OutgoingAudio()
        video.sender.replaceTrack(self.outgoing)
        audio.sender.replaceTrack(self._silence)
        separate_streams(self._connection)
        feedback = SenderSeam(video.sender)
        feedback.on_keyframe_request(self.outgoing.request_keyframe)
        feedback.on_feedback(self._remb, self._loss)
        # negotiated in advance by both ends: open as soon as SCTP is, without another round trip
        self._control = self._connection.createDataChannel("control", negotiated=True, id=0)
        self._control.on("message", self._message)
        self._control.on("open", self._opened)
        self._candidates = 0
        self._described = asyncio.Event()
        self._quality = quality
        self._task: asyncio.Task[None] | None = None
        self._uninstall: Callable[[], None] | None = None
        self._closed = False

    async def answer(self, sdp: str) -> str:
        """Take the page's offer and return the answer, with all candidates of this machine in it.

        Raises
        ------
        NegotiationError
            If the offer is hostile, malformed, or has no codec in common (VP8 and Opus are needed).
        """
        check_offer(sdp)
        try:
            await self._connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="offer"))
            self._described.set()
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # aiortc raises whatever its parser stumbles over
            raise NegotiationError(
                f"The offer could not be answered ({type(error).__name__}: {error})."
            ) from error
        self._task = asyncio.create_task(self._beat(), name="nbrtc-link")
        bitrate_bps = self._quality.bitrate_bps
        return with_bitrates(self._connection.localDescription.sdp, bitrate_bps, 2 * bitrate_bps)

    async def add_candidate(self, message: Candidate) -> None:
        """Take a trickled candidate; an empty one ends them (RFC 8838)."""
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise NegotiationError(
                f"More than {MAX_CANDIDATES} candidates came for one link; the rest is refused."
            )
        await self._described.wait()  # candidates trickle in while the offer is still being read
        if not message.candidate:
            await self._connection.addIceCandidate(None)
            return
        try:
            candidate = candidate_from_sdp(message.candidate.removeprefix("candidate:"))
        except (ValueError, AssertionError, IndexError) as error:
            raise NegotiationError(f"The candidate {message.candidate[:80]!r} is malformed.") from error
        candidate.sdpMid, candidate.sdpMLineIndex = message.sdp_mid, message.sdp_m_line_index
        await self._connection.addIceCandidate(candidate)

    def send(self, event: Event) -> bool:
        """Send an event on the data channel; False if it is not open (the comm is the fallback)."""
        if not self.is_open or self._control.readyState != "open":
            return False
        if self._control.bufferedAmount > MAX_BUFFERED_BYTES:
            return False
        self._control.send(encode_json(event).decode())
        return True

    def change_quality(self, quality: Quality) -> None:
        """Let more or less through in both directions."""
        self._quality = quality
        self.limit.target_bps = quality.bitrate_bps
        if self.video.estimator is not None:
            self.video.estimator.target_bps = quality.bitrate_bps

    def impair(self, shim: Shim | None) -> None:
        """Put the transport shim between this link and its network, or take it away."""
        if self._uninstall is not None:
            self._uninstall()
            self._uninstall = None
        if shim is not None:
            self._uninstall = install(ice_transport(self._connection), shim)

    @property
    def silent_s(self) -> float:
        """Seconds since the page was last heard, on the data channel or by media."""
        media = [inbound.last_packet_s or 0.0 for inbound in (self.video, self.audio)]
        return time.monotonic() - max(self.heard_s, *media)

    def figures(self, now_s: float) -> dict[str, object]:
        """Counters, delays in s and bitrates in bit/s, for `Call.engine_status`."""
        return {
            "rtt_s": self.rtt_s,
            "silent_s": self.silent_s,
            "video_frames": self.video.feed.frames,
            "video_keyframes": self.video.feed.keyframes,
            "audio_frames": self.audio.feed.frames,
            "sent_frames": self.outgoing.sent,
            "replaced_frames": self.outgoing.replaced,
            "effect_delay_s": self.outgoing.effect_delay_s,
            "send_limit_bps": self.limit.bitrate_bps(now_s),
            "audio_buffer_delay_s": self.audio.buffer.counters.delay_s,
            "video_buffer_delay_s": self.video.buffer.counters.delay_s,
        }

    async def close(self) -> None:
        """End the connection and everything in it; idempotent."""
        if self._closed:
            return
        self._closed = True
        self.is_open = False
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.outgoing.stop()
        self._silence.stop()
        self.video.close()
        self.audio.close()
        try:
            async with asyncio.timeout(3):
                await self._connection.close()
        except TimeoutError:
            logger.warning("The peer connection of page %s did not close within 3 s", self.page)
        self.impair(None)

    async def _beat(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            self.video.tick(self.rtt_s)
            self.audio.tick(self.rtt_s)
            ticks += 1
            if ticks % round(PING_S / TICK_S) == 0:
                self.send(Ping(sent_s=time.monotonic()))

    def _opened(self) -> None:
        self.is_open = True
        self.heard_s = time.monotonic()

    def _message(self, text: str | bytes) -> None:
        if len(text) > MAX_CONTROL_BYTES:
            logger.warning("A control message of %d bytes was dropped", len(text))
            return
        try:
            intent = decode_intent(text)
        except msgspec.MsgspecError as error:
            logger.warning("A control message was refused: %s", error)
            return
        self.heard_s = time.monotonic()
        if isinstance(intent, Pong):
            rtt_s = max(0.0, self.heard_s - intent.sent_s)
            self.rtt_s = rtt_s if self.rtt_s is None else 0.8 * self.rtt_s + 0.2 * rtt_s
        else:
            self._on_intent(intent)

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        logger.info("Link %s/%d: %s", self.page, self.generation, state)
        if state in ("failed", "closed") and not self._closed:
            self.is_open = False
            self._on_failed(
                "The connection to the page ended." if state == "closed" else "No network path worked."
            )

    def _downstream_bps(self) -> float:
        """Frames that go straight back must fit the way back, too; nobody encodes them anew."""
        limit_bps = self.limit.bitrate_bps(time.monotonic())
        limits = self.outgoing.passes_through and limit_bps < self.limit.target_bps
        return limit_bps if limits else math.inf

    def _remb(self, bitrate_bps: int) -> None:
        self.limit.add_remb(bitrate_bps, time.monotonic())

    def _loss(self, fraction: float, rtt_s: float | None) -> None:
        self.limit.add_loss(fraction, rtt_s, time.monotonic())
