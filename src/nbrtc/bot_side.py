"""The kernel's side of one Bot: the mirror of its state, and what the next engine must be told."""

import logging
import threading
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

import msgspec

from .bridge import Bridge
from .callbacks import Callbacks
from .chat import Chat, from_others
from .effect import describe
from .errors import CallError, EngineError
from .ice.decision import decide
from .ice.trail import IceTrail
from .messages import (
    CallState,
    ChangeIce,
    ChatArrived,
    EventArrived,
    IceArrived,
    IceOptions,
    IceServerSource,
    Notification,
    OpenBot,
    Participant,
    ParticipantStatus,
    ProbesArrived,
    Problem,
    Quality,
    RoomInfo,
    StateChanged,
    StatsArrived,
    StatsEvent,
    TicketChanged,
    Verb,
)
from .mirror import StateMirror
from .participants import Attendance, Participants
from .problems import Problems, worded
from .stats import StatsStore

logger = logging.getLogger(__name__)


class BotSide:
    """What a `Bot` is made of, beside its pictures. The bridge's client: a new engine hears all of it again.

    Parameters
    ----------
    bridge
        The way to the engine.
    opening
        The Bot as the user asked for it.
    folder
        What the engine plays from, removed in the end.
    """

    def __init__(
        self, bridge: Bridge, opening: OpenBot, folder: "TemporaryDirectory[str] | None" = None
    ) -> None:
        self.bridge = bridge
        self.problems = Problems()
        self.samples = StatsStore()
        self.trail = IceTrail()
        self.callbacks = Callbacks(self._callback_failed)
        status = ParticipantStatus(muted=opening.audio is None, video_off=opening.video is None)
        you = Participant(id="you", name=opening.name, is_python=True, is_you=True, status=status)
        state = CallState(
            quality=Quality(640, 480, 30),
            phase="connecting",
            participants=(you,),
            room=RoomInfo(opening.ticket.room, opening.ticket.room, phase="joining"),
            ice=decide(
                (url for source in opening.ice_servers for url in source.urls),
                opening.ice_options,
                now_s=time.time(),
            ),
        )
        self.mirror = StateMirror(state, lambda phase: self.callbacks.put("state", phase))
        self.participants = Participants(bridge, opening.call, self.mirror)
        self.chat = Chat(self.request, self.participants)
        self._attendance = Attendance()
        self._folder = folder
        self._opening = opening
        self._lock = threading.Lock()
        self._is_open = False

    @property
    def id(self) -> str:
        """The Bot's name between kernel and engine."""
        return self._opening.call

    @property
    def name(self) -> str:
        """As others see it."""
        return self._opening.name

    @property
    def ice(self) -> tuple[tuple[IceServerSource, ...], IceOptions]:
        """The servers and the options that the engine was told of."""
        return self._opening.ice_servers, self._opening.ice_options

    def open(self) -> None:
        """Tell the engine, and start one if there is none."""
        self._is_open = True
        try:
            self.bridge.register(self)
        except EngineError:
            self._is_open = False
            raise

    def close(self, reason: str) -> None:
        """Leave for good. Idempotent."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self.bridge.unregister(self, reason)
        except EngineError:
            logger.exception("The engine could not be told that the Bot was closed")
        self.mirror.finish(reason)
        self.samples.note(StatsEvent(time_s=time.time(), peer="", name="phase", value="closed"))
        self.samples.end()
        if self._folder is not None:
            self._folder.cleanup()

    def request(self, verb: Verb, timeout_s: float = 10.0) -> msgspec.Raw:
        """Ask the engine and wait for its word (see `Bridge.request`)."""
        if not self._is_open:
            raise CallError(f"The Bot is closed ({self.mirror.state.reason}): make a new Bot().")
        return self.bridge.request(self.id, verb, timeout_s)

    def change_ice(self, servers: tuple[IceServerSource, ...], options: IceOptions) -> None:
        """Make later connections with other servers or another policy, in every later engine, too."""
        self.request(ChangeIce(ice_servers=servers, ice_options=options))
        with self._lock:
            self._opening = msgspec.structs.replace(self._opening, ice_servers=servers, ice_options=options)

    # --- what the engine says; on the bridge's thread

    def opening(self, epoch: int) -> OpenBot:
        """What a new engine must know."""
        with self._lock:
            return msgspec.structs.replace(self._opening, epoch=epoch)

    def on_notification(self, notification: Notification) -> None:
        """The engine says something about this Bot."""
        match notification:
            case StateChanged(state=state):
                if self.mirror.take(state):
                    self._attend(state)
            case StatsArrived():
                self.samples.append(notification.sample)
            case EventArrived():
                self.samples.note(notification.event)
            case IceArrived():
                self.trail.add(notification.records)
            case ProbesArrived():
                self.trail.add_probes(notification.probes)
            case ChatArrived():
                for message in from_others(self.chat.take(notification.messages), self.mirror.state):
                    self.callbacks.put("chat", message)
            case TicketChanged(ticket=ticket) if ticket is not None:
                with self._lock:
                    self._opening = msgspec.structs.replace(self._opening, ticket=ticket)
            case Problem():
                self.problems.add(notification.code, notification.message)

    def on_engine_lost(self, reason: str) -> None:
        """The engine went; the next one joins again."""
        self.problems.add("engine", reason)
        self.mirror.lose(reason)

    def _attend(self, state: CallState) -> None:
        joined, left = self._attendance.take(state)
        for noun in left:
            self.callbacks.put("left", self.participants.face(noun))
        for noun in joined:
            self.callbacks.put("joined", self.participants.face(noun))

    def _callback_failed(self, callback: Callable[..., object], error: BaseException) -> None:
        logger.error("A callback failed", exc_info=error)
        self.problems.add("callback", f"{describe(callback)} raised {worded(error)}")
