"""A narrow network: both directions give way to it, and take the room again when it is gone."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import cycle

import pytest

from nbrtc.messages import FrameHeader, Quality, SetVideoEffect
from nbrtc.pictures import pack
from tests.loopback.conftest import Call
from tests.loopback.page import FPS
from tests.loopback.pictures import noise

ASKED = Quality(width=1280, height=720, fps=30)
RATE_BPS = 600_000


@asynccontextmanager
async def noisy_effect(call: Call) -> AsyncIterator[None]:
    """An effect whose results are as large as may be, thirty a second."""

    async def show() -> None:
        for planes in cycle(memoryview(pack(picture)) for picture in noise(160, 120)):
            header = FrameHeader(number=1, width=160, height=120, timestamp=0, arrived_s=0.0, time_s=0.0)
            call.session.studio.result(header, planes)
            await asyncio.sleep(1 / FPS)

    await call.session.from_kernel(SetVideoEffect("noise"))
    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.timeout(240)
async def test_both_directions_follow_a_bottleneck_and_recover(
    new_call: Callable[[Quality], Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = new_call(ASKED)
    page = await call.connected(width=160, height=120, noisy=True)
    remb_bps: list[int] = []
    seam = call.link.video._seam
    send = seam.send_remb

    async def tap(bitrate_bps: int, ssrcs: list[int]) -> None:
        remb_bps.append(bitrate_bps)
        await send(bitrate_bps, ssrcs)

    monkeypatch.setattr(seam, "send_remb", tap)

    def limit_bps() -> int:
        return call.link.limit.bitrate_bps(time.monotonic())

    async with noisy_effect(call):
        target_bps = call.link.limit.target_bps
        await call.until(lambda: len(page.pictures) > 30 and remb_bps, "the call")
        assert remb_bps[0] >= target_bps

        await call.impair(rate_bps=RATE_BPS, delay_ms=10)
        await call.until(lambda: remb_bps[-1] < 1.3 * RATE_BPS, "the page's limit to fall")
        await call.until(lambda: limit_bps() < 1.3 * RATE_BPS, "our own limit to fall")
        await call.impair()
        # to a machine whose cores are busy the way is never as wide as is asked for
        await call.until(lambda: remb_bps[-1] > 2 * RATE_BPS, "the page's limit to recover", s=80)
        await call.until(lambda: limit_bps() > 2 * RATE_BPS, "our own limit to recover", s=80)
    assert call.state.phase == "connected"


async def test_frames_that_go_straight_back_fit_the_way_back(
    new_call: Callable[[Quality], Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = new_call(ASKED)
    await call.connected(width=320, height=240, noisy=True)
    link = call.link
    assert link.video.cap_bps() == float("inf")
    link.limit.add_loss(0.5, 0.05, time.monotonic())
    narrow_bps = link.limit.bitrate_bps(time.monotonic())
    assert narrow_bps < link.limit.target_bps
    assert link.video.cap_bps() < link.limit.target_bps
    await call.session.from_kernel(SetVideoEffect("edges"))
    assert link.video.cap_bps() == float("inf"), "results are encoded anew"
