"""The audio effect's thread: every block to the function and back, and silence where it fails."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from nbrtc import audio_runner
from nbrtc.audio_effect import AudioEffect
from nbrtc.audio_runner import AudioRunner
from nbrtc.messages import AudioCredit
from tests.unit.sound_engine import BLOCK, SoundEngine

PATIENCE_S = 20.0


def samples(value: int, channels: int = 1) -> Any:
    return np.full((BLOCK, channels), value, np.int16)


class Stage:
    def __init__(self) -> None:
        self.engine = SoundEngine()
        self.failures: list[tuple[str, BaseException, str]] = []
        self.stuck: list[tuple[str, float]] = []
        self.runner = AudioRunner(
            self.engine,
            "call",
            lambda effect, error, trace: self.failures.append((effect.name, error, trace)),
            lambda effect, working_s: self.stuck.append((effect.name, working_s)),
        )

    def use(self, function: Callable[..., Any], **form: Any) -> None:
        self.runner.use(AudioEffect.of(function, **form))

    def run(self, *values: int) -> list[Any]:
        """Give these blocks one after the other; returns what came back of each."""
        made, asking = [], self.engine.asked()
        for number, value in enumerate(values):
            self.engine.say(asking, number, samples(value))
            asking = self.engine.made(number)
            made.append(asking.result)
        return made

    def close(self) -> None:
        self.runner.close()
        self.engine.close()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def until(condition: Callable[[], object]) -> None:
    limit_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit_s, "waited in vain"
        time.sleep(0.005)


def test_every_block_comes_back_changed(stage: Stage) -> None:
    stage.use(lambda sound: sound * 2)
    assert [made[0, 0] for made in stage.run(1, 2, 3)] == [2, 4, 6]
    stats = stage.runner.stats
    assert stats is not None
    assert (stats.name, stats.blocks, stats.errors) == ("<lambda>()", 3, 0)
    assert stats.delay_s == pytest.approx(stats.wait_s + stats.run_s)


def test_coroutine_functions_share_a_loop(stage: Stage) -> None:
    loops = []

    async def slowly(sound: Any) -> Any:
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return -sound

    stage.use(slowly)
    assert [made[0, 0] for made in stage.run(1, 2)] == [-1, -2]
    assert loops[0] is loops[1]


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_where_it_fails_there_is_silence_and_the_next_block_goes_on(
    stage: Stage, error: type[BaseException]
) -> None:
    def fails(sound: Any) -> Any:
        if sound[0, 0] == 2:
            raise error("two is too much")
        return sound

    stage.use(fails)
    assert [made[0, 0] for made in stage.run(1, 2, 3)] == [1, 0, 3]
    name, raised, trace = stage.failures[0]
    assert (name, str(raised)) == ("fails()", "two is too much")
    assert "def fails" not in trace
    assert "in fails" in trace
    assert stage.runner.stats is not None
    assert stage.runner.stats.errors == 1


def test_nonsense_is_silence_too_and_never_the_voice(stage: Stage) -> None:
    stage.use(lambda sound: sound.astype(float))
    assert not np.any(stage.run(1000, 1000))
    assert "float64" in str(stage.failures[0][1])


def test_the_engine_tells_what_was_late_and_left_out(stage: Stage) -> None:
    stage.use(lambda sound: sound)
    asking = stage.engine.asked()
    for number, told in enumerate(({"late": 3}, {"late": 2, "dropped": 20}, {})):
        stage.engine.say(asking, number, samples(1), **told)
        asking = stage.engine.made(number)
    stats = stage.runner.stats
    assert stats is not None
    assert (stats.late, stats.dropped) == (5, 20)


def test_a_swap_takes_effect_at_once_even_where_the_old_one_never_returns(stage: Stage) -> None:
    stuck, release = threading.Event(), threading.Event()

    def hangs(sound: Any) -> Any:
        stuck.set()
        release.wait(PATIENCE_S)
        return sound

    stage.use(hangs)
    stage.engine.say(stage.engine.asked(), 0, samples(1))
    assert stuck.wait(PATIENCE_S)
    stage.use(lambda sound: sound + 5)
    assert [made[0, 0] for made in stage.run(1, 2)] == [6, 7]
    release.set()
    assert stage.runner.stats is not None
    assert stage.runner.stats.blocks == 2, "the old one's are not counted"


def test_a_function_that_does_not_return_is_counted_and_told_of(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_runner, "STUCK_S", 0.05)
    stuck, release = threading.Event(), threading.Event()

    def hangs(sound: Any) -> Any:
        stuck.set()
        release.wait(PATIENCE_S)
        return sound

    stage.runner.behind(7, 7)  # nobody's
    stage.use(hangs)
    stage.engine.say(stage.engine.asked(), 0, samples(1))
    assert stuck.wait(PATIENCE_S)
    until(lambda: stage.runner.stats is not None and stage.runner.stats.working_s > 0.05)
    stage.runner.behind(50, 20)
    stats = stage.runner.stats
    assert stats is not None
    assert (stats.late, stats.dropped) == (50, 20)
    stage.runner.use(None)
    assert [name for name, _ in stage.stuck] == ["hangs()", "hangs()"], "while it hangs, and as it is left"
    assert stage.stuck[1][1] >= stage.stuck[0][1] > 0.05
    release.set()


def test_taken_off_it_gives_its_credit_back_and_asks_no_more(stage: Stage) -> None:
    stage.use(lambda sound: sound)
    stage.engine.asked()
    stage.runner.use(None)
    assert stage.runner.stats is None
    while isinstance(stage.engine.asked().message, AudioCredit):
        pass  # a slow machine's second one; a FrameStop ends them
    assert stage.engine.is_silent(during_ms=200)


def test_a_credit_that_brings_nothing_is_given_again_and_a_block_is_taken_once(stage: Stage) -> None:
    seen: list[int] = []

    def look(sound: Any) -> Any:
        seen.append(int(sound[0, 0]))
        return sound

    stage.use(look)
    first = stage.engine.asked()
    again = stage.engine.asked()
    assert again.identity == first.identity
    stage.engine.say(again, 0, samples(1))
    stage.engine.say(again, 0, samples(1))  # an engine that answered both
    stage.engine.say(stage.engine.made(0), 1, samples(2))
    stage.engine.made(1)
    assert seen == [1, 2]


def test_a_new_engine_is_asked_as_soon_as_it_is_there(stage: Stage) -> None:
    stage.use(lambda sound: sound)
    stage.engine.asked()
    stage.engine.crash()
    stage.engine.start()
    assert [made[0, 0] for made in stage.run(4)] == [4]


def test_the_last_thousand_blocks_are_a_table(stage: Stage) -> None:
    stage.use(lambda sound: sound)
    stage.run(*[1] * 5)
    stats = stage.runner.stats
    assert stats is not None
    frame = stats.to_frame()
    assert list(frame.columns) == ["wait_s", "run_s", "delay_s", "is_error"]
    assert len(frame) == 5
    assert str(frame.index.dtype) == "datetime64[ns, UTC]"
    assert (frame["delay_s"] == frame["wait_s"] + frame["run_s"]).all()
    stage.use(lambda sound: sound)
    assert stage.runner.stats is not None
    assert stage.runner.stats.to_frame().dtypes.astype(str).tolist() == ["float64"] * 3 + ["bool"]
