"""Long runs: nothing grows. `make soak`; NBRTC_SOAK_S sets the length of each in seconds (600)."""

import asyncio
import os
import threading
from typing import Any

import psutil
import pytest

from nbrtc.messages import Record, SetVideoEffect, StopRecord
from tests.loopback.conftest import Call

LENGTH_S = float(os.environ.get("NBRTC_SOAK_S", "600"))
WARM_UP_S = 0.2 * LENGTH_S
GROWTH_BYTES = 40e6
"""What the fake page's own aiortc and the allocator may take; an unread track would take gigabytes."""

pytestmark = [pytest.mark.soak, pytest.mark.timeout(int(4 * LENGTH_S) + 120)]


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


def forget(call: Call) -> None:
    """What the test's own side has noted of the call is no growth of the engine's."""
    call.notifications.clear()
    for page in call.pages.values():
        for notes in (page.events, page.samples, page.pictures, page.sizes, page.encoded):
            notes.clear()


async def test_a_long_lossy_recorded_call_takes_no_more_memory(call: Call) -> None:
    await call.connected()
    await call.impair(loss_fraction=0.01, delay_ms=20, seed=3)
    status: Any = await call.session.from_kernel(Record(path="soak.mkv"))
    loop = asyncio.get_running_loop()
    start_s, warm, number = loop.time(), 0, 0
    while (passed_s := loop.time() - start_s) < LENGTH_S:
        effect = int(passed_s / (LENGTH_S / 20)) % 2 == 1  # ten times on and off
        await call.session.from_kernel(SetVideoEffect(name="noise" if effect else None))
        number += 1
        call.show(number % 256, timestamp=number * 3000)
        await asyncio.sleep(1 / 30)
        forget(call)
        if not warm and passed_s > WARM_UP_S:
            warm = resident()
    grown = resident() - warm
    print(f"{LENGTH_S:.0f} s: {grown / 1e6:+.1f} MB after the first {WARM_UP_S:.0f} s")  # noqa: T201 - the figure is the point of a soak
    assert grown < GROWTH_BYTES
    assert call.state.phase == "connected"
    finished: Any = await call.session.from_kernel(StopRecord(recording=status.id))
    assert finished.state == "stopped"
    assert finished.duration_s == pytest.approx(LENGTH_S, abs=5)


async def test_reconnecting_again_and_again_leaves_nothing(call: Call) -> None:
    page = await call.connected()
    loop = asyncio.get_running_loop()
    start_s, rounds = loop.time(), 0
    tasks, threads, memory = len(asyncio.all_tasks()), threading.active_count(), 0
    while loop.time() - start_s < LENGTH_S / 4:
        await page.connect()
        await call.until(lambda: call.state.phase == "connected" and call.link.has_reported)
        forget(call)
        rounds += 1
        if rounds == 10:
            memory = resident()
    grown = resident() - memory
    print(f"{rounds} reconnections: {grown / 1e6:+.1f} MB, {len(asyncio.all_tasks())} tasks")  # noqa: T201 - the figure is the point of a soak
    await call.until(lambda: len(asyncio.all_tasks()) <= tasks + 4, "the tasks of old links to end")
    assert threading.active_count() <= threads + 4
    assert grown < GROWTH_BYTES
