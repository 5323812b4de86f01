"""What a video effect prints beside the engine: through the engine in bounds, and out under its cell."""

import asyncio
import contextvars
import io
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from nbrtc import effect_beside
from nbrtc.effect_beside import EffectBeside, EffectsBeside
from nbrtc.engine import prints
from nbrtc.engine.prints import Prints
from nbrtc.messages import EffectNews
from nbrtc.video_effect_stats import EffectRow

PATIENCE_S = 30.0


async def read(*parts: bytes) -> tuple[list[str], str]:
    """What is passed on of a stream's parts, and the end that is kept."""
    told: list[str] = []
    stream = asyncio.StreamReader()
    reading = asyncio.create_task(Prints(told.append).read(stream))
    for part in parts:
        stream.feed_data(part)
        await asyncio.sleep(0)
    stream.feed_eof()
    return told, await reading


async def test_nothing_printed_is_nothing_passed_on() -> None:
    assert await read() == ([], "")


async def test_a_character_in_two_parts_is_one_and_broken_ones_are_marked() -> None:
    word = "né\n".encode()
    told, kept = await read(word[:2], word[2:], b"\xff!")
    assert ("".join(told), kept) == ("né\n\ufffd!", "né\n\ufffd!")


async def test_a_flood_is_cut_and_counted() -> None:
    told, kept = await read(b"x" * (prints.PERIOD_CHARACTERS + 1234))
    assert "".join(told).count("x") == prints.PERIOD_CHARACTERS
    assert "1,234 more characters" in told[-1]
    assert set(kept) == {"x"}


async def test_it_is_passed_on_while_the_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prints, "PERIOD_S", 0.01)
    arrived = asyncio.Event()
    stream = asyncio.StreamReader()
    reading = asyncio.create_task(Prints(lambda _: arrived.set()).read(stream))
    for _ in range(2):
        stream.feed_data(b"word")
        await asyncio.wait_for(arrived.wait(), PATIENCE_S)
        arrived.clear()
    stream.feed_eof()
    assert await reading == "wordword"


cell: contextvars.ContextVar[str] = contextvars.ContextVar("cell", default="another")


class Output(io.StringIO):
    """Standard output that knows which cell wrote, and may be blocked or closed."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[tuple[str, str]] = []
        self.open = threading.Event()
        self.open.set()
        self.failures = 0

    def write(self, text: str) -> int:
        if self.failures:
            self.failures -= 1
            raise BrokenPipeError("nobody reads")
        assert self.open.wait(PATIENCE_S)
        self.words.append((cell.get(), text))
        return len(text)


def until(condition: Callable[[], object]) -> None:
    limit_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit_s
        time.sleep(0.005)


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    """In the place of whatever standard output is when something is printed."""
    output = Output()
    monkeypatch.setattr(effect_beside, "sys", SimpleNamespace(stdout=output))
    return output


def made_in(name: str) -> EffectBeside:
    def make() -> EffectBeside:
        cell.set(name)
        return EffectBeside("effect()")

    return contextvars.copy_context().run(make)


def test_text_belongs_to_the_cell_that_set_the_effect(output: Output) -> None:
    beside = made_in("third")
    beside.take(EffectNews(call="c", printed="one\n"))
    beside.take(EffectNews(call="c", printed="two\n"))
    beside.close()
    beside.close()
    beside.take(EffectNews(call="c", printed="too late\n"))
    until(lambda: len(output.words) == 2)
    assert output.words == [("third", "one\n"), ("third", "two\n")]


def test_an_output_that_takes_nothing_holds_nobody_up_and_the_oldest_is_dropped(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect_beside, "MAX_WAITING", 3)
    output.open.clear()
    beside = made_in("third")
    for number in range(10):
        beside.take(EffectNews(call="c", printed=str(number)))
    output.open.set()
    until(lambda: output.words and output.words[-1][1] == "9")
    assert len(output.words) <= 4
    beside.close()


def test_an_output_that_fails_is_tried_again_with_the_next_words(output: Output) -> None:
    output.failures = 1
    beside = made_in("third")
    beside.take(EffectNews(call="c", printed="lost"))
    beside.take(EffectNews(call="c", printed="shown"))
    until(lambda: output.words)
    assert output.words == [("third", "shown")]
    beside.close()


class Cells:
    """One call's effects, each set by a cell of its own."""

    def __init__(self) -> None:
        self.effects = EffectsBeside()

    def run(self, name: str, number: int) -> None:
        def use() -> None:
            cell.set(name)
            self.effects.use(number, "effect()")

        contextvars.copy_context().run(use)

    def printed(self, number: int, text: str, *, is_over: bool = False) -> None:
        self.effects.take(EffectNews(call="c", effect=number, printed=text, is_over=is_over))


def test_an_effects_last_words_are_printed_under_its_own_cell(output: Output) -> None:
    cells = Cells()
    cells.run("third", 1)
    cells.printed(1, "one\n")
    cells.run("fourth", 2)
    cells.printed(2, "two\n")
    cells.printed(1, "last\n", is_over=True)
    cells.printed(1, "never\n")
    cells.printed(2, "three\n")
    until(lambda: len(output.words) == 4)
    cells.effects.close()
    cells.printed(2, "never\n")
    assert set(output.words) == {
        ("third", "one\n"), ("fourth", "two\n"), ("third", "last\n"), ("fourth", "three\n"),
    }  # fmt: skip
    assert cells.effects.stats is None


def test_the_present_effect_outlives_an_engine_and_those_before_do_not(output: Output) -> None:
    cells = Cells()
    cells.run("third", 1)
    cells.run("fourth", 2)
    stats = cells.effects.stats
    cells.effects.lose()
    cells.printed(1, "never\n")
    cells.printed(2, "again\n")
    until(lambda: output.words)
    assert (output.words, cells.effects.stats) == ([("fourth", "again\n")], stats)
    cells.effects.use(3, None)
    assert cells.effects.stats is None
    cells.effects.close()


def test_rows_come_first_and_what_became_of_them_later() -> None:
    beside = EffectBeside("effect()")
    row = EffectRow(7, 0.01, 0.02, timestamp=3000)
    beside.take(EffectNews(call="c", rows=((*row,),)))
    assert (beside.stats.frames, beside.stats.sent) == (1, 0)
    beside.take(EffectNews(call="c", sent=((3000, 0.045),)))
    assert (beside.stats.sent, beside.stats.sent_s) == (1, 0.045)
