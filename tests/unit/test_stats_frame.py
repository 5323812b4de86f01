"""Statistics as DataFrames: raw members, each stream, events, and a line per time."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats import CallStats, StatsStore
from nbrtc.stats.frames.raw import TYPES
from nbrtc.stats.stream_row import StreamRow
from tests.unit.stats_vectors import cases, samples_of

SAMPLES = samples_of(cases("loopback.json")[0])


def stats_of(*samples: StatsSample) -> CallStats:
    store = StatsStore()
    for sample in samples:
        store.append(sample)
    return CallStats(store)


def poll(time_s: float, peer: str = "python", **members: Any) -> StatsSample:
    """A poll of one received stream."""
    report = {"id": "I", "type": "inbound-rtp", "kind": "video", "timestamp": 1000 * time_s, **members}
    return StatsSample(time_s=time_s, peer=peer, generation=1, reports=(report,))


@pytest.fixture
def stats() -> CallStats:
    return stats_of(*SAMPLES)


@pytest.fixture
def nothing() -> CallStats:
    return stats_of()


# --- members of stats objects


def test_members_are_there_verbatim(stats: CallStats) -> None:
    frame = stats.to_frame("inbound-rtp")
    reports = [
        (sample, report) for sample in SAMPLES for report in sample.reports if report["type"] == "inbound-rtp"
    ]
    assert len(frame) == len(reports)
    assert list(frame.columns[:3]) == ["participant", "generation", "id"]
    assert "type" not in frame.columns
    for (time, line), (sample, report) in zip(frame.iterrows(), reports, strict=True):
        assert isinstance(time, pd.Timestamp)
        assert time.timestamp() == pytest.approx(sample.time_s, abs=1e-6)
        told = {name: line[name] for name in report if name != "type"}
        assert told == {name: value for name, value in report.items() if name != "type"}
        assert line[[name for name in frame.columns[3:] if name not in report]].isna().all()


def test_members_have_the_types_that_they_have_in_the_browser(stats: CallStats) -> None:
    frame = stats.to_frame("candidate-pair")
    assert frame["generation"].dtype == frame["bytesSent"].dtype == np.int64
    assert frame["priority"].iloc[0] == 9115060245863753000
    assert frame["currentRoundTripTime"].dtype == np.float64
    assert frame["nominated"].dtype == "boolean"
    assert frame["state"].dtype == frame["id"].dtype == "str"


def test_a_member_of_several_kinds_and_one_that_is_huge_stay_what_they_are() -> None:
    frame = stats_of(poll(1, mid="0", x=2**64 - 1), poll(2, mid=0), poll(3)).to_frame("inbound-rtp")
    assert frame["mid"].tolist()[:2] == ["0", 0]
    assert frame["mid"].isna().tolist() == [False, False, True]
    assert frame["x"].iloc[0] == float(2**64)


def test_the_names_of_columns_are_not_taken_over_by_members() -> None:
    frame = stats_of(poll(1, participant="somebody else", generation=9)).to_frame("inbound-rtp")
    assert frame[["participant", "generation"]].iloc[0].tolist() == ["python", 1]


def test_a_type_that_nothing_was_measured_of_gives_an_empty_frame(
    stats: CallStats, nothing: CallStats
) -> None:
    for found in (stats.to_frame("data-channel"), nothing.to_frame("inbound-rtp")):
        assert found.empty
        assert list(found.columns) == ["participant", "generation", "id"]
        assert found.index.dtype == stats.to_frame().index.dtype
    assert set(TYPES) >= {report["type"] for sample in SAMPLES for report in sample.reports}


def test_an_old_type_can_be_asked_for_where_it_is() -> None:
    assert len(stats_of(poll(1, type="track")).to_frame("track")) == 1


def test_an_unknown_kind_is_refused_with_the_types_that_are_here(
    stats: CallStats, nothing: CallStats
) -> None:
    with pytest.raises(ValueError, match=r"'inbound'.*'video' or 'audio'.*'inbound-rtp'.*'transport'"):
        stats.to_frame("inbound")
    with pytest.raises(ValueError, match="nothing was measured yet"):
        nothing.to_frame("inbound")


# --- a line per time


def test_a_wide_frame_has_a_line_per_time(stats: CallStats) -> None:
    wide, tidy = stats.to_frame(shape="wide"), stats.to_frame()
    assert wide.columns.names == ["participant", "direction", "kind", "metric"]
    assert wide.index.equals(tidy.index.unique())
    for key, part in tidy.groupby(["participant", "direction", "kind"]):
        for metric in ("bitrate_bps", "fps", "codec"):
            column = wide[*key, metric].loc[part.index]
            pd.testing.assert_series_equal(column, part[metric], check_names=False)
        assert wide[*key, "bitrate_bps"].drop(part.index).isna().all()
    assert wide["python", "send", "video", "fps"].dtype == np.float64


def test_polls_of_one_interval_share_a_line_and_none_is_lost() -> None:
    ada = [poll(n, "ada", framesDecoded=30 * n) for n in range(5)]
    bob = [poll(n + 0.9, "bob", framesDecoded=10 * n) for n in range(5)]
    late = [poll(n, "eve", framesDecoded=5 * n) for n in (2.5, 7.0)]
    wide = stats_of(*ada, *bob, *late).to_frame("video", shape="wide")
    seconds = [time.timestamp() for time in wide.index]
    assert seconds == [0, 1, 2, 3, 4, 7]
    assert wide["ada", "receive", "video", "fps"].tolist()[1:5] == [30] * 4
    assert wide["bob", "receive", "video", "fps"].tolist()[1:5] == [pytest.approx(10)] * 4
    assert wide["eve", "receive", "video", "fps"].dropna().tolist() == [pytest.approx(5)]


def test_wide_members_have_their_object_above_them(stats: CallStats) -> None:
    wide = stats.to_frame("transport", shape="wide")
    assert wide.columns.names == ["participant", "id", "member"]
    assert wide["python", "T01", "bytesSent"].tolist() == stats.to_frame("transport")["bytesSent"].tolist()


def test_a_poll_that_came_twice_is_one_line() -> None:
    wide = stats_of(poll(1, framesDecoded=1), poll(1, framesDecoded=2)).to_frame("inbound-rtp", shape="wide")
    assert wide["python", "I", "framesDecoded"].tolist() == [2]


def test_a_wide_frame_of_nothing_is_empty(nothing: CallStats) -> None:
    frame = nothing.to_frame(shape="wide")
    assert frame.empty
    assert frame.columns.names == ["participant", "direction", "kind", "metric"]
    assert str(frame.index.tz) == "UTC"


def test_an_unknown_shape_is_refused(stats: CallStats) -> None:
    with pytest.raises(ValueError, match=r"'long'.*'tidy' or 'wide'"):
        stats.to_frame(shape="long")  # type: ignore[arg-type]


# --- each stream


def test_each_stream_has_its_line(stats: CallStats) -> None:
    frame = stats.derived()
    assert ["time_s", *frame.columns] == list(StreamRow.__annotations__)
    assert frame["ssrc"].dtype == "Int64"
    assert frame["is_stale"].dtype == "boolean"
    assert frame["bitrate_bps"].dtype == np.float64
    keys = frame.reset_index()[["time", "participant", "id"]]
    assert not keys.duplicated().any()
    assert set(stats.derived("audio")["kind"]) == {"audio"}
    assert len(stats.derived("audio")) + len(stats.derived("video")) == len(frame)


def test_streams_without_samples_have_the_same_columns_and_types(
    stats: CallStats, nothing: CallStats
) -> None:
    pd.testing.assert_series_equal(nothing.derived().dtypes, stats.derived().dtypes)
    assert stats.derived(participant="nobody").empty


def test_streams_of_an_unknown_kind_are_refused(stats: CallStats) -> None:
    with pytest.raises(ValueError, match=r"'inbound-rtp'.*'video' or 'audio'"):
        stats.derived("inbound-rtp")  # type: ignore[arg-type]


# --- events


def test_events_are_a_frame_in_utc(nothing: CallStats) -> None:
    store = StatsStore()
    store.note(StatsEvent(1_700_000_000.25, "ada", "connectionstatechange", "connected", 2))
    store.note(StatsEvent(1_700_000_001.0, "", "quality", "720p"))
    frame = CallStats(store).events()
    assert frame.index.tolist() == [
        pd.Timestamp("2023-11-14T22:13:20.250Z"),
        pd.Timestamp("2023-11-14T22:13:21Z"),
    ]
    assert frame.iloc[0].tolist() == ["ada", 2, "connectionstatechange", "connected"]
    assert CallStats(store).events("ada")["value"].tolist() == ["connected"]
    pd.testing.assert_series_equal(nothing.events().dtypes, frame.dtypes)


def test_events_are_in_the_order_of_time_and_those_of_a_moment_as_they_came() -> None:
    store = StatsStore()
    told = [(3.0, "camera"), (1.0, "join"), (2.0, "track"), (1.0, "connection"), (2.0, "mute")]
    for after_s, name in told:
        store.note(StatsEvent(1_700_000_000.0 + after_s, "ada", name))
    frame = CallStats(store).events()
    assert frame["name"].tolist() == ["join", "connection", "track", "mute", "camera"]
    assert frame.index.is_monotonic_increasing


def test_frames_of_hours_are_made_without_unpacking_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = stats_of(*SAMPLES)

    def refuse(*_: object, **__: object) -> list[StatsSample]:
        raise AssertionError("everything was unpacked")

    monkeypatch.setattr(StatsStore, "samples", refuse)
    for frame in (stats.to_frame(), stats.derived(), stats.to_frame("transport", shape="wide")):
        assert len(frame)


def test_a_new_generation_of_a_participant_stays_in_their_columns() -> None:
    again = [msgspec.structs.replace(poll(n, framesDecoded=n), generation=n // 2) for n in range(4)]
    wide = stats_of(*again).to_frame("video", shape="wide")
    assert wide["python", "receive", "video", "fps"].isna().tolist() == [True, False, True, False]
