"""TCP connections that never say a whole request: aiohttp waits for them for ever."""

import asyncio
import math
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SilentConnections:
    """Closes connections without a request, and ends requests whose body never comes. On the server's loop.

    Parameters
    ----------
    patience_s
        How long either may take.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._silent_since: dict[web.RequestHandler, float] = {}

    def attach(self, app: web.Application) -> None:
        """Hear of an application's requests."""

        @web.middleware
        async def listen(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._silent_since[request.protocol] = math.inf
            if request.method != "POST":
                return await handler(request)
            try:
                async with asyncio.timeout(self._patience_s):
                    return await handler(request)
            except TimeoutError:
                raise web.HTTPRequestTimeout from None

        app.middlewares.append(listen)

    def sweep(self, server: web.Server) -> None:
        """Close whoever has been silent for too long. Once a second."""
        now = asyncio.get_running_loop().time()
        self._silent_since = {
            connection: self._silent_since.get(connection, now) for connection in server.connections
        }
        for connection, since in self._silent_since.items():
            if since + self._patience_s <= now:
                connection.force_close()
