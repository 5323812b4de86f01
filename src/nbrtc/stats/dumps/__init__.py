"""Reading dumps of other programs' statistics, and writing one that they read."""

import re
from pathlib import Path

from nbrtc.errors import DumpError
from nbrtc.stats.call_stats import CallStats
from nbrtc.stats.dumps.content import Content, read_content
from nbrtc.stats.dumps.internals import read_internals
from nbrtc.stats.dumps.limits import MAX_BYTES, cut_off
from nbrtc.stats.dumps.rtcstats import MAGIC, read_rtcstats
from nbrtc.stats.loaded import LoadedStats

__all__ = ["load_dump"]

_LINES_AFTER_HEAD = re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\[")


def load_dump(path: str | Path, *, max_bytes: int = MAX_BYTES) -> CallStats:
    """Read a dump, of which kind its content says; the file's name does not matter.

    Known are the dumps of chrome://webrtc-internals (Chromium 86 and later, both of its formats, also
    compressed), those of rtcstats (file format 3) and of jitsi's rtcstats (Chrome, Firefox, Safari, and the
    ``goog`` statistics before the standard, which are told in the words of webrtc-stats), and the folders
    that `CallStats.spill` writes. Every connection of the dump is a participant.

    Parameters
    ----------
    max_bytes
        Refuse what is larger after decompression.

    Returns
    -------
    CallStats
        What `Call.stats` is, too; `CallStats.info` says what the dump tells of its browser.

    Raises
    ------
    DumpError
        If it is no dump, a damaged one, or larger than the limits; it says what to do.
    OSError
        If it cannot be read.

    Warns
    -----
    UserWarning
        If the end is missing, and what was complete was loaded.

    Examples
    --------
    >>> stats = nbrtc.load_dump("webrtc_internals_dump.gz")  # doctest: +SKIP
    >>> stats.to_frame(kind="video").groupby("participant").bitrate_bps.mean()  # doctest: +SKIP
    """
    path = Path(path)
    if path.is_dir():
        from nbrtc.stats.files.spill import read_spill

        return CallStats(LoadedStats(*read_spill(path, max_bytes=max_bytes)))
    content = read_content(path, max_bytes)
    return CallStats(_read(content, path.name))


def _read(content: Content, name: str) -> LoadedStats:
    data = content.data
    start = data[:200].lstrip()
    if start.startswith((MAGIC, b"[")) or _LINES_AFTER_HEAD.match(data, 0, 2**20):
        return read_rtcstats(data, name, is_cut=content.is_truncated)
    if start.startswith(b"<"):
        raise DumpError(
            f"{name} is a web page, not a dump: on chrome://webrtc-internals, press the button that creates "
            "a dump instead of saving the page."
        )
    if not start.startswith(b"{"):
        raise DumpError(
            f"{name} is no dump of statistics: it begins with {start[:20]!r}. Choose another file."
        )
    if content.is_truncated:
        raise cut_off(name, len(data))
    return read_internals(data, name)
