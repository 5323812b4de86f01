"""Scores of a call: explained by terms that add up, unknown where nothing is known, the worst one marked."""

from dataclasses import replace
from math import isnan, nan
from typing import Any

import pytest

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats import StatsRow, derive
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.scores.opinion import mos
from nbrtc.stats.scores.quality import TERMS, Scores, judge
from tests.unit.staged_calls import staged
from tests.unit.stats_vectors import cases, samples_of

WELL = {"bitrate_bps": 1_500_000.0, "packets": 150.0, "loss_fraction": 0.0, "rtt_s": 0.04}
PICTURE = {**WELL, "fps": 30.0, "frame_width": 1280.0, "frame_height": 720.0}


def of(samples: list[StatsSample], events: list[StatsEvent] | None = None) -> LoadedStats:
    return LoadedStats(samples, events or [], {})


def row(direction: str = "receive", kind: str = "video", **figures: float) -> StatsRow:
    usual: dict[str, Any] = (
        PICTURE if kind == "video" else {**WELL, "bitrate_bps": 32_000.0, "audio_level": 0.1}
    )
    return StatsRow(
        time_s=1.0,
        participant="ada",
        generation=1,
        direction=direction,  # type: ignore[arg-type]
        kind=kind,  # type: ignore[arg-type]
        **(usual | figures),
    )


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_what_is_sent_and_received_has_a_score(kind: str) -> None:
    for direction in ("send", "receive"):
        assert 3.5 < mos(row(direction, kind)) < 4.5


@pytest.mark.parametrize(
    "idle",
    [
        row(packets=0.0),
        row("send", fps=0.0),
        row("send", "audio", audio_level=0.0),
        row("receive", "audio", audio_level=0.0),
        row("receive", "audio", packets=0.0),
        row("send", bitrate_bps=0.0),
    ],
)
def test_what_is_switched_off_is_not_bad_but_unknown(idle: StatsRow) -> None:
    assert isnan(mos(idle))


def test_a_picture_that_stands_still_while_packets_arrive_is_as_bad_as_can_be() -> None:
    assert mos(row(fps=0.0)) == 1.0


@pytest.mark.parametrize("name", ["rtt_s", "loss_fraction", "bitrate_bps", "fps", "frame_width"])
def test_a_row_that_lacks_a_figure_has_no_score(name: str) -> None:
    assert isnan(mos(replace(row(), **{name: nan})))  # type: ignore[arg-type]


def test_every_row_of_a_call_has_its_score() -> None:
    rows = list(derive(staged(5)))
    assert {row.kind for row in rows if row.mos > 3} == {"video", "audio"}
    for each in rows:
        assert each.mos == mos(each) or isnan(mos(each))


def test_a_shared_screen_is_not_judged_as_a_moving_picture() -> None:
    samples = staged(10, content="screenshare", send_fps=2.0, send_bps=20_000.0)
    assert all(isnan(row.mos) for row in derive(samples) if (row.direction, row.kind) == ("send", "video"))
    score = next(score for score in judge(of(samples)) if (score.direction, score.kind) == ("send", "video"))
    assert isnan(score.value)
    assert "screen" in score.text


def test_pauses_of_a_muted_sender_are_not_judged_as_gaps() -> None:
    """A sender with DTX leaves ten packets a second; what fills the pauses counts as concealed."""
    samples = staged(10, audio_arrives=lambda n: n < 2, concealed=lambda n: 0.0 if n < 2 else 0.9)
    heard = [row.mos for row in derive(samples) if (row.direction, row.kind) == ("receive", "audio")]
    assert isnan(heard[-1])
    score = judge(of(samples))[3]
    assert (score.direction, score.kind) == ("receive", "audio")
    assert score.value > 4


@pytest.mark.parametrize(
    "faults", [{}, {"receive_loss": 0.05, "send_loss": 0.2, "rtt_s": 0.5, "frozen": 0.3, "width": 640.0}]
)
def test_the_terms_of_a_score_add_up_to_it(faults: dict[str, Any]) -> None:
    scores = judge(of(staged(15, **faults)))
    assert len(scores) == 4
    for score in scores:
        assert sum(score.terms.values()) == pytest.approx(score.value, abs=1e-9)
        assert set(score.terms) <= set(TERMS)
        assert f"{score.value:.2f}" in score.text


def test_real_calls_are_judged_plausibly() -> None:
    scores = judge(of(samples_of(cases("loopback.json")[0])))
    assert [(score.direction, score.kind) for score in scores] == [
        ("send", "video"),
        ("send", "audio"),
        ("receive", "video"),
        ("receive", "audio"),
    ]
    # 10 % of loss on the wire, 240 lines at 15 fps
    assert all(2 < score.value < 3.6 for score in scores)
    assert all(score.terms["loss"] < -0.5 for score in scores)


def test_every_fault_is_named_by_its_term() -> None:
    terms = {
        (score.direction, score.kind): score.terms
        for score in judge(of(staged(15, frozen=0.3, rtt_s=0.6, width=640.0, height=360.0)))
    }
    assert terms["receive", "video"]["freezes"] < -0.5
    assert terms["receive", "audio"]["delay"] < -0.5
    assert terms["send", "video"]["resolution"] < -0.5


def test_means_are_ratios_of_sums() -> None:
    """Half of ten packets lost, after a thousand that arrived: half a percent, and not a quarter."""
    samples = staged(
        3,
        receive_bps=lambda n: 9_000_000.0 if n < 2 else 88_000.0,
        receive_loss=lambda n: 0.0 if n < 2 else 0.5,
    )
    picture = judge(of(samples))[2]
    assert -0.15 < picture.terms["loss"] < -0.05


@pytest.mark.parametrize("arrives", [True, False])
def test_a_long_freeze_counts_as_long_as_it_was(arrives: bool) -> None:
    """It is told in the poll in which it ends, and its time without packets was no pause."""
    samples = staged(
        31, frozen=lambda n: 10.0 if n == 20 else 0.0, video_arrives=lambda n: arrives or not 10 <= n < 20
    )
    picture = judge(of(samples))[2]
    before = picture.value - picture.terms["freezes"] - picture.terms["delay"] - 1
    assert 1 + picture.terms["freezes"] / before == pytest.approx((2 / 3) ** 2, abs=0.02)


def test_the_last_seconds_can_be_judged_alone() -> None:
    samples = staged(60, receive_loss=lambda n: 0.2 if n < 30 else 0.0)
    assert judge(of(samples), last_s=20)[2].terms["loss"] == 0
    assert judge(of(samples))[2].terms["loss"] < -0.5


def test_pythons_own_end_is_judged_only_where_it_is_asked_for() -> None:
    source = of([*staged(5), *staged(5, peer="you")])
    assert {score.participant for score in judge(source)} == {"ada"}
    assert {score.participant for score in judge(source, "you")} == {"you"}


def test_what_cannot_be_judged_says_why() -> None:
    one, off = judge(of(staged(1)))[0], judge(of(staged(9, send_fps=0.0, send_bps=0.0)))[0]
    assert (one.terms, off.terms) == ({}, {})
    assert "one poll" in one.text
    assert "nothing was sent" in off.text


def test_scores_are_a_list_a_frame_and_a_table() -> None:
    scores = judge(of(staged(10, receive_loss=0.2)))
    worst = scores.worst
    assert worst is not None
    assert (worst.direction, worst.kind) == ("receive", "video")
    frame = scores.to_frame()
    assert list(frame.columns) == ["participant", "direction", "kind", "mos", "model", *TERMS, "text"]
    assert frame.mos.tolist() == [score.value for score in scores]
    assert frame.loc[frame.kind == "audio", "frame_rate"].isna().all()
    html = scores._repr_html_()
    assert html.count("<td>worst</td>") == 1
    assert len(scores[1:]) == 3
    assert worst.text in repr(scores)


def test_without_statistics_there_are_no_scores() -> None:
    empty = judge(of([]), last_s=10)
    assert len(empty) == 0
    assert empty.worst is None
    assert len(empty.to_frame()) == 0
    assert "No statistics" in empty._repr_html_()
    assert "No statistics" in Scores(())._repr_html_()
