"""The outgoing track by itself: what waits in it is bounded, and what it skips it asks for again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from av import VideoFrame

from nbrtc.engine.bandwidth import SendLimit
from nbrtc.engine.encode import VideoCodec
from nbrtc.engine.feed import EncodedFrame, Feed
from nbrtc.engine.outgoing import PASS_FRAMES, OutgoingVideo
from nbrtc.engine.tasks import Tasks
from tests.loopback.pictures import draw


@dataclass
class Camera:
    """A feed that is filled by hand."""

    asked: int = 0
    number: int = 0
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed("video", self._ask)

    def push(self, keyframe: bool = False) -> bytes:
        self.number += 1
        data = self.number.to_bytes(4, "big")
        frame = EncodedFrame("video", "VP8", 3000 * self.number, 90_000, keyframe, data, 0.0)
        self.feed.push(frame)
        return data

    def _ask(self) -> None:
        self.asked += 1


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.fixture
async def track(camera: Camera) -> AsyncIterator[OutgoingVideo]:
    result = OutgoingVideo(camera.feed, SendLimit(1_000_000))
    yield result
    result.stop()
    result.stop()


async def taken(track: OutgoingVideo) -> bytes:
    return bytes(await asyncio.wait_for(track.recv(), 10))


async def test_nothing_goes_out_before_a_keyframe(camera: Camera, track: OutgoingVideo) -> None:
    camera.push()
    keyframe = camera.push(keyframe=True)
    after = camera.push()
    assert [await taken(track), await taken(track)] == [keyframe, after]


async def test_a_sender_that_stands_still_goes_on_at_the_next_keyframe(
    camera: Camera, track: OutgoingVideo
) -> None:
    camera.push(keyframe=True)
    for _ in range(PASS_FRAMES - 1):
        camera.push()
    assert (track.waiting, camera.asked) == (PASS_FRAMES, 0)
    camera.push()
    assert (track.waiting, camera.asked) == (0, 1)
    for _ in range(3 * PASS_FRAMES):
        camera.push()
    assert track.waiting == 0
    keyframe = camera.push(keyframe=True)
    assert await taken(track) == keyframe


async def test_a_keyframe_that_finds_the_queue_full_takes_its_place(
    camera: Camera, track: OutgoingVideo
) -> None:
    camera.push(keyframe=True)
    for _ in range(PASS_FRAMES - 1):
        camera.push()
    keyframe = camera.push(keyframe=True)
    assert (track.waiting, camera.asked) == (1, 0)
    assert await taken(track) == keyframe


async def test_an_effect_empties_the_queue_and_takes_no_more_of_the_camera(
    camera: Camera, track: OutgoingVideo
) -> None:
    raw = [camera.push(keyframe=True), camera.push()]
    track.use_effect(True)
    assert track.waiting == 0
    raw.append(camera.push(keyframe=True))
    track.show(draw(1), 1, None)
    assert await taken(track) not in raw
    track.use_effect(False)
    assert camera.asked == 1
    camera.push()
    resumed = camera.push(keyframe=True)
    assert await taken(track) == resumed


async def test_a_result_without_an_effect_is_not_shown(camera: Camera, track: OutgoingVideo) -> None:
    track.show(draw(1), 1, None)
    keyframe = camera.push(keyframe=True)
    assert await taken(track) == keyframe


async def test_a_result_that_is_still_being_encoded_when_the_effect_goes_is_not_sent(
    camera: Camera, track: OutgoingVideo
) -> None:
    track.use_effect(True)
    track.show(draw(1), 1, None)
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)  # the encoder has it
    track.use_effect(False)
    keyframe = camera.push(keyframe=True)
    assert bytes(await asyncio.wait_for(waiting, 10)) == keyframe


async def test_a_stand_in_that_is_still_being_encoded_when_none_may_stand_in_is_not_sent(
    track: OutgoingVideo,
) -> None:
    track.use_effect(True)
    track.show(draw(1), 1, 0.0, is_result=False)
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0)  # the encoder has it
    track.use_effect(True, stand_ins=False)
    await asyncio.get_running_loop().run_in_executor(track._thread, lambda: None)  # it is through
    await asyncio.sleep(0)
    track.show(draw(2), 3001, 0.0, is_result=False)
    track._repeat(keyframe_only=False)
    assert track._newest is None, "neither it nor another"
    track.show(draw(3), 6001, 0.0)
    data = bytes(await asyncio.wait_for(waiting, 10))
    assert (track.sent, data[0] & 1) == (1, 0), "a keyframe: the page never saw what it would build on"


@pytest.mark.parametrize("size", [(1, 1), (64, 1), (1, 48), (3, 5)])
@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_pictures_of_any_size_are_sent(track: OutgoingVideo, codec: VideoCodec, size: Any) -> None:
    track.use_codec(codec)
    track.use_effect(True)
    track.show(VideoFrame(size[0], size[1], "yuv420p"), 1, None)
    assert await taken(track)
    assert track.failed == 0


async def test_the_bitrate_follows_the_limit(track: OutgoingVideo) -> None:
    track.use_effect(True)
    track.show(draw(1), 1, None)
    await taken(track)
    track._limit.target_bps = 300_000
    track.show(draw(2), 3001, None)
    assert (await taken(track))[0] & 1 == 0, "a new encoder begins with a keyframe"
    assert track._encoder._bitrate_bps == 300_000


async def test_a_failing_errand_is_said_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("no luck")

    tasks = Tasks()
    tasks.spawn(fail(), "errand")
    await tasks.finish()
    assert len(tasks) == 0
    assert "errand failed" in caplog.text
    assert "no luck" in caplog.text
