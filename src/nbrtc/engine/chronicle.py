"""What happened to a call, read from the changes of its state: pure, and on no clock but the caller's."""

from collections.abc import Iterator

from ..messages import CallState, Effect, Participant, Quality, StatsEvent, VideoSize
from .member import PYTHON

MAX_NAME, MAX_VALUE = 64, 2000
"""Characters of an event that a page may tell."""
NEVER_S = float("-inf")


def changes(before: CallState | None, after: CallState, now_s: float) -> list[StatsEvent]:
    """The events that lead from one state to another.

    Parameters
    ----------
    before
        None at the beginning: then everything is told that stands.
    now_s
        Unix time, in seconds.
    """
    events = [
        StatsEvent(time_s=now_s, peer="", name=name, value=value) for name, value in _own(before, after)
    ]
    events += [
        StatsEvent(time_s=now_s, peer=peer, name=name, value=value)
        for peer, name, value in _others(() if before is None else before.participants, after.participants)
    ]
    return events


def _own(before: CallState | None, after: CallState) -> Iterator[tuple[str, str]]:
    known = {} if before is None else _standing(before)
    for name, value in _standing(after).items():
        if known.get(name, "none") != value:
            yield name, value


def _standing(state: CallState) -> dict[str, str]:
    """Each thing that is told of a call, in words; nothing that says where or who."""
    room, recording = state.room, state.recording
    return {
        "phase": state.phase,
        "page": "none" if state.owner is None else state.owner[:8],
        "room": "none" if room is None else f"{room.phase} {room.code}".strip(),
        "quality": _quality(state.quality),
        "codec": state.codec,
        "stats-interval": f"{state.stats_interval_s:g}",
        "microphone": _switch(state.microphone_on),
        "camera": _size(state.camera) if state.camera_on else "off",
        "screen": _switch(state.screen_sharing),
        "effect": state.video_effect or "none",
        "camera-effect": _effect(state.effect),
        "source": state.video_source or "none",
        "audio-effect": state.audio_effect or "none",
        "playing": "on" if state.playing else "none",
        "recording": "none" if recording is None else recording.state,
    }


def _others(
    before: tuple[Participant, ...], after: tuple[Participant, ...]
) -> Iterator[tuple[str, str, str]]:
    """Who came and went, and what changed about those who stayed."""
    known = {person.id: person for person in before if not person.is_you}
    here = {person.id: person for person in after if not person.is_you}
    for identity, person in known.items():
        if identity not in here:
            yield identity, "leave", person.name
    for identity, person in here.items():
        earlier = known.get(identity)
        if earlier is None:
            yield identity, "join", person.name
        was = NEWCOMER if earlier is None else _person(earlier)
        for name, value in _person(person).items():
            if was.get(name) != value:
                yield identity, name, value


NEWCOMER = {"connection": "new", "presence": "here", "screen": "off", "recording": "none"}
"""What is not worth telling of somebody who comes."""


def _person(person: Participant) -> dict[str, str]:
    status = person.status
    told = {
        "connection": person.connection,
        "presence": "here" if person.is_connected else "away",
    }
    if person.id == PYTHON.id or person.protocol == 0:
        return told  # what it sends is nobody's switch, or it does not say
    return told | {
        "microphone": _switch(not status.muted),
        "camera": _switch(not status.video_off),
        "screen": _switch(status.screen_sharing),
        "recording": "recording" if status.recording else "none",
    }


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _quality(quality: Quality) -> str:
    name = "" if quality.name is None else f"{quality.name} "
    return f"{name}{quality.width}x{quality.height}@{quality.fps:g}"


def _effect(effect: Effect) -> str:
    return effect.name if effect.strength is None else f"{effect.name} {effect.strength:g}"


def _size(camera: VideoSize | None) -> str:
    if camera is None:
        return "on"
    return f"on {camera.width}x{camera.height}" + ("" if camera.fps is None else f"@{camera.fps:g}")


class EventGate:
    """How many events of a page go on: `LIMIT` in each second, the rest is dropped and counted."""

    LIMIT = 100
    WINDOW_S = 1.0

    def __init__(self) -> None:
        self.dropped = 0
        """Since the last time somebody asked with `take_dropped`."""
        self._began_s = NEVER_S
        self._passed = 0

    def admits(self, now_s: float) -> bool:
        """Whether an event that comes now goes on; `now_s` does not go back."""
        if now_s - self._began_s >= self.WINDOW_S:
            self._began_s, self._passed = now_s, 0
        if self._passed >= self.LIMIT:
            self.dropped += 1
            return False
        self._passed += 1
        return True

    def take_dropped(self) -> int:
        """How many were dropped; the count begins again."""
        dropped, self.dropped = self.dropped, 0
        return dropped


def bounded(event: StatsEvent) -> StatsEvent:
    """A page's event with texts of bounded length."""
    return StatsEvent(
        time_s=event.time_s,
        peer=event.peer[:MAX_NAME],
        name=event.name[:MAX_NAME],
        value=event.value[:MAX_VALUE],
        generation=event.generation,
    )
