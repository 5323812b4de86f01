"""What holds of any call: resets, gaps, a packetsLost that falls, RTCP reports that are old.

The calls are made by a model that knows what truly happened between two polls; rows, streams and points have
to say exactly that, or NaN where no browser could know it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose, isnan, nan
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import RTCP_LIFE_S, derive_rows
from nbrtc.stats.point import points
from nbrtc.stats.row import StatsRow
from nbrtc.stats.streams import derive_streams

T0_S = 1_700_000_000.0
HIGHEST = 10**15
"""A counter begins here and a reset brings it to a quarter, so that no growth in between hides one."""

Change = Literal["", "reset", "ssrc", "generation", "gap"]


@dataclass(frozen=True, slots=True)
class Step:
    """What happens from one poll to the next."""

    seconds: float
    packets: int
    lost: int
    """Below 0 where packets that counted as lost came late."""
    change: Change
    report_age_s: float
    """Of the newest RTCP report, at the poll."""
    said: float
    """What that report says: the fraction lost, and the jitter in seconds."""


STEPS = st.lists(
    st.builds(
        Step,
        seconds=st.sampled_from([0.1, 0.5, 1.0, 1.3, 5.0]),
        packets=st.integers(0, 5000),
        lost=st.integers(-60, 60),
        change=st.sampled_from(["", "", "", "reset", "ssrc", "generation", "gap"]),
        report_age_s=st.floats(0, 12),
        said=st.floats(0, 1),
    ),
    min_size=2,
    max_size=12,
)


@dataclass(frozen=True, slots=True)
class Truth:
    """One poll, and what happened since the stream was last seen."""

    sample: StatsSample
    step: Step
    is_there: bool
    is_known: bool
    """Its counters can be compared with the poll before."""
    since_seen: Step | None
    """All since it was last seen, also over a gap; None if they cannot be compared."""


def call(steps: list[Step]) -> Iterator[Truth]:
    time_s, total, lost, ssrc, generation = T0_S, HIGHEST, 500_000, 1, 1
    seen: Step | None = None  # what passed since then
    was_there = False
    for number, step in enumerate(steps):
        time_s += step.seconds
        if step.change == "reset":
            total //= 4
        total, lost = total + step.packets, lost + step.lost
        ssrc += step.change == "ssrc"
        generation += step.change == "generation"
        begins = number == 0 or step.change in ("reset", "ssrc", "generation")
        if begins:
            seen = None
        elif seen is not None:
            seen = Step(
                seen.seconds + step.seconds, seen.packets + step.packets, seen.lost + step.lost, "", 0, 0
            )
        is_there = step.change != "gap"
        yield Truth(
            sample=StatsSample(
                time_s=time_s,
                peer="ada",
                generation=generation,
                reports=tuple(_reports(time_s, total, lost, ssrc, step)) if is_there else (),
            ),
            step=step,
            is_there=is_there,
            is_known=is_there and was_there and not begins,
            since_seen=seen if is_there else None,
        )
        if is_there:
            seen = Step(0, 0, 0, "", 0, 0)
        was_there = is_there


def _reports(time_s: float, total: int, lost: int, ssrc: int, step: Step) -> Iterator[dict[str, Any]]:
    now: dict[str, Any] = {"timestamp": 1000 * time_s, "kind": "video"}
    yield {
        **now, "id": "I", "type": "inbound-rtp", "ssrc": ssrc, "bytesReceived": 1000 * total,
        "packetsReceived": total, "packetsLost": lost, "framesDecoded": total,
    }  # fmt: skip
    yield {
        **now, "id": "O", "type": "outbound-rtp", "ssrc": 100 + ssrc, "bytesSent": 1000 * total,
        "packetsSent": total, "framesEncoded": total, "remoteId": "R",
    }  # fmt: skip
    yield {
        **now, "id": "R", "type": "remote-inbound-rtp", "ssrc": 100 + ssrc, "localId": "O",
        "timestamp": 1000 * (time_s - step.report_age_s), "fractionLost": step.said, "jitter": step.said,
    }  # fmt: skip


def rows_of(steps: list[Step]) -> Iterator[tuple[Truth, StatsRow, StatsRow]]:
    """Each poll that has the stream, with its rows: sent, received."""
    before: StatsSample | None = None
    for truth in call(steps):
        rows = derive_rows(before, truth.sample)
        before = truth.sample
        if truth.is_there:
            sent, received = rows
            yield truth, sent, received
        else:
            assert rows == []


def same(value: float | None, expected: float) -> bool:
    return (
        (value is None or isnan(value))
        if isnan(expected)
        else value is not None and isclose(value, expected, rel_tol=1e-4, abs_tol=1e-12)
    )


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_rates_are_what_passed_between_two_polls_and_unknown_across_resets_and_gaps(
    steps: list[Step],
) -> None:
    for truth, sent, received in rows_of(steps):
        step = truth.step
        for row in (sent, received):
            assert same(row.bitrate_bps, 8000 * step.packets / step.seconds if truth.is_known else nan)
            assert same(row.packets, step.packets if truth.is_known else nan)
            assert same(row.fps, step.packets / step.seconds if truth.is_known else nan)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_lost_packets_that_come_late_are_no_loss_and_no_reset(steps: list[Step]) -> None:
    for truth, _, received in rows_of(steps):
        lost = max(0, truth.step.lost) if truth.is_known else nan
        assert same(received.packets_lost, lost)
        expected = lost + truth.step.packets
        assert same(received.loss_fraction, lost / expected if expected > 0 else nan)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_a_report_of_the_other_side_counts_for_five_seconds(steps: list[Step]) -> None:
    for truth, sent, _ in rows_of(steps):
        # The arrival is a timestamp, and rounding may bring one to the other side of exactly 5 s.
        if abs(truth.step.report_age_s - RTCP_LIFE_S) < 1e-3:
            continue
        said = truth.step.said if truth.step.report_age_s < RTCP_LIFE_S else nan
        assert same(sent.jitter_s, said)
        assert same(sent.loss_fraction, said)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_a_stream_is_compared_over_gaps_and_never_over_resets(steps: list[Step]) -> None:
    truths = [truth for truth in call(steps) if truth.is_there]
    rows = [
        row for row in derive_streams(truth.sample for truth in call(steps)) if row.direction == "receive"
    ]
    for truth, row in zip(truths, rows, strict=True):
        passed = truth.since_seen
        assert same(row.packets, nan if passed is None else passed.packets)
        assert same(row.packets_lost, nan if passed is None else max(0, passed.lost))
        assert same(row.bitrate_bps, nan if passed is None else 8000 * passed.packets / passed.seconds)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_the_points_of_the_panel_say_the_same(steps: list[Step]) -> None:
    rows = {truth.sample.time_s: (sent, received) for truth, sent, received in rows_of(steps)}
    for point in points(truth.sample for truth in call(steps)):
        both = rows.get(point["time_s"] or 0.0)
        sent, received = both if both is not None else (None, None)
        assert same(point["receiveBitrate_bps"], nan if received is None else received.bitrate_bps)
        assert same(point["receiveLossFraction"], nan if received is None else received.loss_fraction)
        assert same(point["sendLossFraction"], nan if sent is None else sent.loss_fraction)
