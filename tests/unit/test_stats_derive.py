"""What holds for every poll, whatever a browser leaves out of it or makes of it."""

from itertools import pairwise
from math import isnan
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.messages import StatsSample
from nbrtc.stats import METRICS, StatsRow, derive, derive_rows
from nbrtc.stats.interval import CORE_COUNTERS
from tests.unit.stats_vectors import RECORDED, cases, samples_of

RECORDINGS = [samples_of(case) for name in RECORDED for case in cases(name)]
PAIRS = [pair for samples in RECORDINGS for pair in pairwise(samples)]
FRACTIONS = [name for name in METRICS if name.endswith("_fraction")]

values = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.integers(-(2**33), 2**53),
    st.floats(-1e12, 1e12, allow_nan=False),
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[StatsSample, StatsSample]:
    """Two real polls, some of whose members are missing or nonsense."""
    before, now = draw(st.sampled_from(PAIRS))
    return _damage(draw, before), _damage(draw, now)


def _damage(draw: st.DrawFn, sample: StatsSample) -> StatsSample:
    reports: list[dict[str, Any]] = [dict(report) for report in sample.reports]
    members = [(number, name) for number, report in enumerate(reports) for name in report]
    for number, name in draw(st.sets(st.sampled_from(members), max_size=12)):
        del reports[number][name]
    for (number, name), value in draw(st.dictionaries(st.sampled_from(members), values, max_size=6)).items():
        reports[number][name] = value
    return msgspec.structs.replace(sample, reports=tuple(reports))


def numbers(row: StatsRow, names: list[str]) -> list[float]:
    return [value for value in (getattr(row, name) for name in names) if not isnan(value)]


@settings(max_examples=100, deadline=None)
@given(damaged())
def test_fractions_stay_between_0_and_1(pair: tuple[StatsSample, StatsSample]) -> None:
    for row in derive_rows(*pair):
        assert all(0 <= value <= 1 for value in numbers(row, FRACTIONS))


@settings(max_examples=100, deadline=None)
@given(damaged())
def test_nothing_that_is_counted_becomes_negative(pair: tuple[StatsSample, StatsSample]) -> None:
    gauges = {"jitter_s", "rtt_s", "available_bitrate_bps", "frame_width", "frame_height"}
    counted = [name for name in METRICS if name not in gauges]
    for row in derive_rows(*pair):
        assert all(value >= 0 for value in numbers(row, counted))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PAIRS), st.data())
def test_a_member_that_is_left_out_never_turns_into_a_number(
    pair: tuple[StatsSample, StatsSample], data: st.DataObject
) -> None:
    """Metrics that were not known before may not appear, because nothing was added."""
    before, now = pair
    optional = sorted({name for report in now.reports for name in report} - {"id", "type", "kind", "ssrc"})
    gone = data.draw(st.sets(st.sampled_from(optional)))
    thinner = msgspec.structs.replace(
        now,
        reports=tuple({name: report[name] for name in report if name not in gone} for report in now.reports),
    )
    # RTCP stands in for STUN's round trip, packet counts for the receiver's own fraction.
    second_best = {"rtt_s", "loss_fraction"}
    full = {(row.direction, row.kind): row for row in derive_rows(before, now)}
    for row in derive_rows(before, thinner):
        for name in set(METRICS) - second_best:
            if isnan(getattr(full[row.direction, row.kind], name)):
                assert isnan(getattr(row, name)), name


COUNTED_OF_A_STREAM = ("bitrate_bps", "packets", "fps", "keyframes", "frames_dropped", "qp", "nack", "pli")


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PAIRS), st.sampled_from(CORE_COUNTERS))
def test_a_counter_that_falls_hides_every_difference_of_its_stream(
    pair: tuple[StatsSample, StatsSample], counter: str
) -> None:
    before, now = pair
    raised = tuple(_raise(report, counter) for report in before.reports)
    for row in derive_rows(msgspec.structs.replace(before, reports=raised), now):
        type_ = "outbound-rtp" if row.direction == "send" else "inbound-rtp"
        streams = [r for r in now.reports if r["type"] == type_ and r["kind"] == row.kind]
        if all(counter in stream for stream in streams):
            assert numbers(row, list(COUNTED_OF_A_STREAM)) == []


def _raise(report: dict[str, Any], counter: str) -> dict[str, Any]:
    return {**report, counter: report[counter] + 2**40} if counter in report else report


@pytest.mark.parametrize("samples", RECORDINGS)
def test_a_connection_has_no_rates_in_its_first_poll(samples: list[StatsSample]) -> None:
    rows = derive_rows(None, samples[0])
    assert rows
    for row in rows:
        assert numbers(row, list(COUNTED_OF_A_STREAM)) == []


def test_participants_whose_polls_interleave_do_not_disturb_each_other() -> None:
    samples = RECORDINGS[0]
    other = [msgspec.structs.replace(sample, peer="ada") for sample in samples]
    mixed = [sample for both in zip(samples, other, strict=True) for sample in both]
    rows = list(derive(mixed))
    alone = [repr(row) for row in derive(samples)]
    assert [repr(row) for row in rows if row.participant == "python"] == alone
    assert [repr(row).replace("'ada'", "'python'") for row in rows if row.participant == "ada"] == alone
