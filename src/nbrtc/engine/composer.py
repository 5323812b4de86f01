"""The film processes of an engine: one at a time, behind everything that is live.

A recording may be hours long. What composes it is a process of its own, so that neither its memory nor its
load is the calls'; it ends when its standard input does, however the engine ends.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import RecordingError
from ..messages import RecordingLayout
from ..recordings.film.progress import Progress, read
from .tail import tail
from .tasks import Tasks

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "nbrtc.recordings.film")
NICENESS = 10
LINE_BYTES = 64 * 1024
"""A longer line is none of a film process."""
END_S = 3.0
"""A process whose standard input has ended removes what it has begun within this time, or is killed."""


class Interrupted(Exception):
    """The engine ends: the film waits for `nbrtc.recover`."""


class Composer:
    """Runs film processes, and owns what waits for them, longer than a call lives. On the engine's loop.

    Parameters
    ----------
    command
        Of the film process, without its arguments.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = command
        self._turn = asyncio.Lock()
        self._works = Tasks()
        self._process: asyncio.subprocess.Process | None = None
        self._is_closed = False

    def work(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Finish a film beside everything else; one that `close` meets ends with `Interrupted`."""
        self._works.spawn(coroutine, "nbrtc-film")

    async def compose(
        self, manifest: Path, layout: RecordingLayout, to: Path, on_fraction: Callable[[float], None]
    ) -> Progress:
        """Make a film; waits for those that were asked for before. Returns the process's last line.

        Raises
        ------
        RecordingError
            If it cannot be made; nothing of it is left then.
        Interrupted
            If the composer is closed meanwhile.
        """
        async with self._turn:
            if self._ends():
                raise Interrupted
            arguments = (*self._command, str(manifest), "--layout", layout, "--to", str(to))
            try:
                process = self._process = await asyncio.create_subprocess_exec(
                    *arguments,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=LINE_BYTES,
                )
            except OSError as error:
                raise RecordingError(f"The process that makes films did not start ({error}).") from error
            try:
                return await self._follow(process, on_fraction)
            finally:
                await self._end(process)
                self._process = None

    async def close(self) -> None:
        """End the film that is being made, begin no other, and wait for what can be finished. Idempotent."""
        self._is_closed = True
        if self._process is not None:
            await self._end(self._process)
        await self._works.finish()

    async def _follow(
        self, process: asyncio.subprocess.Process, on_fraction: Callable[[float], None]
    ) -> Progress:
        if self._ends():  # since it was being started
            raise Interrupted
        with contextlib.suppress(ProcessLookupError):  # it has ended: what it said tells why
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        assert process.stdout is not None
        assert process.stderr is not None
        saying = asyncio.create_task(tail(process.stderr), name="nbrtc-film-log")
        last = Progress()
        try:
            async for line in process.stdout:
                last = read(line)
                if last.fraction is not None:
                    on_fraction(last.fraction)
        except (msgspec.MsgspecError, ValueError) as error:
            last = Progress(error=f"The process that makes films said something unknown ({error}).")
            process.kill()
        finally:
            await tail(process.stdout)  # while its pipe is full the end of a process is not noticed
            status = await process.wait()
            said = await saying
        if last.done is None and self._ends():
            raise Interrupted
        if last.done is None:
            logger.error("The film process ended with %d: %s", status, said or "(it said nothing)")
            raise RecordingError(last.error or f"The process that makes films ended unexpectedly ({status}).")
        if last.note:
            logger.warning("%s", last.note)
        return last

    def _ends(self) -> bool:
        return self._is_closed

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        """However it came to this, the process is gone afterwards."""
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        assert process.stdout is not None
        await tail(process.stdout)  # its pipes are only closed when they were read to the end
