"""The engine's front door: one loop, the bridge's sockets, and a session for each call of the kernel."""

import asyncio
import logging
import os
import sys
from collections.abc import Sequence

import msgspec
import zmq
import zmq.asyncio

from ..bridge import CONTROL_DOWN, CONTROL_UP, FRAMES, QUEUE_MESSAGES
from ..errors import CallError, FrameError, NbrtcError, SoundError
from ..messages import (
    SUPPLY,
    AudioCredit,
    AudioHeader,
    CallRequest,
    CloseCall,
    EngineBeat,
    FrameCredit,
    FrameHeader,
    FrameStop,
    KernelBeat,
    Notification,
    OpenBot,
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
from .audio_effect import Listener
from .bot import BotSession
from .composer import Composer
from .rooms import Rooms
from .session import Session
from .tasks import Tasks
from .viewer import Subscriber, Wish

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
        self._folder = folder
        context = zmq.asyncio.Context()
        self._context = context
        self._requests = context.socket(zmq.PULL)
        self._requests.setsockopt(zmq.RCVHWM, QUEUE_MESSAGES)
        self._requests.bind(f"ipc://{folder}/{CONTROL_DOWN}")
        # a plain socket: it never waits, and notifications keep their order
        plain: zmq.Context[zmq.Socket[bytes]] = zmq.Context.shadow(context.underlying)
        self._notifications = plain.socket(zmq.PUSH)
        self._notifications.setsockopt(zmq.LINGER, 500)
        self._notifications.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
        self._notifications.connect(f"ipc://{folder}/{CONTROL_UP}")
        self._frames = context.socket(zmq.ROUTER)
        # a subscriber holds one credit, so a picture or two are all that can ever wait for it
        self._frames.setsockopt(zmq.SNDHWM, 4)
        self._frames.setsockopt(zmq.LINGER, 0)
        self._frames.bind(f"ipc://{folder}/{FRAMES}")
        self._sessions: dict[str, Session | BotSession] = {}
        self._rooms = Rooms()
        self._composer = Composer()
        self._tasks = Tasks()
        self._closing = Tasks()
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
            for task in done:
                task.result()  # a reader never ends but by an error
        finally:
            for task in (*readers, gone):
                task.cancel()
            closing = [
                self._composer.close(),  # a film that is being made waits for `nbrtc.recover`
                *(
                    session.close("kernel-gone", "The kernel has ended.")
                    for session in self._sessions.values()
                ),
            ]
            try:
                async with asyncio.timeout(GOODBYE_S):
                    outcomes = await asyncio.gather(*closing, return_exceptions=True)
                    await self._closing.finish()  # what the kernel closed just before it went
                    await self._composer.close()
                    await self._rooms.close()
            except TimeoutError:
                logger.error("Not everything could be closed within %.0f s of the kernel's end", GOODBYE_S)
            else:
                for error in filter(None, outcomes):
                    logger.error("A call did not close", exc_info=error)
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
                        self._sessions[request.call] = Session(
                            request, self._notify, self._rooms, self._composer, self._folder
                        )
                case OpenBot():
                    if request.call not in self._sessions:
                        self._sessions[request.call] = BotSession(request, self._notify, self._rooms)
                case CloseCall():
                    if session := self._sessions.pop(request.call, None):
                        self._closing.spawn(session.close("closed", request.reason), "nbrtc-close")
                case PageMessage():
                    self._from_page(request)
                case CallRequest():
                    self._tasks.spawn(self._carry_out(request), "nbrtc-request")

    def _from_page(self, message: PageMessage) -> None:
        session = self._sessions.get(message.call)
        if not isinstance(session, Session) or message.page is None:
            return  # a page of a call that was closed meanwhile: it is told by its own goodbye
        try:
            intent = decode_intent(message.body)
        except msgspec.MsgspecError as error:
            self._notify(
                Problem(call=message.call, code="message", message=f"A page's message was refused: {error}")
            )
            return
        self._tasks.spawn(session.from_page(message.page, intent), "nbrtc-intent")

    async def _carry_out(self, request: CallRequest) -> None:
        try:
            session = self._sessions.get(request.call)
            if session is None:
                raise CallError("This call is closed: make a new Call().")
            value = await session.from_kernel(request.verb)
        except NbrtcError as error:
            outcome = Outcome(id=request.id, error_code=error.code, error_message=str(error))
        except Exception as error:
            logger.exception("A request failed: %s", type(request.verb).__name__)
            outcome = Outcome(
                id=request.id, error_code="error", error_message=f"{type(error).__name__}: {error}"
            )
        else:
            outcome = Outcome(id=request.id, value=msgspec.Raw(encode_bridge(value)))
        self._notify(outcome)

    async def _read_frames(self) -> None:
        while True:
            parts = await self._frames.recv_multipart(copy=False)
            try:
                self._take_frame(parts[0].bytes, [part.buffer for part in parts[1:]])
            except (msgspec.MsgspecError, FrameError, SoundError) as error:
                logger.error("A malformed frame message came: %s", error)

    def _take_frame(self, subscriber: bytes, parts: Sequence[memoryview]) -> None:
        message = decode_frame_message(parts[0] if parts else b"")
        if isinstance(message, (FrameHeader, AudioHeader)):
            raise FrameError("A picture or a sound came without its credit.")
        session = self._sessions.get(message.call)
        match message:
            case FrameCredit(participant=place) if place == SUPPLY and isinstance(session, Session):
                try:  # the credit stands whatever the picture is worth
                    if message.result is not None and len(parts) == 2:
                        session.source.result(subscriber, message.result, parts[1])
                finally:
                    session.source.ask(self._subscriber(subscriber, message.call))
            case FrameCredit() if session is None:
                self._subscriber(subscriber, message.call).stop("closed")
            case FrameCredit() if session is not None:
                # the credit first: it stands whatever the picture is worth
                session.gallery.ask(
                    message.participant,
                    self._subscriber(subscriber, message.call, session),
                    Wish(message.after, message.size, message.queued),
                )
                if message.result is not None and len(parts) == 2:
                    session.studio.result(message.result, parts[1], message.effect)
            case AudioCredit() if isinstance(session, Session):
                # the result first: the credit says that nothing is owed any more
                try:
                    if message.result is not None and len(parts) == 2:
                        session.desk.result(message.result, parts[1])
                finally:
                    session.desk.ask(self._listener(subscriber), message.after)
            case AudioCredit():
                self._subscriber(subscriber, message.call).stop("closed")
            case FrameStop() if session is not None:
                session.gallery.forget(subscriber)
                if isinstance(session, Session):
                    session.desk.forget(subscriber)
                    session.source.forget(subscriber)

    def _subscriber(
        self, identity: bytes, call: str, session: Session | BotSession | None = None
    ) -> Subscriber:
        def deliver(header: FrameHeader, planes: bytearray) -> None:
            if isinstance(session, Session):
                timestamp, sent_s = session.studio.sent
                header = msgspec.structs.replace(header, sent_timestamp=timestamp, sent_s=sent_s)
            self._tasks.spawn(self._send_frame([identity, encode_bridge(header), planes]), "nbrtc-frame")

        def stop(reason: str) -> None:
            message = FrameStop(call=call, reason=reason)
            self._tasks.spawn(self._send_frame([identity, encode_bridge(message)]), "nbrtc-frame")

        return Subscriber(identity, deliver, stop)

    def _listener(self, identity: bytes) -> Listener:
        def deliver(header: AudioHeader, samples: bytes) -> None:
            self._tasks.spawn(self._send_frame([identity, encode_bridge(header), samples]), "nbrtc-sound")

        return Listener(identity, deliver)

    async def _send_frame(self, parts: Sequence[bytes | bytearray]) -> None:
        await self._frames.send_multipart(parts, copy=False)

    def _notify(self, notification: Notification) -> None:
        try:
            self._notifications.send(encode_bridge(notification), zmq.NOBLOCK)
        except zmq.Again:
            logger.error("The kernel does not read: %s was dropped", type(notification).__name__)
