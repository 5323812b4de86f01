"""Who is in a recording: the manifest's joins, put together as people."""

from pathlib import Path

from nbrtc.recordings.manifest import Manifest, Moment, Person
from nbrtc.recordings.person import PersonRecording, Standing, Stretch

FOREVER_MS = float("inf")
PICTURES = {"camera": "off", "screen": "off", "source": "none"}
"""Events that tell of a picture of somebody's, and what they say while it is not there."""


def people_of(found: Manifest, folder: Path) -> tuple[PersonRecording, ...]:
    """Everybody in a recording; joins under the same name that follow one another are one person."""
    duration_s = found.duration_ms / 1000
    return tuple(
        PersonRecording(
            [person.id for person in joins],
            joins[0].name,
            [stretch for person in joins for stretch in _stretches(person, folder)],
            duration_s,
            standings(found.events, {person.id for person in joins}),
            [
                (person.joined_ms / 1000, None if person.left_ms is None else person.left_ms / 1000)
                for person in joins
            ],
        )
        for joins in grouped(found.people)
    )


def grouped(people: tuple[Person, ...]) -> list[list[Person]]:
    """Joins of the same person, in the order of time; two of one name who overlap are two people."""
    groups: list[list[Person]] = []
    called: dict[str, list[list[Person]]] = {}
    for person in sorted(people, key=lambda one: one.joined_ms):
        namesakes = called.setdefault(person.name, [])
        earlier = (group for group in namesakes if _end_ms(group[-1]) <= person.joined_ms)
        if (group := next(earlier, None)) is None:
            group = []
            groups.append(group)
            namesakes.append(group)
        group.append(person)
    return groups


def standings(events: tuple[Moment, ...], ids: set[str]) -> list[Standing]:
    """When somebody had a picture to show; a camera of which nobody said anything was there."""
    found: list[Standing] = []
    on = {"camera": True, "screen": False, "source": False}
    for moment in events:
        if moment.peer in ids and moment.name in PICTURES:
            on[moment.name] = moment.value != PICTURES[moment.name]
            found.append(Standing(moment.time_ms / 1000, any(on.values())))
    return found


def _end_ms(person: Person) -> float:
    return FOREVER_MS if person.left_ms is None else person.left_ms


def _stretches(person: Person, folder: Path) -> list[Stretch]:
    found = []
    for piece in person.pieces:
        if piece.state == "failed":
            continue  # there is nothing in it, or no such file
        path = folder / piece.file
        if not path.is_file() and piece.state == "writing":
            path = path.with_name(path.name + ".partial")
        found.append(
            Stretch(
                path,
                piece.start_ms / 1000,
                # of a file that grows or was cut off, the manifest knows only what was there at its last word
                piece.duration_ms / 1000 if piece.state in ("complete", "recovered") else 0.0,
                bool(piece.video_codec) or piece.state == "writing",
                bool(piece.audio_codec) or piece.state == "writing",
            )
        )
    return found
