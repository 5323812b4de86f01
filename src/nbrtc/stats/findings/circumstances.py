"""What statistics cannot tell and events can: who is muted, whose camera is off, how a connection stands."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from nbrtc.messages import StatsEvent
from nbrtc.stats.event_name import STATES, plain_name

LINK = "python"
MAX_PEERS = 256
"""Connections that are known at once; of more the oldest is forgotten."""
FLAPS = 3
FLAPS_WITHIN_S = 60.0
"""A connection that broke so often in this time is unstable, also while it works."""
DISCONNECTED_S = 2.0
"""ICE says ``disconnected`` for a moment when a packet is late (RFC 8445 leaves the times open)."""

SWITCHES = ("microphone", "camera", "screen")


@dataclass(slots=True)
class Standing:
    """What events said of one participant, or of this page itself."""

    switches: dict[str, bool] = field(default_factory=dict)
    """``"microphone"``, ``"camera"``, ``"screen"``: on or off, as far as known; one's own have ``"room"`` and
    ``"effect"``, too."""
    picture_turns: int = 0
    """How often it changed whether, and which, pictures are sent."""
    states: dict[str, str] = field(default_factory=dict)
    """The latest connectionState and iceConnectionState."""
    generation: int = 0
    since_s: float = 0.0
    """Since when the connection stands as it does, Unix time in seconds."""
    broke_at_s: deque[float] = field(default_factory=lambda: deque(maxlen=2 * FLAPS))

    @property
    def state(self) -> str:
        """``connectionState``, or ``iceConnectionState`` of a browser that has no other; empty if unknown."""
        return next((self.states[name] for name in STATES if self.states.get(name)), "")

    def turn(self, switch: str, on: bool) -> None:
        """A switch stands so now."""
        if switch != "microphone" and self.switches.get(switch) != on:
            self.picture_turns += 1
        self.switches[switch] = on

    def breaks(self, now_s: float) -> int:
        """How often the connection broke within the last `FLAPS_WITHIN_S`."""
        return sum(now_s - broke_at_s <= FLAPS_WITHIN_S for broke_at_s in self.broke_at_s)


class Circumstances:
    """The present, as the events of a call tell it. Not for several threads."""

    def __init__(self) -> None:
        self.asked_fps: float | None = None
        """Frames a second that were asked of the camera; None where nobody said."""
        self.stepped_down_for = ""
        """Why the page sends less than it could (``"bandwidth"``, ``"cpu"``, ``"people"``), or empty."""
        self.is_hidden = False
        """The page is in the background, where browsers save work."""
        self._own = Standing()
        self._peers: dict[str, Standing] = {}

    def note(self, event: StatsEvent) -> None:
        """Take in one event; those of no interest here are passed over."""
        name = plain_name(event.name)
        if name in STATES:
            self._change_state(event, name)
        elif name in SWITCHES:
            standing = self._own if event.peer == "" else self._peer(event.peer)
            standing.turn(name, event.value.partition(" ")[0] != "off")
        elif name in ("leave", "close"):
            self._end(event)
        elif name in ("room", "effect", "source") and event.peer == "":
            self._own.turn(name, event.value != "none")
        elif name == "quality":
            self.asked_fps = _fps(event.value)
        elif name == "sending":
            self.stepped_down_for = event.value.partition(" ")[2]  # of "640x360@15 bandwidth"
        elif name == "visibilitychange":
            self.is_hidden = event.value == "hidden"

    def own(self, switch: str) -> bool | None:
        """Whether this page's device is on; None where nobody said."""
        return self._own.switches.get(switch)

    def theirs(self, peer: str, switch: str) -> bool | None:
        """Whether a participant's device is on, as it tells the others; None where nobody said."""
        standing = self._peers.get(peer)
        return None if standing is None else standing.switches.get(switch)

    def returns_picture(self) -> bool:
        """Whether Python sends pictures back: its own, and outside of rooms the camera's."""
        return self.sends_own() or not self.own("room")

    def sends_own(self) -> bool:
        """Whether Python's pictures take the camera's place: an effect's or a source's."""
        return bool(self.own("effect") or self.own("source"))

    def picture_turns(self, peer: str) -> int:
        """A number that changes when what a participant sends of pictures was switched on or off."""
        standing = self._own if peer == LINK else self._peers.get(peer)
        return 0 if standing is None else standing.picture_turns

    def standing(self, peer: str) -> Standing | None:
        """What is known of a participant's connection."""
        return self._peers.get(peer)

    def connections(self) -> Iterator[tuple[str, Standing]]:
        """Participants whose connection has told of itself."""
        return ((peer, standing) for peer, standing in self._peers.items() if standing.state)

    def _peer(self, peer: str) -> Standing:
        standing = self._peers.get(peer)
        if standing is None:
            if len(self._peers) >= MAX_PEERS:
                del self._peers[next(iter(self._peers))]
            standing = self._peers[peer] = Standing()
        return standing

    def _change_state(self, event: StatsEvent, name: str) -> None:
        standing = self._peer(event.peer)
        if event.generation < standing.generation:
            return  # an earlier connection, on its way out
        if event.generation > standing.generation:
            standing.generation = event.generation
            standing.states.clear()
        before = standing.state
        # Chrome's old log has ICEConnectionStateFailed and the like for the same words.
        value = event.value.lower().removeprefix("iceconnectionstate").removeprefix("connectionstate")
        standing.states[name] = value
        after = standing.state
        if after == before:
            return
        standing.since_s = event.time_s
        if after in ("disconnected", "failed") and before not in ("disconnected", "failed"):
            standing.broke_at_s.append(event.time_s)

    def _end(self, event: StatsEvent) -> None:
        standing = self._peers.get(event.peer)
        if standing is None:
            return
        if plain_name(event.name) == "leave":
            del self._peers[event.peer]
        elif event.generation >= standing.generation:
            standing.states.clear()


def _fps(quality: str) -> float | None:
    """The frame rate of ``"auto 1280x720@30"``."""
    _, _, rate = quality.rpartition("@")
    try:
        return float(rate)
    except ValueError:
        return None
