"""A function that does not return when its effect is taken off; coroutines; closed calls."""

import threading
from pathlib import Path

import numpy as np
import pytest
from av import VideoFrame
from numpy.typing import NDArray

from nbrtc import effect_runner as module
from nbrtc.effect import VideoEffect
from nbrtc.effect_runner import EffectRunner
from nbrtc.errors import CallError
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import OpenCall, Quality
from nbrtc.own_picture import OwnPicture
from tests.unit.frame_engine import PATIENCE_MS, FrameEngine

PATIENCE_S = PATIENCE_MS / 1000
Picture = NDArray[np.uint8]


def test_who_does_not_return_is_said_to_be_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STUCK_S", 0.0)
    engine, left, errors = FrameEngine(), list[tuple[str, float]](), list[BaseException]()
    entered, go_on = threading.Event(), threading.Event()

    def hangs(frame: Picture) -> Picture:
        entered.set()
        assert go_on.wait(PATIENCE_S)
        return frame

    runner = EffectRunner(
        engine,
        "call",
        lambda *error: errors.append(error[1]),
        lambda effect, s: left.append((effect.name, s)),
    )
    try:
        runner.use(VideoEffect.of(hangs))
        engine.give(engine.heard(), 1)
        assert entered.wait(PATIENCE_S)
        assert runner.stats is not None
        assert runner.stats.working_s > 0
        assert runner._run is not None
        old = runner._run.thread
        runner.use(VideoEffect.of(lambda frame: 255 - frame))
        reader = engine.heard()
        engine.give(reader, 2)
        assert engine.heard().result_number == 2, "the next effect works at once"
        go_on.set()
        old.join(PATIENCE_S)
        assert engine.is_silent(100), "the old result is nobody's"
        assert runner.stats.working_s == 0
    finally:
        go_on.set()
        runner.close()
        engine.close()
    assert [name for name, _ in left] == ["hangs()"]
    assert errors == []


def test_who_does_not_return_is_said_to_hang_once_for_each_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANGS_S", 0.0)
    engine, stuck = FrameEngine(), list[tuple[str, str]]()
    entered, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def hangs(frame: Picture) -> Picture:
        entered.release()
        assert go_on.acquire(timeout=PATIENCE_S)
        return frame

    runner = EffectRunner(
        engine,
        "call",
        lambda *error: None,
        on_stuck=lambda effect, _, trace: stuck.append((effect.name, trace)),
    )
    try:
        runner.look()
        runner.use(VideoEffect.of(hangs))
        reader = engine.heard()
        runner.look()
        assert stuck == [], "it waits for a frame"
        for number in (1, 2):
            engine.give(reader, number)
            assert entered.acquire(timeout=PATIENCE_S)
            runner.look()
            runner.look()
            assert [(name, "in hangs\n" in trace) for name, trace in stuck] == number * [("hangs()", True)]
            go_on.release()
            reader = engine.heard()
        runner.look()
        assert len(stuck) == 2
    finally:
        go_on.release()
        runner.close()
        engine.close()


def test_a_coroutine_function_without_annotation_may_take_a_video_frame() -> None:
    engine, errors = FrameEngine(), list[BaseException]()

    async def callback(frame):  # type: ignore[no-untyped-def]  # as people write it
        assert frame.width == 64
        return VideoFrame.from_ndarray(255 - frame.to_ndarray(format="bgr24"), format="bgr24")

    runner = EffectRunner(engine, "call", lambda *error: errors.append(error[1]))
    try:
        runner.use(VideoEffect.of(callback))
        engine.give(engine.heard(), 55)
        reader = engine.heard()
        assert reader.result is not None, errors
        assert reader.result.mean() == pytest.approx(200, abs=2)
    finally:
        runner.close()
        engine.close()


def test_a_closed_call_is_not_watched(tmp_path: Path) -> None:
    engine = FrameEngine()
    opening = OpenCall(call="call", name="Ada", quality=Quality(64, 48, 30), folder=str(tmp_path), epoch=0)
    picture = OwnPicture()
    picture._side = KernelSide(engine, opening, lambda page, body: None)
    threads = set(threading.enumerate())
    try:
        with pytest.raises(CallError, match="make a new Call"):
            picture.on_frame(lambda frame: None)
        assert not {thread.name for thread in set(threading.enumerate()) - threads}
    finally:
        engine.close()
