"""Python's own pictures in the camera's place: what others see, with the camera on or off."""

from pathlib import Path

import numpy as np

from nbrtc.engine.feed import EncodedFrame
from nbrtc.engine.viewer import Subscriber
from nbrtc.messages import (
    ChangeEffect,
    Effect,
    FrameHeader,
    SetEffect,
    SetVideoEffect,
    SetVideoSource,
)
from nbrtc.pictures import pack
from tests.loopback.conftest import Call
from tests.loopback.page import Page
from tests.loopback.pictures import HEIGHT, WIDTH, draw
from tests.unit.test_source import write_film

ODD = 201
"""The number of an effect's result."""
FPS = 15.0


class Kernel:
    """Makes the next picture whenever the engine wants one, as the kernel's thread does."""

    def __init__(self, call: Call, first: int = 0) -> None:
        self.made: list[int] = []
        self._call, self._next = call, first
        self._subscriber = Subscriber(b"kernel%d" % first, lambda *_: self.bring(), lambda _: None)
        call.session.source.ask(self._subscriber)

    def bring(self) -> None:
        number, self._next = self._next, self._next + 1
        self.made.append(number)
        header = FrameHeader(
            number=number, width=WIDTH, height=HEIGHT, timestamp=0, arrived_s=0.0, time_s=0.0
        )
        source = self._call.session.source
        source.result(self._subscriber.identity, header, memoryview(pack(draw(number))))
        source.ask(self._subscriber)


async def use(call: Call, name: str | None = "camera", first: int = 0) -> Kernel:
    await call.session.from_kernel(SetVideoSource(name, fps=FPS))
    return Kernel(call, first)


def camera_off(page: Page) -> None:
    page.report(camera_on=False)


async def test_its_pictures_take_the_cameras_place_in_order_and_at_their_rate(call: Call) -> None:
    page = await call.connected()
    await call.until(lambda: len(page.received) > 5, "the camera")
    kernel = await use(call, first=100)
    assert call.state.video_source == "camera"
    await call.until(lambda: 100 in page.received, "the first picture")
    begun = page.received.index(100)
    await call.until(lambda: len(page.received) > begun + 30, "two seconds of pictures")
    numbers = page.received[begun:]
    assert numbers == sorted(numbers), "out of order, or the camera's"
    assert set(numbers) <= set(kernel.made)
    steps = np.diff([stamp for number, stamp in page.pictures if number is not None][begun:]) / 90_000
    assert 0.5 / FPS < np.median(steps) < 2 / FPS
    # on a busy machine some are still under way
    assert len(kernel.made) <= numbers[-1] - 100 + FPS, "made far ahead of what was shown"


async def test_it_works_with_the_camera_off_and_the_camera_comes_back(call: Call) -> None:
    page = await call.connected()
    camera_off(page)
    await call.until(lambda: not call.state.camera_on, "the camera off")
    await use(call, first=100)
    await call.until(lambda: 105 in page.received, "the source")
    page.report()
    await call.until(lambda: call.state.camera_on, "the camera on")
    page.pictures.clear()
    await use(call, None)
    assert call.state.video_source is None
    await call.until(lambda: [one for one in page.received if one < 100], "the camera")
    back = next(place for place, number in enumerate(page.received) if number < 100)
    assert all(number >= 100 for number in page.received[:back])


async def test_it_comes_before_an_effect_which_comes_back_after_it(call: Call) -> None:
    page = await call.connected()
    await call.session.from_kernel(SetVideoEffect("edges"))
    call.show(ODD)
    await call.until(lambda: ODD in page.received, "the effect")
    raw: set[bytes] = set()
    call.link.video.feed.subscribe(lambda frame: raw.add(frame.data))
    page.encoded.clear()
    await use(call, first=100)
    await call.until(lambda: 100 in page.received, "the source")
    page.pictures.clear()
    call.show(ODD + 1)
    await call.until(lambda: len(page.received) > 10, "more of the source")
    assert ODD + 1 not in page.received, "the effect came through"
    assert call.link.outgoing.effect_delay_s is None, "the sound would wait for an effect that is not sent"
    await use(call, None)
    await call.until(lambda: ODD + 1 in page.received, "the effect's last picture")
    assert not raw & set(page.encoded), "the raw camera slipped through"


async def test_a_new_source_follows_the_old_one_without_the_camera(call: Call) -> None:
    page = await call.connected()
    await use(call, first=100)
    await call.until(lambda: 105 in page.received, "the first source")
    page.pictures.clear()
    await use(call, "other", first=150)
    await call.until(lambda: 155 in page.received, "the second source")
    assert all(number >= 100 for number in page.received)


async def test_a_new_link_shows_the_last_picture_at_once(call: Call) -> None:
    page = await call.connected()
    await call.session.from_kernel(SetVideoSource("picture", fps=FPS))
    kernel = Kernel(call, 100)
    await call.until(lambda: 103 in page.received, "the source")
    call.session.source.forget(kernel._subscriber.identity)  # a kernel that is busy from now on
    page.pictures.clear()
    reply = await page.connect()
    assert reply.error_code is None
    await call.until(lambda: page.received, "the last picture")
    assert page.received[0] >= 103


async def test_a_file_is_played_in_a_loop(call: Call, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.mkv")
    page = await call.connected()
    page.pictures.clear()
    await call.session.from_kernel(SetVideoSource("film.mkv", fps=0, file=str(film)))
    await call.until(
        lambda: page.received[-20:].count(4) >= 2 and set(page.received[-20:]) == set(range(5)), "two loops"
    )


async def test_what_is_recorded_of_oneself_is_the_source_and_its_time_goes_on(call: Call) -> None:
    """Also where the camera, whose clock counts, was off until then."""
    page = call.page()
    offer = await page.make_offer(report=False)
    page.video.sender.replaceTrack(None)
    await page.request(offer)
    await call.until(lambda: call.link.is_open, "the link")
    camera_off(page)
    await call.reaches("connected")
    shown: list[EncodedFrame] = []
    await use(call)
    call.link.shown.feed.subscribe(shown.append)
    await call.until(lambda: len(shown) > 8, "the source in the recording")
    page.video.sender.replaceTrack(page.camera)
    page.report()
    await call.until(lambda: call.link.video.feed.frames > 10, "the camera")
    count = len(shown)
    await call.until(lambda: len(shown) > count + 10, "more of the source")
    media_s = (shown[-1].timestamp - shown[count].timestamp) / 90_000
    arrived_s = shown[-1].arrived_s - shown[count].arrived_s
    assert media_s > 0.3 * arrived_s, "its time stood still"


async def test_an_effect_of_the_page_is_in_the_state_whoever_chose_it(call: Call) -> None:
    page = await call.connected()
    chosen = Effect("brightness", strength=0.5)
    await call.session.from_kernel(ChangeEffect(chosen, background="background-1.jpg"))
    assert (call.state.effect, call.state.background) == (chosen, "background-1.jpg")
    mirror = call.page()  # any window that shows the call
    reply = await mirror.request(SetEffect(id="1", effect=Effect("background")))
    assert reply.error_code is None
    await call.until(
        lambda: page.events[-1] and call.state.effect == Effect("background"), "the widget's effect"
    )
    assert call.state.background == "background-1.jpg"
