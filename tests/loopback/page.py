"""A page without a browser: as js/src/link.ts and session.ts behave, with aiortc for the peer connection."""

import asyncio
import math
import time
import uuid
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCIceTransportPolicy,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp
from av import AudioFrame, VideoFrame

from nbrtc.engine.seams import ReceiverSeam
from nbrtc.messages import (
    Answer,
    Bye,
    CallState,
    Candidate,
    Event,
    Intent,
    MediaStatus,
    Notice,
    Offer,
    Ping,
    Pong,
    RecordingsShown,
    Reply,
    StatsSample,
    VideoSize,
    decode_event,
    encode_json,
)
from tests.loopback.pictures import HEIGHT, NUMBERS, WIDTH, draw, noise, read

FPS = 30
KEPT = 2000
CANDIDATES = 100
"""More than an engine gives; one too many fails the test."""


class Camera(MediaStreamTrack):
    """These pictures, thirty a second, over and over; `number` counts them."""

    kind = "video"

    def __init__(self, pictures: Sequence[VideoFrame]) -> None:
        super().__init__()
        self.number = -1
        self._pictures = pictures
        self._start_s: float | None = None

    async def recv(self) -> VideoFrame:
        loop = asyncio.get_running_loop()
        if self._start_s is None:
            self._start_s = loop.time()
        due_s = self._start_s + (self.number + 1) / FPS
        if loop.time() < due_s:
            await asyncio.sleep(due_s - loop.time())
        else:
            self._start_s += loop.time() - due_s  # a slow machine: no burst afterwards
        self.number += 1
        frame = self._pictures[self.number % len(self._pictures)]
        frame.pts, frame.time_base = self.number * 90_000 // FPS, Fraction(1, 90_000)
        return frame


class Microphone(MediaStreamTrack):
    """A loud tone, 20 ms at a time."""

    kind = "audio"
    SAMPLES = 960

    def __init__(self) -> None:
        super().__init__()
        self._packets = 0
        self._start_s: float | None = None

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        if self._start_s is None:
            self._start_s = loop.time()
        due_s = self._start_s + self._packets * 0.02
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        time_s = (self._packets * self.SAMPLES + np.arange(self.SAMPLES)) / 48_000
        tone = (12_000 * np.sin(2 * math.pi * 440 * time_s)).astype(np.int16)
        frame = AudioFrame.from_ndarray(tone.reshape(1, -1), format="s16", layout="mono")
        frame.pts, frame.sample_rate = self._packets * self.SAMPLES, 48_000
        frame.time_base = Fraction(1, 48_000)
        self._packets += 1
        return frame


class Page:
    """One page with one link at a time; `connect` makes a link, and again a newer one.

    What comes back is decoded: `pictures` holds (number or None, RTP time) of each, `samples` the sound.

    Parameters
    ----------
    shows_badge
        Tell the engine which recordings' red badges are shown, as a view does.
    noisy
        Send noise instead of numbered pictures: as many bits as may be sent.
    codecs
        What it can send and take of pictures.
    relay
        Only through this TURN server.
    """

    def __init__(
        self,
        comm: "Comm",
        *,
        width: int = WIDTH,
        height: int = HEIGHT,
        noisy: bool = False,
        shows_badge: bool = True,
        codecs: tuple[str, ...] = ("video/vp8",),
        relay: RTCIceServer | None = None,
    ) -> None:
        self.id = uuid.uuid4().hex
        self.generation = 0
        self.events: list[Event] = []
        self.pictures: deque[tuple[int | None, int]] = deque(maxlen=KEPT)
        self.sizes: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self.samples: deque[np.ndarray[Any, Any]] = deque(maxlen=KEPT)
        self.encoded: deque[bytes] = deque(maxlen=KEPT)
        """Encoded pictures as they arrived, before decoding."""
        self.tap_asked: list[str] = []
        """What the engine asked of the encoded tap."""
        self.answers_pings = True
        self.shows_badge = shows_badge
        self._badges: tuple[str, ...] = ()
        self.camera: Camera | None = None
        self._comm = comm
        self._size = (width, height)
        self._codecs = codecs
        self._relay = relay
        self._candidates: asyncio.Queue[Candidate] = asyncio.Queue(CANDIDATES)
        self._pictures = (
            noise(width, height) if noisy else [draw(number, width, height) for number in range(NUMBERS)]
        )
        self._connection: RTCPeerConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []

    # --- the link

    async def connect(self, *, take_over: bool = False, report: bool = True) -> Reply:
        """Offer a link; returns the engine's reply. Once it is open it says what it sends, like a page."""
        offer = await self.make_offer(take_over=take_over, report=report)
        return await self.request(offer)

    async def make_offer(self, *, take_over: bool = False, report: bool = True) -> Offer:
        await self.close()
        self.generation += 1
        policy = RTCIceTransportPolicy.ALL if self._relay is None else RTCIceTransportPolicy.RELAY
        servers = [] if self._relay is None else [self._relay]
        connection = self._connection = RTCPeerConnection(
            RTCConfiguration(servers, iceTransportPolicy=policy)
        )
        self._candidates = asyncio.Queue(CANDIDATES)
        self.audio = connection.addTransceiver("audio", direction="sendrecv")
        self.video = connection.addTransceiver("video", direction="sendrecv")
        _prefer(self.audio, "audio/opus")
        _prefer(self.video, *self._codecs, "video/rtx")
        self.control = connection.createDataChannel("control", negotiated=True, id=0)
        self.control.on("message", self._hear)
        self.tap = connection.createDataChannel("tap", negotiated=True, id=1)
        self.tap.on("message", self.tap_asked.append)
        if report:
            self.control.on("open", self.report)
        self.camera, self.microphone = Camera(self._pictures), Microphone()
        self.video.sender.replaceTrack(self.camera)
        self.audio.sender.replaceTrack(self.microphone)
        self._tap(self.video.receiver)
        await connection.setLocalDescription(await connection.createOffer())
        return Offer(
            id=uuid.uuid4().hex,
            generation=self.generation,
            sdp=connection.localDescription.sdp,
            take_over=take_over,
        )

    def report(self, camera_on: bool = True, microphone_on: bool = True) -> None:
        width, height = self._size
        self.send(
            MediaStatus(
                microphone_on=microphone_on,
                camera_on=camera_on,
                camera=VideoSize(width, height, FPS) if camera_on else None,
            )
        )

    def send(self, intent: Intent) -> None:
        """By the data channel if it is open, else by the comm."""
        if self._connection is not None and self.control.readyState == "open":
            self.control.send(encode_json(intent).decode())
        else:
            self.say(intent)

    def say(self, intent: Intent) -> None:
        """By the comm."""
        self._comm.from_page(self.id, intent)

    async def request(self, intent: Any) -> Reply:
        """By the comm, and wait for the reply."""
        self.say(intent)
        async with asyncio.timeout(60):
            while True:
                for event in self.events:
                    if isinstance(event, Reply) and event.id == intent.id:
                        return event
                await asyncio.sleep(0.01)

    async def ask_keyframe(self) -> None:
        """A picture loss indication, as a decoder sends it that misses something."""
        receiver: Any = self.video.receiver
        ssrc = next(iter(receiver._RTCRtpReceiver__remote_streams))
        await receiver._send_rtcp_pli(ssrc)

    def ignore_message_limit(self) -> None:
        """Send what no browser would: messages larger than the engine says it takes."""
        assert self._connection is not None
        sctp: Any = self._connection.sctp
        sctp._remote_max_message_size = 0

    async def measure(self) -> StatsSample:
        """The link as a browser's getStats has it, from aiortc's public one; where that has one object for a
        stream and its repetitions, from the receiver.
        """
        reports: list[dict[str, Any]] = []
        for transceiver, clock_rate in ((self.audio, 48_000), (self.video, 90_000)):
            found = [*(await transceiver.sender.getStats()).values()]
            for one in found:
                report = {"id": f"{one.type}-{transceiver.kind}", "type": one.type}
                report["timestamp"] = 1000 * one.timestamp.timestamp()
                if one.type == "outbound-rtp":
                    report |= {"packetsSent": one.packetsSent, "bytesSent": one.bytesSent}
                elif one.type == "remote-inbound-rtp":
                    report |= {"packetsLost": one.packetsLost, "fractionLost": one.fractionLost / 256}
                    report |= {"jitter": one.jitter / clock_rate, "roundTripTime": one.roundTripTime}
                else:
                    continue
                reports.append({**report, "kind": transceiver.kind})
            receiver = ReceiverSeam(transceiver.receiver)
            ssrc = next(iter(receiver._streams), 0)
            reception = receiver.reception(ssrc)
            if reception is not None:
                reports.append(
                    {
                        "id": f"inbound-{ssrc}",
                        "type": "inbound-rtp",
                        "kind": transceiver.kind,
                        "ssrc": ssrc,
                        "timestamp": 1000 * time.time(),
                        "packetsReceived": reception.packets,
                        "packetsLost": reception.lost,
                        "jitter": reception.jitter / clock_rate,
                    }
                )
        return StatsSample(
            time_s=time.time(), peer="python", generation=self.generation, reports=tuple(reports)
        )

    @property
    def received(self) -> list[int]:
        """Numbers of the pictures that came back whole."""
        return [number for number, _ in self.pictures if number is not None]

    def byes(self) -> list[Bye]:
        return [event for event in self.events if isinstance(event, Bye)]

    def notices(self) -> list[Notice]:
        return [event for event in self.events if isinstance(event, Notice)]

    def replies(self, identity: str) -> list[Reply]:
        return [event for event in self.events if isinstance(event, Reply) and event.id == identity]

    def take(self, event: Event) -> None:
        """What comes down, by the comm or the data channel."""
        self.events.append(event)
        if isinstance(event, CallState):
            self._show(event)
        connection = self._connection
        if isinstance(event, Answer) and event.generation == self.generation and connection is not None:
            self._tasks.append(asyncio.create_task(self._accept(connection, event.sdp)))
        if isinstance(event, Candidate) and event.generation == self.generation:
            self._candidates.put_nowait(event)

    def _show(self, state: CallState) -> None:
        """The badges of what is recorded now, one's own and others', stand in the view."""
        found = [person.status.recording_id for person in state.participants if not person.is_you]
        if state.recording is not None and state.recording.state == "recording":
            found.append(state.recording.id)
        badges = tuple(filter(None, found))
        if self.shows_badge and badges != self._badges:
            self._badges = badges
            self.send(RecordingsShown(recordings=badges))

    async def close(self) -> None:
        """Close the link without a word, like a page that is reloaded."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, connection: RTCPeerConnection, sdp: str) -> None:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=sdp, type="answer"))
        self._tasks.append(asyncio.create_task(self._trickle(connection, self._candidates)))
        self._tasks.append(asyncio.create_task(self._watch(self.video.receiver.track)))
        self._tasks.append(asyncio.create_task(self._listen(self.audio.receiver.track)))

    async def _trickle(self, connection: RTCPeerConnection, candidates: asyncio.Queue[Candidate]) -> None:
        """In their order, once the answer is taken: none may come after their end."""
        while True:
            event = await candidates.get()
            candidate = None
            if event.candidate:
                candidate = candidate_from_sdp(event.candidate.removeprefix("candidate:"))
                candidate.sdpMid, candidate.sdpMLineIndex = event.sdp_mid, event.sdp_m_line_index
            await connection.addIceCandidate(candidate)

    def _hear(self, text: str) -> None:
        event = decode_event(text)
        if not isinstance(event, Ping):
            self.take(event)
        elif self.answers_pings:
            self.send(Pong(sent_s=event.sent_s))

    async def _watch(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                self.pictures.append((read(frame), frame.pts or 0))
                self.sizes.append((frame.width, frame.height))
        except MediaStreamError:
            return

    async def _listen(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                self.samples.append(frame.to_ndarray())
        except MediaStreamError:
            return

    def _tap(self, receiver: RTCRtpReceiver) -> None:
        queue: Any = getattr(receiver, "_RTCRtpReceiver__decoder_queue")  # noqa: B009 - not mangled here
        put = queue.put

        def tap(item: Any) -> None:
            if item is not None:
                self.encoded.append(bytes(item[1].data))
            put(item)

        queue.put = tap


class Comm(Protocol):
    """What carries a page's intents to the engine."""

    def from_page(self, page: str, intent: Intent) -> None: ...


def _prefer(transceiver: RTCRtpTransceiver, *mime_types: str) -> None:
    capabilities = RTCRtpReceiver.getCapabilities(transceiver.kind)
    assert capabilities is not None
    transceiver.setCodecPreferences(
        [codec for codec in capabilities.codecs if codec.mimeType.lower() in mime_types]
    )
