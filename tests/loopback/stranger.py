"""A client of the room server that keeps no rules: Socket.IO by hand over a WebSocket."""

import asyncio
import itertools
import json
from types import TracebackType
from typing import Any

import aiohttp


class Stranger:
    """Everything that a hostile client can write, and what it hears in answer."""

    def __init__(self, url: str, **headers: str) -> None:
        self.url = f"{url}/socket.io/?EIO=4&transport=websocket"
        self.headers = headers
        self.acknowledged: dict[int, dict[str, Any]] = {}
        self.heard: list[tuple[str, Any]] = []
        self._session = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> "Stranger":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            if not self._socket.closed:
                self.abort()
            await self._socket.close()
        await self._session.close()

    @property
    def socket(self) -> aiohttp.ClientWebSocketResponse:
        assert self._socket is not None
        return self._socket

    def go_deaf(self) -> None:
        """Read nothing from now on."""
        self._transport.pause_reading()

    def abort(self) -> None:
        """End without a goodbye."""
        self._transport.abort()

    @property
    def _transport(self) -> asyncio.Transport:
        connection = self.socket._response.connection
        assert connection is not None
        assert isinstance(connection.transport, asyncio.Transport)
        return connection.transport

    async def dial(self) -> None:
        """Open the socket and say nothing."""
        self._socket = await self._session.ws_connect(self.url, headers=self.headers, max_msg_size=0)

    async def knock(self) -> "Stranger":
        """Open the socket and connect, as a client does."""
        await self.dial()
        await self.write("40")
        await self._read_until("40")
        return self

    async def write(self, packet: str | bytes) -> None:
        if isinstance(packet, str):
            await self.socket.send_str(packet)
        else:
            await self.socket.send_bytes(packet)

    async def ask(self, event: str, payload: Any) -> dict[str, Any]:
        """Emit an event and wait for its acknowledgement."""
        number = next(self._numbers)
        await self.write(f"42{number}{json.dumps([event, payload], ensure_ascii=False)}")
        await self._read_until(f"43{number}[")
        return self.acknowledged[number]

    async def refused(self, event: str, payload: Any) -> str:
        """Emit an event that must be refused; the error's code."""
        answer = await self.ask(event, payload)
        assert answer.keys() == {"error"}, answer
        assert isinstance(answer["error"]["message"], str)
        code: str = answer["error"]["code"]
        return code

    async def join(self, room: str, user: str, **more: Any) -> dict[str, Any]:
        answer = await self.ask("join-room", {"roomId": room, "userId": user, "create": True, **more})
        ok: dict[str, Any] = answer["ok"]
        return ok

    async def dropped(self) -> None:
        """Wait until the server has ended the connection."""
        async with asyncio.timeout(60):
            while await self._read() is not None:
                pass

    async def _read_until(self, beginning: str) -> None:
        async with asyncio.timeout(60):
            while (text := await self._read()) is not None:
                if text.startswith(beginning):
                    return
        raise ConnectionError("the server ended the connection")

    async def _read(self) -> str | None:
        try:
            message = await self.socket.receive()
        except (ConnectionError, aiohttp.ClientError):
            return None
        if message.type is not aiohttp.WSMsgType.TEXT:
            return None
        text: str = message.data
        if text == "2":
            await self.write("3")
        elif text.startswith("43"):
            number, _, _ = text[2:].partition("[")
            self.acknowledged[int(number)] = json.loads(text[2 + len(number) :])[0]
        elif text.startswith("42"):
            event, value = json.loads(text[2:])
            self.heard.append((event, value))
        return text
