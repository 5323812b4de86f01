"""Derivation gives what tests/data/stats expects; js/test/stats.test.ts asks the same of the TypeScript."""

from typing import Any

import pytest

from nbrtc.stats import METRICS, derive
from nbrtc.stats.point import points
from tests.unit.stats_vectors import RECORDED, cases, near, plain, samples_of

ALL = [pytest.param(case, id=case["name"]) for name in ("edges.json", *RECORDED) for case in cases(name)]


@pytest.mark.parametrize("case", ALL)
def test_the_rows_are_the_expected_ones(case: dict[str, Any]) -> None:
    rows = [plain(row) for row in derive(samples_of(case))]
    assert len(rows) == len(case["rows"])
    for row, expected in zip(rows, case["rows"], strict=True):
        assert {name: row[name] for name in expected} == near(expected)


@pytest.mark.parametrize("case", ALL)
def test_the_points_of_the_page_follow_from_the_rows(case: dict[str, Any]) -> None:
    found = list(points(samples_of(case)))
    assert len(found) == len(case["points"])
    for point, expected in zip(found, case["points"], strict=True):
        assert {name: point[name] for name in expected} == near(expected)


def test_the_recorded_call_fills_every_metric_somewhere() -> None:
    rows = [row for case in cases("loopback.json") for row in case["rows"]]
    assert {name for name in METRICS if all(row[name] is None for row in rows)} == set()


def test_the_browsers_own_frame_rate_agrees_with_ours() -> None:
    (case,) = cases("loopback.json")
    theirs = [
        report["framesPerSecond"]
        for sample in samples_of(case)
        for report in sample.reports
        if report["type"] == "inbound-rtp" and report["kind"] == "video"
    ]
    ours = [row["fps"] for row in case["rows"] if (row["direction"], row["kind"]) == ("receive", "video")]
    compared = [(mine, its) for mine, its in zip(ours, theirs, strict=True) if mine is not None]
    assert len(compared) >= 4
    for mine, its in compared:
        assert mine == pytest.approx(its, abs=3)


def test_a_replaced_sender_and_a_new_generation_have_no_rate_at_first() -> None:
    (case,) = cases("loopback.json")
    sent = [row for row in case["rows"] if (row["direction"], row["kind"]) == ("send", "video")]
    unknown = [number for number, row in enumerate(sent) if row["bitrate_bps"] is None]
    assert unknown == [0, 5, 8]
