"""Matroska, as much of it as a recording needs (RFC 9559, EBML in RFC 8794).

libavformat's muxer is not used here, because it cannot record a call: while one of two tracks is silent
(camera off) its interleaver keeps the other in memory instead of in the file, a track cannot be added once
the header is written, and after a full disk it writes nothing more. This one appends every block at once and
keeps `HEADER_BYTES` at the front for a header that is written again whenever something new is known. What
senders say of their clocks may come seconds after their frames: the times of the last blocks can be changed.
"""

import struct
from collections import deque
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["audio", "video"]

CODECS = {
    "VP8": "V_VP8",
    "VP9": "V_VP9",
    "AV1": "V_AV1",
    "H264": "V_MPEG4/ISO/AVC",
    "opus": "A_OPUS",
}
"""Codecs that can be recorded, and what Matroska calls them."""

WEBM_CODECS = {name: codec_id for name, codec_id in CODECS.items() if name != "H264"}
"""Those that browsers expect in WebM."""

HEADER_BYTES = 2048
"""Everything before the first cluster; what the header does not need is a Void element."""

_CLUSTER_MS = 1000
_MOVABLE = 1200
"""Blocks of a track whose place is kept, so that they can be moved in time: at least ten seconds."""
_MOST_CUES = 10_000
"""Nearly three hours of seconds; of a longer file every second one is kept, and again."""
_NUMBERS: dict[Kind, int] = {"video": 1, "audio": 2}
_UNKNOWN_SEGMENT = b"\x01" + b"\xff" * 7
_UNKNOWN_CLUSTER = b"\x1f\xff\xff\xff"


class Output(Protocol):
    """Where the bytes go."""

    size_bytes: int

    def append(self, data: bytes, /) -> None:
        """Add all of it at the end, or raise OSError and add nothing."""

    def patch(self, data: bytes, at: int, /) -> None:
        """Overwrite bytes that are there."""


@dataclass(frozen=True, slots=True)
class Track:
    """One TrackEntry (section 5.1.4.1)."""

    kind: Kind
    codec_id: str
    """One of `CODECS`."""
    private: bytes = b""
    """CodecPrivate: OpusHead, avcC, or av1C."""
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class _Placed:
    """A block in the file, and where its time stands, which is relative to its cluster's."""

    time_ms: int
    at: int
    cluster_ms: int


@dataclass(slots=True)
class _Cue:
    time_ms: int
    kind: Kind
    position: int


class MatroskaWriter:
    """Writes one file, block by block. A reader finds all blocks so far, with or without `finish`.

    Parameters
    ----------
    output
        An empty file; the header goes into it at once.
    doc_type
        ``"webm"`` promises `WEBM_CODECS`; that is for the caller to keep.
    """

    def __init__(self, output: Output, doc_type: Literal["matroska", "webm"] = "matroska") -> None:
        self._output = output
        self._doc_type = doc_type
        self._tracks: dict[Kind, Track] = {}
        self._cluster_at: int | None = None
        self._cluster_ms = 0
        self._cues: list[_Cue] = []  # bounded by _MOST_CUES, about 2 MB
        self._thinning = 1
        self._clusters = 0
        self._movable: dict[Kind, deque[_Placed]] = {
            kind: deque(maxlen=_MOVABLE) for kind in ("video", "audio")
        }
        self._ends_ms: dict[Kind, int] = {}
        output.append(self._header())

    def set_track(self, track: Track) -> None:
        """Declare a track, or replace its description, before or after the first blocks."""
        self._tracks[track.kind] = track
        self._output.patch(self._header(), 0)

    @property
    def duration_ms(self) -> int:
        """From the file's zero to the end of its last frame."""
        return max(self._ends_ms.values(), default=0)

    def write(self, kind: Kind, time_ms: int, data: bytes, *, keyframe: bool, duration_ms: int) -> None:
        """Append one block; times of one track must rise, those of both should.

        Raises
        ------
        OSError
            The output's; the file then ends with the block before.
        """
        starts_picture = kind == "video" and keyframe
        age_ms = time_ms - self._cluster_ms
        if self._cluster_at is None or starts_picture or not -_CLUSTER_MS <= age_ms < _CLUSTER_MS:
            self._start_cluster(kind, time_ms, seekable=starts_picture or "video" not in self._tracks)
        flags = 0x80 if keyframe else 0
        block = struct.pack(">BhB", 0x80 | _NUMBERS[kind], time_ms - self._cluster_ms, flags)
        size = _size(len(block) + len(data))
        at = self._output.size_bytes + 1 + len(size) + 1
        self._output.append(b"\xa3" + size + block + data)
        self._movable[kind].append(_Placed(time_ms, at, self._cluster_ms))
        self._ends_ms[kind] = max(self._ends_ms.get(kind, 0), time_ms + duration_ms)

    def move(self, kind: Kind, since_ms: int, by_ms: int) -> None:
        """Move those blocks of a track in time that were written from `since_ms` on.

        Only the last 1200 blocks of each track can be; the others stay. In their clusters the blocks keep
        their order, which players bear as long as each track's times rise.

        Raises
        ------
        OSError
            The output's.
        """
        blocks = self._movable[kind]
        moved = [placed for placed in blocks if placed.time_ms >= since_ms]
        # From the end that has room: a crash in between leaves rising times.
        for placed in reversed(moved) if by_ms > 0 else moved:
            relative_ms = placed.time_ms + by_ms - placed.cluster_ms
            self._output.patch(struct.pack(">h", max(-0x8000, min(0x7FFF, relative_ms))), placed.at)
            placed.time_ms += by_ms
        if moved:
            self._ends_ms[kind] += by_ms
        for cue in self._cues:
            if cue.kind == kind and cue.time_ms >= since_ms:
                cue.time_ms += by_ms

    def checkpoint(self) -> None:
        """Write the duration so far into the header."""
        self._output.patch(self._header(), 0)

    def finish(self, *, indexed: bool = True) -> None:
        """Complete the header, `indexed` with a list of keyframes at the end; nothing may follow."""
        self._end_cluster()
        cues_at = None
        if indexed and self._cues:
            cues_at = self._output.size_bytes
            self._output.append(_element(0x1C53BB6B, b"".join(map(_cue, self._cues))))
        self._output.patch(self._header(cues_at, self._output.size_bytes), 0)

    def _start_cluster(self, kind: Kind, time_ms: int, *, seekable: bool) -> None:
        self._end_cluster()
        at = self._output.size_bytes
        self._output.append(b"\x1f\x43\xb6\x75" + _UNKNOWN_CLUSTER + _uint(0xE7, max(0, time_ms)))
        self._cluster_at, self._cluster_ms = at, time_ms
        self._clusters += seekable
        if seekable and self._clusters % self._thinning == 0:
            self._cues.append(_Cue(time_ms, kind, at - self._segment_at))
            if len(self._cues) > _MOST_CUES:
                self._cues = self._cues[::2]
                self._thinning *= 2

    def _end_cluster(self) -> None:
        """Replace the unknown size, which only the last cluster may have while the recording runs."""
        if self._cluster_at is not None:
            size = self._output.size_bytes - self._cluster_at - 8
            self._output.patch(struct.pack(">I", 0x10000000 | size), self._cluster_at + 4)
            self._cluster_at = None

    @property
    def _segment_at(self) -> int:
        """Where the Segment's content starts; positions in the file count from here."""
        return len(self._prologue()) + 12

    def _prologue(self) -> bytes:
        content = _uint(0x4286, 1) + _uint(0x42F7, 1) + _uint(0x42F2, 4) + _uint(0x42F3, 8)
        content += _element(0x4282, self._doc_type.encode()) + _uint(0x4287, 4) + _uint(0x4285, 2)
        return _element(0x1A45DFA3, content)

    def _header(self, cues_at: int | None = None, file_bytes: int | None = None) -> bytes:
        segment_size = _UNKNOWN_SEGMENT
        if file_bytes is not None:
            segment_size = struct.pack(">Q", 1 << 56 | file_bytes - self._segment_at)
        header = self._prologue() + b"\x18\x53\x80\x67" + segment_size
        if cues_at is not None:
            seek = _element(0x53AB, b"\x1c\x53\xbb\x6b") + _uint(0x53AC, cues_at - self._segment_at)
            header += _element(0x114D9B74, _element(0x4DBB, seek))
        info = _uint(0x2AD7B1, 1_000_000) + _element(0x4D80, b"nbrtc") + _element(0x5741, b"nbrtc")
        if self.duration_ms:
            info += _element(0x4489, struct.pack(">d", self.duration_ms))
        header += _element(0x1549A966, info)
        header += _element(0x1654AE6B, b"".join(_track_entry(track) for track in self._tracks.values()))
        room = HEADER_BYTES - len(header) - 9
        if room < 0:
            raise ValueError(f"The tracks' headers need {-room} bytes more than the {HEADER_BYTES} reserved")
        return header + b"\xec" + struct.pack(">Q", 1 << 56 | room) + bytes(room)


def _track_entry(track: Track) -> bytes:
    number = _NUMBERS[track.kind]
    content = _uint(0xD7, number) + _uint(0x73C5, number) + _uint(0x9C, 0)  # number, UID, no lacing
    content += _uint(0x83, number) + _element(0x86, track.codec_id.encode())  # type: 1 video, 2 audio
    if track.private:
        content += _element(0x63A2, track.private)
    if track.kind == "video":
        content += _element(0xE0, _uint(0xB0, track.width) + _uint(0xBA, track.height))
    else:
        # SeekPreRoll: a decoder of Opus needs 80 ms to converge (RFC 7845, section 4.6).
        content += _uint(0x56BB, 80_000_000)
        content += _element(0xE1, _element(0xB5, struct.pack(">d", 48000.0)) + _uint(0x9F, 2))
    return _element(0xAE, content)


def _cue(cue: _Cue) -> bytes:
    place = _uint(0xF7, _NUMBERS[cue.kind]) + _uint(0xF1, cue.position)
    return _element(0xBB, _uint(0xB3, max(0, cue.time_ms)) + _element(0xB7, place))


def _element(identifier: int, content: bytes) -> bytes:
    return identifier.to_bytes((identifier.bit_length() + 7) // 8, "big") + _size(len(content)) + content


def _uint(identifier: int, value: int) -> bytes:
    return _element(identifier, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _size(value: int) -> bytes:
    """Variable-size integer (RFC 8794, section 4); all ones is kept for "unknown"."""
    length = 1
    while value >= (1 << 7 * length) - 1:
        length += 1
    return (1 << 7 * length | value).to_bytes(length, "big")
