"""Without a video effect the camera's encoded frames go straight back; the sound is silence."""

from typing import Any

import numpy as np
import pytest

from nbrtc.engine.feed import EncodedFrame
from tests.loopback.conftest import Call


@pytest.fixture
def taken(call: Call, monkeypatch: pytest.MonkeyPatch) -> list[EncodedFrame]:
    """All frames of the camera that came into the engine."""
    frames: list[EncodedFrame] = []
    attach: Any = call.session.studio.attach

    def attach_and_listen(link: Any) -> None:
        attach(link)
        link.video.feed.subscribe(frames.append)

    monkeypatch.setattr(call.session.studio, "attach", attach_and_listen)
    return frames


async def test_the_frames_that_come_back_are_those_that_went_up_byte_for_byte(
    call: Call, taken: list[EncodedFrame]
) -> None:
    page = await call.connected()
    await call.until(lambda: len(page.encoded) >= 40, "forty frames")
    returned = list(page.encoded)
    sent = [frame.data for frame in taken]
    first = sent.index(returned[0])
    assert returned == sent[first : first + len(returned)]
    numbers = page.received
    assert numbers == [(numbers[0] + step) % 256 for step in range(len(numbers))]
    assert call.link.outgoing.waiting <= 1
    assert call.link.figures(0)["effect_delay_s"] is None


async def test_a_keyframe_asked_for_downstream_comes_from_the_camera(
    call: Call, taken: list[EncodedFrame]
) -> None:
    page = await call.connected()
    await call.until(lambda: page.received and not taken[-1].keyframe, "a frame that is no keyframe")
    keyframes = call.link.video.feed.keyframes
    await page.ask_keyframe()
    await call.until(lambda: call.link.video.feed.keyframes > keyframes, "a keyframe of the camera")
    wanted = next(frame.data for frame in reversed(taken) if frame.keyframe)
    await call.until(lambda: wanted in page.encoded, "the keyframe to come back")


async def test_a_keyframe_request_right_after_another_is_not_lost(
    call: Call, taken: list[EncodedFrame]
) -> None:
    await call.connected()
    await call.until(lambda: len(taken) > 10, "some frames")
    feed = call.link.video.feed
    for _ in range(2):
        keyframes = feed.keyframes
        feed.request_keyframe()
        await call.until(lambda: feed.keyframes > keyframes, "a keyframe")  # noqa: B023 - awaited here


async def test_the_camera_does_not_come_back_later_and_later(call: Call) -> None:
    page = await call.connected()
    await call.until(lambda: len(page.pictures) >= 90, "three seconds")
    times = np.array([time for _, time in page.pictures])
    assert np.all(np.diff(times) > 0)
    assert call.link.outgoing.waiting <= 1
    assert call.link.video.buffer.counters.skipped_frames == 0


async def test_the_sound_that_comes_back_is_silence_whatever_the_microphone_hears(call: Call) -> None:
    page = await call.connected()
    await call.until(lambda: call.link.audio.feed.frames > 50 and len(page.samples) > 50, "a second of sound")
    assert all(not np.any(samples) for samples in page.samples)
    assert call.link.audio.buffer.counters.lost_packets == 0
