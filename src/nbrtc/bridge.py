"""The pipe between kernel and engine, kernel's end: one engine for all calls of this kernel.

A daemon thread reads what the engine says, watches its heartbeat, and starts a new engine when one is lost. Sending
is allowed from every thread. zmq is imported when the first call is made, so that ``import nbrtc`` stays quick.
"""

import atexit
import contextlib
import itertools
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TYPE_CHECKING, Protocol

import msgspec

from .errors import EngineError, by_code
from .messages import (
    CallRequest,
    CloseCall,
    EngineBeat,
    KernelBeat,
    Notification,
    OpenCall,
    Outcome,
    PageMessage,
    Ready,
    Request,
    Verb,
    decode_notification,
    encode_bridge,
)
from .process import EngineProcess

if TYPE_CHECKING:
    import zmq

logger = logging.getLogger(__name__)

CONTROL_DOWN, CONTROL_UP, FRAMES = "down", "up", "frames"
"""File names of the bridge's sockets in the engine's folder."""

BEAT_S = 0.2
LOST_S = 0.8
"""An engine that leaves a beat unanswered for this long hangs: together with a beat's wait, under a second."""
START_S = 30.0
RESTARTS, RESTARTS_WITHIN_S = 3, 60.0
"""An engine that was lost this often is not started again by itself, only by the next click or request."""
QUEUE_MESSAGES = 10_000
"""Bound of what may wait for the engine; beyond it `EngineError` is raised."""


class Client(Protocol):
    """What a Call offers the bridge. The methods are called on the bridge's thread and return at once."""

    id: str

    def opening(self, epoch: int) -> OpenCall:
        """Everything that a new engine must know of the call."""

    def on_notification(self, notification: Notification) -> None:
        """The engine says something about the call."""

    def on_engine_lost(self, reason: str) -> None:
        """The engine has gone; a new one follows by itself or with the next request."""


class Bridge:
    """This kernel's engine and the conversation with it. Use `Bridge.shared`."""

    _shared: "Bridge | None" = None
    _shared_lock = threading.Lock()

    def __init__(self) -> None:
        import zmq

        self._zmq = zmq
        self._context = zmq.Context()
        self._owner_pid = os.getpid()
        self._clients: dict[str, Client] = {}
        self._pending: dict[int, Future[msgspec.Raw]] = {}
        self._ids = itertools.count(1)
        self._lock = threading.RLock()
        self._process: EngineProcess | None = None
        self._down: zmq.Socket[bytes] | None = None
        self._epoch = -1
        self._lost_at: list[float] = []
        self._ready = threading.Event()
        self._closed = threading.Event()

    @classmethod
    def shared(cls) -> "Bridge":
        """The bridge of this process, made on first use and closed at exit."""
        with cls._shared_lock:
            if cls._shared is None or cls._shared._closed.is_set() or cls._shared._owner_pid != os.getpid():
                cls._shared = cls()
                atexit.register(cls._shared.close)
            return cls._shared

    @property
    def engine_pid(self) -> int | None:
        """Process id of the running engine."""
        return None if self._process is None else self._process.pid

    def register(self, client: Client) -> None:
        """Add a call; starts the engine in the background if there is none."""
        with self._lock:
            self._clients[client.id] = client
            if not self._start_if_needed():
                self._post(client.opening(self._epoch))

    def unregister(self, client: Client, reason: str) -> None:
        """Close a call in the engine. Idempotent."""
        with self._lock:
            if self._clients.pop(client.id, None) is not None and self._down is not None:
                self._post(CloseCall(call=client.id, reason=reason))

    def from_page(self, call: str, page: str, body: str) -> None:
        """Carry a page's message to the engine; starts a new engine where the last one was lost."""
        with self._lock:
            self._start_if_needed()
            self._post(PageMessage(call=call, page=page, body=body))

    def request(self, call: str, verb: Verb, timeout_s: float = 10.0) -> msgspec.Raw:
        """Ask the engine and wait for the outcome (MessagePack). From any thread but the bridge's own.

        Raises
        ------
        NbrtcError
            The error with which the engine answered.
        EngineError
            If the engine went or did not answer in time.
        """
        future = self.send(call, verb)
        try:
            return future.result(timeout_s)
        except FutureTimeout:
            raise EngineError(
                f"The engine did not answer {type(verb).__name__} within {timeout_s:.0f} s. If this goes on, "
                "call.close() and make a new Call()."
            ) from None

    def send(self, call: str, verb: Verb) -> "Future[msgspec.Raw]":
        """Ask the engine without waiting."""
        future: Future[msgspec.Raw] = Future()
        with self._lock:
            self._start_if_needed()
            number = next(self._ids)
            self._pending[number] = future
            self._post(CallRequest(id=number, call=call, verb=verb))
        return future

    def frames_socket(self) -> "zmq.Socket[bytes]":
        """A socket of the caller's thread on which frames are asked for and arrive.

        Raises
        ------
        EngineError
            If there is no engine.
        """
        with self._lock:
            if self._process is None:
                raise EngineError(
                    "The engine is not running: click Start in the widget, or make a new Call()."
                )
            socket = self._context.socket(self._zmq.DEALER)
            socket.setsockopt(self._zmq.LINGER, 0)
            socket.setsockopt(self._zmq.RECONNECT_IVL, 10)
            socket.connect(f"ipc://{self._process.folder}/{FRAMES}")
            return socket

    @property
    def epoch(self) -> int:
        """Counts the engines; a frames socket belongs to one of them."""
        return self._epoch

    def close(self) -> None:
        """End the engine (it finishes recordings first) and the thread. Idempotent."""
        if self._owner_pid != os.getpid() or self._closed.is_set():
            return  # in a forked child the engine is somebody else's
        self._closed.set()
        atexit.unregister(self.close)
        with self._lock:
            self._drop_engine("nbrtc was closed.", close=True)
        with contextlib.suppress(self._zmq.ZMQError):
            self._context.destroy(linger=0)

    # --- the engine's life; under the lock

    def _start_if_needed(self) -> bool:
        if self._process is not None or self._closed.is_set():
            return False
        self._epoch += 1
        self._ready.clear()
        process = EngineProcess()
        down = self._context.socket(self._zmq.PUSH)
        down.setsockopt(self._zmq.SNDHWM, QUEUE_MESSAGES)
        down.setsockopt(self._zmq.LINGER, 0)
        down.setsockopt(self._zmq.RECONNECT_IVL, 10)  # ms; the engine binds when it is up
        down.connect(f"ipc://{process.folder}/{CONTROL_DOWN}")
        up = self._context.socket(self._zmq.PULL)
        up.setsockopt(self._zmq.LINGER, 0)
        up.bind(f"ipc://{process.folder}/{CONTROL_UP}")
        self._process, self._down = process, down
        for client in self._clients.values():
            self._post(client.opening(self._epoch))
        threading.Thread(target=self._serve, args=(process, up), name="nbrtc-bridge", daemon=True).start()
        return True

    def _drop_engine(self, reason: str, close: bool = False) -> None:
        process, self._process = self._process, None
        down, self._down = self._down, None
        if down is not None:
            down.close()
        pending, self._pending = self._pending, {}
        for future in pending.values():
            future.set_exception(EngineError(f"{reason} Try again: the next start brings a new engine."))
        if process is not None:
            if close:
                process.close()
            else:
                process.kill()

    def _post(self, request: Request) -> None:
        if self._down is None:
            raise EngineError("The engine is not running any more: make a new Call().")
        try:
            self._down.send(encode_bridge(request), self._zmq.NOBLOCK)
        except self._zmq.Again:
            raise EngineError(
                f"{QUEUE_MESSAGES} messages wait for an engine that does not read them."
            ) from None

    # --- the bridge's thread, one per engine

    def _serve(self, process: EngineProcess, up: "zmq.Socket[bytes]") -> None:
        try:
            process.start()
            reason = self._converse(process, up)
        except EngineError as error:
            reason = str(error)
        except self._zmq.ContextTerminated:
            reason = "nbrtc was closed."
        finally:
            up.close()
        if self._closed.is_set() or self._process is not process:
            return
        logger.warning("%s\n%s", reason, process.log_tail())
        with self._lock:
            self._drop_engine(reason)
            clients = list(self._clients.values())
        for client in clients:
            client.on_engine_lost(reason)
        now_s = time.monotonic()
        self._lost_at = [moment for moment in self._lost_at if now_s - moment < RESTARTS_WITHIN_S] + [now_s]
        if clients and len(self._lost_at) <= RESTARTS:
            with self._lock:
                self._start_if_needed()

    def _converse(self, process: EngineProcess, up: "zmq.Socket[bytes]") -> str:
        """Read until the engine is lost; returns why."""
        started_s = time.monotonic()
        asked = answered = 0
        asked_s = looked_s = started_s
        while not self._closed.is_set():
            up.poll(round(BEAT_S * 1000))
            for notification in self._read(up):
                match notification:
                    case Ready():
                        self._ready.set()
                    case EngineBeat():
                        answered = notification.number
                    case Outcome():
                        self._resolve(notification)
                    case _:
                        if client := self._clients.get(notification.call):
                            client.on_notification(notification)
            now_s = time.monotonic()
            starved = (
                now_s - looked_s > 2 * BEAT_S
            )  # a C call held this thread up: the engine is not to blame
            looked_s = now_s
            if (ended := process.ended) is not None:
                return f"The engine {ended}."
            if not self._ready.is_set():
                if now_s - started_s > START_S:
                    return f"The engine did not start within {START_S:.0f} s."
            elif answered == asked:
                if now_s - asked_s >= BEAT_S:
                    asked, asked_s = asked + 1, now_s
                    with self._lock:
                        self._post(KernelBeat(number=asked))
            elif starved:
                asked_s = now_s
            elif now_s - asked_s > LOST_S:
                return f"The engine has not answered for {now_s - asked_s:.1f} s."
        return "nbrtc was closed."

    def _read(self, up: "zmq.Socket[bytes]") -> Iterator[Notification]:
        while up.poll(0):
            try:
                yield decode_notification(up.recv())
            except msgspec.MsgspecError:
                logger.exception("The engine sent a malformed message")

    def _resolve(self, outcome: Outcome) -> None:
        with self._lock:
            future = self._pending.pop(outcome.id, None)
        if future is None:
            return
        if outcome.error_code is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(by_code(outcome.error_code, outcome.error_message or "The engine refused."))
