"""Which cell made a call, so that running the cell again closes the old call first."""

import weakref
from typing import NamedTuple, Protocol


class Closable(Protocol):
    """What the register needs of a call."""

    def close(self, reason: str = ...) -> None:
        """End it."""


class CellRun(NamedTuple):
    """One execution of one cell."""

    cell: str
    run: str


def current_run() -> CellRun | None:
    """The running cell; None outside IPython, and in callbacks of widgets, which belong to no cell.

    JupyterLab and VS Code send the cell's id with the request; elsewhere the cell's text stands for it.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    shell = get_ipython()
    if shell is None:
        return None
    request = (shell.get_parent() if hasattr(shell, "get_parent") else None) or {}
    header = request.get("header") or {}
    if header.get("msg_type", "execute_request") != "execute_request":
        return None
    cell = (request.get("metadata") or {}).get("cellId")
    if not cell:
        history = shell.user_ns.get("In") or [""]
        cell = f"text:{hash(history[-1])}"
    # a run that leaves no history does not count up, but each has its own request
    return CellRun(str(cell), str(header.get("msg_id") or shell.execution_count))


_made: "dict[str, list[tuple[str, weakref.ref[Closable]]]]" = {}


def close_earlier(call: Closable) -> None:
    """Register `call` and close those that an earlier run of the same cell made; those of this run stay."""
    place = current_run()
    if place is None:
        return
    together = []
    for run, reference in _made.get(place.cell, []):
        earlier = reference()
        if earlier is None:
            continue
        if run == place.run:
            together.append((run, reference))
        else:
            earlier.close("The cell was run again.")
    _made[place.cell] = [*together, (place.run, weakref.ref(call))]
