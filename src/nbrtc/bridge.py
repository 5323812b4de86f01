"""The pipe between kernel and engine, kernel's end: one engine for all calls of this kernel.

A daemon thread reads what the engine says, watches its heartbeat, and starts a new engine when one is lost.
Sending is allowed from every thread.
"""

import atexit
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import zmq

from .errors import EngineError, by_code
from .messages import (
    CallRequest,
    CloseCall,
    EngineBeat,
    KernelBeat,
    Notification,
    OpenBot,
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
from .pulse import BEAT_S, Pulse

logger = logging.getLogger(__name__)

T = TypeVar("T")

CONTROL_DOWN, CONTROL_UP, FRAMES = "down", "up", "frames"
"""File names of the bridge's sockets in the engine's folder."""

START_S = 30.0
RESTARTS, RESTARTS_WITHIN_S = 3, 60.0
"""An engine that was lost this often is not started again by itself, only by the next click or request."""
QUEUE_MESSAGES = 10_000
"""Bound of what may wait for the engine; beyond it `EngineError` is raised."""
GOODBYE_S = 10.0
"""How long a closing kernel waits for an engine that finishes recordings; an idle one ends at once."""
RECONNECT_MS = 10
"""The engine binds when it is up; until then the sockets try this often."""


class Client(Protocol):
    """What a Call or Bot offers the bridge. Methods are called on the bridge's thread and return at once."""

    @property
    def id(self) -> str:
        """The call's name on the bridge."""

    def opening(self, epoch: int) -> OpenCall | OpenBot:
        """Everything that a new engine must know of the call."""

    def on_notification(self, notification: Notification) -> None:
        """The engine says something about the call."""

    def on_engine_lost(self, reason: str) -> None:
        """The engine has gone; a new one follows by itself or with the next request."""


class Bridge:
    """The kernel's one engine and the conversation with it. Use `Bridge.shared`."""

    _shared: "Bridge | None" = None
    _shared_lock = threading.Lock()

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._owner_pid = os.getpid()
        self._clients: dict[str, Client] = {}
        self._pending: dict[int, Future[msgspec.Raw]] = {}
        self._ids = itertools.count(1)
        self._lock = threading.RLock()
        self._engine_came = threading.Condition(self._lock)
        self._process: EngineProcess | None = None
        self._down: zmq.Socket[bytes] | None = None
        self._epoch = -1
        self._lost_at: list[float] = []
        self._is_closed = False

    @classmethod
    def shared(cls) -> "Bridge":
        """The bridge of this process, made on first use and closed at exit."""
        with cls._shared_lock:
            if cls._shared is None or cls._shared._is_closed:
                cls._shared = cls()
                atexit.register(cls._shared.close)
            return cls._shared

    @classmethod
    def forget_shared(cls) -> None:
        """In a forked child: the engine is the parent's, and its pipe is let go."""
        parents, cls._shared = cls._shared, None
        cls._shared_lock = threading.Lock()
        if parents is not None and parents._process is not None:
            parents._process.let_go()

    @property
    def engine_pid(self) -> int | None:
        """Process id of the running engine."""
        return None if self._process is None else self._process.pid

    @property
    def epoch(self) -> int:
        """Counts the engines; a frames socket belongs to one of them."""
        return self._epoch

    @property
    def folder(self) -> Path | None:
        """Of the engine, for this user only; it goes with the engine."""
        return None if self._process is None else self._process.folder

    # --- for the calls

    def register(self, client: Client) -> None:
        """Add a call; starts the engine in the background if there is none.

        Raises
        ------
        TypeError
            If what the engine must know of it cannot be sent; nothing is added then.
        """
        self._require_usable()
        encode_bridge(client.opening(self._epoch))  # refused before every later engine would have to be told
        with self._lock:
            self._clients[client.id] = client
            if not self._start_if_needed():
                self._post(client.opening(self._epoch))

    def unregister(self, client: Client, reason: str) -> None:
        """Close a call in the engine. Idempotent, and nothing in a forked child."""
        if self._owner_pid != os.getpid():
            return
        with self._lock:
            if self._clients.pop(client.id, None) is not None and self._down is not None:
                self._post(CloseCall(call=client.id, reason=reason))

    def from_page(self, call: str, page: str, body: str) -> None:
        """Carry a page's message to the engine; starts a new engine where the last one was lost."""
        self._require_usable()
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
        """Ask the engine without waiting; starts a new engine where the last one was lost."""
        self._require_usable()
        future: Future[msgspec.Raw] = Future()
        with self._lock:
            self._start_if_needed()
            number = next(self._ids)
            self._post(CallRequest(id=number, call=call, verb=verb))
            self._pending[number] = future
        return future

    def frames_socket(self, timeout_s: float) -> zmq.Socket[bytes] | None:
        """A socket of the caller's thread on which frames are asked for and arrive; None if no engine comes.

        Raises
        ------
        EngineError
            If the bridge was closed, or belongs to another process.
        """
        self._require_usable()
        with self._engine_came:
            self._engine_came.wait_for(lambda: self._process is not None or self._is_closed, timeout_s)
            if self._process is None:
                return None
            socket = self._context.socket(zmq.DEALER)
            socket.linger = 0
            socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
            socket.connect(f"ipc://{self._process.folder}/{FRAMES}")
            return socket

    def close(self) -> None:
        """End the engine (it finishes recordings first), the threads and the sockets. Idempotent."""
        if self._owner_pid != os.getpid() or self._is_closed:
            return
        with self._lock:
            self._is_closed = True
            process = self._process
        atexit.unregister(self.close)
        if process is not None:
            process.close(GOODBYE_S)  # its last words are still read
        with self._lock:
            self._drop_engine("nbrtc was closed.")
            self._engine_came.notify_all()
        # every thread that waits on a socket is woken by this and closes it; the last one lets it return
        ending = threading.Thread(target=self._context.term, name="nbrtc-term", daemon=True)
        ending.start()
        ending.join(0.5)

    def _require_usable(self) -> None:
        if self._owner_pid != os.getpid():
            raise EngineError(
                f"This call belongs to process {self._owner_pid}, of which this one was forked: use it there."
            )
        if self._is_closed:
            raise EngineError("nbrtc was closed: make a new Call().")

    # --- the engine's life; under the lock

    def _start_if_needed(self) -> bool:
        if self._process is not None or self._is_closed:
            return False
        process = EngineProcess()
        self._epoch += 1
        down = self._context.socket(zmq.PUSH)
        down.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
        down.linger = 0
        down.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        down.connect(f"ipc://{process.folder}/{CONTROL_DOWN}")
        up = self._context.socket(zmq.PULL)
        up.linger = 0
        up.bind(f"ipc://{process.folder}/{CONTROL_UP}")
        self._process, self._down = process, down
        for client in self._clients.values():
            self._post(client.opening(self._epoch))
        threading.Thread(target=self._serve, args=(process, up), name="nbrtc-bridge", daemon=True).start()
        self._engine_came.notify_all()
        return True

    def _drop_engine(self, reason: str) -> None:
        process, self._process = self._process, None
        down, self._down = self._down, None
        if down is not None:
            down.close()
        if process is not None:
            process.kill()
        pending, self._pending = self._pending, {}
        for future in pending.values():
            future.set_exception(EngineError(f"{reason} Try again: the next start brings a new engine."))

    def _post(self, request: Request) -> None:
        if self._down is None:
            raise EngineError("The engine is not running any more: make a new Call().")
        try:
            self._down.send(encode_bridge(request), zmq.NOBLOCK)
        except zmq.Again:
            raise EngineError(
                f"{QUEUE_MESSAGES} messages wait for an engine that does not read them."
            ) from None

    # --- the bridge's thread, one per engine

    def _serve(self, process: EngineProcess, up: zmq.Socket[bytes]) -> None:
        try:
            process.start()
            reason = self._converse(process, up)
        except (EngineError, zmq.ZMQError) as error:
            reason = str(error)
        finally:
            up.close()
        with self._lock:
            if self._is_closed or self._process is not process:
                return
            log = process.log_tail()
            self._drop_engine(reason)
            clients = list(self._clients.values())
        logger.warning("%s\n%s", reason, log)
        for client in clients:
            self._tell(client.on_engine_lost, reason)
        now_s = time.monotonic()
        with self._lock:
            recent = [moment_s for moment_s in self._lost_at if now_s - moment_s < RESTARTS_WITHIN_S]
            self._lost_at = [*recent, now_s]
            if self._clients and len(self._lost_at) <= RESTARTS:
                self._start_if_needed()

    def _converse(self, process: EngineProcess, up: zmq.Socket[bytes]) -> str:
        """Read until the engine is lost; returns why."""
        started_s = time.monotonic()
        pulse: Pulse | None = None
        while True:
            now_s = time.monotonic()
            up.poll(round(1000 * (BEAT_S if pulse is None else pulse.wait_s(now_s))))
            for notification in self._read(up):
                match notification:
                    case Ready():
                        process.is_ready = True
                        pulse = Pulse(time.monotonic(), process.activity_s, process.waits_for_disk)
                    case EngineBeat():
                        if pulse is not None:
                            pulse.answer(notification.number)
                    case Outcome():
                        self._resolve(notification)
                    case _:
                        if client := self._clients.get(notification.call):
                            self._tell(client.on_notification, notification)
            now_s = time.monotonic()
            if (ended := process.ended) is not None:
                return f"The engine {ended}."
            if pulse is None:
                if now_s - started_s > START_S:
                    return f"The engine did not start within {START_S:.0f} s."
            elif (overdue_s := pulse.overdue_s(now_s)) is not None:
                return f"The engine has not answered for {overdue_s:.1f} s."
            elif (number := pulse.question(now_s)) is not None:
                with self._lock:
                    self._post(KernelBeat(number=number))

    def _read(self, up: zmq.Socket[bytes]) -> Iterator[Notification]:
        while up.poll(0):
            try:
                yield decode_notification(up.recv())
            except msgspec.MsgspecError:
                logger.exception("The engine sent a malformed message")

    def _tell(self, listener: Callable[[T], None], news: T) -> None:
        try:
            listener(news)
        except Exception:
            logger.exception("A call could not take the engine's news: %s", type(news).__name__)

    def _resolve(self, outcome: Outcome) -> None:
        with self._lock:
            future = self._pending.pop(outcome.id, None)
        if future is None:
            return
        if outcome.error_code is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(by_code(outcome.error_code, outcome.error_message or "The engine refused."))


if hasattr(os, "register_at_fork"):  # Windows never forks
    os.register_at_fork(after_in_child=Bridge.forget_shared)
