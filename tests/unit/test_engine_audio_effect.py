"""An effect of any slowness: every block once and in order, silence while it is late, no growing delay."""

from dataclasses import dataclass

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.engine.audio_effect import KEPT, WAITING, AudioEffect, Listener
from nbrtc.engine.hearing import BLOCK, BLOCK_S, Block
from nbrtc.engine.reserve import MOST
from nbrtc.errors import SoundError
from nbrtc.messages import AudioHeader

NEVER_S = 1e9


@dataclass
class Sent:
    """What went to the others in one step of 20 ms."""

    number: int | None
    age_s: float


class Stage:
    """A microphone, a function that takes its time, and the beat, all on one clock of the test's own."""

    def __init__(self, runs_s: list[float], jitter_s: list[float] | None = None) -> None:
        self.effect = AudioEffect(1)
        self.sent: list[Sent] = []
        self.given: list[int] = []
        self.heard = 0
        self.dropped = self.late = 0
        self._runs_s = runs_s
        self._jitter_s = jitter_s or [0.0]
        self._ready_s = NEVER_S
        self._holds: tuple[AudioHeader, bytes] | None = None
        self._now_s = 0.0
        self._arrivals: list[float] = []
        self.effect.ask(self._listener(), -1)

    def play(self, seconds: float) -> None:
        """Everything that happens meanwhile, in the order of time."""
        for tick in range(round(self._now_s / BLOCK_S), round((self._now_s + seconds) / BLOCK_S)):
            jitter_s = self._jitter_s[tick % len(self._jitter_s)]
            self._until(tick * BLOCK_S + min(jitter_s, 0.019))
            samples = np.full((BLOCK, 1), 1000 + tick % 100, np.int16)
            self.effect.hear(Block(self.heard, samples, BLOCK * self.heard, self._now_s))
            self.heard += 1
            self._until(tick * BLOCK_S + 0.0195)
            block = self.effect.take(self._now_s)
            self.sent.append(
                Sent(None, 0.0) if block is None else Sent(block.number, self._now_s - block.arrived_s)
            )
        self._now_s = round((self._now_s + BLOCK_S) / BLOCK_S) * BLOCK_S

    @property
    def numbers(self) -> list[int]:
        return [sent.number for sent in self.sent if sent.number is not None]

    @property
    def waiting(self) -> int:
        """Blocks that are somewhere on their way."""
        return len(self.effect._waiting) + len(self.effect._reserve) + (self._holds is not None)

    def _until(self, time_s: float) -> None:
        while self._ready_s <= time_s:
            self._now_s = self._ready_s
            self._ready_s, holds, self._holds = NEVER_S, self._holds, None
            assert holds is not None
            header, samples = holds
            self.effect.result(msgspec.structs.replace(header, dropped=0, late=0), memoryview(samples))
            self.effect.ask(self._listener(), header.number)
        self._now_s = time_s

    def _listener(self) -> Listener:
        return Listener(b"function", self._take)

    def _take(self, header: AudioHeader, samples: bytes) -> None:
        assert self._holds is None, "it was given a block while it had one"
        run_s = self._runs_s[len(self.given) % len(self._runs_s)]
        self.given.append(header.number)
        self.dropped += header.dropped
        self.late += header.late
        self._holds, self._ready_s = (header, samples), self._now_s + run_s


RUNS = st.lists(st.sampled_from([0.0005, 0.002, 0.01, 0.019, 0.025, 0.06, 0.3, 1.2]), min_size=1, max_size=30)
JITTER = st.lists(st.floats(0, 0.018), min_size=1, max_size=20)


@settings(deadline=None, max_examples=60)
@given(RUNS, JITTER)
def test_each_block_is_given_once_and_sent_once_in_order_or_counted(
    runs_s: list[float], jitter_s: list[float]
) -> None:
    stage = Stage(runs_s, jitter_s)
    stage.play(6.0)
    assert stage.given == sorted(set(stage.given))
    assert stage.numbers == sorted(set(stage.numbers))
    assert set(stage.numbers) <= set(stage.given)
    assert len(stage.numbers) + stage.effect.dropped + stage.waiting == stage.heard
    # a block waits at most for its turn, for the function, and to be sent
    oldest_s = WAITING * BLOCK_S + 2 * max(runs_s) + (MOST + 1) * BLOCK_S
    assert max((sent.age_s for sent in stage.sent), default=0) <= oldest_s


@settings(deadline=None, max_examples=30)
@given(RUNS)
def test_after_a_stall_the_delay_comes_back(runs_s: list[float]) -> None:
    stage = Stage([*runs_s, *[0.001] * 100_000])
    stage.play(sum(runs_s) + 2.0)
    late = stage.effect.late
    stage.play(2.0)
    ages_s = [sent.age_s for sent in stage.sent[-50:]]
    assert max(ages_s) <= (MOST + 1) * BLOCK_S
    assert stage.effect.late == late, "it is not late any more"
    assert None not in [sent.number for sent in stage.sent[-50:]]


def test_a_quick_function_loses_nothing_and_adds_two_blocks_of_delay() -> None:
    stage = Stage([0.001])
    stage.play(10.0)
    assert (stage.effect.late, stage.effect.dropped) == (0, 0)
    assert stage.numbers == list(range(len(stage.numbers)))
    assert len(stage.numbers) >= stage.heard - 2
    assert max(sent.age_s for sent in stage.sent) < 0.05
    assert stage.effect.delay_s is not None


def test_a_function_of_30_ms_counts_what_it_cannot_do() -> None:
    stage = Stage([0.03])
    stage.play(10.0)
    done = len(stage.numbers)
    assert done == pytest.approx(10 / 0.03, rel=0.1)
    assert stage.effect.dropped + done + stage.waiting == stage.heard
    silent = len(stage.sent) - done
    assert stage.effect.late == pytest.approx(silent, abs=3)
    assert 0 <= stage.effect.late - stage.late < 5, "the kernel is told with its next block"
    assert 0 <= stage.effect.dropped - stage.dropped <= WAITING - KEPT + 1


def test_a_function_that_never_returns_leaves_silence() -> None:
    stage = Stage([NEVER_S])
    stage.play(5.0)
    assert stage.numbers == []
    assert stage.effect.late == pytest.approx(250, abs=3)
    assert len(stage.effect._waiting) <= WAITING


def test_nobody_who_asks_is_as_good_as_a_function_that_is_late() -> None:
    effect = AudioEffect(1)
    for number in range(100):
        effect.hear(block(number))
        effect.take(0.02 * number + 0.01)
    assert effect.late > 90
    assert effect.dropped > 60


def test_a_microphone_that_is_off_makes_nobody_late() -> None:
    stage = Stage([0.001])
    stage.play(1.0)
    before = stage.effect.late
    for _ in range(100):
        stage.effect.take(100.0)
    assert stage.effect.late == before


def block(number: int, channels: int = 1) -> Block:
    return Block(number, np.zeros((BLOCK, channels), np.int16), BLOCK * number, 0.02 * number)


class Port:
    """The kernel's, by hand."""

    def __init__(self, effect: AudioEffect, name: bytes = b"port") -> None:
        self.got: list[int] = []
        self._effect = effect
        self.listener = Listener(name, lambda header, _: self.got.append(header.number))

    def ask(self, after: int) -> None:
        self._effect.ask(self.listener, after)

    def result(self, number: int) -> None:
        header = AudioHeader(number=number, blocks=1, channels=1, arrived_s=0.0)
        self._effect.result(header, memoryview(bytes(2 * BLOCK)))


def test_a_question_that_crosses_its_answer_changes_nothing() -> None:
    effect = AudioEffect(1)
    port = Port(effect)
    port.ask(-1)
    effect.hear(block(0))
    port.ask(-1)  # asked again, because the answer was long on its way
    effect.hear(block(1))
    assert port.got == [0]
    port.result(0)
    port.ask(0)
    assert port.got == [0, 1]


def test_a_result_is_taken_once_and_only_of_what_was_given() -> None:
    effect = AudioEffect(1)
    port = Port(effect)
    port.ask(-1)
    effect.hear(block(0))
    for number in (5, 0, 0):
        port.result(number)
    assert [each.number for each in effect._reserve.flush()] == [0]


def test_whoever_asks_last_is_given_the_next_block_and_an_earlier_ones_result_is_nobodys() -> None:
    effect = AudioEffect(1)
    old, new = Port(effect, b"old"), Port(effect, b"new")
    old.ask(-1)
    effect.hear(block(0))
    new.ask(-1)
    effect.hear(block(1))
    assert (old.got, new.got) == ([0], [1])
    old.result(0)
    assert not effect._reserve
    effect.forget(b"old")
    new.result(1)
    new.ask(1)
    effect.hear(block(2))
    assert new.got == [1, 2]


@pytest.mark.parametrize(("blocks", "channels", "size"), [(1, 1, 10), (2, 1, 4 * BLOCK), (1, 2, 4 * BLOCK)])
def test_samples_that_are_not_one_block_are_refused(blocks: int, channels: int, size: int) -> None:
    header = AudioHeader(number=0, blocks=blocks, channels=channels, arrived_s=0.0)
    with pytest.raises(SoundError, match=f"{size} came"):
        AudioEffect(1).result(header, memoryview(bytes(size)))
