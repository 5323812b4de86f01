"""The encoded tap's engine end: whole frames come out, and nothing that is sent to it does harm."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.feed import EncodedFrame
from nbrtc.engine.page_clock import MAX_DELAY_S, WINDOW_S, PageClock
from nbrtc.engine.tap import ACKNOWLEDGE_S, QUIET_S, Tap
from nbrtc.engine.tap_message import (
    HEADER,
    MAX_FRAME_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_SOUND_BYTES,
    MAX_TIME_MS,
    read,
)
from tests.unit.tapped import DELTA, KEYFRAME, PageEnd, messages


class Heard:
    """A tap with Bob and Carol in the room, and what came of them."""

    def __init__(self) -> None:
        self.tap = Tap()
        self.link = PageEnd()
        self.video: list[EncodedFrame] = []
        self.audio: list[EncodedFrame] = []
        for participant in ("bob", "carol"):
            feeds = self.tap.add(participant)
            feeds["video"].subscribe(self.video.append)
            feeds["audio"].subscribe(self.audio.append)
        self.tap.attach(self.link)

    def bob(self) -> dict[str, Any]:
        figures: Any = self.tap.figures()
        result: dict[str, Any] = figures["participants"]["bob"]
        return result


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_frames_come_out_as_they_went_in(heard: Heard) -> None:
    large = KEYFRAME + random.Random(1).randbytes(300_000)
    heard.link.send(*messages(large, keyframe=True, timestamp=9000))
    heard.link.send(*messages(DELTA, number=1, timestamp=12_000))
    heard.link.send(*messages(b"sound", codec="opus", timestamp=960))

    assert [frame.data for frame in heard.video] == [large, DELTA]
    assert [(frame.codec, frame.keyframe, frame.after_gap) for frame in heard.video] == [
        ("VP8", True, True),
        ("VP8", False, False),
    ]
    assert [(frame.codec, frame.clock_rate, frame.keyframe) for frame in heard.audio] == [
        ("opus", 48_000, True)
    ]
    assert heard.video[1].timestamp - heard.video[0].timestamp == 3000
    assert heard.bob()["received_bytes"] == len(large) + len(DELTA) + 5
    assert (heard.bob()["video_width"], heard.bob()["video_height"]) == (640, 480)


def test_sound_may_come_between_the_chunks_of_a_picture(heard: Heard) -> None:
    first, *rest = messages(KEYFRAME + bytes(40_000), keyframe=True)
    heard.link.send(first, *messages(b"sound", codec="opus"), *rest)
    assert len(heard.audio) == len(heard.video) == 1


def test_rtp_time_never_jumps(heard: Heard) -> None:
    start = (1 << 32) - 3000
    for number in range(3):
        heard.link.send(*messages(KEYFRAME, keyframe=True, number=number, timestamp=start + 3000 * number))
    # another receiver counts from elsewhere, half a second later
    heard.link.send(*messages(KEYFRAME, keyframe=True, stream=1, timestamp=77, arrived_ms=1_700_000_000_500))
    stamps = [frame.timestamp for frame in heard.video]
    assert stamps[1] - stamps[0] == stamps[2] - stamps[1] == 3000
    assert 0 < stamps[3] - stamps[2] <= 45_000
    assert heard.video[3].after_gap


def test_a_hole_is_counted_and_goes_on_at_a_keyframe(heard: Heard) -> None:
    heard.link.send(*messages(KEYFRAME, keyframe=True))
    heard.link.send(*messages(DELTA, number=4))
    assert len(heard.video) == 1
    assert heard.link.asked == ["bob"]
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=5))
    assert heard.video[1].after_gap
    assert heard.bob()["dropped_frames"] == 4
    assert heard.bob()["keyframe_requests"] == 1


def test_what_came_already_is_not_taken_again_nor_counted_as_lost(heard: Heard) -> None:
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=7))
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=7))
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=6))
    assert len(heard.video) == 1
    assert heard.bob()["dropped_frames"] == 0


def test_frames_of_a_receiver_that_was_replaced_are_dropped(heard: Heard) -> None:
    for stream, number in ((255, 0), (0, 0), (255, 1), (0, 1), (1, 0), (0, 2)):
        heard.link.send(*messages(bytes(1), codec="opus", stream=stream, number=number))
    assert len(heard.audio) == 4
    assert heard.bob()["dropped_frames"] == 0


def test_feeds_are_those_of_the_people_in_the_room(heard: Heard) -> None:
    assert heard.tap.feeds("bob") == heard.tap.add("bob")
    heard.tap.remove("bob")
    assert heard.tap.feeds("bob") is None


def test_a_delta_that_is_called_a_keyframe_is_none(heard: Heard) -> None:
    heard.link.send(*messages(DELTA, keyframe=True))
    assert heard.video == []


def test_what_the_page_asks_for_has_a_limit(heard: Heard) -> None:
    feed = heard.tap.add("bob")["video"]
    for _ in range(50):
        feed.request_keyframe()
    assert heard.link.asked == ["bob"]


def test_frames_of_strangers_are_refused(heard: Heard) -> None:
    heard.link.send(*messages(KEYFRAME, keyframe=True, participant="mallory"))
    heard.tap.remove("carol")
    heard.tap.remove("carol")
    heard.link.send(*messages(KEYFRAME, keyframe=True, participant="carol"))
    assert heard.video == []
    assert heard.tap.refused == 2
    assert heard.tap.participants == {"bob"}


def test_a_frame_whose_chunks_do_not_fit_is_lost_alone(heard: Heard) -> None:
    large = KEYFRAME + bytes(60_000)
    parts = messages(large, keyframe=True)
    heard.link.send(parts[0], parts[2])  # one is missing
    heard.link.send(parts[1])  # belongs to nothing any more
    heard.link.send(*parts[:2], *messages(large, keyframe=True, number=1)[2:])  # of another frame
    assert heard.video == []
    assert heard.tap.refused >= 3
    heard.link.send(*messages(large, keyframe=True, number=2))
    assert [len(frame.data) for frame in heard.video] == [len(large)]


def test_chunks_that_are_more_than_announced_are_refused(heard: Heard) -> None:
    head = list(HEADER.unpack(messages(bytes(100), keyframe=True)[0][: HEADER.size]))
    for index in range(20):
        head[10], head[11] = index, 20
        heard.link.send(HEADER.pack(*head) + b"bob" + bytes(50))
    assert heard.video == []
    assert heard.tap.refused > 0


def test_unfinished_frames_of_others_do_not_keep_a_frame_from_arriving() -> None:
    tap, link = Tap(), PageEnd()
    people = [f"p{number}" for number in range(12)]
    for participant in people:
        tap.add(participant)
    sizes: list[int] = []
    tap.add("bob")["video"].subscribe(lambda frame: sizes.append(len(frame.data)))
    tap.attach(link)
    data = KEYFRAME + bytes(MAX_FRAME_BYTES - len(KEYFRAME))
    for participant in people:
        link.send(*messages(data, participant=participant, chunk_bytes=60_000)[:-1])
    link.send(*messages(data, keyframe=True, chunk_bytes=60_000))
    assert sizes == [MAX_FRAME_BYTES]
    tap.detach()
    assert all(track.partial is None for source in tap._sources.values() for track in source.tracks.values())


def test_a_frame_larger_than_may_be_is_refused() -> None:
    for codec, limit in (("VP8", MAX_FRAME_BYTES), ("opus", MAX_SOUND_BYTES)):
        assert read(messages(bytes(limit), codec=codec)[0]) is not None
        assert read(messages(bytes(limit + 1), codec=codec)[0]) is None


def test_nothing_is_heard_of_a_link_that_went(heard: Heard) -> None:
    old = heard.link
    heard.tap.attach(PageEnd())
    old.send(*messages(KEYFRAME, keyframe=True))
    assert heard.video == []


def test_a_new_link_of_the_same_page_goes_on_where_the_old_one_was(heard: Heard) -> None:
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=10, timestamp=3000))
    heard.link = PageEnd()
    heard.tap.attach(heard.link)
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=11, timestamp=9000))
    assert heard.video[1].timestamp - heard.video[0].timestamp == 6000
    assert heard.bob()["dropped_frames"] == 0


def test_what_was_half_there_when_the_link_went_is_no_hole_if_it_comes_again(heard: Heard) -> None:
    first = messages(KEYFRAME, keyframe=True, kept=True)
    second = messages(DELTA + bytes(40_000), number=1, kept=True)
    third = messages(DELTA, number=2, kept=True)
    heard.link.send(*first, *second[:2])
    heard.tap.attach(after := PageEnd())
    after.send(*first, *second, *third)
    assert [len(frame.data) for frame in heard.video] == [len(KEYFRAME), len(DELTA) + 40_000, len(DELTA)]
    assert [frame.after_gap for frame in heard.video] == [True, False, False]
    assert heard.bob()["dropped_frames"] == 0


def test_what_was_half_there_and_does_not_come_again_is_a_hole(heard: Heard) -> None:
    heard.link.send(*messages(KEYFRAME, keyframe=True), *messages(DELTA + bytes(40_000), number=1)[:2])
    heard.tap.attach(after := PageEnd())
    after.send(*messages(DELTA, number=2), *messages(KEYFRAME, keyframe=True, number=3))
    assert [frame.after_gap for frame in heard.video] == [True, True]
    assert heard.bob()["dropped_frames"] == 2


def test_the_page_hears_what_came_of_the_frames_that_it_keeps(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr("nbrtc.engine.tap.time.monotonic", lambda: now_s)
    heard.link.send(*messages(KEYFRAME, keyframe=True, stream=3, number=7))
    assert heard.link.have == []
    heard.link.send(*messages(DELTA, stream=3, number=8, kept=True))
    assert heard.link.have == [["bob", "video", 3, 8]]
    for number in range(9, 30):
        heard.link.send(*messages(DELTA, stream=3, number=number, kept=True))
    heard.link.send(*messages(b"sound", codec="opus", stream=2, number=5, kept=True))
    assert len(heard.link.have) == 1, "it was told too often"
    now_s += ACKNOWLEDGE_S
    heard.link.send(*messages(b"sound", codec="opus", stream=2, number=6, kept=True))
    assert heard.link.have[1:] == [["bob", "video", 3, 29], ["bob", "audio", 2, 6]]


def test_what_waited_for_a_link_gets_the_times_of_its_arrival_at_the_page(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_ms, now_s = 1_700_000_000_000.0, 1000.0
    monkeypatch.setattr("nbrtc.engine.tap.time.monotonic", lambda: now_s)

    def send(number: int) -> None:
        arrived_ms, sent_ms = start_ms + 100 * number, start_ms + 1000 * (now_s - 1000)
        heard.link.send(*messages(b"s", codec="opus", number=number, arrived_ms=arrived_ms, sent_ms=sent_ms))

    for number in range(10):
        now_s = 1000 + number / 10
        send(number)
    heard.link = PageEnd()
    heard.tap.attach(heard.link)
    for number in range(10, 3000):  # the link was away for three minutes, and the page catches up in two more
        now_s = 1180 + number / 25
        send(number)
    arrived_s = [frame.arrived_s for frame in heard.audio]
    assert arrived_s == pytest.approx([1000 + number / 10 for number in range(3000)], abs=1e-6)
    assert heard.bob()["delay_s"] == pytest.approx(now_s - arrived_s[-1])
    assert heard.tap.late_s("bob") == heard.bob()["delay_s"]
    now_s += QUIET_S + 0.1
    assert heard.tap.late_s("bob") == 0, "nothing comes of whom nothing more is to come"
    assert heard.tap.late_s("stranger") == 0


def test_capture_times_come_with_the_frames(heard: Heard) -> None:
    heard.link.send(*messages(KEYFRAME, keyframe=True, captured_ms=-1500.0))
    heard.link.send(*messages(b"sound", codec="opus", captured_ms=1_700_000_000_020.5))
    heard.link.send(*messages(b"sound", codec="opus", number=1))
    assert [frame.captured_s for frame in heard.video] == [-1.5]
    assert [frame.captured_s for frame in heard.audio] == [1_700_000_000.0205, None]


@pytest.mark.parametrize("captured_ms", [float("nan"), float("inf"), float("-inf"), 2 * MAX_TIME_MS, -1e300])
def test_impossible_capture_times_are_none(captured_ms: float) -> None:
    message = read(messages(KEYFRAME, keyframe=True, captured_ms=captured_ms)[0])
    assert message is not None
    assert message.captured_ms is None


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    heard = Heard()
    heard.link.send(data)
    assert heard.tap.refused + heard.bob()["audio_frames"] + heard.bob()["video_frames"] <= 2


@given(st.data())
def test_a_message_with_any_field_changed_is_read_or_refused(data: st.DataObject) -> None:
    message = bytearray(messages(KEYFRAME + bytes(50), keyframe=True)[0])
    position = data.draw(st.integers(0, HEADER.size - 1))
    message[position] = data.draw(st.integers(0, 255))
    result = read(bytes(message))
    assert result is None or len(result.chunk) <= result.size <= MAX_FRAME_BYTES


def test_too_large_a_message_is_refused() -> None:
    (message,) = messages(bytes(MAX_MESSAGE_BYTES), keyframe=True, chunk_bytes=MAX_MESSAGE_BYTES)
    assert read(message) is None


@pytest.mark.parametrize("time_ms", [float("nan"), float("inf"), -1.0, 1e300])
def test_impossible_times_are_refused(time_ms: float) -> None:
    assert read(messages(KEYFRAME, keyframe=True, arrived_ms=time_ms, sent_ms=0)[0]) is None
    assert read(messages(KEYFRAME, keyframe=True, sent_ms=time_ms)[0]) is None


def heard_and_placed(clock: PageClock, page_ms: float, now_s: float) -> float:
    clock.hear(page_ms, now_s)
    return clock.place(page_ms, now_s)


def test_the_pages_clock_is_tied_to_ours_by_what_came_quickest() -> None:
    clock = PageClock()
    assert heard_and_placed(clock, 1_000_000, 50.0) == 50.0
    assert heard_and_placed(clock, 1_001_000, 51.4) == pytest.approx(51.0)  # 0.4 s late
    assert heard_and_placed(clock, 1_002_000, 51.9) == pytest.approx(51.9)  # quicker than all before
    assert clock.place(1_002_000, 80.0) == pytest.approx(51.9)  # it waited in the page
    assert clock.place(2_000_000, 81.0) == 81.0  # nothing arrives in the future
    assert clock.place(0, MAX_DELAY_S + 100) == 100.0


def test_a_drift_of_the_pages_clock_is_followed() -> None:
    clock, second = PageClock(), 1.0
    heard_and_placed(clock, 0, second)
    while second < 10 * WINDOW_S:
        second += 1
        placed = heard_and_placed(clock, (second - 1) * 1000 * 0.999, second)  # it loses a ms each second
    assert second - placed < 2 * WINDOW_S * 0.001 + 1e-9


def test_a_pause_does_not_untie_the_clocks() -> None:
    clock = PageClock()
    clock.hear(0, 100.0)
    clock.hear(3_600_000, 3700.4)  # an hour of nothing, and then something slow
    assert clock.place(3_600_000, 3700.4) == pytest.approx(3700.0)
