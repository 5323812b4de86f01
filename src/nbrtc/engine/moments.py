"""What happened in a call as its recording tells it: events of the statistics on the recording's clock."""

from ..messages import CallState, Participant, StatsEvent
from ..recordings.manifest import Moment
from .chronicle import changes
from .gallery import OWN
from .member import PYTHON

OF_ONESELF = frozenset({
    "camera", "microphone", "screen", "effect", "camera-effect", "source", "audio-effect", "playing",
})  # fmt: skip
"""Events of the call's own side that are about whoever records."""
UNTOLD = frozenset({"page", "stats-interval", "overflow", "recording", "presence"})
"""What says nothing to whoever sees the recording."""


def moment(event: StatsEvent, me: str, time_ms: float) -> Moment | None:
    """The moment of an event; None if it is none.

    Parameters
    ----------
    me
        Own id in the room, which is `OWN` in a recording.
    """
    if event.name in UNTOLD or (event.peer == PYTHON.id and event.name in ("join", "leave", "connection")):
        return None
    peer = event.peer
    if peer in (me, PYTHON.id) or (peer == "" and event.name in OF_ONESELF):
        peer = OWN  # what is told of Python is about the own link
    return Moment(time_ms=time_ms, peer=peer, name=event.name, value=event.value)


def standing(state: CallState, person: Participant, time_ms: float) -> list[Moment]:
    """How one of the `subjects` stands when a recording meets them: who it is, what is on and what is off."""
    told = [Moment(time_ms=time_ms, peer=person.id, name="join", value=person.name)]
    peer, names = ("", OF_ONESELF) if person.is_you else (person.id, OF_ONESELF - {"effect"})
    values = {
        event.name: event.value
        for event in changes(None, state, 0.0)
        if event.peer == peer and event.name in names
    }
    if not person.is_you:
        values.setdefault("screen", "off")  # the chronicle says it of nobody who comes
    told += [
        Moment(time_ms=time_ms, peer=person.id, name=name, value=value) for name, value in values.items()
    ]
    return told
