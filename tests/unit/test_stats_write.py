"""Dumps that are written: they read back as what they were made of, and look like Chrome's."""

import gzip
import json
import os
import re
import stat
from collections.abc import Iterator
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.call_stats import CallStats
from nbrtc.stats.dumps import load_dump
from nbrtc.stats.dumps.internals import read_internals
from nbrtc.stats.dumps.series import encoded
from nbrtc.stats.dumps.write import document, save_dump
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.source import StatsSource
from nbrtc.stats.store import StatsStore
from tests.unit.stats_vectors import RECORDED, cases, samples_of

DATA = Path(__file__).parents[1] / "data"
CHROMES = DATA / "dumps" / "chromium-156-internals.json.gz"
FIXTURES = sorted(
    path
    for folder in ("dumps", "rtcstats")
    for path in (DATA / folder).glob("*")
    if path.suffix in (".gz", ".json", ".rtcstats")
)
START_S = 1_800_000_000.0


def live(samples: list[StatsSample], events: list[StatsEvent] | None = None) -> LoadedStats:
    return LoadedStats(samples, events or [], {})


def read_back(source: StatsSource) -> LoadedStats:
    return read_internals(encoded(document(source)), "written.json")


def known(sample: StatsSample) -> tuple[Any, ...]:
    """A poll to the millisecond, its objects by id; a member that is None is one that is missing."""
    objects = {
        report["id"]: {name: value for name, value in report.items() if value is not None and value == value}
        for report in sample.reports
    }
    return round(sample.time_s, 3), sample.peer, sample.generation, objects


def happened(source: StatsSource) -> list[tuple[Any, ...]]:
    found = source.events()
    return sorted((round(e.time_s, 3), e.peer, e.name, e.value, e.generation) for e in found)


def assert_same(written: StatsSource, read: StatsSource) -> None:
    assert [known(sample) for sample in read.samples()] == [known(sample) for sample in written.samples()]
    assert happened(read) == happened(written)


# --- it comes back


names = st.from_regex(r"[a-z][A-Za-z]{1,12}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z{][A-Za-z0-9_/+}]{0,10}(-[a-z0-9]{1,6})?", fullmatch=True)
values = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=8),
    st.integers(-(2**53), 2**53),
    st.floats(allow_infinity=False),
)
members = st.dictionaries(
    names.filter(lambda name: name not in ("id", "type", "timestamp", "label")), values, max_size=4
)
peers = st.sampled_from(["python", "you", 'p3 ü-"x', "12-1", "1-1"])
types = ["inbound-rtp", "remote-inbound-rtp", "codec", "transport"]


@st.composite
def sources(draw: st.DrawFn) -> LoadedStats:
    """Small calls: objects that come, go and come again, members with gaps, several connections."""
    samples = []
    objects = draw(st.lists(ids, min_size=1, max_size=4, unique=True))
    for key in draw(st.sets(st.tuples(peers, st.integers(1, 3)), min_size=1, max_size=3)):
        time_s = START_S + draw(st.floats(0, 10))
        for _ in range(draw(st.integers(1, 6))):
            time_s += draw(st.floats(0.01, 2))
            reports = [
                {
                    "id": id_,
                    "type": types[objects.index(id_) % len(types)],
                    "timestamp": round(1000 * time_s - draw(st.integers(0, 3000)), 3),
                    **draw(members),
                    **({"qualityLimitationDurations.cpu": 1.5} if draw(st.booleans()) else {}),
                }
                for id_ in objects
                if draw(st.booleans())
            ]
            samples.append(StatsSample(time_s, key[0], key[1], tuple(reports)))
    events = draw(
        st.lists(
            st.builds(
                StatsEvent,
                st.floats(START_S, START_S + 20),
                st.one_of(peers, st.just("")),
                st.sampled_from(["connectionstatechange", "icecandidate", "quality", "getUserMedia", "x y"]),
                st.one_of(
                    st.sampled_from(["connected", '"quoted"', '{"audio":""}', "null"]), st.text(max_size=9)
                ),
                st.integers(0, 3),
            ),
            max_size=8,
        )
    )
    return live(samples, events)


@settings(max_examples=150, deadline=None)
@given(sources())
def test_what_is_written_is_read_again(source: LoadedStats) -> None:
    assert_same(source, read_back(source))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_dump_survives_being_saved_as_ours(path: Path, tmp_path: Path) -> None:
    first = load_dump(path)
    again = load_dump(first.save_dump(tmp_path / "again.gz"))

    assert len(first) > 0
    assert_same(first.source, again.source)
    pd.testing.assert_frame_equal(again.to_frame(), first.to_frame())
    for name in ("connections", "user_agent", "user_agent_data", "saved_at_s", "machine"):
        if name in first.info and name != "connections":
            assert again.info[name] == first.info[name]
    assert again.info["connections"].keys() >= set(first.source.participants())


@pytest.mark.parametrize("recorded", RECORDED)
def test_a_live_call_survives(recorded: str) -> None:
    for case in cases(recorded):
        source = live(samples_of(case))
        assert_same(source, read_back(source))


def test_a_store_that_still_grows_can_be_saved(tmp_path: Path) -> None:
    store = StatsStore()
    (case, *_) = cases("loopback.json")
    for sample in samples_of(case):
        store.append(sample)
    store.note(StatsEvent(START_S, "", "quality", "720p"))

    read = load_dump(save_dump(store, tmp_path / "live.json")).source

    assert_same(store, read)
    assert read.info["format"] == "webrtc-internals"


def test_a_reader_that_knows_nothing_of_nbrtc_gets_the_same_polls() -> None:
    """Without our own keys everything has to follow from Chrome's."""
    source = read_internals(gzip.decompress(CHROMES.read_bytes()), CHROMES.name)
    dump = document(source)
    del dump["nbrtc"]
    for connection in dump["PeerConnections"].values():
        del connection["nbrtc"]

    read = read_internals(encoded(dump), "foreign.json")

    local = [known_local(sample) for sample in source.samples()]
    assert [known_local(sample) for sample in read.samples()] == local
    assert read.info["unplaced_values"] == 0


def known_local(sample: StatsSample) -> dict[Any, Any]:
    """Without what came over RTCP: Chrome's format does not say to which poll an arrival belongs."""
    _, _, _, objects = known(sample)
    return {id_: members for id_, members in objects.items() if "remote-" not in str(members.get("type"))}


def test_importers_that_align_series_at_their_ends_are_right_too() -> None:
    """fippo's importer lays the last value on the last timestamp of the object."""
    source = read_internals(gzip.decompress(CHROMES.read_bytes()), CHROMES.name)
    compared = 0
    for key, connection in document(source)["PeerConnections"].items():
        stats = connection["stats"]
        truth = {
            (report["id"], report["timestamp"], name): value
            for sample in source.samples(key)
            for report in sample.reports
            for name, value in report.items()
        }
        for label, series in stats.items():
            id_, _, name = label.rpartition("-")
            if "[" in label or name in ("timestamp", "qualityLimitationDurations"):
                continue
            times = json.loads(stats[f"{id_}-timestamp"]["values"])
            kept = json.loads(series["values"])
            for time_ms, value in zip(times[len(times) - len(kept) :], kept, strict=True):
                if value is not None and truth.get((id_, time_ms, "type")) == series["statsType"]:
                    # A repeated RTCP report has one timestamp for several polls, the newest of which counts.
                    is_repeated = times.count(time_ms) > 1
                    assert is_repeated or truth[id_, time_ms, name] == value
                    compared += 1
    assert compared > 5000


# --- it looks like Chrome's


def chromes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(CHROMES.read_bytes()))
    return found


def ours() -> dict[str, Any]:
    source = read_internals(gzip.decompress(CHROMES.read_bytes()), CHROMES.name)
    found: dict[str, Any] = json.loads(encoded(document(source)))
    return found


def test_the_dump_has_chromes_keys_and_one_more() -> None:
    real, written = chromes(), ours()

    assert written.keys() - {"nbrtc"} == real.keys()
    assert written["PeerConnections"].keys() == real["PeerConnections"].keys()
    for key, connection in real["PeerConnections"].items():
        mine = written["PeerConnections"][key]
        assert mine.keys() - {"nbrtc"} == connection.keys()
        assert mine["url"] == connection["url"]
        assert json.loads(mine["rtcConfiguration"]) == json.loads(connection["rtcConfiguration"])
        assert [entry.keys() for entry in mine["updateLog"]] == [
            entry.keys() for entry in connection["updateLog"]
        ]
        assert [entry["value"] for entry in mine["updateLog"]] == [
            entry["value"] for entry in connection["updateLog"]
        ]
    assert written["getUserMedia"] == real["getUserMedia"]
    assert written["UserAgentData"] == real["UserAgentData"]


def test_every_series_of_chrome_is_there_in_its_shape() -> None:
    real, written = chromes(), ours()
    dates = re.compile(
        r"-\[(lastPacket(Received|Sent)Timestamp|remoteTimestamp|estimatedPlayoutTimestamp)\]$"
    )
    for key, connection in real["PeerConnections"].items():
        mine = written["PeerConnections"][key]["stats"]
        expected = {label for label in connection["stats"] if not dates.search(label)}
        assert expected - mine.keys() == set()
        for label in expected:
            theirs, own = connection["stats"][label], mine[label]
            assert own.keys() == theirs.keys()
            assert own["statsType"] == theirs["statsType"]
            assert isinstance(json.loads(own["values"]), list)
            for moment in ("startTime", "endTime"):
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", own[moment])


def test_the_curves_in_brackets_are_chromes_own() -> None:
    """Our formulas against those of the browser that measured: bits to the half, the rest to rounding."""
    real, written = chromes(), ours()
    compared = 0
    for key, connection in real["PeerConnections"].items():
        mine = written["PeerConnections"][key]["stats"]
        for label, series in connection["stats"].items():
            theirs = json.loads(series["values"])
            if "-[" not in label or label not in mine or isinstance(theirs[0], str):
                continue
            own = [value for value in json.loads(mine[label]["values"]) if value is not None]
            tolerance = 0.51 if "bits/s" in label else 1e-6
            assert own == pytest.approx(theirs, rel=1e-6, abs=tolerance), label
            compared += 1
    assert compared > 80


def test_participants_and_generations_have_connections_of_their_own() -> None:
    report: dict[str, Any] = {"id": "T", "type": "transport", "timestamp": 1000 * START_S}
    samples = [
        StatsSample(START_S + place, peer, generation, (report,))
        for place, (peer, generation) in enumerate([("python", 1), ("python", 2), ("1-1", 1), ("12-1", 2)])
    ]
    events = [StatsEvent(START_S, "silent", "connectionstatechange", "failed", 1)]

    connections = document(live(samples, events))["PeerConnections"]

    assert {
        key: (entry["nbrtc"]["participant"], entry["nbrtc"]["generation"])
        for key, entry in connections.items()
    } == {
        "1-2": ("python", 1),
        "1-3": ("python", 2),
        "1-1": ("1-1", 1),
        "1-4": ("12-1", 2),
        "1-5": ("silent", 1),
    }
    assert connections["1-5"]["updateLog"] == [
        {"type": "connectionstatechange", "value": '"failed"', "timestamp": 1000 * START_S}
    ]


def test_what_json_cannot_say_does_not_stop_the_dump() -> None:
    report: dict[str, Any] = {
        "id": "T", "type": "transport", "timestamp": nan, "half": "\ud800", "huge": 10**40, "nothing": None,
        "nan": nan, "bad-name": 1, "state": "new",
    }  # fmt: skip
    (sample,) = read_back(live([StatsSample(START_S, "p", 1, (report,))])).samples()

    assert sample.reports == (
        {
            "id": "T",
            "type": "transport",
            "timestamp": 1000 * START_S,
            "half": "?",
            "huge": 1e40,
            "state": "new",
        },
    )


# --- the file


def small() -> CallStats:
    report: dict[str, Any] = {"id": "T", "type": "transport", "timestamp": 1000 * START_S, "bytesSent": 5}
    return CallStats(live([StatsSample(START_S, "python", 1, (report,))]))


@pytest.mark.usefixtures("usual_umask")
@pytest.mark.parametrize(("redact", "mode"), [(False, 0o600), (True, 0o644)])
@pytest.mark.parametrize("name", ["call.json", "call.json.gz"])
def test_who_may_read_it_depends_on_what_it_tells(tmp_path: Path, name: str, redact: bool, mode: int) -> None:
    path = small().save_dump(tmp_path / name, redact=redact)

    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes().startswith(b"\x1f\x8b" if name.endswith(".gz") else b"{")
    assert load_dump(path).source.samples()[0].reports[0]["bytesSent"] == 5
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text("mine")
    link = tmp_path / "link.json"
    link.symlink_to(tmp_path / "nowhere")
    for taken in (path, link):
        with pytest.raises(FileExistsError, match="not overwritten"):
            small().save_dump(taken)
    assert path.read_text() == "mine"
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_a_name_that_is_taken_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "call.json"

    def slow(source: StatsSource) -> dict[str, Any]:
        path.write_text("somebody else's")
        return {}

    monkeypatch.setattr("nbrtc.stats.dumps.write.document", slow)
    with pytest.raises(FileExistsError):
        save_dump(small().source, path)
    assert path.read_text() == "somebody else's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_refuses_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        small().save_dump(tmp_path / "call.json")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing.*create it"):
        small().save_dump(tmp_path / "missing" / "call.json")


def test_an_empty_call_is_a_dump_too(tmp_path: Path) -> None:
    path = CallStats(live([])).save_dump(tmp_path / "call.json")
    assert load_dump(path).source.samples() == []
