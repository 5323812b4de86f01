"""Does each STUN and TURN server answer the engine? On the engine's loop."""

import asyncio
import time
from collections.abc import Sequence
from typing import cast

from aioice import stun, turn

from ..messages import IceServerEntry, ServerProbe
from .ice_access import Access, accesses
from .ice_errors import ERRORS, explained


async def probe(entries: Sequence[IceServerEntry], timeout_s: float = 5.0) -> list[ServerProbe]:
    """Ask every URL by itself, all at a time, at most `ice_access.MOST`.

    A STUN server is asked for this machine's address, a TURN server for an allocation, which is given back.
    Nothing is raised: what fails is a result, with what to do.
    """
    return list(await asyncio.gather(*(_probe(one, timeout_s) for one in accesses(entries))))


async def _probe(access: Access, timeout_s: float) -> ServerProbe:
    began_s = time.monotonic()
    code, sentence = None, ""
    try:
        async with asyncio.timeout(timeout_s):
            if access.kind == "turn":
                rtt_s = await _allocate(access)
            elif access.transport == "udp":
                rtt_s = await _bind(access)
            else:
                raise NotImplementedError
    except NotImplementedError:
        sentence = "Python asks STUN servers over UDP only; browsers may use this one."
    except ERRORS as error:
        code, sentence = explained(error)
    return ServerProbe(
        url=access.url,
        by="engine",
        ok=not sentence,
        transport=access.transport,
        time_s=time.time(),
        rtt_s=None if sentence else rtt_s if rtt_s > 0 else time.monotonic() - began_s,
        candidate_types=() if sentence else ("relay",) if access.kind == "turn" else ("srflx",),
        error_code=code,
        error=sentence,
    )


class _Asker(asyncio.DatagramProtocol):
    """A socket for one STUN transaction."""

    def __init__(self) -> None:
        self.transactions: dict[bytes, stun.Transaction] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # the selector loop's is not a subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            message = stun.parse_message(data)
        except ValueError:
            return  # not STUN: whatever it is, it is no answer
        transaction = self.transactions.get(message.transaction_id)
        if transaction is not None:
            transaction.response_received(message, addr)

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """Called by the transaction."""
        assert self._transport is not None
        self._transport.sendto(bytes(message))  # the socket is connected


async def _bind(access: Access) -> float:
    """One binding request; the time of the transaction in seconds."""
    loop = asyncio.get_running_loop()
    transport, asker = await loop.create_datagram_endpoint(_Asker, remote_addr=access.address)
    try:
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        transaction = stun.Transaction(request, access.address, asker)
        asker.transactions[request.transaction_id] = transaction
        began_s = time.monotonic()
        response, _ = await transaction.run()
        rtt_s = time.monotonic() - began_s
        if "XOR-MAPPED-ADDRESS" not in response.attributes:
            raise ValueError("no address")
        return rtt_s
    finally:
        transport.close()


async def _allocate(access: Access) -> float:
    """Allocate, and give it back; the time of it all in seconds, with the TCP and TLS handshakes."""
    began_s = time.monotonic()
    how = access.allocation
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=access.address,
        username=how["turn_username"],
        password=how["turn_password"],
        ssl=how["turn_ssl"],
        transport=how["turn_transport"],
    )
    rtt_s = time.monotonic() - began_s
    transport.close()
    return rtt_s
