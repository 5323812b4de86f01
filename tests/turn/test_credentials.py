"""Who gets an allocation of a real coturn: credentials good, expired, wrong, used again, too many."""

import asyncio
import time

import pytest
from aioice import stun
from msgspec.structs import replace

from nbrtc.ice.credentials import expiry_of, issue
from tests.turn.client import Allocation, answer_to, code_of, connect
from tests.turn.conftest import NewLoop, StartCoturn
from tests.turn.coturn import Coturn
from tests.turn.namespaces import LoopIn

QUOTA = 3
TTL_S = 4.0
"""Long enough to allocate on a busy machine."""


@pytest.fixture
def server(start_coturn: StartCoturn) -> Coturn:
    return start_coturn(user_quota=QUOTA)


@pytest.fixture
def loop(server: Coturn, new_loop: NewLoop) -> LoopIn:
    return new_loop()


def test_good_credentials_give_an_allocation_and_all_others_are_refused(server: Coturn, loop: LoopIn) -> None:
    good = server.entry()
    expiry, _, participant = str(good.username).partition(":")
    refused = {
        "expired": server.entry(ttl_s=600, age_s=660),
        "of another secret": replace(good, credential=issue("another", "ada", 3600, time.time()).credential),
        "a wrong password": replace(good, credential="nonsense"),
        "a life prolonged": replace(good, username=f"{int(expiry) + 3600}:{participant}"),
        "somebody else's name": replace(good, username=f"{expiry}:bob"),
        "no expiry": replace(good, username=participant),
        "none": replace(good, username=None, credential=None),
    }

    assert loop.run(code_of(good)) is None
    assert {what: loop.run(code_of(entry)) for what, entry in refused.items()} == dict.fromkeys(refused, 401)
    assert loop.run(code_of(good)) is None, "refusing has harmed the server"


def test_an_expired_credential_serves_nobody_and_its_allocation_lives_on(
    server: Coturn, loop: LoopIn
) -> None:
    entry = server.entry(ttl_s=TTL_S)

    async def use_until_refused() -> None:
        allocation = await Allocation.open(entry)
        assert await code_of(entry) is None, "within its life it serves a second connection, too"
        while await code_of(entry) != 401:  # noqa: ASYNC110 - the server says nothing by itself
            await asyncio.sleep(0.3)
        assert time.time() >= (expiry_of(entry.username) or 0), "it was refused too early"
        await allocation.permit(server.address)
        await allocation.close()

    loop.run(use_until_refused())


def test_a_recorded_request_is_worth_nothing_to_whoever_repeats_it(server: Coturn, loop: LoopIn) -> None:
    async def record_and_repeat() -> int:
        protocol = await connect(server.entry())
        said: list[bytes] = []
        send = protocol._send

        def note_and_send(data: bytes) -> None:
            said.append(data)
            send(data)

        protocol._send = note_and_send
        await protocol.connect()
        await protocol.delete()
        asked = [data for data in said if stun.parse_message(data).message_method == stun.Method.ALLOCATE]
        assert "USERNAME" in stun.parse_message(asked[-1]).attributes
        return await answer_to(asked[-1], (server.address, server.port))

    # its nonce was given to another address (RFC 8489, section 9.2.4): it is stale here
    assert loop.run(record_and_repeat()) in (401, 438)


def test_the_quota_is_a_participants_own_and_comes_back(server: Coturn, loop: LoopIn) -> None:
    async def fill_and_empty() -> None:
        ada = server.entry(participant="ada")
        allocations = [await Allocation.open(ada) for _ in range(QUOTA)]
        assert await code_of(ada) == 486
        # a later credential is still hers: only what stands behind the time counts
        assert await code_of(server.entry(participant="ada", ttl_s=1800)) == 486
        assert await code_of(server.entry(participant="bob")) is None
        await allocations.pop().close()
        # coturn counts a session for a second after its end
        while (code := await code_of(ada)) == 486:  # noqa: ASYNC110 - the server says nothing by itself
            await asyncio.sleep(0.2)
        assert code is None
        for allocation in allocations:
            await allocation.close()

    loop.run(fill_and_empty())
