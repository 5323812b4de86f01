"""Recordings at their edges: badges that come late, ends that come early, pages and disks that go."""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from nbrtc.engine import consent, space, take
from nbrtc.engine.gallery import OWN
from nbrtc.engine.record import Recorder, RecordingResult
from nbrtc.engine.reel import NO_FEEDS
from nbrtc.errors import RecordingError
from nbrtc.messages import Notice, Participant, Problem, RoomInfo, RoomSettings
from nbrtc.recordings import manifest as manifests
from tests.unit.fake_recorder import FakeRecorder
from tests.unit.recorded_media import Sender, camera, microphone, read, sound
from tests.unit.taped_calls import BOB, Call, FakeLink

NewCall = Callable[..., Call]


@pytest.fixture
async def new_call(tmp_path: Path) -> AsyncIterator[NewCall]:
    made: list[Call] = []

    def make(*others: Participant, **how: Any) -> Call:
        made.append(Call(tmp_path, *others, **how))
        return made[-1]

    yield make
    for call in made:
        await call.tape.close()
        call.composer.may_end.set()
        await call.composer.close()


async def both(call: Call) -> None:
    """Ada and Bob are recorded."""
    await call.until(lambda: OWN in call.board.state.recorded)
    call.people(call.acknowledged(BOB))
    await call.until(lambda: call.board.state.recorded == ("b", OWN))
    for name in ("Ada.mkv", "Bob.mkv"):
        call.file(name).data = b"media"


# --- badges


async def test_nothing_that_arrived_before_the_badge_is_written(
    new_call: NewCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent, "WITHDRAWN_S", 0.05)
    call = new_call(BOB)
    await call.record()
    before_s = time.monotonic()
    await both(call)
    bob = call.file("Bob.mkv")
    assert before_s <= bob.since_s <= time.monotonic()
    call.people(call.acknowledged(BOB, is_shown=False))
    await call.until(lambda: bob.feeds == NO_FEEDS)
    again_s = time.monotonic()
    call.people(call.acknowledged(BOB))
    await call.until(lambda: bob.feeds != NO_FEEDS)
    assert bob.since_s >= again_s, "what waited while the badge was gone is of nobody who agreed"


async def test_a_link_that_comes_back_brings_what_waited_for_it(new_call: NewCall) -> None:
    call = new_call(room=False)
    await call.record()
    await call.until(lambda: call.board.state.recorded == (OWN,))
    ada = call.file("Ada.mkv")
    since_s = ada.since_s
    call.board.link = None
    call.tape.look()
    await call.until(lambda: ada.feeds == NO_FEEDS)
    call.board.link = cast(Any, FakeLink("page"))
    call.tape.look()
    await call.until(lambda: ada.feeds != NO_FEEDS)
    assert ada.since_s == since_s


async def test_a_room_that_forbids_it_meanwhile_ends_it_with_a_sentence(new_call: NewCall) -> None:
    call = new_call(BOB)
    await call.record()
    await both(call)
    room = cast(RoomInfo, call.board.state.room)
    call.board.change(room=msgspec.structs.replace(room, settings=RoomSettings(recording=False)))
    await call.until(lambda: call.status.state == "stopped")
    assert call.status.note == "The recording was ended: the creator of the room 'physics' forbids it."
    assert [one.message for one in call.told if isinstance(one, Problem)] == [call.status.note]
    assert [file.name for file in call.status.files] == ["Ada.mkv", "Bob.mkv"]


# --- the end


async def test_what_waits_in_the_page_is_waited_for_and_nobody_else_is(new_call: NewCall) -> None:
    call = new_call(BOB)
    await call.record()
    await both(call)
    call.late_s["b"] = 1.5
    stopping = asyncio.create_task(call.tape.stop())
    await call.until(lambda: call.file("Ada.mkv").is_over)
    call.tape._changed()  # such as the progress of a film that is being made
    assert not call.file("Bob.mkv").is_over
    assert call.file("Bob.mkv").feeds == call.feeds("b")
    assert call.board.state.recorded == ("b", OWN), "the page goes on sending what it has"
    call.late_s["b"] = 0.01
    await stopping
    assert call.file("Bob.mkv").is_over
    assert call.board.state.recorded == tuple[str, ...]()
    assert call.status.state == "stopped"


async def test_what_never_comes_is_not_waited_for_long(
    new_call: NewCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(take, "DRAIN_S", 0.1)
    call = new_call(BOB)
    await call.record()
    await both(call)
    call.late_s["b"] = 600.0
    assert (await call.stopped()).state == "stopped"


async def test_starts_and_stops_that_cross_leave_whole_recordings(new_call: NewCall) -> None:
    call = new_call(room=False)
    starts = await asyncio.gather(call.record("one"), call.record("one"), return_exceptions=True)
    assert [isinstance(one, RecordingError) for one in starts] == [False, True]
    stopping = asyncio.create_task(call.tape.stop())
    await asyncio.sleep(0)
    results = await asyncio.gather(
        call.record("two"), call.record("three"), call.tape.stop(), return_exceptions=True
    )
    assert (await stopping) == results[2]
    assert [isinstance(one, RecordingError) for one in results] == [False, True, False]
    assert call.status.path.endswith("two")
    for status in (await call.stopped(), *call.board.state.recordings):
        assert manifests.read(Path(status.folder) / manifests.NAME).state == "failed", "it had no time"


async def test_a_call_that_is_closed_keeps_its_recording_and_its_film(
    new_call: NewCall, tmp_path: Path
) -> None:
    call = new_call(BOB)
    await call.record("lesson.mkv")
    await both(call)
    await asyncio.gather(call.tape.close(), call.tape.close())
    with pytest.raises(RecordingError, match="closed"):
        await call.record("another")
    folder = tmp_path / "lesson.mkv.tracks"
    assert manifests.read(folder / manifests.NAME).films[0].state == "waiting"
    call.composer.may_end.set()
    await call.until(lambda: manifests.read(folder / manifests.NAME).films[0].state == "complete")
    assert (tmp_path / "lesson.mkv").read_bytes() == b"pip"


async def test_a_link_that_is_lost_at_the_start_is_waited_for(new_call: NewCall) -> None:
    call = new_call(room=False)
    call.board.link = None
    call.board.change(owner=None, phase="reconnecting")
    await call.record(shown=False)
    await asyncio.sleep(0)
    assert call.recorders.made == {}
    call.board.link = cast(Any, FakeLink("page"))
    call.board.change(owner="page", phase="connected")
    call.tape.shows("page", (call.status.id,))
    await call.until(lambda: call.board.state.recorded == (OWN,))
    assert call.file("Ada.mkv").feeds == call.feeds(OWN)


async def test_somebody_who_comes_and_goes_stays_one_file(new_call: NewCall) -> None:
    call = new_call(BOB)
    await call.record()
    await both(call)
    bob = call.file("Bob.mkv")
    since_s = [bob.since_s]
    for _ in range(5):
        call.people()
        await call.until(lambda: bob.feeds == NO_FEEDS)
        call.people(BOB)
        await call.until(lambda: call.standings["Bob"] == "asked")
        assert bob.feeds == NO_FEEDS, "who comes again is asked again"
        call.people(call.acknowledged(BOB))
        await call.until(lambda: bob.feeds != NO_FEEDS)
        since_s.append(bob.since_s)
    assert since_s == sorted(set(since_s))
    await call.stopped()
    assert [(one.name, one.left_ms, len(one.pieces)) for one in call.manifest.people] == [
        ("Ada", None, 1),
        ("Bob", None, 1),
    ]
    told = [one.name for one in call.manifest.events if one.peer == "b"]
    assert told.count("join") == 6


async def test_ten_people_of_one_name_have_ten_files(new_call: NewCall) -> None:
    call = new_call()
    await call.record("lesson.mkv")
    people = [Participant(id=f"p{number}", name="Bob") for number in range(9)]
    call.people(*(call.acknowledged(person) for person in people))
    await call.until(lambda: len(call.board.state.recorded) == 10)
    for one in call.recorders.made.values():
        one.data = b"media"
    assert (await call.stopped()).state == "composing"
    assert len(call.status.files) == 10
    assert call.status.layout == "grid"


# --- disks


async def test_a_folder_that_is_gone_ends_it_with_a_sentence(new_call: NewCall, tmp_path: Path) -> None:
    call = new_call(BOB)
    await call.record()
    await both(call)
    (tmp_path / "lesson").rename(tmp_path / "elsewhere")
    call.recorders.refusal = "The folder is gone."
    for name in ("Ada.mkv", "Bob.mkv"):
        one = call.file(name)
        one.path, one.data = tmp_path / "elsewhere" / name, b"media"
        one.end(error="The folder is gone.")
    await call.until(lambda: call.status.state == "failed")
    assert "no longer recorded: The folder is gone." in (call.status.error or "")


@pytest.mark.parametrize("removed", [("Bob.mkv",), ("Ada.mkv", "Bob.mkv")], ids=["one", "all"])
async def test_a_file_that_was_removed_meanwhile_is_said(new_call: NewCall, removed: tuple[str, ...]) -> None:
    call = new_call(BOB)
    await call.record("lesson.mkv", layout="pip")
    await both(call)

    def remove(one: FakeRecorder) -> None:
        async def stop() -> RecordingResult:
            return replace(
                one.result(),
                path=one.path.with_name(f"{one.path.name}.partial"),
                error=f"{one.path.name} is lost",
            )

        one.stop = stop  # type: ignore[method-assign]

    for name in removed:
        remove(call.file(name))
    await call.stopped()
    if len(removed) == 1:
        assert (call.status.state, call.status.note) == ("composing", "Bob.mkv is lost.")
        assert [file.name for file in call.status.files] == ["Ada.mkv"]
    else:
        assert (call.status.state, call.status.error) == ("failed", "Ada.mkv is lost. Bob.mkv is lost.")
        assert call.status.files == ()
    assert "Bob.mkv is lost." in call.manifest.error


async def test_a_film_that_is_gone_when_it_is_told_of_is_a_failure(new_call: NewCall, tmp_path: Path) -> None:
    call = new_call(BOB)
    await call.record("lesson.mkv")
    await both(call)
    compose = call.composer.compose

    async def compose_for_nobody(*how: Any) -> Any:
        done = await compose(*how)
        await asyncio.to_thread((tmp_path / "lesson.mkv").unlink)
        return done

    call.composer.compose = compose_for_nobody  # type: ignore[method-assign,assignment]
    call.composer.may_end.set()
    assert (await call.stopped()).state == "composing"
    await call.until(lambda: call.status.state == "failed")
    assert "is gone by now" in (call.status.error or "")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("is_looked_at", [True, False], ids=["seen in time", "not seen before"])
async def test_a_disk_that_is_really_full_ends_it_in_peace(
    small_disk: Path, is_looked_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "LOOK_S", 0.02 if is_looked_at else 600.0)
    call = Call(small_disk, BOB, recorder=Recorder)
    await call.record()
    await call.until(lambda: OWN in call.board.state.recorded)
    call.people(call.acknowledged(BOB))
    await call.until(lambda: call.board.state.recorded == ("b", OWN))
    senders = [one for person in (OWN, "b") for one in _media(call, person)]
    await call.until(lambda: call.recorders.made == {} and _send(call, senders) and _is_over(call))
    await call.until(lambda: call.status.state != "recording")

    assert (call.status.state, call.status.error) == ("stopped", None)
    assert "disk" in call.status.note
    assert sum(isinstance(one, Problem) for one in call.told) == 1
    assert sum(isinstance(one, Notice) for one in call.told) <= 1
    assert call.board.state.phase == "connected"
    for name in ("Ada.mkv", "Bob.mkv"):
        assert read(small_disk / "lesson" / name).picture_times_s
    await call.tape.close()
    await call.composer.close()


def _is_over(call: Call) -> bool:
    return call.status.state != "recording"


def _media(call: Call, person: str) -> list[Sender]:
    """Somebody's camera and microphone."""
    made = [camera([20, 120] * 15), microphone(sound(1.0))]
    for sender, feed in zip(made, call.feeds(person), strict=True):
        assert feed is not None
        sender.feed = feed
    return made


def _send(call: Call, senders: list[Sender]) -> bool:
    """A second of everybody, at the present time, as large as a good camera's."""
    now_s = time.monotonic()
    sent = getattr(call, "sent", 0)
    call.sent = sent + 1  # type: ignore[attr-defined]
    for sender in senders:
        for _, _, _, frame in sender.schedule():
            timestamp = frame.timestamp + sent * frame.clock_rate
            data = frame.data + bytes(800 if frame.kind == "video" else 0)
            sender.feed.push(replace(frame, timestamp=timestamp, arrived_s=now_s, data=data))
    return True
