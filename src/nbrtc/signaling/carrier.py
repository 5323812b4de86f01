"""A client's WebSocket: reads packets and writes frames, with no task and no wait for each of them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from aiohttp import WSMsgType, web
from engineio import AsyncServer
from engineio.async_socket import AsyncSocket
from engineio.exceptions import SocketIsClosedError, UnknownPacketError
from engineio.packet import NOOP, Packet

logger = logging.getLogger(__name__)

PROBE, PROBED, UPGRADE = "2probe", "3probe", "5"
"""How Engine.IO tries a WebSocket beside the polling that it began with, and changes over."""
UPGRADE_S = 10.0
WRITE_BUFFER_BYTES = 64 * 1024
"""A frame that would find so much before it waits in the client's queue, whose length is watched."""


class Carrier:
    """The WebSocket of one Engine.IO socket, in place of the library's handler. On the server's loop.

    The library makes a task with a time limit for each packet that it reads, and another for each time that
    something is to be written; here one loop reads, and `write` writes at once where nothing waits before it.
    Dead peers are found by pings, which somebody else sends and watches.

    It never compresses: browsers offer to, and each would cost the memory of its compressor.

    Parameters
    ----------
    carriers
        The open ones, by the id of their socket; this one is there while it carries the socket.
    handler, server
        As Engine.IO gives them.
    """

    def __init__(
        self,
        carriers: MutableMapping[str, "Carrier"],
        handler: Callable[[Any], Awaitable[None]],
        server: AsyncServer,
    ) -> None:
        self._carriers = carriers
        self._server = server
        self._socket: AsyncSocket = handler.__self__  # type: ignore[attr-defined]  # a method of the socket

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Answer the handshake, and stay until the client goes."""
        self._environ = environ
        self._web_socket = web.WebSocketResponse(
            max_msg_size=self._server.max_http_buffer_size, compress=False
        )
        await self._web_socket.prepare(environ["aiohttp.request"])
        self._transport: asyncio.Transport | None = environ["aiohttp.request"].transport
        if await self._take_over():
            await self._carry()
        return self._web_socket

    def write(self, frame: bytes) -> bool:
        """Write a whole frame (RFC 6455, section 5.2) at once; False if it would overtake or wait."""
        transport = self._transport
        if (
            transport is None
            or transport.is_closing()
            or self._web_socket.closed
            or not self._socket.queue.empty()
            or transport.get_write_buffer_size() > WRITE_BUFFER_BYTES
        ):
            return False
        transport.write(frame)
        return True

    def abort(self) -> None:
        """Close the connection without the client's consent."""
        abort(self._environ)

    async def _take_over(self) -> bool:
        """Whether the socket is this WebSocket's: from the beginning, or from its polling."""
        socket = self._socket
        if socket.connected:
            if socket.upgrading or socket.upgraded:
                return False
            socket.upgrading = True
            try:
                async with asyncio.timeout(UPGRADE_S):
                    if await self._read() != PROBE:
                        return False
                    await self._web_socket.send_str(PROBED)
                    await socket.queue.put(Packet(NOOP))  # ends the poll that waits
                    if await self._read() != UPGRADE or socket.closed:
                        return False
            except TimeoutError:
                return False
            finally:
                socket.upgrading = False
        socket.connected = socket.upgraded = True
        return True

    async def _carry(self) -> None:
        socket = self._socket
        writer = asyncio.get_running_loop().create_task(self._write_all(), name="nbrtc-carrier")
        self._carriers[socket.sid] = self
        try:
            await self._read_all()
        except Exception:
            logger.exception("A packet of a client failed; its connection ends")
        finally:
            del self._carriers[socket.sid]
            socket.queue.put_nowait(None)  # ends the writer
            await asyncio.wait([writer])
            await socket.close(wait=False, abort=True, reason=self._server.reason.TRANSPORT_CLOSE)

    async def _read_all(self) -> None:
        socket, take = self._socket, self._server.handlers["message"]
        while (text := await self._read()) is not None:
            if text[0] == "4":
                await take(socket.sid, text[1:])
                continue
            try:
                await socket.receive(Packet(encoded_packet=text))
            except UnknownPacketError:
                continue
            except SocketIsClosedError:
                return

    async def _read(self) -> str | None:
        """The next packet; None at the end, and at what is none of Engine.IO's text packets.

        Engine.IO would parse the payload of such a packet as JSON itself, and stumble over an empty one.
        """
        message = await self._web_socket.receive()
        if message.type is WSMsgType.TEXT and _is_engine_packet(message.data):
            return str(message.data)
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            abort(self._environ)
        return None

    async def _write_all(self) -> None:
        """Write what waits in the queue, as fast as the client reads."""
        queue = self._socket.queue
        try:
            while (packet := await queue.get()) is not None:
                await self._web_socket.send_str(packet.encode())  # written first, then waited for
        except (ConnectionError, RuntimeError) as error:  # closed in the meantime, by either side
            logger.debug("A packet found its connection closed: %r", error)
        await self._web_socket.close()


def text_frame(text: bytes) -> bytes:
    """A final text frame of a server (RFC 6455, section 5.2): a header of 2 to 10 bytes, no mask."""
    size = len(text)
    if size < 126:
        return b"\x81%c%b" % (size, text)
    if size < 1 << 16:
        return b"\x81\x7e%b%b" % (size.to_bytes(2), text)
    return b"\x81\x7f%b%b" % (size.to_bytes(8), text)


def abort(environ: dict[str, Any]) -> None:
    """Close the connection of a request without its peer's consent."""
    transport = environ["aiohttp.request"].transport
    if transport is not None:
        transport.abort()


def _is_engine_packet(data: str) -> bool:
    if data[:1] == "4":
        return data[1:2] in tuple("0123456789")
    return data in ("1", "3", UPGRADE, PROBE)
