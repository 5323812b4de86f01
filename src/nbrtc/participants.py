"""Who is in the call: a mapping that follows the state, and a face for each participant."""

import time
from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

from . import messages
from .bridge import Bridge
from .errors import NotConnected
from .frames import Frames, snapshot
from .messages import CallState, PeerState
from .mirror import LIVE, StateMirror
from .port import FramePort
from .poster import sentence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SETTLE_S = 12.0
"""After a lost server or engine, the others have this long to be back."""
YOU = "you"
"""How `CallState.wanted` calls this page's own camera."""


@dataclass(frozen=True)
class VideoState:
    """What a participant sends as video."""

    is_on: bool
    """Whether a camera or a screen is sent."""
    is_screen: bool
    """Whether it is a shared screen."""
    is_received: bool
    """Whether this kernel's Python receives it now; it does while somebody asks for frames."""


@dataclass(frozen=True)
class AudioState:
    """What a participant sends as sound."""

    is_on: bool
    """Whether the microphone is heard."""
    is_received: bool
    """Whether this kernel's Python receives it now."""


class Participant:
    """Somebody in the call, as the newest state knows them; who left keeps the last state.

    Made by `Call.participants`. Everything may be read from any thread.
    """

    def __init__(self, noun: messages.Participant, bridge: Bridge, call: str, mirror: StateMirror) -> None:
        self._last = noun
        self._bridge = bridge
        self._call = call
        self._mirror = mirror

    @property
    def id(self) -> str:
        """Unique for each join of a room: whoever reloads and joins again is somebody new."""
        return self._last.id

    @property
    def name(self) -> str:
        """As the participant wishes to be called; two may have the same."""
        return self._noun.name

    @property
    def is_you(self) -> bool:
        """Whether it is the person at this notebook, or this Bot."""
        return self._noun.is_you

    @property
    def is_python(self) -> bool:
        """Whether it is a `Bot`, or in a solo call this kernel's Python."""
        return self._noun.is_python

    @property
    def is_creator(self) -> bool:
        """Whether it made the room."""
        return self._noun.is_creator

    @property
    def is_present(self) -> bool:
        """False after they left; True also while their signaling is lost and the seat is held for them."""
        return any(noun.id == self.id for noun in self._mirror.state.participants)

    @property
    def joined_at(self) -> datetime | None:
        """When they joined, in UTC by the server's clock; None in a solo call."""
        joined_at_s = self._noun.joined_at_s
        return datetime.fromtimestamp(joined_at_s, UTC) if joined_at_s else None

    @property
    def connection(self) -> PeerState:
        """How this page's connection to them stands: ``new``, ``connecting``, ``connected``, ..."""
        return self._noun.connection

    @property
    def is_muted(self) -> bool:
        """Whether their microphone is off."""
        return not self.audio.is_on

    @property
    def is_screen_sharing(self) -> bool:
        """Whether they share their screen."""
        return self.video.is_screen

    @property
    def is_recording(self) -> bool:
        """Whether they record the call."""
        noun, state = self._noun, self._mirror.state
        if noun.is_you:
            return state.recording is not None and state.recording.state == "recording"
        return noun.status.recording

    @property
    def is_recorded(self) -> bool:
        """Whether a recording may hold them now, by consent: this notebook's writes them, or somebody else
        in the room records and their page shows the red badge of it.
        """
        noun, state = self._noun, self._mirror.state
        if (YOU if noun.is_you else noun.id) in state.recorded:
            return True
        agreed = noun.status.acknowledges
        return any(
            other.id != noun.id and other.status.recording and other.status.recording_id in agreed
            for other in state.participants
            if not other.is_you
        )

    @property
    def receives(self) -> tuple[str, ...]:
        """Ids of those whose picture or sound their Python receives."""
        noun, state = self._noun, self._mirror.state
        if noun.is_you:
            return tuple(noun.id if identity == YOU else identity for identity in state.wanted)
        if noun.is_python and state.room is None:
            return tuple(other.id for other in state.participants if noun.receives_video and other.is_you)
        return noun.status.receives

    @property
    def video(self) -> VideoState:
        """What they send as video."""
        noun, state = self._noun, self._mirror.state
        if noun.is_you and not noun.is_python:
            is_screen, is_on = state.screen_sharing, state.camera_on or state.screen_sharing
        else:
            is_screen, is_on = noun.status.screen_sharing, not noun.status.video_off
        return VideoState(is_on and self._sends, is_screen and self._sends, self._is_received)

    @property
    def audio(self) -> AudioState:
        """What they send as sound."""
        noun, state = self._noun, self._mirror.state
        is_on = state.microphone_on if noun.is_you and not noun.is_python else not noun.status.muted
        return AudioState(is_on and self._sends, self._is_received)

    def snapshot(self, timeout_s: float = 5.0) -> "NDArray[np.uint8]":
        """Their picture now: (height, width, 3) uint8 RGB, as it arrived at this notebook.

        Raises
        ------
        NotConnected
            If they left, send no video, or this notebook is not in the call.
        TimeoutError
            If no picture came within `timeout_s` seconds.
        """

        def require() -> None:
            self._require_there()
            if not self.video.is_on:
                raise NotConnected(f"There is no picture of {self.name}: their video is off.")

        return snapshot(FramePort(self._bridge, self._call, self._address), timeout_s, require)

    def frames(self) -> Frames:
        """Their frames, for ``for`` and ``async for``; the newest one each time.

        The loop ends when they leave or the call ends; their video may be off for a while. An engine that
        crashes is not the end.

        Raises
        ------
        NotConnected
            If they left, or this notebook is not in the call.
        """
        self._require_there()
        return Frames(self._bridge, self._call, self._is_live, self._address)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Participant):
            return NotImplemented
        return (self._call, self.id) == (other._call, other.id)

    def __hash__(self) -> int:
        return hash((self._call, self.id))

    def __repr__(self) -> str:
        return f"<nbrtc.Participant {self.name!r} ({self.id}): {', '.join(words(self))}>"

    @property
    def _noun(self) -> messages.Participant:
        for noun in self._mirror.state.participants:
            if noun.id == self._last.id:
                self._last = noun
                break
        return self._last

    @property
    def _address(self) -> str:
        """Who they are to the engine's frames: the call's own camera has no name."""
        return "" if self.is_you else self.id

    @property
    def _sends(self) -> bool:
        """A solo call's Python has no camera and no microphone."""
        return not (self._noun.is_python and self._mirror.state.room is None)

    @property
    def _is_received(self) -> bool:
        return (YOU if self.is_you else self.id) in self._mirror.state.wanted

    def _is_live(self) -> bool:
        return self._mirror.is_live and (self.is_present or self._mirror.is_recovering)

    def _require_there(self) -> None:
        state = self._mirror.state
        if state.phase not in LIVE:
            raise NotConnected(f"There is no picture: the call is {sentence(state)}.")
        if not self.is_present:
            raise NotConnected(f"There is no picture: {self.name} has left.")
        if not self._sends:
            raise NotConnected("Python has no camera: it receives yours, see call.snapshot().")


def words(participant: Participant) -> list[str]:
    """What there is to say of a participant, in a few words."""
    said = [
        word
        for word, holds in (
            ("you", participant.is_you),
            ("Python", participant.is_python),
            ("creator", participant.is_creator),
            ("muted", participant.is_muted and not participant.is_python),
            ("video off", not participant.video.is_on and not participant.is_python),
            ("shares the screen", participant.is_screen_sharing),
            ("records", participant.is_recording),
            ("recorded", participant.is_recorded),
        )
        if holds
    ]
    if not participant.is_present:
        said.append("left")
    elif not (participant.is_you or participant.is_python):
        said.append(participant.connection)
    return said or ["there"]


class Participants(Mapping[str, Participant]):
    """Who is in the call now, by id; a name works where it is unique. In the order of joining.

    A view of the newest state, for every thread; ``list(participants.values())`` keeps those of now.

    Parameters
    ----------
    bridge
        The way to the engine.
    call
        Of which call.
    mirror
        The call's state.
    """

    def __init__(self, bridge: Bridge, call: str, mirror: StateMirror) -> None:
        self._bridge = bridge
        self._call = call
        self._mirror = mirror

    def __getitem__(self, key: str) -> Participant:
        """By id, or by a name that only one of them has.

        Raises
        ------
        KeyError
            If nobody, or more than one, is called so; the message lists the ids.
        """
        nouns = self._mirror.state.participants
        found = [noun for noun in nouns if noun.id == key] or [noun for noun in nouns if noun.name == key]
        if len(found) != 1:
            listed = found or nouns
            why = f"{len(found)} participants are called {key!r}" if found else f"Nobody is {key!r}"
            ids = ", ".join(f"{noun.id!r} ({noun.name})" for noun in listed) or "nobody"
            raise KeyError(f"{why}; by id there {'is' if len(listed) < 2 else 'are'} {ids}.")
        return self.face(found[0])

    def __iter__(self) -> Iterator[str]:
        return iter([noun.id for noun in self._mirror.state.participants])

    def __len__(self) -> int:
        return len(self._mirror.state.participants)

    def values(self) -> ValuesView[Participant]:
        """Their faces, of one moment: who leaves meanwhile disturbs no loop."""
        return self._now().values()

    def items(self) -> ItemsView[str, Participant]:
        """Ids and faces, of one moment."""
        return self._now().items()

    def face(self, noun: messages.Participant) -> Participant:
        """The face of a participant of the state, or of one who just left it."""
        return Participant(noun, self._bridge, self._call, self._mirror)

    def _now(self) -> dict[str, Participant]:
        return {noun.id: self.face(noun) for noun in self._mirror.state.participants}

    def __repr__(self) -> str:
        people = ", ".join(f"{identity!r}: {person.name}" for identity, person in self.items())
        return f"<nbrtc.Participants {{{people}}}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(person.name)}</td><td><code>{escape(identity)}</code></td>"
            f"<td>{escape(', '.join(words(person)))}</td></tr>"
            for identity, person in self.items()
        )
        return (
            "<table><thead><tr><th>name</th><th>id</th><th>state</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


class Attendance:
    """Who came and who went, from one state to the next. Used by one thread at a time.

    Whoever was there when this participant joined did not come, and nobody goes by this one's own leaving.
    A server or an engine that has just begun does not know everybody yet: who was there before has a while
    to be back, and so neither goes nor comes.

    Parameters
    ----------
    clock
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._me = ""
        self._there: dict[str, messages.Participant] = {}
        self._now: dict[str, messages.Participant] = {}
        self._was_away = False
        self._settled_s = float("-inf")

    def take(self, state: CallState) -> tuple[list[messages.Participant], list[messages.Participant]]:
        """Look at the next state; returns who joined and who left."""
        room = state.room
        is_there = room is not None and any(noun.id == room.me for noun in state.participants)
        if room is None or room.phase != "joined" or not is_there:
            self._was_away = True  # the same seat may be taken again: then it goes on from here
            return [], []
        self._now = {noun.id: noun for noun in state.participants if noun.id != room.me}
        if room.me != self._me:
            self._me, self._there, self._settled_s = room.me, self._now, float("-inf")
            self._was_away = False
            return [], []
        if self._was_away:
            self._was_away, self._settled_s = False, self._clock() + SETTLE_S
        joined = [noun for identity, noun in self._now.items() if identity not in self._there]
        self._there = {**self._there, **self._now}
        return joined, self.look()

    def look(self) -> list[messages.Participant]:
        """Who has gone by now; also to be asked when nothing has changed."""
        if self._was_away or self._clock() < self._settled_s:
            return []
        left = [noun for identity, noun in self._there.items() if identity not in self._now]
        self._there = self._now
        return left
