"""With a video effect only Python's pictures go back, and never the raw camera by accident."""

import asyncio
from typing import Any

import numpy as np
import pytest

from nbrtc.engine.gallery import OWN
from nbrtc.engine.viewer import Subscriber, Wish
from nbrtc.errors import FrameError
from nbrtc.messages import FrameHeader, MediaStatus, SetVideoEffect
from tests.loopback.conftest import Call
from tests.loopback.page import Page

ODD = 201
"""Numbers of results; the camera of these tests is far from it."""


class Sent:
    """What the track hands to the engine's sender, in order, from now on."""

    def __init__(self, call: Call) -> None:
        self.data: list[bytes] = []
        self.stamps: list[int] = []
        outgoing: Any = call.link.outgoing
        make = outgoing._packet

        def tap(data: bytes, stamp: int) -> Any:
            self.data.append(data)
            self.stamps.append(stamp)
            return make(data, stamp)

        outgoing._packet = tap


async def use(call: Call, name: str | None) -> None:
    await call.session.from_kernel(SetVideoEffect(name))


async def results(call: Call, page: Page, number: int) -> None:
    """Show a result until the page sees it."""
    call.show(number)
    await call.until(lambda: number in page.received, f"the result {number}")


async def test_from_the_moment_the_effect_is_on_no_raw_frame_is_sent(call: Call) -> None:
    page = await call.connected()
    raw: list[bytes] = []
    call.link.video.feed.subscribe(lambda frame: raw.append(frame.data))
    await call.until(lambda: len(page.received) > 10, "the raw camera")
    sent = Sent(call)
    await call.until(lambda: len(sent.data) > 3, "the raw camera through the tap")
    await use(call, "edges")
    count = len(sent.data)
    arrived = len(raw)
    await call.until(lambda: len(raw) > arrived + 15, "the camera, half a second long")
    assert len(sent.data) == count
    await results(call, page, ODD)
    assert not set(sent.data[count:]) & set(raw)
    assert call.state.video_effect == "edges"


async def test_the_last_result_is_held_and_repeated_as_a_keyframe_when_asked(call: Call) -> None:
    page = await call.connected()
    await use(call, "edges")
    await results(call, page, ODD)
    sent = Sent(call)
    page.pictures.clear()
    await page.ask_keyframe()
    await call.until(lambda: page.received, "a repetition")
    assert set(page.received) == {ODD}
    assert sent.data[0][0] & 1 == 0, "not a keyframe (RFC 6386, section 9.1)"


async def test_a_held_result_is_refreshed_without_being_asked(call: Call) -> None:
    page = await call.connected()
    await use(call, "edges")
    await results(call, page, ODD)
    page.pictures.clear()
    await call.until(lambda: len(page.received) >= 2, "two refreshments")
    assert set(page.received) == {ODD}


async def test_a_result_is_sent_at_once_and_the_newest_wins(call: Call) -> None:
    page = await call.connected()
    await use(call, "edges")
    await results(call, page, ODD)
    sent = Sent(call)
    call.show(1)
    call.show(2)
    call.show(3)
    outgoing = call.link.outgoing
    assert outgoing.replaced == 2
    # nothing else comes: neither another result nor a frame of the camera pushes it out
    await call.until(lambda: sent.data, "the result")
    assert outgoing.replaced == 2


async def test_without_the_effect_the_camera_resumes_with_a_keyframe(call: Call) -> None:
    page = await call.connected()
    await use(call, "edges")
    await results(call, page, ODD)
    sent = Sent(call)
    raw: list[bytes] = []
    call.link.video.feed.subscribe(lambda frame: raw.append(frame.data))
    await use(call, None)
    page.pictures.clear()
    await call.until(lambda: len(page.received) > 10, "the camera")
    resumed = [data for data in sent.data if data in raw]
    assert resumed[0][0] & 1 == 0, "not a keyframe (RFC 6386, section 9.1)"
    numbers = [number for number in page.received if number != ODD]
    assert numbers == [(numbers[0] + step) % 256 for step in range(len(numbers))]


async def test_time_never_goes_back_whatever_is_shown(call: Call) -> None:
    page = await call.connected()
    sent = Sent(call)
    await call.until(lambda: len(sent.data) > 10, "the camera")
    camera_time = sent.stamps[-1]
    await use(call, "edges")
    for timestamp in (camera_time - 90_000, 0, camera_time + 10**9, camera_time):
        count = len(sent.data)
        call.show(ODD, timestamp=timestamp)
        await call.until(lambda: len(sent.data) > count, "the result")  # noqa: B023 - awaited here
    await use(call, None)
    count = len(sent.data)
    await call.until(lambda: len(sent.data) > count + 10, "the camera")
    steps = np.diff(sent.stamps)
    assert np.all(steps > 0)
    assert np.all(steps < 3 * 90_000)
    assert page.received


@pytest.mark.parametrize(("width", "height"), [(641, 481), (2, 2), (1, 1), (17, 333)])
async def test_a_result_of_any_size_comes_back_whole(call: Call, width: int, height: int) -> None:
    page = await call.connected()
    await use(call, "edges")
    await results(call, page, ODD)
    call.show(7, width=width, height=height)
    await call.until(lambda: (width, height) in page.sizes, f"{width}x{height}")
    await results(call, page, 9)


async def test_a_picture_that_vp8_cannot_have_is_left_out_and_the_next_one_comes(call: Call) -> None:
    page = await call.connected()
    await use(call, "edges")
    await results(call, page, ODD)
    call.show(1, width=16_400, height=2)
    await call.until(lambda: call.link.outgoing.failed == 1, "the refusal")
    await results(call, page, 9)


async def test_planes_that_do_not_fit_their_size_are_refused(call: Call) -> None:
    for width, height, size in ((160, 120, 10), (0, 0, 0), (-2, -2, 6)):
        header = FrameHeader(number=1, width=width, height=height, timestamp=0, arrived_s=0.0, time_s=0.0)
        with pytest.raises(FrameError, match=f"{width}x{height}"):
            call.session.studio.result(header, memoryview(bytes(size)))


async def test_a_subscriber_gets_pictures_on_credit_and_the_decoder_rests_without_one(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbrtc.engine.viewer.IDLE_S", 0.2)
    await call.connected()
    gallery = call.session.gallery
    viewer = gallery._viewers[OWN]
    assert not viewer.is_decoding
    got: asyncio.Queue[FrameHeader] = asyncio.Queue()
    me = Subscriber(b"me", lambda header, planes: got.put_nowait(header), lambda reason: None)
    after = -1
    for _ in range(3):
        gallery.ask("", me, Wish(after))
        header = await asyncio.wait_for(got.get(), 60)
        assert header.number > after
        after = header.number
    assert got.empty(), "more pictures than credits"
    await call.until(lambda: not viewer.is_decoding, "the decoder to rest")
    frames = call.link.video.feed.frames
    await call.until(lambda: call.link.video.feed.frames > frames + 10, "the camera")
    assert got.empty()
    gallery.ask("", me, Wish(after))
    assert (await asyncio.wait_for(got.get(), 60)).number > after


async def test_who_comes_after_a_shared_screen_is_recorded_behind_the_effect(call: Call) -> None:
    first = await call.connected()
    await use(call, "edges")
    first.send(MediaStatus(microphone_on=True, camera_on=True, screen_sharing=True))
    await call.until(lambda: call.state.screen_sharing, "the screen")
    assert not call.link.shown._is_effect, "a screen is recorded as it is"
    second = call.page()
    await second.connect(take_over=True, report=False)
    camera: list[bytes] = []
    recorded: list[bytes] = []
    call.link.video.feed.subscribe(lambda frame: camera.append(frame.data))
    call.link.shown.feed.subscribe(lambda frame: recorded.append(frame.data))
    await call.until(lambda: len(camera) > 15, "the camera, before the page says what it is")
    second.report()
    await call.reaches("connected")
    await results(call, second, ODD)
    await call.until(lambda: recorded, "the effect")
    assert not set(recorded) & set(camera)
