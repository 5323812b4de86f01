"""An effect that is late, or was swapped as it worked: whose pictures are shown, and what is said of it."""

import pytest

from nbrtc.engine import viewer as module
from nbrtc.engine.viewer import Subscriber, Wish
from nbrtc.messages import FrameHeader, SetVideoEffect
from nbrtc.pictures import pack
from tests.loopback.conftest import Call
from tests.loopback.page import Page
from tests.loopback.pictures import draw

ODD = 201


async def sees_the_camera(call: Call, page: Page) -> None:
    page.pictures.clear()
    await call.until(lambda: len(set(page.received)) > 5, "the camera")


async def test_the_camera_stands_in_although_nobody_ever_asked_for_a_frame(call: Call) -> None:
    """The function's process is being started, or a C call holds the kernel's interpreter."""
    page = await call.connected()
    await call.session.from_kernel(SetVideoEffect("late", on_late="pass"))
    await sees_the_camera(call, page)


async def test_the_camera_stands_in_for_as_long_as_the_function_hangs(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.1)
    page = await call.connected()
    await call.session.from_kernel(SetVideoEffect("hangs", on_late="pass"))
    call.session.gallery.ask("", Subscriber(b"one", lambda *_: None, lambda _: None), Wish(-1))
    await sees_the_camera(call, page)
    rests = call.session.gallery._viewers["you"]._rest
    rests()
    await sees_the_camera(call, page)
    await call.session.from_kernel(SetVideoEffect(None))
    rests()
    assert not call.session.gallery._viewers["you"].is_decoding


async def test_what_stood_in_for_one_effect_is_not_sent_again_under_one_that_hides(call: Call) -> None:
    page = await call.connected()
    await call.session.from_kernel(SetVideoEffect("late", on_late="pass", number=1))
    await sees_the_camera(call, page)
    sent = call.link.outgoing.sent
    await call.session.from_kernel(SetVideoEffect("hides", on_late="hold", number=2))
    page.pictures.clear()
    # a picture that was on its way may arrive; what a keyframe is made of would arrive, too
    header = FrameHeader(number=1, width=160, height=120, timestamp=0, arrived_s=0.0, time_s=0.0)
    await page.ask_keyframe()
    call.link.outgoing._repeat(keyframe_only=False)
    assert call.link.outgoing._newest is None
    assert call.link.outgoing.sent == sent
    call.session.studio.result(header, memoryview(pack(draw(ODD))), 2)
    await call.until(lambda: ODD in page.received, "the effect's picture")


async def test_what_stands_in_counts_neither_as_sent_nor_as_the_effects_delay(call: Call) -> None:
    page = await call.connected()
    await call.session.from_kernel(SetVideoEffect("late", on_late="pass"))
    await sees_the_camera(call, page)
    assert call.session.studio.sent == (-1, 0.0)
    assert call.link.outgoing.effect_delay_s is None
    header = FrameHeader(number=1, width=160, height=120, timestamp=0, arrived_s=0.0, time_s=0.0)
    call.session.studio.result(header, memoryview(pack(draw(ODD))))
    await call.until(lambda: ODD in page.received, "the result")
    delay_s = call.link.outgoing.effect_delay_s
    await sees_the_camera(call, page)
    assert call.link.outgoing.effect_delay_s == delay_s


async def test_a_late_result_of_an_effect_that_was_swapped_is_not_shown(call: Call) -> None:
    """It may be nearly the raw camera, and the new one's task to hide that."""
    page = await call.connected()
    await call.session.from_kernel(SetVideoEffect("caption", number=1))
    await call.session.from_kernel(SetVideoEffect("privacy", number=2))
    header = FrameHeader(number=1, width=160, height=120, timestamp=0, arrived_s=0.0, time_s=0.0)
    call.session.studio.result(header, memoryview(pack(draw(ODD))), 1)
    call.session.studio.result(header, memoryview(pack(draw(ODD + 1))), 2)
    call.session.studio.result(header, memoryview(pack(draw(ODD))), 1)
    page.pictures.clear()
    await call.until(lambda: page.received.count(ODD + 1) >= 2, "the new effect's picture, twice")
    assert ODD not in page.received
