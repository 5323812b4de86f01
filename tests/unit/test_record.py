"""What goes into a recorder through its feeds comes out of the file: pictures, sound, times."""

import asyncio
from dataclasses import replace
from pathlib import Path

import av
import pytest

from nbrtc.engine import record
from nbrtc.engine.feed import Feed
from nbrtc.engine.record import Recorder, RecordingResult
from nbrtc.engine.tracks import nal_units
from nbrtc.errors import RecordingError
from nbrtc.messages import VideoSize
from nbrtc.recordings.files import RecordingFile
from nbrtc.recordings.manifest import Gap
from tests.unit.recorded_media import (
    START_S,
    Sender,
    camera,
    header_size,
    microphone,
    payloads,
    play,
    read,
    sound,
)
from tests.unit.recorders import BEEP, FLASH, names, offset_s, recorded, recorder, unexpected

# --- the file ---


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [(codec, suffix) for codec in ("VP8", "VP9", "AV1") for suffix in (".mkv", ".webm")] + [("H264", ".mkv")],
)
async def test_every_picture_and_sound_comes_out_again(tmp_path: Path, codec: str, suffix: str) -> None:
    levels = [20 + 2 * index for index in range(90)]
    video, audio = camera(levels, codec=codec), microphone(sound(3.0))
    video.report()
    audio.report()
    path = tmp_path / f"call{suffix}"
    result = await recorded(path, video, audio)

    assert result == RecordingResult(
        path, 3.0, path.stat().st_size, 500.02, video_codec=codec, audio_codec="opus", width=64, height=64
    )
    assert names(tmp_path) == [path.name]
    found = read(path)
    assert found.picture_levels == pytest.approx(levels, abs=4)
    assert found.picture_times_s == pytest.approx([index / 30 for index in range(90)], abs=0.002)
    assert len(found.sound_times_s) == 150
    assert found.sound_times_s[0] == pytest.approx(0, abs=0.002)
    assert found.duration_s == pytest.approx(3.0, abs=0.05)
    assert found.size == (64, 64)
    check_exact(path, video, audio)


def check_exact(path: Path, video: Sender, audio: Sender) -> None:
    """Every block holds what the encoder made, byte for byte but for what the container asks for."""
    found = payloads(path)
    assert found["audio"] == [data for data, _ in audio.frames]
    sent = [data for data, _ in video.frames]
    if video.codec == "H264":
        sent = [b"".join(len(unit).to_bytes(4, "big") + unit for unit in nal_units(data)) for data in sent]
    if video.codec == "AV1":
        assert all(data.startswith(b"\x12\x00") for data in sent)
        sent = [data[2:] for data in sent]
    assert found["video"] == sent


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
    assert tuple(one.status) == (0.0, 0, "new", None, "", "", 0, 0, ())
    one.start()
    assert one.status.state == "recording"
    play(video)
    result = await one.stop()
    assert tuple(one.status) == (
        result.duration_s,
        result.size_bytes,
        "stopped",
        result.start_s,
        "VP8",
        "",
        64,
        64,
        (),
    )
    assert result.start_s == pytest.approx(500.02)
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


async def test_capture_times_of_the_frames_align_like_reports(tmp_path: Path) -> None:
    video, audio = camera(FLASH, delay_s=0.25), microphone(sound(3.0, **BEEP), delay_s=0.01)
    one = recorder(tmp_path / "a.mkv", video, audio)
    one.start()
    frames = sorted([*video.schedule(), *audio.schedule()], key=lambda item: item[:2])
    for arrived_s, _, sender, frame in frames:
        sender.feed.push(replace(frame, captured_s=9000.0 + arrived_s - sender.delay_s))
    await one.stop()
    assert abs(offset_s(tmp_path / "a.mkv")) <= 0.04


@pytest.mark.parametrize("after_s", [1.0, 2.5, 6.0])
@pytest.mark.parametrize("delays_s", [(0.3, 0.02), (0.02, 0.3)])
async def test_sender_reports_that_come_late_align_what_is_written_already(
    tmp_path: Path, after_s: float, delays_s: tuple[float, float]
) -> None:
    video = camera(FLASH + [16] * 110, delay_s=delays_s[0])
    audio = microphone(sound(6.5, **BEEP), rtp_origin=77, delay_s=delays_s[1])

    def reports_come(frame: object) -> None:
        if video.feed.frames == round(after_s * 30):
            video.report()
            audio.report()

    video.feed.subscribe(reports_come)
    result = await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert abs(found.offset_s) <= 0.04
    assert len(found.picture_times_s) == 200
    assert len(found.sound_times_s) == 325
    assert result.start_s is not None  # the flash was captured at 501.5 s, and the nearer of both took 20 ms
    assert result.start_s + found.flash_at_s == pytest.approx(501.52, abs=0.04)


async def test_lost_frames_leave_a_gap_as_long_as_they_were(tmp_path: Path) -> None:
    video, audio = camera([20] * 90), microphone(sound(3.0))
    video.lost, audio.lost = set(range(40, 60)), set(range(50, 70))  # 60 is a keyframe
    video.report()
    audio.report()
    result = await recorded(tmp_path / "a.mkv", video, audio)
    assert set(result.gaps) == {Gap(1333, 2000, "video"), Gap(1000, 1400, "audio")}
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
    assert {(gap.kind, gap.reason) for gap in result.gaps} == {("audio", "link"), ("video", "link")}
    assert {(round(gap.from_ms, -2), round(gap.to_ms, -2)) for gap in result.gaps} == {(1000, 5000)}
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
    assert found.size == (64, 64)


async def test_a_microphone_that_comes_late_joins(tmp_path: Path) -> None:
    video, audio = camera([20] * 150), microphone(sound(1.0), start_s=4.0)
    await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert len(found.picture_times_s) == 150
    assert len(found.sound_times_s) == 50
    assert found.sound_times_s[0] == pytest.approx(4.0, abs=0.002)


async def test_sound_goes_on_while_the_camera_is_off(tmp_path: Path) -> None:
    video, audio = camera([20] * 150), microphone(sound(5.0))
    video.off = set(range(30, 120))
    assert (await recorded(tmp_path / "a.mkv", video, audio)).gaps == ()
    found = read(tmp_path / "a.mkv")
    assert (len(found.picture_times_s), len(found.sound_times_s)) == (60, 250)


async def test_pictures_begin_with_a_keyframe_and_sound_at_once(tmp_path: Path) -> None:
    video, audio = camera([20 + 3 * index for index in range(60)]), microphone(sound(2.0))
    video.lost = set(range(10))  # joined between two keyframes: the next is the 30th
    video.report()
    audio.report()
    await recorded(tmp_path / "a.mkv", video, audio)
    found = read(tmp_path / "a.mkv")
    assert len(found.picture_times_s) == 30
    assert found.picture_times_s[0] == pytest.approx(1.0, abs=0.002)
    assert found.sound_times_s[0] == 0
    assert len(found.sound_times_s) == 100


async def test_nothing_at_all_leaves_no_file(tmp_path: Path) -> None:
    result = await recorded(tmp_path / "a.mkv")
    assert "no picture and no sound" in (result.error or "")
    assert names(tmp_path) == []


async def test_nothing_at_all_ends_where_somebody_took_the_file_away(tmp_path: Path) -> None:
    one = recorder(tmp_path / "a.mkv", camera([20]))
    one.start()
    (tmp_path / "a.mkv.partial").unlink()
    result = await asyncio.wait_for(one.stop(), 30)
    assert "Nothing was recorded" in str(result.error)


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
    one = Recorder(tmp_path / "a.mkv", feed, None, size=None, on_end=unexpected)
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
    ("name", "words"),
    [
        ("lesson", r"has to end in \.mkv or \.webm"),
        ("lesson.mp4", r"has to end in \.mkv or \.webm"),
        ("missing/lesson.mkv", "cannot be opened"),
    ],
)
async def test_a_wrong_name_is_refused_in_words(tmp_path: Path, name: str, words: str) -> None:
    one = recorder(tmp_path / name, camera([20]))
    with pytest.raises(RecordingError, match=words):
        one.start()
    assert names(tmp_path) == []
    with pytest.raises(RecordingError, match="start"):
        await one.stop()


async def test_an_existing_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lesson.mkv"
    path.write_text("precious")
    with pytest.raises(RecordingError, match="not overwritten"):
        recorder(path, camera([20])).start()
    assert path.read_text() == "precious"
    assert names(tmp_path) == [path.name]


async def test_h264_does_not_go_into_webm(tmp_path: Path) -> None:
    video, ended = camera([20] * 3, codec="H264"), asyncio.get_running_loop().create_future()
    one = recorder(tmp_path / "a.webm", video, on_end=ended.set_result)
    one.start()
    play(video)
    assert "record into .mkv" in (await ended).error
    assert one.status.state == "failed"
    assert names(tmp_path) == []


@pytest.mark.parametrize(("codec", "other"), [("VP8", "H264"), ("VP9", "VP8"), ("H264", "AV1")])
async def test_a_codec_that_changes_ends_the_file_which_is_complete(
    tmp_path: Path, codec: str, other: str
) -> None:
    video, audio = camera([20] * 30, codec=codec), microphone(sound(1.0))
    changed = camera([20] * 30, codec=other, start_s=1.0)
    ended: asyncio.Future[RecordingResult] = asyncio.get_running_loop().create_future()
    one = recorder(tmp_path / "a.mkv", video, audio, on_end=ended.set_result)
    one.start()
    play(video, audio)
    changed.feed = video.feed
    play(changed)
    result = await ended
    assert (result.codec_changed, result.error, result.video_codec) == (True, None, codec)
    assert one.status.state == "stopped"
    assert names(tmp_path) == ["a.mkv"]
    assert b"\x1c\x53\xbb\x6b" in (tmp_path / "a.mkv").read_bytes()  # with an index
    found = read(tmp_path / "a.mkv")
    assert (len(found.picture_times_s), len(found.sound_times_s)) == (30, 50)
    assert await one.stop() is result


async def test_what_waited_on_its_way_from_before_is_not_written(tmp_path: Path) -> None:
    video, audio = camera([20 + 3 * index for index in range(60)]), microphone(sound(2.0))
    one = recorder(tmp_path / "a.mkv", video, audio, since_s=START_S + 0.5)
    one.start()
    play(video, audio)
    await one.stop()
    found = payloads(tmp_path / "a.mkv")
    assert found["audio"] == [data for data, _ in audio.frames[24:]], "to the frame"
    first = 1 + video.frames.index((found["video"][0], True))
    assert first > 15
    assert video.asked >= 2, "its first keyframe came too early, and another one is asked for"
