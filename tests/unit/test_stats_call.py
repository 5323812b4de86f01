"""What `call.stats` gives out: frames, figures, newest values; and what it does not import on the way."""

import re
import subprocess
import sys
from math import isnan

import matplotlib as mpl
import msgspec
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from nbrtc.messages import StatsEvent
from nbrtc.stats import COLUMNS, METRICS, CallStats, StatsStore
from nbrtc.stats.plots.plot import PANELS
from tests.unit.stats_vectors import cases, samples_of

mpl.use("Agg")
SAMPLES = samples_of(cases("loopback.json")[0])


@pytest.fixture
def stats() -> CallStats:
    store = StatsStore()
    for sample in SAMPLES:
        store.append(sample)
    return CallStats(store)


@pytest.fixture
def nothing() -> CallStats:
    return CallStats(StatsStore())


def words(figure: Figure) -> str:
    return " ".join(text.get_text() for ax in figure.axes for text in ax.texts)


def test_the_frame_is_tidy_and_in_utc(stats: CallStats) -> None:
    frame = stats.to_frame()
    assert frame.index.name == "time"
    assert str(frame.index.tz) == "UTC"
    assert frame.index[0].timestamp() == pytest.approx(SAMPLES[0].time_s, abs=1e-6)
    assert ("time_s", *frame.columns) == COLUMNS
    keys = frame.reset_index()[["time", "participant", "direction", "kind"]]
    assert not keys.duplicated().any()
    assert all(frame[name].dtype == np.float64 for name in METRICS)


def test_video_and_audio_can_be_asked_for_apart(stats: CallStats) -> None:
    both = stats.to_frame()
    video, audio = stats.to_frame(kind="video"), stats.to_frame(kind="audio")
    assert set(video["kind"]) == {"video"}
    assert set(audio["kind"]) == {"audio"}
    assert len(video) + len(audio) == len(both)
    assert audio["fps"].isna().all()


def test_an_unknown_kind_is_refused_in_words(stats: CallStats) -> None:
    with pytest.raises(ValueError, match=r"'text'.*'video' or 'audio'"):
        stats.to_frame(kind="text")
    with pytest.raises(ValueError, match=r"\['video'\]"):
        stats.to_frame(kind=["video"])  # type: ignore[arg-type]


def test_a_frame_without_samples_has_the_same_columns_and_types(stats: CallStats, nothing: CallStats) -> None:
    pd.testing.assert_series_equal(nothing.to_frame().dtypes, stats.to_frame().dtypes)
    empty = stats.to_frame(participant="nobody")
    assert len(empty) == 0
    assert empty.index.dtype == stats.to_frame().index.dtype


def test_what_is_missing_is_nan(stats: CallStats) -> None:
    frame = stats.to_frame(kind="audio")
    assert frame["limitation"].isna().all()
    assert frame["bitrate_bps"].iloc[:2].isna().all()


def test_the_latest_rows_are_those_of_the_last_poll(stats: CallStats) -> None:
    latest = stats.latest
    assert set(latest) == {
        ("python", way, kind) for way in ("send", "receive") for kind in ("video", "audio")
    }
    row = latest["python", "send", "video"]
    assert row.time_s == SAMPLES[-1].time_s
    frame = stats.to_frame(kind="video")
    assert row.bitrate_bps == frame[frame["direction"] == "send"]["bitrate_bps"].iloc[-1]


def test_the_first_sample_already_has_a_latest_row() -> None:
    store = StatsStore()
    store.append(SAMPLES[0])
    row = CallStats(store).latest["python", "receive", "video"]
    assert row.frame_width == 320
    assert isnan(row.bitrate_bps)


def test_raw_gives_the_samples_back(stats: CallStats) -> None:
    assert stats.raw() == SAMPLES


def test_the_plot_has_a_labelled_panel_for_each_metric(stats: CallStats) -> None:
    figure = stats.plot()
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels == ["Bitrate (kbit/s)", "Frame rate (fps)", "Round trip (ms)", "Loss (%)"]
    assert figure.axes[-1].get_xlabel() == "Time (UTC)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["send", "receive", "both ways"]
    figure.canvas.draw()


def test_the_plotted_bitrate_adds_video_and_audio_and_is_a_gap_where_one_is_unknown(stats: CallStats) -> None:
    (sent,) = [
        line
        for line in stats.plot("bitrate_bps").axes[0].get_lines()
        if line.get_color() == "#0072B2" and len(line.get_xdata()) == 8  # type: ignore[arg-type]
    ]
    values = np.asarray(sent.get_ydata(), dtype=float)
    assert np.flatnonzero(np.isnan(values)).tolist() == [0, 5]
    frame = stats.to_frame()
    second = frame[(frame.index == frame.index.unique()[1]) & (frame["direction"] == "send")]
    assert values[1] == pytest.approx(second["bitrate_bps"].sum() / 1000)


def test_polls_that_were_missed_are_a_gap_not_a_line() -> None:
    store = StatsStore()
    for sample in (*SAMPLES[:3], *(msgspec.structs.replace(s, time_s=s.time_s + 60) for s in SAMPLES[3:5])):
        store.append(sample)
    line = CallStats(store).plot("fps").axes[0].get_lines()[0]
    values = np.asarray(line.get_ydata(), dtype=float)
    assert np.isnan(values).tolist() == [True, False, False, True, False, False]


def test_every_metric_can_be_plotted(stats: CallStats) -> None:
    assert tuple(PANELS) == METRICS
    figure = stats.plot(METRICS)
    assert len(figure.axes) == len(METRICS)
    figure.canvas.draw()


def test_an_unknown_metric_is_refused_with_the_valid_ones(stats: CallStats) -> None:
    with pytest.raises(ValueError, match=r"\['speed'\].*bitrate_bps.*rtt_s.*pli"):
        stats.plot(["fps", "speed"])


def test_no_metrics_at_all_are_refused(stats: CallStats) -> None:
    with pytest.raises(ValueError, match=r"No metrics were given.*bitrate_bps"):
        stats.plot([])


def test_a_plot_without_samples_says_so(stats: CallStats, nothing: CallStats) -> None:
    assert "No statistics have arrived yet" in words(nothing.plot())
    assert "for 'nobody'" in words(stats.plot(participant="nobody"))
    with pytest.raises(ValueError, match="speed"):
        nothing.plot("speed")


def test_a_metric_that_the_browser_never_reports_says_so() -> None:
    (case,) = cases("rtcstats-firefox.json")
    store = StatsStore()
    for sample in samples_of(case):
        store.append(sample)
    assert "not reported by the browser" in words(CallStats(store).plot("freeze_fraction"))


def test_figures_are_not_left_with_pyplot(stats: CallStats) -> None:
    from matplotlib import pyplot as plt

    stats.plot()
    assert plt.get_fignums() == []


def test_the_representations_say_what_is_there(stats: CallStats, nothing: CallStats) -> None:
    assert repr(nothing) == "<CallStats: no samples yet>"
    assert "No statistics have arrived yet" in nothing._repr_html_()
    assert repr(stats).startswith("<CallStats: 11 samples, the newest of 20")
    assert "320 x 240" in stats._repr_html_()


def test_the_representations_of_a_dump_say_what_it_is_and_of_which_browser() -> None:
    source = StatsStore(info={"format": "webrtc-internals", "user_agent": CHROME})
    source.append(SAMPLES[0])
    source.append(msgspec.structs.replace(SAMPLES[1], peer="12-1"))
    source.end()
    dump = CallStats(source)
    assert re.fullmatch(
        r"<CallStats: 2 samples, the newest of 20.* UTC, of 2 connections; webrtc-internals, Chrome 149>",
        repr(dump),
    )
    assert "webrtc-internals, Chrome 149" in dump._repr_html_()
    assert dump.info["user_agent"] == CHROME


CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("info", "browser"),
    [
        ({"user_agent": "Safari/17"}, "Safari 17"),
        (
            {
                "user_agent_data": {
                    "brands": [
                        {"brand": "Not:A-Brand", "version": "8"},
                        {"brand": "Chromium", "version": "156"},
                    ]
                }
            },
            "Chromium 156",
        ),
        (
            {
                "user_agent_data": {
                    "brands": [{"brand": "Chromium", "version": "9"}, {"brand": "Opera", "version": "8"}]
                }
            },
            "Opera 8",
        ),
    ],
)
def test_the_browser_is_named_by_what_the_dump_has(info: dict[str, object], browser: str) -> None:
    source = StatsStore(info={"format": "rtcstats", **info})
    source.append(SAMPLES[0])
    assert repr(CallStats(source)).endswith(f"; rtcstats, {browser}>")


@pytest.mark.parametrize("data", [None, 5, {}, {"brands": 5}, {"brands": [5, {}]}, {"brands": []}])
def test_a_dump_may_say_anything_of_its_browser(data: object) -> None:
    source = StatsStore(info={"format": "rtcstats", "user_agent_data": data})
    source.append(SAMPLES[0])
    assert "rtcstats" in repr(CallStats(source))


@pytest.mark.parametrize("wrong", [0, -1, float("nan")])
def test_no_time_at_all_is_not_judged_as_good(stats: CallStats, wrong: float) -> None:
    for judge in (stats.quality, stats.findings):
        with pytest.raises(ValueError, match="more than 0 seconds"):
            judge(last_s=wrong)
        with pytest.raises(TypeError, match="'5' is not a number"):
            judge(last_s="5")  # type: ignore[arg-type]


def test_a_misspelled_participant_is_not_judged_as_good(stats: CallStats) -> None:
    # More may come of a live call.
    assert stats.findings("pyhton") == []
    assert isinstance(stats.source, StatsStore)
    stats.source.note(StatsEvent(time_s=1.0, peer="left", name="leave", value=""))
    stats.source.end()
    for judge in (stats.quality, stats.findings):
        with pytest.raises(ValueError, match=r"no statistics of 'pyhton': choose one of 'python', 'left'"):
            judge("pyhton")
        judge("left")


def test_only_statistics_can_be_joined(stats: CallStats) -> None:
    with pytest.raises(TypeError, match="not 5"):
        stats.join(5)  # type: ignore[arg-type]


def test_the_representations_of_an_empty_dump_do_not_promise_any() -> None:
    source = StatsStore()
    source.end()
    assert repr(CallStats(source)) == "<CallStats: no samples>"
    assert "none will come" in CallStats(source)._repr_html_()


def test_a_table_of_many_connections_is_cut_and_says_so() -> None:
    store = StatsStore()
    for number in range(30):
        store.append(msgspec.structs.replace(SAMPLES[0], peer=f"peer {number}"))
    html = CallStats(store)._repr_html_()
    assert html.count("<tr>") == 1 + 40 + 1
    assert "and 80 more" in html


def test_counting_unpacks_nothing(stats: CallStats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbrtc.stats.store._decode", None)
    assert len(stats) == 11


def test_a_participants_name_is_not_markup() -> None:
    store = StatsStore()
    store.append(msgspec.structs.replace(SAMPLES[0], peer="<script>"))
    html = CallStats(store)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_statistics_load_neither_pandas_nor_matplotlib_before_they_are_asked_for() -> None:
    program = (
        "import sys, nbrtc.stats as s; c = s.CallStats(s.StatsStore()); repr(c); c._repr_html_(); c.latest;"
        "print([name for name in ('pandas', 'matplotlib', 'av', 'aiortc') if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert outcome.stdout.strip() == "[]"
