"""Each fault gives its finding and no other; a call in which nothing is wrong gives none."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbrtc
from nbrtc.messages import Finding, StatsEvent, StatsSample
from nbrtc.stats.findings.find import CODES, find
from nbrtc.stats.findings.period import CAUSES
from nbrtc.stats.findings.wording import words
from nbrtc.stats.loaded import LoadedStats
from tests.unit.staged_calls import START_S, devices_on, event, staged
from tests.unit.stats_vectors import RECORDED, cases, samples_of

LEVELS = ["", "info", "warning", "error"]
DUMPS = Path(__file__).parents[1] / "data" / "rtcstats"


def found(
    samples: list[StatsSample], events: list[StatsEvent] | None = None, **options: Any
) -> list[Finding]:
    return find(LoadedStats(samples, devices_on() if events is None else events, {}), **options)


def codes(findings: list[Finding]) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.direction) for finding in findings]


# --- nothing is wrong


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 90),
    st.sampled_from(["ada", "python"]),
    st.sampled_from([0.1, 0.5, 1.0, 1.1, 2.0, 5.0, 10.0]),
    st.booleans(),
)
def test_a_call_in_which_nothing_is_wrong_has_no_findings(
    polls: int, peer: str, interval_s: float, is_told: bool
) -> None:
    samples = staged(polls, peer=peer, interval_s=interval_s)
    assert found(samples, devices_on() if is_told else []) == []


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.data())
def test_a_member_that_is_left_out_never_gives_a_finding(seed: int, data: st.DataObject) -> None:
    samples = staged(20)
    names = sorted({name for sample in samples for report in sample.reports for name in report})
    gone = data.draw(st.sets(st.sampled_from(names)))
    thinner = [
        msgspec.structs.replace(
            sample,
            reports=tuple(
                {name: value for name, value in report.items() if name not in gone}
                for report in sample.reports
            ),
        )
        for sample in samples
    ]
    # Without frames that are decoded, what arrives looks as if it stood still.
    assert [each for each in found(thinner) if each.level == "error"] == []


def until(second: int, before: Any, after: Any) -> Callable[[int], Any]:
    return lambda n: before if n < second else after


WELL_ALL_THE_SAME: dict[str, tuple[dict[str, Any], list[StatsEvent]]] = {
    "muted": ({"level": 0.0}, [event(0, "microphone", "off")]),
    "camera off": (
        {"send_fps": 0.0, "send_bps": 0.0, "camera_fps": 0.0, "active": False},
        [event(0, "camera", "off")],
    ),
    "their camera off": (
        {"video_arrives": until(10, True, False)},
        [event(9, "camera", "off", peer="ada")],
    ),
    "their microphone off": (
        {"audio_arrives": until(10, True, False)},
        [event(9, "microphone", "off", peer="ada")],
    ),
    "they stopped, and nobody says why": (
        {"video_arrives": until(10, True, False), "they_send_video": until(10, True, False)},
        [],
    ),
    "one bad poll": (
        {
            "receive_loss": lambda n: 0.15 if n == 20 else 0.0,
            "rtt_s": lambda n: 0.5 if n == 20 else 0.04,
        },
        [],
    ),
    "a still screen": (
        {"send_fps": 1.0, "send_bps": 10_000.0, "content": "screenshare"},
        [event(0, "screen", "on")],
    ),
    "the first seconds": (
        {"limitation": until(8, "bandwidth", "none"), "width": until(8, 320.0, 1280.0)},
        [],
    ),
    "a hidden page": (
        {"frozen": 0.5, "receive_fps": 1.0},
        [event(0, "visibilitychange", "hidden")],
    ),
    "a small tile with a bitrate to match": (
        {"limitation": "bandwidth", "width": 320.0, "height": 180.0, "send_bps": 200_000.0},
        [],
    ),
    "a camera of half the rate, as many have": (
        {"camera_fps": lambda n: 14.7 + n % 3 / 10, "send_fps": 14.8},
        [event(0, "quality", "auto 1280x720@30")],
    ),
    "slow hardware that decodes several pictures at once": ({"decode_s": 0.05}, []),
}


@pytest.mark.parametrize("case", WELL_ALL_THE_SAME)
def test_what_only_looks_like_a_fault_gives_no_finding(case: str) -> None:
    faults, events = WELL_ALL_THE_SAME[case]
    known = devices_on() if events else [event(0, "microphone", "on"), event(0, "camera", "on")]
    assert found(staged(40, **faults), [*known, *events]) == []


def test_a_renegotiation_and_a_new_generation_do_not_flicker() -> None:
    samples = staged(15) + staged(15, generation=2, start_s=START_S + 16)
    assert found(samples) == []
    faulty = staged(15, rtt_s=0.4) + staged(15, generation=2, start_s=START_S + 16, rtt_s=0.4)
    assert codes(found(faulty)) == [("high-rtt", None)]


# --- something is wrong

FAULTS: dict[str, tuple[dict[str, Any], set[tuple[str, str | None]]]] = {
    "loss in": ({"receive_loss": 0.06}, {("network-loss", "receive")}),
    "loss out": ({"send_loss": 0.06}, {("network-loss", "send")}),
    "jitter": ({"jitter_s": 0.09}, {("jitter", "send"), ("jitter", "receive")}),
    "round trip": ({"rtt_s": 0.4}, {("high-rtt", None)}),
    "bandwidth": (
        {"limitation": "bandwidth", "width": 640.0, "height": 360.0, "send_bps": 4e5, "available_bps": 5e5},
        {("bandwidth", "send")},
    ),
    "starved": ({"send_bps": 9e4, "available_bps": 1e5, "qp": 110.0}, {("bandwidth", "send")}),
    "encoder": ({"limitation": "cpu", "send_fps": 18.0, "encode_s": 0.05}, {("cpu-encoder", "send")}),
    "encoder without a reason": ({"encode_s": 0.033}, {("cpu-encoder", "send")}),
    "decoder": ({"dropped": 0.3, "decode_s": 0.04}, {("cpu-decoder", "receive")}),
    "freezes": ({"frozen": 0.2}, {("freezes", "receive")}),
    "stands still": ({"receive_fps": 0.0}, {("freezes", "receive")}),
    "nothing arrives": ({"arrives": lambda n: n < 15}, {("one-way-media", "receive")}),
    "nothing of ours arrives": ({"is_reported": lambda n: n < 15}, {("one-way-media", "send")}),
    "no picture arrives": ({"video_arrives": lambda n: n < 15}, {("missing-media", "receive")}),
    "no sound arrives": ({"audio_arrives": lambda n: n < 15}, {("missing-media", "receive")}),
    "no picture leaves": ({"send_bps": 0.0, "send_fps": 0.0}, {("missing-media", "send")}),
    "silent microphone": ({"level": 0.0}, {("silent-microphone", "send")}),
    "black camera": ({"send_bps": 15_000.0, "qp": 4.0}, {("black-camera", "send")}),
    "slow camera": ({"camera_fps": 6.0, "send_fps": 6.0}, {("slow-camera", "send")}),
    "relay": ({"candidate": "relay"}, {("relayed-path", None)}),
    "TCP": ({"protocol": "tcp"}, {("tcp-path", None)}),
    "jitter buffer": ({"buffer_s": 0.7}, {("media-sync", "receive")}),
    "stretched": ({"stretched": 0.1}, {("media-sync", "receive")}),
    "concealed": ({"concealed": 0.1}, {("concealed-sound", "receive")}),
    "keyframes": ({"keyframe_requests": 1.0}, {("keyframe-requests", "send")}),
    "asymmetric": ({"receive_bps": 30_000.0, "receive_fps": 8.0}, {("asymmetric-quality", "receive")}),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault_gives_its_finding_and_no_other(case: str) -> None:
    faults, expected = FAULTS[case]
    findings = found(staged(40, **faults))
    assert set(codes(findings)) == expected
    assert len(findings) == len(expected)
    for finding in findings:
        assert finding.participant == "ada"
        assert finding.text.endswith(".")
        assert finding.advice.endswith(".")
        assert START_S < finding.started_at_s < START_S + 30
        assert finding.ended_at_s == START_S + 39


def test_together_the_faults_show_every_code_there_is() -> None:
    shown = {code for _, expected in FAULTS.values() for code, _ in expected}
    of_connections = {"connection-failed", "connection-interrupted", "connection-unstable"}
    assert shown | of_connections == set(CODES)


def test_a_finding_has_its_period_and_its_figures() -> None:
    samples = staged(60, receive_loss=lambda n: 0.08 if 20 <= n < 35 else 0.0)
    (finding,) = found(samples)
    assert START_S + 20 <= finding.started_at_s <= START_S + 24
    assert finding.ended_at_s is not None
    # The loss is taken over eight seconds, and goes with the last of them.
    assert START_S + 34 <= finding.ended_at_s <= START_S + 42
    assert finding.evidence["loss_fraction"] == pytest.approx(0.08, abs=0.03)
    assert "% of the packets from ada" in finding.text


def test_two_periods_far_apart_are_two_and_near_ones_are_one() -> None:
    def high(*periods: range) -> Callable[[int], float]:
        return lambda n: 0.5 if any(n in period for period in periods) else 0.04

    apart = found(staged(100, rtt_s=high(range(10, 25), range(70, 85))))
    near = found(staged(100, rtt_s=high(range(10, 25), range(35, 50))))
    assert codes(apart) == [("high-rtt", None)] * 2
    assert codes(near) == [("high-rtt", None)]
    assert near[0].ended_at_s == START_S + 49


def test_a_freeze_counts_whole_although_it_is_told_where_it_ends() -> None:
    """2.9 s that end in one poll are a third of the 8 s that are looked at, not an eighth."""
    samples = staged(40, frozen=lambda second: 2.9 if second in (20, 24) else 0.0)
    (finding,) = found(samples)
    assert (finding.code, finding.level) == ("freezes", "error")


def test_a_cause_takes_what_follows_from_it_as_evidence() -> None:
    samples = staged(40, receive_loss=0.05, frozen=0.5, concealed=0.1)
    (finding,) = found(samples)
    assert finding.code == "network-loss"
    assert finding.level == "error"  # as the freezes are
    assert finding.evidence["freeze_fraction"] == pytest.approx(0.5, abs=0.02)
    assert "stands still" in finding.text


@pytest.mark.parametrize(("limit", "code"), [("bandwidth", "bandwidth"), ("cpu", "cpu-encoder")])
def test_a_page_that_stepped_down_by_itself_has_said_why(limit: str, code: str) -> None:
    samples = staged(30, width=640.0, height=360.0, send_bps=500_000.0, available_bps=600_000.0)
    events = [*devices_on(), event(5, "sending", f"640x360@30 {limit}")]
    assert codes(found(samples, events)) == [(code, "send")]
    assert found(samples, [*events, event(6, "sending", "1280x720@30")]) == []


def test_a_microphone_of_which_nobody_says_whether_it_is_muted_is_only_mentioned() -> None:
    (finding,) = found(staged(20, level=0.0), [])
    assert finding.level == "info"


def test_a_slow_camera_of_a_hidden_page_is_said_differently() -> None:
    (finding,) = found(
        staged(20, camera_fps=1.0, send_fps=1.0), [*devices_on(), event(0, "visibilitychange", "hidden")]
    )
    assert finding.level == "info"
    assert "background" in finding.text


def test_a_microphone_that_is_silent_on_every_connection_is_told_once() -> None:
    samples = sorted(
        [*staged(20, level=0.0), *staged(20, level=0.0, peer="bob")], key=lambda sample: sample.time_s
    )
    assert codes(found(samples)) == [("silent-microphone", "send")]


def test_names_come_from_those_who_joined() -> None:
    (finding,) = found(staged(20, rtt_s=0.5), [event(0, "join", "Ada Lovelace", peer="ada")])
    assert "Ada Lovelace" in finding.text
    assert finding.participant == "ada"
    (link,) = found(staged(20, peer="python", rtt_s=0.5))
    assert "to Python and back" in link.text


def test_findings_of_one_participant_and_of_the_last_seconds() -> None:
    samples = [*staged(60, rtt_s=lambda n: 0.5 if n < 20 else 0.04), *staged(60, peer="bob", rtt_s=0.9)]
    assert {finding.participant for finding in found(samples)} == {"ada", "bob"}
    assert {finding.participant for finding in found(samples, participant="ada")} == {"ada"}
    assert found(samples, participant="ada", last_s=20) == []
    assert found(samples)[0].level == "error"  # the worst first


def test_pythons_own_end_counts_only_where_it_is_asked_for() -> None:
    samples = staged(20, peer="you", rtt_s=0.5)
    assert found(samples) == []
    assert codes(found(samples, participant="you")) == [("high-rtt", None)]


def test_a_failed_connection_explains_the_rest() -> None:
    events = [
        *devices_on(),
        event(0, "connectionstatechange", "connected", peer="ada", generation=1),
        event(16, "connectionstatechange", "disconnected", peer="ada", generation=1),
        event(20, "connectionstatechange", "failed", peer="ada", generation=1),
    ]
    (finding,) = found(staged(40, arrives=lambda n: n < 15), events)
    assert (finding.code, finding.level) == ("connection-failed", "error")


def test_a_new_generation_ends_a_failure() -> None:
    events = [
        event(5, "connectionstatechange", "failed", peer="ada", generation=1),
        event(8, "connectionstatechange", "connecting", peer="ada", generation=2),
        event(9, "connectionstatechange", "connected", peer="ada", generation=2),
        event(9, "connectionstatechange", "closed", peer="ada", generation=1),
    ]
    samples = [*staged(5), *staged(20, generation=2, start_s=START_S + 10)]
    (finding,) = found(samples, [*devices_on(), *events])
    assert finding.code == "connection-failed"
    assert finding.ended_at_s is not None
    assert finding.ended_at_s < START_S + 10


def test_a_connection_that_breaks_again_and_again_is_unstable() -> None:
    states = [
        event(after_s + offset_s, "connectionstatechange", state, peer="ada", generation=1)
        for after_s in (10, 20, 30)
        for offset_s, state in ((0, "disconnected"), (1, "connected"))
    ]
    (finding,) = found(staged(40), [*devices_on(), *states])
    assert (finding.code, finding.level) == ("connection-unstable", "warning")
    assert "3 times" in finding.text


# --- worse is never milder

SCALES: list[tuple[str, list[float], dict[str, Any]]] = [
    ("receive_loss", [0.0, 0.02, 0.04, 0.08, 0.12, 0.3, 0.6, 1.0], {}),
    ("send_loss", [0.0, 0.02, 0.04, 0.08, 0.12, 0.3, 0.6, 1.0], {}),
    ("rtt_s", [0.0, 0.1, 0.26, 0.4, 0.7, 2.0, 30.0], {}),
    ("jitter_s", [0.0, 0.03, 0.06, 0.1, 0.3, 2.0], {}),
    ("frozen", [0.0, 0.05, 0.12, 0.2, 0.35, 0.8, 1.0], {}),
    ("dropped", [0.0, 0.05, 0.2, 0.3, 0.5, 0.9], {"decode_s": 0.035}),
    ("buffer_s", [0.05, 0.3, 0.6, 1.5, 5.0], {}),
    ("stretched", [0.0, 0.03, 0.08, 0.3], {}),
    ("concealed", [0.0, 0.03, 0.08, 0.3, 0.9], {}),
    ("encode_s", [0.005, 0.02, 0.033, 0.1], {}),
]


@pytest.mark.parametrize(("name", "values", "others"), SCALES, ids=[scale[0] for scale in SCALES])
def test_a_worse_fault_is_never_milder(name: str, values: list[float], others: dict[str, Any]) -> None:
    def worst(value: float) -> int:
        findings = found(staged(30, **{**others, name: value}))
        return max((LEVELS.index(finding.level) for finding in findings), default=0)

    levels = [worst(value) for value in values]
    assert levels == sorted(levels)
    assert levels[0] == 0
    assert levels[-1] >= 2


# --- what tools of the field find, and what real calls give


def test_every_sentence_can_be_said_without_any_figure() -> None:
    for code in CODES:
        for direction in ("send", "receive", None):
            for kind in ("video", "audio", None):
                for sentence in words(code, "Ada", direction, kind, {}):
                    assert sentence.endswith(".")
                    assert "None" not in sentence
                    assert "nan" not in sentence


def test_causes_are_codes_and_form_no_circle() -> None:
    def explained(sided: str, seen: tuple[str, ...]) -> None:
        assert sided not in seen
        assert sided.rstrip("<>") in CODES
        for cause in CAUSES.get(sided, ()):
            explained(cause, (*seen, sided))

    for sided in CAUSES:
        explained(sided, ())


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_calls_give_only_what_was_done_to_them(name: str) -> None:
    findings = found(samples_of(cases(name)[0]), [])
    expected = {
        # 5 % of loss in each direction was emulated
        "loopback.json": {("network-loss", "send"), ("network-loss", "receive")},
        # 1.5 Mbit/s of video arrive, and framesDecoded stays at 688
        "rtcstats-firefox.json": {("freezes", "receive")},
    }
    assert set(codes(findings)) == expected[name]


DEFENSIBLE = {
    # four of the connections never came about: jitsi tries each one for 15 s
    "chrome-standard-multiple-p2p": {"connection-failed"},
    "chrome-standard-pc-failed": {"connection-failed"},
    "chrome96-standard-stats-p2p-add-transceiver": set(),
    # 12 PLI in 8 s: the SFU asks whenever somebody new looks
    "firefox-standard-stats-sfu": {"keyframe-requests"},
    "firefox97-standard-stats-sfu": {"freezes"},
    "google-legacy-stats-p2p": {"network-loss", "keyframe-requests", "silent-microphone"},
    "google-standard-stats-p2p": {"network-loss", "silent-microphone"},
    "safari-standard-stats": set(),
}
"""What was looked at by hand, poll by poll."""


@pytest.mark.parametrize("name", DEFENSIBLE)
def test_real_dumps_give_defensible_findings(name: str) -> None:
    path = DUMPS / f"jitsi_{name}.rtcstats.gz"
    with gzip.open(path) as file:
        assert file.read(1)
    findings = nbrtc.load_dump(path).findings()
    assert {finding.code for finding in findings} <= DEFENSIBLE[name]
    assert len(findings) <= 8
