"""The engine's end of a video effect's process: with processes of the test, which do what it wants."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable

import msgspec
import psutil
import pytest

from nbrtc.engine import effect_process as module
from nbrtc.engine.effect_process import EffectProcess
from nbrtc.messages import EffectNews, SetVideoEffect

VERB = SetVideoEffect(name="effect()", code=b"code", number=7)
READ = "import os, sys\nos.read(0, 65536)\n"
SAYS = 'print(\'{"type":"effect-news","call":"call","error":"%s"}\', flush=True)\n'


class Stage:
    """One owner, and what it told."""

    def __init__(self, script: str) -> None:
        self.told: list[tuple[EffectNews, bool]] = []
        self.gone: list[bytes] = []
        self.owner = EffectProcess(
            "call",
            "/nowhere",
            on_news=lambda news, show: self.told.append((news, show)),
            on_gone=self.gone.append,
            command=(sys.executable, "-c", READ + script),
        )
        self.owner.use(VERB)

    @property
    def errors(self) -> list[tuple[EffectNews, bool]]:
        return [told for told in self.told if told[0].error]

    async def until(self, condition: Callable[[], object]) -> None:
        limit_s = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < limit_s, self.told
            await asyncio.sleep(0.01)


@pytest.fixture
async def stage() -> AsyncIterator[Callable[[str], Stage]]:
    made: list[Stage] = []

    def make(script: str) -> Stage:
        made.append(Stage(script))
        return made[-1]

    yield make
    for one in made:
        await one.owner.close()
        await one.owner.close()


Make = Callable[[str], Stage]


@pytest.mark.parametrize(
    ("script", "how"),
    [
        *(
            (f"sys.stderr.write('it hurts'); os._exit({code})", f"ended with exit code {code}")
            for code in (1, 3, 7)
        ),
        ("os.write(2, b'it hurts'); os.kill(os.getpid(), 9)", "was killed by SIGKILL"),
        ("os.write(2, b'it hurts'); os.kill(os.getpid(), 40)", "was killed by signal 40"),
    ],
)
async def test_a_process_that_ends_is_started_again_and_a_person_is_told_once(
    stage: Make, monkeypatch: pytest.MonkeyPatch, script: str, how: str
) -> None:
    monkeypatch.setattr(module, "PAUSES_S", (0.01,))
    one = stage(script)
    await one.until(lambda: len(one.errors) >= 3)
    news, shown = zip(*one.errors, strict=True)
    assert {item.error for item in news} == {f"effect(): its process {how}, and is started again"}
    assert {item.traceback for item in news} == {"it hurts"}
    assert shown[:3] == (True, False, False)
    assert len(set(one.gone)) == len(one.gone) >= 3, "each socket has a name of its own, and is forgotten"


async def test_a_process_whose_function_cannot_be_loaded_is_not_started_again(stage: Make) -> None:
    one = stage(SAYS.replace('"error"', '"is_unusable":true,"error"') % "it cannot be loaded" + "sys.exit(1)")
    await one.until(lambda: one.gone)
    assert [(news.error, shown) for news, shown in one.told] == [("it cannot be loaded", True)]
    assert one.owner._task is not None
    await one.owner._task


async def test_a_command_that_does_not_exist_is_said_in_words(stage: Make) -> None:
    one = stage("")
    one.owner._command = ("/nowhere/python",)
    await one.until(lambda: one.told)
    assert one.told[0][0].error.startswith("effect() does not run: its process could not be started")


async def test_what_it_prints_is_passed_on_in_order_with_its_last_words(stage: Make) -> None:
    one = stage("os.write(2, 'première\\n'.encode())\nsys.stdin.read()\nos.write(2, b'and the last')")
    await one.until(lambda: one.told)
    one.owner.use(None)
    await one.owner.close()
    assert "".join(news.printed for news, _ in one.told) == "première\nand the last"
    assert not any(shown for _, shown in one.told)
    assert [news.is_over for news, _ in one.told[-2:]] == [False, True]
    assert {news.effect for news, _ in one.told} == {7}


async def test_what_an_effect_says_at_its_end_is_said_as_its_own(stage: Make) -> None:
    one = stage(SAYS % "up" + "sys.stdin.read()\nos.write(2, b'last words')")
    await one.until(lambda: one.errors)
    one.owner.use(msgspec.structs.replace(VERB, number=8))
    await one.until(lambda: len(one.errors) == 2)
    one.owner.use(None)
    await one.owner.close()
    for number in (7, 8):
        mine = [(news.printed, news.is_over) for news, _ in one.told if news.effect == number]
        assert mine == [("", False), ("last words", False), ("", True)]


async def test_what_is_no_news_is_left_out(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LINE_BYTES", 1000)
    one = stage("print('hello'); print(10_000 * 'x')\n" + SAYS % "still here" + "sys.stdin.read()")
    await one.until(lambda: one.told)
    assert one.told[0][0].error == "still here"


@pytest.mark.parametrize(
    "script",
    ["import time; time.sleep(600)", "while True: print('x' * 1000)"],
    ids=["deaf", "babbling"],
)
async def test_another_effect_ends_the_process_however_it_behaves(
    stage: Make, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(module, "END_S", 0.2)
    one = stage(SAYS % "up" + script)
    await one.until(lambda: one.told)
    one.owner.use(None)
    await one.until(lambda: one.gone)
    await one.owner.close()
    assert [(news.error, news.is_over) for news, _ in one.told] == [("up", False), ("", True)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
async def test_what_the_function_started_ends_with_it(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "END_S", 0.2)
    forks = "import time\npid = os.fork() or time.sleep(600)\n"
    one = stage(forks + SAYS.replace("%s", "%d").replace(", flush", " % pid, flush") + "os._exit(0)")
    await one.until(lambda: one.told)
    child = psutil.Process(int(one.told[0][0].error))
    one.owner.use(None)
    await one.owner.close()
    await one.until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
