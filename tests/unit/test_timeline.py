"""Times in a recording rise, whatever the clocks of a sender do."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.feed import EncodedFrame, Kind, SenderReport
from nbrtc.engine.timeline import Timeline
from nbrtc.engine.tracks import describe, nal_units


def frame(kind: Kind, media_s: float, arrived_s: float) -> EncodedFrame:
    rate = 90000 if kind == "video" else 48000
    return EncodedFrame(kind, "VP8", round(media_s * rate), rate, True, b"", arrived_s)


def test_an_rtp_jump_goes_on_at_the_time_of_arrival() -> None:
    timeline = Timeline(100.0)
    assert timeline.place(frame("video", 7.0, 100.0), None) == 0
    assert timeline.place(frame("video", 8.0, 101.1), None) == 1000
    assert timeline.place(frame("video", 40_000.0, 102.0), None) == 2000
    assert timeline.place(frame("video", 40_001.0, 103.0), None) == 3000
    assert timeline.place(frame("video", 3.0, 104.0), None) == 4000


def test_a_late_burst_is_no_jump_where_a_report_vouches_for_the_clock() -> None:
    timeline, report = Timeline(100.0), SenderReport(1000.0, 0)
    assert timeline.place(frame("video", 0.0, 100.0), report) == 0
    late = [
        timeline.place(frame("video", 0.1 * index, 105.0 + index / 1000), report) for index in range(1, 50)
    ]
    assert late == [100 * index for index in range(1, 50)]


def test_a_drifting_clock_is_followed_gently() -> None:
    timeline = Timeline(0.0)
    times = []
    for index in range(3000):  # a minute in which the sound card loses 0.1 s
        media_s = index * 0.02
        true_s = media_s * (1 + 0.1 / 60)
        report = SenderReport(1000.0 + true_s, round(media_s * 48000))
        times.append(timeline.place(frame("audio", media_s, true_s), report) or 0)
    assert abs(times[-1] - 2999 * 0.02 * (1 + 0.1 / 60) * 1000) <= 1
    assert {later - earlier for earlier, later in pairwise(times)} <= {20, 21}


def test_a_sender_that_sets_its_wall_clock_moves_nothing() -> None:
    timeline = Timeline(0.0)
    times = []
    for index in range(100):
        ntp_s = 1000.0 + (3600.0 if index >= 50 else 0.0)
        report = SenderReport(ntp_s, 0)
        times.append(timeline.place(frame("video", index * 0.1, index * 0.1), report))
        times.append(timeline.place(frame("audio", index * 0.1, index * 0.1), report))
    assert times == [100 * index for index in range(100) for _ in range(2)]


def test_rtp_time_that_stood_still_is_corrected_by_the_report() -> None:
    timeline = Timeline(0.0)
    assert timeline.place(frame("video", 1.0, 0.0), SenderReport(1000.0, 90000)) == 0
    assert timeline.place(frame("video", 1.1, 10.0), SenderReport(1010.0, 99000)) == 10_000


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["video", "audio"]),
            st.floats(0, 1e5),
            st.floats(0, 100),
            st.none() | st.tuples(st.floats(0, 4e9), st.integers(0, 2**33)),
        )
    )
)
def test_times_of_a_kind_always_rise(
    steps: list[tuple[Kind, float, float, tuple[float, int] | None]],
) -> None:
    timeline, now_s = Timeline(0.0), 0.0
    last: dict[Kind, int] = {}
    for kind, media_s, passed_s, report in steps:
        now_s += passed_s
        time_ms = timeline.place(frame(kind, media_s, now_s), SenderReport(*report) if report else None)
        if time_ms is not None:
            assert time_ms > last.get(kind, -1)
            last[kind] = time_ms


@given(st.binary(max_size=200), st.sampled_from(["VP8", "H264"]))
def test_hostile_keyframes_are_described_or_refused(data: bytes, codec: str) -> None:
    prefixes = (b"", b"\x10\x02\x00\x9d\x01\x2a", b"\x00\x00\x01\x68\xce\x00\x00\x01\x67\x42\x00\x1f")
    for prefix in prefixes:
        track = describe(EncodedFrame("video", codec, 0, 90000, True, prefix + data, 0.0))
        assert track is None or (0 < track.width <= 16384 and 0 < track.height <= 16384)


def test_units_are_split_at_short_and_long_start_codes() -> None:
    stream = b"\x00\x00\x00\x01\x67\x42\x00\x00\x01\x68\xce\x00\x00\x00\x01\x65\x88"
    assert list(nal_units(stream)) == [b"\x67\x42", b"\x68\xce", b"\x65\x88"]
