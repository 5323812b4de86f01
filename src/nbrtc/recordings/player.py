"""Players for a notebook's cell: small files are in the notebook itself, others are played where they lie."""

import base64
import math
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from nbrtc.errors import RecordingError
from nbrtc.recordings.regular import open_regular

EMBED_BYTES = 24 * 1024 * 1024
"""Up to this size, all of a cell together, videos are in the notebook itself."""


class Take(NamedTuple):
    """A file to play."""

    path: Path
    caption: str


def players(takes: Iterable[Take]) -> str:
    """A player for each, beside one another, with its caption below; what cannot be shown says why."""
    left_bytes, figures = EMBED_BYTES, []
    for take in takes:
        try:
            size_bytes = take.path.stat().st_size
            embedded = size_bytes <= left_bytes
            source = _embedded(take.path) if embedded else _address(take.path)
        except (OSError, RecordingError) as error:
            problem = f"{take.path} cannot be shown: {error}"
            figures.append(f"<p>{escape(take.caption)}</p><p>{escape(problem)}</p>")
            continue
        left_bytes -= size_bytes if embedded else 0
        figures.append(
            '<figure style="margin:0;flex:1 1 20rem;max-width:40rem">'
            f'<video controls preload="metadata" style="width:100%" aria-label="{escape(take.caption)}" '
            f'src="{source}"></video><figcaption>{escape(take.caption)}</figcaption></figure>'
        )
    joined = "".join(figures)
    style = "display:flex;flex-wrap:wrap;gap:.75rem;font-family:system-ui,sans-serif"
    return f'<div style="{style}">{joined}</div>' if figures else ""


def _embedded(path: Path) -> str:
    # browsers play their codecs in Matroska as WebM
    kind = "mp4" if path.suffix.lower() == ".mp4" else "webm"
    with open_regular(path) as file:
        data = file.read(EMBED_BYTES)
    return f"data:video/{kind};base64,{base64.b64encode(data).decode()}"


def _address(path: Path) -> str:
    """The URL relative to the notebook's folder, which is what a Jupyter server gives out."""
    try:
        return quote(path.resolve().relative_to(Path.cwd()).as_posix())
    except ValueError:
        raise RecordingError(
            f"the file is too large to be shown from a folder outside the notebook's ({Path.cwd()})"
        ) from None


def amount(size_bytes: int) -> str:
    """A size for a person, as the widget says it: ``"640 kB"``, ``"4.8 MB"``."""
    return f"{math.ceil(size_bytes / 1e3)} kB" if size_bytes < 1e6 else f"{size_bytes / 1e6:.1f} MB"


def clock(seconds: float) -> str:
    """A time for a person: ``"1:02:03"``, ``"2:03"``, below a minute ``"3.4 s"``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
