"""The E-model gives its published points, and never gets better when something gets worse."""

from math import inf, isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.stats.scores import sound_score
from nbrtc.stats.scores.emodel import Transmission, delay_impairment, equipment_impairment, mos_of, rate
from nbrtc.stats.scores.sound_score import BASE_R, G711, OPUS

fractions = st.floats(0, 1)
seconds = st.floats(0, 60)


def test_the_defaults_give_the_published_rating() -> None:
    rating = rate(Transmission())
    assert rating.ro == pytest.approx(94.769, abs=0.001)
    assert rating.simultaneous == pytest.approx(1.414, abs=0.001)
    assert rating.r == pytest.approx(93.206, abs=0.001)
    assert rating.mos == pytest.approx(4.409, abs=0.001)


@pytest.mark.parametrize(("r", "mos"), [(90, 4.339), (80, 4.024), (70, 3.597), (60, 3.100), (50, 2.575)])
def test_ratings_become_the_published_scores(r: float, mos: float) -> None:
    assert mos_of(r) == pytest.approx(mos, abs=0.001)


@pytest.mark.parametrize(
    ("ta_ms", "idd"),
    [
        (0, 0),
        (100, 0),
        (150, 0.16),
        (200, 3.04),
        (250, 8.92),
        (300, 14.76),
        (400, 24.07),
        (500, 30.64),
        (inf, 50),
    ],
)
def test_delay_costs_what_is_published(ta_ms: float, idd: float) -> None:
    assert delay_impairment(ta_ms) == pytest.approx(idd, abs=0.006)


@pytest.mark.parametrize(
    ("percent", "bpl", "r"), [(1, 4.3, 75.28), (2, 4.3, 63.04), (1, 25.1, 89.56), (5, 25.1, 77.42)]
)
def test_loss_costs_g711_what_is_published(percent: float, bpl: float, r: float) -> None:
    assert rate(Transmission(ppl_percent=percent, bpl=bpl)).r == pytest.approx(r, abs=0.01)


@pytest.mark.parametrize(("delay_ms", "r"), [(50, 91.8), (100, 90.7), (150, 89.5), (200, 85.8), (300, 72.7)])
def test_echo_is_heard_more_the_later_it_comes(delay_ms: float, r: float) -> None:
    """With an echo of 65 dB less and T = Ta = Tr/2: regression values of the whole model, echoes included."""
    path = Transmission(t_ms=delay_ms, ta_ms=delay_ms, tr_ms=2 * delay_ms)
    assert rate(path).r == pytest.approx(r, abs=0.06)


def test_bursts_cost_more_than_random_loss_of_the_same_mean() -> None:
    assert equipment_impairment(5, burst_r=2) > equipment_impairment(5, burst_r=1)


def test_scores_stay_within_their_scale_outside_of_the_cubics() -> None:
    assert [mos_of(r) for r in (-1000, 0, 3, 100, 1000)] == [1, 1, 1, 4.5, 4.5]
    assert isnan(mos_of(nan))


@given(st.tuples(fractions, fractions).map(sorted), st.tuples(seconds, seconds).map(sorted))
def test_more_loss_or_delay_never_gives_a_better_rating(loss: list[float], delay_s: list[float]) -> None:
    def rated(loss_fraction: float, path_s: float) -> float:
        path = Transmission(
            ppl_percent=100 * loss_fraction, ta_ms=1000 * path_s, t_ms=1000 * path_s, tr_ms=2000 * path_s
        )
        return rate(path).r

    assert 0 <= rated(loss[1], delay_s[1]) <= 100
    assert rated(loss[1], delay_s[0]) <= rated(loss[0], delay_s[0]) + 1e-9
    # The echo changes the sidetone by 1e-5 on its way.
    assert rated(loss[0], delay_s[1]) <= rated(loss[0], delay_s[0]) + 1e-4


@pytest.mark.parametrize(
    "wrong", [{"ta_ms": -1.0}, {"ppl_percent": 101.0}, {"ppl_percent": -1.0}, {"burst_r": 0.5}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"delay|Delay|loss|burst"):
        rate(Transmission(**wrong))


# --- of a call


def judged(codec: str | None = "opus", **figures: Any) -> sound_score.SoundScore:
    usual: dict[str, Any] = {"loss_fraction": 0.0, "rtt_s": 0.05, "jitter_s": 0.0, "bitrate_bps": 32_000.0}
    return sound_score.score(codec=codec, **(usual | figures))


def test_sound_without_a_fault_has_the_models_best_score() -> None:
    assert judged().mos == pytest.approx(mos_of(BASE_R))
    assert judged().model is OPUS


def test_g711_is_judged_by_its_published_constants() -> None:
    heard = judged("PCMU", loss_fraction=0.05)
    assert heard.model is G711
    assert heard.r == pytest.approx(77.42, abs=0.01)


def test_what_was_concealed_counts_more_than_what_was_lost() -> None:
    assert judged(loss_fraction=0.1, concealed_fraction=0.0).loss == 0
    assert judged(concealed_fraction=0.05).mos < judged(loss_fraction=0.05).mos


def test_mouth_to_ear_adds_up() -> None:
    heard = judged(rtt_s=0.2, jitter_buffer_s=0.08)
    assert heard.delay_s == pytest.approx(0.1 + 0.08 + OPUS.coding_s + sound_score.DEVICES_S)


@pytest.mark.parametrize("missing", ["loss_fraction", "rtt_s"])
def test_what_is_not_known_gives_no_score(missing: str) -> None:
    figures: dict[str, Any] = {missing: nan}
    assert isnan(judged(**figures).mos)


def test_a_codec_without_constants_gives_no_score() -> None:
    assert isnan(judged("telephone-event").mos)


@given(
    st.sampled_from(["opus", "PCMA", "G722", None]),
    st.tuples(fractions, fractions).map(sorted),
    st.tuples(seconds, seconds).map(sorted),
    st.sampled_from(["loss_fraction", "concealed_fraction"]),
    st.sampled_from(["rtt_s", "jitter_buffer_s", "jitter_s"]),
    st.floats(0, 1e6),
)
def test_sound_never_gets_better_by_a_fault(
    codec: str | None, loss: list[float], delay_s: list[float], lost: str, late: str, bitrate_bps: float
) -> None:
    def score(loss_fraction: float, path_s: float) -> float:
        figures = {lost: loss_fraction, late: path_s, "bitrate_bps": bitrate_bps}
        return judged(codec, **figures).mos

    assert 1 <= score(loss[1], delay_s[1]) <= 4.5
    assert score(loss[1], delay_s[0]) <= score(loss[0], delay_s[0]) + 1e-9
    assert score(loss[0], delay_s[1]) <= score(loss[0], delay_s[0]) + 1e-9


@given(st.tuples(st.floats(6000, 1e6), st.floats(6000, 1e6)).map(sorted))
def test_opus_is_never_worse_with_more_bits(bitrates: list[float]) -> None:
    assert sound_score.opus_ie(bitrates[1]) <= sound_score.opus_ie(bitrates[0])
