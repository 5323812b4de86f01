"""Recordings of rooms: real sessions, pages, a real room server, and frames of others through the tap."""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Callable
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from av import VideoFrame

from nbrtc.engine.feed import EncodedFrame
from nbrtc.messages import (
    RECORDING_CHUNK_BYTES,
    ChangeCodec,
    Leave,
    ReadRecording,
    Record,
    RecordingChunk,
    RecordingStatus,
    RoomTicket,
    StartRecording,
    StopRecord,
    StopRecording,
)
from nbrtc.recordings import manifest as manifests
from nbrtc.recordings.manifest import Manifest
from nbrtc.signaling.server import ServerOptions, SignalingServer
from tests.loopback.conftest import SMALL, Call
from tests.loopback.page import FPS, Page
from tests.loopback.pictures import read
from tests.unit.recorders import names
from tests.unit.tapped import messages
from tests.unit.test_gallery import encoded

GROUP = 10
"""Pictures of a copied camera: the first of each group is a keyframe."""


@pytest.fixture
async def server() -> AsyncIterator[SignalingServer]:
    server = SignalingServer(ServerOptions())
    await server.start()
    yield server
    await server.close()


@cache
def group(codec: str) -> list[EncodedFrame]:
    """Encoded before a call begins, so that nothing holds its loop up."""
    return encoded(codec, list(range(GROUP)), 160, 120)


class Copier:
    """Ada's page copies what somebody sends: numbered pictures, thirty a second, while it is wanted."""

    def __init__(self, ada: Call, page: Page, person: str) -> None:
        self._ada, self._page, self._person = ada, page, person
        self.codec = "VP8"
        self.sent = 0
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        due_s = time.monotonic()
        while True:
            if self._person in self._ada.state.wanted:
                frame = group(self.codec)[self.sent % GROUP]
                for message in messages(
                    frame.data,
                    participant=self._person,
                    codec=self.codec,
                    keyframe=frame.keyframe,
                    number=self.sent,
                    timestamp=3000 * self.sent,
                    arrived_ms=1000 * time.time(),
                ):
                    self._page.tap.send(message)
                self.sent += 1
            due_s += 1 / FPS
            await asyncio.sleep(due_s - time.monotonic())


class Room:
    """Ada, who records, and her page; others come and go."""

    def __init__(self, new_call: Callable[..., Call], server: SignalingServer, folder: Path) -> None:
        self._new_call = new_call
        self._ticket = RoomTicket("physics", server=server.url)
        self.folder = folder
        self.copiers: dict[str, Copier] = {}
        self.ids: dict[str, str] = {}
        self.ada = new_call(SMALL, name="Ada", ticket=self._ticket)
        self.page: Page

    async def open(self) -> None:
        self.page = await self.ada.connected()
        await self.ada.until(
            lambda: self.ada.state.room and self.ada.state.room.phase == "joined", "the room"
        )

    async def enter(self, name: str, *, shows_badge: bool = True) -> tuple[Call, Page]:
        """Somebody comes, and Ada's page begins to copy what they send."""
        call = self._new_call(SMALL, name=name, ticket=self._ticket)
        page = await call.connected(shows_badge=shows_badge)

        def here() -> str:
            people = self.ada.state.participants
            return next((person.id for person in people if person.name == name and not person.is_you), "")

        await self.ada.until(here, name)
        self.ids[name] = here()
        self.copiers[name] = Copier(self.ada, self.page, here())
        return call, page

    async def record(self, path: str, **fields: Any) -> RecordingStatus:
        status = await self.ada.session.from_kernel(Record(path, **fields))
        assert isinstance(status, RecordingStatus)
        return status

    def standing(self, name: str) -> str:
        people = () if self.ada.state.recording is None else self.ada.state.recording.people
        return next((person.state for person in people if person.name == name), "")

    async def stop(self) -> RecordingStatus:
        assert self.ada.state.recording is not None
        status = await self.ada.session.from_kernel(StopRecord(self.ada.state.recording.id))
        assert isinstance(status, RecordingStatus)
        return status

    async def copied(self, name: str, pictures: int) -> None:
        """Wait until so many more of somebody's pictures are on their way into the file."""
        until = self.copiers[name].sent + pictures
        await self.ada.until(lambda: self.copiers[name].sent >= until, f"{pictures} pictures of {name}")

    async def close(self) -> None:
        for copier in self.copiers.values():
            copier.task.cancel()
        await asyncio.gather(*(copier.task for copier in self.copiers.values()), return_exceptions=True)


@pytest.fixture
async def room(new_call: Callable[..., Call], server: SignalingServer, tmp_path: Path) -> AsyncIterator[Room]:
    for codec in ("VP8", "VP9"):
        group(codec)
    made = Room(new_call, server, tmp_path)
    await made.open()
    yield made
    await made.close()


def manifest_of(status: RecordingStatus) -> Manifest:
    return manifests.read(Path(status.folder) / manifests.NAME)


def numbers_in(path: Path) -> list[int | None]:
    with av.open(str(path)) as file:
        return [read(frame) for frame in file.decode(video=0) if isinstance(frame, VideoFrame)]


def steps(numbers: list[int | None], modulo: int) -> set[int]:
    """From each number to the next; {1} where none is missing."""
    assert None not in numbers
    known = [number or 0 for number in numbers]
    return {(after - before) % modulo for before, after in pairwise(known)}


async def test_everybody_who_sees_the_badge_has_a_file_and_who_does_not_has_no_byte(room: Room) -> None:
    bob, _ = await room.enter("Bob")
    await room.enter("Cy", shows_badge=False)
    status = await room.record("lesson")
    await bob.until(
        lambda: any(one.status.recording_id == status.id for one in bob.state.participants), "the badge"
    )
    await room.ada.until(lambda: room.standing("Cy") == "left-out", "Cy to be left out")
    assert (room.standing("Ada"), room.standing("Bob")) == ("recorded", "recorded")
    assert room.ada.state.recorded == tuple(sorted((room.ids["Bob"], "you")))
    assert room.ids["Cy"] not in room.ada.state.wanted, "nobody's frames are copied for nothing"
    await room.copied("Bob", 20)

    stopped = await room.stop()
    assert (stopped.state, stopped.error, stopped.note) == ("stopped", None, "")
    folder = room.folder / "lesson"
    assert names(folder) == [
        "Ada.mkv",
        "Bob.mkv",
        manifests.JOURNAL,
        manifests.NAME,
        *([manifests.STATISTICS] if (folder / manifests.STATISTICS).exists() else []),
    ]
    assert len(numbers_in(folder / "Ada.mkv")) > 10
    assert steps(numbers_in(folder / "Bob.mkv"), GROUP) == {1}
    manifest = manifest_of(stopped)
    assert (manifest.state, manifest.room, manifest.name) == ("complete", "physics", "Ada")
    people = {person.name: person for person in manifest.people}
    assert people["Cy"].pieces == ()
    assert people["Cy"].acknowledged_ms is None
    for name in ("Ada", "Bob"):
        (piece,) = people[name].pieces
        assert (piece.state, piece.video_codec) == ("complete", "VP8")
        assert piece.start_ms + piece.duration_ms == pytest.approx(manifest.duration_ms, abs=1000)
    assert all((path.stat().st_mode & 0o777) == 0o600 for path in folder.iterdir())
    assert ("recording", "recording") not in {(one.name, one.value) for one in manifest.events}


async def test_late_joiners_leavers_and_another_codec(room: Room) -> None:
    _, bobs_page = await room.enter("Bob")
    await room.record("lesson")
    await room.ada.until(lambda: room.standing("Bob") == "recorded", "Bob")
    await room.enter("Cy")
    await room.ada.until(lambda: room.standing("Cy") == "recorded", "the late joiner")
    await room.copied("Bob", 10)
    room.copiers["Bob"].codec = "VP9"
    await room.copied("Bob", 30)
    bobs_page.send(Leave())
    await room.ada.until(lambda: room.standing("Bob") == "gone", "the leaver")
    await room.copied("Cy", 10)

    manifest = manifest_of(await room.stop())
    bob, cy = manifest.people[1:]
    assert [(piece.file, piece.video_codec) for piece in bob.pieces] == [
        ("Bob.mkv", "VP8"),
        ("Bob-2.mkv", "VP9"),
    ]
    first, second = bob.pieces
    assert second.start_ms > first.start_ms + 200
    assert bob.left_ms is not None
    assert second.start_ms + second.duration_ms <= bob.left_ms + 1000
    assert 0 < cy.joined_ms <= (cy.acknowledged_ms or 0) < bob.left_ms
    assert [piece.file for piece in cy.pieces] == ["Cy.mkv"]
    for file in ("Bob.mkv", "Bob-2.mkv", "Cy.mkv"):
        assert steps(numbers_in(room.folder / "lesson" / file), GROUP) == {1}


async def test_only_those_who_were_named_are_asked_for(room: Room) -> None:
    await room.enter("Bob")
    await room.record("bob.mkv", tracks=("Bob",))
    await room.ada.until(lambda: room.standing("Bob") == "recorded", "Bob")
    await room.copied("Bob", 20)
    assert (room.standing("Ada"), room.ada.state.recorded) == ("", (room.ids["Bob"],))
    status = await room.stop()
    assert [file.name for file in status.files] == ["bob.mkv", "Bob-2.mkv"], "each name is one file's"
    assert await asyncio.to_thread(os.path.samefile, status.path, status.files[1].path)

    await room.enter("Cy")
    reply = await room.page.request(StartRecording(id="two", tracks=("you", room.ids["Cy"])))
    assert reply.error_code is None, reply.error_message
    both = {"you", room.ids["Cy"]}
    await room.ada.until(lambda: set(room.ada.state.recorded) == both, "those whom the panel named")
    assert room.standing("Bob") == ""


async def test_who_was_chosen_in_the_panel_is_recorded_again_when_they_come_back(room: Room) -> None:
    _, page = await room.enter("Bob")
    first = room.ids["Bob"]
    reply = await room.page.request(StartRecording(id="one", suffix=".mkv", tracks=("you", first)))
    assert reply.error_code is None, reply.error_message
    await room.ada.until(lambda: room.standing("Bob") == "recorded", "Bob")
    await room.copied("Bob", 10)
    page.send(Leave("reload", may_return=True))
    await room.ada.until(lambda: room.standing("Bob") == "gone", "Bob's leaving")
    room.copiers["Bob"].task.cancel()
    await room.enter("Bob")
    assert room.ids["Bob"] != first
    await room.ada.until(lambda: room.ids["Bob"] in room.ada.state.recorded, "Bob again")
    await room.copied("Bob", 10)
    found = manifest_of(await room.stop())
    assert {person.id for person in found.people if person.pieces} >= {first, room.ids["Bob"]}


async def test_a_film_of_two_is_made_behind_the_call(room: Room) -> None:
    await room.enter("Bob")
    await room.record("call.mkv")
    await room.ada.until(lambda: room.standing("Bob") == "recorded", "Bob")
    await room.copied("Bob", 30)
    status = await room.stop()
    assert (status.state, status.layout) == ("composing", "pip")
    assert [file.name for file in status.files] == ["Ada.mkv", "Bob.mkv"]

    def newest() -> RecordingStatus:
        assert room.ada.state.recording is not None
        return room.ada.state.recording

    await room.ada.until(lambda: newest().state != "composing", "the film", s=60)
    assert (newest().state, newest().error) == ("stopped", None)
    assert [file.name for file in newest().files] == ["call.mkv", "Ada.mkv", "Bob.mkv"]
    with av.open(str(room.folder / "call.mkv")) as file:
        video = file.streams.video[0]
        assert (video.codec_context.width, video.codec_context.height) == (1280, 720)
        assert file.duration is not None
        assert file.duration / 1e6 == pytest.approx(manifest_of(status).duration_ms / 1000, abs=0.2)
    (film,) = manifest_of(status).films
    assert (film.path, film.layout, film.state) == ("../call.mkv", "pip", "complete")


async def test_a_lost_link_is_a_gap_in_one_file_and_pages_read_it(call: Call, tmp_path: Path) -> None:
    page = await call.connected()
    reply = await page.request(StartRecording(id="go", suffix=".mkv"))
    assert reply.error_code is None, reply.error_message
    await call.until(lambda: call.state.recording and call.state.recording.duration_s > 0.5, "the recording")
    first = call.link
    await page.connect()
    await call.until(lambda: call.link is not first and call.state.phase == "connected", "the new link")
    before = call.link.video.feed.frames
    await call.until(lambda: call.link.video.feed.frames > before + 15, "its pictures")
    assert (await page.request(StopRecording(id="stop"))).error_code is None
    status = call.state.recording
    assert status is not None
    assert status.state == "stopped"
    assert Path(status.path).parent == tmp_path / "recordings"
    (person,) = manifest_of(status).people
    (piece,) = person.pieces
    assert {gap.reason for gap in piece.gaps} == {"link"}
    assert all(0 <= gap.from_ms < gap.to_ms <= piece.duration_ms for gap in piece.gaps)
    numbers = numbers_in(Path(status.path))
    restarts = [after for before, after in pairwise(numbers) if (after or 0) < (before or 0)]
    assert len(restarts) == 1, "the second link's camera counts from the start again"

    def chunk(identity: str) -> RecordingChunk | None:
        found = (event for event in page.events if isinstance(event, RecordingChunk))
        return next((event for event in found if event.id == identity), None)

    async def asked(offset: int) -> bytes:
        identity = f"from {offset}"
        page.send(ReadRecording(identity, status.id, Path(status.path).name, offset))
        await call.until(lambda: chunk(identity), "a chunk")
        part = chunk(identity)
        assert part is not None
        assert part.size_bytes == status.size_bytes
        return base64.b64decode(part.data)

    content = b""
    while part := await asked(len(content)):
        content += part
    assert content == await asyncio.to_thread(Path(status.path).read_bytes)
    page.events.clear()
    assert await asked(0) == content[:RECORDING_CHUNK_BYTES], "asked for again under the same id"
    refused = await page.request(ReadRecording("no", status.id, "../../secret", 0))
    assert refused.error_code == "recording"


async def test_a_page_that_is_loaded_again_goes_on_with_everybody_in_the_same_files(room: Room) -> None:
    bob, _ = await room.enter("Bob")
    status = await room.record("lesson")
    await room.ada.until(lambda: room.standing("Bob") == "recorded", "Bob")
    await room.copied("Bob", 15)
    room.copiers["Bob"].task.cancel()
    went_ms = 1000 * (time.time() - status.started_at_s)
    room.page.send(Leave("The page was closed or reloaded.", may_return=True))
    await room.ada.reaches("idle")
    await bob.until(lambda: len(bob.state.participants) == 1, "Ada to be gone")

    room.page = await room.ada.connected()
    await room.ada.until(lambda: len(room.ada.state.participants) == 2, "Bob to be seen again")
    room.copiers["Bob"] = Copier(room.ada, room.page, room.ids["Bob"])
    await room.ada.until(lambda: {"you", room.ids["Bob"]} == set(room.ada.state.recorded), "both")
    back_ms = 1000 * (time.time() - status.started_at_s)
    await room.copied("Bob", 15)

    stopped = await room.stop()
    assert (stopped.id, stopped.state, stopped.note) == (status.id, "stopped", "")
    manifest = manifest_of(stopped)
    assert [person.name for person in manifest.people] == ["Ada", "Bob"]
    for person in manifest.people:
        (piece,) = person.pieces
        gaps = [gap for gap in piece.gaps if gap.kind == "video" and gap.reason == "link"]
        assert len(gaps) == 1, person.name
        assert gaps[0].from_ms + piece.start_ms < back_ms, person.name
        assert gaps[0].to_ms + piece.start_ms > went_ms, person.name
        assert piece.start_ms + piece.duration_ms > back_ms, "what came afterwards is in the same file"


async def test_an_mp4_of_one_person_is_what_was_sent_where_that_was_h264(call: Call, tmp_path: Path) -> None:
    await call.session.from_kernel(ChangeCodec("h264"))
    page = await call.connected(codecs=("video/vp8", "video/h264"))
    await call.session.from_kernel(Record(str(tmp_path / "lesson.mp4")))
    await call.until(lambda: call.state.recording and call.state.recording.duration_s > 1, "the recording")
    page.send(StopRecording(id="stop"))
    await call.until(lambda: call.state.recording and call.state.recording.state == "stopped", "the file")
    status = call.state.recording
    assert status is not None
    assert status.note == ""
    with av.open(str(tmp_path / "lesson.mp4")) as file:
        assert {stream.codec_context.name for stream in file.streams} == {"h264", "opus"}
    (film,) = manifest_of(status).films
    assert (film.path, film.state) == ("../lesson.mp4", "complete")


async def test_an_mp4_without_h264_becomes_an_mkv_and_says_so(call: Call, tmp_path: Path) -> None:
    await call.connected()
    await call.session.from_kernel(Record(str(tmp_path / "lesson.mp4")))
    await call.until(lambda: call.state.recording and call.state.recording.duration_s > 0.5, "the recording")
    assert call.state.recording is not None
    status: Any = await call.session.from_kernel(StopRecord(call.state.recording.id))
    assert (status.state, status.path) == ("stopped", str(tmp_path / "lesson.mkv"))
    assert "H.264" in status.note
    assert len(numbers_in(tmp_path / "lesson.mkv")) > 5
