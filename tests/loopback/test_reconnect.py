"""A page that vanishes is noticed, and its next link goes on where the last one broke."""

import asyncio
from pathlib import Path

import av
from av import VideoFrame

from nbrtc.messages import Leave, Record, RecordingStatus, SetVideoEffect, StopRecording
from tests.loopback.conftest import Call
from tests.loopback.pictures import read

RESULT = 201


def recorded(call: Call) -> RecordingStatus:
    assert call.state.recording is not None
    return call.state.recording


def numbers_in(path: Path) -> list[int | None]:
    with av.open(str(path)) as file:
        return [read(frame) for frame in file.decode(video=0) if isinstance(frame, VideoFrame)]


async def test_a_vanished_page_is_given_up_and_its_next_link_goes_on(call: Call, tmp_path: Path) -> None:
    page = await call.connected()
    await call.session.from_kernel(SetVideoEffect("edges"))
    call.show(RESULT)
    await call.until(lambda: RESULT in page.received, "the result")
    recording = await call.session.from_kernel(Record(str(tmp_path / "call.mkv")))
    assert isinstance(recording, RecordingStatus)
    await call.until(lambda: call.state.recording and call.state.recording.duration_s > 0.5, "the recording")

    loop = asyncio.get_running_loop()
    vanished_s = loop.time()
    await call.impair(loss_fraction=1.0)
    await call.reaches("reconnecting")
    await call.reaches("idle")
    assert loop.time() - vanished_s < 6
    assert "not been heard" in call.state.reason
    assert call.state.owner is None
    assert call.phases == ["idle", "connecting", "connected", "reconnecting", "idle"]
    await call.until(page.byes, "a goodbye, by the comm")
    assert [(bye.code, bye.recover) for bye in page.byes()] == [("lost", True)]
    assert recorded(call).state == "recording"

    await call.impair()
    page.pictures.clear()
    before_s = recorded(call).duration_s
    await page.connect()
    await call.until(lambda: page.received, "a picture")
    assert page.received[0] == RESULT, "the last good frame is what comes first"
    await call.reaches("connected")
    await call.until(
        lambda: call.state.recording and call.state.recording.duration_s > before_s + 2,
        "the recording to go on",
    )
    assert (await page.request(StopRecording(id="stop"))).error_code is None
    assert recorded(call).state == "stopped"
    numbers = numbers_in(Path(recorded(call).path))
    assert set(numbers) == {RESULT}, "what the others would see, never the camera behind the effect"
    assert len(numbers) >= 2, "of both links"


async def test_a_page_that_was_only_quiet_goes_on_with_its_link(call: Call) -> None:
    page = await call.connected()
    link = call.link
    await call.impair(loss_fraction=1.0)
    await call.reaches("reconnecting")
    await call.impair()
    await call.reaches("connected")
    assert call.link is link
    assert page.byes() == []


async def test_a_new_link_of_the_same_page_replaces_the_old_one_without_a_word(call: Call) -> None:
    page = await call.connected()
    await call.impair(loss_fraction=1.0)
    await call.reaches("reconnecting")
    old = call.link
    offer = await page.make_offer()
    await call.impair()
    assert (await page.request(offer)).error_code is None
    await call.reaches("connected")
    assert call.link is not old
    assert page.byes() == []
    assert "idle" not in call.phases[1:]


async def test_leaving_finishes_the_recording(call: Call, tmp_path: Path) -> None:
    page = await call.connected()
    await call.session.from_kernel(Record(str(tmp_path / "call.mkv")))
    await call.until(lambda: call.state.recording and call.state.recording.duration_s > 0.5, "the recording")
    page.say(Leave(reason="The person left."))
    await call.until(lambda: call.state.recording and call.state.recording.state == "stopped", "the end")
    assert len(numbers_in(tmp_path / "call.mkv")) > 5
