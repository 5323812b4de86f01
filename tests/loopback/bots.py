"""Bots of the engine in this process, in a room of a real server, with clips to play."""

import asyncio
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np
import pytest
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from nbrtc.engine.bot import BotSession
from nbrtc.engine.decode import Picture, VideoDecoder
from nbrtc.engine.feed import EncodedFrame
from nbrtc.engine.member import Doors
from nbrtc.engine.peer import PythonPeer
from nbrtc.messages import (
    CallState,
    EventArrived,
    FrameHeader,
    Notification,
    OpenBot,
    Problem,
    RoomTicket,
    StateChanged,
    StatsArrived,
    StatsEvent,
    StatsSample,
    TicketChanged,
    Verb,
)
from nbrtc.pictures import pack
from nbrtc.signaling.client import RoomClient, RoomListener, ServerAddress
from tests.loopback.pictures import HEIGHT, WIDTH, draw, read

ROOM = "bots"
RATE = 48_000


class OneServer:
    """Doors that all lead to one server."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def load(self) -> None:
        """Everything is loaded."""

    async def client(
        self,
        ticket: RoomTicket,
        name: str,
        listener: RoomListener,
        *,
        is_python: bool = False,
        returns: bool = False,
    ) -> RoomClient:
        """A client for one stay."""

        async def find() -> ServerAddress:
            return ServerAddress(self._url, ticket.token)

        return RoomClient(ticket, name, listener, find_server=find, is_python=is_python, returns=returns)


class Bot:
    """One Bot of the engine and what it said to the kernel."""

    def __init__(self, url: str, name: str, doors: Doors, **opening: Any) -> None:
        self.problems: list[Problem] = []
        self.tickets: list[RoomTicket | None] = []
        self.phases: list[str] = []
        self.samples: list[StatsSample] = []
        self.events: list[StatsEvent] = []
        self.state: CallState
        self.seen: dict[str, list[int | None]] = {}
        self.sizes: dict[str, set[tuple[int, int]]] = {}
        self.heard: dict[str, list[EncodedFrame]] = {}
        self._decoders: list[VideoDecoder] = []
        self._shown = 0
        ticket = opening.pop("ticket", RoomTicket(room=ROOM, server=url))
        fields: dict[str, Any] = {"epoch": 0, "fps": 30.0, "video": ""} | opening
        message = OpenBot(call=name, name=name, ticket=ticket, **fields)
        self.session = BotSession(message, self._notify, doors)

    @property
    def id(self) -> str:
        assert self.state.room is not None
        return self.state.room.me

    @property
    def peers(self) -> dict[str, PythonPeer]:
        return self.session._mesh.peers

    async def until(self, condition: Callable[[], object], what: str, *, s: float = 60) -> None:
        """Wait for a condition; the limit is for a test that fails."""
        await until(condition, lambda: f"{what}; {self.state}; {self.problems}", s=s)

    async def reaches(self, phase: str) -> None:
        """Wait for a phase of its state."""
        await self.until(lambda: self.state.phase == phase, f"the phase {phase}")

    async def sees(self, number: int, seen: list[int | None]) -> None:
        """Wait for a number among those that it sees."""
        await self.until(lambda: number in seen, f"the picture {number} in {seen[-5:]}")

    async def meets(self, *others: "Bot") -> None:
        """Wait until it is connected with these."""
        await self.until(
            lambda: {other.id for other in others} <= set(self.session._mesh.connected), "the others"
        )

    def show(self, number: int, width: int = WIDTH, height: int = HEIGHT) -> None:
        """A picture comes from the kernel."""
        self._shown += 1
        header = FrameHeader(
            number=number, width=width, height=height, timestamp=3000 * self._shown, arrived_s=0.0, time_s=0.0
        )
        self.session.studio.result(header, memoryview(pack(draw(number, width, height))))

    def watch(self, other: "Bot") -> list[int | None]:
        """Decode and hear what comes from another one; the numbers in its pictures."""
        seen = self.seen.setdefault(other.id, [])
        sizes = self.sizes.setdefault(other.id, set())
        heard = self.heard.setdefault(other.id, [])
        peer = self.peers[other.id]
        assert peer.video is not None
        assert peer.audio is not None

        def picture(found: Picture) -> None:
            seen.append(read(found.frame))
            sizes.add((found.frame.width, found.frame.height))

        decoder = VideoDecoder(peer.video.feed, picture)
        decoder.start()
        self._decoders.append(decoder)
        peer.audio.feed.subscribe(heard.append)
        return seen

    async def ask(self, verb: Verb) -> Any:
        """A verb of the kernel, and what it would get over the bridge."""
        return await self.session.from_kernel(verb)

    async def close(self) -> None:
        for decoder in self._decoders:
            await decoder.close()
        await self.session.close("closed", "The test is over.")

    def _notify(self, notification: Notification) -> None:
        match notification:
            case StateChanged():
                self.state = notification.state
                if not self.phases or self.phases[-1] != self.state.phase:
                    self.phases.append(self.state.phase)
            case Problem():
                self.problems.append(notification)
            case StatsArrived():
                self.samples.append(notification.sample)
            case EventArrived():
                self.events.append(notification.event)
            case TicketChanged():
                self.tickets.append(notification.ticket)


async def until(condition: Callable[[], object], what: Callable[[], str], *, s: float = 60) -> None:
    """Wait for a condition with a deadline."""
    loop = asyncio.get_running_loop()
    limit_s = loop.time() + s
    while not condition():
        if loop.time() > limit_s:
            pytest.fail(f"Waited {s:.0f} s in vain for {what()}")
        await asyncio.sleep(0.005)


def write_clip(
    path: Path,
    seconds: float,
    *,
    fps: int = 15,
    hertz: float | None = None,
    channels: int = 1,
    sound_s: float | None = None,
) -> Path:
    """A file with numbered pictures, and a tone if `hertz` says which; it may be shorter."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libvpx", rate=fps)
        video.width, video.height, video.pix_fmt, video.bit_rate = WIDTH, HEIGHT, "yuv420p", 500_000
        layout = "mono" if channels == 1 else "stereo"
        sound = None if hertz is None else container.add_stream("libopus", rate=RATE, layout=layout)
        for number in range(round(fps * seconds)):
            picture = draw(number)
            picture.pts, picture.time_base = number, Fraction(1, fps)
            container.mux(video.encode(picture))
        container.mux(video.encode())
        if sound is not None and hertz is not None:
            for block in tone_blocks(hertz, sound_s or seconds, channels):
                container.mux(sound.encode(block))
            container.mux(sound.encode())
    return path


def tone(hertz: float, seconds: float, rate: int = RATE) -> NDArray[np.int16]:
    """A sine, mono."""
    times_s = np.arange(round(rate * seconds)) / rate
    return (8000 * np.sin(2 * math.pi * hertz * times_s)).astype(np.int16)


def tone_blocks(hertz: float, seconds: float, channels: int) -> Sequence[AudioFrame]:
    samples = np.repeat(tone(hertz, seconds)[:, None], channels, axis=1)
    frames = []
    for start in range(0, len(samples), 960):
        block = samples[start : start + 960].reshape(1, -1)
        frame = AudioFrame.from_ndarray(block, format="s16", layout="mono" if channels == 1 else "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        frames.append(frame)
    return frames


def loudest_hertz(frames: Sequence[EncodedFrame]) -> float:
    """The strongest frequency in Opus packets."""
    decoder = av.CodecContext.create("libopus", "r")
    decoder.sample_rate = RATE
    sound = [
        decoded.to_ndarray().reshape(-1, len(decoded.layout.channels)).mean(axis=1)
        for frame in frames
        for decoded in decoder.decode(av.Packet(frame.data))
    ]
    samples = np.concatenate(sound)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()])


def plain(value: object) -> Any:
    """As it crosses the bridge."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value))


__all__ = ["ROOM", "Bot", "VideoFrame", "loudest_hertz", "plain", "tone", "until", "write_clip"]
