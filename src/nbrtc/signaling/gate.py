"""The gate in front of the server's event handlers: nothing but one JSON object under a known name passes.

python-socketio runs the handlers of ``connect`` and ``disconnect`` for a client that emits events of these
names, collects binary attachments in memory, and parses JSON of any depth. Whoever tries is disconnected,
without a word in the log that a stranger could fill.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from engineio.async_drivers.aiohttp import WebSocket
from socketio import AsyncServer
from socketio.packet import CONNECT, DISCONNECT, EVENT, Packet

from ..messages.signaling import MAX_NAME

MAX_DEPTH = 8
"""Levels of JSON objects and lists in what a client sends."""
MAX_UNKNOWN = 50
"""Events of unknown names are passed over, because a newer client may send some; this many are too many."""
RESERVED = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "message", "__disconnect_final"}
)
UPGRADE = "2probe"
"""What Engine.IO sends to try a WebSocket beside the polling that it began with."""

_DROPPED, _UNKNOWN = "nbrtc.dropped", "nbrtc.unknown"


class Violation(ValueError):
    """A client sent what no client of this server sends."""


class StrictJson:
    """JSON as RFC 8259 has it (no NaN, no half surrogate pairs), behind the names that Socket.IO calls."""

    @staticmethod
    def loads(text: str) -> Any:
        """Parse; `Violation` for anything that is not JSON or is too deep."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise Violation("not JSON") from error
        if _is_deeper(value, MAX_DEPTH):
            raise Violation("JSON too deep")
        return value

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        """Compact JSON."""
        return msgspec.json.encode(value).decode()


class GuardedPacket(Packet):  # type: ignore[misc]  # socketio ships no types
    """A Socket.IO packet that raises `Violation` while it is decoded; sent packets are not looked at.

    For ``socketio.AsyncServer(serializer=GuardedPacket)``, together with `install`.
    """

    uses_binary_events = False
    json = StrictJson

    def decode(self, encoded_packet: object) -> int:
        """Decode what a client sent. There are never attachments."""
        if not isinstance(encoded_packet, str):
            raise Violation("binary")
        try:
            attachments = super().decode(encoded_packet)
        except (ValueError, IndexError) as error:
            raise Violation(str(error) or "not a packet") from error
        if attachments or self.packet_type not in (CONNECT, DISCONNECT, EVENT):
            raise Violation("not a packet that clients send")
        if self.namespace not in (None, "/"):
            raise Violation("unknown namespace")
        if self.packet_type == EVENT:
            self._check_event()
        elif self.packet_type == CONNECT and not isinstance(self.data, dict | None):
            raise Violation("credentials that are no object")
        return 0

    def _check_event(self) -> None:
        match self.data:
            case [str(name), dict()]:
                if name in RESERVED:
                    raise Violation("reserved event")
            case _:
                raise Violation("not one name and one object")


class GuardedWebSocket(WebSocket):  # type: ignore[misc]  # engineio ships no types
    """Engine.IO's socket, which ends instead of passing on what Engine.IO would stumble over.

    Engine.IO parses the payload of a packet as JSON itself, unless it begins with a digit, and lets the
    errors of that, and of an empty packet, end in the web server's log.
    """

    async def wait(self) -> str:
        """The next packet; OSError, as for a closed socket, where it is none of Engine.IO's text packets."""
        data = await super().wait()
        if not isinstance(data, str) or not _is_engine_packet(data):
            abort(self.environ)
            raise OSError("a packet that clients do not send")
        return data


def install(server: AsyncServer, on_refused: Callable[[str], None]) -> None:
    """Put the gate in front of a server whose serializer is `GuardedPacket`.

    Parameters
    ----------
    server
        Before it handles its first request, and with ``async_handlers=False``.
    on_refused
        Told why a client was disconnected, for a counter; on the server's loop. The reason never holds what
        the client sent.
    """
    handle = server.eio.handlers["message"]
    # the driver's table is one for all servers of the process
    server.eio._async = {**server.eio._async, "websocket": GuardedWebSocket}

    async def guarded(eio_sid: str, data: object) -> None:
        environ = server.environ.get(eio_sid)
        if environ is None or environ.get(_DROPPED):
            return
        try:
            await handle(eio_sid, data)
        except Violation as violation:
            on_refused(str(violation))
            await drop(server, eio_sid)

    async def unknown(event: str, sid: str, _: object) -> dict[str, Any]:
        environ = server.get_environ(sid)
        environ[_UNKNOWN] = environ.get(_UNKNOWN, 0) + 1
        if environ[_UNKNOWN] > MAX_UNKNOWN:
            raise Violation("unknown events")
        sentence = f"This server does not know the event {event[:MAX_NAME]!r}."
        return {"error": {"code": "invalid", "message": sentence}}

    server.eio.on("message", guarded)
    server.on("*", unknown)


async def drop(server: AsyncServer, eio_sid: str) -> None:
    """Disconnect a client at once, whatever waits for it; its ``disconnect`` handler has run then.

    A polite disconnect would wait until the client has read what was sent before, and take its further
    messages in the meantime.
    """
    environ, socket = server.environ.get(eio_sid), server.eio.sockets.get(eio_sid)
    if environ is not None:
        environ[_DROPPED] = True
        abort(environ)
    if socket is not None:
        await socket.close(wait=False, abort=True, reason=server.reason.SERVER_DISCONNECT)
        await socket.queue.put(None)  # ends a poll that waits for something to send


def abort(environ: dict[str, Any]) -> None:
    """Close the connection of a request without its peer's consent."""
    transport = environ["aiohttp.request"].transport
    if transport is not None:
        transport.abort()


def _is_engine_packet(data: str) -> bool:
    if data[:1] == "4":
        return data[1:2] in tuple("0123456789")
    return data in ("1", "3", "5", UPGRADE)


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
    return False
