"""Both ends of simulated calls, joined: what one sent against what the other received."""

import gzip
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest

from nbrtc.messages import StatsSample
from nbrtc.stats.dumps.internals import read_internals
from nbrtc.stats.ends.join import COLUMNS, join
from nbrtc.stats.loaded import LoadedStats
from tests.unit.two_ends import Flow, Polls, flow, two_ends

DUMP = Path(__file__).parents[1] / "data" / "dumps" / "chromium-156-internals.json.gz"


def source(*samples: list[StatsSample]) -> LoadedStats:
    return LoadedStats([sample for part in samples for sample in part], [], {"format": "test"})


def joined(up: list[Flow], down: list[Flow], ours: Polls, theirs: Polls, **options: object) -> pd.DataFrame:
    our_samples, their_samples = two_ends(up, down, ours, theirs, **options)  # type: ignore[arg-type]
    return join(source(our_samples), source(their_samples))


def without(samples: list[StatsSample], *types: str) -> list[StatsSample]:
    return [
        msgspec.structs.replace(
            sample, reports=tuple(report for report in sample.reports if report["type"] not in types)
        )
        for sample in samples
    ]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.mark.parametrize("offset_s", [100.0, -100.0, 0.2, -0.2])
def test_loss_and_offset_come_out_whatever_the_clocks_show(rng: np.random.Generator, offset_s: float) -> None:
    up = flow(rng, ssrc=1, loss=0.05)
    down = flow(rng, ssrc=2, kind="audio", packets_per_s=50)

    frame = joined([up], [down], Polls(), Polls(offset_s=offset_s, phase_s=0.37))

    assert frame.attrs["clock_offset_method"] == {"ben": "rtcp"}
    assert frame.attrs["clock_offset_s"]["ben"] == pytest.approx(offset_s, abs=0.003)
    assert frame.attrs["clock_offset_error_s"]["ben"] == pytest.approx(0.04, abs=0.003)
    sent = frame[frame.direction == "send"]
    assert sent.lost_packets.sum() == pytest.approx(up.lost, abs=4)
    assert sent.loss_fraction.mean() == pytest.approx(0.05, abs=0.02)
    received = frame[frame.direction == "receive"]
    assert received.lost_packets.sum() == pytest.approx(0, abs=1)
    assert received.kind.unique().tolist() == ["audio"]
    steady = frame.dropna(subset=["sent_bitrate_bps", "received_bitrate_bps"])
    assert len(steady) > 100
    assert steady[steady.direction == "send"].sent_bitrate_bps.median() == pytest.approx(480_000, rel=0.02)


def test_the_lines_are_our_polls_by_our_clock(rng: np.random.Generator) -> None:
    ours = Polls(offset_s=3.0, phase_s=0.25)
    frame = joined([flow(rng, ssrc=1)], [], ours, Polls(phase_s=0.8))

    polled_s = [float(ours.clock(0.25 + second)) for second in range(60)]
    assert list(frame.columns) == list(COLUMNS)
    assert frame.index.name == "time"
    assert str(frame.index.tz) == "UTC"
    assert [time.timestamp() for time in frame.index] == pytest.approx(polled_s)
    assert set(frame.other_participant) == {"ada"}
    assert set(frame.ssrc) == {1}


def test_an_uneven_path_is_within_the_error(rng: np.random.Generator) -> None:
    up, down = flow(rng, ssrc=1, delay_s=0.02), flow(rng, ssrc=2, delay_s=0.18)

    attrs = joined([up], [down], Polls(), Polls(offset_s=1.0)).attrs

    assert attrs["clock_offset_s"]["ben"] == pytest.approx(0.92, abs=0.005)
    assert abs(attrs["clock_offset_s"]["ben"] - 1.0) <= attrs["clock_offset_error_s"]["ben"]


def test_packets_on_their_way_are_not_lost(rng: np.random.Generator) -> None:
    """A stream that begins to send ten times as much: by 200 ms of delay some would seem lost at first."""
    calm = flow(rng, ssrc=1, packets_per_s=50, between=(0, 20), delay_s=0.2, jitter_s=0.0)
    busy = flow(rng, ssrc=1, packets_per_s=500, between=(20, 40), delay_s=0.2, jitter_s=0.0)
    both = Flow(1, "video", *(np.concatenate(pair) for pair in zip(_times(calm), _times(busy), strict=True)))
    back = flow(rng, ssrc=2, between=(0, 40), delay_s=0.2, jitter_s=0.0)
    fast = Polls(interval_s=0.1, end_s=40)

    frame = joined([both], [back], fast, Polls(interval_s=0.1, phase_s=0.03, offset_s=-4, end_s=40))

    sent = frame[frame.direction == "send"]
    assert sent.received_packets.max() > 10_000
    assert sent.lost_packets.abs().max() < 40
    assert (sent.sent_packets - sent.received_packets).abs().max() < 40


def _times(one: Flow) -> tuple[np.ndarray, ...]:
    return one.sent, one.arrived, one.reports_sent, one.reports_arrived


def test_who_starts_late_leaves_the_beginning_open(rng: np.random.Generator) -> None:
    frame = joined(
        [flow(rng, ssrc=1, loss=0.1)], [flow(rng, ssrc=2)], Polls(), Polls(begin_s=20.5, phase_s=0.1)
    )

    sent = frame[frame.direction == "send"]
    known = sent.received_packets.notna()
    assert not known.iloc[:20].any()
    assert known.iloc[22:].all()
    assert sent.lost_packets.sum() == pytest.approx(0.1 * 60 * 37, rel=0.3)
    assert sent.sent_packets.notna().all()


def test_a_new_ssrc_is_a_stream_of_its_own(rng: np.random.Generator) -> None:
    up = [flow(rng, ssrc=1, between=(0, 30)), flow(rng, ssrc=3, between=(30, 60), loss=0.2)]

    frame = joined(up, [flow(rng, ssrc=2)], Polls(), Polls(phase_s=0.5, offset_s=0.2))

    lost = frame[frame.direction == "send"].groupby("ssrc").lost_packets.sum()
    assert lost[1] == pytest.approx(0, abs=5)  # what comes between the last poll and the end is nobody's
    assert lost[3] == pytest.approx(up[1].lost, abs=30)
    last = frame[frame.ssrc == 3].dropna().iloc[-1]
    assert last.sent_packets - last.received_packets == pytest.approx(up[1].lost, abs=15)
    assert frame.attrs["clock_offset_s"]["ben"] == pytest.approx(0.2, abs=0.005)


def test_drift_over_an_hour_leaves_no_loss(rng: np.random.Generator) -> None:
    up, down = (flow(rng, ssrc=ssrc, packets_per_s=10, between=(0.0, 3600.0)) for ssrc in (1, 2))
    polls = {"end_s": 3600.0, "interval_s": 5.0}

    frame = joined([up], [down], Polls(**polls), Polls(offset_s=60, drift=50e-6, phase_s=2.2, **polls))

    assert frame.attrs["clock_drift_ppm"]["ben"] == pytest.approx(50, abs=2)
    last = frame[frame.direction == "send"].dropna().iloc[-1]
    assert last.received_packets == pytest.approx(last.sent_packets, abs=1)


def test_two_connections_at_once_find_their_own_ends(rng: np.random.Generator) -> None:
    """Everybody sends with the same SSRCs to everybody: the certificates tell them apart."""
    links = []
    for name, offset_s, loss in (("ben", 0.2, 0.0), ("cem", -30.0, 0.3)):
        up, down = flow(rng, ssrc=1, loss=loss), flow(rng, ssrc=2)
        links.append(
            two_ends([up], [down], Polls(), Polls(offset_s=offset_s, phase_s=0.6), names=("ada", name))
        )
    (to_ben, at_ben), (to_cem, at_cem) = links

    with_cem = join(source(to_ben, to_cem), source(at_cem))
    with_ben = join(source(to_ben, to_cem), source(at_ben))
    everything = join(
        source(to_ben, to_cem),
        source(at_ben, [msgspec.structs.replace(sample, peer="ada's other") for sample in at_cem]),
    )

    assert set(with_cem.participant) == {"cem"}
    assert set(with_ben.participant) == {"ben"}
    assert with_cem.attrs["clock_offset_s"]["cem"] == pytest.approx(-30, abs=0.005)
    assert with_ben.attrs["clock_offset_s"]["ben"] == pytest.approx(0.2, abs=0.005)
    assert everything.groupby("participant").other_participant.unique().map(list).to_dict() == {
        "ben": ["ada"],
        "cem": ["ada's other"],
    }
    pd.testing.assert_frame_equal(
        join(source(to_ben, to_cem), source(at_ben), "ben"), with_ben, check_like=False
    )


def test_without_certificates_the_ssrcs_tell(rng: np.random.Generator) -> None:
    up, down = [flow(rng, ssrc=1)], [flow(rng, ssrc=2)]
    ours, theirs = two_ends(up, down, Polls(), Polls(phase_s=0.6), fingerprints=False)
    other, _ = two_ends([flow(rng, ssrc=8)], [flow(rng, ssrc=9)], Polls(), Polls(), names=("x", "y"))

    frame = join(source(other, ours), source(theirs))

    assert set(frame.participant) == {"ben"}


def test_a_connection_that_was_built_anew_is_joined_generation_by_generation(
    rng: np.random.Generator,
) -> None:
    parts = [
        two_ends(
            [flow(rng, ssrc=ssrc, between=times, loss=0.1)],
            [flow(rng, ssrc=ssrc + 1, between=times)],
            Polls(begin_s=times[0], end_s=times[1]),
            Polls(begin_s=times[0], end_s=times[1], phase_s=0.5, offset_s=2.0),
            generation=generation,
        )
        for generation, ssrc, times in ((1, 10, (0.0, 30.0)), (2, 20, (32.0, 60.0)))
    ]
    frame = join(source(*(part[0] for part in parts)), source(*(part[1] for part in parts)))

    assert frame.groupby("generation").ssrc.unique().map(sorted).to_dict() == {1: [10, 11], 2: [20, 21]}
    assert frame.attrs["clock_offset_s"]["ben"] == pytest.approx(2.0, abs=0.005)


def test_a_counter_that_was_reset_goes_on(rng: np.random.Generator) -> None:
    """They lose their counter midway, as after a lost renderer; what had come until then did come."""
    ours, theirs = two_ends([flow(rng, ssrc=1)], [flow(rng, ssrc=2)], Polls(), Polls(phase_s=0.5))
    reset = [
        msgspec.structs.replace(
            sample,
            reports=tuple(
                {**report, "packetsReceived": count - 1800}
                if isinstance(count := report.get("packetsReceived"), int) and count > 1800
                else report
                for report in sample.reports
            ),
        )
        for sample in theirs
    ]

    frame = join(source(ours), source(reset))

    assert frame.received_packets.max() > 3000
    assert (frame.lost_packets.dropna() > -61).all()
    assert frame.lost_packets.abs().median() < 1


def test_an_end_that_forwards_pictures_counts_them_and_may_begin_to_decode(rng: np.random.Generator) -> None:
    ours, theirs = two_ends([flow(rng, ssrc=1)], [], Polls(), Polls())

    def forwarded(number: int, report: dict[str, Any]) -> dict[str, Any]:
        """Without a decoder at first; then one that decoded before, and leaves every other picture out."""
        if report["type"] != "inbound-rtp":
            return report
        decoded = report.pop("framesDecoded")
        began = len(theirs) // 2
        counted = {"framesDecoded": 5000 + (number - began) * 7} if number >= began else {}
        return {**report, "framesReceived": decoded, **counted}

    theirs = [
        msgspec.structs.replace(
            sample, reports=tuple(forwarded(number, dict(report)) for report in sample.reports)
        )
        for number, sample in enumerate(theirs)
    ]
    frame = join(source(ours), source(theirs)).dropna(subset=["sent_fps", "received_fps"])
    half = len(frame) // 2
    assert len(frame) > 40
    assert frame.received_fps[: half - 3].mean() == pytest.approx(frame.sent_fps[: half - 3].mean(), rel=0.05)
    assert frame.received_fps[half + 3 :].mean() == pytest.approx(7, rel=0.05)
    assert frame.received_fps.max() < 2 * frame.sent_fps.max()  # no jump where the counter changes


def test_without_sender_reports_the_packet_counters_tell(rng: np.random.Generator) -> None:
    up, down = flow(rng, ssrc=1, reports=False, loss=0.05), flow(rng, ssrc=2, reports=False)

    frame = joined([up], [down], Polls(), Polls(offset_s=-100.0, phase_s=0.4))

    assert frame.attrs["clock_offset_method"] == {"ben": "packet counters"}
    assert frame.attrs["clock_offset_s"]["ben"] == pytest.approx(-100, abs=0.1)
    assert frame.attrs["clock_offset_error_s"]["ben"] == pytest.approx(1.0, abs=0.01)
    assert frame[frame.direction == "send"].lost_packets.sum() == pytest.approx(up.lost, abs=8)


def test_sender_reports_in_one_direction_do(rng: np.random.Generator) -> None:
    up, down = flow(rng, ssrc=1), flow(rng, ssrc=2, reports=False)

    attrs = joined([up], [down], Polls(), Polls(offset_s=100.0, phase_s=0.4)).attrs

    assert attrs["clock_offset_method"] == {"ben": "rtcp one way"}
    assert attrs["clock_offset_s"]["ben"] == pytest.approx(100, abs=0.005)
    assert "half the round trip" in attrs["clock_offset_note"]["ben"]


def test_the_two_ends_of_a_call_with_python_are_one_source(rng: np.random.Generator) -> None:
    page, engine = two_ends(
        [flow(rng, ssrc=1)], [flow(rng, ssrc=2)], Polls(), Polls(phase_s=0.5), names=("you", "python")
    )
    call = source(engine, page)

    frame = join(call, call)

    assert set(frame.participant) == {"python"}
    assert set(frame.other_participant) == {"you"}
    assert set(join(call, call, "you").participant) == {"you"}


def test_what_does_not_belong_together_is_refused_in_words(rng: np.random.Generator) -> None:
    ours, _ = two_ends([flow(rng, ssrc=1)], [flow(rng, ssrc=2)], Polls(), Polls())
    others, _ = two_ends([flow(rng, ssrc=1)], [flow(rng, ssrc=2)], Polls(), Polls(), names=("x", "y"))

    with pytest.raises(ValueError, match=r"No stream of one side \('ben'\) is one of the other \('y'\)"):
        join(source(ours), source(others))
    one = source(ours)
    with pytest.raises(ValueError, match="both ends are here"):
        join(one, one)
    with pytest.raises(ValueError, match=r"no statistics of 'eva'.*'ben'"):
        join(source(ours), source(others), "eva")


def test_a_stream_that_one_side_hardly_saw_is_not_made_up(rng: np.random.Generator) -> None:
    ours, theirs = two_ends([flow(rng, ssrc=1)], [flow(rng, ssrc=2)], Polls(), Polls(phase_s=0.5))

    frame = join(source(ours), source(theirs[30:31]))

    sent = frame[frame.direction == "send"]
    assert sent.received_packets.isna().all()
    assert sent.loss_fraction.isna().all()
    assert sent.sent_packets.iloc[-1] > 3000


def test_both_ends_of_a_real_call_in_chromium_agree() -> None:
    """A page that called itself, by its own dump: one clock, no loss."""
    dump = read_internals(gzip.decompress(DUMP.read_bytes()), DUMP.name)

    frame = join(dump, dump)

    (offset_s,) = frame.attrs["clock_offset_s"].values()
    (error_s,) = frame.attrs["clock_offset_error_s"].values()
    assert list(frame.attrs["clock_offset_method"].values()) == ["rtcp"]
    assert abs(offset_s) <= error_s < 0.05
    streams = frame.groupby(["direction", "kind"])
    assert len(streams) == 4
    assert streams.lost_packets.sum().abs().max() < 3
    known = frame.dropna(subset=["sent_packets", "received_packets"])
    assert len(known) > 20
    assert (known.sent_packets - known.received_packets).abs().max() < 5
    video = known[(known.kind == "video") & (known.direction == "send")]
    assert video.sent_fps.median() == pytest.approx(video.received_fps.median(), rel=0.1)
