"""What is recorded of oneself is what the others see, on one clock, whatever it is made of."""

import time

from nbrtc.engine.feed import EncodedFrame, Feed, SenderReport
from nbrtc.engine.shown import ShownPicture


class Effect:
    effect_delay_s: float | None = 0.05

    def __init__(self) -> None:
        self.asked = 0

    def request_keyframe(self) -> None:
        self.asked += 1


class Stage:
    def __init__(self) -> None:
        self.asked = 0
        self.camera = Feed("video", self._asked)
        self.effect = Effect()
        self.shown = ShownPicture(self.camera, self.effect)
        self.seen: list[EncodedFrame] = []
        self.shown.feed.subscribe(self.seen.append)
        self.began_s = time.monotonic()

    def _asked(self) -> None:
        self.asked += 1

    def film(self, number: int, *, keyframe: bool = False) -> EncodedFrame:
        frame = EncodedFrame(
            "video", "VP8", number * 3000, 90_000, keyframe, b"camera %d" % number, self.began_s + number / 30
        )
        self.camera.push(frame)
        return frame


def test_without_an_effect_it_is_the_camera() -> None:
    stage = Stage()
    frames = [stage.film(number, keyframe=number == 0) for number in range(3)]
    stage.camera.report = SenderReport(1.0, 2)
    frames.append(stage.film(3))

    assert stage.seen == frames
    assert stage.shown.feed.report == SenderReport(1.0, 2)
    stage.shown.feed.request_keyframe()
    assert (stage.asked, stage.effect.asked) == (1, 0)


def test_with_an_effect_no_frame_of_the_camera_is_shown() -> None:
    stage = Stage()
    stage.film(0, keyframe=True)
    stage.shown.use_effect(True)
    source = stage.film(1, keyframe=True)
    stage.shown.take(b"not yet", "VP8", keyframe=False, source=(source.timestamp, source.arrived_s))
    stage.shown.take(b"effect", "VP8", keyframe=True, source=(source.timestamp, source.arrived_s))

    assert [frame.data for frame in stage.seen] == [b"camera 0", b"effect"]
    assert (stage.seen[1].timestamp, stage.seen[1].arrived_s) == (source.timestamp, source.arrived_s)
    assert stage.effect.asked >= 1  # for the keyframe that it begins with


def test_an_effect_that_is_behind_never_turns_time_back() -> None:
    stage = Stage()
    old = stage.film(0, keyframe=True)
    newest = stage.film(5)
    stage.shown.use_effect(True)
    stage.shown.take(b"late", "VP8", keyframe=True, source=(old.timestamp, old.arrived_s))

    assert [frame.timestamp for frame in stage.seen] == [
        old.timestamp,
        newest.timestamp,
        newest.timestamp + 1,
    ]


def test_a_repeated_picture_lies_where_its_time_has_come() -> None:
    stage = Stage()
    stage.film(0, keyframe=True)
    stage.shown.use_effect(True)
    stage.shown.take(b"first", "VP8", keyframe=True, source=(10, stage.began_s))
    stage.shown.take(b"again", "VP8", keyframe=False, source=None)
    now_s = time.monotonic()

    again = stage.seen[-1]
    expected = (now_s - 0.05 - stage.began_s) * 90_000
    assert again.data == b"again"
    assert again.timestamp == 11 or abs(again.timestamp - expected) < 9_000


def test_a_camera_that_begins_later_brings_its_clock_and_time_goes_on() -> None:
    stage = Stage()
    stage.shown.use_effect(True)
    stage.shown.take(b"source", "VP8", keyframe=True, source=None)
    alone = stage.seen[-1].timestamp
    assert abs(alone - 90_000 * time.monotonic()) < 9_000
    first = stage.film(0, keyframe=True)
    assert alone - first.timestamp > 180_000, "the machine has only just been started: this proves nothing"
    for _ in range(2):
        stage.shown.take(b"source", "VP8", keyframe=False, source=None)

    later = [frame.timestamp for frame in stage.seen[1:]]
    assert all(stamp < alone for stamp in later), "it stands still at the other clock's time"
    assert later[1] > later[0]


def test_the_camera_comes_back_with_a_keyframe_of_its_own() -> None:
    stage = Stage()
    stage.film(0, keyframe=True)
    stage.shown.use_effect(True)
    stage.shown.take(b"effect", "VP8", keyframe=True, source=(3000, stage.began_s + 1 / 30))
    asked = stage.asked
    stage.shown.use_effect(False)
    stage.film(2)
    stage.shown.take(b"after", "VP8", keyframe=False, source=(9000, stage.began_s + 0.1))
    back = stage.film(4, keyframe=True)

    assert [frame.data for frame in stage.seen] == [b"camera 0", b"effect", back.data]
    assert stage.asked > asked


def test_nothing_is_shown_after_the_end() -> None:
    stage = Stage()
    stage.shown.close()
    stage.film(0, keyframe=True)
    stage.shown.close()

    assert stage.seen == []
