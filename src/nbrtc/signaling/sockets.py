"""The connections of the server: python-socketio with bounded queues and bounded numbers.

This file and gate.py lean on the library's private parts (how a packet is handled and queued); every test
over a real socket goes through them.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import engineio
import msgspec
import socketio
from aiohttp import web
from engineio.async_socket import AsyncSocket
from engineio.packet import MESSAGE, PING, Packet
from engineio.payload import Payload
from socketio.exceptions import ConnectionRefusedError as Refused

from ..errors import RoomError
from ..messages.signaling import CLIENT_EVENTS, MAX_PACKET_BYTES, PATH, SignalingWire
from ..rooms import Outcome
from .carrier import text_frame
from .events import Event
from .gate import Gate, GuardedPacket
from .proxies import address_of

PING_S = 10.0
"""A ping this long after the last answer, and this long for the answer: a dead peer is noticed in 20 s."""
MAX_WAITING = 1000
MAX_WAITING_BYTES = 1024 * 1024
"""What may wait for a client that does not read; beyond it the client is disconnected."""
GOODBYE_S = 1.0
"""A client that is sent away has this long to read why."""
MAX_CONNECTS = 5
"""How often one socket may connect, as Socket.IO lets it after a refusal or a disconnect."""

# A burst of candidates is one payload of a client that polls, and has more than the usual 16 packets.
# Its bytes are bounded all the same.
Payload.max_decode_packets = 500

# The libraries log what strangers send, and every refusal as an error.
_QUIET = logging.getLogger("nbrtc.signaling.quiet")
_QUIET.disabled = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a client's message."""

    acknowledgement: dict[str, Any]
    """``{"ok": ...}`` or ``{"error": ...}``."""
    outcome: Outcome = field(default_factory=Outcome)
    is_hostile: bool = False
    """The client is to be disconnected after the acknowledgement."""


class Receiver(Protocol):
    """Who decides. Called on the loop, answers at once."""

    def connect(self, client: str, request: web.Request, auth: dict[str, Any]) -> None:
        """Let a client in; `RoomError` refuses it."""

    def take(self, client: str, event: str, payload: SignalingWire | dict[str, Any]) -> Answer:
        """Answer one of `CLIENT_EVENTS`: as its message, or as JSON that may be anything else."""

    def gone(self, client: str) -> Outcome:
        """A client that was let in has gone."""

    def refused(self, reason: str) -> None:
        """A client was disconnected; the reason never holds what it sent."""


class SendQueue(asyncio.Queue[Packet | None]):
    """What waits for one client. It never refuses: its owner looks at `is_over` and drops the client."""

    waiting_bytes = 0

    @property
    def is_over(self) -> bool:
        """The client does not read what it is sent."""
        return self.waiting_bytes > MAX_WAITING_BYTES or self.qsize() > MAX_WAITING

    def _put(self, item: Packet | None) -> None:
        self.waiting_bytes += _size(item)
        super()._put(item)

    def _get(self) -> Packet | None:
        item = super()._get()
        self.waiting_bytes -= _size(item)
        return item


def _size(item: Packet | None) -> int:
    return len(item.data) if item is not None and isinstance(item.data, str) else 0


class _EngineServer(engineio.AsyncServer):  # type: ignore[misc]  # engineio ships no types
    """Engine.IO with bounded queues, and with times of pings instead of a sleeping task for each client."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pings: dict[str, float] = {}
        """When each socket is to be pinged, by the loop's clock."""

    def create_queue(self, *_: object, **__: object) -> SendQueue:
        return SendQueue()

    def start_background_task(self, target: Any, *args: Any, **kwargs: Any) -> Any:
        if getattr(target, "__func__", None) is not AsyncSocket._send_ping:
            return super().start_background_task(target, *args, **kwargs)
        self.pings[target.__self__.sid] = asyncio.get_running_loop().time() + PING_S
        return None

    def send_pings(self, now: float) -> None:
        """Ping whoever is due."""
        for sid in [sid for sid, due in self.pings.items() if due <= now]:
            del self.pings[sid]
            socket = self.sockets.get(sid)
            if socket is not None and not socket.closed and not socket.closing:
                socket.last_ping = time.time()
                socket.queue.put_nowait(Packet(PING))


class Sockets(socketio.AsyncServer):  # type: ignore[misc]  # socketio ships no types
    """The Socket.IO server, on aiohttp. A client is known by the id of its socket.

    Parameters
    ----------
    receiver
        Who decides.
    max_clients, max_clients_per_address
        Bounds of open sockets, whether they have said who they are or not. An IPv6 network of 64 bits counts
        as one address.
    handshake_s
        A socket that has not connected by then is closed.
    """

    def __init__(
        self, receiver: Receiver, *, max_clients: int, max_clients_per_address: int, handshake_s: float
    ) -> None:
        super().__init__(
            async_mode="aiohttp",
            serializer=GuardedPacket,
            # True lets a candidate overtake its offer
            async_handlers=False,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_http_buffer_size=MAX_PACKET_BYTES,
            # origins are checked for every path, by front.py; [] leaves them to it
            cors_allowed_origins=[],
            # `sweep` looks after the sockets, in one round a second
            monitor_clients=False,
            logger=_QUIET,
            engineio_logger=_QUIET,
        )
        self._receiver = receiver
        self._max_clients = max_clients
        self._max_per_address = max_clients_per_address
        self._handshake_s = handshake_s
        self._addresses: dict[str, str] = {}
        self._per_address: Counter[str] = Counter()
        self._unconnected: dict[str, float] = {}
        self._connects: Counter[str] = Counter()
        self._connected: set[str] = set()
        self._errands: set[asyncio.Task[None]] = set()
        self._farewells: dict[str, asyncio.Event] = {}
        self._is_closing = False
        self.on("connect", self._connect)
        self.on("disconnect", self._disconnect)
        self._gate = Gate(self, receiver.refused, self._take)

    def _engineio_server_class(self) -> type[_EngineServer]:
        return _EngineServer

    @property
    def client_count(self) -> int:
        """Clients that were let in."""
        return len(self._connected)

    def mount(self, app: web.Application) -> None:
        """Serve the Socket.IO path of an application."""
        app.router.add_route("*", f"{PATH}/", self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.method not in ("GET", "POST", "OPTIONS") or "j" in request.query:
            raise web.HTTPMethodNotAllowed(request.method, ("GET", "POST"))
        if "sid" not in request.query and request.method == "GET":
            address = address_of(request)
            if len(self._addresses) >= self._max_clients or (
                self._per_address[address] >= self._max_per_address
            ):
                self._receiver.refused("too many connections")
                message = "This server has too many connections: try again later."
                return web.json_response(
                    {"error": {"code": "server-full", "message": message}},
                    status=503,
                    headers={"Retry-After": "10"},
                )
        response: web.StreamResponse = await self.handle_request(request)
        return response

    # --- the life of a socket ----------------------------------------------------------------------------

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        address = address_of(environ["aiohttp.request"])
        self._addresses[eio_sid] = address
        self._per_address[address] += 1
        self._unconnected[eio_sid] = asyncio.get_running_loop().time() + self._handshake_s

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        if address := self._addresses.pop(eio_sid, None):
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]
        self._unconnected.pop(eio_sid, None)
        self._connects.pop(eio_sid, None)
        self.eio.pings.pop(eio_sid, None)
        if farewell := self._farewells.get(eio_sid):
            farewell.set()

    async def _connect(self, sid: str, environ: dict[str, Any], auth: dict[str, Any] | None) -> None:
        client = self.manager.eio_sid_from_sid(sid, "/")
        self._connects[client] += 1
        if self._connects[client] > MAX_CONNECTS:
            self._drop(client, "connects again and again")
            raise Refused("Too many connections from one socket.")
        try:
            self._receiver.connect(client, environ["aiohttp.request"], auth or {})
        except RoomError as error:
            raise Refused(str(error), {"code": error.reason, "message": str(error)}) from error
        self._unconnected.pop(client, None)
        self._connected.add(client)

    async def _disconnect(self, sid: str, _: str) -> None:
        client = self.manager.eio_sid_from_sid(sid, "/")
        self._connected.discard(client)
        if client in self._addresses:  # the socket may stay open, as a stranger's
            self._unconnected[client] = asyncio.get_running_loop().time() + self._handshake_s
        outcome = self._receiver.gone(client)
        if not self._is_closing:  # else everybody goes, and nobody needs to hear of it
            self.carry_out(outcome)

    # --- messages ----------------------------------------------------------------------------------------

    def _take(self, client: str, event: Event) -> bool:
        if client not in self._connected:
            return False
        self._answer(client, event.name, event.id, event.message)
        return True

    async def _handle_event(
        self,
        eio_sid: str,
        namespace: str | None,
        id: int | None,  # noqa: A002  # the library's name
        data: list[Any],
    ) -> None:
        """Answer an event that `_take` left over."""
        event, payload = data
        if event not in CLIENT_EVENTS:
            await super()._handle_event(eio_sid, namespace, id, data)
        elif eio_sid in self._connected:
            self._answer(eio_sid, event, "" if id is None else str(id), payload)

    def _answer(self, client: str, event: str, ack_id: str, payload: SignalingWire | dict[str, Any]) -> None:
        """First the acknowledgement, then what follows from the event, with nothing in between."""
        answer = self._receiver.take(client, event, payload)
        if ack_id:
            self._push((client,), b"3" + ack_id.encode() + _json([answer.acknowledgement]))
        if error := answer.acknowledgement.get("error"):
            self.send((client,), "error", error)
        self.carry_out(answer.outcome)
        if answer.is_hostile:
            self._drop(client, "goes on and on")

    def carry_out(self, outcome: Outcome) -> None:
        """Tell everybody what a rule decided."""
        for client in outcome.dismissed:
            taken = {
                "code": "already-in-room",
                "message": "Your place in the room was taken by another connection of yours.",
            }
            self.send((client,), "error", taken)
            self._spawn(self._say_goodbye(client))
        for delivery in outcome.deliveries:
            self.send(delivery.clients, delivery.event, delivery.data)

    def send(self, clients: Iterable[str], event: str, data: object) -> None:
        """Send one event to some clients, encoded once."""
        self._push(clients, b"2" + _json([event, data]))

    def _push(self, clients: Iterable[str], packet: bytes) -> None:
        """Send a packet of Socket.IO: at once, or as soon as the client has read what is before it."""
        frame, waiting = text_frame(b"4" + packet), None
        for client in clients:
            socket = self.eio.sockets.get(client)
            if socket is None or socket.closed or socket.closing or socket.queue.is_over:
                continue
            carrier = self._gate.carriers.get(client)
            if carrier is not None and carrier.write(frame):
                continue
            waiting = waiting or Packet(MESSAGE, packet.decode())
            socket.queue.put_nowait(waiting)
            if socket.queue.is_over:
                self._drop(client, "does not read")

    # --- ends --------------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Ping, and close what has died or never said who it is. Once a second."""
        now = asyncio.get_running_loop().time()
        self.eio.send_pings(now)
        for client, deadline in list(self._unconnected.items()):
            if deadline <= now:
                del self._unconnected[client]
                self._drop(client, "never connects")
        for socket in list(self.eio.sockets.values()):
            if socket.closed:
                self.eio.sockets.pop(socket.sid, None)
            elif socket.last_ping and time.time() - socket.last_ping > PING_S:
                self._drop(socket.sid, "does not answer pings")

    async def close(self, message: str) -> None:
        """Tell every client that the server goes, wait a moment until they have it, and disconnect them."""
        self._is_closing = True
        self.send(tuple(self._connected), "error", {"code": "unreachable", "message": message})
        await asyncio.gather(*(self._say_goodbye(client) for client in list(self._addresses)))
        while self._errands:
            await asyncio.wait(self._errands)

    async def _say_goodbye(self, client: str) -> None:
        """Disconnect a client after it was sent what waits for it, or after a second."""
        socket = self.eio.sockets.get(client)
        if socket is None or client not in self._addresses:
            return
        farewell = self._farewells.setdefault(client, asyncio.Event())
        sid = self.manager.sid_from_eio_sid(client, "/")
        if sid is not None:
            await self.disconnect(sid)
        await socket.queue.put(None)  # the writer ends with this, and closes the connection
        try:
            async with asyncio.timeout(GOODBYE_S):
                await farewell.wait()
        except TimeoutError:
            await self._gate.drop(client)
        self._farewells.pop(client, None)

    def _drop(self, client: str, reason: str) -> None:
        # at once: what it has sent in the meantime would be answered before a task has its turn
        if client in self._addresses and self._gate.condemn(client):
            self._receiver.refused(reason)
            self._spawn(self._gate.drop(client))

    def _spawn(self, errand: Any) -> None:
        task = asyncio.get_running_loop().create_task(errand, name="nbrtc-sockets")
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
