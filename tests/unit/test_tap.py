"""The encoded tap's engine end: whole frames come out, and nothing that is sent to it does harm."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.engine.feed import EncodedFrame
from nbrtc.engine.page_clock import MAX_DELAY_S, WINDOW_S, PageClock
from nbrtc.engine.tap import REASSEMBLY_BYTES, Tap
from nbrtc.engine.tap_message import HEADER, MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, read
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


def test_an_old_number_is_dropped(heard: Heard) -> None:
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=7))
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=7))
    heard.link.send(*messages(KEYFRAME, keyframe=True, number=6))
    assert len(heard.video) == 1


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
        head[8], head[9] = index, 20
        heard.link.send(HEADER.pack(*head) + b"bob" + bytes(50))
    assert heard.video == []
    assert heard.tap.refused > 0


def test_unfinished_frames_never_take_more_memory_than_allowed() -> None:
    tap, link = Tap(), PageEnd()
    people = [f"p{number}" for number in range(12)]
    for participant in people:
        tap.add(participant)
    tap.attach(link)
    data = bytes(MAX_FRAME_BYTES)
    for participant in people:
        for codec in ("VP8", "opus"):
            link.send(*messages(data, participant=participant, codec=codec, chunk_bytes=60_000)[:-1])
            assert tap._partial_bytes <= REASSEMBLY_BYTES
    assert tap.refused > 0
    tap.detach()
    assert tap._partial_bytes == 0


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


@pytest.mark.parametrize("arrived_ms", [float("nan"), float("inf"), -1.0, 1e300])
def test_impossible_times_are_refused(arrived_ms: float) -> None:
    assert read(messages(KEYFRAME, keyframe=True, arrived_ms=arrived_ms)[0]) is None


def test_the_pages_clock_is_tied_to_ours_by_what_came_quickest() -> None:
    clock = PageClock()
    assert clock.place(1_000_000, 50.0) == 50.0
    assert clock.place(1_001_000, 51.4) == pytest.approx(51.0)  # 0.4 s late
    assert clock.place(1_002_000, 51.9) == pytest.approx(51.9)  # quicker than all before
    assert clock.place(0, 52.0) == 52.0 - MAX_DELAY_S


def test_a_drift_of_the_pages_clock_is_followed() -> None:
    clock, second = PageClock(), 1.0
    clock.place(0, second)
    while second < 10 * WINDOW_S:
        second += 1
        placed = clock.place((second - 1) * 1000 * 0.999, second)  # it loses a millisecond each second
    assert second - placed < 2 * WINDOW_S * 0.001 + 1e-9
