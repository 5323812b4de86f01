"""Who is in the call, as Python reads it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from nbrtc import messages
from nbrtc.errors import NotConnected
from nbrtc.messages import CallState, FrameCredit, ParticipantStatus, Quality, RecordingStatus, RoomInfo
from nbrtc.mirror import StateMirror
from nbrtc.participants import SETTLE_S, Attendance, AudioState, Participants, VideoState
from tests.unit.frame_engine import FrameEngine

YOU = messages.Participant("me", "Ada", is_you=True, is_creator=True, joined_at_s=1_700_000_000.0)
BOB = messages.Participant("b0b", "Bob", order=1, connection="connected")
SOLO = (
    messages.Participant("you", "Ada", is_you=True),
    messages.Participant("python", "Python", is_python=True),
)
ROOM = RoomInfo("physics", "physics", me="me", phase="joined")


class Room:
    """A call's mirror whose state is changed by hand, and the participants over it."""

    def __init__(self, engine: FrameEngine) -> None:
        self.mirror = StateMirror(CallState(quality=Quality(640, 480, 15)), lambda _: None)
        self.people = Participants(engine, "call", self.mirror)
        self.change(phase="connected", room=ROOM, participants=(YOU, BOB))

    def change(self, **fields: Any) -> CallState:
        state = self.mirror.state
        state = msgspec.structs.replace(state, revision=state.revision + 1, **fields)
        self.mirror.take(state)
        return state


@pytest.fixture
def engine() -> Iterator[FrameEngine]:
    engine = FrameEngine()
    yield engine
    engine.close()


@pytest.fixture
def room(engine: FrameEngine) -> Room:
    return Room(engine)


def bob(**status: Any) -> messages.Participant:
    return msgspec.structs.replace(BOB, status=ParticipantStatus(**status))


def test_it_is_said_who_may_be_in_a_recording_now(room: Room) -> None:
    you, face = room.people["me"], room.people["b0b"]
    assert (you.is_recorded, face.is_recorded) == (False, False)

    room.change(recorded=("you", "b0b"))
    assert (you.is_recorded, face.is_recorded) == (True, True)

    recorder = bob(recording=True, recording_id="r1")
    agreed = msgspec.structs.replace(YOU, status=ParticipantStatus(acknowledges=("r1",)))
    room.change(recorded=(), participants=(YOU, recorder))
    assert not you.is_recorded, "the badge is not confirmed"
    room.change(participants=(agreed, recorder))
    assert (you.is_recorded, face.is_recorded) == (True, False)
    room.change(participants=(agreed, bob()))
    assert not you.is_recorded, "the recording is over"


def test_people_are_found_by_id_and_by_a_unique_name(room: Room) -> None:
    assert list(room.people) == ["me", "b0b"]
    assert len(room.people) == 2
    assert room.people["b0b"] == room.people["Bob"] == room.people.face(BOB)
    assert "Bob" in room.people
    assert "Eve" not in room.people
    assert [person.name for person in room.people.values()] == ["Ada", "Bob"]
    assert len({*room.people.values(), room.people["Bob"]}) == 2


def test_an_id_counts_more_than_a_name(room: Room) -> None:
    room.change(participants=(YOU, BOB, messages.Participant("eve", "b0b")))

    assert room.people["b0b"].name == "Bob"


def test_a_name_that_two_have_is_refused_with_their_ids(room: Room) -> None:
    room.change(participants=(YOU, BOB, messages.Participant("b2", "Bob")))

    with pytest.raises(
        KeyError, match=r"2 participants are called 'Bob'; by id there are 'b0b' \(Bob\), 'b2' \("
    ):
        room.people["Bob"]
    with pytest.raises(KeyError, match=r"Nobody is 'Eve'; by id there are 'me' \(Ada\), 'b0b'"):
        room.people["Eve"]


def test_a_face_follows_the_state_and_keeps_the_last_one_of_who_left(room: Room) -> None:
    face = room.people["Bob"]
    assert (face.is_muted, face.video, face.audio) == (
        False,
        VideoState(is_on=True, is_screen=False, is_received=False),
        AudioState(is_on=True, is_received=False),
    )

    room.change(participants=(YOU, bob(muted=True, screen_sharing=True, recording=True, receives=("me",))))
    room.change(wanted=("b0b",))
    assert (face.is_muted, face.is_screen_sharing, face.is_recording) == (True, True, True)
    assert face.receives == ("me",)
    assert face.video == VideoState(is_on=True, is_screen=True, is_received=True)

    room.change(participants=(YOU,))
    assert not face.is_present
    assert (face.name, face.is_muted) == ("Bob", True)
    assert "left" in repr(face)
    assert list(room.people) == ["me"]


def test_you_are_what_the_call_says_of_its_own_devices(room: Room) -> None:
    you = room.people["Ada"]
    assert (you.is_you, you.is_creator, you.is_muted, you.video.is_on) == (True, True, True, False)
    assert you.joined_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)

    recording = RecordingStatus(id="1", path="a.mkv", state="recording", started_at_s=0)
    room.change(
        camera_on=True, microphone_on=True, screen_sharing=True, wanted=("b0b", "you"), recording=recording
    )
    assert (you.is_muted, you.is_recording, you.is_screen_sharing) == (False, True, True)
    assert you.video == VideoState(is_on=True, is_screen=True, is_received=True)
    assert you.receives == ("b0b", "me")


def test_a_solo_calls_python_has_no_devices(room: Room) -> None:
    receiving = msgspec.structs.replace(SOLO[1], receives_video=True)
    room.change(room=None, participants=(SOLO[0], receiving), camera_on=True)
    python = room.people["python"]

    assert (python.video.is_on, python.audio.is_on, python.receives) == (False, False, ("you",))
    assert python.joined_at is None
    with pytest.raises(NotConnected, match="Python has no camera"):
        python.snapshot()


def test_reprs_are_cheap_words_and_no_markup(room: Room) -> None:
    room.change(participants=(YOU, msgspec.structs.replace(bob(muted=True), name="<b>Bob</b>")))

    assert repr(room.people) == "<nbrtc.Participants {'me': Ada, 'b0b': <b>Bob</b>}>"
    assert repr(room.people["b0b"]) == "<nbrtc.Participant '<b>Bob</b>' (b0b): muted, connected>"
    table = room.people._repr_html_()
    assert "&lt;b&gt;Bob&lt;/b&gt;" in table
    assert "<b>" not in table
    assert "you, creator, muted, video off" in table


# --- frames


def test_a_snapshot_asks_for_this_participants_picture(room: Room, engine: FrameEngine) -> None:
    with engine.supplying() as heard:
        picture = room.people["Bob"].snapshot(20)
        mine = camera_is_on(room).people["Ada"].snapshot(20)

    assert picture.shape == mine.shape == (48, 64, 3)
    assert picture.dtype == np.uint8
    asked = [reader.message.participant for reader in heard if isinstance(reader.message, FrameCredit)]
    assert asked == ["b0b", ""]


def camera_is_on(room: Room) -> Room:
    room.change(camera_on=True)
    return room


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda room: room.change(participants=(YOU,)), "Bob has left"),
        (lambda room: room.change(participants=(YOU, bob(video_off=True))), "their video is off"),
        (lambda room: room.change(phase="idle"), "the call is not started"),
    ],
)
def test_a_snapshot_that_cannot_come_says_why(room: Room, change: Callable[[Room], Any], why: str) -> None:
    face = room.people["Bob"]
    change(room)

    with pytest.raises(NotConnected, match=why):
        face.snapshot(0)


def test_a_snapshot_that_does_not_come_says_so(room: Room) -> None:
    with pytest.raises(TimeoutError, match=r"No picture came within 0 s\."):
        room.people["Bob"].snapshot(0)


def test_a_loop_ends_when_they_leave_and_outlives_an_engine(room: Room, engine: FrameEngine) -> None:
    seen = []
    with engine.supplying():
        for frame in room.people["Bob"].frames():
            seen.append(frame.number)
            if len(seen) == 2:
                room.mirror.lose("The engine was killed.")
                room.change(epoch=1, phase="idle", participants=(YOU,))
            if len(seen) == 4:
                room.change(phase="connected", participants=(YOU, BOB))
                room.mirror._lost_s = float("-inf")  # the grace is over
            if len(seen) == 6:
                room.change(participants=(YOU,))

    assert seen == [1, 2, 3, 4, 5, 6]
    with pytest.raises(KeyError):
        room.people["Bob"]
    with pytest.raises(NotConnected, match="Bob has left"):
        room.people.face(BOB).frames()


# --- who came and who went


class Register(Attendance):
    """Takes states and gives names; its clock is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(lambda: self.now_s)

    def see(self, *people: messages.Participant, me: str = "me", phase: Any = "joined") -> tuple[str, str]:
        room = RoomInfo("physics", "physics", me=me, phase=phase)
        state = CallState(quality=Quality(640, 480, 15), room=room, participants=people)
        joined, left = self.take(state)
        return "+".join(noun.name for noun in joined), "+".join(noun.name for noun in left)


EVE = messages.Participant("eve", "Eve")


def test_those_who_come_and_go_after_joining_are_told() -> None:
    register = Register()

    assert register.see(SOLO[0]) == ("", ""), "joined, and the list of people is not there yet"
    assert register.see(YOU, BOB) == ("", ""), "Bob was there first"
    assert register.see(YOU, BOB, EVE) == ("Eve", "")
    assert register.see(YOU, EVE) == ("", "Bob")
    assert register.see(YOU, EVE) == ("", "")


def test_a_lost_server_or_engine_moves_nobody_who_comes_back() -> None:
    register = Register()
    register.see(YOU, BOB)

    assert register.see(YOU, phase="reconnecting") == ("", "")
    assert register.see(YOU, EVE) == ("Eve", ""), "a server that has just begun knows Eve only"
    assert register.see(YOU, EVE, BOB) == ("", "")
    register.now_s += SETTLE_S
    assert register.look() == []
    assert register.see(YOU, EVE) == ("", "Bob")


def test_who_does_not_come_back_has_left() -> None:
    register = Register()
    register.see(YOU, BOB, EVE)
    register.see(YOU, phase="reconnecting")
    register.see(YOU, EVE)

    register.now_s += SETTLE_S - 0.1
    assert register.look() == []
    register.now_s += 0.1
    assert register.look() == [BOB]
    assert register.look() == []


def test_joining_anew_tells_of_nobody() -> None:
    register = Register()
    register.see(YOU, BOB)
    again = msgspec.structs.replace(YOU, id="again")

    assert register.see(again, EVE, me="again") == ("", "")
    assert register.see(again, EVE, BOB, me="again") == ("Bob", "")
    assert register.take(CallState(quality=Quality(640, 480, 15))) == ([], [])
