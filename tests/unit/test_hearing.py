"""Packets of a microphone become blocks of 20 ms that lie where they were said, whatever is lost."""

from fractions import Fraction

import numpy as np
import pytest
from av import AudioFrame
from numpy.typing import NDArray

from nbrtc.engine.feed import EncodedFrame, Feed
from nbrtc.engine.hearing import BLOCK, FILLED, Block, Hearing
from nbrtc.engine.mixing import OpusPen
from nbrtc.engine.voice import opus_encoder

START = 5_000_000


def tone(blocks: int, hertz: float = 440.0) -> NDArray[np.int16]:
    times_s = np.arange(blocks * BLOCK) / 48_000
    return (10_000 * np.sin(2 * np.pi * hertz * times_s)).astype(np.int16)[:, None]


class Ear:
    """A hearing, and what it heard."""

    def __init__(self, channels: int = 1, first_number: int = 0) -> None:
        self.feed = Feed("audio", lambda: None)
        self.blocks: list[Block] = []
        self.hearing = Hearing(self.feed, channels, self.blocks.append, first_number)

    def say(self, data: bytes, timestamp: int) -> None:
        self.feed.push(
            EncodedFrame("audio", "opus", START + timestamp, 48_000, True, data, timestamp / 48_000)
        )

    @property
    def timestamps(self) -> list[int]:
        return [block.timestamp - START for block in self.blocks]


def packets(count: int) -> list[bytes]:
    pen, samples = OpusPen(), tone(count)
    return [pen.write(samples[BLOCK * n : BLOCK * (n + 1)]) for n in range(count)]


def test_every_packet_is_a_block_in_order() -> None:
    ear = Ear(first_number=7)
    for number, data in enumerate(packets(10)):
        ear.say(data, BLOCK * number)
    assert [block.number for block in ear.blocks] == list(range(7, 17))
    assert ear.timestamps == [BLOCK * n for n in range(10)]
    assert {block.samples.shape for block in ear.blocks} == {(BLOCK, 1)}
    assert np.abs(ear.blocks[-1].samples).max() == pytest.approx(10_000, rel=0.2)
    assert ear.hearing.number == 17


def test_one_microphone_may_be_heard_in_stereo() -> None:
    ear = Ear(channels=2)
    for number, data in enumerate(packets(3)):
        ear.say(data, BLOCK * number)
    left, right = ear.blocks[-1].samples.T
    assert np.array_equal(left, right)
    assert np.any(left)


@pytest.mark.parametrize("lost", [1, 2, FILLED // BLOCK])
def test_lost_packets_become_silence_so_that_the_sound_goes_on_in_step(lost: int) -> None:
    ear = Ear()
    made = packets(10)
    for number, data in enumerate(made):
        if not 4 <= number < 4 + lost:
            ear.say(data, BLOCK * number)
    assert ear.timestamps == [BLOCK * n for n in range(10)]
    assert [n for n, block in enumerate(ear.blocks) if not np.any(block.samples)] == list(range(4, 4 + lost))


@pytest.mark.parametrize("pause", [FILLED + 1, 48_000, 10**9, -BLOCK * 50, -(10**6)])
def test_a_pause_or_a_leap_in_time_is_not_filled_up(pause: int) -> None:
    ear = Ear()
    for number, data in enumerate(packets(10)):
        ear.say(data, BLOCK * number + (pause if number >= 5 else 0))
    assert ear.timestamps == [BLOCK * n for n in range(5)] + [BLOCK * n + pause for n in range(5, 10)]


def packets_of(duration_ms: int, blocks: int) -> list[tuple[int, bytes]]:
    """(timestamp, packet) of a tone."""
    encoder = opus_encoder(1)
    encoder.options = {"frame_duration": str(duration_ms)}
    made, samples, size = [], tone(blocks), 48 * duration_ms
    for start in range(0, blocks * BLOCK, size):
        frame = AudioFrame.from_ndarray(samples[start : start + size].T.copy(), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        made += [(start, bytes(packet)) for packet in encoder.encode(frame)]
    return made


@pytest.mark.parametrize("duration_ms", [10, 40, 60])
def test_packets_of_another_length_make_the_same_blocks(duration_ms: int) -> None:
    ear = Ear()
    for timestamp, data in packets_of(duration_ms, 12):
        ear.say(data, timestamp)
    assert ear.timestamps == [BLOCK * n for n in range(12)]


def test_a_half_block_before_a_pause_is_completed_by_silence() -> None:
    ear = Ear()
    for timestamp, data in packets_of(10, 2)[:3]:
        ear.say(data, timestamp)
    ear.say(packets(1)[0], 48_000)
    assert ear.timestamps == [0, BLOCK, 48_000]
    assert np.any(ear.blocks[1].samples[: BLOCK // 2])
    assert not np.any(ear.blocks[1].samples[BLOCK // 2 :])


def test_what_is_no_opus_is_silence_for_its_time_and_no_end() -> None:
    ear = Ear()
    for number, data in enumerate(packets(6)):
        ear.say(b"\xff\xff\xff\x01\x02" if number == 3 else data, BLOCK * number)
    assert ear.timestamps == [BLOCK * n for n in range(6)]
    assert not np.any(ear.blocks[3].samples)
    assert ear.hearing.errors == 1


def test_a_closed_one_hears_nothing() -> None:
    ear = Ear()
    ear.hearing.close()
    ear.hearing.close()
    ear.say(packets(1)[0], 0)
    assert ear.blocks == []
    assert not ear.feed.is_wanted
