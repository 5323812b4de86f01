"""Whom a recording is about: everybody, oneself, or those who were named."""

from collections.abc import Iterable

import msgspec

from ..errors import RecordingError
from ..messages import CallState, Participant, RecordingTracks
from .gallery import OWN
from .member import PYTHON


def subjects(state: CallState) -> dict[str, Participant]:
    """Everybody in the call by id, oneself first and as `OWN`; never the Python of a solo call."""
    people = sorted(state.participants, key=lambda person: not person.is_you)
    named = (msgspec.structs.replace(one, id=OWN) if one.is_you else one for one in people)
    return {person.id: person for person in named if person.id != PYTHON.id}


def concerns(tracks: RecordingTracks, person: Participant) -> bool:
    """Whether a recording with these `tracks` is about one of the `subjects`, by name or id."""
    if tracks == "all":
        return True
    if tracks == "local":
        return person.id == OWN
    return person.id in tracks or person.name in tracks


class Chosen:
    """Whom a recording is about while people come and go.

    Whoever was chosen by id is chosen, too, when they come back under another one, as after a reload: the
    next of their name who joins when they have gone, and nobody who was there beside them.
    """

    def __init__(self, tracks: RecordingTracks) -> None:
        self._tracks = tracks
        self._names: dict[str, str] = {}
        """Of everybody who was ever there, by id."""

    def among(self, people: dict[str, Participant]) -> dict[str, Participant]:
        """Those of the `subjects` of now."""
        if not isinstance(self._tracks, str):
            new = {one.name: one.id for one in people.values() if one.id not in self._names}
            self._tracks = tuple(
                one if one in people else new.pop(self._names.get(one, ""), one) for one in self._tracks
            )
            self._names |= {one.id: one.name for one in people.values()}
        return {one.id: one for one in people.values() if concerns(self._tracks, one)}


def check(tracks: RecordingTracks, people: Iterable[Participant]) -> None:
    """Refuse names of nobody.

    Raises
    ------
    RecordingError
        If a name or id is nobody's who is here now, or none is given.
    """
    if tracks in ("all", "local"):
        return
    here = list(people)
    known = ", ".join(repr("you" if person.id == OWN else person.name) for person in here)
    if not tracks:
        raise RecordingError(f"Nobody is to be recorded: give tracks='all', 'local', or some of {known}")
    for name in tracks:
        if not any(concerns((name,), person) for person in here):
            raise RecordingError(f"Nobody in the call is called {name!r}: here are {known}")
