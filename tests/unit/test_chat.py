"""The chat as Python writes and reads it."""

import subprocess
import sys
from typing import Any

import msgspec
import pandas as pd
import pytest

from nbrtc.bridge import Bridge
from nbrtc.chat import MAX_MESSAGES, Chat, from_others
from nbrtc.errors import RoomError
from nbrtc.messages import CallState, ChatMessage, Participant, Quality, RoomInfo, Say, Verb, encode_bridge
from nbrtc.mirror import StateMirror
from nbrtc.participants import Participants

YOU = Participant("me", "Ada", is_you=True, joined_at_s=100.0)
BOB = Participant("b0b", "Bob")
STATE = CallState(
    quality=Quality(640, 480, 15),
    phase="connected",
    revision=1,
    room=RoomInfo("physics", "physics", me="me", phase="joined"),
    participants=(YOU, BOB),
)


def message(number: int, sender: str = "b0b", **fields: Any) -> ChatMessage:
    name, text = sender.title(), f"text {number}"
    return ChatMessage(str(number), sender, name, text, time_s=100.0 + number, **fields)


class Engine:
    """Answers what is said, or refuses it."""

    def __init__(self) -> None:
        self.said: list[Verb] = []
        self.refusal: RoomError | None = None

    def request(self, verb: Verb) -> msgspec.Raw:
        self.said.append(verb)
        if self.refusal is not None:
            raise self.refusal
        return msgspec.Raw(encode_bridge(message(len(self.said), "me")))


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def chat(engine: Engine) -> Chat:
    mirror = StateMirror(STATE, lambda _: None)
    return Chat(engine.request, Participants(Bridge(), "call", mirror))


def test_what_is_sent_is_returned_and_kept_once(chat: Chat, engine: Engine) -> None:
    said = chat.send("hello")
    assert chat.take((said,)) == [], "the room says it, too"

    assert engine.said == [Say(text="hello")]
    assert list(chat.messages) == [said]


def test_one_is_written_to_by_name_by_id_and_by_face(chat: Chat, engine: Engine) -> None:
    for to in ("Bob", "b0b", chat._participants["Bob"]):
        chat.send("psst", to=to)

    assert engine.said == [Say(text="psst", to="b0b")] * 3
    with pytest.raises(KeyError, match="Nobody is 'Eve'"):
        chat.send("psst", to="Eve")


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_not_sent(chat: Chat, engine: Engine, text: str) -> None:
    with pytest.raises(ValueError, match="something to read"):
        chat.send(text)
    assert engine.said == []


def test_half_a_character_is_not_sent(chat: Chat, engine: Engine) -> None:
    with pytest.raises(ValueError, match="half a character"):
        chat.send("\ud800")
    assert engine.said == []


def test_something_else_than_text_is_refused(chat: Chat) -> None:
    with pytest.raises(TypeError, match="a string, not 5"):
        chat.send(5)  # type: ignore[arg-type]  # that is what is tried


def test_a_refusal_keeps_nothing(chat: Chat, engine: Engine) -> None:
    engine.refusal = RoomError("Too many a second.", "rate-limited")

    with pytest.raises(RoomError, match="Too many"):
        chat.send("hello")
    assert len(chat.messages) == 0


def test_messages_are_a_sequence_of_one_moment(chat: Chat) -> None:
    chat.take([message(number) for number in range(3)])
    messages = chat.messages
    chat.take([message(3)])

    assert len(messages) == 3
    assert [one.text for one in messages[1:]] == ["text 1", "text 2"]
    assert messages[-1].text == "text 2"
    assert message(1) in messages
    assert len(chat.messages) == 4


def test_the_oldest_are_forgotten(chat: Chat) -> None:
    chat.take([message(number) for number in range(MAX_MESSAGES + 2)])

    assert len(chat.messages) == MAX_MESSAGES
    assert chat.messages[0].id == "2"


def test_a_table_is_tidy(chat: Chat) -> None:
    chat.take([message(1), message(2, "me", to="b0b")])
    table = chat.messages.to_frame()

    assert list(table.columns) == ["sender", "sender_name", "text", "to"]
    assert isinstance(table.index, pd.DatetimeIndex)
    assert str(table.index.tz) == "UTC"
    assert table.index[0] == pd.Timestamp(101.0, unit="s", tz="UTC")
    assert table["to"].isna().tolist() == [True, False]
    assert table["sender"].tolist() == ["b0b", "me"]


def test_an_empty_table_has_the_same_columns_and_types(chat: Chat) -> None:
    empty = chat.messages.to_frame()
    chat.take([message(1)])
    full = chat.messages.to_frame()

    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert empty.dtypes.tolist() == full.dtypes.tolist()
    assert empty.index.dtype == full.index.dtype


def test_text_is_never_markup(chat: Chat) -> None:
    chat.take([message(1, "<img src=x>"), ChatMessage("2", "b", "Bob", "<script>alert(1)</script>", 1.0)])

    shown = chat.messages._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;" in shown
    assert repr(chat.messages[:0]) == "<no messages>"
    assert repr(chat.messages).splitlines()[0] == "00:01:41 <Img Src=X>: text 1"


def test_callbacks_hear_others_from_the_joining_on() -> None:
    before, own, news = message(-1), message(1, "me"), message(2)

    assert from_others([before, own, news], STATE) == [news]
    joining = msgspec.structs.replace(STATE, room=RoomInfo("physics", "physics", phase="joining"))
    assert from_others([news], joining) == [], "it is what was written before"


def test_pandas_is_loaded_with_the_first_table_only() -> None:
    code = (
        "import sys; from nbrtc.chat import ChatMessages; m = ChatMessages([]); repr(m);"
        "before = 'pandas' in sys.modules; m.to_frame(); print(before, 'pandas' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert result.stdout.split() == ["False", "True"]
