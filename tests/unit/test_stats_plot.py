"""The picture of a call: lines that can be told apart, events that can be read, gaps that stay gaps."""

from itertools import combinations
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats import CallStats, derive
from nbrtc.stats.loaded import LoadedStats
from nbrtc.stats.plots.lines import MOST_LINES, with_gaps
from nbrtc.stats.plots.marks import MOST_LABELS, labels, marks
from nbrtc.stats.plots.measured import measured
from nbrtc.stats.plots.spans import spans
from tests.unit.scripted_calls import START_S, event, interleaved, scripted

mpl.use("Agg")


def stats(samples: list[StatsSample], events: list[StatsEvent] | None = None) -> CallStats:
    return CallStats(LoadedStats(samples, events or [], {"format": "scripted"}))


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def strip(figure: Figure) -> Any:
    (found,) = [ax for ax in figure.axes if ax.get_ylabel() == "Events"]
    return found


def written(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.texts]


def shaded(figure: Figure) -> list[tuple[float, float]]:
    """Spans of the first panel, in seconds since the first poll."""
    boxes = [shade for shade in figure.axes[0].collections if isinstance(shade, PolyCollection)]
    columns = [np.asarray(path.vertices)[:, 0] for shade in boxes for path in shade.get_paths()]
    return [(seconds(xs.min()), seconds(xs.max())) for xs in columns]


def seconds(days: float) -> float:
    """A place on the axis of dates, since the first poll."""
    return round(days * 86400 - START_S, 3)


# --- lines


def test_one_participants_directions_differ_in_colour_and_in_dashes() -> None:
    figure = stats(scripted(10)).plot("fps")
    sent, received = figure.axes[0].get_lines()
    assert sent.get_color() != received.get_color()
    assert (sent.get_linestyle(), received.get_linestyle()) == ("-", "--")
    assert legend(figure) == ["send", "receive"]


def test_several_participants_differ_in_colour_and_marker_and_are_named_as_they_joined() -> None:
    samples = interleaved(*(scripted(30, peer=peer) for peer in ("python", "a1", "b2")))
    figure = stats(samples, [event(1, "join", "Ada", "a1")]).plot("rtt_s")
    lines = figure.axes[0].get_lines()
    assert len({line.get_color() for line in lines}) == 3
    assert len({line.get_marker() for line in lines}) == 3
    assert set(legend(figure)) >= {"Python", "Ada", "b2"}


def test_pythons_own_end_of_the_link_is_drawn_only_if_asked_for() -> None:
    both = stats(interleaved(scripted(5), scripted(5, peer="you", start_s=START_S + 0.1)))
    assert len(both.plot("fps").axes[0].get_lines()) == 2
    only = both.plot("fps", participant="you")
    assert len(only.axes[0].get_lines()) == 2
    both_lines = stats(scripted(5)).plot("fps").axes[0].get_lines()
    assert len(both_lines) == 2


def test_at_most_eight_lines_are_drawn_and_the_rest_is_named() -> None:
    samples = interleaved(*(scripted(4 if n else 6, peer=f"PC_{n:02}") for n in range(100)))
    figure = stats(samples).plot(["fps", "rtt_s"])
    assert len(figure.axes[0].get_lines()) == MOST_LINES
    assert "Not drawn: PC_04, PC_05" in figure.axes[1].get_xlabel()
    assert "90 more" in figure.axes[1].get_xlabel()
    figure.canvas.draw()


def test_a_value_between_two_gaps_is_a_point() -> None:
    lone = 20
    figure = stats(scripted(60, fps=lambda n: 30.0, loss=lambda n: 0.1 if n == lone else None)).plot(
        "loss_fraction"
    )
    line = next(line for line in figure.axes[0].get_lines() if line.get_linestyle() == "-")
    values = np.asarray(line.get_ydata(), dtype=float)
    known = np.flatnonzero(~np.isnan(values)).tolist()
    assert known == [lone]
    assert set(known) <= set(line.get_markevery())  # type: ignore[arg-type]


def test_a_new_connection_is_a_line_of_its_own() -> None:
    samples = [*scripted(5), *scripted(5, start_s=START_S + 5, generation=2)]
    assert len(stats(samples).plot("fps").axes[0].get_lines()) == 4


def test_a_flat_zero_has_a_scale_that_does_not_look_like_a_problem() -> None:
    assert stats(scripted(5)).plot("loss_fraction").axes[0].get_ylim() == (0, 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("interval_s", [0.01, 0.1, 0.7, 1, 3, 5.5, 8, 17, 60, 200, 900, 1500])
def test_the_axis_of_time_is_readable_for_any_length(interval_s: float) -> None:
    figure = stats(scripted(60, interval_s=interval_s)).plot("rtt_s")
    figure.canvas.draw()
    left, right = figure.axes[0].get_xlim()
    ticks = [tick for tick in figure.axes[0].get_xticks() if left <= tick <= right]
    assert 2 <= len(ticks) <= 10


def test_the_opinion_score_is_drawn_on_its_own_scale_and_the_worse_kind_counts() -> None:
    call = stats(scripted(5))
    assert call.plot("mos").axes[0].get_ylim() == (1, 5)
    rows = [row for row in derive(call.raw()) if row.direction == "receive" and row.time_s == START_S + 4]
    received = call.plot("mos").axes[0].get_lines()[1]
    assert float(np.asarray(received.get_ydata(), dtype=float)[-1]) == min(row.mos for row in rows)


@given(st.lists(st.floats(0.5, 1.5), min_size=2, max_size=40), st.data())
@settings(max_examples=50, deadline=None)
def test_a_pause_becomes_one_gap_and_nothing_is_lost(steps_s: list[float], data: st.DataObject) -> None:
    where = data.draw(st.integers(0, len(steps_s) - 1))
    steps_s[where] = 100.0
    times_s = np.cumsum([0.0, *steps_s]).tolist()
    out_s, values = with_gaps(times_s, [1.0] * len(times_s))
    assert [time_s for time_s, value in zip(out_s, values, strict=True) if value == 1.0] == times_s
    # With two polls alone nobody knows what is usual.
    assert np.isnan(values).sum() == (1 if len(steps_s) > 2 else 0) or len(steps_s) == 2
    assert out_s == sorted(out_s)


# --- events


def test_events_stand_in_a_strip_of_their_own_with_the_telling_ones_first() -> None:
    happened = [
        *(event(1 + n / 100, "icecandidate", "host udp", "python") for n in range(7)),
        event(1.2, "iceconnectionstatechange", "connected", "python"),
        event(1.3, "connectionstatechange", "connected", "python"),
        event(20, "effect", "negative"),
        event(40, "icecandidate", "srflx udp", "python"),
    ]
    figure = stats(scripted(60), happened).plot(["fps", "rtt_s"])
    assert written(strip(figure)) == ["ICE connected, connected +7", "effect negative", "1 candidate"]
    assert [ax.get_ylabel() for ax in figure.axes[:2]] == ["Frame rate (fps)", "Round trip (ms)"]


def test_events_can_be_left_out() -> None:
    figure = stats(scripted(10, frozen=0.5), [event(2, "phase", "connected")]).plot("fps", events=False)
    assert len(figure.axes) == 1
    assert shaded(figure) == []


def test_another_participants_events_are_left_out_but_not_the_calls() -> None:
    samples = interleaved(scripted(30), scripted(30, peer="a1"))
    happened = [event(5, "phase", "connected"), event(15, "connectionstatechange", "failed", "a1")]
    assert written(strip(stats(samples, happened).plot("fps", "python"))) == ["connected"]
    assert written(strip(stats(samples, happened).plot("fps"))) == ["connected", "a1: failed"]


def test_events_long_before_the_first_poll_do_not_squeeze_the_picture() -> None:
    figure = stats(scripted(60), [event(-3600, "phase", "ready"), event(10, "phase", "connected")]).plot(
        "fps"
    )
    left, right = figure.axes[0].get_xlim()
    assert seconds(right) - seconds(left) < 120
    assert "1 event is before or after" in figure.axes[0].get_xlabel()


def test_names_of_dumps_are_understood() -> None:
    found = marks(
        [
            event(0, "onicecandidate", "candidate:1 1 udp 1 192.0.2.1 5000 typ host"),
            event(1, "oniceconnectionstatechange", '"checking"'),
            event(2, "setRemoteDescriptionOnSuccess"),
            event(3, "setLocalDescription", "type: offer, sdp: v=0 " + "x" * 2000),
        ]
    )
    assert [mark.rank for mark in found] == [4, 1, 3, 3]
    assert [mark.text for mark in found[1:]] == [
        "ICE checking",
        "setRemoteDescriptionOnSuccess",
        "setLocalDescription",
    ]


@given(
    st.lists(
        st.tuples(
            st.floats(0, 600),
            st.sampled_from(
                ["phase", "join", "icecandidate", "connectionstatechange", "setLocalDescription"]
            ),
            st.text(max_size=60),
        ),
        max_size=80,
    )
)
@settings(max_examples=100, deadline=None)
def test_labels_are_few_inside_and_never_over_another(happened: list[tuple[float, str, str]]) -> None:
    def width_of(text: str) -> float:
        return len(text) / 100

    found = marks([event(*each) for each in happened])
    placed = labels(found, START_S, START_S + 600, width_of)
    assert len(placed) <= MOST_LABELS
    assert not found or placed
    boxes = []
    for label in placed:
        at = (label.time_s - START_S) / 600
        left = at if label.align == "left" else at - width_of(label.text)
        assert left >= 0
        assert left + width_of(label.text) <= 1 + 1e-9
        boxes.append((label.row, left, left + width_of(label.text)))
    for (row, left, right), (other_row, other_left, other_right) in combinations(boxes, 2):
        assert row != other_row or right <= other_left or left >= other_right


def test_the_labels_of_a_busy_call_do_not_overlap_as_drawn() -> None:
    happened = [event(2.3 * n, "quality", f"{160 + 40 * n}x{120 + 30 * n}@{5 + n % 25}") for n in range(26)]
    figure = stats(scripted(60), happened).plot("fps")
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in strip(figure).texts]
    assert len(boxes) == MOST_LABELS
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 for box in boxes)


# --- shades


def test_freezes_and_limits_are_shaded_apart() -> None:
    call = stats(
        scripted(
            30,
            frozen=lambda n: 0.4 if n in (5, 6) else 0.0,
            limitation=lambda n: "cpu" if 10 <= n < 15 else "bandwidth" if n == 20 else "none",
        )
    )
    figure = call.plot(["fps", "rtt_s"])
    assert shaded(figure) == [(4, 6), (9, 14), (19, 20)]
    assert legend(figure)[-3:] == ["picture frozen", "limited by CPU", "limited by bandwidth"]
    shades = [shade for shade in figure.axes[1].collections if isinstance(shade, PolyCollection)]
    assert len({shade.get_hatch() for shade in shades}) == 3


def test_several_pictures_freezes_become_one_and_nobodys_past_is_guessed() -> None:
    calls = [
        scripted(10, frozen=lambda n: 0.5 if n in (3, 4) else 0.0),
        scripted(10, peer="a1", start_s=START_S + 0.5, frozen=lambda n: 0.5 if n == 4 else 0.0),
    ]
    (span,) = spans(measured(interleaved(*calls), own_end=False))["frozen"]
    assert (span.start_s - START_S, span.end_s - START_S) == (2, 4.5)
    late = [*scripted(2), *scripted(2, start_s=START_S + 3600, limitation="cpu")]
    limited = spans(measured(late, own_end=False))["cpu"]
    assert [span.end_s - span.start_s for span in limited] == pytest.approx([11])


def test_a_dump_without_statistics_says_so() -> None:
    text = written(stats([]).plot().axes[0])
    assert text == ["There are no statistics here."]


def test_a_freeze_reaches_back_to_where_it_began() -> None:
    long = scripted(61, frozen=lambda n: 6.0 if n == 30 else 0.0)
    (span,) = spans(measured(long, own_end=False))["frozen"]
    assert (span.start_s - START_S, span.end_s - START_S) == pytest.approx((24, 30))
