"""Little space is said in time, and a recording ends while it can still be finished."""

import asyncio
import errno
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from nbrtc.engine import space as spaces
from nbrtc.engine.space import Space, amount, check, full_mark, low_mark
from nbrtc.errors import RecordingError

DISK = 100_000_000_000
MBPS = 1_000_000.0


class Disk:
    """What a disk says, and what the recording hears."""

    def __init__(self, folder: Path, free: int, total: int = DISK) -> None:
        self.free, self.total, self.rate_bps = free, total, 2.0 * MBPS
        self.error: OSError | None = None
        self.looks = 0
        self.low: list[str] = []
        self.full: list[str] = []
        self.space = Space(
            folder,
            rate_bps=lambda: self.rate_bps,
            on_low=self.low.append,
            on_full=self.full.append,
            free_bytes=self._ask,
            total_bytes=lambda _: self.total,
        )

    def _ask(self, folder: Path) -> int:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return self.free

    async def looked(self, times: int = 3) -> None:
        """Wait until it was looked at so many more times."""
        enough = self.looks + times
        async with asyncio.timeout(20):
            while self.looks < enough:  # noqa: ASYNC110  a thread looks
                await asyncio.sleep(0.002)


@pytest.fixture
async def disk_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Disk]]:
    """Makes disks that are watched, often."""
    monkeypatch.setattr(spaces, "LOOK_S", 0.005)
    made: list[Disk] = []

    def make(free: int, total: int = DISK) -> Disk:
        made.append(Disk(tmp_path, free, total))
        made[-1].space.start()
        return made[-1]

    yield make
    for disk in made:
        disk.space.close()
        disk.space.close()


def test_marks_follow_the_rate_between_their_bounds() -> None:
    assert full_mark(0.0, DISK) == 2 << 20
    assert full_mark(1 * MBPS, DISK) == 2 << 20
    assert full_mark(8 * MBPS, DISK) == 10_000_000
    assert low_mark(1 * MBPS, DISK) == 75_000_000
    assert low_mark(8 * MBPS, DISK) == 200_000_000
    assert low_mark(0.0, DISK) == 2 << 20
    assert low_mark(800 * MBPS, DISK) == full_mark(800 * MBPS, DISK) == 1_000_000_000


def test_on_a_tiny_disk_a_recording_begins_all_the_same() -> None:
    tiny = 2 << 20
    assert full_mark(2.5 * MBPS, tiny) == tiny * 0.05
    assert low_mark(2.5 * MBPS, tiny) > tiny


async def test_little_space_is_said_once_and_again_after_there_was_plenty(
    disk_with: Callable[..., Disk],
) -> None:
    disk = disk_with(10_000_000_000)
    await disk.looked()
    assert disk.low == []
    disk.free = 90_000_000
    await disk.looked()
    assert disk.low == [
        "The disk of the recording has only 90.0 MB left, which lasts 6 minutes. "
        "Free some space, or record somewhere else."
    ]
    disk.free = 160_000_000
    await disk.looked()
    disk.free = 90_000_000
    await disk.looked()
    assert len(disk.low) == 1, "a little more is not plenty"
    disk.free = 10_000_000_000
    await disk.looked()
    disk.free = 90_000_000
    await disk.looked()
    assert len(disk.low) == 2
    assert disk.full == []


async def test_a_full_disk_ends_the_recording_once(disk_with: Callable[..., Disk]) -> None:
    disk = disk_with(20_000_000)
    await disk.looked()
    disk.free = 2_400_000
    async with asyncio.timeout(20):
        while not disk.full:  # noqa: ASYNC110  a thread looks
            await asyncio.sleep(0.002)

    assert disk.full == [
        "The disk of the recording has only 2.4 MB left, which lasts 10 seconds. "
        "The recording was ended while it could be finished."
    ]
    assert len(disk.low) == 1
    assert disk.space._task is not None
    async with asyncio.timeout(20):
        await disk.space._task  # nothing is looked at any more


async def test_after_the_end_nobody_is_told_anything(disk_with: Callable[..., Disk]) -> None:
    disk = disk_with(10_000_000_000)
    await disk.looked()
    task = disk.space._task
    assert task is not None
    disk.free = 0
    disk.space.close()
    await asyncio.wait([task])

    assert task.cancelled()
    assert (disk.low, disk.full) == ([], [])


async def test_a_disk_that_cannot_be_asked_is_asked_again(
    disk_with: Callable[..., Disk], caplog: pytest.LogCaptureFixture
) -> None:
    disk = disk_with(10_000_000_000)
    disk.error = OSError(errno.EIO, "Input/output error")
    await disk.looked(5)
    assert (disk.low, disk.full) == ([], [])
    assert caplog.text.count("is not known") == 1
    disk.error, disk.free = None, 1000
    async with asyncio.timeout(20):
        while not disk.full:  # noqa: ASYNC110  a thread looks
            await asyncio.sleep(0.002)


async def test_without_a_rate_it_is_not_said_how_long_it_lasts(disk_with: Callable[..., Disk]) -> None:
    disk = disk_with(10_000_000_000)
    disk.rate_bps, disk.free = 0.0, 1_900_000
    async with asyncio.timeout(20):
        while not disk.full:  # noqa: ASYNC110  a thread looks
            await asyncio.sleep(0.002)
    assert disk.full[0].startswith("The disk of the recording has only 1.9 MB left. ")


def test_a_folder_with_space_passes_and_one_that_is_not_there_is_said(tmp_path: Path) -> None:
    check(tmp_path)
    with pytest.raises(RecordingError, match="cannot be asked"):
        check(tmp_path / "nowhere")


def test_a_small_disk_is_taken_as_long_as_it_is_not_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    try:
        check(disk)
        (disk / "rest").write_bytes(bytes((2 << 20) - 65536))
        with pytest.raises(RecordingError, match=r"is full \(65.5 kB left\)"):
            check(disk)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2_000_000, "2.0 MB"), (3.21e9, "3.2 GB")],
)
def test_amounts_are_for_people(size_bytes: float, words: str) -> None:
    assert amount(size_bytes) == words
