"""`Checks`: the results of a connection check, as they stand."""

import threading
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EngineError
from ..messages import CheckResult
from . import page

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("name", "title", "by", "outcome", "detail", "advice", "value", "unit")


class Checks:
    """What the newest check of a connection found, for every thread to read.

    It has no address of this machine and no credential; the URLs of servers are in it.
    """

    def __init__(self) -> None:
        self._results: tuple[CheckResult, ...] = ()
        self._changed = threading.Condition()
        self._is_due = False
        self._trouble = ""

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """A line for each thing that was looked at; empty before the first check has ended.

        Each has ``name``, ``title``, ``by`` (page, engine), ``outcome`` (pass, warning, fail, skipped),
        ``detail``, ``advice``, ``value`` and ``unit``.
        """
        return self._results

    @property
    def ok(self) -> bool:
        """Whether there was a check, and nothing in it failed."""
        return bool(self._results) and all(result.outcome != "fail" for result in self._results)

    def to_frame(self) -> "pd.DataFrame":
        """The results as a table.

        Returns
        -------
        pandas.DataFrame
            A line for each result: ``name``, ``title``, ``by``, ``outcome``, ``detail``, ``advice``,
            ``value``, ``unit``.
        """
        import pandas as pd

        lines = [[getattr(result, column) for column in COLUMNS] for result in self._results]
        frame = pd.DataFrame(lines, columns=list(COLUMNS))
        frame["value"] = frame["value"].astype(float)
        return frame

    def to_html(self) -> str:
        """The results as a page of its own, without scripts; it loads nothing."""
        return page.document(self._results)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write `to_html` into a file; returns where it is.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        target = Path(path).absolute()
        target.write_text(self.to_html(), encoding="utf-8")
        return target

    def wait_for(self, timeout_s: float = 60.0) -> "Checks":
        """Block until the check that was asked for last has ended; returns this.

        In JupyterLab with ipykernel 7 or newer the page is heard meanwhile. Elsewhere a running cell holds
        its messages up: there wait in no cell, and read `results` in a later one.

        Raises
        ------
        TimeoutError
            If it has not within `timeout_s` seconds.
        EngineError
            If the engine was lost, or could not be asked.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: not self._is_due or self._trouble, timeout_s):
                raise TimeoutError(
                    f"No check has ended within {timeout_s:g} s. The page makes it: show the widget in a "
                    "cell's output, and keep its window open. Before ipykernel 7 pages are heard only "
                    "between cells: read the results in a later one."
                )
            if self._is_due:
                raise EngineError(self._trouble)
        return self

    # --- for whoever asks and hears

    def begin(self) -> None:
        """One was asked for: what there is, is of an earlier one."""
        with self._changed:
            self._is_due, self._trouble = True, ""

    def take(self, results: tuple[CheckResult, ...]) -> None:
        """One has ended."""
        with self._changed:
            self._results, self._is_due = results, False
            self._changed.notify_all()

    def fail(self, trouble: str) -> None:
        """Nothing will come of what was asked for."""
        with self._changed:
            self._trouble = trouble
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._results)

    def __repr__(self) -> str:
        return page.text(self._results)

    def _repr_html_(self) -> str:
        return page.fragment(self._results)
