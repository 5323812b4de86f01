"""Paths as people write them."""

import os
from pathlib import Path


def expanded(path: str | os.PathLike[str]) -> Path:
    """With the home folder for a leading ``~``; a name like ``~draft.mkv``, of no user, stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  that of pathlib raises for such a name
