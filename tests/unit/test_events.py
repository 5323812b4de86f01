"""Reading an event in one go: what it takes is what the gate would take, and all else is left to the gate."""

import pytest

from nbrtc.messages.page import IceCandidate
from nbrtc.messages.signaling import CandidateMessage, ChatMessageSent, LeaveRoom
from nbrtc.signaling.events import Event, read_event
from nbrtc.signaling.gate import GuardedPacket
from tests.unit.test_gate import REFUSED


@pytest.mark.parametrize(
    ("packet", "event"),
    [
        ('2["leave-room",{}]', Event("leave-room", "", LeaveRoom())),
        (
            '2017["chat-message",{"message":"[]"}]',
            Event("chat-message", "017", ChatMessageSent(message="[]")),
        ),
        (
            '2["ice-candidate",{"to":"bob","candidate":{"candidate":"c","sdpMid":"0"}}]',
            Event(
                "ice-candidate",
                "",
                CandidateMessage(to="bob", candidate=IceCandidate(candidate="c", sdp_mid="0")),
            ),
        ),
    ],
)
def test_a_well_formed_event_is_read(packet: str, event: Event) -> None:
    assert read_event(packet) == event
    assert GuardedPacket(encoded_packet=packet).data[0] == event.name


LEFT = {
    "unknown": '2["raise-hand",{}]',
    "stamped": '2["chat-message",{"message":"hi","userId":"ada"}]',
    "field-missing": '2["chat-message",{}]',
    "wrong-type": '2["chat-message",{"message":1}]',
    "long-id": "2" + "1" * 11 + '["leave-room",{}]',
    "id-no-digits": '2١["leave-room",{}]',
    "id-in-front": '2x["leave-room",{}]',
    "connect": "0",
}


@pytest.mark.parametrize("packet", LEFT.values(), ids=LEFT)
def test_what_needs_a_second_look_is_left_to_the_gate(packet: str) -> None:
    assert read_event(packet) is None


@pytest.mark.parametrize("packet", [text for text in REFUSED.values() if isinstance(text, str)])
def test_nothing_that_the_gate_refuses_slips_through(packet: str) -> None:
    assert read_event(packet) is None
