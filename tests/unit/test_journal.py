"""What happens during a recording is on the disk within a second, whatever becomes of process and disk."""

import asyncio
import errno
import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nbrtc.engine import journal as journals
from nbrtc.engine.journal import Journal
from nbrtc.errors import RecordingError
from nbrtc.messages import StatsSample
from nbrtc.recordings import locks, manifest
from nbrtc.recordings.journal import read_journal, read_statistics
from nbrtc.recordings.manifest import Manifest, Moment, Said

BEGUN = Manifest(id="tape", started_at_s=1000.0)


def moment(number: int, value: str = "on") -> Moment:
    return Moment(time_ms=float(number), peer="you", name="camera", value=value)


def said(number: int, text: str = "hello") -> Said:
    return Said(time_ms=float(number), sender="ada", sender_name="Ada", text=text)


def sample(number: int) -> StatsSample:
    return StatsSample(time_s=float(number), peer="ada", generation=1, reports=({"id": "in", "bytes": 7},))


class Failures:
    """Hears of them on the loop."""

    def __init__(self) -> None:
        self.heard: list[OSError] = []

    def __call__(self, error: OSError) -> None:
        asyncio.get_running_loop()
        self.heard.append(error)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.stat().st_size)


async def on_disk(path: Path) -> None:
    """Wait until there is something in a file."""
    async with asyncio.timeout(20):
        while path.name not in names(path.parent):  # noqa: ASYNC110  a thread writes it
            await asyncio.sleep(0.005)


async def test_everything_is_written_and_merged_in_the_order_of_time(tmp_path: Path) -> None:
    failures = Failures()
    journal = Journal(tmp_path, failures)
    journal.note(moment(20))
    journal.note(said(15))
    journal.note(moment(10))
    journal.sample(sample(1))
    journal.keep(BEGUN)
    await on_disk(tmp_path / manifest.NAME)
    assert read_journal(tmp_path / manifest.JOURNAL) == ([moment(20), moment(10)], [said(15)])
    assert read_statistics(tmp_path / manifest.STATISTICS) == [sample(1)]
    assert manifest.read(tmp_path / manifest.NAME) == BEGUN

    journal.sample(sample(2))
    journal.note(said(5))
    ended = msgspec.structs.replace(BEGUN, state="complete", duration_ms=30.0, events=(moment(12),))
    whole = await journal.finish(ended)

    assert whole.events == (moment(10), moment(12), moment(20))
    assert whole.chat == (said(5), said(15))
    assert (whole.state, whole.duration_ms) == ("complete", 30.0)
    assert manifest.read(tmp_path / manifest.NAME) == whole
    assert read_statistics(tmp_path / manifest.STATISTICS) == [sample(1), sample(2)]
    assert await journal.finish(BEGUN) == whole
    assert failures.heard == []


async def test_what_comes_after_the_end_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Failures())
    journal.note(moment(0))
    whole = await journal.finish(BEGUN)
    journal.note(moment(1))
    journal.sample(sample(1))
    journal.keep(msgspec.structs.replace(BEGUN, id="other"))

    assert await journal.finish(BEGUN) == whole
    assert names(tmp_path) == [manifest.JOURNAL, manifest.NAME]
    assert read_journal(tmp_path / manifest.JOURNAL) == ([moment(0)], [])
    assert journal.dropped == 0


async def test_the_files_are_this_users_and_the_journal_is_locked_while_it_lives(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Failures())
    journal.sample(sample(1))
    path = tmp_path / manifest.JOURNAL
    assert locks.is_held(path)
    with pytest.raises(RecordingError, match="in use"), locks.held(tmp_path):
        pass

    await journal.finish(BEGUN)
    assert not locks.is_held(path)
    with locks.held(tmp_path):
        for name in (manifest.JOURNAL, manifest.STATISTICS, manifest.NAME):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_a_lock_that_somebody_else_had_for_a_moment_is_taken_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, asked = fcntl.flock, []

    def busy_once(descriptor: int, how: int) -> None:
        asked.append(how)
        if len(asked) == 1:
            raise BlockingIOError(errno.EWOULDBLOCK, "busy")
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", busy_once)
    journal = Journal(tmp_path, Failures())
    journal.note(moment(1))
    await on_disk(tmp_path / manifest.JOURNAL)
    monkeypatch.undo()

    assert locks.is_held(tmp_path / manifest.JOURNAL)
    await journal.finish(BEGUN)


@pytest.mark.parametrize("kind", ["file", "link"])
async def test_nothing_is_overwritten_and_no_link_followed(tmp_path: Path, kind: str) -> None:
    other = tmp_path / "other"
    path = tmp_path / manifest.JOURNAL
    if kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(other)
    with pytest.raises(RecordingError, match="cannot be created"):
        Journal(tmp_path, Failures())

    assert not other.exists()
    assert kind == "link" or path.read_text() == "mine"


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be created"):
        Journal(tmp_path / "nowhere", Failures())


# --- disks that refuse


class Disk:
    """Refuses to write, or half of it, as long as it is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_full = False
        self.refused = 0
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, data: Any) -> int:
        if not self.is_full:
            return self._write(descriptor, data)
        if self.refused % 2 == 0 and len(data) > 1:
            self.refused += 1
            return self._write(descriptor, data[: len(data) // 2])
        self.refused += 1
        raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_full_disk_is_told_once_and_what_it_refused_is_written_when_it_has_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "BEAT_S", 0.02)
    disk, failures = Disk(monkeypatch), Failures()
    journal = Journal(tmp_path, failures)
    journal.note(moment(1))
    journal.sample(sample(1))
    await on_disk(tmp_path / manifest.STATISTICS)
    disk.is_full = True
    journal.note(moment(2))
    journal.sample(sample(2))
    async with asyncio.timeout(20):
        while disk.refused < 12:  # noqa: ASYNC110  a thread is refused
            await asyncio.sleep(0.005)
    assert [error.errno for error in failures.heard] == [errno.ENOSPC]
    assert read_journal(tmp_path / manifest.JOURNAL) == ([moment(1)], [])
    assert read_statistics(tmp_path / manifest.STATISTICS) == [sample(1)]

    disk.is_full = False
    whole = await journal.finish(BEGUN)
    assert read_journal(tmp_path / manifest.JOURNAL) == ([moment(1), moment(2)], [])
    assert read_statistics(tmp_path / manifest.STATISTICS) == [sample(1), sample(2)]
    assert whole.events == (moment(1), moment(2))
    assert len(failures.heard) == 1


async def test_a_disk_that_stays_full_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: Path, said: Manifest) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    disk, failures = Disk(monkeypatch), Failures()
    monkeypatch.setattr(manifest, "write", full)
    journal = Journal(tmp_path, failures)
    disk.is_full = True
    journal.note(moment(1))
    whole = await journal.finish(BEGUN)
    await asyncio.sleep(0)

    assert whole.events == (moment(1),)
    assert [error.errno for error in failures.heard] == [errno.ENOSPC]
    assert not locks.is_held(tmp_path / manifest.JOURNAL)


# --- bounds


async def test_what_waits_for_the_disk_is_bounded_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journals, "WAITING", 3)
    monkeypatch.setattr(journals, "WAITING_SAMPLES", 2)
    monkeypatch.setattr(journals, "BEAT_S", 60.0)
    journal = Journal(tmp_path, Failures())
    for number in range(5):
        journal.note(moment(number))
        journal.sample(sample(number))
    whole = await journal.finish(BEGUN)

    assert journal.dropped == 5
    assert "5 events and samples" in caplog.text
    assert len(read_journal(tmp_path / manifest.JOURNAL)[0]) == 3
    assert len(read_statistics(tmp_path / manifest.STATISTICS)) == 2
    assert len(whole.events) == 5, "what the journal could not take is in the manifest"


@pytest.mark.parametrize(("limit", "value"), [("KEPT", 4), ("KEPT_BYTES", 4 * 72)])
async def test_of_very_many_events_the_manifest_has_the_newest_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(journals, limit, value)
    journal = Journal(tmp_path, Failures())
    for number in range(10):
        journal.note(moment(number))
    whole = await journal.finish(BEGUN)

    note, *rest = whole.events
    assert rest == [moment(number) for number in range(6, 10)]
    assert (note.time_ms, note.peer, note.name) == (6.0, "", "overflow")
    assert note.value.startswith("6 ")
    assert len(read_journal(tmp_path / manifest.JOURNAL)[0]) == 10


async def test_half_a_character_ends_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, Failures())
    journal.note(said(1, "half \ud83d of it"))
    whole = await journal.finish(BEGUN)

    assert whole.chat == (said(1, "half ? of it"),)
    assert manifest.read(tmp_path / manifest.NAME).chat == whole.chat


# --- kill -9

WRITER = """
import asyncio, sys
from pathlib import Path
from nbrtc.engine import journal as module
from nbrtc.engine.journal import Journal
from nbrtc.messages import StatsSample
from nbrtc.recordings.manifest import Manifest, Moment

module.BEAT_S = 0.1  # the rest of the second is for a disk and a machine that are busy

async def main():
    loop = asyncio.get_running_loop()
    journal = Journal(Path(sys.argv[1]), print)
    begun_s = loop.time()
    while True:
        now_ms = (loop.time() - begun_s) * 1000
        journal.note(Moment(time_ms=now_ms, peer="you", name="camera"))
        journal.sample(StatsSample(time_s=now_ms / 1000, peer="ada", generation=1, reports=()))
        journal.keep(Manifest(id="tape", started_at_s=0.0, duration_ms=now_ms))
        print(now_ms, flush=True)
        await asyncio.sleep(0.01)

asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [130, 175])
def test_a_writer_that_is_killed_loses_less_than_a_second(tmp_path: Path, lines: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        told_ms = [float(writer.stdout.readline()) for _ in range(lines)][-1]
        is_held = locks.is_held(tmp_path / manifest.JOURNAL)
        writer.kill()
    moments, _ = read_journal(tmp_path / manifest.JOURNAL)
    samples = read_statistics(tmp_path / manifest.STATISTICS)

    assert is_held
    assert not locks.is_held(tmp_path / manifest.JOURNAL)
    assert told_ms - moments[-1].time_ms < 1000
    assert told_ms - samples[-1].time_s * 1000 < 1000
    assert told_ms - manifest.read(tmp_path / manifest.NAME).duration_ms < 1000
    assert len(moments) > 40
