"""Python's pictures in the camera's place, from the kernel's thread through a real engine to a page."""

import asyncio
import itertools
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from nbrtc.bridge import Bridge
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import Effect, Intent, OpenCall, Quality, decode_event, encode_json
from nbrtc.own_picture import OwnPicture
from nbrtc.page_effect import PageEffect
from nbrtc.video_source import VideoSource
from tests.loopback.page import Page
from tests.loopback.pictures import HEIGHT, WIDTH, draw

PATIENCE_S = 30.0
T = TypeVar("T")


class Call(OwnPicture, PageEffect):
    """A call without its widget, and a page in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="page")
        self._thread.start()
        self.page = Page(self)
        opening = OpenCall(
            call=uuid.uuid4().hex,
            name="Ada",
            quality=Quality(WIDTH, HEIGHT, 30),
            folder=str(folder),
            epoch=0,
        )
        self.bridge = Bridge()
        self._side = KernelSide(self.bridge, opening, self._tell)
        self._side.open()

    def connect(self) -> None:
        reply = self.run(self.page.connect())
        assert reply.error_code is None, reply.error_message
        self._side.mirror.wait_for("connected", PATIENCE_S)

    def run(self, coroutine: "Awaitable[T]") -> T:
        async def awaited() -> T:
            return await coroutine

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(PATIENCE_S)

    def from_page(self, page: str, intent: Intent) -> None:
        self._side.from_page({"page": page, "body": encode_json(intent).decode()})

    def _tell(self, page: str | None, body: str) -> None:
        if page in (None, self.page.id):
            self._loop.call_soon_threadsafe(self.page.take, decode_event(body))

    def until(self, condition: Callable[[], object], what: str) -> None:
        limit_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > limit_s:
                pytest.fail(f"Waited {PATIENCE_S:.0f} s in vain for {what}; {self._side.problems.items()}")
            time.sleep(0.01)

    def close(self) -> None:
        self._side.close("The test is over.")
        self.run(self.page.close())
        self.bridge.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    call = Call(tmp_path)
    yield call
    call.close()


def test_a_source_and_an_effect_hold_over_a_killed_engine(call: Call) -> None:
    def pictures() -> Iterator[object]:
        for number in itertools.count():
            yield draw(100 + number % 50)

    call.effect = "sepia"
    call.video_source = source = VideoSource(pictures, fps=20)
    assert call.video_source is source
    call.connect()
    call.until(lambda: 110 in call.page.received, "the source")
    numbers = call.page.received
    assert numbers == sorted(numbers)
    assert numbers[0] >= 100, "the raw camera slipped through"

    assert call.bridge.engine_pid is not None
    psutil.Process(call.bridge.engine_pid).kill()
    call.until(lambda: call._side.mirror.state.phase == "failed", "the loss")
    call.page.pictures.clear()
    call.connect()
    call.until(lambda: len(call.page.received) > 10, "the source again")
    assert all(number >= 100 for number in call.page.received), "the raw camera slipped through"
    assert (call._side.mirror.state.video_source, call.effect) == ("pictures", Effect("sepia"))

    call.video_source = draw(77)
    call.until(lambda: call.page.received[-1] == 77, "the still")
    call.video_source = None
    call.until(lambda: call.page.received[-1] < 77, "the camera")
    assert [problem.code for problem in call._side.problems.items()] == ["engine"]
