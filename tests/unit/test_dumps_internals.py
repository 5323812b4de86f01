"""Dumps of chrome://webrtc-internals of several ages, and what their series leave open."""

import json
from pathlib import Path
from typing import Any

import pytest

from nbrtc.errors import DumpError
from nbrtc.stats import CallStats
from nbrtc.stats.derive import derive
from nbrtc.stats.dumps import load_dump
from nbrtc.stats.row import StatsRow
from tests.data.dumps import old_styles as style

DUMPS = Path(__file__).parents[1] / "data/dumps"
OLD = ["internals-m86.json", "internals-m117.json", "internals-m142.json"]
T0_MS = 1_700_000_000_000.0


def rows(stats: CallStats) -> list[StatsRow]:
    return list(derive(stats.raw()))


def load(folder: Path, stats: dict[str, Any], **members: Any) -> CallStats:
    """A dump of one connection."""
    path = folder / "dump.json"
    path.write_text(json.dumps({"PeerConnections": {"1-1": {"stats": stats, **members}}}))
    return load_dump(path)


def series(values: list[Any], start_ms: float, end_ms: float, type_: str | None = None) -> dict[str, Any]:
    found = {"startTime": start_ms, "endTime": end_ms, "values": json.dumps(values)}
    return found if type_ is None else {**found, "statsType": type_}


class TestOldStyles:
    @pytest.mark.parametrize("name", OLD)
    def test_the_numbers_are_those_of_the_call(self, name: str) -> None:
        found = rows(load_dump(DUMPS / name))[3:]  # those of the first poll have no past

        assert len(found) == 3 * (style.POLLS - 1)
        for row in found:
            if row.kind == "audio":
                assert row.bitrate_bps == pytest.approx(style.SOUND_BPS)
            elif row.direction == "send":
                assert row.bitrate_bps == pytest.approx(style.SENT_BPS)
                assert row.limitation == "none"
            else:
                assert row.bitrate_bps == pytest.approx(style.VIDEO_BPS)
                assert row.fps == pytest.approx(style.FPS)
                assert (row.frame_width, row.frame_height, row.codec) == (1280, 720, "VP8")
            assert row.rtt_s == pytest.approx(style.RTT_S)

    @pytest.mark.parametrize("name", OLD)
    def test_a_series_that_begins_late_begins_in_its_poll(self, name: str) -> None:
        available = [
            report.get("availableOutgoingBitrate")
            for sample in load_dump(DUMPS / name).raw()
            for report in sample.reports
            if report["type"] == "candidate-pair"
        ]

        assert available == [None] * style.LATE + [style.AVAILABLE_BPS] * (style.POLLS - style.LATE)

    @pytest.mark.parametrize("name", OLD)
    def test_durations_get_dotted_names_and_mid_is_text(self, name: str) -> None:
        last = {(r["type"], r.get("ssrc")): r for r in load_dump(DUMPS / name).raw()[-1].reports}

        assert last["inbound-rtp", 1001]["mid"] == "0"
        assert last["outbound-rtp", 1003]["qualityLimitationDurations.none"] == style.POLLS - 1
        assert "qualityLimitationDurations" not in last["outbound-rtp", 1003]

    @pytest.mark.parametrize("name", OLD)
    def test_both_candidates_have_their_type(self, name: str) -> None:
        types = [report["type"] for report in load_dump(DUMPS / name).raw()[0].reports]

        assert types.count("local-candidate") == types.count("remote-candidate") == 1
        assert types.count("remote-inbound-rtp") == 1

    @pytest.mark.parametrize("name", OLD[1:])
    def test_every_poll_is_a_second_after_the_one_before(self, name: str) -> None:
        times = [sample.time_s for sample in load_dump(DUMPS / name).raw()]

        assert times == [style.BEGAN_S + index for index in range(style.POLLS)]

    def test_times_in_words_are_brought_into_the_zone_of_the_polls(self) -> None:
        """They were written two hours east of UTC, and nothing in the dump says so."""
        times = [event.time_s for event in load_dump(DUMPS / OLD[0]).source.events()]

        assert times == [1602687844.0, 1602687844.0, 1602687845.0]

    def test_what_is_not_json_stays_as_it_was_written(self) -> None:
        stats = load_dump(DUMPS / OLD[0])

        about = stats.info["connections"]["4711-1"]
        assert (
            about["rtcConfiguration"] == "{ iceServers: [], iceTransportPolicy: all, bundlePolicy: balanced }"
        )
        assert stats.source.events()[1].value.startswith("type: offer, sdp: v=0")
        assert [request["video"] for request in stats.info["undated_requests"]] == ["{width: {ideal: 1280}}"]

    @pytest.mark.parametrize("name", OLD[1:])
    def test_a_state_is_a_word_whether_it_was_quoted_or_not(self, name: str) -> None:
        events = load_dump(DUMPS / name).source.events()

        assert [(event.name, event.value) for event in events if "state" in event.name] == [
            ("iceconnectionstatechange", "connected")
        ]
        assert [event.name for event in events[:2]] == ["getUserMedia", "getUserMediaOnSuccess"]


class TestSeries:
    def test_one_that_ended_early_is_not_pushed_to_the_end(self, tmp_path: Path) -> None:
        """Aligning series at their ends would put this one into the last two polls."""
        times = [T0_MS + 1000 * index for index in range(4)]
        stats = load(
            tmp_path,
            {
                "CP1-timestamp": series(times, times[0], times[3], "candidate-pair"),
                "CP1-currentRoundTripTime": series([0.1, 0.2], times[0], times[1], "candidate-pair"),
            },
        )

        assert [sample.reports[0].get("currentRoundTripTime") for sample in stats.raw()] == [
            0.1,
            0.2,
            None,
            None,
        ]

    def test_an_object_that_vanishes_and_returns_was_away_in_between(self, tmp_path: Path) -> None:
        away = [T0_MS, T0_MS + 1000, T0_MS + 4000]
        polls = [T0_MS + 1000 * index for index in range(5)]
        stats = load(
            tmp_path,
            {
                "T1-timestamp": series(polls, polls[0], polls[4], "transport"),
                "T1-bytesSent": series([0, 1, 2, 3, 4], polls[0], polls[4], "transport"),
                "IT1-timestamp": series(away, away[0], away[2], "inbound-rtp"),
                "IT1-bytesReceived": series([10, 20, 50], away[0], away[2], "inbound-rtp"),
            },
        )

        found = [
            next((r["bytesReceived"] for r in sample.reports if r["id"] == "IT1"), None)
            for sample in stats.raw()
        ]
        assert found == [10, 20, None, None, 50]

    def test_reports_of_the_other_end_are_indexed_by_poll(self, tmp_path: Path) -> None:
        """Their timestamps are arrivals: repeated while none comes, and not those of the polls."""
        polls = [T0_MS + 1000 * index for index in range(5)]
        arrivals = [T0_MS + 400, T0_MS + 400, T0_MS + 2700]
        stats = load(
            tmp_path,
            {
                "OT1-timestamp": series(polls, polls[0], polls[4], "outbound-rtp"),
                "RI1-timestamp": series(arrivals, arrivals[0], arrivals[2], "remote-inbound-rtp"),
                "RI1-packetsLost": series([1, 1, 2], arrivals[0], arrivals[2], "remote-inbound-rtp"),
            },
        )

        found = [next((r["packetsLost"] for r in s.reports if r["id"] == "RI1"), None) for s in stats.raw()]
        assert found == [None, 1, 1, 2, None]

    def test_a_gap_that_nothing_explains_leaves_only_both_ends(self, tmp_path: Path) -> None:
        polls = [T0_MS + 1000 * index for index in range(4)]
        stats = load(
            tmp_path,
            {
                "X1-timestamp": series(polls, polls[0], polls[3], "media-source"),
                "X1-audioLevel": series([0.1, 0.2, 0.3], polls[0], polls[3], "media-source"),
            },
        )

        assert [sample.reports[0].get("audioLevel") for sample in stats.raw()] == [0.1, None, None, 0.3]
        assert stats.info["unplaced_values"] == 1

    def test_the_gap_of_a_frame_rate_is_where_no_frame_came(self, tmp_path: Path) -> None:
        polls = [T0_MS + 1000 * index for index in range(5)]
        stats = load(
            tmp_path,
            {
                "I1-timestamp": series(polls, polls[0], polls[4], "inbound-rtp"),
                "I1-framesDecoded": series([30, 60, 60, 60, 90], polls[0], polls[4], "inbound-rtp"),
                "I1-framesPerSecond": series([30, 29, 31], polls[0], polls[4], "inbound-rtp"),
            },
        )

        assert [sample.reports[0].get("framesPerSecond") for sample in stats.raw()] == [
            30,
            29,
            None,
            None,
            31,
        ]
        assert stats.info["unplaced_values"] == 0

    def test_an_available_bitrate_is_that_of_the_pair_that_was_selected(self, tmp_path: Path) -> None:
        polls = [T0_MS + 1000 * index for index in range(4)]
        stats = load(
            tmp_path,
            {
                "T1-timestamp": series(polls, polls[0], polls[3], "transport"),
                "T1-selectedCandidatePairId": series(["A", "B", "B", "A"], polls[0], polls[3], "transport"),
                "A-timestamp": series(polls, polls[0], polls[3], "candidate-pair"),
                "A-availableOutgoingBitrate": series([1000, 4000], polls[0], polls[3], "candidate-pair"),
            },
        )

        pairs = [report for sample in stats.raw() for report in sample.reports if report["id"] == "A"]
        assert [pair.get("availableOutgoingBitrate") for pair in pairs] == [1000, None, None, 4000]

    def test_a_hyphen_in_an_id_is_no_end_of_it(self, tmp_path: Path) -> None:
        stats = load(
            tmp_path,
            {
                "a-b-c-timestamp": series([T0_MS], T0_MS, T0_MS, "codec"),
                "a-b-c-mimeType": series(["video/VP8"], T0_MS, T0_MS, "codec"),
                "a-b-c-[some-thing/s]": series([5], T0_MS, T0_MS, "codec"),
            },
        )

        assert stats.raw()[0].reports == (
            {"id": "a-b-c", "mimeType": "video/VP8", "timestamp": T0_MS, "type": "codec"},
        )

    def test_what_chrome_derived_is_no_statistic(self) -> None:
        for name in OLD[1:]:
            assert not any(
                "[" in member for s in load_dump(DUMPS / name).raw() for r in s.reports for member in r
            )

    def test_a_dump_without_connections_has_its_requests(self, tmp_path: Path) -> None:
        path = tmp_path / "dump"
        row = {
            "request_type": "getDisplayMedia",
            "request_id": 1,
            "timestamp": T0_MS,
            "error": "NotAllowedError",
        }
        path.write_text(json.dumps({"getUserMedia": [row], "PeerConnections": {}, "UserAgent": "x"}))

        stats = load_dump(path)

        assert stats.raw() == []
        assert [(e.name, e.time_s, e.peer) for e in stats.source.events()] == [
            ("getDisplayMediaOnFailure", T0_MS / 1000, "")
        ]

    def test_a_time_of_a_poll_that_is_none_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(DumpError, match=r"IT1-timestamp.*'yesterday' where the time of a poll should be"):
            load(tmp_path, {"IT1-timestamp": series(["yesterday"], 0, 0, "inbound-rtp")})

    def test_a_number_of_more_than_64_bits_becomes_a_float(self, tmp_path: Path) -> None:
        stats = load(
            tmp_path,
            {
                "T1-timestamp": series([T0_MS], T0_MS, T0_MS, "transport"),
                "T1-bytesSent": series([10**30], T0_MS, T0_MS, "transport"),
            },
        )

        assert stats.raw()[0].reports[0]["bytesSent"] == 1e30
