"""The kernel's end of video effects that run beside the engine: what they did, and what they printed."""

import contextlib
import contextvars
import logging
import queue
import sys
import threading

from .messages import EffectNews
from .video_effect_stats import EffectRow, VideoEffectStats

logger = logging.getLogger(__name__)

MAX_WAITING = 64
"""Pieces of text that a slow standard output has not taken; beyond this the oldest is dropped."""


class EffectsBeside:
    """Those of one call, by number: the present one, and those before it that are still ending.

    Thread-safe.
    """

    def __init__(self) -> None:
        self._present: EffectBeside | None = None
        self._open: dict[int, EffectBeside] = {}  # a process ends within seconds, and its effect here with it
        self._lock = threading.Lock()

    @property
    def stats(self) -> VideoEffectStats | None:
        """Of the present one, if there is one."""
        present = self._present
        return None if present is None else present.stats

    def use(self, number: int, name: str | None) -> None:
        """Expect news of this effect from now on, as the present one; without a name there is none.

        On the thread of the cell that sets it.
        """
        present = None if name is None else EffectBeside(name)
        with self._lock:
            self._present = present
            if present is not None:
                self._open[number] = present

    def take(self, news: EffectNews) -> None:
        """Hand it to whom it is about, if that is known here; returns at once."""
        with self._lock:
            beside = self._open.get(news.effect)
            if beside is not None and news.is_over:
                del self._open[news.effect]
        if beside is not None:
            beside.take(news)
            if news.is_over:
                beside.close()

    def lose(self) -> None:
        """The engine went, and with it those that were ending: the present one is told to the next engine."""
        self._end(self._present)

    def close(self) -> None:
        """Print what has come, and nothing more. Idempotent."""
        self._present = None
        self._end(None)

    def _end(self, staying: "EffectBeside | None") -> None:
        with self._lock:
            ended = [beside for beside in self._open.values() if beside is not staying]
            self._open = {number: beside for number, beside in self._open.items() if beside is staying}
        for beside in ended:
            beside.close()


class EffectBeside:
    """Takes the news of one effect. Its text is printed as if by the cell that set it.

    Thread-safe; made on the thread of that cell.

    Parameters
    ----------
    name
        The function, as a person knows it.
    """

    def __init__(self, name: str) -> None:
        self.stats = VideoEffectStats(name)
        # ipykernel tells by it under which cell a text belongs
        self._cell = contextvars.copy_context()
        self._waiting: queue.Queue[str | None] = queue.Queue(MAX_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_over = False

    def take(self, news: EffectNews) -> None:
        """Count what it did, and print what it said; returns at once."""
        for row in news.rows:
            self.stats.add(EffectRow(*row))
        for timestamp, sent_s in news.sent:
            self.stats.mark_sent(timestamp, sent_s)
        if news.printed:
            self._put(news.printed)

    def close(self) -> None:
        """Print what has come, and nothing more. Idempotent."""
        with self._lock:
            is_printing, self._is_over = self._thread is not None and not self._is_over, True
        if is_printing:
            self._enqueue(None)

    def _put(self, text: str) -> None:
        with self._lock:
            if self._is_over:
                return
            if self._thread is None:
                # a terminal that takes nothing keeps this thread, and not the one that news come on
                self._thread = threading.Thread(
                    target=self._cell.run, args=(self._print,), name="nbrtc-prints", daemon=True
                )
                self._thread.start()
        self._enqueue(text)

    def _enqueue(self, text: str | None) -> None:
        while True:
            try:
                self._waiting.put_nowait(text)
                return
            except queue.Full:
                with contextlib.suppress(queue.Empty):  # the thread may have been quicker
                    self._waiting.get_nowait()

    def _print(self) -> None:
        while (text := self._waiting.get()) is not None:
            try:
                sys.stdout.write(text)
                sys.stdout.flush()
            except (OSError, ValueError) as error:  # it was closed, or cannot show a character
                logger.warning("What %s printed could not be shown: %s", self.stats.name, error)
