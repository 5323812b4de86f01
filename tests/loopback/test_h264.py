"""A call that asks for H.264 has it between the page and Python, too: an .mp4 needs no transcoding."""

import numpy as np

from nbrtc.engine.feed import EncodedFrame
from nbrtc.messages import ChangeCodec, SetVideoEffect
from tests.loopback.conftest import Call

BOTH = ("video/vp8", "video/h264")
ODD = 201
"""Number of the effect's pictures; the camera is far from it."""


async def test_h264_goes_up_and_comes_straight_back(call: Call) -> None:
    await call.session.from_kernel(ChangeCodec("h264"))
    page = await call.connected(codecs=BOTH)
    frames: list[EncodedFrame] = []
    call.link.video.feed.subscribe(frames.append)
    await call.until(lambda: len(page.received) >= 20, "twenty pictures")

    assert call.link.video_codec == "H264"
    assert {frame.codec for frame in frames} == {"H264"}
    numbers = page.received[-10:]
    assert numbers == [(numbers[0] + step) % 256 for step in range(10)]


async def test_an_effects_pictures_are_sent_and_shown_as_h264(call: Call) -> None:
    await call.session.from_kernel(ChangeCodec("h264"))
    page = await call.connected(codecs=BOTH)
    shown: list[EncodedFrame] = []
    call.link.shown.feed.subscribe(shown.append)
    await call.until(lambda: shown, "the camera")
    await call.session.from_kernel(SetVideoEffect("edges"))
    camera = shown[-1].timestamp
    shown.clear()
    call.show(ODD, timestamp=camera + 3000)
    await call.until(lambda: ODD in page.received, "the effect")

    assert shown[0].keyframe
    assert {frame.codec for frame in shown} == {"H264"}
    times = [frame.timestamp for frame in shown]
    assert (np.diff(times) > 0).all()


async def test_a_page_without_h264_gets_vp8(call: Call) -> None:
    await call.session.from_kernel(ChangeCodec("h264"))
    page = await call.connected()
    await call.until(lambda: page.received, "a picture")

    assert call.link.video_codec == "VP8"


async def test_a_call_that_does_not_ask_for_it_has_vp8(call: Call) -> None:
    page = await call.connected(codecs=BOTH)
    await call.until(lambda: page.received, "a picture")

    assert call.link.video_codec == "VP8"
