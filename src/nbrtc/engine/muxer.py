"""From encoded frames to a Matroska file: which are taken, in which order, and what is missing."""

import heapq
from dataclasses import replace
from typing import Literal, NamedTuple

from nbrtc.engine.feed import EncodedFrame, Kind, SenderReport
from nbrtc.engine.gaps import Gaps, Reason
from nbrtc.engine.timeline import Timeline
from nbrtc.engine.tracks import block, describe, duration_ms
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize
from nbrtc.recordings.manifest import Gap
from nbrtc.recordings.mkv import CODECS, WEBM_CODECS, MatroskaWriter, Output, Track

_SORT_MS = 200
"""Blocks closer than this are sorted by time across the tracks, as players expect; nothing else waits."""


class CodecChange(Exception):
    """The next frame has another codec than its track: the file is complete, and the frame needs another."""


class Content(NamedTuple):
    """What is in a file; as in `RecordingResult`."""

    duration_s: float
    start_s: float | None
    video_codec: str
    audio_codec: str
    width: int
    height: int
    gaps: tuple[Gap, ...]


class Muxer:
    """Turns the frames of up to two feeds into the blocks of one file. One thread, no clock of its own.

    Parameters
    ----------
    output
        An empty file.
    doc_type
        ``"webm"`` refuses what browsers do not expect in it.
    size
        The camera's size, shown in the header until larger keyframes or `finish` know better.
    """

    def __init__(
        self, output: Output, doc_type: Literal["matroska", "webm"], *, size: VideoSize | None
    ) -> None:
        self._writer = MatroskaWriter(output, doc_type)
        self._fitting = WEBM_CODECS if doc_type == "webm" else CODECS
        self._asked = size
        self._timeline = Timeline()
        # A heap of time, order of arrival and frame; bounded by _SORT_MS, because the times of a kind rise.
        self._sorting: list[tuple[int, int, EncodedFrame]] = []
        self._count = 0
        self._tracks: dict[Kind, Track] = {}
        self._codecs: dict[Kind, str] = {}
        self._ends_ms: dict[Kind, int] = {}
        self._missing: dict[Kind, Reason] = {}
        self._gaps = Gaps()
        self._showing = False
        self.blocks = 0

    @property
    def content(self) -> Content:
        """What is in the file by now; from any thread."""
        video = self._tracks.get("video")
        return Content(
            self._writer.duration_ms / 1000,
            self._timeline.start_s if self.blocks else None,
            self._codecs.get("video", ""),
            self._codecs.get("audio", ""),
            video.width if video else 0,
            video.height if video else 0,
            self._gaps.all,
        )

    def accept(self, frame: EncodedFrame, report: SenderReport | None, missing: Reason | None = None) -> None:
        """Take the next frame in order of arrival, with its feed's newest sender report.

        Parameters
        ----------
        frame, report
            The frame, and what ties its RTP time to the sender's clock.
        missing
            Why frames right before this one are not in the file, if some are not.

        Raises
        ------
        RecordingError
            The codec does not go into this file.
        CodecChange
            It is another one than the track's.
        OSError
            The output's.
        """
        if missing is not None or frame.after_gap:
            self._missing.setdefault(frame.kind, missing or "lost")
        self._check_codec(frame)
        if frame.kind == "video" and not self._showing:
            # Pictures begin with a keyframe: at the start, and after `switch`. One without headers is none.
            if not frame.keyframe or describe(frame) is None:
                return
            self._showing = True
        self._codecs.setdefault(frame.kind, frame.codec)
        time_ms = self._timeline.place(frame, report)
        for move in self._timeline.moves():
            self._move(*move)
        self._note_gap(frame, time_ms)
        self._count += 1
        heapq.heappush(self._sorting, (time_ms, self._count, frame))
        self._write_until(time_ms - _SORT_MS)

    def switch(self) -> None:
        """Go on with other feeds; the time between is a gap as long as it lasted."""
        self._timeline.switch()
        self._missing = dict.fromkeys(self._ends_ms, "link")
        self._showing = False

    def settle(self) -> None:
        """Nothing has come for a while: write what waits to be sorted."""
        self._write_until(None)

    def checkpoint(self) -> None:
        """Let the header say how long the file is by now."""
        self._writer.checkpoint()

    def finish(self, *, whole: bool = True) -> None:
        """Complete the file: what waits and an index, or, if not `whole`, what needs no more space."""
        if whole:
            self._write_until(None)
        video = self._tracks.get("video")
        if video is not None:
            self._writer.set_track(video)
        self._writer.finish(indexed=whole)

    def _move(self, kind: Kind, since_ms: int, by_ms: int) -> None:
        """Move a track's frames from a time on: those that are written, and those that wait."""
        self._sorting = [
            (time_ms + by_ms if frame.kind == kind and time_ms >= since_ms else time_ms, count, frame)
            for time_ms, count, frame in self._sorting
        ]
        heapq.heapify(self._sorting)
        self._writer.move(kind, since_ms, by_ms)
        self._gaps.move(kind, since_ms, by_ms)
        if self._ends_ms.get(kind, since_ms) > since_ms:
            self._ends_ms[kind] += by_ms

    def _note_gap(self, frame: EncodedFrame, time_ms: int) -> None:
        reason, end_ms = self._missing.pop(frame.kind, None), self._ends_ms.get(frame.kind)
        if reason is not None and end_ms is not None:
            self._gaps.add(end_ms, time_ms, frame.kind, reason)
        self._ends_ms[frame.kind] = time_ms + duration_ms(frame)

    def _write_until(self, time_ms: int | None) -> None:
        while self._sorting and (time_ms is None or self._sorting[0][0] <= time_ms):
            if not self.blocks:
                time_ms = self._begin(time_ms)
            at_ms, _, frame = heapq.heappop(self._sorting)
            if frame.keyframe:
                self._update_track(frame)
            self._writer.write(
                frame.kind, at_ms, block(frame), keyframe=frame.keyframe, duration_ms=duration_ms(frame)
            )
            self.blocks += 1

    def _begin(self, until_ms: int | None) -> int | None:
        """The earliest frame is the file's zero, now that none before it is expected."""
        zero_ms = self._sorting[0][0]
        self._timeline.begin(zero_ms)
        self._sorting = [(time_ms - zero_ms, count, frame) for time_ms, count, frame in self._sorting]
        self._ends_ms = {kind: end_ms - zero_ms for kind, end_ms in self._ends_ms.items()}
        for kind in ("video", "audio"):
            self._gaps.move(kind, -(1 << 62), -zero_ms)
        return None if until_ms is None else until_ms - zero_ms

    def _update_track(self, frame: EncodedFrame) -> None:
        """Declare the track with its first frame, and a larger picture when it comes."""
        known = self._tracks.get(frame.kind)
        if known is not None and frame.kind == "audio":
            return
        track = describe(frame)
        if track is None or (known and track.width * track.height <= known.width * known.height):
            return
        if known is not None:
            # The first parameter sets stay in front: what comes later has its own with its keyframes.
            track = replace(known, width=track.width, height=track.height)
        self._tracks[frame.kind] = track
        if self._asked and track.width * track.height < self._asked.width * self._asked.height:
            track = replace(track, width=self._asked.width, height=self._asked.height)
        self._writer.set_track(track)

    def _check_codec(self, frame: EncodedFrame) -> None:
        if self._codecs.get(frame.kind, frame.codec) != frame.codec:
            raise CodecChange(
                f"the {frame.kind} codec changed from {self._codecs[frame.kind]} to {frame.codec}"
            )
        if frame.codec not in self._fitting:
            kind = "a recording" if self._fitting is CODECS else "a .webm file"
            remedy = "record into .mkv" if frame.codec in CODECS else f"use one of {', '.join(CODECS)}"
            raise RecordingError(f"{frame.codec!r} does not go into {kind}: {remedy}")
