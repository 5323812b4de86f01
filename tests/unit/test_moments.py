"""What a recording tells of effects and sources: how they stand when it begins, and each change."""

import msgspec

from nbrtc.engine.chronicle import changes
from nbrtc.engine.gallery import OWN
from nbrtc.engine.moments import moment, standing
from nbrtc.messages import QUALITIES, CallState, Effect, Participant

YOU, BOB = Participant(id=OWN, name="Ada", is_you=True), Participant(id="b0b", name="Bob")
STATE = CallState(
    quality=QUALITIES["auto"],
    participants=(YOU, BOB),
    effect=Effect("blur", 0.7),
    video_effect="edges()",
    video_source="figure",
)


def test_a_recording_begins_with_the_effects_that_are_on_of_oneself_only() -> None:
    told = {one.name: one.value for one in standing(STATE, YOU, 0.0)}
    assert {name: told.get(name) for name in ("camera-effect", "effect", "source")} == {
        "camera-effect": "blur 0.7",
        "effect": "edges()",
        "source": "figure",
    }
    assert not {one.name for one in standing(STATE, BOB, 0.0)} & {"camera-effect", "effect", "source"}


def test_each_change_is_told_of_whoever_records() -> None:
    after = msgspec.structs.replace(STATE, effect=Effect("none"), video_source=None)
    told = [moment(event, "me", 5.0) for event in changes(STATE, after, 1.0)]
    assert [(one.peer, one.name, one.value) for one in told if one] == [
        (OWN, "camera-effect", "none"),
        (OWN, "source", "none"),
    ]
