"""Several calls side by side: robust figures, a table with the best and the worst, and their course."""

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from nbrtc import DumpError, compare
from nbrtc.messages import StatsSample
from nbrtc.stats import CallStats, derive
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.plots.contrast import gridded, step_s
from tests.unit.scripted_calls import START_S, interleaved, scripted

mpl.use("Agg")


def call(*parts: list[StatsSample]) -> CallStats:
    return CallStats(LoadedStats(interleaved(*parts), [], {"format": "scripted"}))


class Widget:
    """What a `Call` is to `compare`."""

    def __init__(self, stats: CallStats) -> None:
        self.stats = stats


GOOD = call(scripted(60))
BAD = call(scripted(60, bitrate_bps=200_000.0, fps=10.0, loss=0.1, rtt_s=0.3, frozen=0.25))


def test_there_is_a_line_for_each_call_direction_and_kind() -> None:
    frame = compare({"good": GOOD, "bad": BAD}).to_frame()
    assert list(frame.index.names) == ["call", "direction", "kind"]
    assert len(frame) == 8
    assert frame.loc[("bad", "receive", "video"), "loss_fraction"] == pytest.approx(0.1)
    assert frame.loc[("bad", "receive", "video"), "freeze_fraction"] == pytest.approx(0.25)
    assert frame.loc[("bad", "send", "video"), "loss_fraction"] == pytest.approx(0.1)
    assert frame.loc[("good", "send", "video"), "bitrate_bps_median"] == pytest.approx(1_000_000)
    assert frame.loc[("good", "send", "video"), "duration_s"] == 59
    assert (
        frame.loc[("good", "receive", "video"), "mos_median"]
        > frame.loc[("bad", "receive", "video"), "mos_median"]
    )
    assert np.isnan(frame.loc[("good", "send", "audio"), "fps_median"])


def test_loss_is_of_the_whole_call_not_the_mean_of_polls() -> None:
    """One poll of few packets with all of them lost is not much of a call."""
    bursts = scripted(
        21, bitrate_bps=lambda n: 8000.0 if n == 10 else 1_000_000.0, loss=lambda n: 0.9 if n == 10 else 0.0
    )
    frame = compare([call(bursts)]).to_frame()
    expected = 0.9 / (19 * 125 + 1)
    assert frame.loc[("call 1", "receive", "video"), "loss_fraction"] == pytest.approx(expected)


def test_a_freeze_counts_as_long_as_it_was_not_as_the_poll_in_which_it_ended() -> None:
    frame = compare([call(scripted(61, frozen=lambda n: 6.0 if n == 30 else 0.0))]).to_frame()
    assert frame.loc[("call 1", "receive", "video"), "freeze_fraction"] == pytest.approx(0.1)
    assert np.isnan(frame.loc[("call 1", "send", "video"), "freeze_fraction"])


@given(st.lists(st.floats(1000, 1e7), min_size=2, max_size=40))
@settings(max_examples=40, deadline=None)
def test_percentiles_are_those_of_the_polls(rates: list[float]) -> None:
    frame = compare([call(scripted(len(rates), bitrate_bps=lambda n: rates[n]))]).to_frame()
    line = frame.loc[("call 1", "send", "video")]
    known = rates[1:]
    assert line["bitrate_bps_median"] == pytest.approx(np.percentile(known, 50), rel=1e-6)
    assert line["bitrate_bps_p5"] == pytest.approx(np.percentile(known, 5), rel=1e-6)
    assert line["bitrate_bps_p95"] == pytest.approx(np.percentile(known, 95), rel=1e-6)


def test_several_participants_are_counted_and_pythons_own_end_is_not() -> None:
    room = call(scripted(10), scripted(10, peer="a1"), scripted(10, peer="you", bitrate_bps=9e9))
    line = compare([room]).to_frame().loc[("call 1", "send", "video")]
    assert line["participants"] == 2
    assert line["polls"] == 20
    assert line["bitrate_bps_p95"] == pytest.approx(1_000_000)


def test_a_call_a_widget_and_a_dump_are_alike(tmp_path: Path) -> None:
    path = GOOD.save_dump(tmp_path / "monday.json")
    comparison = compare([Widget(GOOD), GOOD, path, str(path)])
    assert comparison.labels == ("call 1", "call 2", "monday", "monday (4)")
    assert repr(comparison) == "<Comparison of 4 calls: call 1, call 2, monday, monday (4)>"
    frame = comparison.to_frame()
    for label in comparison.labels[1:]:
        pd.testing.assert_frame_equal(frame.loc["call 1"], frame.loc[label], rtol=1e-3, check_like=True)


def test_the_table_marks_best_and_worst_with_more_than_colour() -> None:
    html = compare({"good": GOOD, "<b>ad": BAD})._repr_html_()
    assert "&lt;b&gt;ad" in html
    assert re.search(r'title="best">1000 ▲', html)
    assert re.search(r'title="worst">200 ▼', html)
    assert "data:image/png;base64," in html
    same = compare([GOOD, GOOD])._repr_html_()
    assert "title=" not in same


def test_the_picture_has_a_line_a_call_and_sent_and_received_side_by_side() -> None:
    figure = compare({"good": GOOD, "bad": BAD}).plot(["fps", "rtt_s", "mos"])
    titles = [(ax.get_title(loc="left"), len(ax.get_lines())) for ax in figure.axes]
    assert titles == [("sent", 2), ("received", 2), ("", 2), ("sent", 2), ("received", 2)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["good", "bad"]
    good, bad = figure.axes[0].get_lines()
    assert good.get_color() != bad.get_color()
    assert good.get_marker() != bad.get_marker()
    figure.canvas.draw()


def test_sent_and_received_share_an_axis_that_holds_both() -> None:
    def downloading(sample: StatsSample) -> StatsSample:
        more = [
            {**report, "bytesReceived": 9 * float(report["bytesReceived"] or 0)}
            if "bytesReceived" in report
            else report
            for report in sample.reports
        ]
        return structs.replace(sample, reports=tuple(more))

    sent, received = compare([call([downloading(each) for each in scripted(10)])]).plot("bitrate_bps").axes
    assert sent.get_ylim() == received.get_ylim()
    highest = np.nanmax(np.asarray(received.get_lines()[0].get_ydata(), float))
    assert highest > 5 * np.nanmax(np.asarray(sent.get_lines()[0].get_ydata(), float))
    assert received.get_ylim()[1] >= highest


def test_time_begins_with_the_media() -> None:
    late = scripted(40, bitrate_bps=lambda n: 0.0 if n < 20 else 500_000.0, audio_bps=0.0)
    line = compare([call(late)]).plot("bitrate_bps").axes[0].get_lines()[0]
    times, values = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    assert values[times < 0].max() == 0
    assert values[times >= 0].min() == pytest.approx(500)


def test_the_grid_neither_invents_nor_loses() -> None:
    slow = [*scripted(10, interval_s=1.003), *scripted(10, start_s=START_S + 60, interval_s=1.003)]
    rows = list(derive(slow))
    (steps,) = gridded(rows, "rtt_s", 1.0).values()
    # Polls that drift over the grid leave no holes, and the pause stays one.
    first = [step for step in steps if step < 30]
    assert first == list(range(first[0], first[-1] + 1))
    assert not [step for step in steps if 12 < step < 55]
    assert step_s({"a": rows}) == pytest.approx(1.003)
    assert step_s({"a": list(derive(scripted(3, interval_s=900.0)))}) == 900


def test_a_sum_over_participants_and_a_median_of_what_does_not_add_up() -> None:
    rows = list(
        derive(interleaved(scripted(10), scripted(10, peer="a1", rtt_s=0.08), scripted(10, peer="b2")))
    )
    assert gridded(rows, "bitrate_bps", 1.0)["send"][5] == pytest.approx(3 * 1_032_000)
    assert gridded(rows, "rtt_s", 1.0)["both ways"][5] == pytest.approx(0.04)


def test_calls_without_statistics_are_named() -> None:
    comparison = compare({"good": GOOD, "empty": call()})
    assert len(comparison.to_frame()) == 4
    assert "empty" in comparison.plot("fps").get_supxlabel()
    assert "None of these calls" in compare([call()]).plot().texts[0].get_text()


def test_more_calls_than_can_be_told_apart_are_named() -> None:
    figure = compare([GOOD] * 10).plot("fps")
    assert len(figure.axes[0].get_lines()) == 8
    assert "call 9, call 10" in figure.get_supxlabel()


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        compare([])
    with pytest.raises(TypeError, match="takes a list of calls"):
        compare(GOOD)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a list of calls"):
        compare("monday.json")
    with pytest.raises(TypeError, match="3 has no statistics"):
        compare([GOOD, 3])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="as many labels"):
        compare([GOOD, BAD], labels=["a"])
    with pytest.raises(ValueError, match="each of them once"):
        compare([GOOD, BAD], labels=["a", "a"])
    with pytest.raises(ValueError, match="leave `labels` out"):
        compare({"a": GOOD}, labels=["b"])
    with pytest.raises(ValueError, match=r"\['speed'\]"):
        compare([GOOD], metrics="speed")
    foreign = tmp_path / "foreign.json"
    foreign.write_text('{"hello": "world"}')
    with pytest.raises(DumpError):
        compare([foreign])
