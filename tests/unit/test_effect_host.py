"""The process of a video effect: a real one, against an engine's socket of the test's own."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from nbrtc import effect_runner
from nbrtc.bridge import FRAMES
from nbrtc.effect_code import pack
from nbrtc.effect_host import Host
from nbrtc.messages import EffectNews, EffectOrder, SetVideoEffect, encode_bridge
from nbrtc.video_effect_stats import EffectRow
from tests.unit.frame_engine import FrameEngine, Reader

Picture = NDArray[np.uint8]
PATIENCE_S = 60.0
IDENTITY = b"effect-of-a-test"


class SocketOnly(FrameEngine):
    """Where a process finds the engine's frames."""

    @property
    def _address(self) -> str:
        return f"ipc://{self.folder}/{FRAMES}"

    @property
    def folder(self) -> Path:
        return self._folder


class Stage:
    """An engine's socket, and the process that was started last."""

    def __init__(self) -> None:
        self.engine = SocketOnly()
        self._processes: list[subprocess.Popen[bytes]] = []

    def order(self, code: bytes, **fields: Any) -> bytes:
        verb = SetVideoEffect(name="effect()", code=code, path=tuple(filter(None, sys.path)), **fields)
        order = EffectOrder(folder=str(self.engine.folder), identity=IDENTITY, call="call", verb=verb)
        return encode_bridge(order)

    def start(self, function: Callable[..., Any] | bytes, **fields: Any) -> subprocess.Popen[bytes]:
        order = self.order(function if isinstance(function, bytes) else pack(function), **fields)
        process = subprocess.Popen(
            [sys.executable, "-m", "nbrtc.effect_host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._processes.append(process)
        _of(process.stdin).write(len(order).to_bytes(4, "big") + order)
        _of(process.stdin).flush()
        return process

    def result_of(self, reader: Reader, number: int) -> Reader:
        self.engine.give(reader, number)
        return self.engine.heard()

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                _of(stream).close()
        self.engine.close()


def _of(stream: Any) -> BinaryIO:
    assert stream is not None
    return stream  # type: ignore[no-any-return]


def news(process: subprocess.Popen[bytes]) -> EffectNews:
    return msgspec.json.decode(_of(process.stdout).readline(), type=EffectNews)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def test_frames_come_and_results_go_whatever_the_function_prints(stage: Stage) -> None:
    def chatty(frame: Picture) -> Picture:
        print("a wörd")  # noqa: T201 - as users do
        os.write(1, b"and a rude one\n")
        os.system("echo a child of it")
        return 255 - frame

    process = stage.start(chatty, size=(32, 24), queued=True)
    reader = stage.engine.heard()
    assert reader.identity == IDENTITY
    assert (reader.message.size, reader.message.queued) == ((32, 24), True)  # type: ignore[union-attr]
    for number in range(1, 4):
        reader = stage.result_of(reader, number)
        assert reader.result_number == number
    assert reader.result is not None
    assert reader.result.mean() == pytest.approx(252, abs=2)

    assert _of(process.stderr).readline() == "a wörd\n".encode(), "what is printed does not wait for more"
    rows: list[EffectRow] = []
    while len(rows) < 3:
        rows += [EffectRow(*row) for row in news(process).rows]
    assert [(row.number, row.error) for row in rows] == [(1, False), (2, False), (3, False)]
    _of(process.stdin).close()
    assert process.wait(PATIENCE_S) == 0
    said = _of(process.stderr).read()
    words = "a wörd".encode(), b"a rude one", b"a child of it"
    assert [said.count(word) for word in words] == [2, 3, 3]
    assert _of(process.stdout).read() == b""


def test_a_failure_is_said_once_for_each_kind_then_counted_and_can_always_be_said(stage: Stage) -> None:
    class Unspeakable(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    def failing(frame: Picture) -> Picture:
        match int(frame[0, 0, 0]) // 50:
            case 0:
                raise ValueError("first")
            case 1:
                raise FileNotFoundError("name \udcff" + 10_000 * "x")
            case 2:
                raise Unspeakable
        return frame

    process = stage.start(failing)
    reader = stage.engine.heard()
    for number in (20, 21, 70, 71, 120, 121, 220):
        reader = stage.result_of(reader, number)
        assert reader.result_number == (220 if number == 220 else None)

    errors: list[EffectNews] = []
    rows: list[EffectRow] = []
    while len(rows) < 7 or sum(error.times for error in errors) < 6:
        said = news(process)
        errors += [said] if said.error else []
        rows += [EffectRow(*row) for row in said.rows]
    first = [error for error in errors if error.traceback]
    assert [error.error[:40].split(" ")[2] for error in first] == [
        "ValueError:",
        "FileNotFoundError:",
        "Unspeakable:",
    ]
    assert Counter({error.error: 2 for error in first}) == sum(
        (Counter({error.error: error.times}) for error in errors), Counter()
    )
    assert "in failing" in first[0].traceback
    assert max(len(error.error) for error in errors) <= 2000
    assert [row.error for row in rows] == [True] * 6 + [False]


def test_a_row_is_told_at_once_and_when_its_result_was_sent_as_soon_as_that_is_known(stage: Stage) -> None:
    said: list[EffectNews] = []
    order = msgspec.msgpack.decode(stage.order(pack(lambda frame: frame)), type=EffectOrder)
    host = Host(order, said.append)
    host.start()
    reader = stage.result_of(stage.engine.heard(), 1)
    host.report()
    assert [[(row[0], row[3]) for row in one.rows] for one in said] == [[(1, None)]]
    stage.engine.give(reader, 2, sent=(3000, 0.045))
    stage.engine.heard()
    host.report()
    assert [(one.rows[0][0], one.sent) for one in said[1:]] == [(2, ((3000, 0.045),))]
    host.report()
    assert len(said) == 2, "each is told once"
    host.close()
    assert not stage.engine.heard().is_asking


def test_a_function_that_does_not_return_is_said_while_it_works(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effect_runner, "HANGS_S", 0.0)
    entered, go_on, said = tmp_path / "entered", tmp_path / "go-on", list[EffectNews]()

    def hangs(frame: Picture) -> Picture:
        entered.touch()
        while not go_on.exists():
            time.sleep(0.01)
        return frame

    host = Host(msgspec.msgpack.decode(stage.order(pack(hangs)), type=EffectOrder), said.append)
    host.start()
    stage.engine.give(stage.engine.heard(), 1)
    deadline = time.monotonic() + PATIENCE_S
    while not entered.exists():
        assert time.monotonic() < deadline
    for _ in range(2):
        host.report()
    (news,) = said
    assert news.error.startswith("hangs() has been working on one frame for 0 s; it keeps its thread")
    assert "in hangs\n" in news.traceback
    go_on.touch()
    stage.engine.heard()
    host.close()
    assert not stage.engine.heard().is_asking


def test_a_function_that_cannot_be_loaded_is_said_and_the_process_ends(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "goes_away_in_a_test.py").write_text("def effect(frame): return frame\n")
    monkeypatch.syspath_prepend(tmp_path)
    import goes_away_in_a_test  # type: ignore[import-not-found]

    code = pack(goes_away_in_a_test.effect)
    (tmp_path / "goes_away_in_a_test.py").unlink()
    process = stage.start(code)
    said = news(process)
    assert said.error.startswith("effect() cannot run in the engine: ModuleNotFoundError")
    assert "goes_away_in_a_test" in said.error
    assert said.is_unusable
    assert process.wait(PATIENCE_S) == 1


def test_code_that_reads_standard_input_gets_nothing_of_the_conversation(stage: Stage) -> None:
    def reading(frame: Picture) -> Picture:
        return np.full_like(frame, len(sys.stdin.read()) + 77)

    stage.start(reading)
    reader = stage.result_of(stage.engine.heard(), 1)
    assert reader.result is not None
    assert reader.result.mean() == pytest.approx(77, abs=2)


def test_it_ends_with_its_standard_input_though_the_function_does_not_return(stage: Stage) -> None:
    def stuck(frame: Picture) -> Picture:
        os.write(2, b"here\n")
        time.sleep(600)
        return frame

    process = stage.start(stuck)
    stage.engine.give(stage.engine.heard(), 1)
    assert _of(process.stderr).readline() == b"here\n"
    _of(process.stdin).close()
    assert process.wait(PATIENCE_S) == 0


OWNER = """
import subprocess, sys
order = sys.stdin.buffer.read()
process = subprocess.Popen([sys.executable, "-m", "nbrtc.effect_host"], stdin=subprocess.PIPE)
process.stdin.write(order)
process.stdin.flush()
print(process.pid, flush=True)
process.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_it_ends_with_its_owner_though_the_function_keeps_the_interpreter(
    stage: Stage, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"

    def greedy(frame: Picture) -> Picture:
        import ctypes

        mark.touch()
        ctypes.PyDLL(None).sleep(600)  # a C function that does not let go of the interpreter
        return frame

    order = stage.order(pack(greedy))
    command = [sys.executable, "-c", OWNER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        _of(owner.stdin).write(len(order).to_bytes(4, "big") + order)
        _of(owner.stdin).close()
        process = psutil.Process(int(_of(owner.stdout).readline()))
        stage.engine.give(stage.engine.heard(), 1)
        limit_s = time.monotonic() + PATIENCE_S
        while not mark.exists():
            assert time.monotonic() < limit_s, "the function was not called"
            time.sleep(0.01)
        owner.kill()
        process.wait(PATIENCE_S)
