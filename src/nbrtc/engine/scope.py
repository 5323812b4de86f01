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
