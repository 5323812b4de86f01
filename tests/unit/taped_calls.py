"""Calls with a tape, without links and media: a test says who is there and whose badge is shown."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

import msgspec

from nbrtc.engine.board import Board
from nbrtc.engine.composer import Composer
from nbrtc.engine.feed import Feed
from nbrtc.engine.gallery import OWN
from nbrtc.engine.member import PYTHON
from nbrtc.engine.reel import NO_FEEDS, Feeds, MakeRecorder
from nbrtc.engine.tape import Tape
from nbrtc.messages import (
    CallState,
    Notification,
    Participant,
    ParticipantStatus,
    Quality,
    RecordingStatus,
    RecordingTracks,
    RoomInfo,
)
from nbrtc.recordings import manifest as manifests
from nbrtc.recordings.film.progress import Progress
from nbrtc.recordings.manifest import Manifest
from tests.unit.fake_recorder import FakeRecorder, Recorders

ADA = Participant(id="a", name="Ada", is_you=True)
BOB, CY = Participant(id="b", name="Bob"), Participant(id="c", name="Cy")


class FakeLink:
    """A link of a page, which hears nothing."""

    silent_s = 0.0

    def __init__(self, page: str) -> None:
        self.page = page

    def send(self, _: object) -> bool:
        return True


class FakeComposer(Composer):
    """Makes films when the test says so."""

    def __init__(self) -> None:
        super().__init__(())
        self.may_end = asyncio.Event()

    async def compose(
        self, manifest: Path, layout: str, to: Path, on_fraction: Callable[[float], None]
    ) -> Progress:
        on_fraction(0.5)
        await self.may_end.wait()
        await asyncio.to_thread(to.write_bytes, layout.encode())
        return Progress(done=str(to), duration_s=7.5)


class Call:
    """A call with a tape, of Ada, whose page shows the badge when the test says so."""

    def __init__(
        self,
        folder: Path,
        *others: Participant,
        room: bool = True,
        recorder: MakeRecorder | None = None,
    ) -> None:
        self.folder = folder
        self.told: list[Notification] = []
        self.kept: tuple[str, ...] = ()
        self.late_s: dict[str, float] = {}
        info = RoomInfo(id="physics", name="physics", me="a", phase="joined") if room else None
        people = (ADA, *others) if room else (msgspec.structs.replace(ADA, id=OWN), PYTHON)
        state = CallState(
            quality=Quality(64, 48, 30), phase="connected", owner="page", room=info, participants=people
        )
        self.recorders = Recorders()
        self.composer = FakeComposer()
        self._feeds: dict[str, Feeds] = {}
        self.board = Board("call", state, self._notify)
        self.board.link = cast(Any, FakeLink("page"))
        self.tape = Tape(
            folder,
            self.board,
            self.composer,
            feeds=self.feeds,
            late_s=lambda person: self.late_s.get(person, 0.0),
            keep=self._keep,
            recorder=recorder or self.recorders,
        )
        self.board.on_change = lambda _: self.tape.look()

    def _notify(self, notification: Notification) -> None:
        self.told.append(notification)
        self.tape.hear(notification)

    def _keep(self, people: Iterable[str]) -> None:
        self.kept = tuple(people)

    def feeds(self, person: str) -> Feeds:
        if person == OWN and self.board.link is None:
            return NO_FEEDS
        page = self.board.link.page if person == OWN and self.board.link is not None else ""
        made = (Feed("video", lambda: None), Feed("audio", lambda: None))
        return self._feeds.setdefault(f"{person}/{page}", made)

    @property
    def status(self) -> RecordingStatus:
        assert self.board.state.recording is not None
        return self.board.state.recording

    @property
    def standings(self) -> dict[str, str]:
        return {person.name: person.state for person in self.status.people}

    def file(self, name: str) -> FakeRecorder:
        return self.recorders.made[name]

    @property
    def manifest(self) -> Manifest:
        return manifests.read(Path(self.status.folder) / manifests.NAME)

    async def record(
        self, path: str = "lesson", tracks: RecordingTracks = "all", *, shown: bool = True, **how: Any
    ) -> RecordingStatus:
        status = await self.tape.start(path, tracks, **how)
        if shown:
            self.tape.shows("page", (status.id,))
        return status

    def people(self, *others: Participant) -> None:
        self.board.change(participants=(ADA, *others))

    def acknowledged(self, person: Participant, is_shown: bool = True) -> Participant:
        ids = (self.status.id,) if is_shown else ()
        return msgspec.structs.replace(person, status=ParticipantStatus(acknowledges=ids))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - it is on a timer of its own
                await asyncio.sleep(0.005)

    async def stopped(self) -> RecordingStatus:
        status = await self.tape.stop()
        assert status is not None
        return status
