"""The room rules that have no place in the state machine's model: identities, names, and bounds."""

from typing import Any

import pytest

from nbrtc.errors import RoomError
from nbrtc.messages.nouns import ParticipantStatus
from nbrtc.messages.page import IceCandidate, SessionDescription
from nbrtc.messages.signaling import MAX_ACKNOWLEDGED, CreateRoom, JoinRoom
from nbrtc.rooms import Lobby, Outcome, Visitor
from nbrtc.rooms.history import MESSAGES, TEXT_BYTES
from nbrtc.rooms.names import check_name, check_participant_id, check_room_id, check_text
from nbrtc.rooms.seat import MISSED, MISSED_BYTES


def joined(lobby: Lobby, client: str, user: str, *, subject: str | None = None, **more: object) -> Outcome:
    visitor = Visitor(client=client, role="owner", room="r", subject=subject)
    request = JoinRoom(room_id="r", user_id=user, create=True, protocol=1, **more)  # type: ignore[arg-type]
    return lobby.join(visitor, request, None, 0.0)


def refusal_of(lobby: Lobby, visitor: Visitor, request: CreateRoom | JoinRoom) -> str:
    ask: Any = lobby.create if isinstance(request, CreateRoom) else lobby.join
    with pytest.raises(RoomError) as caught:
        ask(visitor, request, None, 0.0)
    return caught.value.reason


def test_the_same_signed_subject_takes_its_seat_over() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada", subject="ada@lab")
    joined(lobby, "c2", "bob")

    outcome = joined(lobby, "c3", "ada", subject="ada@lab")

    assert outcome.dismissed == ("c1",)
    told = [(delivery.event, delivery.clients) for delivery in outcome.deliveries]
    assert told == [
        ("room-joined", ("c3",)),
        ("participant-left", ("c2",)),
        ("participant-joined", ("c2",)),
    ]
    assert lobby.rooms["r"].seats["ada"].order == 3
    assert lobby.find("c1") is None
    assert lobby.disconnect("c1", 1.0) == Outcome()


def test_another_subject_or_none_is_somebody_else() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada", subject="ada@lab")
    joined(lobby, "c2", "bob")

    for subject, user in [("eve@lab", "ada"), (None, "ada"), (None, "bob"), ("ada@lab", "bob")]:
        visitor = Visitor(client="c3", role="owner", room="r", subject=subject)
        assert refusal_of(lobby, visitor, JoinRoom(room_id="r", user_id=user)) == "already-in-room"


def test_a_token_opens_its_room_without_the_passcode_and_no_other_room() -> None:
    lobby = Lobby()
    lobby.create(Visitor(client="c1"), CreateRoom(room_id="r", user_id="ada"), "hash", 0.0)

    assert refusal_of(lobby, Visitor(client="c2"), JoinRoom(room_id="r")) == "wrong-passcode"
    stranger = Visitor(client="c2", role="participant", room="other")
    assert refusal_of(lobby, stranger, JoinRoom(room_id="r")) == "not-allowed"
    guest = Visitor(client="c2", role="participant", room="r", name="Signed Name")
    lobby.join(guest, JoinRoom(room_id="r", user_id="bob", user_name="Claimed"), None, 0.0)
    assert lobby.rooms["r"].seats["bob"].name == "Signed Name"
    lobby.join(Visitor(client="c3", role="admin", room="*"), JoinRoom(room_id="r"), None, 0.0)


def test_where_tokens_are_required_only_owners_make_rooms() -> None:
    lobby = Lobby(members_only=True)
    guest = Visitor(client="c1", role="participant", room="r")

    assert refusal_of(lobby, Visitor(client="c1"), JoinRoom(room_id="r", create=True)) == "not-allowed"
    assert refusal_of(lobby, guest, JoinRoom(room_id="r", create=True)) == "not-allowed"
    assert refusal_of(lobby, guest, CreateRoom(room_id="r")) == "not-allowed"
    assert refusal_of(lobby, Visitor(client="c1", role="owner", room="r"), CreateRoom()) == "not-allowed"
    assert not lobby.rooms
    joined(lobby, "c2", "ada")
    lobby.join(guest, JoinRoom(room_id="r"), None, 0.0)


def test_being_creator_passes_to_nobody() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    joined(lobby, "c2", "bob")
    lobby.leave("c1", "r", 1.0)

    joined(lobby, "c3", "ada")

    room = lobby.rooms["r"]
    assert not any(seat.is_creator for seat in room.seats.values())
    assert room.creator_id == "ada"


def test_history_is_bounded_in_number_and_in_bytes_and_keeps_secrets() -> None:
    lobby = Lobby()
    for number, user in enumerate(("ada", "bob", "eve")):
        joined(lobby, f"c{number}", user)
    room, ada = lobby.place("c0")
    room.say(ada, "psst", to="bob", message_id="secret", now_s=0.0)
    for number in range(MESSAGES - 1):
        room.say(ada, str(number), to=None, message_id=str(number), now_s=0.0)

    assert len(room.history.public()) == MESSAGES - 1
    assert [len(room.history.seen_by(user)) for user in ("ada", "bob", "eve")] == [200, 200, 199]
    room.say(ada, "one more", to=None, message_id="more", now_s=0.0)
    assert [len(room.history.seen_by(user)) for user in ("ada", "bob", "eve")] == [200, 200, 200]
    for _ in range(MESSAGES):
        room.say(ada, "x" * 4000, to=None, message_id="long", now_s=0.0)
    assert len(room.history.public()) == TEXT_BYTES // 4000
    assert room.message_count == 2 * MESSAGES + 1


@pytest.mark.parametrize(("sdp", "kept"), [("v=0", MISSED), ("x" * 30_000, MISSED_BYTES // 30_000)])
def test_what_an_absent_one_misses_is_bounded_and_the_newest_stays(sdp: str, kept: int) -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    token = joined(lobby, "c2", "bob").reply.resume_token
    room, ada = lobby.place("c1")
    lobby.disconnect("c2", 0.0)
    for generation in range(MISSED + 50):
        room.relay(ada, "offer", SessionDescription("offer", sdp), to="bob", generation=generation, now_s=0.0)

    outcome = joined(lobby, "c3", "bob", resume_token=token)

    offers = [
        d.data["generation"] for d in outcome.deliveries if d.event == "offer" and isinstance(d.data, dict)
    ]
    assert offers == list(range(MISSED + 50 - kept, MISSED + 50))


def test_asking_twice_to_join_is_answered_twice_and_told_once() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    first = joined(lobby, "c2", "bob")

    again = joined(lobby, "c2", "bob")

    assert again.reply == first.reply
    assert [delivery.clients for delivery in again.deliveries] == [("c2",)]


def test_a_refused_request_changes_nothing() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    bad = JoinRoom(room_id="r2", create=True, user_name="\x00")

    assert refusal_of(lobby, Visitor(client="c1"), bad) == "invalid"

    assert list(lobby.rooms) == ["r"]
    assert lobby.place("c1")[1].id == "ada"


def test_a_status_that_is_no_news_is_told_to_nobody() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    joined(lobby, "c2", "bob")
    room, ada = lobby.place("c1")

    assert len(room.set_status(ada, ParticipantStatus(muted=True), 1.0).deliveries) == 1
    assert room.set_status(ada, ParticipantStatus(muted=True), 2.0).deliveries == ()
    assert room.last_activity_s == 2.0


@pytest.mark.parametrize(
    "name", ["Ada", "Zoë", "佐藤", "O'Brien <b>", "👩\u200d💻", "می\u200cخواهم", "x" * 64]
)
def test_names_of_people(name: str) -> None:
    assert check_name(f"  {name} ") == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "\u200d", "a\x00", "a\nb", "a\u202eb", "a\u2066b", "a\u200bb", "\ud800", "x" * 65, "x" * 10**6],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(RoomError) as caught:
        check_name(name)
    assert caught.value.reason == "invalid"
    assert len(str(caught.value)) < 200
    assert str(caught.value).isascii()


def test_a_name_is_composed() -> None:
    assert check_name("Zoe\u0308") == "Zoë"


@pytest.mark.parametrize("room", ["", "../x", "a b", "ü", "a\n", "x" * 65, "a/b", "\ud800"])
def test_what_is_no_id(room: str) -> None:
    for check in (check_room_id, check_participant_id):
        with pytest.raises(RoomError):
            check(room)


@pytest.mark.parametrize("reserved", ["you", "python"])
def test_words_with_a_meaning_are_nobodys_id(reserved: str) -> None:
    assert check_room_id(reserved) == reserved
    with pytest.raises(RoomError):
        check_participant_id(reserved)


def test_texts_are_measured_in_bytes() -> None:
    assert check_text("é" * 5, 10, "It") == "é" * 5
    for text, reason in [("é" * 6, "too-large"), ("x" * 11, "too-large"), ("\udc00", "invalid")]:
        with pytest.raises(RoomError) as caught:
            check_text(text, 10, "It")
        assert caught.value.reason == reason


def test_each_part_of_a_candidate_is_bounded() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    room, ada = lobby.place("c1")
    for candidate in (IceCandidate("c" * 1025), IceCandidate("c", sdp_mid="m" * 1025)):
        with pytest.raises(RoomError) as caught:
            room.relay(ada, "ice-candidate", candidate, to=None, generation=1, now_s=0.0)
        assert caught.value.reason == "too-large"


def test_an_acknowledgement_names_what_others_record_now_and_outlives_a_lost_connection() -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    token = joined(lobby, "c2", "bob").reply.resume_token
    room, ada = lobby.place("c1")
    _, bob = lobby.place("c2")
    room.set_status(bob, ParticipantStatus(acknowledges=("tape",)), 0.0)
    assert not bob.status.acknowledges, "nobody records it yet"

    room.set_status(ada, ParticipantStatus(recording=True, recording_id="tape", acknowledges=("tape",)), 0.0)
    told = room.set_status(bob, ParticipantStatus(acknowledges=("tape", "film", "tape")), 0.0)

    assert not ada.status.acknowledges, "one's own needs no confirmation of the room"
    assert [delivery.clients for delivery in told.deliveries] == [("c1",)]
    assert bob.status.acknowledges == ("tape",)
    lobby.disconnect("c1", 0.0)
    lobby.disconnect("c2", 0.0)
    joined(lobby, "c3", "bob", resume_token=token)
    assert lobby.place("c3")[1].status.acknowledges == ("tape",)
    eve = joined(lobby, "c4", "eve", status=ParticipantStatus(acknowledges=("tape",)))
    assert {one.user_id: one.status.recording_id for one in eve.reply.participants} == {
        "ada": "tape",
        "bob": "",
        "eve": "",
    }
    assert lobby.place("c4")[1].status.acknowledges == ("tape",)


@pytest.mark.parametrize(
    "status",
    [
        {"recording": True, "recording_id": "../tape"},
        {"recording": True, "recording_id": "x" * 65},
        {"recording": True, "recording_id": "tape\n"},
        {"recording": False, "recording_id": "tape"},
        {"acknowledges": ("",)},
        {"acknowledges": ("a b",)},
        {"acknowledges": ("x" * 1000,)},
        {"acknowledges": tuple(f"tape{number}" for number in range(MAX_ACKNOWLEDGED + 1))},
        {"acknowledges": ("\udc80",)},
    ],
    ids=str,
)
def test_what_cannot_be_a_recording_is_refused_in_words(status: dict[str, Any]) -> None:
    lobby = Lobby()
    joined(lobby, "c1", "ada")
    room, ada = lobby.place("c1")
    hostile = ParticipantStatus(**status)

    with pytest.raises(RoomError) as caught:
        room.set_status(ada, hostile, 0.0)
    assert caught.value.reason == "invalid"
    assert len(str(caught.value)) < 200
    assert ada.status == ParticipantStatus()
    request = JoinRoom(room_id="r", user_id="eve", status=hostile)
    assert refusal_of(lobby, Visitor(client="c2", role="owner", room="r"), request) == "invalid"
    assert list(room.seats) == ["ada"]
