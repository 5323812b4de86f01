"""Journals that a crash cut off, that a disk damaged, or that are none."""

import gzip
import logging
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbrtc.messages import StatsSample
from nbrtc.recordings import journal
from nbrtc.recordings.journal import read_journal, read_statistics
from nbrtc.recordings.manifest import Moment, Said

ANY_CUT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NOTES: list[Moment | Said] = [
    Moment(time_ms=1.0, peer="you", name="camera", value="on 640x480"),
    Said(time_ms=2.5, sender="ada", sender_name="Ada", text="new\nline \u2028 \x00 \U0001f600"),
    Moment(time_ms=3.0, peer="", name="recorded", value="off"),
]
LINES = b"".join(msgspec.json.encode(note) + b"\n" for note in NOTES)
SAMPLES = [
    StatsSample(time_s=float(number), peer="ada", generation=1, reports=({"id": "in", "bytes": number},))
    for number in range(30)
]
MEMBERS = [
    gzip.compress(b"".join(msgspec.json.encode(sample) + b"\n" for sample in SAMPLES[start : start + 5]))
    for start in range(0, 30, 5)
]
PACKED = b"".join(MEMBERS)


def test_where_there_is_no_file_nothing_happened(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none") == ([], [])
    assert read_statistics(tmp_path / "none") == []


@ANY_CUT
@given(end=st.integers(0, len(LINES)))
def test_a_journal_reads_to_its_cut(tmp_path: Path, end: int) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[:end])
    moments, chat = read_journal(path)
    read: list[Moment | Said] = [*moments, *chat]
    read.sort(key=lambda one: one.time_ms)

    whole = LINES[: end + 1].count(b"\n")  # a line that lacks nothing but its end is whole
    assert read == NOTES[:whole]


@ANY_CUT
@given(end=st.integers(0, len(PACKED)))
def test_statistics_read_to_their_cut(tmp_path: Path, end: int) -> None:
    path = tmp_path / "statistics.jsonl.gz"
    path.write_bytes(PACKED[:end])
    read = read_statistics(path)

    whole = 0
    while whole < len(MEMBERS) and len(b"".join(MEMBERS[: whole + 1])) <= end:
        whole += 1
    assert read == SAMPLES[: len(read)]
    assert 5 * whole <= len(read) <= 5 * (whole + 1)


@ANY_CUT
@given(at=st.integers(0, len(PACKED) - 1), byte=st.integers(0, 255))
def test_damaged_statistics_give_what_is_before_the_damage(tmp_path: Path, at: int, byte: int) -> None:
    path = tmp_path / "statistics.jsonl.gz"
    path.write_bytes(PACKED[:at] + bytes([byte]) + PACKED[at + 1 :])
    read = read_statistics(path)

    whole = 0
    while len(b"".join(MEMBERS[: whole + 1])) <= at:
        whole += 1
    assert read[: 5 * whole] == SAMPLES[: 5 * whole]


@ANY_CUT
@given(damage=st.binary(max_size=80), at=st.integers(0, len(LINES)))
def test_a_damaged_journal_never_raises(tmp_path: Path, damage: bytes, at: int) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[:at] + damage + LINES[at:])
    moments, chat = read_journal(path)
    assert len(moments) + len(chat) >= len(NOTES) - 1 - damage.count(b"\n")


def test_damaged_lines_are_counted_and_the_others_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.jsonl"
    first, rest = LINES.split(b"\n", 1)
    later = b'{"type":"vision","time_ms":1.0}\n'
    path.write_bytes(first + b"\n" + later + b"\x00" * 4096 + b"\n" + rest + b'{"type":"ev')
    with caplog.at_level(logging.WARNING):
        moments, chat = read_journal(path)

    assert [*moments, *chat] == [NOTES[0], NOTES[2], NOTES[1]]
    assert "3 lines" in caplog.text


def test_fields_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"type":"event","time_ms":1.0,"peer":"you","name":"camera","colour":"red"}\n')
    assert read_journal(path) == ([Moment(time_ms=1.0, peer="you", name="camera")], [])


def test_a_huge_journal_gives_its_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "KEPT", 2)
    monkeypatch.setattr(journal, "LINE_BYTES", 100)
    path = tmp_path / "events.jsonl"
    noted = [Moment(time_ms=float(number), peer="you", name="camera") for number in range(5)]
    path.write_bytes(b"x" * 350 + b"\n" + b"".join(msgspec.json.encode(one) + b"\n" for one in noted))
    assert read_journal(path) == (noted[3:], [])


def test_a_bomb_is_read_up_to_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(journal, "UNPACKED_BYTES", 1 << 20)
    path = tmp_path / "statistics.jsonl.gz"
    path.write_bytes(MEMBERS[0] + gzip.compress(b"\x00" * (64 << 20)))
    with caplog.at_level(logging.WARNING):
        assert read_statistics(path) == SAMPLES[:5]
    assert "the rest is not read" in caplog.text


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(LINES)
    (tmp_path / "events.jsonl").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic link"):
        read_journal(tmp_path / "events.jsonl")
