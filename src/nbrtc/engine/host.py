"""The engine's front door: one loop, the bridge's sockets, and a session for each call of the kernel."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable
from typing import Any

import msgspec
import zmq
import zmq.asyncio

from ..bridge import CONTROL_DOWN, CONTROL_UP, FRAMES, QUEUE_MESSAGES
from ..errors import CallError, NbrtcError
from ..messages import (
    CallRequest,
    CloseCall,
    EngineBeat,
    FrameCredit,
    FrameHeader,
    FrameStop,
    KernelBeat,
    Notification,
    OpenCall,
    Outcome,
    PageMessage,
    Problem,
    Ready,
    decode_frame_message,
    decode_intent,
    decode_request,
    encode_bridge,
)
from .session import Session

logger = logging.getLogger(__name__)

GOODBYE_S = 8.0
"""A dead kernel's calls have this long to finish their recordings and tell their pages."""


class Engine:
    """Serves one kernel until its pipe closes.

    Parameters
    ----------
    folder
        Where the bridge's sockets are; readable by this user only.
    """

    def __init__(self, folder: str) -> None:
        context = zmq.asyncio.Context()
        self._context = context
        self._requests = context.socket(zmq.PULL)
        self._requests.setsockopt(zmq.RCVHWM, QUEUE_MESSAGES)
        self._requests.bind(f"ipc://{folder}/{CONTROL_DOWN}")
        # a plain socket: it never waits, and notifications keep their order
        self._notifications = zmq.Context.shadow(context.underlying).socket(zmq.PUSH)
        self._notifications.setsockopt(zmq.LINGER, 500)
        self._notifications.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
        self._notifications.connect(f"ipc://{folder}/{CONTROL_UP}")
        self._frames = context.socket(zmq.ROUTER)
        # a subscriber holds one credit, so a picture or two are all that can ever wait for it
        self._frames.setsockopt(zmq.SNDHWM, 4)
        self._frames.setsockopt(zmq.LINGER, 0)
        self._frames.bind(f"ipc://{folder}/{FRAMES}")
        self._sessions: dict[str, Session] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._parent = os.getppid()

    async def run(self) -> None:
        """Serve until the kernel goes, then close everything."""
        self._notify(Ready(pid=os.getpid()))
        readers = [
            asyncio.create_task(self._read_requests(), name="nbrtc-requests"),
            asyncio.create_task(self._read_frames(), name="nbrtc-frames"),
        ]
        gone = asyncio.create_task(self._kernel_gone(), name="nbrtc-kernel")
        try:
            done, _ = await asyncio.wait([*readers, gone], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {gone}:
                task.result()  # a reader never ends but by an error
        finally:
            for task in (*readers, gone):
                task.cancel()
            closing = [
                session.close("kernel-gone", "The kernel has ended.") for session in self._sessions.values()
            ]
            try:
                async with asyncio.timeout(GOODBYE_S):
                    await asyncio.gather(*closing, return_exceptions=True)
            except TimeoutError:
                logger.error("Not everything could be closed within %.0f s of the kernel's end", GOODBYE_S)
            self._notifications.close()  # opened beside the asyncio context, which would wait for it for ever
            self._context.destroy(linger=200)

    async def _kernel_gone(self) -> None:
        """Return when standard input ends, which happens however the kernel dies."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        pending = asyncio.create_task(reader.read(1))
        while not pending.done() and os.getppid() == self._parent:
            # the parent's id is looked at too: a process forked from the kernel may hold the pipe open
            await asyncio.wait([pending], timeout=0.5)
        pending.cancel()
        logger.info("The kernel has gone")

    async def _read_requests(self) -> None:
        while True:
            data = await self._requests.recv()
            try:
                request = decode_request(data)
            except msgspec.MsgspecError as error:
                logger.error("The kernel sent a malformed request: %s", error)
                continue
            match request:
                case KernelBeat():
                    self._notify(EngineBeat(number=request.number))
                case OpenCall():
                    if request.call not in self._sessions:
                        self._sessions[request.call] = Session(request, self._notify)
                case CloseCall():
                    if session := self._sessions.pop(request.call, None):
                        self._spawn(session.close("closed", request.reason))
                case PageMessage():
                    self._from_page(request)
                case CallRequest():
                    self._spawn(self._carry_out(request))

    def _from_page(self, message: PageMessage) -> None:
        session = self._sessions.get(message.call)
        if session is None or message.page is None:
            return  # a page of a call that was closed meanwhile: it is told by its own goodbye
        try:
            intent = decode_intent(message.body)
        except msgspec.MsgspecError as error:
            self._notify(
                Problem(call=message.call, code="message", message=f"A page's message was refused: {error}")
            )
            return
        self._spawn(session.from_page(message.page, intent))

    async def _carry_out(self, request: CallRequest) -> None:
        try:
            session = self._sessions.get(request.call)
            if session is None:
                raise CallError("This call is closed: make a new Call().")
            value = await session.from_kernel(request.verb)
        except NbrtcError as error:
            outcome = Outcome(id=request.id, error_code=error.code, error_message=str(error))
        except Exception as error:
            logger.exception("A request failed: %r", request)
            outcome = Outcome(
                id=request.id, error_code="error", error_message=f"{type(error).__name__}: {error}"
            )
        else:
            outcome = Outcome(id=request.id, value=msgspec.Raw(encode_bridge(value)))
        self._notify(outcome)

    async def _read_frames(self) -> None:
        while True:
            subscriber, header, *planes = await self._frames.recv_multipart(copy=False)
            try:
                message = decode_frame_message(header.buffer)
            except msgspec.MsgspecError as error:
                logger.error("A malformed frame message came: %s", error)
                continue
            identity = subscriber.bytes
            match message:
                case FrameCredit():
                    session = self._sessions.get(message.call)
                    if session is None:
                        stop = FrameStop(call=message.call, reason="closed")
                        await self._frames.send_multipart([identity, encode_bridge(stop)])
                        continue
                    if message.result is not None and planes:
                        session.studio.result(message.result, planes[0].buffer)
                    session.studio.ask(identity, message.after, self._deliverer(identity))
                case FrameStop():
                    if session := self._sessions.get(message.call):
                        session.studio.forget(identity)
                case FrameHeader():
                    logger.error("A picture came without its credit")

    def _deliverer(self, identity: bytes) -> Any:
        def deliver(header: FrameHeader, planes: bytearray) -> None:
            parts = [identity, encode_bridge(header), planes]
            self._spawn(self._frames.send_multipart(parts, copy=False))

        return deliver

    def _notify(self, notification: Notification) -> None:
        try:
            self._notifications.send(encode_bridge(notification), zmq.NOBLOCK)
        except zmq.Again:
            logger.error("The kernel does not read: %s was dropped", type(notification).__name__)

    def _spawn(self, awaitable: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(awaitable)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Future[Any]") -> None:
        self._tasks.discard(task)  # type: ignore[arg-type]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of the engine failed", exc_info=error)
