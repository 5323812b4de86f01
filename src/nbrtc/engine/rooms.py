"""How the calls and bots of this engine get into rooms: the libraries for it, and where the servers are."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import TYPE_CHECKING

from ..messages import RoomTicket

if TYPE_CHECKING:
    from ..signaling.client import RoomClient, RoomListener, ServerAddress
    from ..signaling.embedded import EmbeddedServer

logger = logging.getLogger(__name__)

LIBRARIES = ("nbrtc.signaling.client", "nbrtc.signaling.embedded")


class Rooms:
    """Makes room clients. One for each engine process, which closes it last. On the engine's loop.

    Socket.IO and aiohttp take 0.3 s to load, which solo calls never need: they are loaded on a thread, at
    the latest by the first join.
    """

    def __init__(self) -> None:
        self._embedded: EmbeddedServer | None = None
        self._loading: asyncio.Future[object] | None = None
        self._is_closed = False

    async def load(self) -> None:
        """Load the libraries, so that a later join need not wait for them."""
        if self._loading is None:
            pool = ThreadPoolExecutor(1, "nbrtc-import")
            loop = asyncio.get_running_loop()
            self._loading = loop.run_in_executor(pool, lambda: [import_module(name) for name in LIBRARIES])
            pool.shutdown(wait=False)
        await asyncio.shield(self._loading)

    async def client(
        self,
        ticket: RoomTicket,
        name: str,
        listener: "RoomListener",
        *,
        is_python: bool = False,
        returns: bool = False,
    ) -> "RoomClient":
        """A client for one stay in the ticket's room; its maker joins and closes it."""
        await self.load()
        from ..signaling.client import RoomClient

        find = self._finder(ticket)
        return RoomClient(ticket, name, listener, find_server=find, is_python=is_python, returns=returns)

    async def close(self) -> None:
        """End the server, if this engine has the user's own. Idempotent; the clients are closed first."""
        self._is_closed = True
        if self._loading is not None:
            await asyncio.wait([self._loading])
        embedded, self._embedded = self._embedded, None
        if embedded is not None:
            await embedded.close()

    def _finder(self, ticket: RoomTicket) -> "Callable[[], Awaitable[ServerAddress]]":
        async def find() -> "ServerAddress":
            from ..errors import RoomError
            from ..signaling.client import ServerAddress
            from ..signaling.embedded import EmbeddedServer

            if ticket.server is not None:
                return ServerAddress(ticket.server, ticket.token)
            if self._is_closed:
                raise RoomError("The engine is ending.", "unreachable")
            if self._embedded is None:
                self._embedded = EmbeddedServer()
            return await self._embedded.find(ticket.room)

        return find
