"""The jitter buffers: order, loss, keyframes after holes, bounded delay and memory."""

import random
from dataclasses import dataclass

import pytest
from aiortc.jitterbuffer import JitterBuffer as StockJitterBuffer
from aiortc.rtp import RtpPacket
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.engine.codecs import is_keyframe, starts_keyframe
from nbrtc.engine.jitter import Assembled, AudioJitterBuffer, Unwrapper, VideoJitterBuffer

KEY = b"\x10\x02\x00\x9d\x01\x2a" + bytes(4)  # RFC 6386, section 9.1: frame tag, start code, size
DELTA = b"\x11\x02\x00" + bytes(7)
FRAME_TICKS = 3000
SIZE = 10


@dataclass(frozen=True)
class Sent:
    sequence: int
    timestamp: int
    marker: bool
    payload: bytes


def video(
    counts: list[int],
    keyframes: set[int],
    *,
    sequence: int = 65530,
    timestamp: int = 2**32 - 4000,
    markers: bool = True,
) -> list[Sent]:
    """Frames of so many packets each; both counters wrap soon. Byte 9 of a packet is its frame's number."""
    packets = []
    for number, count in enumerate(counts):
        for part in range(count):
            start = KEY if number in keyframes else DELTA
            payload = (start if part == 0 else bytes([255] * SIZE))[: SIZE - 1] + bytes([number])
            last = markers and part == count - 1
            packets.append(Sent(sequence, timestamp, last, payload))
            sequence = (sequence + 1) % 2**16
        timestamp = (timestamp + FRAME_TICKS) % 2**32
    return packets


def add(buffer: VideoJitterBuffer | AudioJitterBuffer, packet: Sent, now_s: float) -> list[Assembled]:
    return buffer.add(packet.sequence, packet.timestamp, packet.marker, packet.payload, now_s)


def numbers(frames: list[Assembled]) -> list[int]:
    return [frame.data[SIZE - 1] for frame in frames]


# --- video: the orderly stream ----------------------------------------------------------------------------


def test_a_video_frame_leaves_with_its_marker_packet() -> None:
    buffer = VideoJitterBuffer()
    packets = video([3, 2, 1], {0})
    released = [numbers(add(buffer, packet, 0.0)) for packet in packets]
    assert released == [[], [], [0], [], [1], [2]]


def test_without_marker_bits_a_frame_leaves_when_the_next_begins() -> None:
    buffer = VideoJitterBuffer()
    packets = video([3, 2, 1], {0}, markers=False)
    released = [numbers(add(buffer, packet, 0.0)) for packet in packets]
    assert released == [[], [], [], [0], [], [1]]


def test_frames_carry_unwrapped_timestamps_keyframes_and_arrival() -> None:
    buffer = VideoJitterBuffer()
    packets = video([1, 2, 1], {0, 2})
    frames = [frame for at, packet in enumerate(packets) for frame in add(buffer, packet, float(at))]
    assert [frame.timestamp for frame in frames] == [2**32 - 4000, 2**32 - 1000, 2**32 + 2000]
    assert [frame.keyframe for frame in frames] == [True, False, True]
    assert [frame.arrived_s for frame in frames] == [0.0, 2.0, 3.0]
    assert [frame.after_gap for frame in frames] == [False, False, False]
    assert frames[1].data == packets[1].payload + packets[2].payload
    assert buffer.last_timestamp == 2**32 + 2000
    assert buffer.counters.delay_s == 0.0


def test_padding_fills_its_place_and_belongs_to_no_frame() -> None:
    buffer = VideoJitterBuffer()
    packets = video([1, 1, 1, 2], {0})
    packets[1] = Sent(packets[1].sequence, packets[0].timestamp, False, b"")
    assert [numbers(add(buffer, packet, 0.0)) for packet in packets] == [[0], [], [2], [], [3]]
    assert buffer.counters.lost_packets == buffer.counters.skipped_frames == 0


def test_reordered_packets_and_copies_do_not_disturb_the_frames() -> None:
    buffer = VideoJitterBuffer()
    packets = video([1, 3, 2], {0})
    order = [0, 2, 3, 2, 4, 1, 1, 5, 0]
    frames = [frame for index in order for frame in add(buffer, packets[index], 0.0)]
    assert numbers(frames) == [0, 1, 2]
    assert (buffer.counters.duplicates, buffer.counters.late) == (1, 2)


def test_nothing_is_released_before_the_first_keyframe() -> None:
    buffer = VideoJitterBuffer()
    packets = video([2, 2, 2, 1], {2})
    frames = [frame for packet in packets for frame in add(buffer, packet, 0.0)]
    assert numbers(frames) == [2, 3]
    assert not frames[0].after_gap
    assert buffer.counters.skipped_frames == 2


# --- video: holes -----------------------------------------------------------------------------------------


def test_a_retransmission_in_time_repairs_the_frame_and_all_behind_it() -> None:
    buffer = VideoJitterBuffer()
    packets = video([1, 2, 1, 1], {0})
    frames = [frame for packet in packets if packet is not packets[2] for frame in add(buffer, packet, 0.0)]
    assert numbers(frames) == [0]
    repaired = add(buffer, packets[2], buffer.wait_s * 0.9)
    assert numbers(repaired) == [1, 2, 3]
    assert not any(frame.after_gap for frame in repaired)
    assert buffer.counters.lost_packets == 0


def test_a_hole_is_given_up_at_its_deadline_and_a_keyframe_goes_on() -> None:
    buffer = VideoJitterBuffer()
    packets = video([1, 2, 1, 2, 1], {0, 3})
    for packet in (packets[0], packets[2], packets[3]):
        add(buffer, packet, 0.0)
    assert buffer.expire(buffer.wait_s - 0.001) == []
    assert not buffer.needs_keyframe(0.0)
    assert buffer.expire(buffer.wait_s) == []
    assert buffer.needs_keyframe(buffer.wait_s)
    rest = [frame for packet in packets[4:] for frame in add(buffer, packet, 1.0)]
    assert numbers(rest) == [3, 4]
    assert [(frame.keyframe, frame.after_gap) for frame in rest] == [(True, True), (False, False)]
    assert buffer.counters.lost_packets == 1
    assert buffer.counters.skipped_frames == 2
    assert add(buffer, packets[1], 1.0) == []
    assert buffer.counters.late == 1


def test_a_complete_keyframe_behind_an_expired_hole_leaves_at_once() -> None:
    buffer = VideoJitterBuffer()
    packets = video([1, 1, 1, 1], {0, 3})
    add(buffer, packets[0], 0.0)
    assert [numbers(add(buffer, packet, 0.0)) for packet in packets[2:]] == [[], []]
    frames = buffer.expire(buffer.wait_s)
    assert numbers(frames) == [3]
    assert frames[0].after_gap
    assert not buffer.needs_keyframe(buffer.wait_s)


def test_the_wait_follows_the_round_trip_time_within_bounds() -> None:
    buffer = VideoJitterBuffer()
    waits = []
    for rtt_s in (0.0, 0.02, 0.1, 10.0):
        buffer.rtt_s = rtt_s
        waits.append(round(buffer.wait_s, 3))
    assert waits == [0.06, 0.106, 0.37, 0.8]


def test_a_keyframe_is_asked_for_again_when_none_comes() -> None:
    buffer = VideoJitterBuffer()
    assert not buffer.needs_keyframe(0.0), "nothing has arrived, nobody to ask"
    add(buffer, video([1], set())[0], 0.0)
    asked = [ms for ms in range(0, 1000, 10) if buffer.needs_keyframe(ms / 1000)]
    assert asked == [0, 300, 600, 900]
    buffer.rtt_s = 0.39
    assert [ms for ms in range(1000, 3000, 100) if buffer.needs_keyframe(ms / 1000)] == [1700, 2500]


def test_a_keyframe_that_began_to_arrive_is_not_asked_for() -> None:
    buffer = VideoJitterBuffer()
    first, _, last = video([3], {0})
    add(buffer, first, 0.0)
    assert not buffer.needs_keyframe(0.0)
    add(buffer, last, 0.01)
    buffer.expire(0.01 + buffer.wait_s)
    assert buffer.needs_keyframe(0.01 + buffer.wait_s), "it broke: asked for again at once"


# --- video: asking for packets ----------------------------------------------------------------------------


def test_a_lost_packet_is_asked_for_every_round_trip_until_it_comes() -> None:
    buffer = VideoJitterBuffer()
    buffer.rtt_s = 0.049
    packets = video([1, 1, 1, 1], {0})
    for packet in (packets[0], packets[2]):
        add(buffer, packet, 0.0)
    asked = []
    for ms in range(0, 150, 5):
        missing = buffer.missing(ms / 1000)
        asked += [ms for _ in missing]
        assert set(missing) <= {packets[1].sequence}
    assert asked == [10, 60, 110]
    assert numbers(add(buffer, packets[1], 0.15)) == [1, 2]
    assert buffer.missing(0.2) == []


def test_three_later_packets_end_the_patience_for_reordering() -> None:
    buffer = VideoJitterBuffer()
    packets = video([1] * 5, {0})
    counts = []
    for packet in [packets[0], *packets[2:]]:
        add(buffer, packet, 0.0)
        counts.append(len(buffer.missing(0.0)))
    assert counts == [0, 0, 0, 1]


def test_a_packet_is_asked_for_ten_times_at_most() -> None:
    buffer = VideoJitterBuffer()
    buffer.rtt_s = 0.0
    packets = video([1] * 3, {0})
    add(buffer, packets[0], 0.0)
    add(buffer, packets[2], 0.0)
    assert sum(len(buffer.missing(ms / 1000)) for ms in range(0, 1000, 20)) == 10


# --- video: bounds and hostile input ----------------------------------------------------------------------


@pytest.mark.parametrize("jump", [3000, 20000, -3000, -20000])
def test_a_sender_that_restarts_is_followed_from_its_next_keyframe(jump: int) -> None:
    buffer = VideoJitterBuffer()
    before = video([1, 1, 1], {0})
    after = video([2, 1], {0}, sequence=(before[-1].sequence + jump) % 2**16, timestamp=77)
    assert numbers([frame for packet in before for frame in add(buffer, packet, 0.0)]) == [0, 1, 2]
    frames = [frame for packet in after for frame in add(buffer, packet, 0.0)]
    assert numbers(frames) == [0, 1]
    assert frames[0].after_gap
    assert buffer.counters.restarts == 1


def test_a_long_hole_gives_up_the_oldest_and_keeps_the_memory_bounded() -> None:
    buffer = VideoJitterBuffer()
    first, delta = video([1, 1], {0}, sequence=0)
    add(buffer, first, 0.0)
    for sequence in range(2, 2000):
        assert buffer.add(sequence, sequence * FRAME_TICKS, True, delta.payload, 0.0) == []
        assert len(buffer._packets) + len(buffer._holes) <= buffer.MAX_SPAN
    assert buffer.waits_for_keyframe
    assert buffer.counters.lost_packets == 1
    assert buffer.counters.skipped_frames == 1998
    assert numbers(buffer.add(2000, 0, True, first.payload, 0.0)) == [0]


def test_a_frame_without_end_is_dropped_at_four_mebibytes() -> None:
    buffer = VideoJitterBuffer()
    add(buffer, video([1], {0}, sequence=0)[0], 0.0)
    for sequence in range(1, 600):
        assert buffer.add(sequence, 5, False, bytes([255]) * 60_000, 0.0) == []
        assert buffer._bytes <= buffer.MAX_BYTES
        assert buffer._bytes == sum(len(packet.payload) for packet in buffer._packets.values())
    assert buffer.needs_keyframe(0.0)
    assert numbers(buffer.add(600, 9, True, KEY, 0.0)) == [0]


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**16 - 1),
            st.integers(0, 2**32 - 1),
            st.booleans(),
            st.sampled_from([b"", KEY, DELTA, b"\x00", b"\x00\x00\x00\x01\x67"]),
            st.floats(0, 0.3),
        ),
        max_size=60,
    )
)
def test_whatever_a_peer_sends_the_buffer_stays_consistent(
    packets: list[tuple[int, int, bool, bytes, float]],
) -> None:
    buffer, audio, now_s = VideoJitterBuffer(), AudioJitterBuffer(), 0.0
    broken = True
    for sequence, timestamp, marker, payload, pause_s in packets:
        now_s += pause_s
        restarts = buffer.counters.restarts
        frames = buffer.add(sequence, timestamp, marker, payload, now_s)
        broken = broken or buffer.counters.restarts > restarts
        for frame in frames:
            assert frame.keyframe or not broken
            broken = False
        broken = broken or buffer.waits_for_keyframe
        audio.add(sequence, timestamp, marker, payload, now_s)
        buffer.missing(now_s)
        buffer.needs_keyframe(now_s)
        assert len(buffer._packets) + len(buffer._holes) <= buffer.MAX_SPAN
        assert len(audio._packets) <= audio.MAX_PACKETS
        assert list(buffer._holes) == sorted(buffer._holes)
        assert buffer._bytes == sum(len(packet.payload) for packet in buffer._packets.values())


# --- any loss, any reordering -----------------------------------------------------------------------------


@st.composite
def journeys(draw: st.DrawFn) -> tuple[list[Sent], list[tuple[int, int]]]:
    """A stream and the (packet index, arrival in ms) of what comes: late by up to 80 ms, lost, copied."""
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=25))
    keyframes = draw(st.sets(st.integers(0, len(counts) - 1))) | {0}
    packets = video(counts, keyframes)
    arrivals: list[tuple[int, int]] = []
    for index in range(len(packets)):
        for copy in range(draw(st.sampled_from([0, 1, 1, 1, 1, 1, 2]))):
            late_ms = draw(st.integers(0, 80)) if draw(st.booleans()) else 0
            arrivals.append((index, 10 * index + late_ms + 15 * copy))
    arrivals.sort(key=lambda arrival: arrival[1])
    return packets, arrivals


def play(
    buffer: VideoJitterBuffer | AudioJitterBuffer, packets: list[Sent], arrivals: list[tuple[int, int]]
) -> list[tuple[Assembled, float]]:
    """Run the clock in steps of 1 ms; returns the frames with the seconds of their release."""
    released: list[tuple[Assembled, float]] = []
    waiting = list(arrivals)
    for ms in range((arrivals[-1][1] if arrivals else 0) + 900):
        while waiting and waiting[0][1] == ms:
            packet = packets[waiting.pop(0)[0]]
            released += [(frame, ms / 1000) for frame in add(buffer, packet, ms / 1000)]
        released += [(frame, ms / 1000) for frame in buffer.expire(ms / 1000)]
    return released


@settings(deadline=None)
@given(journeys())
def test_video_is_in_order_whole_and_never_resumes_without_a_keyframe(
    journey: tuple[list[Sent], list[tuple[int, int]]],
) -> None:
    packets, arrivals = journey
    buffer = VideoJitterBuffer()
    released = play(buffer, packets, arrivals)
    whole: dict[int, bytes] = {}
    for packet in packets:
        whole[packet.payload[-1]] = whole.get(packet.payload[-1], b"") + packet.payload
    order = [frame.data[SIZE - 1] for frame, _ in released]
    assert order == sorted(set(order))
    assert [frame.data for frame, _ in released] == [whole[number] for number in order]
    for before, (frame, released_s) in zip([-1, *order], released, strict=False):
        number = frame.data[SIZE - 1]
        assert number == before + 1 or frame.keyframe
        assert frame.after_gap == (number != before + 1 and before >= 0)
        assert released_s - frame.arrived_s <= buffer.wait_s + 0.0011
    ticks = [frame.timestamp - released[0][0].timestamp for frame, _ in released]
    assert ticks == [FRAME_TICKS * (number - order[0]) for number in order]
    assert not buffer._holes


@settings(deadline=None)
@given(journeys())
def test_video_that_only_reorders_within_the_wait_is_complete(
    journey: tuple[list[Sent], list[tuple[int, int]]],
) -> None:
    packets, arrivals = journey
    came = {index for index, _ in arrivals}
    first = [index for index, packet in enumerate(packets) if packet.timestamp == packets[0].timestamp]
    arrivals = [(index, 0) for index in first] + [(index, ms + 100) for index, ms in arrivals]
    # what was lost comes 500 ms after it was due
    arrivals += [(index, 10 * index + 600) for index in range(len(packets)) if index not in came]
    arrivals.sort(key=lambda arrival: arrival[1])
    buffer = VideoJitterBuffer()
    buffer.rtt_s = 1.0  # waits 800 ms
    frames = [frame for frame, _ in play(buffer, packets, arrivals)]
    assert numbers(frames) == list(range(len({packet.timestamp for packet in packets})))
    assert buffer.counters.lost_packets == 0


@settings(deadline=None)
@given(journeys())
def test_audio_is_in_order_and_waits_no_longer_than_it_says(
    journey: tuple[list[Sent], list[tuple[int, int]]],
) -> None:
    packets, arrivals = journey
    buffer = AudioJitterBuffer()
    released = play(buffer, packets, arrivals)
    sequences = [packets.index(next(p for p in packets if p.payload == frame.data)) for frame, _ in released]
    assert [frame.timestamp for frame, _ in released] == sorted(frame.timestamp for frame, _ in released)
    assert sequences == sorted(sequences)
    assert all(released_s - frame.arrived_s <= buffer.WAIT_S + 0.0011 for frame, released_s in released)
    assert buffer.counters.frames + buffer.counters.late + buffer.counters.duplicates == len(arrivals)


# --- audio ------------------------------------------------------------------------------------------------


def audio(count: int, *, sequence: int = 65500) -> list[Sent]:
    return [
        Sent((sequence + n) % 2**16, (2**32 - 9600 + 960 * n) % 2**32, False, n.to_bytes(SIZE, "big"))
        for n in range(count)
    ]


def test_an_audio_hole_is_skipped_for_good_after_the_wait() -> None:
    buffer = AudioJitterBuffer()
    packets = audio(6)
    times = [0.0, None, 0.04, 0.06, 0.08, 0.1]
    released = [
        [(frame.data[-1], frame.after_gap) for frame in add(buffer, packet, now_s)]
        for packet, now_s in zip(packets, times, strict=True)
        if now_s is not None
    ]
    assert released == [[(0, False)], [], [], [(2, True), (3, False), (4, False)], [(5, False)]]
    assert buffer.counters.lost_packets == 1
    assert buffer.counters.delay_s == 0.0


def lossy_minute(loss_fraction: float) -> list[tuple[float, Sent]]:
    """A minute of 20 ms packets, some of them lost, jittered by up to 15 ms without reordering."""
    rng = random.Random(20)
    sent = [(0.02 * n + rng.uniform(0, 0.015), packet) for n, packet in enumerate(audio(3000))]
    return [item for item in sent if rng.random() >= loss_fraction]


def test_audio_delay_does_not_grow_with_loss_and_stock_does() -> None:
    """Two percent of the packets are lost; the delay of each minute's quarter stays the same, under 40 ms."""
    ours, stock = AudioJitterBuffer(), StockJitterBuffer(capacity=16, prefetch=4)
    ours_s: list[float] = []
    stock_s: list[float] = []
    arrivals: dict[int, float] = {}
    arrived = lossy_minute(0.02)
    for now_s, packet in arrived:
        arrivals[packet.timestamp] = now_s
        ours_s += [now_s - frame.arrived_s for frame in add(ours, packet, now_s)]
        rtp = RtpPacket(sequence_number=packet.sequence, timestamp=packet.timestamp)
        rtp._data = packet.payload  # type: ignore[attr-defined]
        _, held = stock.add(rtp)
        if held is not None:
            stock_s.append(now_s - arrivals[held.timestamp])
    assert len(ours_s) == len(arrived) == ours.counters.frames
    quarter = len(ours_s) // 4
    assert max(ours_s) <= ours.WAIT_S + 0.035  # the next packet is the clock here: up to 20 ms + jitter later
    assert sum(delay_s > 0 for delay_s in ours_s[-quarter:]) < 0.15 * quarter
    assert sorted(ours_s[-quarter:])[quarter // 2] == 0.0
    assert sorted(stock_s)[len(stock_s) // 2] > 0.2, "aiortc's buffer keeps what a loss added"


def test_one_lost_video_packet_stalls_stock_until_512_came_and_ours_only_for_the_wait() -> None:
    packets = video([2] * 250, {0, 100, 200})
    lost = packets[5]
    stock, ours = StockJitterBuffer(capacity=512, is_video=True), VideoJitterBuffer()
    stock_at: list[float] = []
    ours_at: list[float] = []
    for index, packet in enumerate(packets):
        if packet is lost:
            continue
        now_s = index / 60
        rtp = RtpPacket(sequence_number=packet.sequence, timestamp=packet.timestamp)
        rtp._data = packet.payload  # type: ignore[attr-defined]
        if stock.add(rtp)[1] is not None:
            stock_at.append(now_s)
        ours_at += [now_s] * len(add(ours, packet, now_s))
    assert len(stock_at) == 2
    assert len(ours_at) == 2 + 150
    assert ours_at[2] == pytest.approx(201 / 60)


# --- small parts ------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(0, 2**16 - 1), st.lists(st.integers(-32768, 32767), max_size=50))
def test_unwrapping_follows_any_steps_of_less_than_half_the_span(start: int, steps: list[int]) -> None:
    unwrapper, true = Unwrapper(16), start
    unwrapper.last = unwrapper.near(start)
    for step in steps:
        true += step
        assert unwrapper.near(true % 2**16) == true
        unwrapper.last = true


SPS, PPS, IDR, SLICE = (
    b"\x00\x00\x00\x01" + bytes([kind]) + b"\x42\x00" for kind in (0x67, 0x68, 0x65, 0x41)
)


@pytest.mark.parametrize(
    ("codec", "data", "expected"),
    [
        ("VP8", KEY, True),
        ("vp8", DELTA, False),
        ("VP8", b"", False),
        ("H264", SPS + PPS + IDR, True),
        ("H264", IDR, True),
        ("H264", b"\x00\x00\x01\x65\x88", True),
        ("H264", SLICE, False),
        ("h264", b"\x00\x00\x00\x01", False),
        ("opus", b"\xfc", True),
    ],
)
def test_keyframes_are_told_from_their_first_bytes(codec: str, data: bytes, expected: bool) -> None:
    assert is_keyframe(codec, data) is expected


def test_the_first_packet_of_a_keyframe_is_known_without_the_codec() -> None:
    assert [starts_keyframe(data) for data in (KEY, SPS + PPS, SPS)] == [True] * 3
    assert not any(starts_keyframe(data) for data in (DELTA, b"", b"\x00", PPS, IDR, SLICE, KEY[1:]))


def test_an_h264_keyframe_of_many_packets_is_one_frame() -> None:
    buffer = VideoJitterBuffer()
    frames = []
    for sequence, (payload, marker) in enumerate([(SPS + PPS, False), (IDR, False), (b"\xff" * 9, True)]):
        frames += buffer.add(sequence, 0, marker, payload, 0.0)
    assert [(frame.keyframe, frame.data) for frame in frames] == [(True, SPS + PPS + IDR + b"\xff" * 9)]
