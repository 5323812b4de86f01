"""Dumps of rtcstats: real ones of Jitsi Meet, and the three ways to write differences."""

import gzip
import itertools
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nbrtc.errors import DumpError
from nbrtc.stats import CallStats
from nbrtc.stats.derive import derive
from nbrtc.stats.dumps import load_dump
from nbrtc.stats.dumps.rtcstats_codes import MEMBERS, METHODS
from nbrtc.stats.row import StatsRow

REAL = Path(__file__).parents[1] / "data/rtcstats"
T0_MS = 1_700_000_000_000


@dataclass
class Call:
    """What one of the real dumps holds."""

    polls: dict[str, int]
    """By connection."""
    media: set[str]
    """Directions and kinds that carried something, over all connections."""
    round_trip_s: tuple[float, float]
    """The median lies in between; one call went within a machine, in whole milliseconds 0."""
    video_bps: float = 0.0
    """At least so much video came or went at some time."""


ALL = {"send audio", "send video", "receive audio", "receive video"}
CALLS = {
    "chrome-standard-multiple-p2p": Call(
        {"PC_0": 19, "PC_1": 32, "PC_2": 32, "PC_3": 33, "PC_4": 5, "PC_5": 4, "PC_6": 4},
        ALL,
        (0.0, 0.2),
        5e5,
    ),
    "chrome-standard-pc-failed": Call(
        {"PC_0": 7, "PC_1": 6, "PC_2": 6}, {"send audio", "receive video"}, (0.0, 0.5)
    ),
    "chrome96-standard-stats-p2p-add-transceiver": Call({"PC_0": 3, "PC_1": 3}, ALL, (-1e-9, 0.5), 1e5),
    "firefox-standard-stats-sfu": Call({"PC_0": 79}, ALL, (0.01, 0.3), 5e5),
    "firefox97-standard-stats-sfu": Call({"PC_0": 8}, ALL, (0.01, 0.3), 5e5),
    "google-legacy-stats-p2p": Call({"PC_0": 78, "PC_1": 44}, ALL, (0.01, 0.3), 5e5),
    "google-standard-stats-p2p": Call({"PC_0": 29, "PC_1": 52}, ALL, (0.0, 0.3), 5e5),
    "safari-standard-stats": Call({"PC_0": 82}, ALL, (0.01, 0.3), 5e5),
}


def known(rows: list[StatsRow], metric: str) -> list[float]:
    return [value for row in rows if not math.isnan(value := getattr(row, metric))]


def load(folder: Path, *lines: object, head: str = "") -> CallStats:
    path = folder / "dump"
    path.write_text(head + "\n".join(map(json.dumps, lines)) + "\n")
    return load_dump(path)


def values(stats: CallStats, id_: str, name: str) -> list[Any]:
    """A member in all polls; None where the object or the member is missing."""
    return [
        next((report.get(name) for report in sample.reports if report["id"] == id_), None)
        for sample in stats.raw()
    ]


@pytest.mark.parametrize("name", CALLS)
class TestRealCalls:
    def rows(self, name: str) -> tuple[CallStats, list[StatsRow]]:
        stats = load_dump(REAL / f"jitsi_{name}.rtcstats.gz")
        return stats, list(derive(stats.raw()))

    def test_every_connection_has_its_polls(self, name: str) -> None:
        stats, _ = self.rows(name)

        counted = {peer: len(stats.source.samples(peer)) for peer in stats.source.participants()}
        assert counted == CALLS[name].polls
        assert stats.info["format"] == "rtcstats-jitsi"
        assert not stats.info["truncated"]

    def test_the_metrics_are_plausible(self, name: str) -> None:
        _, rows = self.rows(name)
        call = CALLS[name]

        assert all(0 <= value < 2e7 for value in known(rows, "bitrate_bps"))
        assert all(0 <= value <= 61 for value in known(rows, "fps"))
        assert all(0 <= value <= 1 for value in known(rows, "loss_fraction"))
        assert all(0 <= value <= 1 for value in known(rows, "concealed_fraction"))
        assert all(0 <= value <= 1 for value in known(rows, "audio_level"))
        assert all(0 <= value < 3 for value in known(rows, "jitter_s"))
        assert {f"{row.direction} {row.kind}" for row in rows if row.bitrate_bps > 0} == call.media
        round_trips = sorted(known(rows, "rtt_s"))
        low, high = call.round_trip_s
        assert all(0 <= value < 5 for value in round_trips)
        assert low < round_trips[len(round_trips) // 2] < high
        if call.video_bps:
            assert max(known([row for row in rows if row.kind == "video"], "bitrate_bps")) > call.video_bps
            assert max(known(rows, "fps")) > 5

    def test_polls_are_in_order_and_seconds_apart(self, name: str) -> None:
        stats, _ = self.rows(name)

        for peer in stats.source.participants():
            times = [sample.time_s for sample in stats.source.samples(peer)]
            gaps = [after - before for before, after in itertools.pairwise(times)]
            assert all(gap > 0 for gap in gaps)
            # One file is cut from a longer one; the polls of all others are regular.
            assert sorted(gaps)[len(gaps) // 2] < 11

    def test_events_and_configurations_are_there(self, name: str) -> None:
        stats, _ = self.rows(name)
        names = {event.name for event in stats.source.events()}

        assert {"getUserMedia", "setRemoteDescription", "onconnectionstatechange"} <= names
        connected = [event for event in stats.source.events() if event.name == "onconnectionstatechange"]
        assert {event.value for event in connected} <= {
            "connecting",
            "connected",
            "failed",
            "disconnected",
            "closed",
        }
        assert all(event.peer for event in connected)
        assert "iceServers" in stats.info["connections"]["PC_0"]["rtcConfiguration"]


def test_statistics_from_before_the_standard_speak_its_words() -> None:
    stats = load_dump(REAL / "jitsi_google-legacy-stats-p2p.rtcstats.gz")
    types = {report["type"] for sample in stats.raw() for report in sample.reports}
    last = stats.source.samples("PC_0")[-1]
    by_type: dict[object, list[dict[str, Any]]] = {}
    for report in last.reports:
        by_type.setdefault(report["type"], []).append(dict(report))

    assert types == {
        "inbound-rtp", "outbound-rtp", "remote-inbound-rtp", "candidate-pair", "local-candidate",
        "remote-candidate", "transport", "certificate", "codec", "media-source",
    }  # fmt: skip
    sent = next(report for report in by_type["outbound-rtp"] if report["kind"] == "video")
    assert sent["bytesSent"] > 1_000_000
    assert sent["qualityLimitationReason"] == "none"
    assert sent["ssrc"] == int(sent["id"].split("_")[1])
    source = next(report for report in by_type["media-source"] if report["id"] == sent["mediaSourceId"])
    assert (source["width"], source["height"]) == (1280, 720)
    said = next(report for report in by_type["remote-inbound-rtp"] if report["localId"] == sent["id"])
    assert 0.01 < said["roundTripTime"] < 0.5
    pair = next(report for report in by_type["candidate-pair"] if report["nominated"])
    assert 0.01 < pair["currentRoundTripTime"] < 0.5
    assert pair["availableOutgoingBitrate"] > 100_000
    assert {report["candidateType"] for report in by_type["local-candidate"]} <= {
        "host",
        "srflx",
        "prflx",
        "relay",
    }


class TestDialects:
    HEAD = 'RTCStatsDump\n{"fileFormat":3}\n'

    def test_rtcstats_leaves_out_what_did_not_change_and_nulls_what_is_gone(self, tmp_path: Path) -> None:
        stats = load(
            tmp_path,
            ["create", "PC_0", {}, T0_MS],
            ["g", "PC_0", {"0": {"type": 1, "41": 100, "15": 2}, "1": {"type": 5, "80": 1}, "t": T0_MS}, 0],
            ["g", "PC_0", {"0": {"41": 300}, "t": T0_MS + 1000}, 1000],
            [1, "PC_0", {"0": None, "1": {"80": 9}, "t": T0_MS + 2000}, 1000],
            head=self.HEAD,
        )

        assert values(stats, "0", "bytesReceived") == [100, 300, None]
        assert values(stats, "0", "packetsLost") == [2, 2, None]
        assert values(stats, "0", "type") == ["inbound-rtp", "inbound-rtp", None]
        assert values(stats, "1", "bytesSent") == [1, 1, 9]
        assert values(stats, "1", "timestamp") == [T0_MS, T0_MS + 1000, T0_MS + 2000]

    def test_a_report_of_the_other_end_stays_as_old_as_it_is(self, tmp_path: Path) -> None:
        stats = load(
            tmp_path,
            ["g", "PC_0", {"1": {"type": 3, "15": 2, "t": T0_MS - 400}, "0": {"type": 2}, "t": T0_MS}, T0_MS],
            ["g", "PC_0", {"0": {"80": 5}, "t": T0_MS + 1000}, 1000],
            ["g", "PC_0", {"1": {"15": 3, "t": T0_MS + 1300}, "t": T0_MS + 2000}, 1000],
            head=self.HEAD,
        )

        assert values(stats, "1", "timestamp") == [T0_MS - 400, T0_MS - 400, T0_MS + 1300]
        assert values(stats, "1", "packetsLost") == [2, 2, 3]
        assert [sample.time_s for sample in stats.raw()] == [T0_MS / 1000 + index for index in range(3)]

    def test_members_of_members_change_alone(self, tmp_path: Path) -> None:
        stats = load(
            tmp_path,
            ["g", "PC_0", {"0": {"type": 2, "96": {"none": 1, "cpu": 0}}, "t": T0_MS}, T0_MS],
            ["g", "PC_0", {"0": {"96": {"none": 2}}, "t": T0_MS + 1000}, 1000],
            head=self.HEAD,
        )

        assert values(stats, "0", "qualityLimitationDurations.none") == [1, 2]
        assert values(stats, "0", "qualityLimitationDurations.cpu") == [0, 0]

    def test_jitsi_keeps_what_did_not_change_and_leaves_out_what_is_gone(self, tmp_path: Path) -> None:
        stats = load(
            tmp_path,
            ["create", "PC_0", {}, T0_MS],
            [
                "getstats",
                "PC_0",
                {"A": {"type": "codec"}, "B": {"type": "stream", "x": 1}, "timestamp": T0_MS},
                T0_MS,
            ],
            ["getstats", "PC_0", {"A": {"timestamp": 0}, "timestamp": T0_MS + 9}, T0_MS + 9],
            [
                "getstats",
                "PC_0",
                {"A": {"timestamp": 0}, "B": {"type": "stream"}, "timestamp": T0_MS + 99},
                T0_MS + 99,
            ],
        )

        assert values(stats, "A", "type") == ["codec"] * 3
        assert values(stats, "A", "timestamp") == [T0_MS, T0_MS + 9, T0_MS + 99]
        assert values(stats, "B", "type") == ["stream", None, "stream"]
        assert values(stats, "B", "x") == [1, None, None]

    def test_times_add_up(self, tmp_path: Path) -> None:
        stats = load(
            tmp_path,
            ["create", "PC_0", {}, T0_MS],
            [25, "PC_0", '"connecting"', 500],
            [25, "PC_0", '"connected"', 250],
            head=self.HEAD,
        )

        assert [(event.value, event.time_s) for event in stats.source.events()[1:]] == [
            ("connecting", T0_MS / 1000 + 0.5),
            ("connected", T0_MS / 1000 + 0.75),
        ]

    def test_another_file_format_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DumpError, match="format 4; format 3 and"):
            load(tmp_path, ["g", "PC_0", {}, T0_MS], head='RTCStatsDump\n{"fileFormat":4}\n')

    def test_the_numbers_are_those_of_the_format(self) -> None:
        """From its table, one of each decade; a slip in the list would move all that follow."""
        told = {
            4: "payloadType", 14: "packetsReceived", 41: "bytesReceived", 52: "concealedSamples",
            66: "contentType", 75: "roundTripTime", 80: "bytesSent", 96: "qualityLimitationDurations",
            102: "remoteTimestamp", 115: "label", 125: "selectedCandidatePairId", 134: "address",
            148: "localCandidateId", 152: "currentRoundTripTime", 166: "issuerCertificateId",
            176: "ccfbMessagesReceived",
        }  # fmt: skip
        assert {number: MEMBERS[str(number)] for number in told} == told
        assert len(MEMBERS) == 173
        assert METHODS["6"] == "setLocalDescription"


class TestTruncated:
    LINES = (REAL / "jitsi_firefox97-standard-stats-sfu.rtcstats.gz").read_bytes()

    def test_what_was_complete_is_loaded_and_the_rest_told(self, tmp_path: Path) -> None:
        whole = gzip.decompress(self.LINES)
        path = tmp_path / "cut"
        path.write_bytes(whole[: len(whole) * 3 // 4])

        with pytest.warns(UserWarning, match="ends in the middle of line"):
            stats = load_dump(path)

        assert stats.info["truncated"]
        assert 0 < len(stats) < 8

    def test_compressed_data_may_break_off_too(self, tmp_path: Path) -> None:
        path = tmp_path / "cut.gz"
        path.write_bytes(self.LINES[: len(self.LINES) * 3 // 4])

        with pytest.warns(UserWarning, match="ends in the middle of line"):
            stats = load_dump(path)

        assert stats.info["truncated"]
        assert 0 < len(stats) < 8

    def test_a_damaged_line_before_the_last_is_an_error(self, tmp_path: Path) -> None:
        path = tmp_path / "damaged"
        path.write_bytes(gzip.decompress(self.LINES).replace(b'["create"', b'["create', 1))

        with pytest.raises(DumpError, match=r"Line \d+ of damaged is not valid JSON"):
            load_dump(path)


def test_a_folder_of_spilled_statistics_is_a_dump_too(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the extra 'parquet' is not installed")
    stats = load_dump(REAL / "jitsi_firefox97-standard-stats-sfu.rtcstats.gz")

    again = load_dump(stats.spill(tmp_path / "spilled"))

    assert again.raw() == stats.raw()
    assert [(event.name, event.value) for event in again.source.events()] == [
        (event.name, event.value) for event in stats.source.events()
    ]
    assert not again.source.is_live
