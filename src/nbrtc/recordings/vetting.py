"""What a manifest may say: it may come from anywhere, and it names files to show and times to fill."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbrtc.recordings.manifest import Manifest, Person

BESIDE = "../"
"""Before the name of a film that lies beside the recording's folder."""
MAX_MS = 31 * 24 * 3_600_000.0
"""No recording lasts longer."""
EARLY_MS = 60_000.0
"""What was captured before the recording began may arrive so much later."""
LATEST_S = float(1 << 33)
"""Of the calendar, the year 2242: what tables of times can hold."""
MAX_PEOPLE = 5_000
MAX_PIECES = 2_000
"""A recorder makes half as many at most."""
MAX_FILMS = 1_000
NAME_BYTES = 240
"""A file system takes 255, with ``.tracks`` or ``.partial`` appended."""
JOINERS = {"\u200c", "\u200d"}
"""Of Persian words and of emoji. Other formatting characters hide something or turn it round."""
MEDIA = (".mkv", ".webm")
FILMS = (".mkv", ".webm", ".mp4")


def objection(found: "Manifest") -> str | None:
    """Why this manifest is not to be trusted; None if it is."""
    pieces = [piece.file for person in found.people for piece in person.pieces]
    amounts = (
        ("people", len(found.people), MAX_PEOPLE),
        ("files", len(pieces), MAX_PIECES),
        ("films", len(found.films), MAX_FILMS),
    )
    for what, amount, most in amounts:
        if amount > most:
            return f"has {amount} {what}, and {most} is the most"
    for file in pieces:
        if not is_plain(file, FILMS):  # a guest's browser may write .mp4
            return f"names {file!r}, which is not a recorder's file of its folder"
    for film in found.films:
        if not is_plain(film.path.removeprefix(BESIDE), FILMS):
            return f"names the film {film.path!r}, which is neither in its folder nor beside it"
    for files in (pieces, [film.path for film in found.films]):
        if len(set(files)) < len(files):
            return "names the same file twice"
    if not 0 <= found.started_at_s <= LATEST_S:
        return f"says that it began at {found.started_at_s:g} s after 1970"
    wrong = next((time_ms for time_ms in _times(found) if not is_time(time_ms)), None)
    return None if wrong is None else f"has the time {wrong:g} ms, which is in no recording"


def is_time(time_ms: float) -> bool:
    """Whether something in a recording can be at this time, or last so long."""
    return -EARLY_MS <= time_ms <= MAX_MS


def is_plain(name: str, suffixes: Iterable[str]) -> bool:
    """Whether this is a name within a folder that leads nowhere else, hides nothing and ends so."""
    stem, dot, suffix = name.rpartition(".")
    return (
        bool(stem)
        and f"{dot}{suffix}".lower() in suffixes
        and not {"/", "\\"} & set(name)
        # Controls, marks that turn the writing direction, halves of characters.
        and not any(
            unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in set(name) - JOINERS
        )
        and len(name.encode()) <= NAME_BYTES
    )


def _times(found: "Manifest") -> Iterator[float]:
    yield found.duration_ms
    for person in found.people:
        yield from _times_of(person)
    yield from (moment.time_ms for moment in found.events)
    yield from (said.time_ms for said in found.chat)


def _times_of(person: "Person") -> Iterator[float]:
    yield from filter(None, (person.joined_ms, person.left_ms, person.acknowledged_ms))
    for piece in person.pieces:
        yield from (piece.start_ms, piece.duration_ms)
        for gap in piece.gaps:
            yield from (gap.from_ms, gap.to_ms)
