"""A video effect beside the engine goes on though nothing else of the kernel does."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from nbrtc.messages import Intent, decode_event, encode_json
from tests.kernel.kernel import started_kernel
from tests.kernel.piped_call import FIRST
from tests.loopback.page import Comm, Page

PATIENCE_S = 60.0


class PipedCall(Comm):
    """The page's end of a `piped_call`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.words: list[str] = []
        self.page = Page(self)
        self._reading = asyncio.create_task(self._read())

    def from_page(self, page: str, intent: Intent) -> None:
        self.say(json.dumps({"page": page, "body": encode_json(intent).decode()}))

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def until(self, condition: Callable[[], object], what: str) -> None:
        limit_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > limit_s:
                pytest.fail(f"Waited {PATIENCE_S:.0f} s in vain for {what}; {self.words}")
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.page.close()
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._reading
        await self._process.wait()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if not line.startswith(b"{"):
                self.words.append(line.decode().strip())
                continue
            message = json.loads(line)
            if message["page"] in (None, self.page.id):
                self.page.take(decode_event(message["body"]))


@pytest.fixture
def door(tmp_path: Path) -> Iterator[int]:
    """Whatever is written here ends the C call."""
    os.mkfifo(tmp_path / "door")
    opened = os.open(tmp_path / "door", os.O_RDWR)
    yield opened
    os.close(opened)


@pytest.fixture
async def call(tmp_path: Path, door: int) -> AsyncIterator[PipedCall]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.kernel.piped_call", str(tmp_path), str(tmp_path / "door")),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1024 * 1024,
        cwd=Path(__file__).parents[2],
    )
    call = PipedCall(process)
    yield call
    os.write(door, b"x")  # of a test that failed
    await call.close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
async def test_pictures_go_on_while_the_kernel_is_in_a_c_call_that_keeps_the_interpreter(
    call: PipedCall, door: int
) -> None:
    reply = await call.page.connect()
    assert reply.error_code is None, reply.error_message
    await call.until(lambda: len(call.page.received) > 5, "the effect's pictures")

    call.say("block")
    await call.until(lambda: call.words == ["blocked"], "the C call")
    earlier = len(call.page.received)
    await call.until(lambda: len(set(call.page.received[earlier:])) >= 20, "twenty new pictures")
    assert call.words == ["blocked"], "and it is still there"
    assert min(call.page.received) >= FIRST, "never the camera's own"
    os.write(door, b"x")
    await call.until(lambda: call.words == ["blocked", "free"], "its end")


LOUD = """
class Loud:
    def __init__(self):
        self.words = "made beside the engine"
    def __setstate__(self, state):
        print(state["words"])
    def __call__(self, frame):
        return frame

_ = call.video_effect(Loud(), where="engine")
"""


def test_what_it_prints_comes_out_of_the_cell_that_set_it(tmp_path: Path) -> None:
    with started_kernel(tmp_path) as kernel:
        first = kernel.run("call = nbrtc.Call(name='Ada')")
        second = kernel.run(LOUD)
        third = kernel.run("print('later')")
        kernel.read_until(lambda: second.text, "what was printed beside the engine")
        kernel.run("call.close()")
    assert (first.text, second.text, third.text) == ("", "made beside the engine\n", "later\n")
