"""Rooms, effects and people who send nothing: much that is missing is meant to be."""

from collections.abc import Callable
from typing import Any

import pytest

from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.findings.find import find
from nbrtc.stats.findings.judge import Judge
from nbrtc.stats.loaded import LoadedStats
from tests.unit.staged_calls import START_S, devices_on, event, staged

IN_A_ROOM = [*devices_on(), event(0, "room", "joined")]
EFFECT = event(0, "effect", "blur")
NOTHING_BACK = {"video_arrives": False, "they_send_video": False}
"""The link's picture goes to Python and none comes; the silence that Python sends does."""
NO_CAMERA = {"send_fps": 0.0, "send_bps": 0.0, "camera_fps": 0.0, "active": False}


def codes(
    events: list[StatsEvent], *, peer: str = "ada", seconds: int = 40, **faults: Any
) -> list[tuple[str, str | None]]:
    samples = staged(seconds, peer=peer, **faults)
    ordered = sorted(events, key=lambda one: one.time_s)
    judge = Judge()
    told: set[tuple[str, str | None]] = set()
    timeline: list[StatsSample | StatsEvent] = [*ordered, *samples]
    for each in sorted(timeline, key=lambda one: one.time_s):
        if isinstance(each, StatsEvent):
            judge.note(each)
        else:
            judge.add(each)
            told |= {(finding.code, finding.direction) for finding in judge.findings}
    past: list[tuple[str, str | None]] = [
        (finding.code, finding.direction) for finding in find(LoadedStats(samples, ordered, {}))
    ]
    assert told == set(past)  # what is told live is what the past gives
    return past


def until(second: float, before: Any, after: Any) -> Callable[[int], Any]:
    return lambda n: before if n < second else after


def between(first: int, last: int, inside: Any, outside: Any) -> Callable[[int], Any]:
    return lambda n: inside if first <= n < last else outside


WELL: dict[str, tuple[str, dict[str, Any], list[StatsEvent]]] = {
    "Python records, and sends nothing back": ("python", NOTHING_BACK, IN_A_ROOM),
    "Python begins to take pictures, and ceases": (
        "python",
        NOTHING_BACK
        | {
            "send_fps": between(10, 25, 30.0, 0.0),
            "send_bps": between(10, 25, 1.8e6, 0.0),
            "active": between(10, 25, True, False),
        },
        IN_A_ROOM,
    ),
    "Python wants nothing": ("python", NOTHING_BACK | NO_CAMERA, IN_A_ROOM),
    "an effect in a room": ("python", {}, [*IN_A_ROOM, EFFECT]),
    "an effect in a room, and the camera off": (
        "python",
        NOTHING_BACK | NO_CAMERA,
        [*IN_A_ROOM, EFFECT, event(0, "camera", "off")],
    ),
    "an effect that is taken away": (
        "python",
        {"video_arrives": until(20, True, False), "they_send_video": until(20, True, False)},
        [*IN_A_ROOM, EFFECT, event(19.5, "effect", "none")],
    ),
    "a solo call that becomes a room": (
        "python",
        {"video_arrives": until(20, True, False), "they_send_video": until(20, True, False)},
        [*devices_on(), event(19.5, "room", "joined")],
    ),
    "a solo call with the camera off": (
        "python",
        NOTHING_BACK | NO_CAMERA,
        [*devices_on(), event(0, "camera", "off")],
    ),
    "a still screen in a solo call": (
        "python",
        {"send_fps": 1.0, "send_bps": 9_000.0, "camera_fps": 1.0, "content": "screenshare"} | NOTHING_BACK,
        [*devices_on(), event(0, "screen", "on")],
    ),
    "a screen of ours that needs no packets": (
        "ada",
        {"send_fps": 0.0, "send_bps": 0.0, "camera_fps": 1.0, "content": "screenshare"},
        [*IN_A_ROOM, event(0, "screen", "on")],
    ),
    "a still screen of theirs": (
        "ada",
        {"video_arrives": lambda n: n % 5 == 0, "they_send_video": lambda n: n % 5 == 0},
        [*IN_A_ROOM, event(0, "screen", "on", peer="ada")],
    ),
    "our camera off": ("ada", NO_CAMERA, [*IN_A_ROOM, event(0, "camera", "off")]),
    "their camera off": (
        "ada",
        {"video_arrives": False, "they_send_video": False},
        [*IN_A_ROOM, event(0, "camera", "off", peer="ada")],
    ),
    "their camera off for a moment, which counts as a freeze": (
        "ada",
        {
            "video_arrives": between(15, 17, False, True),
            "they_send_video": between(15, 17, False, True),
            "frozen": lambda n: 2.0 if n == 17 else 0.0,
        },
        [*IN_A_ROOM, event(14.5, "camera", "off", peer="ada"), event(16.5, "camera", "on", peer="ada")],
    ),
    "our camera off for a moment, as it comes back from Python": (
        "python",
        {name: between(15, 17, off, on) for name, off, on in (
            ("video_arrives", False, True), ("they_send_video", False, True), ("active", False, True),
            ("send_fps", 0.0, 30.0), ("send_bps", 0.0, 1.8e6), ("camera_fps", 0.0, 30.0),
        )} | {"frozen": lambda n: 2.0 if n == 17 else 0.0},
        [*devices_on(), event(14.5, "camera", "off"), event(16.5, "camera", "on 1280x720@30")],
    ),
    "a call on hold, and nobody says so": (
        "ada",
        {
            name: between(10, 30, off, on)
            for name, off, on in (
                ("video_arrives", False, True), ("audio_arrives", False, True),
                ("they_send_video", False, True), ("they_send_audio", False, True),
                ("active", False, True), ("send_fps", 0.0, 30.0), ("send_bps", 0.0, 1.8e6),
            )
        },
        [event(0, "microphone", "on"), event(0, "camera", "on")],
    ),
    "a guest who only listens": (
        "ada",
        {"video_arrives": False, "audio_arrives": False, "they_send_video": False, "they_send_audio": False},
        [*IN_A_ROOM, event(0, "camera", "off", peer="ada"), event(0, "microphone", "off", peer="ada")],
    ),
    "a guest who only listens, to sound alone": (
        "ada",
        NO_CAMERA
        | {"video_arrives": False, "audio_arrives": False, "they_send_video": False, "they_send_audio": False}
        # RTCP of sound comes every 2.5 to 7.5 s
        | {"arrives": lambda n: n % 8 == 0},
        [
            *IN_A_ROOM, event(0, "camera", "off"),
            event(0, "camera", "off", peer="ada"), event(0, "microphone", "off", peer="ada"),
        ],
    ),
    "a Bot with pictures only": (
        "ada",
        {"audio_arrives": False, "they_send_audio": False},
        [*IN_A_ROOM, event(0, "microphone", "off", peer="ada")],
    ),
    "a slow effect is not the camera's fault": (
        "ada",
        {"camera_fps": 14.0, "send_fps": 14.0},
        [*IN_A_ROOM, EFFECT],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WELL)
def test_what_is_meant_to_be_missing_is_no_finding(case: str) -> None:
    peer, faults, events = WELL[case]
    assert codes(events, peer=peer, **faults) == []


FAULTS: dict[str, tuple[str, dict[str, Any], list[StatsEvent], tuple[str, str]]] = {
    "a solo call without its picture": (
        "python", NOTHING_BACK, devices_on(), ("missing-media", "receive"),
    ),
    "an effect of which nothing comes": (
        "python", NOTHING_BACK, [*IN_A_ROOM, EFFECT], ("missing-media", "receive"),
    ),
    "Python falls silent in a room": (
        "python", {"arrives": until(15, True, False)}, IN_A_ROOM, ("one-way-media", "receive"),
    ),
    "nothing of ours reaches Python": (
        "python", {**NOTHING_BACK, "is_reported": until(15, True, False)}, IN_A_ROOM,
        ("one-way-media", "send"),
    ),
    "a guest with a camera that does not arrive": (
        "ada", {"video_arrives": False}, IN_A_ROOM, ("missing-media", "receive"),
    ),
    "a guest who only listens, and is gone": (
        "ada",
        {**NO_CAMERA, "arrives": until(12, True, False), "video_arrives": False, "audio_arrives": False},
        [
            *IN_A_ROOM, event(0, "camera", "off"),
            event(0, "camera", "off", peer="ada"), event(0, "microphone", "off", peer="ada"),
        ],
        ("one-way-media", "receive"),
    ),
    "a picture that stands still long after the camera was switched": (
        "ada", {"frozen": lambda n: 0.3 if n >= 20 else 0.0},
        [*IN_A_ROOM, event(4.5, "camera", "off", peer="ada"), event(5.5, "camera", "on", peer="ada")],
        ("freezes", "receive"),
    ),
    "a dark effect is not a covered camera": (
        "ada", {"send_bps": 15_000.0, "qp": 4.0}, [*IN_A_ROOM, EFFECT], ("asymmetric-quality", "send"),
    ),
    "a slow camera, as its link shows beside an effect": (
        "python", {"camera_fps": 6.0, "send_fps": 6.0}, [*IN_A_ROOM, EFFECT], ("slow-camera", "send"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_what_is_not_meant_to_be_missing_is_found_there_too(case: str) -> None:
    peer, faults, events, expected = FAULTS[case]
    assert codes(events, peer=peer, **faults) == [expected]


@pytest.mark.parametrize(
    "name", ["onconnectionstatechange", "ConnectionStateChange", "connectionstatechange"]
)
def test_a_dumps_names_of_events_mean_the_same(name: str) -> None:
    judge = Judge()
    judge.note(event(0, name, "failed", peer="ada", generation=1))
    assert [finding.code for finding in judge.findings] == ["connection-failed"]


def test_events_that_come_late_are_judged_in_the_order_of_time() -> None:
    samples = staged(30, peer="ada", video_arrives=until(10, True, False))
    late = [
        *devices_on(),
        event(29, "microphone", "on"),
        event(9, "camera", "off", peer="ada"),  # told after what came later
    ]
    assert find(LoadedStats(samples, late, {})) == []
    (missing,) = find(LoadedStats(samples, late[:-1], {}))
    assert missing.code == "missing-media"
    assert missing.started_at_s >= START_S + 9
