"""What the kernel's sides of a `Call` and of a `Bot` have in common."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

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
    IceDecision,
    IceOptions,
    IceServerSource,
    Notification,
    OpenBot,
    OpenCall,
    Participant,
    ProbesArrived,
    Problem,
    StateChanged,
    StatsArrived,
    StatsEvent,
    Verb,
    encode_bridge,
)
from .mirror import StateMirror
from .participants import Attendance, Participants
from .problems import Problems, worded
from .stats import StatsStore

logger = logging.getLogger(__name__)

Opening = TypeVar("Opening", OpenCall, OpenBot)


class Side(Generic[Opening]):
    """The mirror of a state, what was measured and said, and what the next engine must be told.

    It is the bridge's client: after a crash the next engine hears everything again from `opening`.

    Parameters
    ----------
    bridge
        The way to the engine.
    opening
        The call as the user asked for it.
    state
        As it is before the engine says anything.
    """

    closed: ClassVar[str]
    """The sentence for whoever wants something of a closed one; with ``{reason}``."""

    def __init__(self, bridge: Bridge, opening: Opening, state: CallState) -> None:
        self.bridge = bridge
        self.problems = Problems()
        self.samples = StatsStore()
        self.trail = IceTrail()
        self.callbacks = Callbacks(self._callback_failed)
        self.mirror = StateMirror(state, lambda phase: self.callbacks.put("state", phase))
        self.participants = Participants(bridge, opening.call, self.mirror)
        self.chat = Chat(self.request, self.participants)
        self._attendance = Attendance()
        self._opening: Opening = opening
        self._opening_lock = threading.Lock()
        self._is_open = False

    @property
    def id(self) -> str:
        """The call's name between kernel and engine."""
        return self._opening.call

    @property
    def ice(self) -> tuple[tuple[IceServerSource, ...], IceOptions]:
        """The servers and the options that the engine was told of."""
        return self._opening.ice_servers, self._opening.ice_options

    def open(self) -> None:
        """Tell the engine of the call, and start one if there is none."""
        self._is_open = True
        try:
            self.bridge.register(self)
        except EngineError:
            self._is_open = False
            raise

    def request(self, verb: Verb, timeout_s: float = 10.0) -> msgspec.Raw:
        """Ask the engine and wait for its word (see `Bridge.request`)."""
        self._require_open()
        return self.bridge.request(self.id, verb, timeout_s)

    def change_ice(self, servers: tuple[IceServerSource, ...], options: IceOptions) -> None:
        """Make later connections with other servers or another policy, in every later engine, too."""
        self._require_open()
        before = self.ice
        self._remember(ice_servers=servers, ice_options=options)
        try:
            self.request(ChangeIce(ice_servers=servers, ice_options=options))
        except CallError:  # the engine knows that no connection could be made that way
            self._remember(ice_servers=before[0], ice_options=before[1])
            raise

    def _require_open(self) -> None:
        if not self._is_open:
            raise CallError(self.closed.format(reason=self.mirror.state.reason))

    def _remember(self, **fields: Any) -> None:
        """What the next engine must be told; a `TypeError`, and no change, for what cannot be sent."""
        with self._opening_lock:
            opening = msgspec.structs.replace(self._opening, **fields)
            encode_bridge(opening)
            self._opening = opening

    def _end(self, reason: str) -> CallState:
        """End it in the engine and here; returns the last state."""
        try:
            self.bridge.unregister(self, reason)
        except EngineError:
            logger.exception("The engine could not be told that %s was closed", self.id)
        state = self.mirror.finish(reason)
        self.samples.note(StatsEvent(time_s=time.time(), peer="", name="phase", value="closed"))
        self.samples.end()
        return state

    # --- what the engine says; on the bridge's thread

    def opening(self, epoch: int) -> Opening:
        """What a new engine must know."""
        with self._opening_lock:
            return msgspec.structs.replace(self._opening, epoch=epoch)

    def on_notification(self, notification: Notification) -> None:
        """The engine says something about this call."""
        match notification:
            case StateChanged(state=state):
                if self.mirror.take(state):
                    self._state_changed(state)
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
            case Problem():
                self.problems.add(notification.code, notification.message)

    def on_engine_lost(self, reason: str) -> None:
        """The engine went: the next one hears everything again."""
        self.problems.add("engine", reason)

    def _state_changed(self, state: CallState) -> None:
        joined, left = self._attendance.take(state)
        self._tell_who_left(left)
        for noun in joined:
            self.callbacks.put("joined", self.participants.face(noun))

    def _tell_who_left(self, left: list[Participant]) -> None:
        for noun in left:
            self.callbacks.put("left", self.participants.face(noun))

    def _callback_failed(self, callback: Callable[..., object], error: BaseException) -> None:
        logger.error("A callback failed", exc_info=error)
        self.problems.add("callback", f"{describe(callback)} raised {worded(error)}")


def decided(opening: OpenCall | OpenBot) -> IceDecision:
    """What is known of the servers before the engine knows more."""
    urls = (url for source in opening.ice_servers for url in source.urls)
    return decide(urls, opening.ice_options, now_s=time.time())
