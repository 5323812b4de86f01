"""A call of this process with a real engine, an aiortc page for its own, and a Bot that it meets.

``python -m tests.kernel.recorded_call FOLDER`` records itself into ``lesson.mkv`` until it is killed.
"""

import asyncio
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import numpy as np
import pytest

import nbrtc
from nbrtc.bridge import Bridge
from nbrtc.kernel_side import KernelSide
from nbrtc.messages import CallState, Intent, OpenCall, RoomTicket, decode_event, encode_json
from nbrtc.recording import Recording
from tests.loopback.conftest import SMALL
from tests.loopback.page import FPS, Comm, Page
from tests.loopback.test_recording_rooms import Copier

ROOM = "lesson"
PATIENCE_S = 60.0
Result = TypeVar("Result")


class RecordedCall(Comm):
    """The call and its page; `meet` brings somebody else."""

    def __init__(self, folder: Path, *, room: bool = False, noisy: bool = False) -> None:
        self._loop = asyncio.get_running_loop()
        opening = OpenCall(
            call=uuid.uuid4().hex,
            name="Ada",
            quality=SMALL,
            folder=str(folder),
            epoch=0,
            ticket=RoomTicket(ROOM) if room else None,
        )
        self.side = KernelSide(Bridge.shared(), opening, self._send)
        self.page = Page(self, noisy=noisy)
        self._bot: nbrtc.Bot | None = None
        self._copier: Copier | None = None
        self.side.open()

    @property
    def state(self) -> CallState:
        """As the engine said it last."""
        return self.side.mirror.state

    def from_page(self, page: str, intent: Intent) -> None:
        self.side.from_page({"page": page, "body": encode_json(intent).decode()})

    async def connect(self) -> None:
        """The page's link."""
        try:
            reply = await self.page.connect()
        except TimeoutError:  # a page offers again when its engine was replaced, as on an overloaded machine
            reply = await self.page.connect()
        assert reply.error_code is None, reply.error_message
        await self.until(lambda: self.state.phase == "connected" and self.state.camera_on, "the link")

    async def meet(self) -> str:
        """Bob comes, and the page copies what he sends; returns his id."""
        picture = np.zeros((120, 160, 3), np.uint8)
        self._bot = await self.do(partial(nbrtc.Bot, room=ROOM, name="Bob", video=lambda: picture))

        def bob() -> list[str]:
            return [person.id for person in self.state.participants if person.name == "Bob"]

        await self.until(bob, "Bob")
        self._copier = Copier(cast(Any, self), self.page, bob()[0])
        return bob()[0]

    async def record(self, path: str) -> Recording:
        """Start, and wait until everybody is recorded."""
        recording = await self.do(partial(self.side.record, path))
        expected = 1 if self._bot is None else 2

        def recorded() -> int:
            return sum(person.state == "recorded" for person in recording.people)

        await self.until(lambda: recorded() == expected, "everybody to be recorded")
        return recording

    async def shows(self, pictures: int) -> None:
        """Wait until so many more have gone to the engine and come back, as fast as the machine can."""
        before = len(self.page.sizes)
        await self.until(lambda: len(self.page.sizes) > before + pictures, f"{pictures} pictures")

    async def do(self, blocking: Callable[[], Result]) -> Result:
        """Something that waits for the engine, beside the page."""
        return await cast(Awaitable[Result], asyncio.to_thread(blocking))

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition; the limit is for a test that fails."""
        limit_s = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > limit_s:
                pytest.fail(
                    f"Waited {PATIENCE_S:.0f} s in vain for {what}: {msgspec.structs.asdict(self.state)}"
                )
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        """End everything but the bridge, also after the engine was lost."""
        if self._copier is not None:
            self._copier.task.cancel()
            await asyncio.gather(self._copier.task, return_exceptions=True)
        await self.page.close()
        if self._bot is not None:
            await self.do(self._bot.close)
        await self.do(partial(self.side.close, "the test is over"))

    def _send(self, page: str | None, body: str) -> None:
        if page in (None, self.page.id):
            self._loop.call_soon_threadsafe(self.page.take, decode_event(body))


async def _main(folder: Path) -> None:
    call = RecordedCall(folder)
    await call.connect()
    recording = await call.record("lesson.mkv")
    await call.until(lambda: recording.duration_s > 2, "two seconds")
    await call.shows(FPS)
    sys.stdout.write(f"{call.side.bridge.engine_pid}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
