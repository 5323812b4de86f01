"""The running errands of one owner: kept while they run, ended together, and a failure is said in the log."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Tasks:
    """Tasks that nobody awaits. On the engine's loop."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> None:
        """Run a coroutine beside everything else."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)

    def cancel(self) -> None:
        """Cancel all but the task that calls this."""
        current = asyncio.current_task()
        for task in self._running:
            if task is not current:
                task.cancel()

    async def finish(self) -> None:
        """Wait until all have ended but the task that calls this. Nothing is raised."""
        current = asyncio.current_task()
        while waiting := [task for task in self._running if task is not current]:
            await asyncio.wait(waiting)

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)
