"""Times in a recording rise, whatever the clocks of a sender do."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.engine.feed import EncodedFrame, Kind, SenderReport
from nbrtc.engine.timeline import Timeline
from nbrtc.engine.tracks import block, describe, nal_units
from tests.unit.drifting_sender import DriftingSender


def frame(kind: Kind, media_s: float, arrived_s: float) -> EncodedFrame:
    rate = 90000 if kind == "video" else 48000
    return EncodedFrame(kind, "VP8", round(media_s * rate), rate, True, b"", arrived_s)


def place(
    timeline: Timeline, sent: EncodedFrame, report: SenderReport | None, times: dict[Kind, list[int]]
) -> None:
    """Place a frame, and move what has to move."""
    time_ms = timeline.place(sent, report)
    for kind, since_ms, by_ms in timeline.moves():
        times[kind] = [at + by_ms if at >= since_ms else at for at in times[kind]]
    times[sent.kind].append(time_ms)


def test_an_rtp_jump_goes_on_at_the_time_of_arrival() -> None:
    timeline = Timeline()
    assert timeline.place(frame("video", 7.0, 100.0), None) == 0
    assert timeline.place(frame("video", 8.0, 101.1), None) == 1000
    assert timeline.place(frame("video", 40_000.0, 102.0), None) == 2000
    assert timeline.place(frame("video", 40_001.0, 103.0), None) == 3000
    assert timeline.place(frame("video", 3.0, 104.0), None) == 4000


def test_a_late_burst_is_no_jump_where_a_report_vouches_for_the_clock() -> None:
    timeline, report = Timeline(), SenderReport(1000.0, 0)
    assert timeline.place(frame("video", 0.0, 100.0), report) == 0
    late = [
        timeline.place(frame("video", 0.1 * index, 105.0 + index / 1000), report) for index in range(1, 50)
    ]
    assert late == [100 * index for index in range(1, 50)]


def test_a_drifting_clock_is_followed_gently() -> None:
    timeline = Timeline()
    times = []
    for index in range(3000):  # a minute in which the sound card loses 0.1 s
        media_s = index * 0.02
        true_s = media_s * (1 + 0.1 / 60)
        report = SenderReport(1000.0 + true_s, round(media_s * 48000))
        times.append(timeline.place(frame("audio", media_s, true_s), report) or 0)
    assert abs(times[-1] - 2999 * 0.02 * (1 + 0.1 / 60) * 1000) <= 1
    assert {later - earlier for earlier, later in pairwise(times)} <= {20, 21}


def test_a_sender_that_sets_its_wall_clock_moves_nothing() -> None:
    timeline = Timeline()
    times = []
    for index in range(100):
        ntp_s = 1000.0 + (3600.0 if index >= 50 else 0.0)
        report = SenderReport(ntp_s, 0)
        times.append(timeline.place(frame("video", index * 0.1, index * 0.1), report))
        times.append(timeline.place(frame("audio", index * 0.1, index * 0.1), report))
    assert times == [100 * index for index in range(100) for _ in range(2)]


def test_rtp_time_that_stood_still_is_corrected_by_the_report() -> None:
    timeline = Timeline()
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
    ),
    st.integers(1, 20),
)
def test_times_of_a_kind_always_rise(
    steps: list[tuple[Kind, float, float, tuple[float, int] | None]], begins: int
) -> None:
    timeline, now_s = Timeline(), 0.0
    times: dict[Kind, list[int]] = {"video": [], "audio": []}
    for kind, media_s, passed_s, report in steps:
        now_s += passed_s
        sent = SenderReport(*report) if report else None
        place(timeline, frame(kind, media_s, now_s), sent, times)
        if begins == len(times["video"]) + len(times["audio"]):
            zero_ms = min(times["video"] + times["audio"])
            timeline.begin(zero_ms)
            times = {each: [time_ms - zero_ms for time_ms in times[each]] for each in times}
        for each in times.values():
            assert all(earlier < later for earlier, later in pairwise(each))
    if begins <= len(steps):
        assert min(times["video"] + times["audio"], default=0) >= 0


# --- senders and networks ---

SENDERS = st.builds(
    DriftingSender,
    seed=st.integers(0, 1 << 32),
    seconds=st.just(20.0),
    fps=st.sampled_from([5.0, 15.0, 30.0]),
    packet_s=st.sampled_from([0.02, 0.06]),
    delay_s=st.fixed_dictionaries({"video": st.floats(0.005, 0.4), "audio": st.floats(0.005, 0.4)}),
    jitter_s=st.floats(0, 0.06),
    loss=st.sampled_from([0, 0.02, 0.2]),
    wall_ppm=st.floats(-100, 100),
    audio_ppm=st.floats(-100, 100),
)


@settings(max_examples=50, deadline=None)
@given(
    SENDERS,
    st.sampled_from(["reports", "captured"]),
    st.sampled_from([0.0, 0.0, 1.5, 4.0]),
    st.sampled_from([{}, {"audio": (5.0, 9.0)}, {"video": (0.0, 8.0)}, {"audio": (0.0, 6.0)}]),
    st.booleans(),
)
def test_lips_and_voice_stay_together_whatever_the_network_does(
    sender: DriftingSender,
    tells: str,
    reports_from_s: float,
    off: dict[Kind, tuple[float, float]],
    stops_rtp: bool,
) -> None:
    sender.tells, sender.reports_from_s, sender.off, sender.stops_rtp = tells, reports_from_s, off, stops_rtp
    sender.run()
    check_rising(sender)
    # A clamp at the file's front is over after the first second; reports after a pause come within five.
    assert sender.lip_error_s(from_s=14.0 if stops_rtp else 1.0) <= 0.04
    for kind in ("video", "audio"):
        times_s = [placed.time_ms / 1000 for placed in sender.placed[kind] if placed.true_s >= 14]
        trues_s = [placed.true_s for placed in sender.placed[kind] if placed.true_s >= 14]
        assert times_s[-1] - times_s[0] == pytest.approx(trues_s[-1] - trues_s[0], abs=0.03)


@settings(max_examples=10, deadline=None)
@given(SENDERS)
def test_without_a_capture_clock_the_smallest_delays_are_taken_for_equal(sender: DriftingSender) -> None:
    sender.tells = "nothing"
    sender.run()
    check_rising(sender)
    differ_s = abs(sender.delay_s["video"] - sender.delay_s["audio"])
    assert sender.lip_error_s(from_s=14.0) <= differ_s + 0.04 + sender.jitter_s


def check_rising(sender: DriftingSender) -> None:
    for placed in sender.placed.values():
        assert all(one.time_ms < other.time_ms for one, other in pairwise(placed))
        assert all(one.time_ms >= 0 for one in placed)


@pytest.mark.parametrize("tells", ["reports", "nothing"])
@pytest.mark.parametrize("ppm", [-100.0, 100.0])
def test_an_hour_of_drifting_clocks_moves_nothing(tells: str, ppm: float) -> None:
    sender = DriftingSender(
        seconds=3600, fps=5, packet_s=0.2, wall_ppm=ppm, audio_ppm=50, jitter_s=0.01, tells=tells
    )
    sender.delay_s["video"] = sender.delay_s["audio"]
    timeline = sender.run()
    check_rising(sender)
    assert sender.lip_error_s(from_s=1.0) <= 0.04
    for kind in ("video", "audio"):
        errors_s = sender.errors_s(kind, from_s=1.0)
        assert max(errors_s) - min(errors_s) <= 0.03  # 0.36 s without following
        assert timeline.start_s == pytest.approx(1000.02 - errors_s[-1], abs=0.03)


def test_a_minute_without_sound_keeps_time() -> None:
    for stops_rtp in (False, True):
        sender = DriftingSender(seconds=100, off={"audio": (20.0, 80.0)}, stops_rtp=stops_rtp)
        sender.delay_s["video"] = 0.3
        sender.run()
        check_rising(sender)
        assert sender.lip_error_s(from_s=1.0) <= 0.04


def test_sound_that_comes_back_beside_an_old_report_keeps_time() -> None:
    sender = DriftingSender(
        seconds=20, reports_from_s=4.0, off={"audio": (5.0, 9.0)}, stops_rtp=True, fps=5, jitter_s=0, loss=0
    )
    sender.run()
    check_rising(sender)
    assert sender.lip_error_s(from_s=14.0) <= 0.04


def test_rtp_time_that_leaps_keeps_time() -> None:
    for tells in ("reports", "captured"):
        sender = DriftingSender(seconds=20, leap_at_s=8.0, tells=tells)
        sender.run()
        check_rising(sender)
        assert sender.lip_error_s(from_s=1.0) <= 0.04


def test_the_start_is_that_of_the_frame_that_was_fastest() -> None:
    sender = DriftingSender(seconds=12, jitter_s=0.05)
    timeline = sender.run()
    assert timeline.start_s == pytest.approx(1000.02 - sender.errors_s("audio")[-1], abs=0.005)


# --- what lies in a block ---


@given(st.binary(max_size=200), st.sampled_from(["VP8", "VP9", "AV1", "H264"]))
def test_hostile_keyframes_are_described_or_refused(data: bytes, codec: str) -> None:
    prefixes = (
        b"",
        b"\x10\x02\x00\x9d\x01\x2a",
        b"\x00\x00\x01\x68\xce\x00\x00\x01\x67\x42\x00\x1f",
        b"\x82\x49\x83\x42",
        b"\x12\x00\x0a",
        b"\x0a\x0b",
    )
    for prefix in prefixes:
        track = describe(EncodedFrame("video", codec, 0, 90000, True, prefix + data, 0.0))
        assert track is None or (0 < track.width <= 16384 and 0 < track.height <= 16384)
        assert isinstance(block(EncodedFrame("video", codec, 0, 90000, False, prefix + data, 0.0)), bytes)


def test_units_are_split_at_short_and_long_start_codes() -> None:
    stream = b"\x00\x00\x00\x01\x67\x42\x00\x00\x01\x68\xce\x00\x00\x00\x01\x65\x88"
    assert list(nal_units(stream)) == [b"\x67\x42", b"\x68\xce", b"\x65\x88"]
