"""What `call.record()` is asked for, checked: where, whom, and how people are shown."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import get_args

from .errors import RecordingError
from .messages import RecordingLayout, RecordingTracks
from .participants import Participant
from .paths import expanded

LAYOUTS: tuple[RecordingLayout, ...] = get_args(RecordingLayout)
EVERYBODY = ("all", "local")


def to_path(value: object, folder: Path) -> Path:
    """An absolute path; a relative one is below `folder`, the notebook's.

    Raises
    ------
    TypeError
        If it is no path.
    RecordingError
        If it is empty, or a relative one leads out of the folder.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(
            f"path is a string or a Path, like 'lesson.mkv' or the folder 'lesson', not {value!r}."
        )
    text = os.fspath(value)
    if not isinstance(text, str):
        raise TypeError(f"path is a string or a Path, not bytes: {text!r}.")
    if not text.strip() or "\0" in text:
        raise RecordingError(
            f"{text!r} is no path: give a file, like 'lesson.mkv', or a folder, like 'lesson'"
        )
    path = expanded(text)
    if path.is_absolute():
        # what is beside it is compared with what is in it; a link in the way keeps its meaning
        return Path(os.path.realpath(path.parent)) / path.name if ".." in path.parts else path
    whole = Path(os.path.normpath(folder / path))
    if whole == folder or folder not in whole.parents:
        raise RecordingError(
            f"{text!r} leads out of the notebook's folder {str(folder)!r}: give an absolute path for that"
        )
    return whole


def to_tracks(value: object) -> RecordingTracks:
    """``"all"``, ``"local"``, or names and ids of participants.

    Raises
    ------
    TypeError, ValueError
        If it is none of these.
    """
    valid = 'use "all", "local", or a list of names, like ["Bob"]'
    if isinstance(value, str):
        if value not in EVERYBODY:
            raise ValueError(f"There are no tracks {value!r}; {valid}.")
        return "local" if value == "local" else "all"
    if isinstance(value, Participant):
        value = [value]
    if not isinstance(value, Collection) or isinstance(value, bytes | dict):
        raise TypeError(f"tracks is not {value!r}; {valid}.")
    names = tuple(_names(value))
    if not names:
        raise ValueError(f"tracks is empty, so nobody would be recorded; {valid}.")
    return names


def _names(value: Iterable[object]) -> Iterable[str]:
    for one in value:
        name = one.id if isinstance(one, Participant) else one
        if not isinstance(name, str):
            raise TypeError(f"tracks has {one!r}, which is no name, id or participant.")
        yield name


def to_layout(value: object) -> RecordingLayout | None:
    """A layout, or None for the one that fits.

    Raises
    ------
    ValueError
        For any other value.
    """
    if value is not None and value not in LAYOUTS:
        known = ", ".join(map(repr, LAYOUTS))
        raise ValueError(f"There is no layout {value!r}; use {known}, or None for the one that fits.")
    return value
