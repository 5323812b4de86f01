"""The signaling server: Socket.IO, HTTP and the guest page on one port."""

import asyncio
import contextlib
import logging
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from ..messages.signaling import CAPACITY, EMPTY_ROOM_S, MAX_PACKET_BYTES, SEAT_S
from ..rooms import Lobby
from ..rooms.lobby import MAX_ROOMS
from .access import new_secret
from .analytics import Analytics
from .desk import Desk
from .doorkeeper import Doorkeeper
from .front import Front
from .ice_rest import IceRest
from .limits import Rates
from .log import note
from .metrics import Metrics
from .page import GuestPage
from .rest import Rest
from .silent import SilentConnections
from .sockets import Sockets
from .turn import TurnIssuer

logger = logging.getLogger(__name__)

LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
EVERY_HOST = ("0.0.0.0", "::", "")
SWEEP_S = 1.0
KEEP_ALIVE_S = 30.0
"""How long a connection may wait between two requests."""
CLOSING = "The server is shutting down. Calls go on; it is tried again until it is back."


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How a server is reached, and what it bears."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes any free one."""
    certificate: Path | None = None
    """A PEM file with the certificate and its chain; with it the server speaks HTTPS."""
    key: Path | None = None
    """The certificate's key, where it is not in the same file."""
    secret: bytes | None = field(default=None, repr=False)
    """Signs room tokens, 32 bytes or more; None for a random one, whose tokens end with the server."""
    require_token: bool = False
    """Nobody comes in without a room token."""
    capacity: int = CAPACITY
    """People in a room, at most."""
    origins: tuple[str, ...] = ()
    """Origins of pages that may connect, beside the server's own."""
    public_url: str | None = None
    """Where browsers reach the server, for invite links; None for the address that each client used."""
    max_rooms: int = MAX_ROOMS
    max_clients: int = 2000
    max_clients_per_address: int = 500
    proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies in front, whose ``X-Forwarded-For`` is believed: what is limited for
    each address counts for each client then, and not for all together."""
    turn_urls: tuple[str, ...] = ()
    """TURN servers for everybody in a room, such as ``turn:turn.example.org?transport=udp``."""
    turn_secret: str | None = field(default=None, repr=False)
    """What is shared with them, 32 characters or more; clients only get credentials made of it."""
    turn_ttl_s: float = 3600.0
    """How long such a credential is good for, 60 to 86,400 s; calls outlive it."""
    stun_urls: tuple[str, ...] = ()
    analytics: bool = False
    """Count at ``/metrics`` how connections went, and ask clients to report it."""
    rates: Rates = field(default_factory=Rates)
    seat_s: float = SEAT_S
    empty_room_s: float = EMPTY_ROOM_S
    handshake_s: float = 10.0
    """A socket that has not connected by then is closed."""


class SignalingServer:
    """Rooms for browsers and notebooks.

    On the loop that `start` runs on. One use: a closed server is not started again.

    Raises
    ------
    ValueError
        For a short secret, a capacity below 1, an origin or a proxy's address that is none, a STUN or TURN
        URL that is none, or TURN servers without their secret.
    """

    def __init__(self, options: ServerOptions | None = None) -> None:
        self.options = options = options or ServerOptions()
        if options.capacity < 1:
            raise ValueError(f"A room must hold at least 1 person, not {options.capacity}.")
        self._started_unix_s, self._started_s = time.time(), time.monotonic()
        self.lobby = Lobby(
            capacity=options.capacity,
            max_rooms=options.max_rooms,
            members_only=options.require_token,
            seat_s=options.seat_s,
            empty_room_s=options.empty_room_s,
        )
        doorkeeper = Doorkeeper(
            new_secret() if options.secret is None else options.secret, require_token=options.require_token
        )
        turn = TurnIssuer(
            turn_urls=options.turn_urls,
            secret=options.turn_secret,
            stun_urls=options.stun_urls,
            ttl_s=options.turn_ttl_s,
        )
        metrics = Metrics()
        analytics = Analytics(metrics.registry) if options.analytics else None
        front = Front(
            options.origins,
            options.public_url,
            is_local=options.host in LOCAL_HOSTS,
            proxies=options.proxies,
        )
        desk = Desk(
            self.lobby,
            doorkeeper,
            rates=options.rates,
            metrics=metrics,
            turn=turn,
            collects_analytics=options.analytics,
            base_url=front.base_url,
            clock=self.now_s,
        )
        self._sockets = Sockets(
            desk,
            max_clients=options.max_clients,
            max_clients_per_address=options.max_clients_per_address,
            handshake_s=options.handshake_s,
        )
        metrics.watch("nbrtc_rooms", "Rooms.", lambda: len(self.lobby.rooms))
        metrics.watch("nbrtc_participants", "Seats in all rooms.", lambda: self.lobby.participant_count)
        metrics.watch("nbrtc_clients", "Connected clients.", lambda: self._sockets.client_count)
        self._app = web.Application(client_max_size=MAX_PACKET_BYTES)
        front.attach(self._app)
        self._silent = SilentConnections(options.handshake_s)
        self._silent.attach(self._app)
        self._sockets.mount(self._app)
        Rest(self.lobby, doorkeeper, front, metrics, self.now_s).mount(self._app)
        IceRest(self.lobby, doorkeeper, turn, analytics, self.now_s).mount(self._app)
        GuestPage().mount(self._app)
        self._runner: web.AppRunner | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._port = options.port

    @property
    def port(self) -> int:
        """The port that the server listens on, once it is started."""
        return self._port

    @property
    def url(self) -> str:
        """Where this machine reaches the server, without a slash at the end."""
        host = self.options.host
        if host in EVERY_HOST:
            host = "127.0.0.1"
        scheme = "http" if self.options.certificate is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"

    def now_s(self) -> float:
        """Unix time in seconds by a clock that never goes backwards."""
        return self._started_unix_s + time.monotonic() - self._started_s

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        OSError
            The port is taken, or the certificate cannot be read or is none (`ssl.SSLError`).
        """
        context = None
        if self.options.certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.options.certificate, self.options.key)
        # an access log would hold nothing but polling, and addresses
        runner = web.AppRunner(
            self._app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=2.0,
            keepalive_timeout=KEEP_ALIVE_S,
            lingering_time=1.0,  # for the rest of a body that was refused
        )
        await runner.setup()
        try:
            site = web.TCPSite(
                runner, self.options.host or None, self.options.port, ssl_context=context, backlog=512
            )
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        self._sweeper = asyncio.create_task(self._sweep(runner), name="nbrtc-sweeper")
        note("started", url=self.url)

    async def close(self, reason: str = CLOSING) -> None:
        """Tell everybody and stop. Idempotent; whoever calls it again waits for the same end."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(reason), name="nbrtc-server-close")
        await asyncio.shield(self._closing)

    async def _close(self, reason: str) -> None:
        if self._runner is None:
            return
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        for site in list(self._runner.sites):  # nobody comes in any more
            await site.stop()
        await self._sockets.close(reason)
        await self._runner.cleanup()
        note("stopped")

    async def _sweep(self, runner: web.AppRunner) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            try:
                if runner.server is not None:
                    self._silent.sweep(runner.server)
                self._sockets.sweep()
                self._sockets.carry_out(self.lobby.expire(self.now_s()))
            except Exception:
                logger.exception("Looking after seats and sockets failed; it is tried again")
