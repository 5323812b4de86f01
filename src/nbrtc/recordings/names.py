"""Names of files, from what people call themselves."""

import re
import unicodedata
from collections.abc import Container

MAX_BYTES = 80
"""Of a name made here; file systems allow 255 with all that is appended."""
_RESERVED = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{digit}" for port in ("com", "lpt") for digit in range(10)),
}


def file_stem(name: str, taken: Container[str] = ()) -> str:
    """A safe stem for a file of somebody called `name`, unlike those `taken` (which are lower case).

    Letters and digits of every script stay; all else becomes a hyphen, so that nothing is hidden, points to
    another folder, or means something to a shell.
    """
    plain = unicodedata.normalize("NFKC", name)
    words = re.sub(r"[^\w]+", "-", plain, flags=re.UNICODE).strip("-_")
    stem = words.encode()[:MAX_BYTES].decode(errors="ignore").strip("-_") or "participant"
    if stem.lower() in _RESERVED:
        stem = f"{stem}-1"
    number, unique = 1, stem
    while unique.lower() in taken:
        number += 1
        unique = f"{stem}-{number}"
    return unique
