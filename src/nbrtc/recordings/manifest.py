"""What a recording's folder says about itself: who, when, which files, what happened.

All times are milliseconds since the recording began, on one clock for everybody; `Manifest.started_at_s`
ties them to the calendar. `Piece.start_ms` is where a file's own time zero lies. The manifest is written
whole, under another name first, so that a reader always finds a complete one; what happens in between is in
the journal beside it (``events.jsonl``), which `nbrtc.recover` reads after a crash.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from nbrtc.errors import RecordingError
from nbrtc.messages import RecordingLayout
from nbrtc.paths import expanded
from nbrtc.recordings.regular import open_regular, refusals
from nbrtc.recordings.vetting import BESIDE, objection

NAME = "manifest.json"
JOURNAL = "events.jsonl"
"""One `Moment` or `Said` a line, tagged ``"event"`` or ``"chat"``; appended and synced while it goes on."""
STATISTICS = "statistics.jsonl.gz"
"""`nbrtc.messages.StatsSample` as JSON, one a line; gzip members, so that a cut file reads to its cut."""
TRACKS_SUFFIX = ".tracks"
"""The folder of ``lesson.mkv`` is ``lesson.mkv.tracks``."""
MAX_BYTES = 64 << 20
"""A larger manifest is none of ours."""

VERSION = 1


class ManifestWire(Struct, frozen=True, forbid_unknown_fields=False, omit_defaults=False):
    """Base of what the file says; later versions may say more."""


class Gap(ManifestWire, frozen=True):
    """Time that somebody sent media for and that is not in the file."""

    from_ms: float
    to_ms: float
    kind: Literal["video", "audio"]
    reason: Literal["lost", "disk", "link"] = "lost"
    """``lost`` on the way, or dropped by a full buffer; ``disk``: too slow; ``link``: Python was away."""


class Piece(ManifestWire, frozen=True):
    """One file of one person: picture and sound, untouched as they were sent."""

    file: str
    """Its name within the folder."""
    start_ms: float
    """Where its time zero lies in the recording."""
    duration_ms: float = 0.0
    size_bytes: int = 0
    video_codec: str = ""
    """As in `EncodedFrame.codec`; empty without a picture."""
    audio_codec: str = ""
    width: int = 0
    """Of the largest picture."""
    height: int = 0
    state: Literal["writing", "complete", "recovered", "failed"] = "writing"
    """While ``writing`` the file's name has ``.partial`` behind it."""
    error: str = ""
    gaps: tuple[Gap, ...] = ()


class Person(ManifestWire, frozen=True):
    """A participant: once for each join."""

    id: str
    """``"you"`` is whoever recorded."""
    name: str
    joined_ms: float
    """0 for whoever was there at the start."""
    left_ms: float | None = None
    acknowledged_ms: float | None = None
    """When the red badge was confirmed; None: never, and then there are no pieces."""
    pieces: tuple[Piece, ...] = ()


class Moment(ManifestWire, frozen=True, tag="event", tag_field="type"):
    """Something that happened; names and values are those of `StatsEvent`.

    The timeline of whoever is in the recording begins with how they stood then: ``camera``, ``microphone``
    and ``screen`` are ``"on"`` (the camera's perhaps with its size) or ``"off"``; ``join`` has the name.
    """

    time_ms: float
    peer: str
    """Who: a `Person.id`; empty for the call as a whole."""
    name: str
    value: str = ""


class Said(ManifestWire, frozen=True, tag="chat", tag_field="type"):
    """A chat message to everybody; private ones are not recorded."""

    time_ms: float
    sender: str
    sender_name: str
    text: str


class Film(ManifestWire, frozen=True):
    """One file made of all: a composition, or one person's file under the name that was asked for."""

    path: str
    """Its name in the folder, or with ``../`` where it lies beside it: they may be moved together."""
    layout: RecordingLayout
    state: Literal["waiting", "complete", "failed"] = "waiting"
    error: str = ""


class Manifest(ManifestWire, frozen=True):
    """The whole file."""

    id: str
    """Of the recording."""
    started_at_s: float
    """Unix time, in seconds."""
    room: str = ""
    """Empty for a solo call."""
    name: str = ""
    """Who recorded."""
    version: int = VERSION
    made_by: str = ""
    """``"nbrtc 0.1.0"``."""
    state: Literal["recording", "complete", "recovered", "failed"] = "recording"
    error: str = ""
    duration_ms: float = 0.0
    people: tuple[Person, ...] = ()
    events: tuple[Moment, ...] = ()
    """In the order of time; only complete when the state is."""
    chat: tuple[Said, ...] = ()
    films: tuple[Film, ...] = ()


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Manifest).decode


def film_file(folder: Path, film: Film) -> Path:
    """Where a film lies."""
    if film.path.startswith(BESIDE):
        return folder.parent / film.path.removeprefix(BESIDE)
    return folder / film.path


def film_path(folder: Path, file: Path) -> str | None:
    """What `Film.path` says of a file; None if it lies elsewhere, where no manifest leads."""
    parent, folder = (Path(os.path.realpath(place)) for place in (file.parent, folder))
    if parent == folder:
        return file.name
    return BESIDE + file.name if parent == folder.parent else None


def is_manifest(path: Path) -> bool:
    """Whether a file has a manifest's name; among a guest's downloads the recording's title is before it."""
    return path.name == NAME or path.name.endswith(f" {NAME}")


def find(path: str | os.PathLike[str]) -> Path:
    """The manifest's path of a recording: of its folder, its manifest, or a file of it.

    Raises
    ------
    RecordingError
        If there is none.
    """
    given = expanded(path).absolute()
    candidates = [
        given if is_manifest(given) else given / NAME,
        given.with_name(given.name + TRACKS_SUFFIX) / NAME,
    ]
    with refusals(path):
        if given.is_file():
            candidates.append(given.parent / NAME)
        for candidate in candidates:
            if candidate.is_file():
                return candidate
        became = given.with_name(f"{given.stem}.mp4{TRACKS_SUFFIX}")
        if given.suffix == ".mkv" and (became / NAME).is_file():  # what one person sent does not fit in .mp4
            films = read(became / NAME).films
            if any(film_file(became, film) == given for film in films):
                return became / NAME
    raise RecordingError(
        f"{str(path)!r} is no recording of nbrtc: give its folder, its {NAME}, or the file that was recorded"
    )


def read(path: Path) -> Manifest:
    """Read a manifest file.

    Raises
    ------
    RecordingError
        If it cannot be read, is none, leads out of its folder, or says what no recording can be.
    """
    try:
        manifest = _decode(content(path))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RecordingError(f"{str(path)!r} cannot be read as a recording's manifest ({error})") from error
    if manifest.version > VERSION:
        raise RecordingError(
            f"{str(path)!r} was written by a newer nbrtc (manifest version {manifest.version}): update nbrtc"
        )
    if (why := objection(manifest)) is not None:
        raise RecordingError(f"{str(path)!r} {why}: it is damaged, or none of nbrtc's")
    return manifest


def content(path: Path) -> bytes:
    """The bytes of a manifest file, as far as it may be one.

    Raises
    ------
    OSError
        If it cannot be read.
    RecordingError
        If it is too large.
    """
    with open_regular(path) as file:
        found = file.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise RecordingError(f"{str(path)!r} is larger than {MAX_BYTES >> 20} MiB: it is no manifest")
    return found


def write(folder: Path, manifest: Manifest, name: str = NAME) -> None:
    """Replace the folder's manifest of this name; after this returns, a power cut does not take it.

    Raises
    ------
    OSError
        As the system said it; the earlier manifest is untouched then.
    """
    partial = folder / f"{name}.partial"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        partial.unlink(missing_ok=True)  # of a crash, or a pipe or link that somebody left there
        with open(os.open(partial, flags, 0o600), "wb") as file:  # noqa: PTH123  of a descriptor
            file.write(msgspec.json.format(_encode(manifest), indent=1))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / name)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)  # the rename itself
        finally:
            os.close(descriptor)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def put_film(folder: Path, film: Film, name: str = NAME) -> None:
    """Say in the manifest of this name what became of a film, in the place of what was said of the same file.

    Raises
    ------
    RecordingError
        If the manifest cannot be read or written; it is as it was then.
    """
    found = read(folder / name)
    others = tuple(one for one in found.films if one.path != film.path)
    try:
        write(folder, msgspec.structs.replace(found, films=(*others, film)), name)
    except OSError as error:
        raise RecordingError(f"The manifest in {str(folder)!r} could not be written ({error})") from error
