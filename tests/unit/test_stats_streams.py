"""The metrics of each RTP stream: formulas, resets, gaps, old RTCP reports; and what always holds."""

from itertools import pairwise
from math import isfinite, isnan, nan, sqrt
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbrtc.messages import StatsSample
from nbrtc.stats.interval import CORE_COUNTERS
from nbrtc.stats.stream_row import StreamRow
from nbrtc.stats.streams import derive_streams
from tests.unit.stats_vectors import RECORDED, cases, samples_of

RECORDINGS = [samples_of(case) for name in RECORDED for case in cases(name)]
METRICS = [
    name for name, kind in StreamRow.__annotations__.items() if kind is float and name not in ("time_s",)
]
GAUGES = {
    "jitter_s",
    "rtt_s",
    "rtcp_rtt_s",
    "report_age_s",
    "available_bitrate_bps",
    "target_bitrate_bps",
    "frame_width",
    "frame_height",
}
COUNTED = [name for name in METRICS if name not in GAUGES]
SHARES = [name for name in METRICS if name.endswith("_fraction")]

T0_MS = 1_700_000_000_000.0


def poll(second: float, *reports: dict[str, Any], generation: int = 1, peer: str = "python") -> StatsSample:
    """A poll whose reports carry its time, unless they have one of their own."""
    return StatsSample(
        time_s=T0_MS / 1000 + second,
        peer=peer,
        generation=generation,
        reports=tuple({"timestamp": T0_MS + 1000 * second, **report} for report in reports),
    )


def inbound(**members: Any) -> dict[str, Any]:
    return {"id": "I", "type": "inbound-rtp", "kind": "video", "ssrc": 7, **members}


def outbound(**members: Any) -> dict[str, Any]:
    return {"id": "O", "type": "outbound-rtp", "kind": "video", "ssrc": 9, **members}


def rows(*samples: StatsSample) -> list[StreamRow]:
    return list(derive_streams(samples))


def last(*samples: StatsSample) -> StreamRow:
    return rows(*samples)[-1]


# --- formulas


def test_a_received_stream_by_the_formulas() -> None:
    row = last(
        poll(0, inbound(**dict.fromkeys(RECEIVED, 0), mid="0")),
        poll(2, inbound(**RECEIVED, jitter=0.004, frameWidth=640, frameHeight=360, mid="0")),
    )
    expected = {
        "direction": "receive",
        "ssrc": 7,
        "mid": "0",
        "interval_s": 2,
        "bitrate_bps": 8 * 90_000 / 2,
        "header_fraction": 0.1,
        "packets": 95,
        "packets_lost": 5,
        "loss_fraction": 0.05,
        "packets_discarded": 2,
        "retransmitted_fraction": 19 / 95,
        "jitter_s": 0.004,
        "fps": 20,
        "frames": 40,
        "frame_width": 640,
        "frame_height": 360,
        "frames_dropped": 5,
        "drop_fraction": 0.1,
        "keyframes_per_s": 0.5,
        "nack_per_s": 3,
        "pli_per_s": 1,
        "fir_per_s": 0.5,
        "qp": 20,
        "decode_s": 0.01,
        "assembly_s": 0.002,
        "processing_s": 0.05,
        "jitter_buffer_s": 0.03,
        "jitter_buffer_target_s": 0.02,
        "jitter_buffer_minimum_s": 0.01,
        "inter_frame_s": 0.05,
        "inter_frame_stdev_s": sqrt(0.12 / 40 - 0.05**2),
        "freeze_count": 1,
        "freeze_fraction": 0.25,
        "pause_fraction": 0.1,
        "corruption_probability": 0.01,
    }
    assert {name: getattr(row, name) for name in expected} == pytest.approx(expected)
    assert isnan(row.encode_s)
    assert isnan(row.limitation_cpu_fraction)
    assert row.is_stale is None


RECEIVED = {
    "bytesReceived": 90_000,
    "headerBytesReceived": 10_000,
    "packetsReceived": 95,
    "packetsLost": 5,
    "packetsDiscarded": 2,
    "retransmittedPacketsReceived": 19,
    "framesDecoded": 40,
    "framesReceived": 50,
    "framesDropped": 5,
    "keyFramesDecoded": 1,
    "nackCount": 6,
    "pliCount": 2,
    "firCount": 1,
    "qpSum": 800,
    "totalDecodeTime": 0.4,
    "totalAssemblyTime": 0.06,
    "framesAssembledFromMultiplePackets": 30,
    "totalProcessingDelay": 2.0,
    "jitterBufferDelay": 1.2,
    "jitterBufferTargetDelay": 0.8,
    "jitterBufferMinimumDelay": 0.4,
    "jitterBufferEmittedCount": 40,
    "totalInterFrameDelay": 2.0,
    "totalSquaredInterFrameDelay": 0.12,
    "freezeCount": 1,
    "totalFreezesDuration": 0.5,
    "totalPausesDuration": 0.2,
    "totalCorruptionProbability": 0.1,
    "corruptionMeasurements": 10,
}


def test_a_sent_stream_with_its_source_its_receiver_and_its_path() -> None:
    def at(second: float, grown: float) -> StatsSample:
        return poll(
            second,
            outbound(
                mediaSourceId="S",
                remoteId="R",
                transportId="T",
                codecId="C",
                rid="h",
                bytesSent=50_000 * grown,
                packetsSent=100 * grown,
                framesEncoded=30 * grown,
                totalEncodeTime=0.3 * grown,
                totalPacketSendDelay=0.5 * grown,
                targetBitrate=450_000,
                qualityLimitationReason="cpu",
                encoderImplementation="libvpx",
                **{f"qualityLimitationDurations.{x}": d * grown for x, d in LIMITED.items()},
            ),
            {"id": "S", "type": "media-source", "kind": "video", "trackIdentifier": "the camera"},
            {"id": "C", "type": "codec", "mimeType": "video/VP8"},
            {"id": "T", "type": "transport", "selectedCandidatePairId": "P"},
            {
                "id": "P",
                "type": "candidate-pair",
                "availableOutgoingBitrate": 800_000,
                "totalRoundTripTime": 0.1 * grown,
                "responsesReceived": 2 * grown,
            },
            {
                "id": "Q",
                "type": "candidate-pair",
                "nominated": True,
                "state": "succeeded",
                "availableOutgoingBitrate": 1,
                "totalRoundTripTime": 9.0 * grown,
                "responsesReceived": grown,
            },
            {
                "id": "R",
                "type": "remote-inbound-rtp",
                "kind": "video",
                "ssrc": 9,
                "timestamp": T0_MS + 1000 * second - 300,
                "fractionLost": 0.04,
                "packetsLost": 3 * grown,
                "jitter": 0.002,
                "totalRoundTripTime": 0.16 * grown,
                "roundTripTimeMeasurements": 2 * grown,
                "roundTripTime": 0.5,
            },
        )

    row = last(at(0, 0), at(1, 1))
    expected = {
        "bitrate_bps": 400_000,
        "target_bitrate_bps": 450_000,
        "available_bitrate_bps": 800_000,
        "loss_fraction": 0.04,
        "packets_lost": 3,
        "jitter_s": 0.002,
        "rtt_s": 0.05,
        "rtcp_rtt_s": 0.08,
        "report_age_s": 0.3,
        "encode_s": 0.01,
        "pacer_delay_s": 0.005,
        "limitation_none_fraction": 0.25,
        "limitation_cpu_fraction": 0.75,
        "limitation_bandwidth_fraction": 0,
        "limitation_other_fraction": 0,
    }
    assert {name: getattr(row, name) for name in expected} == pytest.approx(expected)
    assert (row.codec, row.rid, row.track, row.limitation) == ("VP8", "h", "the camera", "cpu")
    assert (row.implementation, row.is_stale) == ("libvpx", False)


LIMITED = {"none": 0.25, "cpu": 0.75, "bandwidth": 0.0, "other": 0.0}


def test_sound_that_is_received() -> None:
    first = dict.fromkeys(SOUND, 0)
    row = last(poll(0, inbound(kind="audio", **first)), poll(1, inbound(kind="audio", **SOUND)))
    assert row.concealed_fraction == pytest.approx(0.1)
    assert row.silent_concealed_fraction == pytest.approx(0.025)
    assert row.stretched_fraction == pytest.approx(0.05)
    assert row.audio_level == pytest.approx(0.5)
    assert isnan(row.fps)


SOUND = {
    "totalSamplesReceived": 48_000,
    "concealedSamples": 4_800,
    "silentConcealedSamples": 1_200,
    "insertedSamplesForDeceleration": 1_400,
    "removedSamplesForAcceleration": 1_000,
    "totalAudioEnergy": 0.25,
    "totalSamplesDuration": 1.0,
}


def test_the_level_of_sent_sound_is_its_sources_and_ends_with_it() -> None:
    def at(second: float, source: str) -> StatsSample:
        energy = {"totalAudioEnergy": 0.25 * second, "totalSamplesDuration": second}
        return poll(
            second,
            outbound(kind="audio", mediaSourceId=source, packetsSent=50 * second),
            {"id": source, "type": "media-source", "kind": "audio", **energy},
        )

    levels = [row.audio_level for row in rows(at(0, "A"), at(1, "A"), at(2, "B"), at(3, "B"))]
    assert levels == pytest.approx([nan, 0.5, nan, 0.5], nan_ok=True)


def test_video_and_layers_are_rows_of_their_own() -> None:
    layers = [outbound(id=f"O{rid}", ssrc=number, rid=rid) for number, rid in enumerate("qhf")]
    (*found,) = rows(poll(0, *layers, inbound(), {"id": "D", "type": "data-channel"}))
    assert [(row.direction, row.rid) for row in found] == [
        ("send", "q"),
        ("send", "h"),
        ("send", "f"),
        ("receive", None),
    ]


def test_an_old_browsers_media_type_and_a_number_as_mid_are_understood() -> None:
    report = {"id": "I", "type": "inbound-rtp", "mediaType": "audio", "ssrc": 7, "mid": 0}
    (row,) = rows(poll(0, report))
    assert (row.kind, row.mid) == ("audio", "0")


# --- where differences end


def bitrates(*samples: StatsSample) -> list[float]:
    return [row.bitrate_bps for row in rows(*samples)]


def test_a_generation_an_ssrc_and_a_counter_that_fell_begin_anew() -> None:
    def at(second: int, count: int, ssrc: int = 7, generation: int = 1) -> StatsSample:
        return poll(second, inbound(bytesReceived=count, ssrc=ssrc), generation=generation)

    assert bitrates(at(0, 0), at(1, 10), at(2, 20, generation=2), at(3, 30, generation=2)) == pytest.approx(
        [nan, 80, nan, 80], nan_ok=True
    )
    assert bitrates(at(0, 0), at(1, 10, 8), at(2, 20, 8)) == pytest.approx([nan, nan, 80], nan_ok=True)
    assert bitrates(at(0, 50), at(1, 10), at(2, 20)) == pytest.approx([nan, nan, 80], nan_ok=True)


def test_a_change_of_codec_is_no_reset() -> None:
    samples = [poll(n, outbound(bytesSent=100 * n, codecId=f"C{n}")) for n in range(2)]
    assert bitrates(*samples) == pytest.approx([nan, 800], nan_ok=True)


def test_a_stream_that_was_missing_for_a_poll_is_compared_over_the_longer_interval() -> None:
    samples = [poll(0, inbound(bytesReceived=0)), poll(1), poll(2, inbound(bytesReceived=1000))]
    row = last(*samples)
    assert (row.bitrate_bps, row.interval_s) == (4000, 2)


def test_a_poll_that_came_twice_changes_nothing_for_the_next() -> None:
    samples = [poll(n, inbound(bytesReceived=100 * n, packetsReceived=n)) for n in range(3)]
    doubled = rows(samples[0], samples[1], samples[1], samples[2])
    assert isnan(doubled[2].bitrate_bps)
    assert [row.bitrate_bps for row in (doubled[1], doubled[3])] == [800, 800]


def test_an_end_that_forwards_pictures_and_codes_none_has_a_rate() -> None:
    forwarded = [inbound(framesReceived=10), inbound(framesReceived=40)]
    assert last(poll(0, forwarded[0]), poll(1, forwarded[1])).fps == 30
    assert last(poll(0, outbound(framesSent=10)), poll(2, outbound(framesSent=40))).frames == 30
    decoder_begins = inbound(framesReceived=70, framesDecoded=2, totalDecodeTime=0.1)
    row = last(poll(0, forwarded[1]), poll(1, decoder_begins))
    assert row.fps == 30
    assert isnan(row.decode_s)  # of which frames is not known
    stands_still = inbound(framesReceived=100, framesDecoded=2, totalDecodeTime=0.1)
    assert last(poll(0, decoder_begins), poll(1, stands_still)).fps == 0


def test_packets_lost_may_fall() -> None:
    counts = [(100, 10), (200, 8), (300, 9)]
    found = rows(*(poll(n, inbound(packetsReceived=a, packetsLost=b)) for n, (a, b) in enumerate(counts)))
    assert [row.packets_lost for row in found] == pytest.approx([nan, 0, 1], nan_ok=True)
    assert [row.loss_fraction for row in found] == pytest.approx([nan, 0, 1 / 101], nan_ok=True)


def test_a_report_that_is_not_renewed_is_marked_and_forgotten_after_five_seconds() -> None:
    def at(second: float) -> StatsSample:
        report = {"fractionLost": 0.1, "packetsLost": 3, "jitter": 0.01, "roundTripTime": 0.2}
        return poll(
            second,
            outbound(packetsSent=100 * second),
            {"id": "R", "type": "remote-inbound-rtp", "ssrc": 9, "timestamp": T0_MS - 500, **report},
        )

    found = rows(*(at(second) for second in (0, 1, 4, 5)))
    assert [row.is_stale for row in found] == [False, True, True, True]
    assert [row.report_age_s for row in found] == [0.5, 1.5, 4.5, 5.5]
    for name, value in {"loss_fraction": 0.1, "jitter_s": 0.01, "rtcp_rtt_s": 0.2}.items():
        assert [getattr(row, name) for row in found] == pytest.approx([value] * 3 + [nan], nan_ok=True)
    assert all(isnan(row.packets_lost) for row in found)


def test_packets_that_a_late_report_lost_are_counted_since_the_report_before() -> None:
    def at(second: float, arrived: float, lost: int) -> StatsSample:
        remote = {"id": "R", "type": "remote-inbound-rtp", "ssrc": 9, "packetsLost": lost}
        return poll(second, outbound(), {**remote, "timestamp": T0_MS + 1000 * arrived})

    found = rows(at(0, -0.5, 1), at(1, -0.5, 1), at(2, 1.5, 8), at(3, 1.5, 8))
    assert [row.packets_lost for row in found] == pytest.approx([nan, nan, 7, nan], nan_ok=True)
    assert [row.is_stale for row in found] == [False, True, False, True]


def test_the_counters_of_another_pair_are_not_compared() -> None:
    def at(second: float, pair: str, total_s: float, answers: int) -> StatsSample:
        return poll(
            second,
            inbound(transportId="T"),
            {"id": "T", "type": "transport", "selectedCandidatePairId": pair},
            {
                "id": pair,
                "type": "candidate-pair",
                "totalRoundTripTime": total_s,
                "responsesReceived": answers,
            },
        )

    found = rows(at(0, "P", 1.0, 10), at(1, "P", 1.1, 11), at(2, "Q", 0.2, 1), at(3, "Q", 0.5, 2))
    assert [row.rtt_s for row in found] == pytest.approx([nan, 0.1, nan, 0.3], nan_ok=True)


def test_a_remote_report_of_an_old_browser_is_found_by_local_id_or_ssrc() -> None:
    by_local_id = {"id": "R", "type": "remote-inbound-rtp", "localId": "O", "fractionLost": 0.25}
    by_ssrc = {"id": "R", "type": "remote-inbound-rtp", "ssrc": 9, "fractionLost": 0.5}
    other = {"id": "X", "type": "remote-inbound-rtp", "fractionLost": 1.0}
    assert last(poll(0, outbound(), other, by_local_id)).loss_fraction == 0.25
    assert last(poll(0, outbound(), by_ssrc, other)).loss_fraction == 0.5
    assert isnan(last(poll(0, {"id": "O", "type": "outbound-rtp", "kind": "video"}, other)).loss_fraction)


# --- what always holds

PAIRS = [pair for samples in RECORDINGS for pair in pairwise(samples)]
values = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.integers(-(2**33), 2**53),
    st.floats(-1e12, 1e12, allow_nan=False),
)


@st.composite
def damaged(draw: st.DrawFn) -> list[StatsSample]:
    """Real polls, some of them missing or twice, some of whose members are missing or nonsense."""
    samples = draw(st.sampled_from(RECORDINGS))
    chosen = sorted(draw(st.lists(st.integers(0, len(samples) - 1), min_size=2, max_size=4)))
    return [_damage(draw, samples[number]) for number in chosen]


def _damage(draw: st.DrawFn, sample: StatsSample) -> StatsSample:
    reports: list[dict[str, Any]] = [dict(report) for report in sample.reports]
    members = [(number, name) for number, report in enumerate(reports) for name in report]
    for number, name in draw(st.sets(st.sampled_from(members), max_size=10)):
        del reports[number][name]
    for (number, name), value in draw(st.dictionaries(st.sampled_from(members), values, max_size=5)).items():
        reports[number][name] = value
    return msgspec.structs.replace(sample, reports=tuple(reports))


def known(row: StreamRow, names: list[str]) -> list[float]:
    return [value for value in (getattr(row, name) for name in names) if not isnan(value)]


@settings(max_examples=100, deadline=None)
@given(damaged())
def test_nothing_is_negative_or_infinite_whatever_a_browser_says(samples: list[StatsSample]) -> None:
    for row in derive_streams(samples):
        assert all(isfinite(value) for value in known(row, METRICS))
        assert all(value >= 0 for value in known(row, COUNTED))
        assert all(value <= 1 for value in known(row, SHARES))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PAIRS), st.data())
def test_a_member_that_is_left_out_never_turns_into_a_number(
    pair: tuple[StatsSample, StatsSample], data: st.DataObject
) -> None:
    before, now = pair
    optional = sorted({name for report in now.reports for name in report} - {"id", "type", "kind", "ssrc"})
    gone = data.draw(st.sets(st.sampled_from(optional)))
    thinner = msgspec.structs.replace(
        now,
        reports=tuple({name: report[name] for name in report if name not in gone} for report in now.reports),
    )
    # Each has a second best: lost packets for the receiver's fraction, the latest round trip for the mean.
    second_best = {"loss_fraction", "rtt_s", "rtcp_rtt_s"}
    full = {row.id: row for row in rows(before, now) if row.time_s == now.time_s}
    for row in rows(before, thinner):
        if row.time_s != now.time_s:
            continue
        for name in set(METRICS) - second_best:
            if isnan(getattr(full[row.id], name)):
                assert isnan(getattr(row, name)), name


GROWTH = {
    "packets": "packetsReceived",
    "frames": "framesDecoded",
    "frames_dropped": "framesDropped",
    "freeze_count": "freezeCount",
}


@st.composite
def counting(draw: st.DrawFn) -> list[dict[str, int]]:
    """A stream's counters, poll by poll."""
    steps = draw(st.lists(st.dictionaries(st.sampled_from(sorted(GROWTH.values())), st.integers(0, 10**6))))
    state = dict.fromkeys((*GROWTH.values(), "bytesReceived"), 0)
    found = [dict(state)]
    for step in steps:
        for name, growth in step.items():
            state[name] += growth
        state["bytesReceived"] = 100 * state["packetsReceived"]
        found.append(dict(state))
    return found


@settings(max_examples=80, deadline=None)
@given(counting(), st.data())
def test_the_increments_of_any_split_add_up_to_the_growth(
    counters: list[dict[str, int]], data: st.DataObject
) -> None:
    """Whichever polls are missing, empty or there twice in between."""
    whole = range(len(counters))
    middle = data.draw(st.lists(st.sampled_from(whole)))
    empty = data.draw(st.sets(st.sampled_from(whole))) - {0, len(counters) - 1}
    chosen = sorted([0, *middle, len(counters) - 1])
    samples = [poll(n, *([] if n in empty else [inbound(**counters[n])])) for n in chosen]
    found = rows(*samples)
    for metric, member in GROWTH.items():
        total = sum(known_only(getattr(row, metric) for row in found))
        assert total == counters[-1][member] - counters[0][member]
    carried = sum(known_only(row.bitrate_bps * row.interval_s / 8 for row in found))
    assert carried == pytest.approx(counters[-1]["bytesReceived"])


def known_only(numbers: Any) -> list[float]:
    return [number for number in numbers if not isnan(number)]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PAIRS), st.sampled_from(CORE_COUNTERS))
def test_a_counter_that_falls_hides_every_difference_of_its_stream(
    pair: tuple[StatsSample, StatsSample], counter: str
) -> None:
    before, now = pair
    reports: list[dict[str, Any]] = [dict(report) for report in before.reports]
    for report in reports:
        if counter in report:
            report[counter] += 2**40
    carrying = {report.get("id") for report in now.reports if counter in report}
    own = ("bitrate_bps", "packets", "fps", "frames_dropped", "qp", "nack_per_s", "pli_per_s", "interval_s")
    for row in rows(msgspec.structs.replace(before, reports=tuple(reports)), now):
        if row.time_s == now.time_s and row.id in carrying:
            assert known(row, list(own)) == []


def test_participants_whose_polls_interleave_do_not_disturb_each_other() -> None:
    samples = RECORDINGS[0]
    other = [msgspec.structs.replace(sample, peer="ada") for sample in samples]
    mixed = [sample for both in zip(samples, other, strict=True) for sample in both]
    alone = [repr(row) for row in derive_streams(samples)]
    assert [repr(row) for row in derive_streams(mixed) if row.participant == "python"] == alone


def test_the_real_calls_fill_what_their_browsers_report() -> None:
    found = [row for samples in RECORDINGS for row in derive_streams(samples)]
    never = {name for name in METRICS if all(isnan(getattr(row, name)) for row in found)}
    # Chromium measures corruption only where an RTP header extension was negotiated for it.
    assert never == {"corruption_probability"}


def test_streams_add_up_to_the_rows_of_their_direction() -> None:
    from nbrtc.stats import derive

    by_stream: dict[tuple[float, str, str], float] = {}
    for row in derive_streams(RECORDINGS[0]):
        key = (row.time_s, row.direction, row.kind)
        by_stream[key] = by_stream.get(key, 0.0) + row.bitrate_bps
    compared = 0
    for total in derive(RECORDINGS[0]):
        if not isnan(total.bitrate_bps):
            assert by_stream[total.time_s, total.direction, total.kind] == pytest.approx(total.bitrate_bps)
            compared += 1
    assert compared >= 20
