"""The video effect runs on the newest frame, survives its own errors, and is swapped whole."""

import asyncio
import queue
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nbrtc.effect import VideoEffect
from nbrtc.effect_runner import EffectRunner
from nbrtc.messages import FrameCredit
from nbrtc.problems import Problems
from nbrtc.video_effect_stats import VideoEffectStats
from tests.unit.frame_engine import PATIENCE_MS, FrameEngine, Reader

Picture = NDArray[np.uint8]
PATIENCE_S = PATIENCE_MS / 1000


class Stage:
    """A runner, its engine, and the errors that it reported."""

    def __init__(self) -> None:
        self.engine = FrameEngine()
        self.known: set[bytes] = set()
        self.threads: list[threading.Thread] = []
        self.errors: queue.Queue[tuple[VideoEffect, BaseException, str]] = queue.Queue()
        self.runner = EffectRunner(self.engine, "call", lambda *error: self.errors.put(error))

    def use(self, function: Callable[..., Any], **options: Any) -> Reader:
        """Set the effect; returns its first credit. What an earlier one says in parting is read over."""
        self.runner.use(VideoEffect.of(function, **options))
        run = self.runner._run
        assert run is not None
        self.threads.append(run.thread)
        while True:
            reader = self.engine.heard()
            if reader.is_asking and reader.identity not in self.known:
                self.known.add(reader.identity)
                return reader

    def result_of(self, reader: Reader, number: int) -> Reader:
        """Give a frame; returns the credit that carries its result."""
        self.engine.give(reader, number)
        while (answer := self.engine.heard()).identity != reader.identity:
            assert not answer.is_asking, "an earlier effect only takes its leave"
        return answer

    def stats(self) -> VideoEffectStats:
        stats = self.runner.stats
        assert stats is not None
        return stats

    def close(self) -> None:
        self.runner.close()
        for thread in self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        self.engine.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def brightness(reader: Reader) -> int:
    assert reader.result is not None
    return round(float(reader.result.mean()))


def test_a_result_is_sent_with_the_credit_for_the_next_frame(stage: Stage) -> None:
    first = stage.use(lambda frame: 255 - frame)
    assert first.is_asking
    assert first.result is None

    answer = stage.result_of(first, 55)

    assert answer.is_asking
    assert answer.message.after == 55  # type: ignore[union-attr]  # a credit
    assert answer.result_number == 55
    assert brightness(answer) == pytest.approx(200, abs=2)
    assert stage.stats().frames == 1


def test_a_coroutine_function_is_awaited_on_one_loop(stage: Stage) -> None:
    loops = set()

    async def effect(frame: Picture) -> Picture:
        loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return 255 - frame

    reader = stage.use(effect)
    for number in (5, 6, 7):
        reader = stage.result_of(reader, number)

    assert brightness(reader) == pytest.approx(248, abs=2)
    assert len(loops) == 1


def test_nothing_queues_behind_a_slow_function_and_what_it_missed_is_counted(stage: Stage) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def slow(frame: Picture) -> Picture:
        entered.set()
        assert go_on.wait(PATIENCE_S)
        return frame

    reader = stage.use(slow)
    stage.engine.give(reader, 1)
    assert entered.wait(PATIENCE_S)
    assert stage.engine.is_silent(100), "no credit while the function works: the engine has nothing to queue"
    go_on.set()

    reader = stage.engine.heard()
    assert reader.result_number == 1
    stage.engine.give(reader, 31, skipped=29)
    assert stage.engine.heard().result_number == 31
    assert (stage.stats().frames, stage.stats().dropped) == (2, 29)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, "returned None"),
        (0.5, "returned float"),
        (np.zeros((48, 64), np.uint8), "(48, 64)"),
        (np.zeros((48, 64, 4), np.uint8), "(48, 64, 4)"),
        (np.zeros((0, 64, 3), np.uint8), "(0, 64, 3)"),
        (np.full((48, 64, 3), np.nan), "NaN"),
        (np.full((48, 64, 3), 0.5), "float64 from 0.5 to 0.5; a picture is uint8, 0 to 255: (picture * 255)"),
        (np.full((48, 64, 3), 300.0), "float64 from 300 to 300; a picture is uint8, 0 to 255: numpy.clip"),
        (np.full((48, 64, 3), -3, np.int32), "int32 from -3 to -3"),
        (
            np.zeros((48, 64, 3), bool),
            "bool; a picture is uint8, 0 to 255: picture.astype(numpy.uint8) * 255",
        ),
        (np.zeros((2, 4097, 3), np.uint8), "4097x2"),
    ],
    ids=[
        "none",
        "float",
        "gray",
        "rgba",
        "empty",
        "nan",
        "fractions",
        "too bright",
        "int32",
        "bool",
        "too large",
    ],
)
def test_what_is_not_a_picture_is_an_error_and_the_next_frame_is_asked_for(
    stage: Stage, returned: object, said: str
) -> None:
    reader = stage.result_of(stage.use(lambda frame: returned), 1)

    effect, error, _ = stage.errors.get(timeout=PATIENCE_S)
    assert said in str(error)
    assert str(error).startswith(effect.name)
    assert reader.is_asking
    assert reader.result is None, "the engine keeps the last good picture"
    assert (stage.stats().frames, stage.stats().errors) == (0, 1)


def test_a_function_that_raises_now_and_then_goes_on(stage: Stage) -> None:
    def every_seventh(frame: Picture) -> Picture:
        if frame[0, 0, 0] // 10 % 7 == 6:
            raise ValueError("seven")
        return frame

    reader = stage.use(every_seventh)
    made = []
    for number in range(20):
        reader = stage.result_of(reader, 10 * number + 5)
        made.append(reader.result_number is not None)

    assert made == [number % 7 != 6 for number in range(20)]
    assert (stage.stats().frames, stage.stats().errors) == (18, 2)
    assert "every_seventh" in stage.errors.get_nowait()[2], "the traceback leads to the user's line"


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [False, True])
def test_even_an_exit_in_the_function_does_not_end_the_thread(
    stage: Stage, error: type[BaseException], is_async: bool
) -> None:
    def leave(frame: Picture) -> Picture:
        raise error("bye")

    async def leave_async(frame: Picture) -> Picture:
        raise error("bye")

    reader = stage.result_of(stage.use(leave_async if is_async else leave), 1)
    assert isinstance(stage.errors.get(timeout=PATIENCE_S)[1], error)

    assert stage.result_of(reader, 2).result_number is None
    assert stage.result_of(stage.use(lambda frame: frame), 3).result_number == 3


def test_function_and_form_are_swapped_together(stage: Stage) -> None:
    """A function of arrays never gets an image, however often the two take turns."""
    import PIL.Image

    seen: list[bool] = []

    def on_array(frame: Picture) -> Picture:
        seen.append(isinstance(frame, np.ndarray))
        return frame

    def on_image(frame: PIL.Image.Image) -> PIL.Image.Image:
        seen.append(isinstance(frame, PIL.Image.Image))
        return frame

    for number in range(6):
        reader = stage.use(on_image if number % 2 else on_array)
        assert stage.result_of(reader, number).result_number == number

    assert seen == [True] * 6


def test_a_swapped_effect_begins_to_count_anew(stage: Stage) -> None:
    stage.result_of(stage.use(lambda frame: None), 1)
    assert stage.stats().errors == 1

    stage.result_of(stage.use(lambda frame: frame), 2)

    assert (stage.stats().frames, stage.stats().errors) == (1, 0)


def test_without_an_effect_the_thread_ends_and_gives_its_credit_back(stage: Stage) -> None:
    stage.use(lambda frame: frame)

    stage.runner.use(None)

    assert not stage.engine.heard().is_asking
    assert stage.runner.stats is None
    assert stage.use(lambda frame: frame).is_asking, "and another effect starts another thread"


def test_an_effect_outlives_its_engine(stage: Stage) -> None:
    stage.result_of(stage.use(lambda frame: frame), 1)

    stage.engine.crash()
    stage.engine.start()
    reader = stage.engine.heard()
    stage.engine.refuse(reader)  # the new engine has not heard of the call yet
    reader = stage.engine.heard()

    assert reader.is_asking
    assert stage.result_of(reader, 2).result_number == 2


def test_an_error_is_shown_once_for_each_definition() -> None:
    """`KernelSide` puts the effect into the key of a problem: one definition, one line, one notice."""
    problems, first, again = (
        Problems(),
        VideoEffect.of(lambda frame: None),
        VideoEffect.of(lambda frame: None),
    )

    shown = [problems.add("video-effect", f"frame {n}", key=(first, 7)) for n in range(3)]
    shown.append(problems.add("video-effect", "frame 3", key=(again, 7)))

    assert shown == [True, False, False, True]


def test_a_function_that_never_returns_is_left_behind_and_its_result_is_not_sent(stage: Stage) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def stuck(frame: Picture) -> Picture:
        entered.set()
        assert go_on.wait(PATIENCE_S)
        raise ValueError("nobody is interested any more")

    stage.engine.give(stage.use(stuck), 1)
    assert entered.wait(PATIENCE_S)

    reader = stage.result_of(stage.use(lambda frame: 255 - frame), 2)
    assert reader.result_number == 2
    go_on.set()
    stage.threads[0].join(PATIENCE_S)
    assert stage.errors.empty()


def test_an_effect_asks_for_its_size_and_for_every_frame(stage: Stage) -> None:
    reader = stage.use(lambda frame: frame, size=(32, 24), policy="block")
    credit = reader.message
    assert isinstance(credit, FrameCredit)
    assert (credit.size, credit.queued) == ((32, 24), True)
    credit = stage.use(lambda frame: frame).message
    assert isinstance(credit, FrameCredit)
    assert (credit.size, credit.queued) == (None, False)


def test_a_result_may_have_another_size_each_time(stage: Stage) -> None:
    sizes = iter([(1, 1), (641, 481), (64, 48)])

    def resized(frame: Picture) -> Picture:
        width, height = next(sizes)
        return np.full((height, width, 3), 77, np.uint8)

    reader = stage.use(resized)
    for number, shape in enumerate([(1, 1, 3), (481, 641, 3), (48, 64, 3)]):
        reader = stage.result_of(reader, number)
        assert reader.result is not None
        assert reader.result.shape == shape


def test_what_was_sent_is_known_with_the_next_frame(stage: Stage) -> None:
    reader = stage.use(lambda frame: frame)
    reader = stage.result_of(reader, 1)
    assert stage.stats().sent_s is None
    stage.engine.give(reader, 2, sent=(3000, 0.045))
    reader = stage.engine.heard()
    stage.engine.give(reader, 5, skipped=2, sent=(3000, 0.045))
    stage.engine.heard()

    stats = stage.stats()
    assert (stats.frames, stats.dropped, stats.sent, stats.sent_s) == (3, 2, 1, 0.045)
    table = stats.to_frame()
    assert list(table.index) == [1, 2, 5]
    assert list(table.columns) == ["wait_s", "run_s", "sent_s", "dropped", "error"]
    assert table.sent_s.tolist()[0] == 0.045
    assert table.sent_s.isna().tolist() == [False, True, True]
    assert table.dropped.tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policy": "newest"}, "policy is 'latest' or 'block', not 'newest'"),
        ({"on_late": "raw"}, "on_late is 'hold' or 'pass', not 'raw'"),
        ({"where": "browser"}, "where is 'kernel' or 'engine', not 'browser'"),
        ({"size": 320}, "size is (width, height)"),
    ],
)
def test_options_that_do_not_exist_name_those_that_do(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        VideoEffect.of(lambda frame: frame, **options)


def test_a_generator_function_is_sent_to_where_it_belongs() -> None:
    def pictures(frame: Picture) -> Iterator[Picture]:
        yield frame

    with pytest.raises(TypeError, match="video_source"):
        VideoEffect.of(pictures)
