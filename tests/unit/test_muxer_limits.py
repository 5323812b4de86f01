"""Whatever comes from outside, the muxer ends, its times rise, and its file stays in its form."""

import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.engine.codecs import is_keyframe, opus_samples, starts_keyframe
from nbrtc.engine.feed import EncodedFrame, SenderReport
from nbrtc.engine.muxer import Muxer
from nbrtc.engine.tracks import block, describe, duration_ms, nal_units
from nbrtc.recordings import av1
from nbrtc.recordings.picture_size import picture_size, sps_size

KEYFRAME = b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", 64, 48)
WILD = st.floats(allow_nan=True, allow_infinity=True)


class Blocks:
    """Keeps only when each block is, and what a patch of a time makes of that."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.cluster_ms = 0
        self.times: dict[int, list[tuple[int, int]]] = {1: [], 2: []}

    def append(self, data: bytes) -> None:
        start = self.size_bytes
        self.size_bytes += len(data)
        if data[:4] == b"\x1f\x43\xb6\x75":
            length = data[9] & 0x7F
            self.cluster_ms = int.from_bytes(data[10 : 10 + length], "big")
        elif data[:1] == b"\xa3":
            head = 2 if data[1] & 0x80 else 3
            (relative_ms,) = struct.unpack(">h", data[head + 1 : head + 3])
            self.times[data[head] & 0x7F].append((start + head + 1, self.cluster_ms + relative_ms))

    def patch(self, data: bytes, at: int) -> None:
        assert at >= 0
        assert at + len(data) <= self.size_bytes


ARRIVALS = st.one_of(st.floats(0, 0.1), st.floats(0, 100), st.just(0.0), st.floats(0, 1e7))
TICKS = st.one_of(st.integers(0, 9000), st.integers(-(1 << 33), 1 << 33), st.just(0), st.integers())
FRAMES = st.lists(
    st.tuples(
        st.sampled_from(["video", "audio"]),
        ARRIVALS,
        TICKS.filter(lambda ticks: abs(ticks) < 1 << 60),
        st.booleans(),
        st.sampled_from([KEYFRAME, b"", b"\x11", b"\xfc", KEYFRAME[:7]]),
        st.none() | WILD,
        st.none() | st.tuples(WILD, st.integers(-(1 << 60), 1 << 60)),
        st.booleans(),
        st.integers(0, 40),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(FRAMES)
def test_no_times_however_wild_stop_the_muxer(frames: list[tuple]) -> None:  # type: ignore[type-arg]
    output = Blocks()
    muxer = Muxer(output, "matroska", size=None)
    arrived_s, ticks, sent = 100.0, {"video": 0, "audio": 0}, {"video": 0, "audio": 0}
    for kind, waits_s, steps, keyframe, data, captured_s, report, after_gap, act in frames:
        arrived_s += waits_s
        ticks[kind] += steps
        if act == 0:
            muxer.switch()
        elif act == 1:
            muxer.settle()
        elif act == 2:
            muxer.checkpoint()
        rate, codec = (90000, "VP8") if kind == "video" else (48000, "opus")
        frame = EncodedFrame(
            kind,
            codec,
            ticks[kind],
            rate,
            keyframe or kind == "audio",
            data,
            arrived_s,
            after_gap,
            captured_s,
        )
        muxer.accept(frame, None if report is None else SenderReport(*report))
        sent[kind] += 1
        assert len(muxer._sorting) <= 2 * 201
    muxer.finish()
    assert not muxer._sorting
    assert math.isfinite(muxer.content.duration_s)
    assert 0 <= muxer.content.duration_s <= arrived_s - 100 + 60
    for gap in muxer.content.gaps:
        assert gap.from_ms < gap.to_ms


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(["VP8", "VP9", "AV1", "H264", "opus"]), st.binary(max_size=80), st.booleans())
def test_no_bytes_however_broken_stop_their_reader(codec: str, data: bytes, framed: bool) -> None:
    if framed:  # as close to a keyframe as noise can be made
        front = {"VP9": b"\x82\x49\x83\x42", "AV1": b"\x0a\x0b", "H264": b"\0\0\1\x67"}
        data = front.get(codec, KEYFRAME[:6]) + data
    kind = "audio" if codec == "opus" else "video"
    frame = EncodedFrame(kind, codec, 0, 90000, True, data, 0.0)  # type: ignore[arg-type]
    track = describe(frame)
    assert track is None or track.kind == "audio" or 0 < track.width <= 16384
    assert isinstance(block(frame), bytes)
    assert 0 < duration_ms(frame) <= 63 * 60
    assert sum(map(len, nal_units(data))) <= len(data)
    is_keyframe(codec, data)
    starts_keyframe(data)
    sps_size(data)
    picture_size(codec, data)
    opus_samples(data)
    av1.configuration(data)


def test_the_longest_exp_golomb_count_ends_with_the_bytes() -> None:
    # pic_order_cnt_type 1 with 2**32 - 2 offsets announced
    bits = "1" + "1" + "010" + "1" + "1" + "1" + "0" * 31 + "1" * 32 + "1" * 64
    data = int(bits.ljust((len(bits) + 7) // 8 * 8, "0"), 2).to_bytes((len(bits) + 7) // 8, "big")
    assert sps_size(b"\x67\x42\x00\x1f" + data) is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_sender_whose_clock_is_no_number_is_placed_by_arrival(value: float) -> None:
    muxer = Muxer(Blocks(), "matroska", size=None)
    for index in range(500):
        at_s = index / 50
        frame = EncodedFrame("audio", "opus", index * 960, 48000, True, b"\xfc", 100 + at_s, captured_s=value)
        muxer.accept(frame, None)
    muxer.finish()
    assert muxer.content.duration_s == pytest.approx(10.0, abs=0.03)
