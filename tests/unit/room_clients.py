"""Socket.IO clients for tests of the server: they remember what they hear, and wait for what must come."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self

import socketio

from nbrtc.signaling.server import SignalingServer

PATIENCE_S = 5.0


class Client:
    """One client. `heard` keeps everything, in the order of arrival."""

    def __init__(
        self, server: SignalingServer | str, *, transports: Sequence[str] = ("websocket",), **auth: str
    ) -> None:
        self._url = server if isinstance(server, str) else server.url
        self._auth = auth
        self._transports = list(transports)
        self._sio = socketio.AsyncClient(reconnection=False)
        self.heard: list[tuple[str, Any]] = []
        self._news = asyncio.Condition()
        self.is_connected = False
        self._sio.on("*", self._hear)
        self._sio.on("disconnect", self._lose)

    async def __aenter__(self) -> Self:
        await self._sio.connect(
            self._url,
            auth=self._auth or None,
            transports=self._transports,
            retry=False,
            wait_timeout=PATIENCE_S,
        )
        self.is_connected = True
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sio.disconnect()
        await self._sio.shutdown()

    async def _hear(self, event: str, data: Any = None) -> None:
        async with self._news:
            self.heard.append((event, data))
            self._news.notify_all()

    async def _lose(self, *_: object) -> None:
        async with self._news:
            self.is_connected = False
            self._news.notify_all()

    async def cut(self) -> None:
        """Lose the connection as a broken network would: without a word."""
        self._sio.eio.ws._response.connection.transport.abort()
        await self.until(lambda: not self.is_connected)

    async def ask(self, event: str, **data: Any) -> dict[str, Any]:
        """Send an event; the acknowledgement."""
        answer: dict[str, Any] = await self._sio.call(event, data, timeout=PATIENCE_S)
        return answer

    async def granted(self, event: str, **data: Any) -> Any:
        """Send an event that must be granted; its ``ok``."""
        answer = await self.ask(event, **data)
        assert "ok" in answer, answer
        return answer["ok"]

    async def refused(self, event: str, **data: Any) -> str:
        """Send an event that must be refused; the error's code."""
        answer = await self.ask(event, **data)
        assert "error" in answer, answer
        assert answer["error"]["message"]
        code: str = answer["error"]["code"]
        return code

    async def tell(self, event: str, **data: Any) -> None:
        """Send an event without asking for an acknowledgement."""
        await self._sio.emit(event, data)

    async def hears(self, event: str) -> Any:
        """The first event of this name that was not taken yet; waits for it, and takes it."""
        await self.until(lambda: any(name == event for name, _ in self.heard))
        for position, (name, data) in enumerate(self.heard):
            if name == event:
                del self.heard[position]
                return data
        raise AssertionError(event)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so; look again whenever there is news."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._news:
                await self._news.wait_for(condition)
        except TimeoutError:
            raise AssertionError(f"it never came; last heard: {self.heard[-5:]}") from None

    def names(self) -> list[str]:
        """The names of all that was heard and not taken."""
        return [name for name, _ in self.heard]


async def in_room(client: Client, room: str, user: str, **more: Any) -> dict[str, Any]:
    """Join a room, making it where there is none, as a client of nbrtc."""
    reply: dict[str, Any] = await client.granted(
        "join-room", roomId=room, userId=user, userName=user.capitalize(), create=True, protocol=1, **more
    )
    await client.hears("room-joined")
    return reply


async def until(condition: Callable[[], object]) -> None:
    """Wait for what nobody tells of."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # it changes by the server's clock, without an event
