"""A folder of statistics: the file that marks it, and what that says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from nbrtc.errors import DumpError

MARK = "nbrtc-statistics.json"
"""Written first, and never over another."""
VERSION = 1


def claimed(folder: Path, info: Mapping[str, Any]) -> Path:
    """The folder, made and marked.

    Raises
    ------
    FileExistsError
        If it has statistics already, or is a file.
    """
    occupied = FileExistsError(
        f"{str(folder)!r} has statistics already, or is a file: choose another folder."
    )
    if folder.exists() and not folder.is_dir():
        raise occupied
    folder.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.encode({"version": VERSION, "info": dict(info)}, enc_hook=_plain)
    try:
        with (folder / MARK).open("xb") as file:
            file.write(text)
    except FileExistsError:
        raise occupied from None
    return folder


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def info_of(folder: Path) -> dict[str, Any]:
    """What is known of the statistics in a folder.

    Raises
    ------
    DumpError
        If it is no folder of statistics, or one of another version.
    """
    mark = folder / MARK
    try:
        document = msgspec.json.decode(mark.read_bytes())
    except FileNotFoundError:
        raise DumpError(f"{str(folder)!r} is not a folder of statistics: it has no {MARK}.") from None
    except (OSError, msgspec.DecodeError) as error:
        raise DumpError(f"{mark} cannot be read: {error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("info"), dict):
        raise DumpError(f"{mark} is not what nbrtc writes.")
    if document.get("version") != VERSION:
        raise DumpError(
            f"{str(folder)!r} was written in version {document.get('version')!r} of its format, and this "
            f"nbrtc reads {VERSION}: use the nbrtc that wrote it."
        )
    return {str(name): value for name, value in document["info"].items()}
