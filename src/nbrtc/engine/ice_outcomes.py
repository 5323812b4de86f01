"""How a call's connections went: read from their traces, kept in the user's history. On the engine's loop.

The file is read and written on a thread, because a home folder may be on a slow network; a file that cannot
be used harms no call.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from ..ice.history import History, history_path
from ..ice.outcome import Outcome, OutcomeBuilder
from ..messages import IceRecord
from .tasks import Tasks

logger = logging.getLogger(__name__)

READ_ROWS = 1000
"""Of the history: older ones would weigh next to nothing."""
MAX_WAITING = 200
"""Outcomes that wait for the disk; the oldest are given up beyond this."""


class IceOutcomes:
    """Outcomes of this call, and those of earlier ones.

    Parameters
    ----------
    on_outcomes
        Told the new ones of this call.
    on_known
        Told when the earlier ones were read.
    on_problem
        Told once if the history cannot be used, as a sentence.
    history
        By default the user's.
    """

    def __init__(
        self,
        *,
        on_outcomes: Callable[[list[Outcome]], None],
        on_known: Callable[[], None],
        on_problem: Callable[[str], None],
        history: History | None = None,
    ) -> None:
        self._on_outcomes, self._on_known, self._on_problem = on_outcomes, on_known, on_problem
        self._history = History(history_path()) if history is None else history
        self._builder = OutcomeBuilder()
        self._known: list[Outcome] = []
        self._waiting: list[Outcome] = []
        self._is_asked = self._is_writing = self._was_told = False
        self._tasks = Tasks()

    @property
    def known(self) -> list[Outcome]:
        """Earlier ones as far as they were read, and this call's; the oldest first."""
        return self._known

    def want(self) -> None:
        """Read the history, unless that was done; `on_known` follows if there is any."""
        if not self._is_asked:
            self._is_asked = True
            self._tasks.spawn(self._read(), "nbrtc-ice-history")

    def take(self, records: Iterable[IceRecord], network: str) -> None:
        """Something was seen of a connection."""
        self._keep(self._builder.take(records, network))

    async def close(self, network: str) -> None:
        """Keep what is left, and wait for the disk. Idempotent."""
        self._keep(self._builder.finish(network))
        await self._tasks.finish()

    def _keep(self, outcomes: list[Outcome]) -> None:
        if not outcomes:
            return
        self._known = [*self._known, *outcomes][-READ_ROWS:]
        self._waiting = [*self._waiting, *outcomes][-MAX_WAITING:]
        if not self._is_writing:
            self._is_writing = True
            self._tasks.spawn(self._write(), "nbrtc-ice-history")
        self._on_outcomes(outcomes)

    async def _read(self) -> None:
        try:
            earlier = await asyncio.to_thread(self._history.read, READ_ROWS)
        except OSError as error:
            self._complain(error)
            return
        if earlier:
            self._known = [*earlier, *self._known][-READ_ROWS:]
            self._on_known()

    async def _write(self) -> None:
        try:
            while self._waiting:
                outcomes, self._waiting = self._waiting, []
                await asyncio.to_thread(self._history.add, outcomes)
        except OSError as error:
            self._complain(error)
        finally:
            self._is_writing = False

    def _complain(self, error: OSError) -> None:
        if not self._was_told:
            self._was_told = True
            logger.warning("%s", error)
            self._on_problem(f"{error}. The call goes on; it does not learn from earlier ones.")
