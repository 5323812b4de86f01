"""Does each STUN and TURN server answer the engine? On the engine's loop."""

import asyncio
import time
from collections.abc import Sequence
from typing import cast

from aioice import stun, turn

from ..messages import CandidateType, IceServerEntry, ServerProbe
from .ice_access import Access, accesses, tls
from .ice_errors import ERRORS, explained, most_telling
from .ice_seams import free
from .name_lookup import addresses_of, first_of_each_family

HEADER_BYTES = 20
"""Of a STUN message (RFC 8489, section 5)."""


async def probe(entries: Sequence[IceServerEntry], timeout_s: float = 5.0) -> list[ServerProbe]:
    """Ask every URL by itself, all at a time, at most `ice_access.MOST`.

    A STUN server is asked for this machine's address, a TURN server for an allocation, which is given back.
    Nothing is raised: what fails is a result, with what to do.
    """
    return list(await asyncio.gather(*(_probe(one, timeout_s) for one in accesses(entries))))


async def _probe(access: Access, timeout_s: float) -> ServerProbe:
    rtt_s: float | None = None
    code, sentence = None, ""
    try:
        async with asyncio.timeout(timeout_s):
            addresses = first_of_each_family(await addresses_of(access.address[0]))
            rtt_s = await _first(access, addresses, timeout_s / max(1, len(addresses)))
    except ERRORS as error:
        code, sentence = explained(error)
    gives: tuple[CandidateType, ...] = ()
    if rtt_s is not None and access.kind == "turn":
        gives = ("relay",)
    elif rtt_s is not None and access.transport == "udp":  # by TLS it tells an address of no use to media
        gives = ("srflx",)
    return ServerProbe(
        url=access.url,
        by="engine",
        ok=rtt_s is not None,
        transport=access.transport,
        time_s=time.time(),
        rtt_s=rtt_s,
        candidate_types=gives,
        error_code=code,
        error=sentence,
    )


async def _first(access: Access, addresses: Sequence[str], each_s: float) -> float:
    """The time of the first address that answers; raises the most telling error where none does."""
    errors: list[Exception] = []
    for address in addresses:
        try:
            async with asyncio.timeout(each_s):
                if access.kind == "turn":
                    return await _allocate(access, address)
                if access.transport == "udp":
                    return await _bind(access.endpoint(address))
                return await _bind_by_tls(access.endpoint(address))
        except ERRORS as error:
            errors.append(error)
    raise most_telling(errors)


class _Asker(asyncio.DatagramProtocol):
    """A socket for one STUN transaction."""

    def __init__(self) -> None:
        self.transactions: dict[bytes, stun.Transaction] = {}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Ends with what the network says, a closed port for example."""
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # the selector loop's is not a subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            message = stun.parse_message(data)
        except ERRORS:
            return  # not STUN: whatever it is, it is no answer
        transaction = self.transactions.get(message.transaction_id)
        if transaction is not None:
            transaction.response_received(message, addr)

    def error_received(self, exc: Exception) -> None:
        if not self.failed.done():
            self.failed.set_exception(exc)

    def send_stun(self, message: stun.Message, addr: tuple[str, int]) -> None:
        """Called by the transaction."""
        assert self._transport is not None
        self._transport.sendto(bytes(message))  # the socket is connected


async def _bind(server: tuple[str, int]) -> float:
    """One binding request over UDP; the time of the transaction in seconds."""
    loop = asyncio.get_running_loop()
    transport, asker = await loop.create_datagram_endpoint(_Asker, remote_addr=server)
    request = _binding_request()
    transaction = stun.Transaction(request, server, asker)
    asker.transactions[request.transaction_id] = transaction
    began_s = time.monotonic()
    answered = asyncio.ensure_future(transaction.run())
    try:
        await asyncio.wait((answered, asker.failed), return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            asker.failed.result()
        response, _ = answered.result()
        _check(response)
        return time.monotonic() - began_s
    finally:
        answered.cancel()
        if not asker.failed.cancel():
            asker.failed.exception()  # it is told, or the answer came all the same
        transport.close()


async def _bind_by_tls(server: tuple[str, int]) -> float:
    """The same over TLS, which is how ``stuns:`` asks (RFC 8489, section 6.2.3)."""
    reader, writer = await asyncio.open_connection(*server, ssl=tls())
    try:
        request = _binding_request()
        began_s = time.monotonic()
        writer.write(bytes(request))
        header = await reader.readexactly(HEADER_BYTES)
        answer = header + await reader.readexactly(int.from_bytes(header[2:4], "big"))
        rtt_s = time.monotonic() - began_s
        _check(stun.parse_message(answer))
        return rtt_s
    finally:
        writer.close()


def _binding_request() -> stun.Message:
    return stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)


def _check(response: stun.Message) -> None:
    """Raises what is wrong with an answer."""
    if response.message_class == stun.Class.ERROR:
        raise stun.TransactionFailed(response)
    if "XOR-MAPPED-ADDRESS" not in response.attributes:
        raise ValueError("it tells no address")


async def _allocate(access: Access, address: str) -> float:
    """Allocate, and give it back; the time of the latter in seconds: one transaction, with authentication."""
    how = access.allocation
    transport, _ = await turn.create_turn_endpoint(
        asyncio.DatagramProtocol,
        server_addr=access.endpoint(address),
        username=how["turn_username"],
        password=how["turn_password"],
        ssl=how["turn_ssl"],
        transport=how["turn_transport"],
    )
    began_s = time.monotonic()
    await free(transport)
    return time.monotonic() - began_s
