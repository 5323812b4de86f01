"""From encoded frames to a Matroska file: when it begins, what waits, in which order blocks are written."""

import heapq
from collections import deque
from dataclasses import replace
from typing import Literal

from nbrtc.engine.feed import EncodedFrame, Kind, SenderReport
from nbrtc.engine.timeline import Timeline
from nbrtc.engine.tracks import block, describe
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize
from nbrtc.recordings.mkv import CODECS, MatroskaWriter, Output, Track

_HOLD_S = 2.0
"""How long the first frames wait for a picture and for both sender reports."""
_HOLD_BYTES = 16 << 20
"""What may wait so; a sender that fills it sooner starts the file sooner."""
_SORT_MS = 200
"""Blocks closer than this are sorted by time across the tracks, as players expect; nothing else waits."""


class Muxer:
    """Turns the frames of up to two feeds into the blocks of one file. One thread, no clock of its own.

    Parameters
    ----------
    output
        An empty file.
    doc_type
        ``"webm"`` refuses what browsers do not expect in it.
    kinds
        The feeds that exist; the start waits for these, others may join.
    size
        The camera's size, shown in the header until larger keyframes or `finish` know better.
    """

    def __init__(
        self,
        output: Output,
        doc_type: Literal["matroska", "webm"],
        *,
        kinds: set[Kind],
        size: VideoSize | None,
    ) -> None:
        self._writer = MatroskaWriter(output, doc_type)
        self._webm = doc_type == "webm"
        self._kinds = kinds
        self._asked = size
        self._waiting: deque[EncodedFrame] = deque()  # bounded by _HOLD_S and _HOLD_BYTES
        self._waiting_bytes = 0
        self._deadline_s: float | None = None
        self._reports: dict[Kind, SenderReport] = {}
        self._timeline: Timeline | None = None
        # A heap of time, order of arrival and frame; bounded by _SORT_MS, because the times of a kind rise.
        self._sorting: list[tuple[int, int, EncodedFrame]] = []
        self._count = 0
        self._tracks: dict[Kind, Track] = {}
        self._showing = False
        self.blocks = 0

    @property
    def duration_s(self) -> float:
        """Seconds from the file's first frame to the end of its last."""
        return self._writer.duration_ms / 1000

    def accept(self, frame: EncodedFrame, report: SenderReport | None) -> None:
        """Take the next frame in order of arrival, with its feed's newest sender report.

        Raises
        ------
        RecordingError
            The codec does not go into this file.
        OSError
            The output's.
        """
        self._check_codec(frame)
        if report is not None:
            self._reports[frame.kind] = report
        if frame.kind == "video" and not self._showing:
            # Pictures begin with a keyframe: at the start, and after `switch`. One without headers is none.
            if not frame.keyframe or describe(frame) is None:
                return
            self._showing = True
            if self._timeline is None:
                self._deadline_s = frame.arrived_s + _HOLD_S
        if self._timeline is not None:
            self._place(frame)
            return
        if self._deadline_s is None:
            self._deadline_s = frame.arrived_s + _HOLD_S
        self._waiting.append(frame)
        self._waiting_bytes += len(frame.data)
        complete = ("video" not in self._kinds or self._showing) and self._kinds <= self._reports.keys()
        if complete or frame.arrived_s >= self._deadline_s or self._waiting_bytes > _HOLD_BYTES:
            self._start()

    def switch(self, kinds: set[Kind]) -> None:
        """Go on with other feeds; the time between is a gap as long as it lasted."""
        if self._timeline is None and self._waiting:
            self._start()
        if self._timeline is not None:
            self._timeline.switch()
        self._kinds = kinds
        self._reports.clear()
        self._showing = False

    def checkpoint(self) -> None:
        """Let the header say how long the file is by now."""
        self._writer.checkpoint()

    def finish(self, *, whole: bool = True) -> None:
        """Complete the file: what waits and an index, or, if not `whole`, what needs no more space."""
        if whole:
            if self._timeline is None and self._waiting:
                self._start()
            self._write_until(None)
        video = self._tracks.get("video")
        if video is not None:
            self._writer.set_track(video)
        self._writer.finish(indexed=whole)

    def _start(self) -> None:
        first = next((frame for frame in self._waiting if frame.kind == "video"), self._waiting[0])
        self._timeline = Timeline(first.arrived_s)
        self._place(first)
        for frame in self._waiting:
            if frame is not first:
                self._place(frame)
        self._waiting.clear()

    def _place(self, frame: EncodedFrame) -> None:
        assert self._timeline is not None
        time_ms = self._timeline.place(frame, self._reports.get(frame.kind))
        if time_ms is None:
            return  # sound from before the first picture
        self._count += 1
        heapq.heappush(self._sorting, (time_ms, self._count, frame))
        self._write_until(time_ms - _SORT_MS)

    def _write_until(self, time_ms: int | None) -> None:
        while self._sorting and (time_ms is None or self._sorting[0][0] <= time_ms):
            at_ms, _, frame = heapq.heappop(self._sorting)
            if frame.keyframe:
                self._update_track(frame)
            self._writer.write(frame.kind, at_ms, block(frame), keyframe=frame.keyframe)
            self.blocks += 1

    def _update_track(self, frame: EncodedFrame) -> None:
        """Declare the track with its first frame, and a larger picture when it comes."""
        known = self._tracks.get(frame.kind)
        if known is not None and frame.kind == "audio":
            return
        track = describe(frame)
        if track is None or (known and track.width * track.height <= known.width * known.height):
            return
        self._tracks[frame.kind] = track
        if self._asked and track.width * track.height < self._asked.width * self._asked.height:
            track = replace(track, width=self._asked.width, height=self._asked.height)
        self._writer.set_track(track)

    def _check_codec(self, frame: EncodedFrame) -> None:
        codec_id = CODECS.get(frame.codec)
        if codec_id is None or (self._webm and frame.codec == "H264"):
            kind = "a .webm file" if self._webm else "a recording"
            remedy = "record into .mkv" if codec_id else f"use one of {', '.join(CODECS)}"
            raise RecordingError(f"{frame.codec!r} does not go into {kind}: {remedy}")
        known = self._tracks.get(frame.kind)
        if known is not None and known.codec_id != codec_id:
            raise RecordingError(
                f"the {frame.kind} codec changed from {known.codec_id} to {codec_id}; one file holds one"
            )
