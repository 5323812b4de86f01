"""``python -m nbrtc.effect_host``: one video effect in a process of its own, beside the engine that owns it.

The engine writes an `EffectOrder` to standard input, which then stays open: when it ends, so does this
process, however the engine ends. Pictures come and go by the engine's frames socket, as they do for the
kernel; `EffectNews`, a line of JSON each, go to standard output. What the user's code prints goes to
standard error, which is the engine's log.
"""

import os
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

import msgspec
import zmq

from .bridge import FRAMES
from .effect import VideoEffect
from .effect_code import unpack
from .effect_runner import EffectRunner
from .messages import EffectNews, EffectOrder

NEWS_S = 1.0
"""So often it says what it did; by the next time the results of a second have been sent."""
END_S = 1.0
"""Code that does not return has so long after standard input ended."""
UNUSABLE = 3
"""Exit code of a process whose function cannot be loaded: another one would fail, too."""
PREFIX_BYTES = 4


class Line:
    """The way to the engine's frames (see `port.Bridge`)."""

    epoch = 0

    def __init__(self, folder: str) -> None:
        self._address = f"ipc://{folder}/{FRAMES}"
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def frames_socket(self, timeout_s: float) -> "zmq.Socket[bytes]":
        """A socket of the caller's thread."""
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        socket.connect(self._address)
        return socket


class Host:
    """Runs the effect, and tells what it does.

    Parameters
    ----------
    order
        What to run.
    say
        Takes news; called on several threads.
    """

    def __init__(self, order: EffectOrder, say: Callable[[EffectNews], None]) -> None:
        self._order = order
        self._say = say
        self._runner = EffectRunner(Line(order.folder), order.call, self._failed)
        self._told: set[object] = set()
        self._said_frame = -1

    def start(self) -> None:
        """Load the function and run it.

        Raises
        ------
        Exception
            Whatever loading the function raises: it is the user's code.
        """
        verb = self._order.verb
        function = unpack(verb.code or b"", verb.path)
        self._runner.use(
            VideoEffect.of(function, policy="block" if verb.queued else "latest", size=verb.size)
        )

    def report(self, *, final: bool = False) -> None:
        """Tell the rows that are complete: those whose results have had time to be sent, or all of them."""
        stats = self._runner.stats
        if stats is None:
            return
        rows = [row for row in stats.rows() if row.number > self._said_frame]
        if rows and rows[-1].sent_s is None and not rows[-1].error and not final:
            rows.pop()  # it may yet be sent
        if rows:
            self._said_frame = rows[-1].number
            self._say(EffectNews(call=self._order.call, rows=tuple((*row,) for row in rows)))

    def close(self) -> None:
        """End after the frame that is worked on."""
        self._runner.close()

    def _failed(self, effect: VideoEffect, error: BaseException, trace: str) -> None:
        kind = (type(error), _line(error.__traceback__))
        if kind in self._told:
            return  # the rows count it
        self._told.add(kind)
        message = f"{effect.name} raised {type(error).__name__}: {error}"
        self._say(EffectNews(call=self._order.call, error=message, traceback=trace))


def _line(trace: TracebackType | None) -> object:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)


def _read(size: int) -> bytes:
    """So many bytes of standard input, or fewer if it ends."""
    data = bytearray()
    while len(data) < size and (part := os.read(0, size - len(data))):
        data += part
    return bytes(data)


def main() -> int:
    """Run until standard input ends; returns the exit code."""
    # what the user's code prints must not get between the news
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    order = msgspec.msgpack.decode(_read(int.from_bytes(_read(PREFIX_BYTES), "big")), type=EffectOrder)
    stopped = threading.Event()
    lock = threading.Lock()

    def say(news: EffectNews) -> None:
        try:
            with lock:
                out.write(msgspec.json.encode(news) + b"\n")
        except BrokenPipeError:
            stopped.set()  # nobody listens

    def watch_owner() -> None:
        while os.read(0, 4096):
            continue
        stopped.set()
        threading.Event().wait(END_S)
        os._exit(0)

    threading.Thread(target=watch_owner, name="owner", daemon=True).start()
    host = Host(order, say)
    try:
        host.start()
    except BaseException as error:  # noqa: BLE001  whatever the user's module does when it is imported
        message = f"{order.verb.name} cannot run in the engine: {type(error).__name__}: {error}"
        say(EffectNews(call=order.call, error=message, traceback=traceback.format_exc()))
        return UNUSABLE
    while not stopped.wait(NEWS_S):
        host.report()
    host.report(final=True)
    host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
