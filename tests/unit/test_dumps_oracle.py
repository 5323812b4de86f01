"""Real dumps of Chromium in both formats: what is read, and what is derived, against what Chromium says
itself."""

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from nbrtc.messages import StatsSample
from nbrtc.stats.dumps import load_dump
from tests.unit.chrome_oracle import by_object, by_stream, compare, said_in_internals, said_in_rtcstats

DUMPS = Path(__file__).parents[1] / "data/dumps"
INTERNALS = DUMPS / "chromium-156-internals.json.gz"
RTCSTATS = DUMPS / "chromium-156-rtcstats.gz"

MISSING = "(missing)"
UNPLACED = {("inbound-rtp", "googTimingFrameInfo"), ("remote-outbound-rtp", "roundTripTime")}
"""Members with gaps in this call, of which nothing says where they are."""


def unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


def samples(path: Path) -> list[StatsSample]:
    return load_dump(path).raw()


def test_the_series_of_one_format_give_the_polls_of_the_other() -> None:
    """The rtcstats dump has each poll whole, so that every value of the reconstruction can be checked."""
    polls, series = samples(RTCSTATS), samples(INTERNALS)
    differ: Counter[tuple[object, str]] = Counter()
    values = 0

    assert [(poll.peer, poll.time_s) for poll in polls] == [(poll.peer, poll.time_s) for poll in series]
    for one, other in zip(polls, series, strict=True):
        ours = {report["id"]: report for report in other.reports}
        assert ours.keys() == {report["id"] for report in one.reports}
        for theirs in one.reports:
            for name in theirs | ours[theirs["id"]]:
                values += 1
                found = ours[theirs["id"]].get(name, MISSING)
                if found != theirs.get(name, MISSING):
                    assert found == MISSING, f"{theirs['id']} {name}: {found} for {theirs.get(name)}"
                    differ[theirs["type"], name] += 1
    assert values > 10_000
    assert set(differ) <= UNPLACED


def test_values_that_belong_to_no_known_poll_are_counted() -> None:
    assert load_dump(INTERNALS).info["unplaced_values"] == 28 - 4


@pytest.mark.parametrize(
    ("path", "said"), [(INTERNALS, said_in_internals), (RTCSTATS, said_in_rtcstats)], ids=["series", "polls"]
)
class TestAgainstChromium:
    def test_the_metrics_of_streams_are_chromiums(self, path: Path, said) -> None:  # type: ignore[no-untyped-def]
        comparison = compare(said(unpacked(path)), by_stream(samples(path)))

        assert not comparison.differ
        for name in ("[bytesSent_in_bits/s]", "[bytesReceived_in_bits/s]", "[framesDecoded/s]"):
            assert comparison.agree[name] >= 26, f"{name} was compared too seldom: {comparison.agree}"
        assert len(comparison.agree) >= 9

    def test_every_rate_and_ratio_of_every_object_is_chromiums(self, path: Path, said) -> None:  # type: ignore[no-untyped-def]
        theirs = said(unpacked(path))
        names = {name for *_, name in theirs}

        comparison = compare(theirs, by_object(samples(path), names))

        assert not comparison.differ
        assert comparison.agree.total() >= 1000
        assert names - set(comparison.agree) <= {
            "[framesReceived-framesDecoded-framesDropped]",  # a difference, no rate
            "[Audio_Level_in_RMS]",  # of streams only, above
            "[interFrameDelayStDev_in_ms]",
        }


def test_all_metrics_of_the_table_are_compared_with_polls() -> None:
    """What Chromium derives from video frames has gaps where the picture pauses; the polls say where."""
    comparison = compare(said_in_rtcstats(unpacked(RTCSTATS)), by_stream(samples(RTCSTATS)))

    assert {
        "[totalDecodeTime/framesDecoded_in_ms]",
        "[totalEncodeTime/framesEncoded_in_ms]",
        "[interFrameDelayStDev_in_ms]",
        "[jitterBufferDelay/jitterBufferEmittedCount_in_ms]",
        "[qpSum/framesDecoded]",
        "[qpSum/framesEncoded]",
        "[concealedSamples/totalSamplesReceived]",
        "[Audio_Level_in_RMS]",
    } <= set(comparison.agree)


def test_both_formats_tell_of_the_same_connections_and_requests() -> None:
    internals, rtcstats = load_dump(INTERNALS), load_dump(RTCSTATS)

    for stats in (internals, rtcstats):
        about = stats.info["connections"]
        assert len(about) == 2
        assert all(entry["url"] == "http://localhost/call" for entry in about.values())
        assert all(
            entry["rtcConfiguration"] == {"alwaysNegotiateDataChannels": False} for entry in about.values()
        )
        names = [event.name for event in stats.source.events("")]
        assert names.count("getUserMedia") == 2
        assert names.count("getUserMediaOnSuccess") == names.count("getUserMediaOnFailure") == 1
    assert internals.info["user_agent_data"]["fullVersionList"]
    assert "HeadlessChrome/156" in internals.info["user_agent"]


def test_a_request_and_its_result_have_one_id() -> None:
    for path in (INTERNALS, RTCSTATS):
        pairs: dict[object, list[str]] = {}
        for event in load_dump(path).source.events(""):
            if event.name.startswith("getUserMedia"):
                pairs.setdefault(json.loads(event.value)["request_id"], []).append(event.name)
        assert sorted(pairs.values()) == [
            ["getUserMedia", "getUserMediaOnFailure"],
            ["getUserMedia", "getUserMediaOnSuccess"],
        ]


def test_states_are_words_and_the_timeline_is_in_order() -> None:
    for path in (INTERNALS, RTCSTATS):
        source = load_dump(path).source
        for connection in source.participants():
            states = [
                event.value for event in source.events(connection) if event.name == "onconnectionstatechange"
            ]
            assert states == ["connecting", "connected"]
        times = [event.time_s for event in source.events()]
        assert times == sorted(times)


def test_mid_is_text_as_the_standard_has_it() -> None:
    mids = {report["mid"] for sample in samples(INTERNALS) for report in sample.reports if "mid" in report}
    assert mids == {"0", "1"}


def test_what_a_poll_measured_of_the_other_end_keeps_the_time_of_its_report() -> None:
    """Times of RTCP reports repeat until the next one comes; they lie before the answer of the poll that saw
    them."""
    for sample in samples(INTERNALS):
        for report in sample.reports:
            if str(report["type"]).startswith("remote-") and report["type"] != "remote-candidate":
                assert report["timestamp"] <= 1000 * sample.time_s + 20  # type: ignore[operator]
