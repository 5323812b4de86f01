"""Packets are lost: pictures stay whole, sound stays in time, and the stream goes on."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from nbrtc.engine.decode import Picture, VideoDecoder
from nbrtc.engine.feed import EncodedFrame
from tests.loopback.conftest import Call
from tests.loopback.page import Page
from tests.loopback.pictures import NUMBERS, read


class Watched:
    """The camera as the engine sees it."""

    def __init__(self, call: Call) -> None:
        self.numbers: list[int | None] = []
        self.frames: list[EncodedFrame] = []
        self.sounds: list[EncodedFrame] = []
        link = call.link
        link.video.feed.subscribe(self.frames.append)
        link.audio.feed.subscribe(self.sounds.append)
        self.decoder = VideoDecoder(link.video.feed, self._decoded)
        self.decoder.start()

    @property
    def steps(self) -> Iterator[int]:
        """By how many pictures each is later than the one before."""
        numbers = [number for number in self.numbers if number is not None]
        return ((after - before) % NUMBERS for before, after in pairwise(numbers))

    def assert_whole(self) -> None:
        """Every picture could be read, none came twice or late, and after a gap came a keyframe."""
        assert None not in self.numbers
        assert all(0 < step < NUMBERS // 2 for step in self.steps)
        assert self.decoder.errors == 0
        assert all(frame.keyframe for frame in self.frames if frame.after_gap)
        times = [frame.timestamp for frame in self.frames]
        assert times == sorted(set(times))

    def _decoded(self, picture: Picture) -> None:
        self.numbers.append(read(picture.frame))


async def watched(call: Call) -> tuple[Page, Watched]:
    page = await call.connected(width=320, height=240)
    watch = Watched(call)
    await call.until(lambda: len(watch.numbers) > 5, "the camera")
    return page, watch


@pytest.mark.parametrize("loss_fraction", [0.02, 0.05, 0.1])
async def test_pictures_stay_whole_and_sound_in_time(call: Call, loss_fraction: float) -> None:
    _, watch = await watched(call)
    audio = call.link.audio.buffer
    await call.impair(seed=7, loss_fraction=loss_fraction, delay_ms=50)
    await call.until(lambda: len(watch.numbers) > 150, "five seconds of pictures")
    ledger = call.session._ownership.shim
    assert ledger is not None
    assert ledger.ledger.totals["up"]["lost"] > 0
    watch.assert_whole()
    assert audio.counters.lost_packets > 0
    assert audio.counters.frames > 0.75 * audio.counters.packets

    await call.impair()
    released = audio.counters.frames
    await call.until(lambda: audio.counters.frames > released + 25, "sound without loss")
    # nothing of what was lost is waited for any more: the newest packet has left
    assert audio._packets == {} or len(audio._packets) < 3
    times = [frame.timestamp for frame in watch.sounds]
    assert times == sorted(set(times))
    await watch.decoder.close()


async def test_what_cannot_be_repaired_is_skipped_to_a_keyframe_that_was_asked_for(call: Call) -> None:
    page, watch = await watched(call)

    class NoHistory(dict[int, Any]):
        """A sender that can repeat nothing."""

        def get(self, key: int, default: Any = None) -> None:
            return None

    sender: Any = page.video.sender
    sender._RTCRtpSender__rtp_history = NoHistory()
    keyframes = call.link.video.feed.keyframes
    await call.impair(seed=3, loss_fraction=0.03, delay_ms=20)
    await call.until(lambda: sum(frame.after_gap for frame in watch.frames) >= 3, "three gaps")
    await call.impair()
    seen = len(watch.numbers)
    await call.until(lambda: len(watch.numbers) > seen + 20, "pictures without loss")
    watch.assert_whole()
    assert call.link.video.feed.keyframes >= keyframes + 3
    await watch.decoder.close()


async def test_a_second_of_nothing_passes(call: Call) -> None:
    page, watch = await watched(call)
    link, camera = call.link, page.camera
    assert camera is not None
    await call.impair(loss_fraction=1.0)
    began = camera.number
    await call.until(lambda: camera.number >= began + 30, "a second")
    await call.impair()
    number = camera.number

    def newer() -> int:
        """How many pictures came that the camera had not even made when the network came back."""
        return sum((seen - number) % NUMBERS < NUMBERS // 2 for seen in watch.numbers if seen is not None)

    await call.until(lambda: newer() > 30, "the camera again")
    watch.assert_whole()
    await call.reaches("connected")
    assert call.link is link
    await watch.decoder.close()


async def test_jitter_does_not_disorder_pictures(call: Call) -> None:
    _, watch = await watched(call)
    await call.impair(seed=5, delay_ms=20, jitter_ms=40)
    await call.until(lambda: len(watch.numbers) > 60, "two seconds of pictures")
    watch.assert_whole()
    assert call.link.video.buffer.counters.skipped_frames == 0
    await watch.decoder.close()
