"""Files of frames give the frames back."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nbrtc.stats import CallStats, StatsStore
from nbrtc.stats.files.export import to_csv, to_json, to_parquet
from tests.unit.stats_vectors import cases, samples_of

SAMPLES = samples_of(cases("loopback.json")[0])
WRITERS = {"csv": CallStats.to_csv, "parquet": CallStats.to_parquet, "json": CallStats.to_json}


@pytest.fixture
def stats() -> CallStats:
    store = StatsStore()
    for sample in SAMPLES:
        store.append(sample)
    return CallStats(store)


@pytest.mark.parametrize("kind", [None, "video", "inbound-rtp", "candidate-pair"])
def test_parquet_gives_the_very_frame_back(stats: CallStats, tmp_path: Path, kind: str | None) -> None:
    path = stats.to_parquet(tmp_path / "call.parquet", kind=kind)
    pd.testing.assert_frame_equal(pd.read_parquet(path), stats.to_frame(kind))


def test_parquet_keeps_the_types_of_streams_and_of_nothing(stats: CallStats, tmp_path: Path) -> None:
    streams = stats.derived()
    pd.testing.assert_frame_equal(pd.read_parquet(to_parquet(streams, tmp_path / "streams")), streams)
    pd.testing.assert_frame_equal(
        pd.read_parquet(to_parquet(streams.iloc[:0], tmp_path / "nothing")), streams.iloc[:0]
    )


def test_parquet_makes_text_of_a_column_of_several_kinds(tmp_path: Path) -> None:
    frame = pd.DataFrame({"mid": pd.Series(["0", 0, np.nan], dtype="object")})
    read = pd.read_parquet(to_parquet(frame, tmp_path / "mixed.parquet"))
    assert read["mid"].tolist()[:2] == ["0", "0"]
    assert read["mid"].isna().tolist() == [False, False, True]
    assert frame["mid"].tolist()[1] == 0


def test_csv_gives_every_digit_back(stats: CallStats, tmp_path: Path) -> None:
    path = stats.to_csv(tmp_path / "call.csv", kind="video")
    read = pd.read_csv(path, index_col="time", parse_dates=["time"])
    frame = stats.to_frame("video")
    assert (read.index == frame.index).all()
    assert str(read.index.tz) == "UTC"
    assert list(read.columns) == list(frame.columns)
    for name in frame.columns:
        assert read[name].isna().equals(frame[name].isna())
        assert read[name].dropna().tolist() == frame[name].dropna().tolist()


def test_json_is_a_list_of_records_with_null_for_what_is_missing(stats: CallStats, tmp_path: Path) -> None:
    path = stats.to_json(tmp_path / "call.json")
    frame = stats.to_frame()
    records = json.loads(path.read_text())
    assert [list(record) for record in records] == [["time", *frame.columns]] * len(frame)
    times = pd.to_datetime([record["time"] for record in records])
    assert (times == frame.index).all()
    for name in frame.columns:
        for record, value in zip(records, frame[name], strict=True):
            assert record[name] is None if pd.isna(value) else record[name] == value


def test_json_has_the_flags_and_numbers_of_streams(stats: CallStats, tmp_path: Path) -> None:
    (record, *_) = json.loads(to_json(stats.derived("video"), tmp_path / "streams.json").read_text())
    assert type(record["ssrc"]) is int
    assert record["is_stale"] in (True, False, None)
    assert json.loads(to_json(stats.derived().iloc[:0], tmp_path / "nothing.json").read_text()) == []


@pytest.mark.parametrize("form", WRITERS)
def test_only_what_was_asked_for_is_written_over_what_was_there(
    stats: CallStats, tmp_path: Path, form: str
) -> None:
    path = tmp_path / f"call.{form}"
    path.write_text("yesterday")
    assert WRITERS[form](stats, str(path), kind="audio", participant="python") == path
    content = path.read_bytes()
    assert b"audio" in content
    assert b"yesterday" not in content
    assert b"video" not in content


@pytest.mark.parametrize("form", WRITERS)
def test_a_folder_that_is_not_there_is_named(stats: CallStats, tmp_path: Path, form: str) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere.*: make it first"):
        WRITERS[form](stats, tmp_path / "nowhere" / "call")


def test_without_pyarrow_parquet_says_what_to_install(
    stats: CallStats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for write in (stats.to_parquet, stats.spill):
        with pytest.raises(ImportError, match=r"pip install nbrtc\[parquet\]"):
            write(tmp_path / "call")
    assert list(tmp_path.iterdir()) == []
    assert to_csv(stats.to_frame(), tmp_path / "call.csv").exists()
