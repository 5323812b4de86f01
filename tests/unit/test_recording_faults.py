"""Disks that fail or are slow: what had been recorded stays, and plays."""

import asyncio
import errno
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbrtc.engine import writer
from nbrtc.engine.record import RecordingResult
from nbrtc.errors import RecordingError
from nbrtc.recordings.files import RecordingFile
from tests.unit.recorded_media import camera, microphone, play, read, sound
from tests.unit.recorders import BEEP, names, recorder

# --- disks that fail ---


class FullDisk(RecordingFile):
    """Has room for some bytes, and then says what a disk says, half-way through a write."""

    room = 9_000
    code = errno.ENOSPC

    def _write(self, data: memoryview) -> int:
        left = self.room - self.size_bytes
        if left <= 0:
            raise OSError(self.code, os.strerror(self.code))
        written = super()._write(data[:left])
        if written < len(data):
            raise OSError(self.code, os.strerror(self.code))
        return written


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
async def test_a_full_disk_ends_the_recording_and_leaves_a_file_that_plays(tmp_path: Path, code: int) -> None:
    FullDisk.code = code
    video, audio = camera([20] * 90), microphone(sound(3.0, **BEEP))
    ended: asyncio.Future[RecordingResult] = asyncio.get_running_loop().create_future()
    one = recorder(tmp_path / "a.mkv", video, audio, on_end=ended.set_result, open_file=FullDisk)
    one.start()
    play(video, audio)
    result = await ended
    assert await one.stop() is result
    check_stopped_early(result, tmp_path / "a.mkv")
    assert one.status.state == "failed"
    assert (code == errno.EIO) is ("the disk failed" in str(result.error))
    assert names(tmp_path) == ["a.mkv"]
    play(video, audio)  # the call goes on: the feeds are as they were
    assert video.feed.frames == 180


def check_stopped_early(result: RecordingResult, path: Path) -> None:
    assert result.path == path
    assert path.name in str(result.error)
    assert "The call goes on" in str(result.error)
    found = read(path)
    assert found.picture_times_s
    assert found.sound_times_s
    assert found.duration_s == pytest.approx(found.sound_times_s[-1], abs=0.3)
    assert 0.2 < result.duration_s < 2.9


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_a_disk_that_is_really_full(small_disk: Path) -> None:
    video, audio = camera([20] * 90), microphone(sound(3.0, **BEEP))
    (small_disk / "filler").write_bytes(bytes(56 << 10))
    ended: asyncio.Future[RecordingResult] = asyncio.get_running_loop().create_future()
    one = recorder(small_disk / "a.mkv", video, audio, on_end=ended.set_result)
    one.start()
    play(video, audio)
    result = await ended
    assert "the disk is full" in str(result.error)
    check_stopped_early(result, small_disk / "a.mkv")


async def test_a_disk_without_any_room_is_refused_at_once(tmp_path: Path) -> None:
    class NoRoom(FullDisk):
        room = 10

    with pytest.raises(RecordingError, match="free some space"):
        recorder(tmp_path / "a.mkv", camera([20]), open_file=NoRoom).start()
    assert names(tmp_path) == []


async def test_a_slow_disk_drops_frames_up_to_a_keyframe_and_never_holds_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "QUEUE_BYTES", 20_000)
    stuck, go_on = threading.Event(), threading.Event()

    class SlowDisk(RecordingFile):
        def append(self, data: bytes) -> None:
            if self.size_bytes > 6000 and not go_on.is_set():
                stuck.set()
                go_on.wait()
            super().append(data)

    video = camera([20 + index for index in range(150)])
    one = recorder(tmp_path / "a.mkv", video, open_file=SlowDisk)
    one.start()
    frames = [frame for _, _, _, frame in video.schedule()]
    at = 0
    while not stuck.is_set() and at < 45:
        video.feed.push(frames[at])
        at += 1
        await asyncio.sleep(0)
    for frame in frames[at:130]:
        video.feed.push(frame)  # returns, although the disk does not
    assert one.dropped_frames > 0
    go_on.set()
    written, loop = asyncio.Event(), asyncio.get_running_loop()
    assert one._writer is not None
    one._writer.insist(lambda muxer: loop.call_soon_threadsafe(written.set))
    await written.wait()
    late = camera([220] * 20, start_s=10.0)
    for _, _, _, frame in late.schedule():
        video.feed.push(frame)
    result = await one.stop()
    found = read(tmp_path / "a.mkv")
    assert result.dropped_frames == one.dropped_frames
    assert len(found.picture_times_s) == 150 - result.dropped_frames
    assert found.picture_levels[-20:] == pytest.approx([220] * 20, abs=4)
    assert found.picture_times_s[-20] == pytest.approx(10.0, abs=0.01)
    assert {(gap.kind, gap.reason) for gap in result.gaps} == {("video", "disk")}
    assert sum(gap.to_ms - gap.from_ms for gap in result.gaps) >= result.dropped_frames * 33
