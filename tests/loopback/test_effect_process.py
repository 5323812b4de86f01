"""A video effect beside the engine: a copy of the function, in a process of its own."""

import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from nbrtc.bridge import Bridge
from nbrtc.own_picture import OwnPicture
from tests.loopback.pictures import draw
from tests.loopback.whole_call import WholeCall
from tests.processes import command_of

MARK = 0b1010_1010
OTHER = 0b0101_0101


class Call(WholeCall, OwnPicture):
    """With the verbs of pictures."""

    async def use(self, function: Callable[..., Any], **options: Any) -> None:
        await self.call(lambda: self.video_effect(where="engine", **options)(function))

    async def sees(self, number: int) -> None:
        """Wait until the page gets a number that no other picture has had since."""
        start = len(self.page.received)
        await self.until(lambda: number in self.page.received[start:], f"the number {number}")

    def processes(self) -> list[psutil.Process]:
        """Of effects."""
        pid = self._side.bridge.engine_pid
        assert pid is not None
        below = psutil.Process(pid).children()
        return [process for process in below if "nbrtc.effect_host" in command_of(process)]


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    bridge = Bridge()
    yield bridge
    bridge.close()


@pytest.fixture
async def call(bridge: Bridge, tmp_path: Path) -> AsyncIterator[Call]:
    call = Call(bridge, tmp_path)
    await call.connect()
    await call.until(lambda: len(call.page.received) > 3, "the camera's pictures")
    yield call
    await call.close()


def by_name(frame: Any) -> Any:
    """It can be imported."""
    return draw(MARK)


async def test_functions_run_beside_the_engine_and_their_frames_are_data(call: Call) -> None:
    await call.use(by_name)
    await call.sees(MARK)
    (process,) = call.processes()

    number = OTHER
    await call.use(lambda frame: os.write(1, b"not between the news\n") and draw(number))
    await call.sees(OTHER)
    start = len(call.page.received)
    await call.until(lambda: len(call.page.received) > start + 10, "more pictures")
    assert set(call.page.received[start:]) == {OTHER}
    assert not process.is_running()

    def sent() -> int:
        stats = call.video_effect_stats
        assert stats is not None
        return stats.sent

    await call.until(lambda: sent() > 3, "what became of the frames")
    stats = call.video_effect_stats
    assert stats is not None
    assert stats.errors == 0
    assert stats.frames >= stats.sent
    assert stats.to_frame().sent_s.dropna().between(0, 60).all()

    (process,) = call.processes()
    await call.call(call.clear_video_effect)
    await call.until(lambda: not process.is_running(), "the process to end")
    assert call.video_effect_stats is None


async def test_what_goes_wrong_is_said_and_the_last_good_picture_stays(call: Call, tmp_path: Path) -> None:
    fuse = tmp_path / "fuse"

    def fragile(frame: Any) -> Any:
        if fuse.exists():
            fuse.unlink()
            os._exit(7)
        if (fuse.parent / "mistake").exists():
            raise ValueError("a mistake in the function")
        return draw(MARK)

    await call.use(fragile)
    await call.sees(MARK)
    start = len(call.page.received)
    (tmp_path / "mistake").touch()
    problems = call.side.problems
    await call.until(lambda: problems.items(), "the error")
    (problem,) = problems.items()
    assert (problem.code, "ValueError: a mistake in the function" in problem.message) == (
        "video-effect",
        True,
    )
    assert "in fragile" in problem.traceback
    (tmp_path / "mistake").unlink()

    (process,) = call.processes()
    fuse.touch()
    await call.until(lambda: len(problems.items()) == 2, "word of the end")
    assert "exit code 7" in problems.items()[1].message
    await call.until(lambda: call.processes() not in ([], [process]), "another process")
    await call.sees(MARK)
    assert set(call.page.received[start:]) == {MARK}, "never the camera's own"


async def test_a_function_that_cannot_be_copied_is_refused(call: Call) -> None:
    lock = threading.Lock()

    def locked(frame: Any) -> Any:
        with lock:
            return frame

    with pytest.raises(TypeError, match=r"locked cannot run in the engine: .*module of its own"):
        await call.use(locked)
    assert call.state.video_effect is None


async def test_an_engine_that_is_killed_takes_the_process_along_and_the_next_one_has_another(
    call: Call,
) -> None:
    await call.use(by_name)
    await call.sees(MARK)
    (process,) = call.processes()
    pid = call.side.bridge.engine_pid
    assert pid is not None
    psutil.Process(pid).kill()
    await call.until(lambda: not process.is_running(), "the process to end")
    await call.until(lambda: call.side.bridge.engine_pid not in (None, pid), "another engine")
    await call.until(lambda: len(call.processes()) == 1, "another process")
