"""The process of a video effect that runs beside the engine: started, started again, and ended."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Sequence

import msgspec

from ..messages import EffectNews, EffectOrder, SetVideoEffect, encode_bridge
from .tasks import Tasks

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "nbrtc.effect_host")
LINE_BYTES = 1024 * 1024
"""A second of news; a longer line is none of ours."""
PREFIX_BYTES = 4
UNUSABLE = 3
"""Exit code that says: another process would fail, too."""
END_S = 2.0
"""A process whose standard input has ended is killed after this time."""
PAUSES_S = (0.2, 1.0, 3.0, 10.0)
"""Before it is started again after the first, second, ... end; the last one for all further ones."""


class EffectProcess:
    """Keeps the process of the current effect running. On the engine's loop.

    Parameters
    ----------
    call, folder
        Whose camera, and where the engine's sockets are.
    on_news
        Told what the process says of its frames and errors.
    on_ended
        Told, in a sentence, when it ended by itself.
    command
        Of the process.
    """

    def __init__(
        self,
        call: str,
        folder: str,
        *,
        on_news: Callable[[EffectNews], None],
        on_ended: Callable[[str], None],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._call, self._folder = call, folder
        self._on_news, self._on_ended = on_news, on_ended
        self._command = command
        self._task: asyncio.Task[None] | None = None
        self._ending = Tasks()

    def use(self, verb: SetVideoEffect | None) -> None:
        """Run this effect in the place of the one that runs; None for none."""
        task, self._task = self._task, None
        if task is not None:
            self._ending.spawn(_cancelled(task), "nbrtc-effect-end")
        if verb is not None and verb.code is not None:
            self._task = asyncio.get_running_loop().create_task(self._keep(verb), name="nbrtc-effect")

    async def close(self) -> None:
        """End the process and wait for its end. Idempotent."""
        self.use(None)
        await self._ending.finish()

    async def _keep(self, verb: SetVideoEffect) -> None:
        order = encode_bridge(EffectOrder(folder=self._folder, call=self._call, verb=verb))
        ends = 0
        while True:
            try:
                code = await self._run(order)
            except OSError as error:
                self._on_ended(f"The process of {verb.name} did not start ({error}).")
                return
            if code == UNUSABLE:
                return  # it has said why
            pause_s = PAUSES_S[min(ends, len(PAUSES_S) - 1)]
            ends += 1
            self._on_ended(
                f"The process of {verb.name} ended by itself (exit code {code}); it is started again in "
                f"{pause_s:g} s. Until then the last good picture stays."
            )
            await asyncio.sleep(pause_s)

    async def _run(self, order: bytes) -> int:
        """Run one process until it ends; returns its exit code."""
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(len(order).to_bytes(PREFIX_BYTES, "big") + order)
            with contextlib.suppress(ConnectionError):  # it ended at once, as its exit code tells
                await process.stdin.drain()
            await self._listen(process.stdout)
            return await process.wait()
        finally:
            await _ended(process)

    async def _listen(self, lines: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await lines.readline()
            except ValueError:  # longer than LINE_BYTES; the reader has thrown it away
                logger.error("The process of a video effect said more than %d bytes at once", LINE_BYTES)
                continue
            if not line:
                return
            try:
                self._on_news(msgspec.json.decode(line, type=EffectNews))
            except msgspec.MsgspecError as error:
                logger.error("The process of a video effect said something else than news: %s", error)


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Let it end, or kill it."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
