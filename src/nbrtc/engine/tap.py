"""The encoded tap: frames that browsers send to the page, copied by it, as feeds of this engine.

The page's worker copies only what `CallState.wanted` names, over a data channel of its own on the link. What
arrives is other people's data: every bound is kept here, whatever the page lets through, and what breaks one
is counted and dropped. Frames of those who are recorded (`CallState.recorded`) wait in the page while there
is no link, and are acknowledged here: over the next one the page sends again what has not come, so that a
lost link costs them nothing. All on the engine's loop.
"""

import json
import logging
import time
from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Protocol

from .codecs import is_keyframe
from .feed import EncodedFrame, Feed, Kind
from .inbound import unwrap_near
from .page_clock import PageClock
from .tap_message import TapMessage, read

logger = logging.getLogger(__name__)

ACKNOWLEDGE_S = 0.5
"""The page is told no more often what has come."""
QUIET_S = 1.0
"""Of whom nothing came for so long, nothing waits in the page, as far as is known here."""
KEYFRAME_S = 0.3
"""A participant's keyframe is asked of the page no more often; the page repeats it once a second."""
_CLOCK_RATES: dict[Kind, int] = {"audio": 48_000, "video": 90_000}


class TapLink(Protocol):
    """What the tap needs of a link."""

    page: str
    on_tap: Callable[[bytes], None]

    def ask_tap(self, text: str) -> bool:
        """Send text to the page's tap; False if it cannot be sent now."""


@dataclass(slots=True)
class _Partial:
    first: TapMessage
    chunks: list[bytes]
    size: int


@dataclass(slots=True)
class TapFigures:
    """What came from one participant so far."""

    bytes: int = 0
    dropped: int = 0
    """Frames that the page left out because the channel was full, or that came broken."""
    keyframe_requests: int = 0
    delay_s: float = 0.0
    """How old the newest frame was when it came here: what waited in the page is older."""
    came_s: float = float("-inf")
    """When that was."""
    size: tuple[int, int] = (0, 0)
    """Pixels of the last keyframe, as the page's browser says."""


class _Track:
    """Chunks to whole frames of one participant and kind; RTP time that only goes on."""

    def __init__(self, feed: Feed, figures: TapFigures) -> None:
        self.feed = feed
        self.partial: _Partial | None = None
        self._figures = figures
        self._source: tuple[str, int] | None = None
        """The page, and its receiver's number."""
        self._number = -1
        self._last: EncodedFrame | None = None
        self._shift = 0
        self._is_broken = True

    def complete(self, page: str, message: TapMessage, data: bytes, arrived_s: float) -> EncodedFrame | None:
        """The whole frame, or None if it cannot be used."""
        if self._source is None or self._source[0] != page or _is_later(message.stream, self._source[1]):
            self._begin(message, arrived_s)
            self._source = (page, message.stream)
        elif message.stream != self._source[1]:
            return None  # of a receiver that another one has replaced
        elif hole := (message.number - self._number - 1) & 0xFFFFFFFF:
            if hole >= 1 << 31:
                return None  # sent again, because the page did not know that it came
            self._figures.dropped += hole
            self._is_broken = True
        self._number = message.number
        keyframe = message.keyframe and is_keyframe(message.codec, data)
        if message.kind == "video" and self._is_broken and not keyframe:
            self._figures.dropped += 1
            self.feed.request_keyframe()
            return None
        reference = 0 if self._last is None else self._last.timestamp
        frame = self._last = EncodedFrame(
            kind=message.kind,
            codec=message.codec,
            timestamp=unwrap_near(message.timestamp + self._shift, reference),
            clock_rate=_CLOCK_RATES[message.kind],
            keyframe=keyframe,
            data=data,
            arrived_s=arrived_s,
            after_gap=self._is_broken,
            captured_s=None if message.captured_ms is None else message.captured_ms / 1000,
        )
        self._is_broken = False
        if keyframe and message.kind == "video":
            self._figures.size = message.width, message.height
        self._figures.bytes += len(data)
        return frame

    def lose(self) -> None:
        """A frame did not become whole."""
        self.partial = None
        self._is_broken = True
        self._figures.dropped += 1

    def _begin(self, message: TapMessage, arrived_s: float) -> None:
        """Another receiver counts RTP time from elsewhere: go on from the last frame by time of arrival."""
        self._is_broken = True
        if self._last is None:
            self._shift = -message.timestamp
            return
        passed = round((arrived_s - self._last.arrived_s) * self._last.clock_rate)
        self._shift = self._last.timestamp + max(1, passed) - message.timestamp


@dataclass(slots=True)
class _Source:
    tracks: dict[Kind, _Track]
    figures: TapFigures
    asked_s: float = field(default=float("-inf"))


class Tap:
    """The frames of everybody in the room but oneself; goes on over the links of a call."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}
        self._link: TapLink | None = None
        self._page = ""
        self._clock = PageClock()
        self._have: dict[tuple[str, Kind], tuple[int, int]] = {}
        """Stream and number of what came last and is to be acknowledged."""
        self._acknowledged_s = float("-inf")
        self.refused = 0
        """Messages that were malformed, of nobody in the room, or beyond a bound."""

    @property
    def participants(self) -> Set[str]:
        """Whose frames are taken."""
        return self._sources.keys()

    def add(self, participant: str) -> dict[Kind, Feed]:
        """Take somebody's frames from now on; their feeds, which stay the same until `remove`."""
        if participant not in self._sources:
            figures = TapFigures()

            def ask() -> None:
                self._ask_keyframe(participant)

            tracks: dict[Kind, _Track] = {
                "audio": _Track(Feed("audio", ask), figures),
                "video": _Track(Feed("video", ask), figures),
            }
            self._sources[participant] = _Source(tracks, figures)
        return {kind: track.feed for kind, track in self._sources[participant].tracks.items()}

    def feeds(self, participant: str) -> dict[Kind, Feed] | None:
        """The feeds of somebody whose frames are taken; None of anybody else."""
        source = self._sources.get(participant)
        return None if source is None else {kind: track.feed for kind, track in source.tracks.items()}

    def remove(self, participant: str) -> None:
        """Take nothing of somebody any more, who has left. Idempotent."""
        self._sources.pop(participant, None)

    def attach(self, link: TapLink) -> None:
        """Hear this link's page from now on."""
        self.detach()
        self._link = link
        if link.page != self._page:
            # of the same page the clock is known: what waited there for this link is not taken for new
            self._page, self._clock = link.page, PageClock()
        link.on_tap = self.take

    def detach(self) -> None:
        """The link goes. What is half there is sent again, or its number shows the hole."""
        if self._link is not None:
            self._link.on_tap = _ignore
            self._link = None
        self._have.clear()
        for source in self._sources.values():
            for track in source.tracks.values():
                track.partial = None

    def take(self, data: bytes) -> None:
        """A message of the page."""
        now_s = time.monotonic()
        message = read(data)
        source = None if message is None else self._sources.get(message.participant)
        if message is None or source is None:
            self.refused += 1
            return
        self._clock.hear(message.sent_ms, now_s)
        track = source.tracks[message.kind]
        whole = self._assemble(track, message)
        if whole is None or self._link is None:
            return
        first, frame_bytes = whole
        arrived_s = self._clock.place(first.arrived_ms, now_s)
        source.figures.delay_s, source.figures.came_s = now_s - arrived_s, now_s
        frame = track.complete(self._link.page, first, frame_bytes, arrived_s)
        if first.kept:
            self._acknowledge(first, now_s)
        if frame is not None:
            track.feed.push(frame)

    def late_s(self, participant: str) -> float:
        """How much later than at the page somebody's frames come now; 0 where none come."""
        source = self._sources.get(participant)
        if source is None or self._link is None or time.monotonic() - source.figures.came_s > QUIET_S:
            return 0.0
        return source.figures.delay_s

    def figures(self) -> dict[str, object]:
        """Counters for `Call.engine_status`, by participant."""
        return {
            "refused_messages": self.refused,
            "participants": {
                participant: {
                    "video_frames": source.tracks["video"].feed.frames,
                    "audio_frames": source.tracks["audio"].feed.frames,
                    "video_width": source.figures.size[0],
                    "video_height": source.figures.size[1],
                    "received_bytes": source.figures.bytes,
                    "delay_s": source.figures.delay_s,
                    "dropped_frames": source.figures.dropped,
                    "keyframe_requests": source.figures.keyframe_requests,
                }
                for participant, source in self._sources.items()
            },
        }

    def _assemble(self, track: _Track, message: TapMessage) -> tuple[TapMessage, bytes] | None:
        """The frame that this chunk completes, with its first chunk's header."""
        partial = track.partial
        if message.index == 0:
            if partial is not None:
                track.lose()
            if message.count == 1:
                return message, message.chunk
            track.partial = partial = _Partial(message, [], 0)
        elif partial is None or not _continues(partial, message):
            self.refused += 1
            if partial is not None:
                track.lose()
            return None
        # a track holds one frame of a bounded size, so that nobody's can crowd out somebody else's
        partial.chunks.append(message.chunk)
        partial.size += len(message.chunk)
        is_last = message.index == message.count - 1
        if partial.size > partial.first.size or (is_last and partial.size != partial.first.size):
            self.refused += 1
            track.lose()
            return None
        if not is_last:
            return None
        track.partial = None
        return partial.first, b"".join(partial.chunks)

    def _acknowledge(self, message: TapMessage, now_s: float) -> None:
        self._have[message.participant, message.kind] = message.stream, message.number
        if self._link is None or now_s - self._acknowledged_s < ACKNOWLEDGE_S:
            return
        have = [[*track, *last] for track, last in self._have.items()]
        if self._link.ask_tap(json.dumps({"have": have})):
            self._acknowledged_s = now_s
            self._have.clear()

    def _ask_keyframe(self, participant: str) -> None:
        source, now_s = self._sources.get(participant), time.monotonic()
        if source is None or self._link is None or now_s - source.asked_s < KEYFRAME_S:
            return
        source.asked_s = now_s
        if self._link.ask_tap(json.dumps({"keyframe": participant})):
            source.figures.keyframe_requests += 1


def _continues(partial: _Partial, message: TapMessage) -> bool:
    first = partial.first
    return message.index == len(partial.chunks) and (
        (message.stream, message.number, message.size, message.count, message.codec)
        == (first.stream, first.number, first.size, first.count, first.codec)
    )


def _is_later(stream: int, than: int) -> bool:
    """Streams count modulo 256."""
    return 0 < (stream - than) & 0xFF < 128


def _ignore(_: bytes) -> None:
    """A link that nobody listens to any more."""
