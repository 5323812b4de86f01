"""What is recorded of the own sound is what the others hear, on one clock, whatever it is made of."""

import time

import numpy as np

from nbrtc.engine.feed import EncodedFrame, Feed, SenderReport
from nbrtc.engine.heard import SLACK, HeardSound
from nbrtc.engine.hearing import BLOCK, Block
from nbrtc.engine.mixing import OpusPen

PACKET = OpusPen().write(np.zeros((BLOCK, 1), np.int16))


class Stage:
    def __init__(self) -> None:
        self.microphone = Feed("audio", lambda: None)
        self.heard = HeardSound(self.microphone)
        self.seen: list[EncodedFrame] = []
        self.heard.feed.subscribe(self.seen.append)
        self.began_s = time.monotonic()

    def say(self, number: int) -> None:
        """The microphone's packet of this number."""
        arrived_s = self.began_s + 0.02 * number
        self.microphone.push(EncodedFrame("audio", "opus", BLOCK * number, 48_000, True, PACKET, arrived_s))

    def make(self, number: int | None, delay_s: float = 0.1) -> None:
        """Python's packet, made of the microphone's of this number."""
        source = None
        if number is not None:
            samples = np.zeros((BLOCK, 1), np.int16)
            source = Block(number, samples, BLOCK * number, self.began_s + 0.02 * number)
        self.heard.take(b"\xf8python", source, delay_s)

    @property
    def timestamps(self) -> list[int]:
        return [frame.timestamp for frame in self.seen]


def test_without_python_it_is_the_microphone_frame_by_frame() -> None:
    stage = Stage()
    stage.microphone.report = SenderReport(1000.0, 960)
    for number in range(5):
        stage.say(number)
    assert stage.timestamps == [BLOCK * n for n in range(5)]
    assert stage.heard.feed.report == SenderReport(1000.0, 960)


def test_python_lies_where_it_was_said_and_no_packet_of_the_microphone_slips_through() -> None:
    stage = Stage()
    stage.say(0)
    stage.heard.use_python(True)
    for number in range(1, 8):
        stage.say(number)
        if number >= 4:
            stage.make(number - 3)  # 60 ms late
    assert stage.timestamps == [BLOCK * n for n in range(5)]
    assert [frame.data for frame in stage.seen[1:]] == [b"\xf8python"] * 4
    assert stage.seen[1].arrived_s == stage.began_s + 0.02
    stage.heard.use_python(False)
    stage.say(8)
    assert stage.timestamps[-1] == 8 * BLOCK
    assert stage.seen[-1].data == PACKET


def test_what_python_says_while_it_is_not_heard_is_not_recorded() -> None:
    stage = Stage()
    stage.make(1)
    assert stage.seen == []


def test_packets_never_overlap_whatever_they_are_made_of() -> None:
    stage = Stage()
    stage.say(0)
    stage.heard.use_python(True)
    for number in (1, None, 2, None, None, 3, 3, 1):
        stage.make(number, delay_s=0.0)
    assert all(step >= BLOCK for step in np.diff(stage.timestamps))
    stage.heard.use_python(False)
    for number in range(1, 40):
        stage.say(number)
    assert all(step >= BLOCK for step in np.diff(stage.timestamps))
    assert stage.timestamps[-1] == 39 * BLOCK, "lips are in step again"


def test_a_microphone_whose_time_stood_still_meanwhile_is_tied_anew() -> None:
    stage = Stage()
    stage.microphone.report = SenderReport(1000.0, 0)
    stage.say(0)
    stage.heard.use_python(True)
    for _ in range(50):
        stage.make(None)
    ahead = stage.timestamps[-1] - BLOCK
    assert ahead > SLACK
    stage.heard.use_python(False)
    for number in range(1, 21):
        stage.say(number)
    assert all(BLOCK <= step <= SLACK for step in np.diff(stage.timestamps))
    report = stage.heard.feed.report
    assert report is not None
    assert report.timestamp == stage.timestamps[-1] - 20 * BLOCK > 0, "the capture clock moves with it"


def test_a_sound_is_played_without_a_microphone_too() -> None:
    stage = Stage()
    stage.heard.use_python(True)
    stage.make(None, delay_s=0.0)
    stage.make(None, delay_s=0.0)
    assert np.diff(stage.timestamps).tolist() == [BLOCK]


def test_a_closed_one_hears_nothing() -> None:
    stage = Stage()
    stage.heard.close()
    stage.heard.close()
    stage.say(0)
    assert stage.seen == []
