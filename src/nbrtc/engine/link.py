"""The link: one peer connection between the page and Python, over fixed transceivers.

Microphone and camera come up, a video and an audio track go down, and a data channel carries control. The
page offers, the link answers once; recovery is a new link with a higher generation, never a renegotiation
(aiortc has neither rollback nor ICE restart).
"""

import asyncio
import logging
import math
import time
import zlib
from collections.abc import Callable, Sequence

import msgspec
from aiortc import RTCRtpReceiver, RTCRtpTransceiver

from ..errors import NegotiationError
from ..lab.impairment import Shim
from ..messages import (
    Candidate,
    Codec,
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
from .description import (
    MAX_CANDIDATES,
    MAX_MDNS_CANDIDATES,
    candidate_hosts,
    check_offer,
    first_mid,
    with_bitrates,
)
from .encode import VideoCodec
from .feedback import Feedback
from .heard import HeardSound
from .ice_end import IceEnd, connection_of
from .inbound import Inbound
from .outgoing import OutgoingVideo
from .outgoing_sound import OutgoingSound
from .seams import LOOPBACK, SenderSeam, ice_transport, is_control_delivered, separate_streams
from .shim import install
from .shown import ShownPicture
from .statistics import Report, Scalar, Statistics, Stream

logger = logging.getLogger(__name__)

TICK_S = 0.05
PING_S = 0.25
SILENT_S = 1.5
"""After this long without a sign of the page its link counts as disturbed."""
GOODBYE_S, GOODBYE_LOOK_S = 0.5, 0.01
"""What was said last has this long to be acknowledged before the link closes; how often that is looked at."""
CLOSE_S = 3.0
MAX_RTT_S = 5.0
MAX_CONTROL_BYTES = 256 * 1024
MAX_BUFFERED_BYTES = 1024 * 1024
"""Control that the page does not read: beyond this events are dropped, since state is sent whole anyway."""
MAX_TAP_BUFFERED_BYTES = 16 * 1024
"""Requests to the tap that the page does not read: they are repeated anyway."""


def unpacked(message: bytes) -> bytes:
    """A binary control message, which a page compresses (RFC 1950); never more than a plain one may have.

    Raises
    ------
    zlib.error
        If it is no such stream, not the whole of one, or too long.
    """
    stream = zlib.decompressobj()
    text = stream.decompress(message, MAX_CONTROL_BYTES)
    if not stream.eof:
        raise zlib.error(f"it is cut, or longer than {MAX_CONTROL_BYTES} bytes")
    return text


class Link:
    """One generation of the connection to one page.

    Parameters
    ----------
    page, generation
        Who offered, and the how-manieth link of that page this is.
    quality
        What is asked of the camera; sets the bitrates in both directions.
    ice_servers, relay_only
        Asked for candidates beside the answer, which follow as `Candidate` events; whether nothing but
        relayed ones may be used.
    codec
        ``"h264"`` takes H.264 where the page has it; everything else is VP8, which every browser has.
    on_intent, on_failed
        Called on the engine's loop: an intent from the data channel, and the end of the connection, with
        whether the page itself closed it.
    """

    def __init__(
        self,
        page: str,
        generation: int,
        quality: Quality,
        codec: Codec = "auto",
        *,
        ice_servers: Sequence[IceServerEntry] = (),
        relay_only: bool = False,
        on_intent: Callable[[Intent], None],
        on_failed: Callable[[bool], None],
    ) -> None:
        self.page = page
        self.generation = generation
        self.rtt_s: float | None = None
        self.heard_s = self._born_s = time.monotonic()
        self.is_open = False
        self.has_reported = False
        """Whether the page has said what it sends; only then the call counts as connected."""
        self.candidates = 0
        """How many the page has given; one that gives none has no way out to anywhere."""
        self.candidates_ended = False
        self.is_on_loopback = False
        """Whether this machine has no network address besides 127.0.0.1."""
        self._on_intent, self._on_failed = on_intent, on_failed
        self._connection = connection_of(relay_only=relay_only)
        self._connection.on("connectionstatechange", self._state_changed)
        self.on_candidate: Callable[[Candidate], None] = lambda _: None
        """Called with each candidate that follows the answer; for the page."""
        self.ice = IceEnd(self._connection, "you", generation, ice_servers, relay_only=relay_only)
        self.ice.on_candidate = self._gathered
        self._mid = "0"
        audio = self._connection.addTransceiver("audio", "sendrecv")
        video = self._connection.addTransceiver("video", "sendrecv")
        _prefer(audio, "audio/opus")
        self._codec, self._transceiver = codec, video
        self.video = Inbound(video.receiver, "video", quality.bitrate_bps)
        self.audio = Inbound(audio.receiver, "audio", 0)
        self.limit = SendLimit(quality.bitrate_bps)
        self.outgoing = OutgoingVideo(self.video.feed, self.limit)
        self.video.cap_bps = self._downstream_bps
        self.sound = OutgoingSound()
        self.heard = HeardSound(self.audio.feed)
        self.shown = ShownPicture(self.video.feed, self.outgoing)
        self.outgoing.on_encoded = self._effect_encoded
        video.sender.replaceTrack(self.outgoing)
        audio.sender.replaceTrack(self.sound)
        separate_streams(self._connection)
        seam = SenderSeam(video.sender)
        seam.on_keyframe_request(self.outgoing.request_keyframe)
        seam.on_feedback(self._remb, self._loss)
        self._statistics = Statistics(
            self._connection,
            (
                Stream(audio, self.audio, Feedback(SenderSeam(audio.sender))),
                Stream(video, self.video, Feedback(seam), self._outgoing_report),
            ),
        )
        # negotiated in advance by both ends: open as soon as SCTP is, without another round trip
        self._control = self._connection.createDataChannel("control", negotiated=True, id=0)
        self._control.on("message", self._message)
        self._control.on("open", self._opened)
        self.on_tap: Callable[[bytes], None] = lambda _: None
        """Called with each message of the encoded tap, on the engine's loop."""
        # a channel of its own: what the tap sends must never hold control back
        self._tap = self._connection.createDataChannel("tap", negotiated=True, id=1)
        self._tap.on("message", self._tapped)
        self.video_codec: VideoCodec = "VP8"
        """Of both directions; it is settled by `answer`."""
        self._names = 0
        self._described = asyncio.Event()  # or closed
        self._quality = quality
        self._task: asyncio.Task[None] | None = None
        self._uninstall: Callable[[], None] | None = None
        self._closed = False

    async def answer(self, sdp: str) -> str:
        """Take the page's offer and return the answer, with this machine's own candidates in it.

        What servers give follows by `on_candidate`.

        Raises
        ------
        NegotiationError
            If the offer is hostile, malformed, has no codec in common (Opus is needed, and VP8), or the link
            is closed meanwhile.
        """
        check_offer(sdp)
        self._mid = first_mid(sdp)
        self.candidates += len(candidate_hosts(sdp))
        self.candidates_ended |= "\na=end-of-candidates" in sdp
        wants_h264 = self._codec == "h264" or " VP8/90000" not in sdp
        if wants_h264 and " H264/90000" in sdp:
            self.video_codec = "H264"
            self.outgoing.use_codec("H264")
        # only this one: what comes up may go straight back down, so both directions have the same
        _prefer(self._transceiver, f"video/{self.video_codec.lower()}", "video/rtx")
        try:
            await self.ice.take(sdp, "offer")
            self._described.set()
            await self._connection.setLocalDescription(await self._connection.createAnswer())
        except Exception as error:  # aiortc raises whatever its parser stumbles over
            raise NegotiationError(
                f"The offer could not be answered ({type(error).__name__}: {error})."
            ) from error
        if self._closed:
            raise NegotiationError("The link was closed while its offer was being answered.")
        self._task = asyncio.create_task(self._beat(), name="nbrtc-link")
        answer = self.ice.begin(self._connection.localDescription.sdp)
        self.is_on_loopback = set(candidate_hosts(answer)) == {LOOPBACK}
        return with_bitrates(answer, self._quality.bitrate_bps)

    async def add_candidate(self, message: Candidate) -> None:
        """Take a trickled candidate; an empty one ends them (RFC 8838).

        Raises
        ------
        NegotiationError
            If it is malformed, or the first one too many; what follows that one is dropped in silence.
        """
        if not message.candidate:
            self.candidates_ended = True
        self.candidates += bool(message.candidate)
        self._names += ".local" in message.candidate
        if self.candidates > MAX_CANDIDATES or self._names > MAX_MDNS_CANDIDATES:
            if self.candidates == MAX_CANDIDATES + 1 or self._names == MAX_MDNS_CANDIDATES + 1:
                raise NegotiationError(
                    f"More than {MAX_CANDIDATES} candidates, or {MAX_MDNS_CANDIDATES} .local names, came for "
                    "one link; the rest is refused."
                )
            return
        await self._described.wait()  # candidates trickle in while the offer is still being read
        if self._closed:
            return
        if not message.candidate:
            if self.candidates:  # else ICE would fail without saying why
                self.ice.end_candidates()
            return
        try:
            await self.ice.add(message.candidate, message.sdp_mid, message.sdp_m_line_index)
        except (ValueError, AssertionError, IndexError) as error:
            raise NegotiationError(
                f"The candidate {message.candidate[:80]!r} of section {message.sdp_mid!r} is malformed."
            ) from error

    def _gathered(self, line: str) -> None:
        self.on_candidate(
            Candidate(generation=self.generation, candidate=line, sdp_mid=self._mid, sdp_m_line_index=0)
        )

    def send(self, event: Event) -> bool:
        """Send an event on the data channel; False if it is not open (the comm is the fallback)."""
        if not self.is_open or self._closed or self._control.readyState != "open":
            return False
        if self._control.bufferedAmount > MAX_BUFFERED_BYTES:
            return False
        self._control.send(encode_json(event).decode())
        return True

    def ask_tap(self, text: str) -> bool:
        """Ask the page's tap for something; False if it is not open or does not read."""
        if (
            self._closed
            or self._tap.readyState != "open"
            or self._tap.bufferedAmount > MAX_TAP_BUFFERED_BYTES
        ):
            return False
        self._tap.send(text)
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

    @property
    def age_s(self) -> float:
        """Seconds since the offer came."""
        return time.monotonic() - self._born_s

    def reports(self) -> tuple[Report, ...]:
        """What this end of the connection measures, in webrtc-stats terms; empty while there is none."""
        return self._statistics.reports() if self.is_open else ()

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
            "waiting_frames": self.outgoing.waiting,
            "effect_delay_s": self.outgoing.effect_delay_s,
            "sound_delay_s": self.sound.effect_delay_s,
            "send_limit_bps": self.limit.bitrate_bps(now_s),
            "audio_buffer_delay_s": self.audio.buffer.counters.delay_s,
            "video_buffer_delay_s": self.video.buffer.counters.delay_s,
        }

    async def close(self) -> None:
        """Let what was said last be heard, then end the connection and everything in it; idempotent."""
        if self._closed:
            return
        self._closed = True
        self._described.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.ice.close()
        if self.is_open and self.silent_s < SILENT_S:
            await self._delivered()
        self.is_open = False
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._connection.close()
        except TimeoutError:
            logger.warning("The peer connection of page %s did not close within %.0f s", self.page, CLOSE_S)
        finally:
            self.shown.close()
            self.outgoing.stop()
            self.sound.stop()
            self.heard.close()
            self.video.close()
            self.audio.close()
            self.impair(None)

    async def _delivered(self) -> None:
        """Wait until the page has acknowledged all control messages; aiortc says it by no event."""
        for _ in range(round(GOODBYE_S / GOODBYE_LOOK_S)):
            if is_control_delivered(self._connection):
                return
            await asyncio.sleep(GOODBYE_LOOK_S)

    async def _beat(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            self.video.tick(self.rtt_s)
            self.audio.tick(self.rtt_s)
            ticks += 1
            if ticks % round(PING_S / TICK_S) == 0:
                self.send(
                    Ping(
                        sent_s=time.monotonic(),
                        effect_delay_s=self._effect_delay_s(),
                        sound_delay_s=self.sound.effect_delay_s,
                    )
                )

    def _opened(self) -> None:
        self.is_open = True
        self.heard_s = time.monotonic()

    def _message(self, text: str | bytes) -> None:
        if len(text) > MAX_CONTROL_BYTES:
            logger.warning("A control message of %d bytes was dropped", len(text))
            return
        try:
            intent = decode_intent(unpacked(text) if isinstance(text, bytes) else text)
        except (msgspec.MsgspecError, zlib.error) as error:
            logger.warning("A control message was refused: %s", error)
            return
        self.heard_s = time.monotonic()
        if isinstance(intent, Pong):
            rtt_s = min(max(0.0, self.heard_s - intent.sent_s), MAX_RTT_S)
            self.rtt_s = rtt_s if self.rtt_s is None else 0.8 * self.rtt_s + 0.2 * rtt_s
        else:
            self._on_intent(intent)

    def _tapped(self, message: str | bytes) -> None:
        if isinstance(message, bytes) and not self._closed:
            self.on_tap(message)

    def _state_changed(self) -> None:
        state = self._connection.connectionState
        logger.info("Link %s/%d: %s", self.page, self.generation, state)
        if state in ("failed", "closed") and not self._closed:
            self.is_open = False
            self._on_failed(state == "closed")

    def _effect_delay_s(self) -> float | None:
        return None if self.outgoing.passes_through else self.outgoing.effect_delay_s

    def _effect_encoded(self, data: bytes, keyframe: bool, source: tuple[int, float] | None) -> None:
        self.shown.take(data, self.video_codec, keyframe=keyframe, source=source)

    def _downstream_bps(self) -> float:
        """Frames that go straight back must fit the way back, too; nobody encodes them anew."""
        limit_bps = self.limit.bitrate_bps(time.monotonic())
        limits = self.outgoing.passes_through and limit_bps < self.limit.target_bps
        return limit_bps if limits else math.inf

    def _outgoing_report(self) -> dict[str, Scalar]:
        outgoing = self.outgoing
        report: dict[str, Scalar] = {
            "framesSent": outgoing.sent,
            "targetBitrate": self.limit.bitrate_bps(time.monotonic()),
        }
        if outgoing.size is not None:
            report["frameWidth"], report["frameHeight"] = outgoing.size
        if not outgoing.passes_through:  # else the page has encoded what is sent
            report["framesEncoded"] = outgoing.encoded
            report["keyFramesEncoded"] = outgoing.encoded_keyframes
            report["totalEncodeTime"] = outgoing.encode_s
        return report

    def _remb(self, bitrate_bps: int) -> None:
        self.limit.add_remb(bitrate_bps, time.monotonic())

    def _loss(self, fraction: float, rtt_s: float | None) -> None:
        self.limit.add_loss(fraction, rtt_s, time.monotonic())


def _prefer(transceiver: RTCRtpTransceiver, *mime_types: str) -> None:
    """Only these codecs."""
    capabilities = RTCRtpReceiver.getCapabilities(transceiver.kind)
    assert capabilities is not None
    transceiver.setCodecPreferences(
        [codec for codec in capabilities.codecs if codec.mimeType.lower() in mime_types]
    )
