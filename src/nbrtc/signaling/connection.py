"""One Socket.IO connection to a room server, from its opening to its end. It never reconnects by itself."""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import socketio
from socketio.exceptions import SocketIOError

from ..errors import RoomError
from ..messages.signaling import MAX_PACKET_BYTES, PATH, SERVER_EVENTS
from . import reading

logger = logging.getLogger(__name__)

OPEN_S = 3.0
"""A server that does not answer by then is out of reach for now."""
ACK_S = 10.0
"""A request that is not acknowledged by then was not heard."""
CLOSE_S = 1.0
ENVELOPE_BYTES = 1024
"""More than Socket.IO's own part of a packet."""
MAX_MESSAGE_BYTES = 1 << 20
"""What the answer to joining may have: everybody and the chat's history."""

# Socket.IO writes whole packets, with tokens and descriptions in them, to the log of INFO.
_WIRE = logging.getLogger("nbrtc.signaling.quiet")
_WIRE.disabled = True


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a room server is, and what lets us in."""

    url: str
    token: str | None = None
    """A token that the finder signed, for the embedded server."""


class Connection:
    """On the loop.

    Parameters
    ----------
    on_event
        Called for each of `SERVER_EVENTS`, in order.
    on_lost
        Called once when an open connection ends, however it does.
    """

    def __init__(self, on_event: Callable[[str, Any], None], on_lost: Callable[[], None]) -> None:
        self._on_event = on_event
        self._on_lost = on_lost
        self._refusal: object = None
        self._http: aiohttp.ClientSession | None = None
        self._client: socketio.AsyncClient | None = None
        self._lost = asyncio.Event()
        self._is_open = False

    @property
    def is_open(self) -> bool:
        """Whether it can still carry something."""
        return self._is_open and not self._lost.is_set()

    async def open(self, address: ServerAddress, auth: dict[str, str]) -> None:
        """Connect.

        Raises
        ------
        RoomError
            The server's refusal, ``"unreachable"``, or ``"too-large"`` as in `request`.
        """
        _check_size("connect", auth)
        self._http = aiohttp.ClientSession()
        client = self._client = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            logger=_WIRE,
            engineio_logger=_WIRE,
            http_session=self._http,
            websocket_extra_options={"max_msg_size": MAX_MESSAGE_BYTES},
        )
        client.on("connect_error", self._refused)
        client.on("disconnect", self._ended)
        for event in SERVER_EVENTS:
            client.on(event, self._listener(event))
        try:
            async with asyncio.timeout(OPEN_S):
                await client.connect(
                    address.url, auth=auth, transports=["websocket"], socketio_path=PATH, wait_timeout=OPEN_S
                )
        except (SocketIOError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as problem:
            await self.close()
            if isinstance(self._refusal, dict):
                raise reading.error(self._refusal) from problem
            raise _out_of_reach(address.url, problem) from problem
        except BaseException:
            await self.close()
            raise
        self._is_open = True

    async def send(self, event: str, payload: dict[str, Any], on_answer: Callable[[Any], None]) -> None:
        """Send without waiting; `on_answer` gets the acknowledgement, if one comes."""
        if self.is_open and self._client is not None:
            with contextlib.suppress(SocketIOError):  # ended meanwhile: `on_lost` says so
                await self._client.emit(event, payload, callback=on_answer)

    async def request(self, event: str, payload: dict[str, Any], timeout_s: float = ACK_S) -> Any:
        """Ask and wait for the ``ok`` of the acknowledgement.

        Raises
        ------
        RoomError
            The server's, or ``"unreachable"`` if the connection ends or nothing comes in time;
            ``"too-large"`` for what would make the server end the connection.
        """
        _check_size(event, payload)
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answer(*said: object) -> None:
            if not answered.done():
                answered.set_result(said)

        await self.send(event, payload, answer)
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait((answered, lost), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            lost.cancel()
        if not answered.done():
            raise RoomError("The room's server did not answer. Try again in a moment.", "unreachable")
        return accepted(*answered.result())

    async def close(self) -> None:
        """End the connection; a server that does not answer the farewell is not waited for. Idempotent."""
        self._lost.set()
        client, self._client = self._client, None
        http, self._http = self._http, None
        if client is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await client.disconnect()
            except (TimeoutError, SocketIOError, aiohttp.ClientError, OSError) as problem:
                logger.debug("A farewell was not heard: %s", type(problem).__name__)
            finally:
                if http is not None:
                    await http.close()
                await _finish(client)

    def _listener(self, event: str) -> Callable[..., None]:
        def heard(value: object = None, *_: object) -> None:
            if self._lost.is_set():
                return
            try:
                self._on_event(event, value)
            except ValueError as problem:  # msgspec.ValidationError is one, through `reading`
                logger.warning("The room's server said a %s that means nothing: %s", event, problem)

        return heard

    def _refused(self, said: object = None) -> None:
        self._refusal = said

    def _ended(self, *_: object) -> None:
        if not self._lost.is_set():
            self._lost.set()
            if self._is_open:
                self._on_lost()


def _check_size(what: str, payload: dict[str, Any]) -> None:
    """Refuse in words what would make the server end the connection without one."""
    size = len(json.dumps(payload))  # as Socket.IO writes it
    if size > MAX_PACKET_BYTES - ENVELOPE_BYTES:
        most = MAX_PACKET_BYTES - ENVELOPE_BYTES
        raise RoomError(
            f"{what!r} for the room's server has {size} bytes; at most {most} are taken.", "too-large"
        )


def accepted(acknowledgement: object = None, *_: object) -> Any:
    """The ``ok`` of an acknowledgement; its ``error`` is raised."""
    if isinstance(acknowledgement, dict) and "ok" in acknowledgement:
        return acknowledgement["ok"]
    raise reading.error(acknowledgement.get("error") if isinstance(acknowledgement, dict) else None)


def _out_of_reach(url: str, problem: BaseException) -> RoomError:
    """Why a server could not be connected to; the library keeps the reason only in the chain of errors."""
    reasons: list[BaseException] = []
    reason: BaseException | None = problem
    while reason is not None and reason not in reasons:
        reasons.append(reason)
        reason = reason.__cause__ or reason.__context__
    for reason in reasons:
        if isinstance(reason, aiohttp.WSServerHandshakeError):
            if reason.status == HTTPStatus.SERVICE_UNAVAILABLE:
                sentence = f"The room server at {url} has too many connections: try again later."
                return RoomError(sentence, "server-full")
            sentence = (
                f"What answers at {url} is no room server, or does not let us in (HTTP {reason.status})."
            )
            return RoomError(sentence, "unreachable")
        if isinstance(reason, ssl.SSLError | aiohttp.ClientSSLError | ssl.CertificateError):
            sentence = f"The room server at {url} is not trusted: check its certificate ({reason})."
            return RoomError(sentence, "unreachable")
    sentence = f"No room server answers at {url}: check the address, and that `nbrtc serve` runs there."
    return RoomError(sentence, "unreachable")


async def _finish(client: socketio.AsyncClient) -> None:
    """Wait for the library's own tasks, which end with the connection."""
    tasks = [task for task in (client.eio.read_loop_task, client.eio.write_loop_task) if task is not None]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
