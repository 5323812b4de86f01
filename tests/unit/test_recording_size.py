"""What a recording may not do however long it is: grow in memory."""

import struct
import sys

from nbrtc.engine import gaps as gaps_of
from nbrtc.engine.feed import EncodedFrame, SenderReport
from nbrtc.engine.gaps import Gaps
from nbrtc.engine.muxer import Muxer
from nbrtc.recordings import mkv
from nbrtc.recordings.mkv import MatroskaWriter, Track


class Nowhere:
    """Takes everything and keeps nothing but what a test looks at."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.last = b""

    def append(self, data: bytes) -> None:
        self.size_bytes += len(data)
        self.last = data

    def patch(self, data: bytes, at: int) -> None:
        assert at + len(data) <= self.size_bytes


KEYFRAME = b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", 64, 48)
INTER_FRAME = b"\x11"


def feed(muxer: Muxer, from_s: int, until_s: int) -> None:
    """Ten pictures and sixteen sounds a second; every five a keyframe and reports, every two a loss."""
    for second in range(from_s, until_s):
        base = second - second % 5
        for index in range(10):
            at_s = second + index / 10
            keyframe = index == 0 and second % 5 == 0
            data = KEYFRAME if keyframe else INTER_FRAME
            frame = EncodedFrame("video", "VP8", round(at_s * 90000), 90000, keyframe, data, 100 + at_s)
            muxer.accept(frame, SenderReport(5000.0 + base, base * 90000))
        for index in range(16):
            at_s = second + index / 16
            after_gap = index == 0 and second % 2 == 0
            frame = EncodedFrame(
                "audio", "opus", round(at_s * 48000), 48000, True, b"\xfc", 100.01 + at_s, after_gap
            )
            muxer.accept(frame, SenderReport(5000.0 + base, base * 48000))


def test_an_hour_takes_no_more_memory_than_ten_minutes_but_for_its_index() -> None:
    muxer = Muxer(Nowhere(), "matroska", size=None)
    feed(muxer, 0, 600)
    early = sys.getallocatedblocks()
    feed(muxer, 600, 3600)
    grown = sys.getallocatedblocks() - early
    assert muxer.content.duration_s > 3599
    # A cue for each keyframe's cluster (itself and its numbers), a gap every two seconds.
    assert grown < 3000 / 5 * 4 + 3000 / 2 * 4 + 1000


def test_an_index_of_days_gets_coarser_not_longer() -> None:
    output = Nowhere()
    writer = MatroskaWriter(output)
    writer.set_track(Track("audio", "A_OPUS"))
    for second in range(50_000):
        writer.write("audio", second * 1000, b"\xfc", keyframe=True, duration_ms=20)
    writer.finish()
    points = output.last.count(b"\xf7\x81\x02")
    assert mkv._MOST_CUES / 2 <= points <= mkv._MOST_CUES


def test_too_many_gaps_become_fewer_and_cover_the_same_times() -> None:
    gaps = Gaps()
    for index in range(25_001):
        gaps.add(index * 100, index * 100 + 50, "audio", "lost")
        gaps.add(index * 100, index * 100 + 60, "video", "disk")
    assert len(gaps.all) <= gaps_of.MOST
    for kind, end in (("audio", 50), ("video", 60)):
        own = [gap for gap in gaps.all if gap.kind == kind]
        assert (own[0].from_ms, own[-1].to_ms) == (0, 25_000 * 100 + end)
        covered = sum(gap.to_ms - gap.from_ms for gap in own)
        assert covered >= 25_001 * end
    assert {gap.reason for gap in gaps.all if gap.kind == "video"} == {"disk"}


def test_gaps_move_with_their_track() -> None:
    gaps = Gaps()
    gaps.add(100, 200, "audio", "lost")
    gaps.add(100, 200, "video", "lost")
    gaps.add(300, 300, "audio", "lost")
    gaps.move("audio", 150, 40)
    assert [(gap.kind, gap.from_ms, gap.to_ms) for gap in gaps.all] == [
        ("audio", 100, 240),
        ("video", 100, 200),
    ]
