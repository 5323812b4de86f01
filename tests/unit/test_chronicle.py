"""The events of a call, read from the changes of its state; and how many a page may tell."""

from typing import Any

import msgspec

from nbrtc.engine.chronicle import MAX_NAME, MAX_VALUE, EventGate, bounded, changes
from nbrtc.messages import (
    QUALITIES,
    CallState,
    Effect,
    Participant,
    ParticipantStatus,
    Quality,
    RecordingStatus,
    RoomInfo,
    StatsEvent,
    VideoSize,
)

YOU = Participant(id="you", name="Ada", is_you=True)
BEN = Participant(id="b", name="Ben", order=1)
IDLE = CallState(quality=QUALITIES["low"], participants=(YOU,))


def told(before: CallState | None, **fields: Any) -> list[tuple[str, str, str]]:
    after = msgspec.structs.replace(before or IDLE, **fields)
    return [(event.peer, event.name, event.value) for event in changes(before, after, 5.0)]


def test_the_beginning_says_what_stands_and_not_what_is_absent() -> None:
    assert told(None) == [
        ("", "phase", "idle"),
        ("", "quality", "low 640x480@15"),
        ("", "codec", "auto"),
        ("", "stats-interval", "1"),
        ("", "microphone", "off"),
        ("", "camera", "off"),
        ("", "screen", "off"),
    ]
    assert changes(None, IDLE, 5.0)[0] == StatsEvent(time_s=5.0, peer="", name="phase", value="idle")


def test_nothing_changed_is_nothing_told() -> None:
    assert told(IDLE, revision=9, wanted=("you",), join_requested=True) == []


def test_each_change_of_the_own_call_is_told() -> None:
    own = Quality(100, 50, 7.5)
    assert told(IDLE, quality=own) == [("", "quality", "100x50@7.5")]
    assert told(IDLE, codec="av1") == [("", "codec", "av1")]
    assert told(IDLE, video_effect="blur()") == [("", "effect", "blur()")]
    assert told(IDLE, effect=Effect("blur", 0.7)) == [("", "camera-effect", "blur 0.7")]
    assert told(IDLE, effect=Effect("sepia")) == [("", "camera-effect", "sepia")]
    assert told(IDLE, video_source="film.mp4") == [("", "source", "film.mp4")]
    assert told(IDLE, stats_interval_s=0.25) == [("", "stats-interval", "0.25")]
    assert told(IDLE, microphone_on=True, screen_sharing=True) == [
        ("", "microphone", "on"),
        ("", "screen", "on"),
    ]
    assert told(IDLE, owner="0123456789abcdef", phase="connected") == [
        ("", "phase", "connected"),
        ("", "page", "01234567"),
    ]


def test_a_camera_is_told_with_its_size_and_again_when_that_changes() -> None:
    on = msgspec.structs.replace(IDLE, camera_on=True, camera=VideoSize(640, 480, 30))
    assert told(IDLE, camera_on=True, camera=VideoSize(640, 480, 30)) == [("", "camera", "on 640x480@30")]
    assert told(on, camera=VideoSize(320, 240)) == [("", "camera", "on 320x240")]
    assert told(on, camera_on=False, camera=None) == [("", "camera", "off")]


def test_a_recording_is_told_without_its_path() -> None:
    status = RecordingStatus(id="1", path="/folder/secret.mkv", state="recording", started_at_s=1)
    recording = msgspec.structs.replace(IDLE, recording=status)
    assert told(IDLE, recording=status) == [("", "recording", "recording")]
    assert told(recording, recording=msgspec.structs.replace(status, duration_s=9)) == []
    assert told(recording, recording=msgspec.structs.replace(status, state="stopped")) == [
        ("", "recording", "stopped")
    ]


def test_a_room_is_told_by_where_one_stands_with_it() -> None:
    room = RoomInfo(id="physics", name="Physics", phase="joined", invite_url="http://x/r/physics#token=y")
    assert told(IDLE, room=room) == [("", "room", "joined")]
    refused = msgspec.structs.replace(room, phase="refused", code="wrong-passcode")
    assert told(IDLE, room=refused) == [("", "room", "refused wrong-passcode")]


def test_others_come_change_and_go_under_their_ids() -> None:
    together = msgspec.structs.replace(IDLE, participants=(YOU, BEN))
    assert told(IDLE, participants=(YOU, BEN)) == [
        ("b", "join", "Ben"),
        ("b", "microphone", "on"),
        ("b", "camera", "on"),
    ]
    assert told(together, participants=(YOU,)) == [("b", "leave", "Ben")]
    status = ParticipantStatus(muted=True, video_off=True, screen_sharing=True, recording=True)
    changed = msgspec.structs.replace(BEN, connection="connected", is_connected=False, status=status)
    everything = [
        ("b", "connection", "connected"),
        ("b", "presence", "away"),
        ("b", "microphone", "off"),
        ("b", "camera", "off"),
        ("b", "screen", "on"),
        ("b", "recording", "recording"),
    ]
    assert told(together, participants=(YOU, changed)) == everything
    assert told(IDLE, participants=(YOU, changed)) == [("b", "join", "Ben"), *everything]


def test_switches_are_told_only_of_those_who_have_them_and_say_so() -> None:
    for person in (
        Participant(id="python", name="Python", is_python=True),
        msgspec.structs.replace(BEN, protocol=0),
    ):
        assert told(IDLE, participants=(YOU, person)) == [(person.id, "join", person.name)]


def test_oneself_neither_joins_nor_leaves() -> None:
    renamed = msgspec.structs.replace(YOU, id="p1", status=ParticipantStatus(muted=True))
    assert told(IDLE, participants=(renamed,)) == []


def test_a_page_that_tells_too_much_is_heard_a_hundred_times_a_second() -> None:
    gate = EventGate()
    assert sum(gate.admits(10.0 + number / 1000) for number in range(250)) == EventGate.LIMIT
    assert gate.take_dropped() == 150
    assert gate.take_dropped() == 0
    assert gate.admits(11.0)


def test_a_page_that_tells_little_is_always_heard() -> None:
    gate = EventGate()
    assert all(gate.admits(number / 50) for number in range(500))
    assert gate.take_dropped() == 0


def test_long_texts_are_cut() -> None:
    event = bounded(StatsEvent(time_s=1.0, peer="p" * 900, name="n" * 900, value="v" * 9000, generation=2))
    assert [len(text) for text in (event.peer, event.name, event.value)] == [MAX_NAME, MAX_NAME, MAX_VALUE]
    assert (event.time_s, event.generation) == (1.0, 2)
