"""Bytes of recordings for a page."""

import asyncio
import os
from base64 import b64decode
from pathlib import Path

import pytest

from nbrtc.engine import shelf as module
from nbrtc.engine.shelf import Shelf
from nbrtc.errors import RecordingError
from nbrtc.messages import RECORDING_CHUNK_BYTES, ReadRecording, RecordingChunk


async def read(path: Path, offset: int = 0) -> RecordingChunk:
    return await Shelf().read(path, ReadRecording("id", "recording", path.name, offset))


async def test_a_file_is_read_in_chunks_up_to_its_end(tmp_path: Path) -> None:
    content = os.urandom(RECORDING_CHUNK_BYTES + 5)
    path = tmp_path / "a.mkv"
    path.write_bytes(content)
    first, rest, end = [await read(path, offset) for offset in (0, RECORDING_CHUNK_BYTES, len(content))]
    assert b64decode(first.data) + b64decode(rest.data) == content
    assert end.data == ""
    assert {(one.id, one.size_bytes) for one in (first, rest, end)} == {("id", len(content))}


async def test_what_is_no_file_of_that_size_is_refused_in_words(tmp_path: Path) -> None:
    path, planted, pipe = tmp_path / "a.mkv", tmp_path / "link.mkv", tmp_path / "pipe.mkv"
    path.write_bytes(b"12345")
    planted.symlink_to(path)
    os.mkfifo(pipe)
    for wrong, offset, problem in (
        (path, 6, "has 5 bytes: none begin at 6"),
        (path, -1, "none begin at -1"),
        (planted, 0, "cannot be read"),
        (pipe, 0, "not a file"),
        (tmp_path, 0, "not a file"),
        (tmp_path / "gone.mkv", 0, "cannot be read"),
    ):
        with pytest.raises(RecordingError, match=problem):
            await read(wrong, offset)


async def test_a_flood_of_requests_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITING", 6)
    path, shelf = tmp_path / "a.mkv", Shelf()
    path.write_bytes(b"12345")
    wishes = [ReadRecording(str(number), "recording", path.name, 0) for number in range(20)]
    answers = await asyncio.gather(*(shelf.read(path, wish) for wish in wishes), return_exceptions=True)
    assert [isinstance(answer, RecordingChunk) for answer in answers] == [True] * 10 + [False] * 10
    assert isinstance(answers[-1], RecordingError)
