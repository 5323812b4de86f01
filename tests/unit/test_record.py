"""What goes into a recorder through its feeds comes out of the file: pictures, sound, times."""

import asyncio
from pathlib import Path

import av
import pytest

from nbrtc.engine import record
from nbrtc.engine.feed import Feed
from nbrtc.engine.record import Recorder, RecordingResult
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.remux import remux
from tests.unit.recorded_media import camera, header_size, microphone, play, read, sound
from tests.unit.recorders import BEEP, names, recorded, recorder, unexpected

FLASH = [16] * 45 + [235] * 3 + [16] * 42  # 3 s; white from 1.5 s


# --- the file ---


@pytest.mark.parametrize(
    ("codec", "suffix"), [("VP8", ".mkv"), ("VP8", ".webm"), ("H264", ".mkv"), ("H264", ".mp4")]
)
async def test_every_picture_and_sound_comes_out_again(tmp_path: Path, codec: str, suffix: str) -> None:
    levels = [20 + 2 * index for index in range(90)]
    video, audio = camera(levels, codec=codec), microphone(sound(3.0))
    video.report()
    audio.report()
    path = tmp_path / f"call{suffix}"
    result = await recorded(path, video, audio)

    assert result == RecordingResult(path, result.duration_s, result.size_bytes)
    assert names(tmp_path) == [path.name]
    found = read(path)
    assert found.picture_levels == pytest.approx(levels, abs=4)
    assert found.picture_times_s == pytest.approx([index / 30 for index in range(90)], abs=0.002)
    assert len(found.sound_times_s) == 150
    assert found.sound_times_s[0] == pytest.approx(0, abs=0.002)
    assert found.duration_s == pytest.approx(3.0, abs=0.05)
    assert result.duration_s == pytest.approx(3.0, abs=0.05)
    assert found.size == (64, 48)


async def test_a_finished_file_can_be_seeked(tmp_path: Path) -> None:
    video, audio = camera([20] * 120), microphone(sound(4.0))
    await recorded(tmp_path / "a.mkv", video, audio)
    with av.open(str(tmp_path / "a.mkv")) as container:
        container.seek(3_200_000)
        first = next(container.decode(video=0))
        assert first.time == pytest.approx(3.0, abs=0.002)
    data = (tmp_path / "a.mkv").read_bytes()
    cues = data[data.rindex(b"\x1c\x53\xbb\x6b") :]
    assert cues.count(b"\xb7\x87\xf7\x81\x01\xf1\x82") == 4  # CueTrackPositions, one each second
    segment = data.index(b"\x18\x53\x80\x67") + 12
    seek = data.index(b"\x53\xac") + 3  # SeekPosition, in the SeekHead at the front
    position = int.from_bytes(data[seek : seek + (data[seek - 1] & 0x7F)], "big")
    assert data[segment + position :] == cues


async def test_the_size_so_far_is_known_while_it_runs(tmp_path: Path) -> None:
    video = camera([20] * 60)
    one = recorder(tmp_path / "a.mkv", video)
    assert one.status == (0.0, 0, "new")
    one.start()
    assert one.status.state == "recording"
    play(video)
    result = await one.stop()
    assert one.status == (result.duration_s, result.size_bytes, "stopped")
    assert result.size_bytes == (tmp_path / "a.mkv").stat().st_size
    assert await one.stop() is result


# --- time ---


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_flash_and_beep_stay_together_however_late_each_arrives(tmp_path: Path, codec: str) -> None:
    video = camera(FLASH, codec=codec, rtp_origin=4_000_000_000, delay_s=0.18)
    audio = microphone(sound(3.0, **BEEP), rtp_origin=77, delay_s=0.02)
    video.report()
    audio.report()
    await recorded(tmp_path / "a.mkv", video, audio)
    assert abs(offset_s(tmp_path / "a.mkv")) <= 0.04

    # The control: without reports the file shows the difference of the delays, so the test above can fail.
    video.feed.report = audio.feed.report = None
    await recorded(tmp_path / "b.mkv", video, audio)
    assert offset_s(tmp_path / "b.mkv") == pytest.approx(0.16, abs=0.04)


def offset_s(path: Path) -> float:
    found = read(path)
    assert found.beep_at_s is not None
    flash_s = next(
        at for at, level in zip(found.picture_times_s, found.picture_levels, strict=True) if level > 128
    )
    return flash_s - found.beep_at_s


async def test_sender_reports_of_the_first_two_seconds_align_from_the_start(tmp_path: Path) -> None:
    video = camera(FLASH, delay_s=0.3)
    audio = microphone(sound(3.0, **BEEP), rtp_origin=77)

    def reports_come_after_a_second(frame: object) -> None:
        if video.feed.frames == 30:
            video.report()
            audio.report()

    video.feed.subscribe(reports_come_after_a_second)
    await recorded(tmp_path / "a.mkv", video, audio)
    assert abs(offset_s(tmp_path / "a.mkv")) <= 0.04


async def test_lost_frames_leave_a_gap_as_long_as_they_were(tmp_path: Path) -> None:
    video, audio = camera([20] * 90), microphone(sound(3.0))
    video.lost, audio.lost = set(range(40, 60)), set(range(50, 70))  # 60 is a keyframe
    video.report()
    audio.report()
    await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert len(found.picture_times_s) == 70
    assert found.picture_times_s[39:41] == pytest.approx([39 / 30, 60 / 30], abs=0.002)
    assert len(found.sound_times_s) == 130
    assert found.sound_times_s[49:51] == pytest.approx([0.98, 1.4], abs=0.002)


async def test_a_new_link_continues_the_file_after_the_gap(tmp_path: Path) -> None:
    first = camera([20] * 30, rtp_origin=10), microphone(sound(1.0), rtp_origin=20)
    second = (
        camera([200] * 30, rtp_origin=3_000_000_000, start_s=5.0),
        microphone(sound(1.0), rtp_origin=1, start_s=5.0),
    )
    for sender in (*first, *second):
        sender.report()
    one = recorder(tmp_path / "a.mkv", *first)
    one.start()
    play(*first)
    one.switch(second[0].feed, second[1].feed)
    play(*second)
    play(*first)  # the old link is not listened to any more
    result = await one.stop()
    assert result.error is None
    found = read(tmp_path / "a.mkv")
    assert len(found.picture_times_s) == 60
    assert found.picture_times_s[30] == pytest.approx(5.0, abs=0.01)
    assert found.picture_levels[30] > 128
    assert found.sound_times_s[50] == pytest.approx(5.0, abs=0.03)
    assert second[0].asked == 1


# --- one of two is missing ---


async def test_sound_alone_is_recorded(tmp_path: Path) -> None:
    audio = microphone(sound(2.0, **BEEP))
    assert (await recorded(tmp_path / "a.mkv", audio)).error is None
    found = read(tmp_path / "a.mkv")
    assert (len(found.sound_times_s), found.size) == (100, None)
    assert found.beep_at_s == pytest.approx(1.5, abs=0.03)


async def test_the_picture_alone_is_recorded(tmp_path: Path) -> None:
    await recorded(tmp_path / "a.mkv", camera([20] * 30))
    found = read(tmp_path / "a.mkv")
    assert (len(found.picture_times_s), found.sound_times_s) == (30, [])


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_a_camera_that_comes_late_joins(tmp_path: Path, codec: str) -> None:
    video, audio = camera([20] * 30, codec=codec, start_s=4.0), microphone(sound(5.0))
    await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert len(found.sound_times_s) == 250  # nothing of the 2 s spent waiting is lost
    assert len(found.picture_times_s) == 30
    assert found.picture_times_s[0] == pytest.approx(4.0, abs=0.002)
    assert found.size == (64, 48)


async def test_a_microphone_that_comes_late_joins(tmp_path: Path) -> None:
    video, audio = camera([20] * 150), microphone(sound(1.0), start_s=4.0)
    await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert len(found.picture_times_s) == 150
    assert len(found.sound_times_s) == 50
    assert found.sound_times_s[0] == pytest.approx(4.0, abs=0.002)


async def test_sound_goes_on_while_the_camera_is_off(tmp_path: Path) -> None:
    video, audio = camera([20] * 150), microphone(sound(5.0))
    video.lost = set(range(30, 120))
    await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert (len(found.picture_times_s), len(found.sound_times_s)) == (60, 250)


async def test_the_file_begins_with_the_first_keyframe(tmp_path: Path) -> None:
    video, audio = camera([20] * 60), microphone(sound(2.0))
    video.lost = set(range(10))  # joined between two keyframes: the next is the 30th
    video.report()
    audio.report()
    await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert len(found.picture_times_s) == 30
    assert found.picture_times_s[0] == 0
    assert len(found.sound_times_s) == 50


async def test_nothing_at_all_leaves_no_file(tmp_path: Path) -> None:
    result = await recorded(tmp_path / "a.mkv")
    assert "no picture and no sound" in (result.error or "")
    assert names(tmp_path) == []


async def test_a_keyframe_is_asked_for_until_one_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_ASK_AGAIN_S", 0.001)
    thrice = asyncio.Event()
    asked = []

    def ask() -> None:
        asked.append(1)
        if len(asked) == 3:
            thrice.set()

    feed = Feed("video", ask)
    one = Recorder(tmp_path / "a.mkv", feed, None, size=None, video_codec="VP8", on_failure=unexpected)
    one.start()
    await thrice.wait()
    for _, _, _, frame in camera([20]).schedule():
        feed.push(frame)
    count = len(asked)
    await asyncio.sleep(0.02)
    assert len(asked) == count
    assert (await one.stop()).error is None


# --- sizes ---


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_the_header_shows_the_largest_picture(tmp_path: Path, codec: str) -> None:
    small = camera([20] * 30, codec=codec, width=32, height=24)
    large = camera([20] * 30, codec=codec, width=128, height=96)
    small.frames += large.frames  # the ramp of a call that has just begun
    for size, name in ((None, "a.mkv"), (VideoSize(640, 480), "b.mkv")):
        await recorded(tmp_path / name, small, size=size)
        assert header_size(tmp_path / name) == (128, 96)
        assert read(tmp_path / name).picture_sizes == [(32, 24)] * 30 + [(128, 96)] * 30


async def test_while_it_runs_the_header_shows_the_camera(tmp_path: Path) -> None:
    video = camera([20] * 30)
    kept = tmp_path / "kept.mkv"

    class Watched(RecordingFile):
        def append(self, data: bytes) -> None:
            if not data.startswith(b"\x1c\x53\xbb\x6b"):  # the Cues: it has stopped
                kept.write_bytes(self.partial.read_bytes())
            super().append(data)

    await recorded(tmp_path / "a.mkv", video, size=VideoSize(640, 480), open_file=Watched)
    assert header_size(kept) == (640, 480)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
async def test_odd_sizes_are_kept(tmp_path: Path, codec: str) -> None:
    width, height = (641, 481) if codec == "VP8" else (642, 482)  # this H.264 encoder makes even sizes only
    await recorded(tmp_path / "a.mkv", camera([90] * 3, codec=codec, width=width, height=height))
    found = read(tmp_path / "a.mkv")
    assert found.size == (width, height)
    assert found.picture_sizes == [(width, height)] * 3


# --- refusals ---


@pytest.mark.parametrize(
    ("name", "codec", "words"),
    [
        ("lesson", "VP8", r"folders come with rooms.*\.mkv or \.webm"),
        ("lesson.avi", "VP8", r"'\.avi'.*use \.mkv"),
        ("lesson.mp4", "VP8", r"needs H\.264.*VP8: use \.mkv"),
        ("lesson.mp4", None, r"use \.mkv"),
        ("lesson.webm", "H264", r"cannot hold H\.264"),
        ("missing/lesson.mkv", "VP8", "cannot be opened"),
    ],
)
async def test_a_wrong_name_is_refused_in_words(
    tmp_path: Path, name: str, codec: str | None, words: str
) -> None:
    one = recorder(tmp_path / name, camera([20]), video_codec=codec)
    with pytest.raises(RecordingError, match=words):
        one.start()
    assert names(tmp_path) == []
    with pytest.raises(RecordingError, match="start"):
        await one.stop()


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
async def test_an_existing_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"lesson{suffix}"
    path.write_text("precious")
    with pytest.raises(RecordingError, match="not overwritten"):
        recorder(path, camera([20], codec="H264")).start()
    assert path.read_text() == "precious"
    assert names(tmp_path) == [path.name]


async def test_an_mp4_that_cannot_be_made_is_kept_as_mkv(tmp_path: Path) -> None:
    video = camera([20] * 30, codec="H264")
    one = recorder(tmp_path / "a.mp4", video)
    one.start()
    assert names(tmp_path) == ["a.mp4.mkv.partial"]
    play(video)
    (tmp_path / "a.mp4").write_text("precious")  # something else takes the name meanwhile
    result = await one.stop()
    assert "not overwritten" in (result.error or "")
    assert result.path == tmp_path / "a.mp4.mkv"
    assert len(read(result.path).picture_times_s) == 30
    assert (tmp_path / "a.mp4").read_text() == "precious"


async def test_a_codec_that_changes_ends_the_recording_and_keeps_it(tmp_path: Path) -> None:
    video, other = camera([20] * 30), camera([20] * 30, codec="H264", start_s=1.0)
    failed: asyncio.Future[RecordingError] = asyncio.get_running_loop().create_future()
    one = recorder(tmp_path / "a.mkv", video, on_failure=failed.set_result)
    one.start()
    play(video)
    one.switch(other.feed, None)
    play(other)
    assert "V_VP8 to V_MPEG4" in str(await failed)
    assert len(read(tmp_path / "a.mkv").picture_times_s) == 30
    await one.stop()


# --- remux ---


@pytest.mark.parametrize(("codec", "target"), [("VP8", "b.webm"), ("H264", "b.mp4"), ("H264", "b.mkv")])
async def test_a_recording_is_copied_into_another_container(tmp_path: Path, codec: str, target: str) -> None:
    video, audio = camera(FLASH, codec=codec), microphone(sound(3.0, **BEEP))
    await recorded(tmp_path / "a.mkv", video, audio)
    remux(tmp_path / "a.mkv", tmp_path / target)
    before, after = read(tmp_path / "a.mkv"), read(tmp_path / target)
    assert after.picture_levels == before.picture_levels
    assert after.picture_times_s == pytest.approx(before.picture_times_s, abs=0.002)
    assert len(after.sound_times_s) == len(before.sound_times_s)
    assert abs(offset_s(tmp_path / target)) <= 0.04


async def test_remux_refuses_what_it_cannot_do_and_leaves_nothing(tmp_path: Path) -> None:
    await recorded(tmp_path / "a.mkv", camera([20] * 3))
    (tmp_path / "text.mkv").write_text("no film")
    for source, target in (
        ("a.mkv", "b.mp4"),
        ("a.mkv", "b.txt"),
        ("a.mkv", "a.mkv"),
        ("text.mkv", "b.webm"),
    ):
        with pytest.raises(RecordingError):
            remux(tmp_path / source, tmp_path / target)
    assert names(tmp_path) == ["a.mkv", "text.mkv"]
