"""What a client makes of a server's words, also of a newer server's."""

import time
from typing import Any

import msgspec
import pytest

from nbrtc.messages import IceCandidate, Participant, ParticipantStatus, PeerSignal, SessionDescription
from nbrtc.signaling import reading

PARTICIPANT: dict[str, Any] = {
    "userId": "b",
    "userName": "Bob",
    "order": 2,
    "joinedAt": 1.5,
    "isCreator": False,
    "isPython": True,
    "protocol": 1,
    "connected": True,
    "status": {"muted": True, "mood": "fine"},
    "badge": {"colour": "red"},
}
ROOM: dict[str, Any] = {
    "roomId": "physics",
    "roomName": "Physics",
    "capacity": 10,
    "participantCount": 1,
    "settings": {"chat": False, "polls": True},
    "isProtected": True,
    "createdAt": 1,
    "lastActivity": 2,
    "messageCount": 3,
    "theme": "dark",
}


def test_fields_of_a_newer_server_are_passed_over_at_every_depth() -> None:
    joined = reading.joined(
        {"roomId": "physics", "userId": "b", "room": ROOM, "participants": [PARTICIPANT], "polls": []}
    )

    assert not joined.room.settings.chat
    assert joined.room.settings.recording
    assert reading.participant(joined.participants[0], "b") == Participant(
        id="b",
        name="Bob",
        is_python=True,
        is_you=True,
        order=2,
        joined_at_s=1.5,
        status=ParticipantStatus(muted=True),
    )


@pytest.mark.parametrize(
    "value",
    [None, [], {}, {"roomId": "physics"}, {"roomId": 7, "userId": "b", "room": ROOM, "participants": []}],
    ids=repr,
)
def test_what_is_no_room_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        reading.joined(value)


def test_signals_of_every_kind_are_read() -> None:
    sdp = {"type": "offer", "sdp": "v=0", "extra": 1}
    candidate = {"candidate": "candidate:1", "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "u"}

    assert reading.signal("offer", {"from": "b", "generation": 3, "offer": sdp}) == PeerSignal(
        peer="b", generation=3, description=SessionDescription(type="offer", sdp="v=0")
    )
    assert reading.signal("ice-candidate", {"from": "b", "candidate": candidate}) == PeerSignal(
        peer="b",
        candidate=IceCandidate(
            candidate="candidate:1", sdp_mid="0", sdp_m_line_index=0, username_fragment="u"
        ),
    )
    assert reading.signal("ice-candidate", {"from": "b", "candidate": None}).candidate == IceCandidate("")


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ("offer", {}),
        ("offer", {"from": 7, "offer": {"type": "offer", "sdp": ""}}),
        ("offer", {"from": "b", "generation": "3", "offer": {"type": "offer", "sdp": ""}}),
        ("offer", {"from": "b", "offer": None}),
        ("answer", {"from": "b", "answer": {"type": "rollback", "sdp": ""}}),
        ("ice-candidate", {"from": "b", "candidate": "candidate:1"}),
    ],
    ids=repr,
)
def test_a_signal_that_is_none_is_an_error(event: str, value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        reading.signal(event, value)


def test_a_chat_message_is_read_and_its_text_stays_as_it_is() -> None:
    message = reading.chat_message(
        {"id": "1", "from": "b", "userName": "Bob", "message": "<b>hi</b>", "timestamp": 3, "roomId": "x"}
    )

    assert (message.sender, message.sender_name, message.text, message.time_s) == ("b", "Bob", "<b>hi</b>", 3)
    with pytest.raises(ValueError, match=r"."):
        reading.chat_message({"id": "1"})


def test_half_a_character_is_a_question_mark_and_no_page_misses_the_state_for_it() -> None:
    half = "Bob \ud83d"
    somebody = PARTICIPANT | {"userName": half}
    joined = reading.joined({"roomId": "physics", "userId": "b", "room": ROOM, "participants": [somebody]})
    said = reading.chat_message({"id": "1", "from": "b", "userName": half, "message": half, "timestamp": 3})
    signal = reading.signal("offer", {"from": "b", "generation": 1, "offer": {"type": "offer", "sdp": half}})

    for read in (joined, said, signal):
        assert b"Bob ?" in msgspec.json.encode(read)
    assert str(reading.error({"code": "room-full", "message": half})) == "Bob ?"


@pytest.mark.parametrize(
    ("value", "reason", "text"),
    [
        ({"code": "room-full", "message": "Full."}, "room-full", "Full."),
        ({"message": "No.", "data": {"code": "not-allowed"}}, "not-allowed", "No."),
        ({"code": "from the future", "message": "Hm."}, "server-error", "without saying why"),
        ({"code": ["room-full"], "message": "Full."}, "server-error", "without saying why"),
        ({"code": "room-full", "message": ""}, "server-error", "without saying why"),
        ("Unable to connect", "server-error", "without saying why"),
        (None, "server-error", "without saying why"),
    ],
    ids=repr,
)
def test_refusals_keep_their_code_and_sentence(value: object, reason: str, text: str) -> None:
    error = reading.error(value)

    assert error.reason == reason
    assert text in str(error)


@pytest.mark.parametrize(
    ("ttl_s", "expires_at_s", "ends_s"),
    [
        pytest.param(600.0, 9.0, 1600.0, id="whatever time the server's clock has"),
        pytest.param(None, 9.0, 9.0, id="a server that says only when"),
        pytest.param(None, None, None, id="nothing that ends"),
    ],
)
def test_credentials_end_by_the_clock_of_who_uses_them(
    ttl_s: float | None, expires_at_s: float | None, ends_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    assert reading.expiry(ttl_s, expires_at_s) == ends_s
