"""A recording's file is new, private, and takes its name only when it is complete."""

import errno
import os
import stat
from pathlib import Path

import pytest

from nbrtc.errors import RecordingError
from nbrtc.recordings.files import RecordingFile


class SmallWrites(RecordingFile):
    """Takes three bytes at a time and fails at `limit`."""

    limit = 1 << 20

    def _write(self, data: memoryview) -> int:
        position = os.lseek(self.descriptor, 0, os.SEEK_CUR)
        if position >= self.limit:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super()._write(data[:3])


def test_a_file_has_the_partial_name_until_it_is_published(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.mkv")
    file.append(b"hello")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv.partial"]
    assert (tmp_path / "a.mkv.partial").read_bytes() == b"hello"  # nothing waits in this process

    assert file.publish() == tmp_path / "a.mkv"
    assert [path.name for path in tmp_path.iterdir()] == ["a.mkv"]
    assert (tmp_path / "a.mkv").read_bytes() == b"hello"
    assert stat.S_IMODE((tmp_path / "a.mkv").stat().st_mode) == 0o600
    file.close()


@pytest.mark.parametrize("taken", ["a.mkv", "a.mkv.partial"])
def test_neither_name_is_ever_overwritten(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_bytes(b"precious")
    with pytest.raises(RecordingError, match="exists"):
        RecordingFile(tmp_path / "a.mkv")
    assert (tmp_path / taken).read_bytes() == b"precious"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("planted", ["a.mkv", "a.mkv.partial"])
@pytest.mark.parametrize("dangling", [True, False])
def test_a_planted_symbolic_link_is_not_followed(tmp_path: Path, planted: str, dangling: bool) -> None:
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_bytes(b"precious")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / planted).symlink_to(victim)
    with pytest.raises(RecordingError, match="exists"):
        RecordingFile(folder / "a.mkv")
    assert victim.exists() is not dangling
    assert dangling or victim.read_bytes() == b"precious"


def test_a_link_planted_during_the_recording_is_not_followed_either(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    file = RecordingFile(tmp_path / "a.mkv")
    file.append(b"mine")
    (tmp_path / "a.mkv").symlink_to(victim)
    with pytest.raises(RecordingError, match=r"a\.mkv\.partial"):
        file.publish()
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "a.mkv.partial").read_bytes() == b"mine"


def test_a_name_taken_meanwhile_leaves_both_files(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.mkv")
    file.append(b"mine")
    (tmp_path / "a.mkv").write_bytes(b"theirs")
    with pytest.raises(RecordingError, match="rename"):
        file.publish()
    assert (tmp_path / "a.mkv").read_bytes() == b"theirs"
    assert (tmp_path / "a.mkv.partial").read_bytes() == b"mine"


def test_a_partial_file_swapped_for_another_is_not_published(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.mkv")
    (tmp_path / "a.mkv.partial").unlink()
    (tmp_path / "a.mkv.partial").write_bytes(b"forged")
    with pytest.raises(RecordingError, match="was removed"):
        file.publish()
    assert not (tmp_path / "a.mkv").exists()


def test_a_partial_file_that_was_removed_is_said_to_be_lost(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.mkv")
    file.append(b"mine")
    (tmp_path / "a.mkv.partial").unlink()
    with pytest.raises(RecordingError, match="removed while it was recorded, and what was in it is lost"):
        file.publish()
    assert list(tmp_path.iterdir()) == []


def test_moving_the_folder_moves_the_recording_along(tmp_path: Path) -> None:
    folder = tmp_path / "before"
    folder.mkdir()
    file = RecordingFile(folder / "a.mkv")
    file.append(b"mine")
    folder.rename(tmp_path / "after")
    file.publish()
    assert (tmp_path / "after" / "a.mkv").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["missing/a.mkv", "x" * 300 + ".mkv", "nul\0.mkv", "file/a.mkv"])
def test_an_impossible_name_is_an_error_in_words(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(RecordingError):
        RecordingFile(tmp_path / name)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_short_writes_are_continued(tmp_path: Path) -> None:
    file = SmallWrites(tmp_path / "a.mkv")
    file.append(b"0123456789")
    file.patch(b"ABC", 4)
    assert file.publish().read_bytes() == b"0123ABC789"


def test_a_system_that_writes_nothing_is_a_failed_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RecordingFile(tmp_path / "a.mkv")
    file.append(b"1234")
    monkeypatch.setattr(os, "write", lambda descriptor, data: 0)
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, at: 0)
    with pytest.raises(OSError, match="nothing"):
        file.append(b"56")
    with pytest.raises(OSError, match="nothing"):
        file.patch(b"56", 0)
    file.discard()


def test_discarding_leaves_what_is_not_ones_own(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for rest in (None, b"another's"):
        file = RecordingFile(tmp_path / "a.mkv")
        file.partial.unlink()
        if rest is not None:
            file.partial.write_bytes(rest)
        file.discard()
        file.discard()
    assert file.partial.read_bytes() == b"another's"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_append_that_fails_half_way_leaves_nothing_of_itself(tmp_path: Path) -> None:
    file = SmallWrites(tmp_path / "a.mkv")
    file.append(b"whole ")
    file.limit = 9
    with pytest.raises(OSError, match="No space"):
        file.append(b"half of it")
    assert file.size_bytes == 6
    assert (tmp_path / "a.mkv.partial").read_bytes() == b"whole "
    file.limit = 1 << 20
    file.append(b"again")
    assert file.publish().read_bytes() == b"whole again"


def test_a_patch_does_not_grow_the_file(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "a.mkv")
    file.append(b"1234")
    with pytest.raises(ValueError, match="beyond"):
        file.patch(b"567", 2)
    file.discard()
    assert not list(tmp_path.iterdir())
