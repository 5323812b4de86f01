"""Which cell made a call, so that running the cell again closes the old call first."""

import weakref
from typing import Protocol


class Closable(Protocol):
    """What the register needs of a call."""

    def close(self, reason: str = ...) -> None:
        """End it."""


def current_cell() -> tuple[str, int] | None:
    """(cell, execution count) of the running cell; None outside IPython.

    JupyterLab and VS Code send the cell's id with the request; elsewhere the cell's text stands for it.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()  # type: ignore[no-untyped-call]
    if shell is None:
        return None
    request = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = (request or {}).get("metadata", {}).get("cellId")
    if not cell:
        history = shell.user_ns.get("In") or [""]
        cell = f"text:{hash(history[-1])}"
    return str(cell), int(shell.execution_count)


_made: "dict[str, list[tuple[int, weakref.ref[Closable]]]]" = {}


def close_earlier(call: Closable) -> None:
    """Register `call` and close those that an earlier run of the same cell made."""
    place = current_cell()
    if place is None:
        return
    cell, count = place
    still = []
    for earlier_count, reference in _made.get(cell, []):
        earlier = reference()
        if earlier is not None and earlier_count == count:
            still.append((earlier_count, reference))
        elif earlier is not None:
            earlier.close("The cell was run again.")
    _made[cell] = [*still, (count, weakref.ref(call))]
