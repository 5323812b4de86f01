"""A recording that was opened, in words and as HTML, for its own cell."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from nbrtc.recordings import locks
from nbrtc.recordings.person import PersonRecording
from nbrtc.recordings.player import Take, amount, clock, players

FILM = ("film",)
"""The id of what a file by itself shows."""


def line(name: str, duration_s: float, people: Sequence[PersonRecording], standing: str) -> str:
    """One line of text."""
    names = ", ".join(person.name for person in people)
    return f"<nbrtc.OpenRecording {name}: {clock(duration_s)} of {names or 'nobody'}{standing}>"


def html(
    name: str,
    began_at: datetime | None,
    duration_s: float,
    people: Sequence[PersonRecording],
    films: Sequence[Path],
    standing: str,
) -> str:
    """Players, of the films or else of everybody's files, and who was there when.

    A file by itself (`began_at` may be None) is a film that says nothing of who was there.
    """
    takes = [
        Take(path, person.name if index == 0 else f"{person.name}, file {index + 1}")
        for person in people
        for index, path in enumerate(person.files)
    ]
    shown = [Take(path, path.name) for path in films if path.is_file()] or takes
    began = "" if began_at is None else f"{began_at:%Y-%m-%d %H:%M:%S} UTC, "
    facts = f"{began}{clock(duration_s)}{standing}"
    if len(people) == 1 and people[0].ids == FILM:
        return players([Take(path, f"{name}: {facts}") for path in people[0].files])
    rows = "".join(
        f"<tr><td>{escape(person.name)}</td><td>{escape(_spans(person))}</td>"
        f"<td>{escape(_files(person))}</td></tr>"
        for person in people
    )
    return (
        f"<p><strong>{escape(name)}</strong>: {escape(facts)}</p>{players(shown)}"
        "<table><thead><tr><th>name</th><th>in the call</th><th>files</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def standing(folder: Path, *, is_complete: bool) -> str:
    """What is to be said of one that is not complete, after a comma; else empty."""
    if is_complete:
        return ""
    if locks.is_being_written(folder):
        return ", still being recorded"
    return ", cut off: nbrtc.recover() finishes it"


def _spans(person: PersonRecording) -> str:
    return ", ".join(
        f"{clock(from_s)} to {'the end' if to_s is None else clock(to_s)}" for from_s, to_s in person.presence
    )


def _files(person: PersonRecording) -> str:
    if not person.files:
        return "left out"
    return ", ".join(
        f"{path.name} ({amount(path.stat().st_size)})" if path.is_file() else f"{path.name} (missing)"
        for path in person.files
    )
