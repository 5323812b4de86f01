"""Where a recording goes: the folder of its separate files, and the one file beside it that was asked for."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from ..errors import RecordingError
from ..messages import RecordingLayout
from ..recordings.files import refuse_existing
from ..recordings.manifest import TRACKS_SUFFIX
from ..recordings.names import file_stem
from ..recordings.vetting import NAME_BYTES, is_plain

Suffix = Literal["", ".mkv", ".webm", ".mp4"]

SUFFIXES = ("", ".mkv", ".webm", ".mp4")
DATED = "recordings"
"""Folder of the record button's recordings."""
MAX_FILES = 1000
"""Of one recording: somebody whose codec changes all the time does not fill the folder with files."""


@dataclass(frozen=True, slots=True)
class Place:
    """The names of one recording. Nothing of it exists before `make`."""

    asked: Path
    """Absolute: what was asked for, the folder or the one file."""
    folder: Path
    """Of the separate files and the manifest."""
    layout: RecordingLayout | None
    """What was asked for."""

    @property
    def file(self) -> Path | None:
        """The one file; None where a folder was asked for."""
        return self.asked if self.asked.suffix else None

    def make(self) -> None:
        """Make the folder, for this user only.

        Raises
        ------
        RecordingError
            If something of its name exists by now, or the system refuses.
        """
        try:
            self.folder.mkdir(mode=0o700)  # fails on a symbolic link, too, wherever it leads
        except FileExistsError:
            refuse_existing(self.folder)
            raise
        except (OSError, ValueError) as error:
            raise RecordingError(
                f"The folder {str(self.folder)!r} could not be made ({error}): choose another name or place"
            ) from error

    def unmake(self) -> None:
        """Take the folder away again, if there is nothing in it."""
        try:
            self.folder.rmdir()
        except OSError as error:
            raise RecordingError(f"{str(self.folder)!r} was left behind ({error})") from error


def choose(base: Path, path: str, layout: RecordingLayout | None) -> Place:
    """The place that `path` names; relative ones are below `base`. Looks at the disk, changes nothing.

    Raises
    ------
    RecordingError
        If the suffix is unknown, the folder around it is missing or closed, or something of these names
        exists.
    """
    asked = base / path
    suffix = asked.suffix.lower()
    if "\0" in path or Path(path).name in ("", ".."):
        raise RecordingError(
            f"{path!r} is no name for a recording: give one such as 'lesson.mkv' or 'lesson'"
        )
    if suffix not in SUFFIXES:
        raise RecordingError(
            f"{asked.suffix!r} of {asked.name!r} is no container for calls: end the name in .mkv, .webm or "
            ".mp4 for one file, or use a name without a dot for a folder"
        )
    if suffix and not is_plain(asked.name, SUFFIXES):
        raise RecordingError(
            f"{asked.name!r} is no name for a recording: use no backslashes, line ends and other controls, "
            f"and at most {NAME_BYTES} bytes"
        )
    try:
        is_there = asked.parent.is_dir()
    except OSError as error:  # a name that is too long, or a folder around it that is closed
        raise RecordingError(
            f"The folder {str(asked.parent)!r} cannot be used ({error}): choose another name or place"
        ) from error
    if not is_there:
        raise RecordingError(
            f"The folder {str(asked.parent)!r} does not exist: create it or record somewhere else"
        )
    folder = asked.with_name(asked.name + TRACKS_SUFFIX) if suffix else asked
    for name in {asked, folder, asked.with_name(asked.name + ".partial")}:
        refuse_existing(name)
    if suffix == ".mp4" and os.path.lexists(other := asked.with_suffix(".mkv")):
        raise RecordingError(
            f"{str(other)!r} exists, and a recording that cannot be an .mp4 without transcoding gets that "
            "name: choose another one"
        )
    return Place(asked, folder, layout)


def within(base: Path, path: str) -> str:
    """The same path, if it is a relative one that stays below `base`: all that a page may ask for.

    Raises
    ------
    RecordingError
        If it leads elsewhere.
    """
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise RecordingError(
            f"{path!r} is outside of the notebook's folder {str(base)!r}, where the widget's recordings go"
        )
    return path


def dated(base: Path, suffix: Suffix) -> str:
    """The record button's choice: ``recordings/call-2026-01-31-142233.mkv``, with its folder made.

    Raises
    ------
    RecordingError
        If the folder cannot be made.
    """
    folder = base / DATED
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise RecordingError(f"The folder {str(folder)!r} could not be made ({error})") from error
    stem = name = f"call-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}"
    number = 1
    while any(os.path.lexists(folder / f"{name}{suffix}{end}") for end in ("", TRACKS_SUFFIX)):
        number += 1
        name = f"{stem}-{number}"
    return str(Path(DATED) / f"{name}{suffix}")


class FileNames:
    """Names of the separate files of one recording, each given once.

    Parameters
    ----------
    place
        The one file's name, and those that compositions get, are not given to anybody.
    """

    def __init__(self, place: Place) -> None:
        self._folder = place.folder
        self._taken = {"pip", "grid", "speaker", "separate"}
        if place.file is not None:
            self._taken.add(place.file.stem.lower())
        self._given = 0

    def next(self, person: str) -> Path:
        """A new file for somebody of this name: ``Bob.mkv``, then ``Bob-2.mkv``.

        Raises
        ------
        RecordingError
            If there are too many already.
        """
        if self._given == MAX_FILES:
            raise RecordingError(f"This recording has {MAX_FILES} files already: begin another one")
        self._given += 1
        stem = file_stem(person, self._taken)
        self._taken.add(stem.lower())
        return self._folder / f"{stem}.mkv"
