"""The gate in front of the server's event handlers: nothing but one JSON object under a known name passes.

python-socketio runs the handlers of ``connect`` and ``disconnect`` for a client that emits events of these
names, collects binary attachments in memory, and parses JSON of any depth. Whoever tries is disconnected,
without a word in the log that a stranger could fill.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from socketio import AsyncServer
from socketio.packet import CONNECT, DISCONNECT, EVENT, Packet

from ..messages.signaling import MAX_NAME
from .carrier import Carrier, abort
from .events import Event, read_event

MAX_DEPTH = 8
"""Levels of JSON objects and lists in what a client sends."""
MAX_UNKNOWN = 50
"""Events of unknown names are passed over, because a newer client may send some; this many are too many."""
RESERVED = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "message", "__disconnect_final"}
)

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

    For ``socketio.AsyncServer(serializer=GuardedPacket)``, together with `Gate`.
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


class Gate:
    """The gate in front of a server whose serializer is `GuardedPacket`. On the server's loop.

    Parameters
    ----------
    server
        Before it handles its first request, and with ``async_handlers=False``.
    on_refused
        Told why a client was disconnected, for a counter. The reason never holds what the client sent.
    take
        Asked for each well-formed event, with the id of the client's socket; where it says False, Socket.IO's
        handlers get the event.
    """

    def __init__(
        self,
        server: AsyncServer,
        on_refused: Callable[[str], None],
        take: Callable[[str, Event], bool] = lambda *_: False,
    ) -> None:
        self.carriers: dict[str, Carrier] = {}
        """The open WebSockets by the ids of their sockets."""
        self._server = server
        self._on_refused = on_refused
        self._take = take
        self._handle = server.eio.handlers["message"]
        # the driver's table is one for all servers of the process
        server.eio._async = {**server.eio._async, "websocket": partial(Carrier, self.carriers)}
        server.eio.on("message", self._pass)
        server.on("*", self._pass_over)

    def condemn(self, eio_sid: str) -> bool:
        """Cut a client's connection and hear nothing more from it; False if that was done before."""
        environ = self._server.environ.get(eio_sid)
        if environ is None or environ.get(_DROPPED):
            return False
        environ[_DROPPED] = True
        abort(environ)
        if carrier := self.carriers.get(eio_sid):  # not the first request's connection, after an upgrade
            carrier.abort()
        return True

    async def drop(self, eio_sid: str) -> None:
        """Disconnect a client at once, whatever waits for it; its ``disconnect`` handler has run then.

        A polite disconnect would wait until the client has read what was sent before, and take its further
        messages in the meantime.
        """
        self.condemn(eio_sid)
        if socket := self._server.eio.sockets.get(eio_sid):
            await socket.close(wait=False, abort=True, reason=self._server.reason.SERVER_DISCONNECT)
            await socket.queue.put(None)  # ends a poll that waits for something to send

    async def _pass(self, eio_sid: str, data: object) -> None:
        environ = self._server.environ.get(eio_sid)
        if environ is None or environ.get(_DROPPED):
            return
        event = read_event(data) if isinstance(data, str) else None
        if event is not None and self._take(eio_sid, event):
            return
        try:
            await self._handle(eio_sid, data)
        except Violation as violation:
            self._on_refused(str(violation))
            await self.drop(eio_sid)

    async def _pass_over(self, event: str, sid: str, _: object) -> dict[str, Any]:
        environ = self._server.get_environ(sid)
        environ[_UNKNOWN] = environ.get(_UNKNOWN, 0) + 1
        if environ[_UNKNOWN] > MAX_UNKNOWN:
            raise Violation("unknown events")
        sentence = f"This server does not know the event {event[:MAX_NAME]!r}."
        return {"error": {"code": "invalid", "message": sentence}}


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_is_deeper(item, levels - 1) for item in value)
    return False
