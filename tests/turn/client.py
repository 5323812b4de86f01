"""A TURN client that asks for what a browser would not: an allocation, and packets through it by hand."""

import asyncio
import ssl
from typing import Any

from aioice import stun, turn

from nbrtc.messages import IceServerEntry
from tests.turn.certificate import Certificate

Address = tuple[str, int]


class Received(asyncio.DatagramProtocol):
    """What came through the relay; newest last, as many as a test sends."""

    def __init__(self) -> None:
        self.packets: asyncio.Queue[tuple[bytes, Address]] = asyncio.Queue(maxsize=1000)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.packets.put_nowait((data, addr))


class Allocation:
    """An allocation on a server, over UDP, TCP or TLS; on the loop that made it."""

    def __init__(self, protocol: turn.TurnClientProtocol, relayed: Address) -> None:
        self._protocol = protocol
        self.relayed = relayed
        self.received = Received()
        protocol.receiver = self.received

    @classmethod
    async def open(cls, entry: IceServerEntry, certificate: Certificate | None = None) -> "Allocation":
        """Allocate.

        Raises
        ------
        stun.TransactionFailed
            If the server refuses; `code_of` tells how.
        """
        protocol = await connect(entry, certificate)
        try:
            relayed = await protocol.connect()
        except BaseException:
            protocol.transport.close()
            raise
        return cls(protocol, relayed)

    async def permit(self, peer: str) -> None:
        """CreatePermission (RFC 8656, section 9): raises as `open`."""
        request = stun.Message(message_method=stun.Method.CREATE_PERMISSION, message_class=stun.Class.REQUEST)
        request.attributes["XOR-PEER-ADDRESS"] = (peer, 0)
        await self._protocol.request_with_retry(request)

    async def bind(self, number: int, peer: Address) -> None:
        """ChannelBind (RFC 8656, section 12): raises as `open`."""
        await self._protocol.channel_bind(number, peer)
        self._protocol.channel_to_peer[number] = peer  # so that aioice takes what comes on it

    def send(self, data: bytes, peer: Address) -> None:
        """Send an indication, whether or not the peer is permitted (RFC 8656, section 11)."""
        message = stun.Message(message_method=stun.Method.SEND, message_class=stun.Class.INDICATION)
        message.attributes["XOR-PEER-ADDRESS"] = peer
        message.attributes["DATA"] = data
        self._protocol._send(bytes(message))

    def send_on_channel(self, number: int, data: bytes) -> None:
        """ChannelData, whether or not the number is bound (RFC 8656, section 12.5)."""
        self._protocol._send(number.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data)

    async def close(self) -> None:
        """Give the allocation back."""
        await self._protocol.delete()


async def connect(entry: IceServerEntry, certificate: Certificate | None = None) -> Any:
    """aioice's client of one URL, which has asked for nothing yet."""
    scheme, host, rest = entry.urls[0].split(":", 2)
    port, _, transport = rest.partition("?transport=")
    loop = asyncio.get_running_loop()
    server = (host, int(port))
    options: dict[str, Any] = {
        "username": entry.username,
        "password": entry.credential,
        "lifetime": turn.DEFAULT_ALLOCATION_LIFETIME,
        "channel_refresh_time": turn.DEFAULT_CHANNEL_REFRESH_TIME,
    }
    if transport == "udp":
        _, protocol = await loop.create_datagram_endpoint(
            lambda: turn.TurnClientUdpProtocol(server, **options), remote_addr=server
        )
        return protocol
    context = None
    if scheme == "turns":
        context = ssl.create_default_context(cafile=certificate.authority if certificate else None)
    _, stream = await loop.create_connection(
        lambda: turn.TurnClientTcpProtocol(server, **options), host, int(port), ssl=context
    )
    return stream


async def code_of(entry: IceServerEntry) -> int | None:
    """With which STUN error the server refuses an allocation; None if it gives one (which is given back)."""
    try:
        allocation = await Allocation.open(entry)
    except stun.TransactionFailed as error:
        return error.response.error_code
    await allocation.close()
    return None


async def answer_to(request: bytes, server: Address) -> int:
    """Say this to a server over UDP, from a port of its own; the error code of the answer, 0 for success."""
    loop = asyncio.get_running_loop()
    transport, heard = await loop.create_datagram_endpoint(Received, remote_addr=server)
    try:
        transport.sendto(request)
        data, _ = await heard.packets.get()
    finally:
        transport.close()
    return int(stun.parse_message(data).attributes.get("ERROR-CODE", (0, ""))[0])
