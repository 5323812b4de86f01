"""Who is there when, and what they show: a recording as a sequence of scenes, from its manifest alone."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from nbrtc.recordings.attendance import PICTURES
from nbrtc.recordings.manifest import Manifest, Moment, Person, Piece

_LINGER_MS = 30_000
"""Who joins again keeps their tile while their earlier self lingers: a room holds a seat so long."""
_LATE_MS = 3000
"""What they sent before they joined again may arrive so late."""
_EARLY_MS = 500
"""A picture may come so long before the news that the camera is on."""
LEAD_MS = 1000.0
"""The first picture stands so long before its time: a film begins with faces, not with an empty stage."""


@dataclass(frozen=True)
class Role:
    """Somebody in the film, however often they joined."""

    name: str
    local: bool
    """Whoever recorded."""
    people: tuple[Person, ...]
    """Their joins, in the order of time."""

    @property
    def pictures(self) -> list[Piece]:
        """Their files with pictures, in the order of time."""
        return sorted(
            (piece for piece in self._pieces if piece.video_codec or not piece.audio_codec),
            key=lambda piece: piece.start_ms,
        )

    @property
    def sounds(self) -> list[Piece]:
        """Their files with sound, in the order of time."""
        return sorted(
            (piece for piece in self._pieces if piece.audio_codec or not piece.video_codec),
            key=lambda piece: piece.start_ms,
        )

    @property
    def _pieces(self) -> Iterator[Piece]:
        for person in self.people:
            yield from (piece for piece in person.pieces if piece.state != "failed")


@dataclass(frozen=True)
class Standing:
    """One person in a scene."""

    who: int
    """Index into the roles."""
    local: bool = False
    sharing: bool = False
    """Their picture is their screen."""
    shows_from_ms: float | None = None
    """Pictures of theirs count from here on; None: they have none to show."""


@dataclass(frozen=True)
class Scene:
    """A time in which nobody comes, goes, or turns anything on or off."""

    from_ms: float
    to_ms: float
    people: tuple[Standing, ...]


def roles(manifest: Manifest) -> tuple[Role, ...]:
    """Whoever has a file in the recording, in the order in which they came; oneself last.

    Somebody who joined again under a new id is one role: the same name, and not both there for long.
    """
    cast: list[Role] = []
    recorded = [
        person for person in manifest.people if any(piece.state != "failed" for piece in person.pieces)
    ]
    for person in sorted(recorded, key=lambda person: _begins_ms(person)):
        local = person.id == "you"
        again = next(
            (
                index
                for index, role in enumerate(cast)
                if role.local == local and _follows(role.people[-1], person)
            ),
            None,
        )
        if again is None:
            cast.append(Role(person.name, local, (person,)))
        else:
            cast[again] = Role(person.name, local, (*cast[again].people, person))
    return tuple(sorted(cast, key=lambda role: role.local))


def scenes(manifest: Manifest, cast: Sequence[Role], duration_ms: float) -> tuple[Scene, ...]:
    """Cut the time from 0 to `duration_ms` wherever somebody comes, goes, or turns something on or off."""
    happened = _visible(manifest.events)
    stays = [[_Stay(person, happened[person.id], duration_ms) for person in role.people] for role in cast]
    cuts = {0.0, duration_ms}
    for stay in chain(*stays):
        cuts.update([*stay.times_ms, stay.ends_ms])
    times = sorted(time_ms for time_ms in cuts if 0 <= time_ms <= duration_ms)
    found: list[Scene] = []
    for from_ms, to_ms in pairwise(times):
        people = []
        for who, role in enumerate(cast):
            # The newest self counts while an earlier one lingers.
            there = [stay for stay in stays[who] if stay.times_ms[0] <= from_ms < stay.ends_ms]
            if there:
                people.append(there[-1].standing(who, role.local, from_ms))
        scene = Scene(from_ms, to_ms, tuple(people))
        if found and found[-1].people == scene.people:
            scene = Scene(found.pop().from_ms, to_ms, scene.people)
        found.append(scene)
    return tuple(found)


class _Stay:
    """From joining to leaving, and when there was a picture."""

    def __init__(self, person: Person, events: Sequence[Moment], duration_ms: float) -> None:
        begins_ms = _begins_ms(person)
        # Without any word about the camera, its pictures speak for it.
        on = {"camera": not any(event.name == "camera" for event in events), "screen": False, "source": False}
        shows_from_ms = begins_ms if on["camera"] else None
        off_ms = begins_ms
        self.ends_ms = duration_ms if person.left_ms is None else min(person.left_ms, duration_ms)
        self.times_ms = [begins_ms]
        """When something changed; the first is when they came into the film."""
        self._shown = [(False, shows_from_ms)]
        for event in events:
            time_ms = max(event.time_ms, begins_ms)
            on[event.name] = event.value != PICTURES[event.name]
            if not any(on.values()):
                if shows_from_ms is not None:
                    off_ms = time_ms
                shows_from_ms = None
            elif shows_from_ms is None:
                # What arrived before it went off is old; what arrived just before the news is not.
                shows_from_ms = max(off_ms, time_ms - _EARLY_MS)
            self.times_ms.append(time_ms)
            self._shown.append((on["screen"], shows_from_ms))

    def standing(self, who: int, local: bool, at_ms: float) -> Standing:
        sharing, shows_from_ms = self._shown[max(0, bisect_right(self.times_ms, at_ms) - 1)]
        return Standing(who, local, sharing, shows_from_ms)


def _visible(events: Iterable[Moment]) -> dict[str, list[Moment]]:
    """What became of everybody's pictures, in the order of time."""
    found: dict[str, list[Moment]] = defaultdict(list)
    for event in sorted(events, key=lambda event: event.time_ms):
        if event.name in PICTURES:
            # What is told of the call as a whole is told of whoever recorded it.
            found[event.peer or "you"].append(event)
    return found


def _follows(earlier: Person, later: Person) -> bool:
    sent_ms = max((piece.start_ms + piece.duration_ms for piece in earlier.pieces), default=0.0)
    return (
        earlier.name == later.name
        and (earlier.left_ms is not None and earlier.left_ms <= later.joined_ms + _LINGER_MS)
        # somebody else of that name goes on sending
        and sent_ms <= later.joined_ms + _LATE_MS
    )


def _begins_ms(person: Person) -> float:
    """From when somebody is in the film: when they knew that they are recorded, or just before."""
    known_ms = person.acknowledged_ms
    if known_ms is None:
        known_ms = min((piece.start_ms for piece in person.pieces), default=0.0)
    if person.joined_ms <= 0 and known_ms <= LEAD_MS:
        return 0.0
    return max(0.0, person.joined_ms, known_ms)
