"""What is on the disk after a kill in the middle of a real recording: of the engine, of the kernel."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import nbrtc
from nbrtc.bridge import Bridge
from nbrtc.errors import RecordingError
from nbrtc.recordings.opened import OpenRecording
from nbrtc.recordings.opening import open_file
from tests.kernel.kernel import wait_for_end
from tests.kernel.recorded_call import RecordedCall
from tests.loopback.page import FPS
from tests.loopback.pictures import NUMBERS, read

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A runtime directory of its own, so that no other test's room server is found."""
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    yield
    Bridge.shared().close()


def numbers(recording: OpenRecording, name: str) -> list[int]:
    """Of the pictures in somebody's files, each of which decodes.

    On a machine that is much too busy the sender's encoder gets a bitrate at which a few cannot be told.
    """
    found = [read(frame.video_frame) for frame in recording[name].frames()]
    told = [number for number in found if number is not None]
    assert len(told) >= 0.8 * len(found), found
    return told


async def test_an_engine_that_is_killed_loses_less_than_a_second_of_everybody(tmp_path: Path) -> None:
    call = RecordedCall(tmp_path, room=True)
    await call.connect()
    bob = await call.meet()
    recording = await call.record("lesson.mkv")
    await call.until(lambda: recording.duration_s > 3, "three seconds")
    folder, pid = recording.folder, call.side.bridge.engine_pid
    assert folder is not None
    assert pid is not None

    camera = call.page.camera
    assert camera is not None
    os.kill(pid, signal.SIGKILL)
    sent = camera.number  # what was on its way counts as lost, too
    await call.until(lambda: recording.is_over, "the news")
    with pytest.raises(RecordingError, match=r"nbrtc\.recover"):
        recording.stop()
    await call.close()
    assert (folder / "Ada.mkv.partial").is_file()
    assert (folder / "Bob.mkv.partial").is_file()

    (lesson,) = await asyncio.to_thread(nbrtc.recover, folder)

    found = lesson.manifest
    assert (found.state, found.error) == ("recovered", "")
    assert [person.name for person in lesson] == ["Ada", "Bob"]
    lost_ms = 1000 * ((sent - numbers(lesson, "Ada")[-1]) % NUMBERS) / FPS
    ends_ms = {p.id: p.pieces[-1].start_ms + p.pieces[-1].duration_ms for p in found.people}
    sys.stdout.write(f"\nkill -9 of the engine: {lost_ms:.0f} ms lost; the files end at {ends_ms} ms\n")
    assert lost_ms <= 1000
    assert abs(ends_ms["you"] - ends_ms[bob]) <= 1000
    assert len(numbers(lesson, "Bob")) > FPS
    assert lesson.audio().any()
    assert {"join", "recorded"} <= {moment.name for moment in found.events}

    (film,) = found.films
    assert (film.path, film.layout, film.state) == ("../lesson.mkv", "pip", "complete")
    assert lesson.films == [tmp_path / "lesson.mkv"]
    whole = open_file(tmp_path / "lesson.mkv")
    assert abs(whole.duration_s - lesson.duration_s) < 1
    assert sum(1 for _ in whole["lesson"].frames(every_s=1)) > 2


def test_a_kernel_that_is_killed_leaves_a_complete_recording(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kernel.recorded_call", str(tmp_path)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}"},
        stdout=subprocess.PIPE,
    ) as kernel:
        assert kernel.stdout is not None
        engine = psutil.Process(int(kernel.stdout.readline()))
        kernel.kill()
    wait_for_end(engine)

    folder = tmp_path / "lesson.mkv.tracks"
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".gz") == [
        "Ada.mkv",
        "events.jsonl",
        "manifest.json",
    ]
    lesson = nbrtc.open_recording(tmp_path / "lesson.mkv")
    assert (lesson.manifest.state, lesson.manifest.error) == ("complete", "")
    assert lesson.duration_s > 2
    assert len(numbers(lesson, "Ada")) > FPS
    assert (tmp_path / "lesson.mkv").samefile(folder / "Ada.mkv")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 4 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        Bridge.shared().close()
        subprocess.run(["umount", str(disk)], check=True)


def fill(file: Path) -> None:
    """Write until nothing more goes in."""
    with file.open("wb", buffering=0) as opened:
        while True:
            opened.write(bytes(4096))


async def test_a_disk_that_gets_full_ends_the_recording_and_not_the_call(small_disk: Path) -> None:
    call = RecordedCall(small_disk, noisy=True)
    await call.connect()
    recording = await call.record("lesson")
    await call.shows(FPS)

    with pytest.raises(OSError, match="No space left"):
        fill(small_disk / "others")

    await call.until(lambda: recording.is_over, "its end")
    before = len(call.page.sizes)
    await call.until(lambda: len(call.page.sizes) > before, "pictures that still come back")
    assert call.state.phase == "connected"
    assert "disk" in f"{recording.note} {recording.error}"
    await call.close()

    (small_disk / "others").unlink()
    (lesson,) = await asyncio.to_thread(nbrtc.recover, small_disk / "lesson")

    assert lesson.manifest.state in ("complete", "recovered")
    assert sum(1 for _ in lesson["Ada"].frames()) > FPS / 2
    assert not list(lesson.folder.glob("*.partial"))
