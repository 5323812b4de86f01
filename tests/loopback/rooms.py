"""A room server that may go and come back, a wire that may be cut, and listeners that remember."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from nbrtc.errors import RoomError
from nbrtc.messages import (
    ChatMessage,
    IceCandidate,
    IceServerEntry,
    Participant,
    ParticipantStatus,
    PeerSignal,
    RoomInfo,
    RoomPhase,
    RoomTicket,
    SessionDescription,
)
from nbrtc.signaling.client import RoomClient, ServerAddress
from nbrtc.signaling.server import ServerOptions, SignalingServer


async def until(condition: Callable[[], object], what: str = "a condition", *, s: float = 60) -> None:
    """Wait for a condition; the limit is for a test that fails."""
    loop = asyncio.get_running_loop()
    limit_s = loop.time() + s
    while not condition():
        if loop.time() > limit_s:
            pytest.fail(f"Waited {s:.0f} s in vain for {what}")
        await asyncio.sleep(0.005)


class Ear:
    """A listener that remembers everything."""

    def __init__(self) -> None:
        self.rooms: list[RoomInfo] = []
        self.participants: tuple[Participant, ...] = ()
        self.joined: list[str] = []
        self.left: list[tuple[str, str]] = []
        self.signals: list[PeerSignal] = []
        self.chat: list[ChatMessage] = []
        self.seats: list[tuple[str, str | None]] = []
        self.ice: list[tuple[tuple[IceServerEntry, ...], float | None, bool]] = []

    def on_room(self, room: RoomInfo) -> None:
        self.rooms.append(room)

    def on_participants(self, participants: tuple[Participant, ...]) -> None:
        self.participants = participants

    def on_joined(self, participant: Participant) -> None:
        self.joined.append(participant.name)

    def on_left(self, participant: Participant, reason: str) -> None:
        self.left.append((participant.name, reason))

    def on_signal(self, signal: PeerSignal) -> None:
        self.signals.append(signal)

    def on_chat(self, messages: tuple[ChatMessage, ...]) -> None:
        self.chat.extend(messages)

    def on_seat(self, participant: str, resume_token: str | None) -> None:
        self.seats.append((participant, resume_token))

    def on_ice(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, collects_analytics: bool
    ) -> None:
        self.ice.append((servers, expires_at_s, collects_analytics))

    @property
    def phases(self) -> list[RoomPhase]:
        """Each phase once, in their order."""
        found: list[RoomPhase] = []
        for room in self.rooms:
            if not found or found[-1] != room.phase:
                found.append(room.phase)
        return found

    @property
    def names(self) -> list[str]:
        return [participant.name for participant in self.participants]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.chat]

    @property
    def candidates(self) -> list[str]:
        return [signal.candidate.candidate for signal in self.signals if signal.candidate is not None]


class Member(RoomClient):
    """A room client with its listener."""

    def __init__(self, name: str, hall: "Hall", ticket: RoomTicket, **options: Any) -> None:
        self.ear = Ear()
        self.hall = hall
        options = {"find_server": hall.find} | options
        super().__init__(ticket, name, self.ear, **options)

    @property
    def me(self) -> str:
        return self.room.me

    def who(self, name: str) -> Participant:
        """Somebody of this name, as this member sees them."""
        return next(one for one in self.ear.participants if one.name == name)

    def sees(self, *names: str) -> bool:
        """Whether it is in the room, with exactly these, and all are connected."""
        is_here = self.room.phase == "joined" and sorted(self.ear.names) == sorted(names)
        return is_here and all(one.is_connected for one in self.ear.participants)

    def send_candidate(self, to: str, text: str, generation: int = 1) -> None:
        self.signal(PeerSignal(peer=to, generation=generation, candidate=IceCandidate(candidate=text)))

    def send_offer(self, to: str, sdp: str = "v=0", generation: int = 1) -> None:
        description = SessionDescription(type="offer", sdp=sdp)
        self.signal(PeerSignal(peer=to, generation=generation, description=description))


class Wire:
    """A TCP connection's middle, on a port of its own: it may be cut, or carry nothing and say nothing."""

    def __init__(self) -> None:
        self.target_port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stall(self) -> None:
        """Nothing goes through any more, in either direction, and nobody is told."""
        self._flows.clear()

    def resume(self) -> None:
        self._flows.set()

    def cut(self) -> None:
        """End every connection at once. New ones are taken."""
        for writer in self._writers:
            writer.transport.abort()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
            self._writers.add(back)
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        except OSError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


class Hall:
    """A server, and its members. Everything is closed by `close`."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.server: SignalingServer | None = None
        self.members: list[Member] = []
        self.wires: list[Wire] = []
        self.port = 0
        self.token: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Start a server that knows nobody, on the port of the one before it."""
        self.server = SignalingServer(ServerOptions(port=self.port, **self.options))
        await self.server.start()
        self.port = self.server.port

    async def shut(self) -> None:
        if self.server is not None:
            await self.server.close()
            self.server = None

    def status_of(self, member: "Member") -> ParticipantStatus:
        """What the server has as a member's status."""
        assert self.server is not None
        return self.server.lobby.rooms[member.room.id].seats[member.me].status

    async def find(self) -> ServerAddress:
        return ServerAddress(self.url, self.token)

    async def wire(self) -> Wire:
        """A wire to the server, for `find_server` of one member."""
        wire = Wire()
        wire.target_port = self.port
        await wire.start()
        self.wires.append(wire)
        return wire

    def member(self, name: str, room: str = "physics", *, wire: Wire | None = None, **options: Any) -> Member:
        """A member that has not joined yet; options are of the ticket, or of the client."""
        of_client = {
            key: options.pop(key)
            for key in ("find_server", "is_python", "returns", "clock")
            if key in options
        }
        if wire is not None:

            async def through() -> ServerAddress:
                return ServerAddress(f"http://127.0.0.1:{wire.port}", self.token)

            of_client["find_server"] = through
        member = Member(name, self, RoomTicket(room=room, **options), **of_client)
        self.members.append(member)
        return member

    async def joined(self, *names: str, **options: Any) -> list[Member]:
        """Members that joined one after the other and see each other."""
        members = [self.member(name, **options) for name in names]
        for member in members:
            await member.join()
        await until(lambda: all(member.sees(*names) for member in members), f"{names} in the room")
        return members

    async def close(self) -> None:
        for member in self.members:
            await member.close()
        for wire in self.wires:
            await wire.close()
        await self.shut()


async def refusal(member: Member) -> RoomError:
    """The error of joining, after a look at what the listener was told."""
    with pytest.raises(RoomError) as caught:
        await member.join()
    assert member.ear.phases == ["joining", "refused"]
    assert (member.room.code, member.room.reason) == (caught.value.reason, str(caught.value))
    assert member.room.me == ""
    assert member.ear.participants == ()
    return caught.value


async def nowhere() -> ServerAddress:
    """No server is to be found."""
    raise RoomError("There is no server.", "unreachable")
