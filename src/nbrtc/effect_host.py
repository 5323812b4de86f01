"""``python -m nbrtc.effect_host``: one video effect in a process of its own, beside the engine that owns it.

The engine writes an `EffectOrder` to standard input, which then stays open: when it ends, so does this
process, however the engine ends. Pictures come and go by the engine's frames socket, as they do for the
kernel; `EffectNews`, a line of JSON each, go to standard output. What the user's code prints goes to
standard error, which the engine passes on to the notebook.
"""

import ctypes
import io
import os
import signal
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from functools import partial
from types import TracebackType

import msgspec
import zmq

from .bridge import FRAMES
from .complaint import stuck
from .effect import VideoEffect
from .effect_code import unpack
from .effect_runner import EffectRunner
from .messages import EffectNews, EffectOrder
from .problems import blamed, worded

NEWS_S = 0.2
"""So often it says what it did."""
END_S = 1.0
"""Code that does not return has so long after standard input ended."""
PREFIX_BYTES = 4
MESSAGE_CHARACTERS, TRACEBACK_CHARACTERS = 2000, 20_000
"""Of longer ones the beginning and the end are told: a whole array may stand in a message."""
PR_SET_PDEATHSIG = 1


class Line:
    """The way to the engine's frames (see `port.Bridge`).

    Parameters
    ----------
    folder
        Where the engine's sockets are.
    identity
        Under which the engine knows the socket, so that it can forget a process that crashed.
    """

    epoch = 0

    def __init__(self, folder: str, identity: bytes) -> None:
        self._address = f"ipc://{folder}/{FRAMES}"
        self._identity = identity
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def frames_socket(self, timeout_s: float) -> "zmq.Socket[bytes]":
        """A socket of the caller's thread."""
        socket = self._context.socket(zmq.DEALER)
        socket.linger = 0
        socket.setsockopt(zmq.IDENTITY, self._identity)
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
        line = Line(order.folder, order.identity)
        self._runner = EffectRunner(line, order.call, self._failed, on_stuck=self._stuck)
        self._failures: dict[object, EffectNews] = {}
        self._again: Counter[object] = Counter()
        """Failures since that kind was told last. Of the runner's thread, and `report`'s."""
        self._lock = threading.Lock()
        self._said_frame = -1
        # RTP timestamps of rows that were told before it was known when their results were sent
        self._unsent: set[int] = set()

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
            VideoEffect.of(function, policy="block" if verb.queued else "latest", size=verb.size), verb.number
        )

    def report(self) -> None:
        """Tell what it did since the last report, and which results of before have been sent meanwhile."""
        self._runner.look()
        with self._lock:
            again, self._again = self._again, Counter()
        for kind, times in again.items():
            self._say(msgspec.structs.replace(self._failures[kind], times=times, traceback=""))
        stats = self._runner.stats
        if stats is None:
            return
        kept = stats.rows()
        rows = [row for row in kept if row.number > self._said_frame]
        sent = [
            (row.timestamp, row.sent_s)
            for row in kept
            if row.timestamp in self._unsent and row.sent_s is not None
        ]
        if kept:
            self._said_frame = kept[-1].number
            # one that is too old to be kept will never be known
            self._unsent = {row.timestamp for row in kept if row.sent_s is None and not row.error}
        if rows or sent:
            told = tuple((*row,) for row in rows)
            self._say(EffectNews(call=self._order.call, rows=told, sent=tuple(sent)))

    def close(self) -> None:
        """End after the frame that is worked on."""
        self._runner.close()

    def _failed(self, effect: VideoEffect, error: BaseException, trace: str) -> None:
        kind = (type(error), _line(error.__traceback__))
        self._tell(kind, blamed(effect.name, error), trace)

    def _stuck(self, effect: VideoEffect, working_s: float, trace: str) -> None:
        self._tell("stuck", stuck(effect.name, working_s), trace)

    def _tell(self, kind: object, message: str, trace: str) -> None:
        if kind in self._failures:
            with self._lock:
                self._again[kind] += 1
            return
        news = self._failures[kind] = failure(self._order.call, message, trace)
        self._say(news)


def failure(call: str, message: str, trace: str) -> EffectNews:
    """An error as news that can be sent whatever the user's class or message is like."""
    return EffectNews(
        call=call,
        error=_encodable(message[:MESSAGE_CHARACTERS]),
        traceback=_encodable(trace[-TRACEBACK_CHARACTERS:]),
    )


def _encodable(text: str) -> str:
    """Without lone surrogates, as file names have them that are no UTF-8."""
    return text.encode(errors="replace").decode()


def _line(trace: TracebackType | None) -> object:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)


def _read(stream: int, size: int) -> bytes:
    """So many bytes, or fewer if the stream ends."""
    data = bytearray()
    while len(data) < size and (part := os.read(stream, size - len(data))):
        data += part
    return bytes(data)


def _die_with_engine() -> None:
    """Code that keeps the interpreter keeps the thread from running that watches standard input: where the
    system can, it ends a process with the one that started it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Run until standard input ends; returns the exit code."""
    _die_with_engine()
    # the user's code gets none of the conversation: what it prints must not get between the news, and a
    # process that it forks must not keep the pipes open
    inward, out = os.dup(0), os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        # what is printed is seen soon; whoever reads it decodes UTF-8
        assert isinstance(stream, io.TextIOWrapper)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    os.register_at_fork(after_in_child=out.close)
    os.register_at_fork(after_in_child=partial(os.close, inward))
    size = int.from_bytes(_read(inward, PREFIX_BYTES), "big")
    order = msgspec.msgpack.decode(_read(inward, size), type=EffectOrder)
    stopped = threading.Event()
    lock = threading.Lock()

    def say(news: EffectNews) -> None:
        try:
            with lock:
                out.write(msgspec.json.encode(news) + b"\n")
        except BrokenPipeError:
            stopped.set()  # nobody listens

    def watch_owner() -> None:
        while os.read(inward, 4096):
            continue
        stopped.set()
        threading.Event().wait(END_S)
        os._exit(0)

    threading.Thread(target=watch_owner, name="owner", daemon=True).start()
    host = Host(order, say)
    try:
        host.start()
    except BaseException as error:  # noqa: BLE001  whatever the user's module does when it is imported
        message = f"{order.verb.name} cannot run in the engine: {worded(error)}"
        news = failure(order.call, message, traceback.format_exc())
        say(msgspec.structs.replace(news, is_unusable=True))
        return 1
    while not stopped.wait(NEWS_S):
        host.report()
    host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
