"""A recording's status in words and as HTML, for its own cell."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from .messages import RecordedPerson, RecordingStatus
from .recordings.live_output import progress
from .recordings.player import Take, amount, clock, players

STATES = {
    "asked": "asked, the badge is not confirmed yet",
    "recorded": "recorded",
    "left-out": "left out: the red badge is not seen there",
    "gone": "left the call",
}


def line(name: str, status: RecordingStatus) -> str:
    """One line of text."""
    size = f"{status.duration_s:.1f} s, {amount(status.size_bytes)}"
    composed = f" {100 * status.composed_fraction:.0f} %" if status.state == "composing" else ""
    problem = f"; {status.error}" if status.error else ""
    return f"<nbrtc.Recording {name}: {status.state}{composed}, {size}{problem}>"


def html(path: Path, folder: Path | None, status: RecordingStatus) -> str:
    """Progress while it goes on, then players."""
    said = "".join(f"<p>{escape(text)}</p>" for text in (status.error, status.note) if text)
    if status.state == "recording":
        size = f"{clock(status.duration_s)}, {amount(status.size_bytes)}"
        head = f'<span style="color:#d32f2f">\u25cf</span> Recording to {escape(str(path))}: {size} so far.'
        return f"<p>{head}</p>{_people(status.people)}{said}"
    takes = list(_takes(path, status))
    caption = f"{path.name}, {clock(status.duration_s)}, {amount(status.size_bytes)}"
    if status.state == "composing":
        bar, _ = progress(status.composed_fraction, f"Making {path.name}")
        return f"{bar}<p>The separate files are complete in {escape(str(folder))}.</p>{said}"
    if len(takes) == 1:  # one caption says it all
        return f"{said}{players([takes[0]._replace(caption=caption)])}"
    return f"{said}{players(takes)}<p>{escape(caption)}</p>"


def _takes(path: Path, status: RecordingStatus) -> Iterable[Take]:
    """The one file, or everybody's."""
    names = {person.id: person.name for person in status.people}
    whole = [file for file in status.files if not file.person or Path(file.path) == path]
    if not status.files and path.is_file():
        yield Take(path, path.name)
    for file in whole or status.files:
        yield Take(Path(file.path), names.get(file.person, "") or file.name)


def _people(people: tuple[RecordedPerson, ...]) -> str:
    rows = "".join(
        f"<tr><td>{escape(person.name)}</td><td>{escape(STATES[person.state])}</td></tr>" for person in people
    )
    return f"<table><tbody>{rows}</tbody></table>" if rows else ""
