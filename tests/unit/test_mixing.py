"""Sounds are added and clipped, and encoded whatever their channels are."""

import av
import numpy as np
import pytest

from nbrtc.engine.hearing import BLOCK, opus_decoder
from nbrtc.engine.mixing import OpusPen, mixed


def block(value: int, channels: int = 1) -> np.ndarray:
    return np.full((BLOCK, channels), value, np.int16)


def test_none_is_silence_and_one_is_itself() -> None:
    assert not np.any(mixed([]))
    only = block(5, 2)
    assert mixed([only]) is only


def test_several_are_added_and_clipped_not_wrapped() -> None:
    assert set(mixed([block(100), block(-30), block(7)]).ravel()) == {77}
    assert set(mixed([block(30_000), block(30_000)]).ravel()) == {32_767}
    assert set(mixed([block(-30_000), block(-30_000)]).ravel()) == {-32_768}


def test_mono_is_heard_on_both_sides_of_stereo() -> None:
    stereo = np.tile(np.array([[10, 20]], np.int16), (BLOCK, 1))
    assert mixed([stereo, block(1)])[0].tolist() == [11, 21]


def test_channels_may_change_from_block_to_block() -> None:
    pen, decoder = OpusPen(), opus_decoder(2)
    times_s = np.arange(BLOCK * 30) / 48_000
    tone = (8000 * np.sin(2 * np.pi * 500 * times_s)).astype(np.int16)[:, None]
    heard = []
    for number in range(30):
        samples = np.repeat(tone[BLOCK * number : BLOCK * (number + 1)], 1 + number // 10 % 2, axis=1)
        decoded = decoder.decode(av.Packet(pen.write(samples)))
        heard += [frame.to_ndarray().reshape(-1, 2) for frame in decoded]
    levels = [float(np.sqrt(np.mean(each.astype(float) ** 2))) for each in heard]
    assert len(levels) == 30
    assert levels[-1] == pytest.approx(8000 / np.sqrt(2), rel=0.1)
    assert min(levels[3:]) > 1000, "a hole where the channels change"
