"""The thread that asks the user's code for a Bot's pictures: its pace, its failures, its end."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from nbrtc.bridge import Bridge
from nbrtc.errors import FrameError
from nbrtc.messages import SUPPLY, FrameCredit
from nbrtc.supplier import Supplier, to_next
from tests.unit.frame_engine import FrameEngine, Reader

PATIENCE_S = 20.0


def picture(value: int) -> Any:
    return np.full((48, 64, 3), value, np.uint8)


def value_of(reader: Reader) -> int:
    assert reader.result is not None
    return round(float(reader.result.mean()) / 10) * 10


@pytest.fixture
def engine() -> Iterator[FrameEngine]:
    engine = FrameEngine()
    yield engine
    engine.close()


class Bot:
    """A supplier whose Bot is in its room as soon as `is_live` says so."""

    def __init__(self, engine: Bridge, video: object, *, fps: float = 60.0, size: Any = None) -> None:
        self.is_live = threading.Event()
        self.is_live.set()
        self.errors: list[BaseException] = []
        make, who = to_next(video)
        self.supplier = Supplier(
            engine,
            "call",
            make,
            who,
            fps=fps,
            size=size,
            is_live=self.is_live.is_set,
            on_error=lambda error, trace: self.errors.append(error),
        )

    def start(self) -> "Bot":
        self.supplier.start()
        return self

    def close(self) -> None:
        self.supplier.close()
        self.supplier._thread.join(PATIENCE_S)
        assert not self.supplier._thread.is_alive()


@pytest.fixture
def new_bot(engine: FrameEngine) -> Iterator[Callable[..., Bot]]:
    made: list[Bot] = []

    def make(video: object, **options: Any) -> Bot:
        made.append(Bot(engine, video, **options).start())
        return made[-1]

    yield make
    for bot in made:
        bot.close()


NewBot = Callable[..., Bot]


def take(engine: FrameEngine) -> Reader:
    """The next picture, taken at once."""
    reader = engine.heard()
    engine.give(reader, 1)
    return reader


def test_each_picture_waits_until_the_one_before_was_taken(engine: FrameEngine, new_bot: NewBot) -> None:
    made: list[int] = []

    def numbers() -> Iterator[Any]:
        for number in range(10, 250, 10):
            made.append(number)
            yield picture(number)

    new_bot(numbers)
    first = engine.heard()
    assert isinstance(first.message, FrameCredit)
    assert first.message.participant == SUPPLY
    assert value_of(first) == 10
    assert engine.is_silent(200)
    assert made == [10], "a picture was made in vain"
    engine.give(first, 1)
    assert [value_of(take(engine)) for _ in range(3)] == [20, 30, 40]


def test_pictures_are_made_at_their_rate(engine: FrameEngine, new_bot: NewBot) -> None:
    new_bot(lambda: picture(50), fps=20)
    first = take(engine)
    began_s = time.monotonic()
    stamps = [first.message.result.timestamp] if isinstance(first.message, FrameCredit) else []  # type: ignore[union-attr]
    for _ in range(10):
        reader = take(engine)
        assert isinstance(reader.message, FrameCredit)
        assert reader.message.result is not None
        stamps.append(reader.message.result.timestamp)
    assert time.monotonic() - began_s > 0.45
    assert all(later - earlier >= 4490 for earlier, later in itertools.pairwise(stamps))


def test_the_last_picture_goes_to_a_new_engine_too(engine: FrameEngine, new_bot: NewBot) -> None:
    bot = new_bot([picture(70)])
    assert value_of(take(engine)) == 70
    deadline_s = time.monotonic() + PATIENCE_S
    while not bot.supplier.status.is_over:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    engine.crash()
    engine.start()
    assert value_of(engine.heard()) == 70


def test_nothing_is_made_outside_the_room(engine: FrameEngine) -> None:
    made: list[int] = []

    def camera() -> Any:
        made.append(1)
        return picture(80)

    bot = Bot(engine, camera)
    bot.is_live.clear()
    bot.start()
    try:
        assert engine.is_silent(250)
        assert made == []
        bot.is_live.set()
        assert value_of(take(engine)) == 80
    finally:
        bot.close()


def test_a_failure_is_told_and_the_next_picture_comes(engine: FrameEngine, new_bot: NewBot) -> None:
    turns = iter([picture(10), None, ZeroDivisionError("no"), "text", SystemExit(), picture(20)])

    def camera() -> Any:
        value = next(turns)
        if isinstance(value, BaseException):
            raise value
        return value

    bot = new_bot(camera)
    assert value_of(take(engine)) == 10
    assert value_of(take(engine)) == 20
    assert [type(error).__name__ for error in bot.errors] == [
        "FrameError",
        "ZeroDivisionError",
        "FrameError",
        "SystemExit",
    ]
    assert "camera() returned None" in str(bot.errors[0])
    assert bot.supplier.status.errors == 4
    assert bot.supplier.status.pictures == 2


def test_a_generator_is_closed_on_the_thread_that_ran_it(engine: FrameEngine) -> None:
    threads: list[str] = []

    def camera() -> Iterator[Any]:
        try:
            while True:
                yield picture(30)
        finally:
            threads.append(threading.current_thread().name)

    bot = Bot(engine, camera).start()
    take(engine)
    bot.close()
    assert threads == ["nbrtc-bot"]


def test_pictures_are_scaled(engine: FrameEngine, new_bot: NewBot) -> None:
    new_bot(lambda: picture(90), size=(32, 20))
    result = engine.heard().result
    assert result is not None
    assert result.shape == (20, 32, 3)


def counting() -> Iterator[Any]:
    for number in range(10, 250, 10):
        yield picture(number)


def test_a_generator_of_the_users_own_goes_on_when_it_is_given_again(engine: FrameEngine) -> None:
    own = counting()
    values = []
    for _ in range(3):
        bot = Bot(engine, own).start()
        values.append(value_of(take(engine)))
        bot.close()
        while not engine.is_silent(50):  # what was on its way
            take(engine)
    assert values == sorted(set(values)), "each time from where it was"
    assert round(float(next(own).mean())) > values[-1], "it is the user's to close"


def test_a_generator_that_is_still_at_work_elsewhere_is_waited_for(engine: FrameEngine) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow() -> Iterator[Any]:
        entered.set()
        assert leave.wait(PATIENCE_S)
        yield picture(10)
        yield picture(20)

    own = slow()
    before = Bot(engine, own).start()
    assert entered.wait(PATIENCE_S)
    before.supplier.close()
    after = Bot(engine, own).start()
    leave.set()
    assert value_of(take(engine)) == 20
    assert after.errors == []
    before.close()
    after.close()


def test_a_source_that_ends_without_a_picture_says_so(engine: FrameEngine, new_bot: NewBot) -> None:
    bot = new_bot(lambda: next(iter(())))
    deadline_s = time.monotonic() + PATIENCE_S
    while not bot.errors:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    assert "<lambda>() ended without a picture" in str(bot.errors[0])
    assert bot.supplier.status.is_over


def test_a_source_that_nothing_can_come_from_is_refused_at_once() -> None:
    over = counting()
    for _ in over:
        pass
    with pytest.raises(ValueError, match="the generator counting has ended; call its function again"):
        to_next(over)
    with pytest.raises(ValueError, match="video is an empty list"):
        to_next([])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (picture(1)[:, :, 0], r"video is an array of shape \(48, 64\)"),
        (picture(1) / 255, "video is an array of float64; a picture is uint8"),
        (np.zeros((48, 64, 4), np.uint8), r"video is an array of shape \(48, 64, 4\)"),
    ],
)
def test_an_array_that_is_no_picture_is_refused_at_once(array: Any, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        to_next(array)
