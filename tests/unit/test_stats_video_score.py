"""The models of pictures give their check points; ours keeps within its scale and falls with every fault."""

from math import isnan, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbrtc.stats.scores.video_score import g1070, rtcscore, score

VGA, HD = 640.0 * 480, 1280.0 * 720
USUAL: dict[str, Any] = {
    "bitrate_bps": 1_500_000.0,
    "pixels": HD,
    "fps": 30.0,
    "loss_fraction": 0.0,
    "delay_s": 0.05,
    "freeze_fraction": 0.0,
}
fractions = st.floats(0, 1)
bitrates = st.floats(0, 1e8)


def judged(**figures: float) -> float:
    return score(**(USUAL | figures)).mos


@pytest.mark.parametrize(
    ("pixels", "bitrate_bps", "codec", "mos"),
    [
        (VGA, 600e3, "VP8", 3.78),
        (VGA, 200e3, "VP8", 3.16),
        (VGA, 100e3, "VP8", 2.78),
        (HD, 1e6, "H264", 3.45),
        (HD, 1e6, "VP9", 3.55),
        (HD, 2.5e6, None, 3.96),
    ],
)
def test_rtcscore_gives_its_points(pixels: float, bitrate_bps: float, codec: str | None, mos: float) -> None:
    theirs = rtcscore(
        bitrate_bps=bitrate_bps, pixels=pixels, fps=30, delay_s=0.025, asked_fps=30, codec=codec
    )
    assert theirs == pytest.approx(mos, abs=0.006)


def test_ours_agrees_with_rtcscore_where_nothing_is_wrong() -> None:
    for bitrate_bps in (200e3, 600e3, 1e6, 2.5e6):
        figures: dict[str, Any] = {"bitrate_bps": bitrate_bps, "pixels": HD, "fps": 30.0, "delay_s": 0.025}
        assert score(**figures, loss_fraction=0.0).mos == pytest.approx(
            rtcscore(**figures, asked_fps=30), abs=0.05
        )


@pytest.mark.parametrize(
    ("fps", "kbps", "percent", "mos"),
    [
        (30, 1000, 0, 3.799),
        (30, 500, 0, 3.017),
        (15, 500, 0, 3.526),
        (30, 1000, 1, 2.930),
        (30, 1000, 5, 1.436),
    ],
)
def test_g1070_gives_its_points(fps: float, kbps: float, percent: float, mos: float) -> None:
    theirs = g1070(fps=fps, bitrate_bps=1000 * kbps, loss_fraction=percent / 100)
    assert theirs == pytest.approx(mos, abs=0.001)


@pytest.mark.parametrize(("loss", "kbps"), [(-1.0, 1000.0), (5.0, 1000.0), (0.0, -5.0)])
def test_g1070_stays_within_its_scale_whatever_it_is_told(loss: float, kbps: float) -> None:
    assert 1 <= g1070(fps=30, bitrate_bps=1000 * kbps, loss_fraction=loss) <= 5


def test_g1070_knows_no_picture_without_frames() -> None:
    with pytest.raises(ValueError, match="0 frames"):
        g1070(fps=0, bitrate_bps=1e6, loss_fraction=0)


figures = st.fixed_dictionaries(
    {
        "bitrate_bps": bitrates,
        "pixels": st.floats(1, 1e8),
        "fps": st.floats(0, 240),
        "loss_fraction": fractions,
        "delay_s": st.floats(0, 60),
        "freeze_fraction": fractions,
        "asked_pixels": st.floats(1, 1e8),
    }
)


@given(figures)
def test_the_score_stays_within_its_scale_and_is_the_sum_of_its_terms(call: dict[str, Any]) -> None:
    seen = score(**call)
    assert 1 <= seen.mos <= 5
    assert sum(seen.terms().values()) == pytest.approx(seen.mos, abs=1e-9)
    assert all(points <= 0 for name, points in seen.terms().items() if name != "start")


@pytest.mark.parametrize(
    ("name", "most"),
    [("loss_fraction", 1.0), ("delay_s", 60.0), ("freeze_fraction", 1.0), ("asked_pixels", 1e8)],
)
@given(call=figures, data=st.data())
def test_a_fault_never_makes_the_picture_better(
    name: str, most: float, call: dict[str, Any], data: st.DataObject
) -> None:
    worse = data.draw(st.floats(call[name], most))
    assert score(**{**call, name: worse}).mos <= score(**call).mos + 1e-9


@given(figures, bitrates)
def test_more_bits_never_make_the_picture_worse(call: dict[str, Any], bitrate_bps: float) -> None:
    low, high = sorted((call["bitrate_bps"], bitrate_bps))
    assert score(**{**call, "bitrate_bps": low}).mos <= score(**{**call, "bitrate_bps": high}).mos + 1e-9


@pytest.mark.parametrize("missing", ["bitrate_bps", "pixels", "fps", "loss_fraction", "delay_s"])
def test_what_is_not_known_gives_no_score(missing: str) -> None:
    assert isnan(judged(**{missing: nan}))


def test_freezes_and_the_cameras_size_may_be_unknown() -> None:
    assert judged(freeze_fraction=nan, asked_pixels=nan) == judged()


def test_faults_cost_something() -> None:
    well = judged()
    faults = [{"loss_fraction": 0.05}, {"delay_s": 1.0}, {"freeze_fraction": 0.1}, {"bitrate_bps": 200e3}]
    for fault in [*faults, {"asked_pixels": 4 * HD}]:
        assert judged(**fault) < well - 0.2
