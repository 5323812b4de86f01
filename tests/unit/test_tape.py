"""A call's recordings: who is written, what is told, and what is left on the disk."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from nbrtc.engine import absence, consent, take
from nbrtc.engine.gallery import OWN
from nbrtc.engine.reel import NO_FEEDS
from nbrtc.errors import RecordingError
from nbrtc.messages import (
    ChatArrived,
    ChatMessage,
    EventArrived,
    Participant,
    ParticipantStatus,
    Problem,
    ReadRecording,
    RoomInfo,
    RoomSettings,
    StatsEvent,
)
from tests.unit.recorders import names
from tests.unit.taped_calls import BOB, CY, Call, FakeLink


@pytest.fixture
async def new_call(tmp_path: Path) -> AsyncIterator[Callable[..., Call]]:
    made: list[Call] = []

    def make(*others: Participant, **how: Any) -> Call:
        made.append(Call(tmp_path, *others, **how))
        return made[-1]

    yield make
    for call in made:
        await call.tape.close()
        call.composer.may_end.set()
        await call.composer.close()


NewCall = Callable[..., Call]


async def test_nobody_is_written_before_their_badge_is_shown(new_call: NewCall) -> None:
    call = new_call(BOB)
    await call.record(shown=False)
    assert call.standings == {"Ada": "asked", "Bob": "asked"}
    assert (call.recorders.made, call.board.state.recorded, call.kept) == ({}, (), ())

    call.tape.shows("page", (call.status.id,))
    await call.until(lambda: call.board.state.recorded == (OWN,))
    assert list(call.recorders.made) == ["Ada.mkv"]
    assert call.file("Ada.mkv").feeds == call.feeds(OWN)

    call.people(call.acknowledged(BOB))
    await call.until(lambda: call.board.state.recorded == ("b", OWN))
    assert call.file("Bob.mkv").feeds == call.feeds("b")
    assert call.kept == ("b", OWN)


async def test_a_badge_of_another_recording_or_another_page_is_none(new_call: NewCall) -> None:
    call = new_call(msgspec.structs.replace(BOB, status=ParticipantStatus(acknowledges=("old",))))
    await call.record(shown=False)
    call.tape.shows("page", ("old",))
    call.tape.shows("a mirror", (call.status.id,))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert call.recorders.made == {}


async def test_who_does_not_acknowledge_in_time_is_left_out_and_said(
    new_call: NewCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent, "CONSENT_S", 0.05)
    call = new_call(BOB)
    await call.record()
    await call.until(lambda: call.standings == {"Ada": "recorded", "Bob": "left-out"})
    call.file("Ada.mkv").data = b"media"
    await call.stopped()
    assert call.standings == {"Ada": "recorded", "Bob": "left-out"}
    ada, bob = call.manifest.people
    assert (bob.name, bob.acknowledged_ms, bob.pieces) == ("Bob", None, ())
    assert ada.acknowledged_ms is not None
    assert [piece.file for piece in ada.pieces] == ["Ada.mkv"]


async def test_late_joiners_are_taken_in_and_leavers_end(new_call: NewCall) -> None:
    call = new_call()
    await call.record()
    call.people(BOB)
    await call.until(lambda: call.standings.get("Bob") == "asked")
    call.people(call.acknowledged(BOB))
    await call.until(lambda: "b" in call.board.state.recorded)
    bobs = call.file("Bob.mkv")
    bobs.data = b"media"
    call.people()
    await call.until(lambda: call.standings["Bob"] == "gone")
    assert bobs.feeds == NO_FEEDS
    assert call.kept == (OWN,)
    await call.stopped()
    _, bob = call.manifest.people
    assert bob.left_ms is not None
    assert 0 < bob.joined_ms <= (bob.acknowledged_ms or 0) <= bob.left_ms <= call.manifest.duration_ms
    told = [(one.name, one.value) for one in call.manifest.events if one.peer == "b"]
    assert told[:4] == [("join", "Bob"), ("microphone", "on"), ("camera", "on"), ("screen", "off")]
    assert ("recorded", "on") in told


async def test_a_withdrawn_badge_stops_the_writing_until_it_is_back(
    new_call: NewCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consent, "WITHDRAWN_S", 0.05)
    call = new_call(BOB)
    await call.record()
    call.people(call.acknowledged(BOB))
    await call.until(lambda: "b" in call.board.state.recorded)
    call.people(call.acknowledged(BOB, is_shown=False))
    await call.until(lambda: call.standings["Bob"] == "left-out")
    assert call.file("Bob.mkv").feeds == NO_FEEDS
    call.people(call.acknowledged(BOB))
    await call.until(lambda: call.standings["Bob"] == "recorded")
    assert call.file("Bob.mkv").switched == [NO_FEEDS, call.feeds("b")]
    await call.stopped()
    told = [one.value for one in call.manifest.events if (one.peer, one.name) == ("b", "recorded")]
    assert told == ["on", "off", "on"]


async def test_a_page_that_takes_the_call_over_confirms_anew_and_one_that_reconnects_does_not(
    new_call: NewCall,
) -> None:
    call = new_call()
    await call.record()
    await call.until(lambda: call.board.state.recorded == (OWN,))
    first = call.feeds(OWN)

    call.board.link = None
    call.board.change(owner=None)
    await call.until(lambda: call.file("Ada.mkv").feeds == NO_FEEDS)
    call.board.link = cast(Any, FakeLink("page"))
    call.board.change(owner="page")
    await call.until(lambda: call.file("Ada.mkv").feeds == first)

    call.board.link = cast(Any, FakeLink("another"))
    call.board.change(owner="another")
    await call.until(lambda: call.file("Ada.mkv").feeds == NO_FEEDS)
    assert call.standings == {"Ada": "asked"}
    call.tape.shows("another", (call.status.id,))
    await call.until(lambda: call.file("Ada.mkv").feeds == call.feeds(OWN))
    assert len(call.recorders.made) == 1


async def test_what_happens_and_what_is_said_is_in_the_manifest(new_call: NewCall) -> None:
    call = new_call(BOB, CY)
    started = await call.record()
    call.people(call.acknowledged(BOB), CY)
    await call.until(lambda: call.board.state.recorded == ("b", OWN))
    call.file("Ada.mkv").data = b"media"

    def said(text: str, sender: str, to: str | None = None, time_s: float = started.started_at_s) -> None:
        message = ChatMessage(text, sender, sender.upper(), text, time_s, to)
        call.board.notify(ChatArrived(call="call", messages=(message,)))

    said("hello", "a")
    said("to all", "b")
    said("secret", "b", to="a")
    said("not recorded", "c")
    said("yesterday", "b", time_s=started.started_at_s - 86_400)
    for peer, name, value in (
        ("", "camera", "off"),
        ("b", "screen", "on"),
        ("", "page", "0123"),
        ("stranger", "camera", "on"),
        ("python", "connectionstatechange", "connected"),
    ):
        event = StatsEvent(time_s=1.0, peer=peer, name=name, value=value)
        call.board.notify(EventArrived(call="call", event=event))
    await call.stopped()
    manifest = call.manifest
    assert [(one.sender, one.text) for one in manifest.chat] == [(OWN, "hello"), ("b", "to all")]
    told = [(one.peer, one.name, one.value) for one in manifest.events]
    assert told[-3:] == [
        (OWN, "camera", "off"),
        ("b", "screen", "on"),
        (OWN, "connectionstatechange", "connected"),
    ]
    assert (manifest.room, manifest.name, manifest.state) == ("physics", "Ada", "complete")
    assert manifest.made_by.startswith("nbrtc ")


async def test_stopping_names_the_one_file_at_once(new_call: NewCall, tmp_path: Path) -> None:
    call = new_call(room=False)
    started = await call.record("lesson.mkv")
    await call.until(lambda: call.board.state.recorded == (OWN,))
    call.file("Ada.mkv").data = b"media"
    first, again = await asyncio.gather(call.tape.stop(), call.tape.stop(started.id))
    assert first == again == call.status == await call.tape.stop()
    status = call.status
    assert (status.state, status.path, status.error) == ("stopped", str(tmp_path / "lesson.mkv"), None)
    assert (status.duration_s, status.size_bytes, status.layout) == (1.5, 5, "separate")
    assert [(file.name, file.person) for file in status.files] == [("lesson.mkv", ""), ("Ada.mkv", OWN)]
    assert (tmp_path / "lesson.mkv").samefile(tmp_path / "lesson.mkv.tracks/Ada.mkv")
    (film,) = call.manifest.films
    assert (film.path, film.state) == ("../lesson.mkv", "complete")
    assert (call.board.state.recorded, call.kept) == ((), ())

    def asks(file: str, recording: str = started.id) -> Path:
        return call.tape.file(ReadRecording("1", recording, file, 0))

    assert asks("Ada.mkv") == tmp_path / "lesson.mkv.tracks/Ada.mkv"
    for file, recording in (("../lesson.mkv", started.id), ("manifest.json", started.id), ("Ada.mkv", "x")):
        with pytest.raises(RecordingError, match="no file of this call's recordings"):
            asks(file, recording)


async def test_a_recording_begins_while_the_last_one_is_composed(new_call: NewCall, tmp_path: Path) -> None:
    call = new_call(BOB)
    await call.record("one.mp4")
    call.people(call.acknowledged(BOB))
    await call.until(lambda: call.board.state.recorded == ("b", OWN))
    for name in ("Ada.mkv", "Bob.mkv"):
        call.file(name).data = b"media"
    assert (await call.stopped()).state == "composing"
    await call.until(lambda: call.status.composed_fraction == 0.5)
    with pytest.raises(RecordingError, match="exists and is not overwritten"):
        await call.record("one.mp4")
    await call.record("two")
    assert [one.state for one in (call.status, *call.board.state.recordings)] == ["recording", "composing"]

    call.composer.may_end.set()
    await call.until(lambda: call.board.state.recordings[0].state == "stopped")
    one = call.board.state.recordings[0]
    assert (one.layout, one.duration_s, one.composed_fraction) == ("pip", 7.5, 1.0)
    assert [file.name for file in one.files] == ["one.mp4", "Ada.mkv", "Bob.mkv"]
    assert (tmp_path / "one.mp4").read_bytes() == b"pip"
    assert call.status.state == "recording"


async def test_nothing_that_was_recorded_is_a_failure_that_says_why(new_call: NewCall) -> None:
    call = new_call(room=False)
    await call.record("lesson.mkv", shown=False)
    status = await call.stopped()
    assert (status.state, status.files) == ("failed", ())
    assert "nobody's page showed the red badge" in (status.error or "")
    await call.record("again.mkv")
    await call.until(lambda: call.board.state.recorded == (OWN,))
    status = await call.stopped()
    assert "no picture and no sound arrived" in (status.error or "")
    assert call.manifest.state == "failed"


async def test_one_persons_failing_file_does_not_end_the_others(new_call: NewCall) -> None:
    call = new_call(BOB)
    await call.record()
    call.people(call.acknowledged(BOB))
    await call.until(lambda: call.board.state.recorded == ("b", OWN))
    call.file("Ada.mkv").data = b"media"
    call.recorders.refusal = "The folder is read-only."
    call.file("Bob.mkv").end()
    await call.until(lambda: call.board.state.recorded == (OWN,))
    assert call.status.state == "recording"
    assert call.status.note.startswith("Bob is no longer recorded: Nothing was recorded")
    status = await call.stopped()
    assert (status.state, [file.name for file in status.files]) == ("stopped", ["Ada.mkv"])
    assert call.manifest.error == status.note


async def test_a_disk_that_fails_ends_it_and_one_that_is_full_ends_it_in_peace(
    new_call: NewCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = new_call(room=False)
    for free, state in ((10**9, "failed"), (0, "stopped")):
        monkeypatch.setattr(take, "free_bytes", lambda _, free=free: free)
        await call.record(f"{state}.mkv")
        await call.until(lambda: call.board.state.recorded == (OWN,))
        call.recorders.made["Ada.mkv"].data = b"media"
        call.recorders.refusal = "The disk failed."
        call.file("Ada.mkv").end(error="The disk failed.")
        await call.until(lambda: call.status.state != "recording")
        call.recorders.refusal = ""
        status = call.status
        assert status.state == state
        said = status.error if state == "failed" else status.note
        assert ("disk is full" in (said or "")) == (free == 0)
        assert [file.name for file in status.files] == [f"{state}.mkv", "Ada.mkv"]
        assert [one.message for one in call.told if isinstance(one, Problem)][-1] == said


async def test_only_those_who_were_named_are_recorded(new_call: NewCall) -> None:
    call = new_call(BOB, CY)
    await call.record(tracks=("Bob", "Cy"))
    assert call.standings == {"Bob": "asked", "Cy": "asked"}
    later = Participant(id="b2", name="Bob")
    call.people(call.acknowledged(BOB), CY, call.acknowledged(later))
    await call.until(lambda: call.board.state.recorded == ("b", "b2"))
    assert list(call.recorders.made) == ["Bob.mkv", "Bob-2.mkv"]
    await call.stopped()
    await call.record("mine", tracks=("a",))
    await call.until(lambda: call.board.state.recorded == (OWN,))


async def test_what_cannot_be_recorded_is_refused_and_leaves_nothing(
    new_call: NewCall, tmp_path: Path
) -> None:
    call = new_call(BOB)
    with pytest.raises(RecordingError, match="Nobody in the call is called 'Eve': here are 'you', 'Bob'"):
        await call.record(tracks=("Bob", "Eve"))
    with pytest.raises(RecordingError, match="Nobody is to be recorded"):
        await call.record(tracks=())
    with pytest.raises(RecordingError, match="no container"):
        await call.record("lesson.avi")
    settings = RoomSettings(recording=False)
    room = msgspec.structs.replace(cast(RoomInfo, call.board.state.room), settings=settings)
    allowed = call.board.state.room
    call.board.change(room=room)
    with pytest.raises(RecordingError, match="creator of the room 'physics' forbids"):
        await call.record()
    assert names(tmp_path) == []
    assert call.board.state.recording is None

    call.board.change(room=allowed)
    await call.record()
    with pytest.raises(RecordingError, match="lesson is being recorded already"):
        await call.record("another")


async def test_a_recording_of_a_call_that_nobody_comes_back_to_is_ended(
    new_call: NewCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "ABSENT_S", 0.05)
    call = new_call(room=False)
    await call.record()
    await call.until(lambda: call.board.state.recorded == (OWN,))
    call.file("Ada.mkv").data = b"media"
    call.board.link = None
    call.board.change(owner=None)
    await call.until(lambda: call.status.state == "stopped")
    assert "nobody was in the call" in call.status.note


async def test_a_recording_does_not_follow_its_call_into_another_room(new_call: NewCall) -> None:
    call = new_call()
    room = call.board.state.room
    assert room is not None
    await call.record()
    await call.until(lambda: call.board.state.recorded == (OWN,))
    call.file("Ada.mkv").data = b"media"
    call.board.change(room=msgspec.structs.replace(room, phase="reconnecting"))
    call.tape.expect_return()
    call.board.link = None
    call.board.change(owner=None)
    await call.until(lambda: call.tape._absence.since_s is not None)
    assert call.status.state == "recording"
    call.board.change(room=RoomInfo(id="chess", name="chess"))
    await call.until(lambda: call.status.state == "stopped")
    assert "the call went into another room" in call.status.note


async def test_a_call_remembers_five_earlier_recordings(new_call: NewCall) -> None:
    call = new_call(room=False)
    for number in range(8):
        await call.record(f"r{number}", shown=False)
        await call.stopped()
    assert [Path(one.path).name for one in call.board.state.recordings] == ["r6", "r5", "r4", "r3", "r2"]


@pytest.mark.parametrize("before", ["", "The disk is nearly full."])
async def test_a_page_that_is_loaded_again_goes_on_with_its_recording(new_call: NewCall, before: str) -> None:
    call = new_call(room=False)
    await call.record()
    await call.until(lambda: call.board.state.recorded == (OWN,))
    if before:
        call.tape._note(before, False)
    ada = call.file("Ada.mkv")
    call.tape.expect_return()
    call.board.link = None
    call.board.change(owner=None)
    await call.until(lambda: "join the call again within 60 s" in call.status.note)
    assert (call.status.state, ada.feeds) == ("recording", NO_FEEDS)

    call.board.link = cast(Any, FakeLink("reloaded"))
    call.board.change(owner="reloaded")
    await call.until(lambda: call.status.note == before)
    assert call.standings == {"Ada": "asked"}, "somebody else may sit there"
    call.tape.shows("reloaded", (call.status.id,))
    await call.until(lambda: call.board.state.recorded == (OWN,))
    assert (ada.feeds, list(call.recorders.made)) == (call.feeds(OWN), ["Ada.mkv"])
    call.board.link = None
    call.board.change(owner=None)
    await call.until(lambda: ada.feeds == NO_FEEDS)
    assert call.status.note == before, "a link that breaks is none that was let go"


@pytest.mark.parametrize("is_missed_first", [False, True])
async def test_a_page_that_does_not_come_back_ended_it_when_it_went(
    new_call: NewCall, monkeypatch: pytest.MonkeyPatch, is_missed_first: bool
) -> None:
    monkeypatch.setattr(absence, "RETURN_S", 0.5)
    call = new_call(room=False)
    await call.record()
    await call.until(lambda: call.board.state.recorded == (OWN,))
    call.file("Ada.mkv").data = b"media"
    before_s = call.tape._take.duration_s if call.tape._take is not None else 0.0
    if not is_missed_first:
        call.tape.expect_return()
    call.board.link = None
    call.board.change(owner=None)
    await call.until(lambda: call.tape._absence.since_s is not None)
    if is_missed_first:
        call.tape.expect_return()
    await call.until(lambda: call.status.state == "stopped")
    assert "closed or reloaded, and nobody joined again" in call.status.note
    assert before_s <= call.manifest.duration_ms / 1000, "nothing before it is missing"
    assert call.manifest.started_at_s + call.manifest.duration_ms / 1000 < time.time() - 0.4
