"""A session of the engine, in this process, and pages that talk to it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from nbrtc.engine.composer import Composer
from nbrtc.engine.link import Link
from nbrtc.engine.rooms import Rooms
from nbrtc.engine.session import Session
from nbrtc.engine.tasks import Tasks
from nbrtc.messages import (
    CallState,
    FrameHeader,
    IceOptions,
    IceServerSource,
    Impair,
    Impairment,
    Intent,
    Notification,
    OpenCall,
    PageMessage,
    Phase,
    Problem,
    Quality,
    RoomTicket,
    decode_event,
)
from nbrtc.pictures import pack
from tests.loopback.page import Comm, Page
from tests.loopback.pictures import HEIGHT, WIDTH, draw

SMALL = Quality(width=WIDTH, height=HEIGHT, fps=30, name=None)
ANY_WAY = IceOptions()


class Call(Comm):
    """One session and its pages. The comm is a turn of the loop."""

    def __init__(
        self,
        folder: Path,
        quality: Quality = SMALL,
        ticket: RoomTicket | None = None,
        name: str = "Ada",
        ice_servers: tuple[IceServerSource, ...] = (),
        ice_options: IceOptions = ANY_WAY,
    ) -> None:
        self.notifications: list[Notification] = []
        self.pages: dict[str, Page] = {}
        self.phases: list[Phase] = []
        self._tasks = Tasks()
        opening = OpenCall(
            call="call",
            name=name,
            quality=quality,
            folder=str(folder),
            epoch=0,
            ticket=ticket,
            ice_servers=ice_servers,
            ice_options=ice_options,
        )
        self.state = CallState(quality=quality)
        self._rooms = Rooms()
        self.composer = Composer()
        self.session = Session(opening, self._notify, self._rooms, self.composer)

    def page(self, **options: Any) -> Page:
        page = Page(self, **options)
        self.pages[page.id] = page
        return page

    async def connected(self, **options: Any) -> Page:
        """A page in the call, with its picture coming back."""
        page = self.page(**options)
        reply = await page.connect()
        assert reply.error_code is None, reply.error_message
        await self.reaches("connected")
        return page

    def from_page(self, page: str, intent: Intent) -> None:
        self._tasks.spawn(self.session.from_page(page, intent), "test-intent")

    async def reaches(self, phase: Phase) -> None:
        await self.until(lambda: self.state.phase == phase, f"the phase {phase}")

    async def until(
        self, condition: Callable[[], object], what: str = "a condition", *, s: float = 60
    ) -> None:
        """Wait for a condition; the limit is for a test that fails."""
        loop = asyncio.get_running_loop()
        limit_s = loop.time() + s
        while not condition():
            if loop.time() > limit_s:
                pytest.fail(f"Waited {s:.0f} s in vain for {what}; the call: {self.state}")
            await asyncio.sleep(0.005)

    @property
    def link(self) -> Link:
        link = self.session._ownership.link
        assert link is not None
        return link

    @property
    def problems(self) -> list[str]:
        return [item.message for item in self.notifications if isinstance(item, Problem)]

    async def impair(self, **figures: Any) -> None:
        """Put an impairment on the link, or take it off."""
        await self.session.from_kernel(Impair(Impairment(**figures) if figures else None))

    def show(self, number: int, *, width: int = WIDTH, height: int = HEIGHT, timestamp: int = 0) -> None:
        """An effect's result comes from the kernel."""
        header = FrameHeader(
            number=number,
            width=width,
            height=height,
            timestamp=timestamp,
            arrived_s=time.monotonic(),
            time_s=0.0,
        )
        self.session.studio.result(header, memoryview(pack(draw(number, width, height))))

    async def close(self) -> None:
        await self.session.close("closed", "The test is over.")
        await self.composer.close()
        await self._rooms.close()
        for page in self.pages.values():
            await page.close()
        await self._tasks.finish()

    def _notify(self, notification: Notification) -> None:
        self.notifications.append(notification)
        if not isinstance(notification, PageMessage):
            return
        event = decode_event(notification.body)
        if isinstance(event, CallState):
            if event.phase != self.state.phase or not self.phases:
                self.phases.append(event.phase)
            self.state = event
        loop = asyncio.get_running_loop()
        for page in self.pages.values():
            if notification.page in (None, page.id):
                loop.call_soon(page.take, event)


@pytest.fixture
async def new_call(tmp_path: Path) -> AsyncIterator[Callable[..., Call]]:
    """Makes calls that the test need not close."""
    made: list[Call] = []

    def make(quality: Quality = SMALL, **options: Any) -> Call:
        made.append(Call(tmp_path, quality, **options))
        return made[-1]

    yield make
    for call in made:
        await call.close()


@pytest.fixture
async def call(new_call: Callable[..., Call]) -> Call:
    return new_call()
