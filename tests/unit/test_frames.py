"""Frames in the kernel: the newest one, by `for` and `async for`, on credit, over the engine's crashes."""

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from nbrtc.bridge import Bridge
from nbrtc.errors import EngineError
from nbrtc.frame import Frame
from nbrtc.frames import Frames
from nbrtc.messages import FrameHeader
from nbrtc.pictures import packed_size
from nbrtc.port import FramePort
from tests.unit.frame_engine import FrameEngine

RED = np.full((48, 64, 3), (255, 0, 0), np.uint8)


@pytest.fixture
def engine() -> Iterator[FrameEngine]:
    engine = FrameEngine()
    yield engine
    gc.collect()  # of loops that a test left in the middle
    engine.close()


class Call:
    """Whether the call lives, for readers to ask."""

    is_live = True


@pytest.fixture
def call() -> Call:
    return Call()


@pytest.fixture
def frames(engine: FrameEngine, call: Call) -> Frames:
    return Frames(engine, "call", lambda: call.is_live)


def first_frame(engine: FrameEngine, port: FramePort) -> Frame:
    """Ask, be given number 1, and receive it."""
    assert port.receive(0.0) is None
    engine.give(engine.heard(), 1)
    frame = port.receive(20.0)
    assert frame is not None
    return frame


# --- one frame


def test_a_frame_is_a_picture_in_every_form(engine: FrameEngine) -> None:
    with FramePort(engine, "call") as port:
        assert port.receive(0.0) is None
        engine.give(engine.heard(), 90, RED)
        frame = port.receive(20.0)

    assert frame is not None
    assert frame.to_ndarray().shape == (frame.height, frame.width, 3) == (48, 64, 3)
    for picture in (frame.to_ndarray(), np.asarray(frame), np.asarray(frame.to_image())):
        assert picture.dtype == np.uint8
        assert np.abs(picture.astype(int) - (255, 0, 0)).max() <= 4
    assert frame.to_ndarray("bgr24")[0, 0, 2] >= 251
    assert frame.to_ndarray("gray").shape == (48, 64)
    assert (frame.video_frame.format.name, frame.video_frame.pts) == ("yuv420p", 270_000)
    assert frame.video_frame.time == frame.time_s == 3.0
    assert repr(frame) == "<nbrtc.Frame 90: 64x48 at 3.000 s>"


def test_arrays_of_a_frame_are_the_users_to_change(engine: FrameEngine) -> None:
    with FramePort(engine, "call") as port:
        frame = first_frame(engine, port)
    before = frame.to_ndarray()
    frame.to_ndarray()[:] = 0

    assert np.array_equal(frame.to_ndarray(), before)
    assert np.asarray(frame, dtype=np.float32).dtype == np.float32


def test_age_grows_and_the_header_counts_what_was_skipped() -> None:
    header = FrameHeader(number=9, width=2, height=2, timestamp=0, arrived_s=0.0, time_s=0.0, skipped=4)
    frame = Frame(header, bytes(packed_size(2, 2)))

    age_s = frame.age_s

    assert 0 < age_s <= frame.age_s
    assert (frame.number, frame.skipped) == (9, 4)


# --- loops


def test_a_loop_gets_the_newest_frame_each_time(engine: FrameEngine, frames: Frames, call: Call) -> None:
    seen = []
    with engine.supplying(every=3):
        for frame in frames:
            seen.append((frame.number, frame.skipped))
            call.is_live = len(seen) < 4

    assert seen == [(3, 0), (6, 2), (9, 2), (12, 2)]


async def test_an_async_loop_gets_the_same(engine: FrameEngine, frames: Frames, call: Call) -> None:
    seen = []
    with engine.supplying(every=3):
        async for frame in frames:
            seen.append((frame.number, frame.skipped))
            call.is_live = len(seen) < 4

    assert seen == [(3, 0), (6, 2), (9, 2), (12, 2)]


async def test_an_async_loop_leaves_the_event_loop_free(engine: FrameEngine, frames: Frames) -> None:
    waiting = asyncio.ensure_future(anext(aiter(frames)))
    reader = await asyncio.to_thread(engine.heard)

    assert not waiting.done(), "nothing came yet, and this line runs all the same"
    engine.give(reader, 1)
    assert (await waiting).number == 1


def test_a_broken_loop_gives_its_credit_back(engine: FrameEngine, frames: Frames) -> None:
    reader = ThreadedLoop(frames)
    asked = engine.heard()

    reader.stop_after_poll()

    goodbye = engine.heard()
    assert (goodbye.identity, goodbye.is_asking) == (asked.identity, False)


class ThreadedLoop:
    """A `for` loop over frames that waits for one in another thread, and ends when the call does."""

    def __init__(self, frames: Frames) -> None:
        self._is_live = True
        frames._is_live = lambda: self._is_live
        self._thread = threading.Thread(target=lambda: [frame.number for frame in frames])
        self._thread.start()

    def stop_after_poll(self) -> None:
        self._is_live = False
        self._thread.join()


def test_break_leaves_nothing_open(engine: FrameEngine, frames: Frames) -> None:
    with engine.supplying() as heard:
        for _ in frames:
            break

    assert [reader.is_asking for reader in heard] == [True], (
        "its credit was used up: there is nothing to give back"
    )
    assert open_sockets(engine) == 1, "the engine's own"


async def test_break_in_an_async_loop_leaves_nothing_open(engine: FrameEngine, frames: Frames) -> None:
    with engine.supplying():
        async for _ in frames:
            break
    await asyncio.sleep(0)  # Python closes the generator with a task of the loop

    await wait_until(lambda: open_sockets(engine) == 1)


async def test_a_cancelled_async_loop_gives_its_credit_back(engine: FrameEngine, frames: Frames) -> None:
    async def watch() -> None:
        async for _ in frames:
            raise AssertionError("no frame was given")

    task = asyncio.create_task(watch())
    asked = await asyncio.to_thread(engine.heard)
    task.cancel()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    goodbye = await asyncio.to_thread(engine.heard)
    assert (goodbye.identity, goodbye.is_asking) == (asked.identity, False)


def open_sockets(engine: FrameEngine) -> int:
    """Sockets of the bridge's context that nobody has closed."""
    return sum(not socket.closed for socket in engine._context._sockets)


async def wait_until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_true():  # noqa: ASYNC110  sockets tell nobody that they are closed
            await asyncio.sleep(0.01)


def test_several_readers_do_not_take_frames_from_each_other(
    engine: FrameEngine, frames: Frames, call: Call
) -> None:
    with engine.supplying(), FramePort(engine, "call") as port:
        loops = [iter(frames), iter(frames)]
        for number in (1, 2, 3):
            assert [next(loop).number for loop in loops] == [number, number]
            frame = port.receive(20.0)
            assert frame is not None
            assert frame.number == number
        call.is_live = False
        assert [list(loop) for loop in loops] == [[], []]


def test_a_loop_goes_on_with_the_next_engine(engine: FrameEngine, frames: Frames) -> None:
    loop = iter(frames)
    with engine.supplying():
        assert next(loop).number == 1
        assert next(loop).number == 2
    engine.crash()
    threading.Timer(0.3, engine.start).start()  # the loop waits meanwhile: there is no engine to ask

    began = []
    again = threading.Thread(target=lambda: began.append(next(loop).number))
    again.start()
    with engine.supplying() as heard:
        again.join(20)

    assert began == [1]
    assert heard[0].message.after == -1  # type: ignore[union-attr]  # a credit: the new engine counts anew


def test_an_engine_that_does_not_know_the_call_yet_is_asked_again(engine: FrameEngine) -> None:
    with FramePort(engine, "call") as port:
        assert port.receive(0.0) is None
        engine.refuse(engine.heard())
        assert port.receive(0.05) is None
        assert port.receive(0.0) is None
        assert engine.heard().is_asking


def test_a_loop_over_a_closed_bridge_ends_with_an_error_that_says_so(
    engine: FrameEngine, frames: Frames
) -> None:
    errors: list[Exception] = []

    def watch() -> None:
        try:
            for _ in frames:
                pass
        except EngineError as error:
            errors.append(error)

    watching = threading.Thread(target=watch)
    watching.start()
    engine.heard()
    Bridge.close(engine)
    watching.join(20)

    assert "nbrtc was closed" in str(errors[0])
