"""One output of a cell that changes in place, from whichever thread knows something new."""

import sys
import uuid
from collections import deque
from html import escape
from typing import Any

MAX_PLACES = 4
"""The same thing shown in more cells than this changes only in the newest of them."""


class LiveOutput:
    """Shows something in the running cell, and replaces it there later. Any thread.

    Outside of a notebook `show` refuses, so that IPython falls back to the repr, and `update` does nothing.
    """

    def __init__(self) -> None:
        self._places: deque[str] = deque(maxlen=MAX_PLACES)

    @property
    def is_shown(self) -> bool:
        """Whether there is an output to replace."""
        return bool(self._places)

    def show(self, html: str, text: str) -> None:
        """Add an output to the running cell.

        Raises
        ------
        NotImplementedError
            If there is no notebook: what IPython expects of an object that cannot show itself.
        """
        if not in_notebook():
            raise NotImplementedError("outputs that change need a notebook")
        from IPython.display import display

        place = uuid.uuid4().hex
        self._places.append(place)
        display(_bundle(html, text), raw=True, display_id=place)  # type: ignore[no-untyped-call]

    def update(self, html: str, text: str) -> None:
        """Replace what was shown, wherever it was shown."""
        if not self._places:
            return
        from IPython.display import update_display

        for place in list(self._places):
            update_display(_bundle(html, text), raw=True, display_id=place)  # type: ignore[no-untyped-call]


def in_notebook() -> bool:
    """Whether there is a kernel whose outputs can be replaced; a terminal's IPython has none."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it, and a script need not
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def progress(fraction: float, words: str) -> tuple[str, str]:
    """HTML and text of a line that says how far something is."""
    percent = f"{100 * fraction:.0f} %"
    html = (
        f'<div style="font-family:system-ui,sans-serif"><progress max="1" value="{fraction:.3f}" '
        f'style="vertical-align:middle"></progress> {escape(words)}: {percent}</div>'
    )
    return html, f"{words}: {percent}"


def _bundle(html: str, text: str) -> dict[str, Any]:
    return {"text/html": html, "text/plain": text}
