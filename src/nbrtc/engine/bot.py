"""One Bot in the engine: a participant of a room without a page, which sends and receives by itself.

All on the engine's loop. A Bot joins when it is made; the room client says who is there, the mesh connects
with them, and the state that the kernel mirrors is put together here.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import CallError, RoomError
from ..messages import (
    CallState,
    ChangeIce,
    ChatArrived,
    ChatMessage,
    EngineStatus,
    EventArrived,
    IceArrived,
    IceRecord,
    IceServerEntry,
    Join,
    LeaveCall,
    Notification,
    OpenBot,
    Participant,
    ParticipantStatus,
    PeerSignal,
    PeerState,
    Phase,
    ProbesArrived,
    ProbeServers,
    Problem,
    Quality,
    RoomInfo,
    RoomPhase,
    RoomTicket,
    Say,
    StateChanged,
    StatsArrived,
    StatsSample,
    TicketChanged,
    Verb,
)
from ..messages.signaling import IceOutcomeJson, TurnCredentialsJson
from ..rooms.wishes import unmet
from .broadcast import Broadcast
from .chronicle import changes
from .clips import Clips
from .ice_desk import IceDesk
from .member import Doors
from .mesh import Mesh
from .sampler import Sampler
from .stay import recordings_of, was_inside, without_seat
from .supply import Supply
from .tasks import Tasks
from .voice import Voice

if TYPE_CHECKING:
    from ..signaling.client import RoomClient

logger = logging.getLogger(__name__)

MEASURED_S = 1.0
"""Between two polls of the statistics."""
PICTURES_FPS = 30.0
"""What a file's rate is taken for where its bitrate is chosen."""

PHASES: dict[RoomPhase, Phase] = {
    "outside": "idle",
    "joining": "connecting",
    "joined": "connected",
    "reconnecting": "reconnecting",
    "refused": "failed",
}


class BotSession:
    """The engine's side of one `nbrtc.Bot`.

    Parameters
    ----------
    opening
        What the kernel said of it, with a seat if an earlier engine had one.
    notify
        Sends a notification to the kernel.
    doors
        Makes the room clients.
    """

    def __init__(self, opening: OpenBot, notify: Callable[[Notification], None], doors: Doors) -> None:
        self._opening, self._notify, self._doors = opening, notify, doors
        self._ticket = opening.ticket
        self._broadcast = Broadcast(opening.fps or PICTURES_FPS) if opening.video is not None else None
        self._voice = Voice() if opening.audio is not None else None
        self.ice = IceDesk(
            opening.ice_servers,
            opening.ice_options,
            on_change=lambda: self._change(ice=self.ice.decision),
            on_probes=lambda probes: notify(ProbesArrived(call=opening.call, probes=probes)),
            on_outcome=lambda outcome: self.report_outcomes((outcome.to_json(),)),
            on_problem=lambda sentence: self._problem("ice-history", sentence),
            call=opening.call,
            in_room=True,
        )
        self._mesh = Mesh(
            broadcast=self._broadcast,
            voice=self._voice,
            signal=self._signal,
            on_state=self._peer_changed,
            problem=self._problem,
            ice=self.ice,
            on_records=self._traced,
        )
        self.gallery = self.studio = Supply(self._broadcast, lambda wanted: self._change(wanted=wanted))
        """Where the host brings credits and pictures of the kernel."""
        self._clips = Clips(opening, self.studio.show, self._voice, self._problem)
        self._people: tuple[Participant, ...] = ()
        self.stay: Stay | None = None
        """The present one; None outside the room."""
        self._tasks = Tasks()
        self._closed = False
        width, height = opening.size or (640, 480)
        rate = min(max(opening.fps or PICTURES_FPS, 1.0), 60.0)
        self._state = CallState(
            quality=Quality(min(max(width, 16), 3840), min(max(height, 16), 2160), rate),
            epoch=opening.epoch,
            ice=self.ice.decision,
            participants=(self._alone(),),
            room=RoomInfo(id=self._ticket.room, name=self._ticket.room),
        )
        self._tell_changes(None)
        self._sampler = Sampler(lambda: MEASURED_S, self._measure)
        self._sampler.start()
        self._join()

    async def from_kernel(self, verb: Verb) -> object:
        """Carry out a verb of the Bot; the result goes back to the kernel, errors are raised."""
        match verb:
            case Join():
                if self.stay is None:
                    self._join()
            case LeaveCall():
                await self._leave("The Bot left the room.")
            case Say():
                if self.stay is None or self.stay.client is None:
                    raise RoomError(
                        f'Nobody hears this: the Bot is not in "{self._ticket.room}".', "not-in-room"
                    )
                return await self.stay.client.chat(verb.text, verb.to)
            case ProbeServers():
                return await self.ice.probe(verb.timeout_s)
            case ChangeIce():
                if (sentence := self.ice.change(verb.ice_servers, verb.ice_options)) is not None:
                    raise CallError(sentence)
            case EngineStatus():
                return self._figures(time.monotonic())
            case _:
                raise CallError(f"A Bot has no {type(verb).__name__}.")
        return None

    async def close(self, code: str, reason: str) -> None:
        """Leave for good and free everything. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._sampler.stop()
        await self._leave(reason)
        self._change(phase="closed", reason=reason)
        if self._broadcast is not None:
            await self._broadcast.close()
        await self.gallery.close()
        await self.ice.close()
        await self._tasks.finish()
        await self._clips.play(False)  # whatever was still under way

    # --- joining and leaving

    def _join(self) -> None:
        stay = self.stay = Stay(self)
        room = RoomInfo(id=self._ticket.room, name=self._ticket.room, phase="joining")
        self._change(phase="connecting", reason="", room=room)
        stay.task = asyncio.create_task(self._enter(stay), name="nbrtc-bot-join")

    async def _enter(self, stay: "Stay") -> None:
        try:
            returns = was_inside(self._ticket)
            if self._ticket.resume_token is not None:
                await self._give_up_seat(self._ticket)
            client = stay.client = await self._doors.client(
                self._ticket, self._opening.name, stay, is_python=True, returns=returns
            )
            client.set_status(self._status())
            await client.join()
            if (sentence := self.ice.problem) is not None:
                raise RoomError(sentence, "no-turn")
        except RoomError as error:
            await self._refuse(stay, error.reason, str(error))
        except Exception as error:
            logger.exception("The room %s could not be joined", self._ticket.room)
            what = f"The room could not be joined ({type(error).__name__}: {error})."
            await self._refuse(stay, "server-error", what)

    async def _give_up_seat(self, ticket: RoomTicket) -> None:
        """Leave the seat of an engine that is gone.

        Its connections went with it. Whoever was connected sees the one leave and the other come, and calls
        at once, instead of waiting until the old connection is noticed to be dead.
        """
        self._keep_ticket(without_seat(ticket))
        client = await self._doors.client(ticket, self._opening.name, Stay(self), is_python=True)
        try:
            await client.join()
        except RoomError as error:
            logger.info("The earlier engine's seat was not there any more: %s", error)
        finally:
            await client.close()

    async def _refuse(self, stay: "Stay", code: str, reason: str) -> None:
        """The room does not want the Bot, or is out of reach."""
        if stay is not self.stay:
            return
        self.stay = None
        room = msgspec.structs.replace(self._room, phase="refused", code=code, reason=reason, me="")
        self._problem(f"{RoomError.code}/{code}", reason)
        await self._part(stay)
        # the next attempt is answered at once
        self._keep_ticket(msgspec.structs.replace(self._ticket, left_s=None))
        self._change(phase="failed", reason=reason, room=room, participants=(self._alone(),))

    async def _leave(self, reason: str) -> None:
        stay, self.stay = self.stay, None
        if stay is None:
            return
        if stay.task is not None:
            stay.task.cancel()
            await asyncio.gather(stay.task, return_exceptions=True)
        await self._part(stay)
        room = msgspec.structs.replace(self._room, phase="outside", me="", reason="")
        self._change(phase="idle", reason=reason, room=room, participants=(self._alone(),))

    async def _part(self, stay: "Stay") -> None:
        """Nobody is connected any more, and the room knows it."""
        if stay.client is not None:
            await stay.client.close()
        for person in self._people:
            self.gallery.others.remove(person.id, "left")
        self._people = ()
        await self._mesh.leave()
        await self._clips.play(False)
        self._keep_ticket(without_seat(self._ticket))

    # --- what the room says: called by the present stay

    def heard_room(self, info: RoomInfo) -> None:
        """The room, or where the Bot stands with it, changed."""
        if info.phase == "refused":
            if self.stay is not None:
                self._tasks.spawn(self._refuse(self.stay, info.code, info.reason), "nbrtc-bot-refused")
            return
        if self.ice.problem is None:  # else the room is about to be left
            has_joined = info.phase == "joined" and self._state.phase == "connecting"
            if has_joined and (sentence := unmet(self._ticket, info)):
                self._problem(f"{RoomError.code}/settings", sentence)
            self._change(room=info, phase=PHASES[info.phase], reason=info.reason)

    def heard_people(self, people: tuple[Participant, ...]) -> None:
        """Somebody came, went, or is different."""
        if self.ice.problem is not None:
            return
        gone = {person.id for person in self._people} - {person.id for person in people}
        self._people = people
        self._mesh.meet(people)
        for identity in gone:
            self.gallery.others.remove(identity, "left")
        self._show_people()
        if gone:
            self._follow()
        else:
            self._tell_status()  # a recording began or ended

    def heard_signal(self, signal: PeerSignal) -> None:
        """A description or candidate of another participant."""
        self._mesh.take(signal)

    def heard_chat(self, messages: tuple[ChatMessage, ...]) -> None:
        """Somebody wrote, or this is what was written before."""
        self._notify(ChatArrived(call=self._opening.call, messages=messages))

    def heard_seat(self, participant: str, resume_token: str | None) -> None:
        """What takes the Bot's seat again, should this engine go."""
        seat = {"participant": participant, "resume_token": resume_token}
        self._keep_ticket(msgspec.structs.replace(self._ticket, **seat))

    def heard_ice(self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None) -> None:
        """The STUN and TURN servers that the room's server issues, at each join."""
        self.ice.issued(servers, expires_at_s, self._turn_credentials)
        self.ice.offered()
        has_joined = self._state.phase == "reconnecting"  # else `_enter` looks
        if has_joined and (sentence := self.ice.problem) is not None and self.stay is not None:
            self._tasks.spawn(self._refuse(self.stay, "no-turn", sentence), "nbrtc-bot-refused")

    def report_outcomes(self, outcomes: Iterable[IceOutcomeJson]) -> None:
        """How connections went, for the room's server where it collects that; else nothing happens."""
        if self.stay is not None and self.stay.client is not None:
            self.stay.client.report_outcomes(outcomes)

    async def _turn_credentials(self) -> TurnCredentialsJson:
        if self.stay is None or self.stay.client is None:
            raise RoomError("The room that issues TURN credentials is not joined.", "not-in-room")
        return await self.stay.client.turn_credentials()

    # --- what the mesh says

    def _signal(self, signal: PeerSignal) -> None:
        if self.stay is not None and self.stay.client is not None:
            self.stay.client.signal(signal)

    def _traced(self, records: tuple[IceRecord, ...]) -> None:
        """What was seen of the connections' ICE."""
        self.ice.take_records(records)
        self._notify(IceArrived(call=self._opening.call, records=records))

    def _peer_changed(self, identity: str, state: PeerState) -> None:
        peer = self._mesh.peers.get(identity)
        if state == "connected" and peer is not None and peer.video is not None:
            self.gallery.others.attach(identity, peer.video.feed)
        else:
            self.gallery.others.detach(identity)
        self._show_people()
        self._follow()

    def _follow(self) -> None:
        """What depends on who is connected: clips play for somebody, and everybody hears who is received."""
        self._tasks.spawn(self._clips.play(bool(self._mesh.connected)), "nbrtc-bot-play")
        self._tell_status()

    def _tell_status(self) -> None:
        if self.stay is not None and self.stay.client is not None:
            self.stay.client.set_status(self._status())

    # --- state

    @property
    def _room(self) -> RoomInfo:
        room = self._state.room
        assert room is not None  # a Bot always has one
        return room

    def _alone(self) -> Participant:
        status = ParticipantStatus(muted=self._voice is None, video_off=self._broadcast is None)
        return Participant(id="you", name=self._opening.name, is_python=True, is_you=True, status=status)

    def _status(self) -> ParticipantStatus:
        """What the others are told. It acknowledges every recording: it has no view for a badge."""
        return ParticipantStatus(
            muted=self._voice is None,
            video_off=self._broadcast is None,
            receives=self._mesh.connected,
            acknowledges=recordings_of(self._people),
        )

    def _show_people(self) -> None:
        states = self._mesh.states
        people = tuple(
            msgspec.structs.replace(
                person, connection="connected" if person.is_you else states.get(person.id, "new")
            )
            for person in self._people
        )
        if people and people != self._state.participants:
            self._change(participants=people)

    def _change(self, **fields: Any) -> None:
        before = self._state
        sends = fields.get("phase", self._state.phase) in ("connected", "reconnecting")
        self._state = msgspec.structs.replace(
            self._state,
            revision=self._state.revision + 1,
            camera_on=sends and self._broadcast is not None,
            microphone_on=sends and self._voice is not None,
            **fields,
        )
        self._notify(StateChanged(call=self._opening.call, state=self._state))
        self._tell_changes(before)

    def _tell_changes(self, before: CallState | None) -> None:
        for event in changes(before, self._state, time.time()):
            self._notify(EventArrived(call=self._opening.call, event=event))

    def _measure(self) -> None:
        """What Python's end of each connection has counted."""
        for identity, peer in self._mesh.peers.items():
            if reports := peer.reports():
                sample = StatsSample(
                    time_s=time.time(), peer=identity, generation=peer.generation, reports=reports
                )
                self._notify(StatsArrived(call=self._opening.call, sample=sample))

    def _problem(self, code: str, message: str) -> None:
        self._notify(Problem(call=self._opening.call, code=code, message=message))

    def _keep_ticket(self, ticket: RoomTicket) -> None:
        if ticket != self._ticket:
            self._ticket = ticket
            self._notify(TicketChanged(call=self._opening.call, name=self._opening.name, ticket=ticket))

    def _figures(self, now_s: float) -> dict[str, object]:
        figures: dict[str, object] = {
            "peers": {identity: peer.figures(now_s) for identity, peer in self._mesh.peers.items()}
        }
        if self._broadcast is not None:
            figures |= self._broadcast.figures(now_s)
        if self._voice is not None:
            figures["audio_packets"] = self._voice.packets
        return figures


class Stay:
    """One stay in the room: hears its client as long as it is the Bot's present one."""

    def __init__(self, bot: BotSession) -> None:
        self.client: RoomClient | None = None
        self.task: asyncio.Task[None] | None = None
        self._bot = bot

    @property
    def _is_present(self) -> bool:
        return self._bot.stay is self

    def on_room(self, room: RoomInfo) -> None:
        """See `RoomListener`, like the others."""
        if self._is_present:
            self._bot.heard_room(room)

    def on_participants(self, participants: tuple[Participant, ...]) -> None:
        """Everybody in the room."""
        if self._is_present:
            self._bot.heard_people(participants)

    def on_joined(self, participant: Participant) -> None:
        """Told by `on_participants`, too."""

    def on_left(self, participant: Participant, reason: str) -> None:
        """Told by `on_participants`, too."""

    def on_signal(self, signal: PeerSignal) -> None:
        """A description or candidate."""
        if self._is_present:
            self._bot.heard_signal(signal)

    def on_chat(self, messages: tuple[ChatMessage, ...]) -> None:
        """New messages."""
        if self._is_present:
            self._bot.heard_chat(messages)

    def on_seat(self, participant: str, resume_token: str | None) -> None:
        """What takes the seat again."""
        if self._is_present:
            self._bot.heard_seat(participant, resume_token)

    def on_ice(
        self, servers: tuple[IceServerEntry, ...], expires_at_s: float | None, collects_analytics: bool
    ) -> None:
        """The servers that the room's server issues."""
        if self._is_present:
            self._bot.heard_ice(servers, expires_at_s)
