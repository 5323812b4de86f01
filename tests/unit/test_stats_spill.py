"""Statistics on disk: nothing is lost, nothing is there twice, and a bad disk harms nobody."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from nbrtc.errors import DumpError
from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats import CallStats, StatsStore
from nbrtc.stats.files import spill as spill_module
from nbrtc.stats.files.parts import EVENT_COLUMNS, SAMPLE_COLUMNS, Part
from nbrtc.stats.files.spill import Spill, read_spill, spill
from nbrtc.stats.files.spill_folder import MARK, claimed
from tests.unit.stats_vectors import cases, samples_of

SAMPLES = samples_of(cases("loopback.json")[0])
PATIENCE_S = 20.0


def sample(number: int, peer: str = "python") -> StatsSample:
    return msgspec.structs.replace(SAMPLES[number % len(SAMPLES)], time_s=number + 0.1, peer=peer)


def event(number: int) -> StatsEvent:
    return StatsEvent(time_s=number + 0.2, peer="ada", name="mute", value=str(number), generation=3)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def store() -> Iterator[StatsStore]:
    """A live store; its end ends whatever writes it."""
    store = StatsStore()
    yield store
    store.end()
    wait_until(lambda: not spill_module._running)


class Loaded(StatsStore):
    """A source that is not live."""

    def __init__(self, samples: Sequence[StatsSample], events: Sequence[StatsEvent]) -> None:
        super().__init__(info={"format": "webrtc-internals", "user_agent": "Chrome"})
        for each in samples:
            self.append(each)
        for what in events:
            self.note(what)
        self.end()


# --- what is written


def test_the_past_and_the_future_are_there_once(store: StatsStore, tmp_path: Path) -> None:
    for number in range(5):
        store.append(sample(number))
    store.note(event(0))
    folder = CallStats(store).spill(tmp_path / "call")
    for number in range(5, 12):
        store.append(sample(number, peer="ada"))
        store.note(event(number))
    store.end()
    samples, events, info = read_spill(folder)
    assert samples == store.samples()
    assert events == store.events()
    assert info == {"format": "nbrtc", "truncated": False}


def test_what_comes_while_the_past_is_written_is_there_once(store: StatsStore, tmp_path: Path) -> None:
    """A listener that brings more from another thread, all the time."""
    ended = threading.Event()

    def bring() -> None:
        number = 0
        while not ended.is_set():
            store.append(sample(number))
            store.note(event(number))
            number += 1

    bringing = threading.Thread(target=bring)
    bringing.start()
    try:
        wait_until(lambda: len(store) > 200)
        spill(store, tmp_path)
        seen = store.version
        wait_until(lambda: store.version > seen + 200)
    finally:
        ended.set()
        bringing.join()
    store.end()
    samples, events, _ = read_spill(tmp_path)
    assert [each.time_s for each in samples] == [each.time_s for each in store.samples()]
    assert events == store.events()


def test_the_folder_keeps_what_the_ring_has_dropped(tmp_path: Path) -> None:
    store = StatsStore(max_samples=2)
    spill(store, tmp_path)
    wait_until(lambda: bool(store._listeners))
    for number in range(20):
        store.append(sample(number))
    store.end()
    assert len(read_spill(tmp_path)[0]) == 20
    assert len(store) == 2


def test_of_a_dump_all_is_written_at_once(tmp_path: Path) -> None:
    source = Loaded([sample(number) for number in range(3)], [event(1)])
    spill(source, tmp_path)
    samples, events, info = read_spill(tmp_path)
    assert (samples, events) == (source.samples(), [event(1)])
    assert info == {"format": "webrtc-internals", "user_agent": "Chrome", "truncated": False}


def test_values_come_back_as_they_were(tmp_path: Path) -> None:
    report: dict[str, str | int | float | bool | None] = {
        "id": "I",
        "whole": 2**53 - 1,
        "fraction": 0.1 + 0.2,
        "one": 1.0,
        "flag": False,
        "none": None,
        "text": 'a "quoted" ü\n',
    }
    source = Loaded([StatsSample(time_s=1e9 + 1 / 3, peer="ü", generation=2, reports=(report,))], [])
    spill(source, tmp_path)
    (read,) = read_spill(tmp_path)[0]
    assert read == source.samples()[0]
    assert [type(value) for value in read.reports[0].values()] == [type(value) for value in report.values()]


def test_other_tools_can_read_the_files(tmp_path: Path) -> None:
    spill(Loaded([sample(0)], [event(0)]), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "events-00001.parquet",
        MARK,
        "samples-00001.parquet",
    ]
    table = parquet.read_table(tmp_path / "samples-00001.parquet")
    assert table.column_names == list(SAMPLE_COLUMNS)
    assert msgspec.json.decode(table["reports"][0].as_py()) == [dict(r) for r in sample(0).reports]
    assert parquet.read_table(tmp_path / "events-00001.parquet").column_names == list(EVENT_COLUMNS)


def test_finished_parts_can_be_read_while_the_call_goes_on(store: StatsStore, tmp_path: Path) -> None:
    writing = Spill(store, claimed(tmp_path, store.info), part_s=0.0, group_s=0.0)
    writing.start()
    store.append(sample(0))
    wait_until(lambda: len(read_spill(tmp_path)[0]) == 1)
    store.append(sample(1))
    wait_until(lambda: len(read_spill(tmp_path)[0]) == 2)
    assert len(list(tmp_path.glob("samples-*.parquet"))) == 2
    store.append(sample(2))
    writing.end()
    writing.end()
    assert store.is_live
    assert [each.time_s for each in read_spill(tmp_path)[0]] == [0.1, 1.1, 2.1]


def test_a_file_that_is_not_finished_is_said(store: StatsStore, tmp_path: Path) -> None:
    store.append(sample(0))
    spill(store, tmp_path)
    wait_until(lambda: bool(list(tmp_path.glob("*.partial"))))
    samples, _, info = read_spill(tmp_path)
    assert (samples, info["truncated"]) == ([], True)


def test_two_folders_may_be_written_but_none_twice(store: StatsStore, tmp_path: Path) -> None:
    store.append(sample(0))
    first, second = spill(store, tmp_path / "a"), spill(store, str(tmp_path / "b"))
    with pytest.raises(FileExistsError, match="statistics already"):
        spill(store, first)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="choose another folder"):
        spill(store, tmp_path / "file")
    store.end()
    assert read_spill(first)[0] == read_spill(second)[0] == [sample(0)]
    with pytest.raises(FileExistsError):
        spill(store, first)


def test_the_end_of_the_interpreter_finishes_the_files(tmp_path: Path) -> None:
    program = (
        "import sys; from nbrtc.messages import StatsSample; from nbrtc.stats import CallStats, StatsStore\n"
        "store = StatsStore(); CallStats(store).spill(sys.argv[1])\n"
        "store.append(StatsSample(time_s=1.0, peer='python', generation=1, reports=({'id': 'I'},)))\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=60)
    samples, _, info = read_spill(tmp_path)
    assert [each.time_s for each in samples] == [1.0]
    assert not info["truncated"]


# --- disks


class FullDisk(Part):
    """The first write fits."""

    written = 0

    def write(self, rows: Sequence[tuple[object, ...]]) -> None:
        if FullDisk.written:
            raise OSError(28, "No space left on device")
        FullDisk.written += 1
        super().write(rows)


def test_a_full_disk_is_told_once_and_the_call_goes_on(
    store: StatsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("nbrtc.stats.files.parts.Part", FullDisk)
    monkeypatch.setattr(FullDisk, "written", 0)
    store.append(sample(0))
    writing = Spill(store, claimed(tmp_path, store.info), group_s=0.0)
    writing.start()
    wait_until(lambda: FullDisk.written > 0)
    store.append(sample(1))
    wait_until(lambda: not spill_module._running)
    for number in range(2, 5):
        store.append(sample(number))
    assert len(store) == 5
    (record,) = caplog.records
    assert "No space left on device" in record.message
    assert "The call goes on" in record.message
    assert not list(tmp_path.glob("*.partial"))


def test_a_disk_that_cannot_follow_costs_rows_not_memory(
    store: StatsStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spill_module, "MAX_WAITING_BYTES", 50_000)
    store.append(sample(0))
    spill(store, tmp_path)
    # Now the past is on its way to the disk, and what comes waits.
    wait_until(lambda: bool(list(tmp_path.glob("*.partial"))))
    for number in range(1, 50):
        store.append(sample(number))
    store.end()
    times = [each.time_s for each in read_spill(tmp_path)[0]]
    assert 0 < len(times) < 50
    assert times == [number + 0.1 for number in range(len(times))]
    assert f"{50 - len(times)} samples and events are missing" in caplog.text


def test_a_folder_that_cannot_be_made_is_an_error_at_once(store: StatsStore, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError, match="file"):
        spill(store, tmp_path / "file" / "call")
    assert not spill_module._running


# --- reading what others left


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DumpError, match="not a folder of statistics"):
        read_spill(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}', '{"version": 9, "info": {}}', "\x00"])
def test_a_mark_that_nbrtc_did_not_write_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / MARK).write_text(text)
    with pytest.raises(DumpError):
        read_spill(tmp_path)


def test_damaged_files_are_refused_by_name(tmp_path: Path) -> None:
    spill(Loaded([sample(0)], []), tmp_path)
    path = tmp_path / "samples-00001.parquet"
    whole = path.read_bytes()
    for damaged in (b"", b"PAR1", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(DumpError, match="samples-00001"):
            read_spill(tmp_path)
    columns = {"time_s": [1.0], "participant": ["python"], "generation": [1], "reports": ["{"]}
    for table in (columns, {**columns, "reports": [None]}, {"x": [1]}):
        parquet.write_table(pa.table(table), path)
        with pytest.raises(DumpError, match="samples-00001"):
            read_spill(tmp_path)


def test_a_folder_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    spill(Loaded([sample(number) for number in range(20)], []), tmp_path)
    with pytest.raises(DumpError, match=r"more than max_bytes=1,000"):
        read_spill(tmp_path, max_bytes=1000)
