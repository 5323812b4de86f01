"""Whose a file is and when it began, where no manifest says it: from its name, its time, the journal."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from nbrtc.recordings.manifest import Moment, Person, Piece
from nbrtc.recordings.names import file_stem
from nbrtc.recordings.vetting import MAX_MS

OWN = "you"
NEAR_MS = 3000.0
"""A file's time on the disk is as coarse as this; the journal's is to the millisecond."""


class Guess(NamedTuple):
    """A file that was found."""

    piece: Piece
    """Everything but its start."""
    began_s: float
    """Unix time at which it must have begun: when it was written last, less its length."""


def people_from(moments: Iterable[Moment]) -> list[Person]:
    """Who was there, as the journal tells it."""
    people: dict[str, Person] = {}
    for moment in moments:
        if moment.name == "join" and moment.peer and moment.peer not in people:
            people[moment.peer] = Person(id=moment.peer, name=moment.value, joined_ms=moment.time_ms)
        elif moment.peer == OWN and moment.peer not in people:
            people[OWN] = Person(id=OWN, name="", joined_ms=moment.time_ms)
        elif moment.name == "leave" and moment.peer in people:
            people[moment.peer] = msgspec.structs.replace(people[moment.peer], left_ms=moment.time_ms)
        elif moment.name == "recorded" and moment.value == "on" and moment.peer in people:
            known = people[moment.peer]
            if known.acknowledged_ms is None:
                people[moment.peer] = msgspec.structs.replace(known, acknowledged_ms=moment.time_ms)
    return list(people.values())


def placed(
    people: list[Person], unknown: dict[str, Guess], started_at_s: float, moments: Iterable[Moment]
) -> list[Person]:
    """Give each of the `unknown` files to whoever has its name, at the time at which it seems to begin."""
    found = list(people)
    moments = list(moments)
    last_ms = moments[-1].time_ms if moments else MAX_MS
    for guess in sorted(unknown.values(), key=lambda one: one.began_s):
        index = _owner(found, guess.piece.file)
        if index is None:
            found.append(Person(id=_stem(guess.piece.file), name="", joined_ms=0.0))
            index = len(found) - 1
        person = found[index]
        if not person.name:
            person = msgspec.structs.replace(person, name=_stem(guess.piece.file))
        start_ms = max(0.0, round(1000 * (guess.began_s - started_at_s), 3))
        if start_ms > last_ms + NEAR_MS:
            start_ms = person.joined_ms  # the file's time is not that of the recording: it was copied
        start_ms = _recorded_ms(person, moments, start_ms)
        piece = msgspec.structs.replace(guess.piece, start_ms=start_ms)
        pieces = sorted([*person.pieces, piece], key=lambda one: one.start_ms)
        acknowledged_ms = start_ms if person.acknowledged_ms is None else person.acknowledged_ms
        found[index] = msgspec.structs.replace(person, pieces=tuple(pieces), acknowledged_ms=acknowledged_ms)
    return found


def _owner(people: list[Person], file: str) -> int | None:
    """Whose name the file has, or who has no name; of two with one name who has no file yet."""
    stem = _stem(file)
    named = [index for index, one in enumerate(people) if one.name and _is_of(one.name, stem)]
    matching = named or [index for index, one in enumerate(people) if not one.name]
    # "Bob-2" is the only file of somebody who is called so, or the second one of Bob
    return min(
        matching,
        key=lambda index: (len(people[index].pieces), file_stem(people[index].name) != stem),
        default=None,
    )


def _is_of(name: str, stem: str) -> bool:
    """Whether a file of somebody of this name may be called so: ``"Bob"``, or ``"Bob-2"``."""
    number = stem.removeprefix(file_stem(name))
    return number != stem and re.fullmatch(r"(-\d+)?", number) is not None


def _stem(file: str) -> str:
    return file.rpartition(".")[0] or file


def _recorded_ms(person: Person, moments: Iterable[Moment], about_ms: float) -> float:
    """When the journal says that they were taken in, if that is about the same time."""
    taken_in = [
        moment.time_ms
        for moment in moments
        if moment.peer == person.id and moment.name == "recorded" and moment.value == "on"
    ]
    near = [time_ms for time_ms in taken_in if abs(time_ms - about_ms) <= NEAR_MS]
    return min(near, key=lambda time_ms: abs(time_ms - about_ms), default=about_ms)
