"""`Call.on_frame`: some of the frames, the newest each time, whatever the function does."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nbrtc.effect import VideoEffect
from nbrtc.frame_watcher import FrameWatcher
from nbrtc.port import FramePort
from tests.unit.frame_engine import PATIENCE_MS, FrameEngine

PATIENCE_S = PATIENCE_MS / 1000
Picture = NDArray[np.uint8]


class Stage:
    """An engine, and watchers that end with it."""

    def __init__(self) -> None:
        self.engine = FrameEngine()
        self.errors: queue.Queue[BaseException] = queue.Queue()
        self._watchers: list[FrameWatcher] = []

    def watch(self, function: Callable[[Any], object], every_s: float = 0.0) -> FrameWatcher:
        port = FramePort(self.engine, "call")
        watcher = FrameWatcher(
            VideoEffect.of(function), port, every_s, lambda _, error, trace: self.errors.put(error)
        )
        self._watchers.append(watcher)
        return watcher

    def close(self) -> None:
        for watcher in self._watchers:
            watcher.close()
            watcher.close()
            watcher.thread.join(PATIENCE_S)
            assert not watcher.thread.is_alive()
        self.engine.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def test_the_function_gets_pictures_and_nothing_is_sent_back(stage: Stage) -> None:
    seen: queue.Queue[int] = queue.Queue()
    stage.watch(lambda frame: seen.put(int(frame.mean())))
    with stage.engine.supplying() as heard:
        assert [seen.get(timeout=PATIENCE_S) for _ in range(3)] == sorted({1, 2, 3})
    assert all(reader.result_number is None for reader in heard)


def test_a_frame_is_asked_for_only_when_it_is_due(stage: Stage) -> None:
    seen: queue.Queue[int] = queue.Queue()
    watcher = stage.watch(lambda frame: seen.put(1), every_s=3600)
    stage.engine.give(stage.engine.heard(), 1)
    seen.get(timeout=PATIENCE_S)
    assert stage.engine.is_silent(200), "the engine may rest for the next hour"
    watcher.close()
    watcher.thread.join(PATIENCE_S)
    assert not watcher.thread.is_alive(), "and closing does not wait for it"


def test_a_frame_that_comes_when_it_was_closed_is_not_looked_at(stage: Stage) -> None:
    seen: queue.Queue[int] = queue.Queue()
    watcher = stage.watch(lambda frame: seen.put(1))
    asked = stage.engine.heard()
    watcher.close()
    stage.engine.give(asked, 1)
    watcher.thread.join(PATIENCE_S)
    assert not watcher.thread.is_alive()
    assert seen.empty()


def test_an_error_is_told_and_the_next_frame_comes(stage: Stage) -> None:
    seen: queue.Queue[int] = queue.Queue()

    def fail_first(frame: Picture) -> None:
        seen.put(int(frame.mean()))
        if seen.qsize() == 1:
            raise SystemExit("bye")

    stage.watch(fail_first)
    with stage.engine.supplying():
        assert isinstance(stage.errors.get(timeout=PATIENCE_S), SystemExit)
        seen.get(timeout=PATIENCE_S)
        seen.get(timeout=PATIENCE_S)


def test_coroutine_functions_and_other_forms_are_taken_too(stage: Stage) -> None:
    import PIL.Image

    sizes: queue.Queue[tuple[int, int]] = queue.Queue()

    async def look(frame: PIL.Image.Image) -> None:
        sizes.put(frame.size)

    stage.watch(look)
    with stage.engine.supplying():
        assert sizes.get(timeout=PATIENCE_S) == (64, 48)


def test_a_watcher_outlives_its_engine(stage: Stage) -> None:
    seen: queue.Queue[int] = queue.Queue()
    stage.watch(lambda frame: seen.put(int(frame.mean())))
    stage.engine.give(stage.engine.heard(), 10)
    seen.get(timeout=PATIENCE_S)
    stage.engine.crash()
    stage.engine.start()
    with stage.engine.supplying():
        seen.get(timeout=PATIENCE_S)


def test_a_watcher_ends_when_nbrtc_does() -> None:
    stage, entered = Stage(), threading.Event()
    watcher = stage.watch(lambda frame: entered.set())
    stage.engine.heard()
    stage.engine.close()
    watcher.thread.join(PATIENCE_S)
    assert not watcher.thread.is_alive()
    assert not entered.is_set()
