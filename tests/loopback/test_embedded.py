"""The room server that nobody set up: found, taken over, and closed to everybody else."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from nbrtc.errors import RoomError
from nbrtc.signaling import embedded
from nbrtc.signaling.access import verify_token
from nbrtc.signaling.client import ServerAddress
from nbrtc.signaling.embedded import EmbeddedServer, Notice
from tests.loopback.rooms import Hall, Member, until

OWNER = """
import asyncio, sys
from pathlib import Path
from nbrtc.signaling.embedded import EmbeddedServer

async def own():
    server = EmbeddedServer(Path(sys.argv[1]))
    print((await server.find("physics")).url, server.is_owner, flush=True)
    await asyncio.Event().wait()

asyncio.run(own())
"""


@pytest.fixture
async def new_server(tmp_path: Path) -> AsyncIterator[Callable[[], EmbeddedServer]]:
    """Makes the embedded servers of several engines, closed in the end."""
    folder = tmp_path / "runtime"
    folder.mkdir(mode=0o700)
    made: list[EmbeddedServer] = []

    def make() -> EmbeddedServer:
        made.append(EmbeddedServer(folder))
        return made[-1]

    yield make
    for server in made:
        await server.close()


@pytest.fixture
async def new_member() -> AsyncIterator[Callable[[str, EmbeddedServer], Member]]:
    hall = Hall()

    def make(name: str, server: EmbeddedServer) -> Member:
        async def find() -> ServerAddress:
            return await server.find("physics")

        return hall.member(name, find_server=find)

    yield make
    await hall.close()


def notice(server: EmbeddedServer) -> Notice:
    return msgspec.json.decode(server.path.read_bytes(), type=Notice)


def is_back(member: Member) -> bool:
    return "reconnecting" in member.ear.phases and member.sees("Bob", "Cleo")


NewServer = Callable[[], EmbeddedServer]
NewMember = Callable[[str, EmbeddedServer], Member]


async def test_the_first_that_asks_runs_the_server_and_the_others_find_it(
    new_server: NewServer, new_member: NewMember
) -> None:
    first, second = new_server(), new_server()
    ada, bob = new_member("Ada", first), new_member("Bob", second)
    await ada.join()
    await bob.join()
    await until(lambda: ada.sees("Ada", "Bob"))

    assert (first.is_owner, second.is_owner) == (True, False)
    assert ada.room.server == bob.room.server
    assert ada.room.server.startswith("http://127.0.0.1:")


async def test_nothing_is_started_before_somebody_asks(new_server: NewServer) -> None:
    server = new_server()
    await server.close()

    assert not server.path.exists()
    with pytest.raises(RoomError):
        await server.find("physics")


async def test_of_many_that_start_at_once_one_wins(new_server: NewServer) -> None:
    servers = [new_server() for _ in range(8)]
    found = await asyncio.gather(*(server.find("physics") for server in servers for _ in range(2)))

    assert len({address.url for address in found}) == 1
    assert sum(server.is_owner for server in servers) == 1


async def test_tokens_are_for_one_room(new_server: NewServer) -> None:
    server = new_server()
    address = await server.find("physics")
    assert address.token is not None
    claims = verify_token(notice(server).secret, address.token)

    assert (claims.room, claims.role, claims.subject) == ("physics", "owner", None)


async def test_nobody_comes_in_without_a_token(new_server: NewServer) -> None:
    address = await new_server().find("physics")
    hall = Hall()
    for token in (None, "made up"):

        async def find(token: str | None = token) -> ServerAddress:
            return ServerAddress(address.url, token)

        with pytest.raises(RoomError) as caught:
            await hall.member("Eve", find_server=find).join()
        assert caught.value.reason == "not-allowed"

    async def find_elsewhere() -> ServerAddress:
        return ServerAddress(address.url, address.token)

    with pytest.raises(RoomError, match="not for the room"):
        await hall.member("Eve", room="chemistry", find_server=find_elsewhere).join()
    await hall.close()


async def test_when_the_owner_closes_another_takes_over_and_the_room_goes_on(
    new_server: NewServer, new_member: NewMember
) -> None:
    first, second, third = new_server(), new_server(), new_server()
    await first.find("elsewhere")
    bob, cleo = new_member("Bob", second), new_member("Cleo", third)
    await bob.join()
    await cleo.join()
    ids, url, invitation = {bob.me, cleo.me}, bob.room.server, bob.room.invite_url
    await first.close()
    await until(lambda: second.is_owner or third.is_owner, "a new owner")
    await until(lambda: all(map(is_back, (bob, cleo))), "everybody to be back")

    assert {bob.me, cleo.me} == ids
    assert bob.room.server == cleo.room.server == url
    assert second.is_owner != third.is_owner
    assert bob.ear.left == cleo.ear.left == []
    token = invitation.partition("#token=")[2]
    assert verify_token(notice(second).secret, token).room == "physics"
    await bob.chat("still here")
    await until(lambda: cleo.ear.texts == ["still here"])


async def test_when_the_owner_is_killed_another_takes_over_and_the_room_goes_on(
    new_server: NewServer, new_member: NewMember
) -> None:
    second, third = new_server(), new_server()
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(second.path.parent), stdout=subprocess.PIPE
    )
    try:
        assert owner.stdout is not None
        url, is_owner = (await owner.stdout.readline()).decode().split()
        assert is_owner == "True"
        bob, cleo = new_member("Bob", second), new_member("Cleo", third)
        await bob.join()
        await cleo.join()
        assert bob.room.server == url
        ids = {bob.me, cleo.me}
        owner.send_signal(signal.SIGKILL)
        await until(lambda: second.is_owner or third.is_owner, "a new owner")
        await until(lambda: all(map(is_back, (bob, cleo))), "everybody to be back")
    finally:
        if owner.returncode is None:
            owner.kill()
        await owner.wait()

    assert {bob.me, cleo.me} == ids
    assert bob.room.server == url
    assert bob.ear.left == cleo.ear.left == []


async def test_a_port_that_is_somebody_elses_now_is_left_to_them(new_server: NewServer) -> None:
    first, second = new_server(), new_server()
    await first.find("physics")
    secret = notice(first).secret
    await first.close()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", notice(first).port))
        squatter.listen()
        await second.find("physics")

        assert notice(second).port != squatter.getsockname()[1]
        assert notice(second).secret == secret


async def test_the_address_of_an_owner_that_was_killed_is_not_believed(
    new_server: NewServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its death and the next owner's start, anybody may sit on its port."""
    monkeypatch.setattr(embedded, "APPEAR_S", 0.2)
    owner, other = new_server(), new_server()
    await owner.find("physics")
    gone = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await gone.wait()
    owner._write(msgspec.structs.replace(notice(owner), pid=gone.pid))

    with pytest.raises(RoomError, match="does not come up"):
        await other.find("physics")


# --- the file


async def test_only_this_user_can_read_the_file(new_server: NewServer) -> None:
    server = new_server()
    await server.find("physics")

    for path in server.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert len(list(server.path.parent.iterdir())) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"secret":"AAAA","port":1,"pid":1}', b"x" * 10_000])
async def test_a_damaged_file_is_written_anew(new_server: NewServer, content: bytes) -> None:
    server = new_server()
    server.path.write_bytes(content)
    server.path.chmod(0o600)
    await server.find("physics")

    assert notice(server).pid == os.getpid()


async def refused(server: EmbeddedServer) -> str:
    with pytest.raises(RoomError) as caught:
        await server.find("physics")
    assert caught.value.reason == "not-allowed"
    assert not server.is_owner
    return str(caught.value)


async def test_a_file_that_others_can_read_is_refused(new_server: NewServer) -> None:
    server = new_server()
    server.path.write_bytes(b"{}")
    server.path.chmod(0o644)

    assert "only you can read" in await refused(server)
    server.path.unlink()
    await server.find("physics")


async def test_a_symbolic_link_is_refused(new_server: NewServer, tmp_path: Path) -> None:
    server = new_server()
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(msgspec.json.encode(Notice(b"x" * 32, 1, os.getpid())))
    elsewhere.chmod(0o600)
    server.path.symlink_to(elsewhere)

    assert "delete it" in await refused(server)


async def test_a_folder_that_others_can_write_to_is_refused(new_server: NewServer) -> None:
    server = new_server()
    server.path.parent.chmod(0o777)

    assert "chmod 700" in await refused(server)


async def test_the_error_reaches_the_person_who_joins(new_server: NewServer, new_member: NewMember) -> None:
    server = new_server()
    server.path.parent.chmod(0o777)
    ada = new_member("Ada", server)
    with pytest.raises(RoomError):
        await ada.join()

    assert "chmod 700" in ada.room.reason


async def test_closing_twice_is_harmless_and_frees_the_lock(new_server: NewServer) -> None:
    first = new_server()
    await first.find("physics")
    await first.close()
    await first.close()

    assert notice(first).pid is None
    assert (await new_server().find("physics")).url
