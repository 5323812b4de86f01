"""The process of a video effect that runs beside the engine: started, started again, and ended.

A function that computes would take the interpreter from the engine's own loop, and one that crashes would
take the call along; so it has a process, which reads and sends pictures as the kernel does.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import uuid
from collections.abc import Callable, Sequence

import msgspec

from ..exits import worded_exit
from ..messages import EffectNews, EffectOrder, SetVideoEffect, encode_bridge
from .prints import Prints
from .tail import tail
from .tasks import Tasks

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-P", "-m", "nbrtc.effect_host")
LINE_BYTES = 1024 * 1024
"""A second of news; a longer line is none of ours."""
PREFIX_BYTES = 4
END_S = 2.0
"""A process whose standard input has ended is killed after this time, and all that it started."""
PAUSES_S = (0.2, 1.0, 3.0, 10.0)
"""Before it is started again after the first, second, ... end; the last one for all further ones."""
STEADY_S = 60.0
"""A process that ran so long begins anew with the pauses."""


class EffectProcess:
    """Keeps the process of the current effect running. On the engine's loop.

    Parameters
    ----------
    call, folder
        Whose camera, and where the engine's sockets are.
    on_news
        Told what the process says of its frames and errors, what it prints, when it ends by itself, and last
        when it was taken off and has ended; with whether an error is the first of its kind, which a person
        should see.
    on_gone
        Told the identity of a frames socket that is not used any more.
    command
        Of the process.
    """

    def __init__(
        self,
        call: str,
        folder: str,
        *,
        on_news: Callable[[EffectNews, bool], None],
        on_gone: Callable[[bytes], None],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._call, self._folder = call, folder
        self._on_news, self._on_gone = on_news, on_gone
        self._command = command
        self._task: asyncio.Task[None] | None = None
        self._number = 0
        self._ending = Tasks()

    def use(self, verb: SetVideoEffect | None) -> None:
        """Run this effect in the place of the one that runs; None for none."""
        task, self._task = self._task, None
        if task is not None:
            self._ending.spawn(self._leave(task, self._number), "nbrtc-effect-end")
        if verb is not None and verb.code is not None:
            self._number = verb.number
            self._task = asyncio.get_running_loop().create_task(self._keep(verb), name="nbrtc-effect")

    async def close(self) -> None:
        """End the process and wait for its end. Idempotent."""
        self.use(None)
        await self._ending.finish()

    async def _leave(self, task: "asyncio.Task[None]", number: int) -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._on_news(EffectNews(call=self._call, effect=number, is_over=True), False)

    async def _keep(self, verb: SetVideoEffect) -> None:
        told: set[str] = set()
        is_unusable = False

        def tell(news: EffectNews) -> None:
            nonlocal is_unusable
            is_unusable = is_unusable or news.is_unusable
            is_first = bool(news.error) and news.error not in told
            self._on_news(msgspec.structs.replace(news, effect=verb.number), is_first)
            told.update(filter(None, [news.error]))

        loop = asyncio.get_running_loop()
        ends = 0
        while True:
            identity = f"effect-{uuid.uuid4().hex}".encode()
            order = EffectOrder(folder=self._folder, identity=identity, call=self._call, verb=verb)
            began_s = loop.time()
            try:
                code, said = await self._run(encode_bridge(order), tell)
            except OSError as error:
                sentence = f"{verb.name} does not run: its process could not be started ({error})"
                tell(EffectNews(call=self._call, error=sentence))
                return
            finally:
                self._on_gone(identity)
            if is_unusable:
                return  # it has said why
            ends = 1 if loop.time() - began_s > STEADY_S else ends + 1
            how = worded_exit(code)
            logger.warning("The process of %s %s: %s", verb.name, how, said or "(it said nothing)")
            sentence = f"{verb.name}: its process {how}, and is started again"
            tell(EffectNews(call=self._call, error=sentence, traceback=said))
            await asyncio.sleep(PAUSES_S[min(ends, len(PAUSES_S)) - 1])

    async def _run(self, order: bytes, tell: Callable[[EffectNews], None]) -> tuple[int, str]:
        """Run one process until it ends; returns its exit code, and the end of what it said."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
            start_new_session=True,  # what the function starts is ended with it
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        prints = Prints(lambda text: tell(EffectNews(call=self._call, printed=text)))
        saying = asyncio.create_task(prints.read(process.stderr), name="nbrtc-effect-prints")
        try:
            process.stdin.write(len(order).to_bytes(PREFIX_BYTES, "big") + order)
            with contextlib.suppress(ConnectionError):  # it ended at once, as its exit code tells
                await process.stdin.drain()
            await _listen(process.stdout, tell)
        finally:
            await _end(process, saying)
        assert process.returncode is not None
        return process.returncode, saying.result()


async def _listen(lines: asyncio.StreamReader, tell: Callable[[EffectNews], None]) -> None:
    while True:
        try:
            line = await lines.readline()
        except ValueError:  # longer than LINE_BYTES; the reader has thrown it away
            logger.error("The process of a video effect said more than %d bytes at once", LINE_BYTES)
            continue
        if not line:
            return
        try:
            news = msgspec.json.decode(line, type=EffectNews)
        except msgspec.MsgspecError as error:
            logger.error("The process of a video effect said something else than news: %s", error)
        else:
            tell(news)


async def _end(process: asyncio.subprocess.Process, saying: "asyncio.Task[str]") -> None:
    """Let it end, or kill it with all that it started; its pipes are read to their ends."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    rest = asyncio.create_task(tail(process.stdout), name="nbrtc-effect-rest")
    ending = asyncio.create_task(process.wait(), name="nbrtc-effect-wait")
    _, running = await asyncio.wait([ending, rest, saying], timeout=END_S)
    if running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.wait(running)
