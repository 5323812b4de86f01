"""What is seen without a kernel, and in a repr."""

from typing import Any

import pytest

from nbrtc import poster
from nbrtc.messages import CallState, Participant, Quality, RecordingStatus, RoomInfo

QUALITY = Quality(640, 480, 15)
ADA = Participant(id="me", name="Ada", is_you=True)
IN_ROOM = RoomInfo(
    "physics", "Physics", me="me", phase="joined", invite_url="http://a/r/physics#token=s3cret"
)
REFUSED = RoomInfo("physics", "Physics", phase="refused", code="room-full", reason="It is full.")
RECORDING = RecordingStatus(id="1", path="a.mkv", state="recording", started_at_s=0)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, 'not started: click "Start camera" in the widget'),
        ({"phase": "connecting"}, "connecting"),
        ({"phase": "connected"}, "connected, camera and microphone off"),
        ({"phase": "connected", "camera_on": True}, "connected, camera on"),
        (
            {"phase": "connected", "camera_on": True, "microphone_on": True},
            "connected, camera and microphone on",
        ),
        (
            {"phase": "connected", "microphone_on": True, "recording": RECORDING},
            "connected, microphone on, recording",
        ),
        (
            {"phase": "connected", "room": IN_ROOM, "participants": (ADA,)},
            "connected, camera and microphone off, in room physics with 0 others",
        ),
        (
            {"phase": "connected", "camera_on": True, "room": IN_ROOM, "participants": (ADA, ADA)},
            "connected, camera on, in room physics with 1 other",
        ),
        (
            {"phase": "connected", "microphone_on": True, "room": REFUSED, "participants": (ADA,)},
            "connected, microphone on, refused by room physics: It is full.",
        ),
        ({"phase": "failed", "reason": "The engine was killed."}, "failed (The engine was killed.)"),
    ],
)
def test_the_state_is_a_sentence(fields: dict[str, Any], said: str) -> None:
    assert poster.sentence(CallState(quality=QUALITY, **fields)) == said


def test_the_poster_escapes_what_people_and_errors_say() -> None:
    html = poster.html(
        CallState(
            quality=QUALITY,
            phase="failed",
            reason='<img src=x onerror="alert(1)">',
            participants=(Participant(id="you", name="<script>alert(1)</script>", is_you=True),),
        )
    )

    assert "&lt;script&gt;" in html
    assert "&lt;img" in html
    assert "<script" not in html
    assert "<img" not in html


def test_the_poster_loads_nothing() -> None:
    html = poster.html(CallState(quality=QUALITY))

    assert "had not been started when this notebook was saved" in html
    assert "640\u00d7480 at 15 frames" in html
    assert not any(word in html for word in ("http", "src=", "href=", "url("))


def test_the_poster_names_the_room_without_the_way_into_it() -> None:
    state = CallState(quality=QUALITY, phase="connected", room=IN_ROOM, participants=(ADA,))

    html = poster.html(state)

    assert "nbrtc video call with Ada in room physics" in html
    assert "s3cret" not in html + poster.sentence(state)
