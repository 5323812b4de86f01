"""`Call`: the widget, its verbs and its mirror of the engine's state. No protocol logic, no media."""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import anywidget
import msgspec
import numpy as np
from numpy.typing import NDArray

from . import poster
from .bridge import Bridge
from .cells import close_earlier
from .effect import EffectRunner, describe, form_of
from .errors import CallError, EngineError, NotConnected, RecordingError
from .frames import FramePort, Frames
from .ice.servers import to_entries
from .messages import (
    Bye,
    CallState,
    ChangeQuality,
    EngineStatus,
    Event,
    IceServerEntry,
    Join,
    LeaveCall,
    Notice,
    Notification,
    OpenCall,
    PageMessage,
    Participant,
    Phase,
    Problem,
    Quality,
    Record,
    RecordingStatus,
    Report,
    SetVideoEffect,
    StateChanged,
    StatsArrived,
    StopRecord,
    Switch,
    Verb,
    encode_json,
)
from .problems import CallProblem, Problems
from .quality import to_quality
from .recording import Recording
from .stats import CallStats, StatsStore

logger = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])

STATIC = Path(__file__).parent / "static"
KEYWORDS = ("name", "quality", "ice_servers")
MAX_CALLBACKS = 256
"""State changes waiting for slow callbacks; beyond this the oldest are dropped."""

if not (STATIC / "widget.js").exists():
    raise ImportError(
        f"The widget's bundle is missing at {STATIC / 'widget.js'}: install nbrtc from a wheel, or run "
        "`npm ci && npm run build` in js/."
    )


class Call(anywidget.AnyWidget):  # type: ignore[misc]
    """A video call between this notebook's page and Python.

    Nothing starts, no camera and no network, until a person clicks "Start camera" in the widget.

    Parameters
    ----------
    name
        How the person is called in the call.
    quality
        ``"low"`` (640x480 at 15/s), ``"medium"`` (1280x720 at 30/s, the default), ``"high"`` (1920x1080 at 30/s), or
        ``nbrtc.Quality(width, height, fps)`` with up to 60/s.
    ice_servers
        STUN and TURN servers, as URLs or as dictionaries like ``RTCIceServer`` (webrtc-pc, section 4.2.4). None by
        default: then no server is contacted and only direct paths are tried.

    Notes
    -----
    Properties mirror the engine's state and may be read from any thread. Media and its timing never depend on the
    kernel: a busy cell does not disturb the call.
    """

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    def __init__(
        self,
        *,
        name: str = "You",
        quality: str | Quality = "medium",
        ice_servers: Iterable[str | Mapping[str, Any] | IceServerEntry] = (),
        **unknown: Any,
    ) -> None:
        if unknown:
            raise TypeError(
                f"Call() has no keyword {', '.join(map(repr, unknown))}; it takes {', '.join(KEYWORDS)}."
            )
        self.id = uuid.uuid4().hex
        self._opening = OpenCall(
            call=self.id,
            name=name,
            quality=to_quality(quality),
            folder=str(Path.cwd()),
            epoch=0,
            ice_servers=to_entries(ice_servers),
        )
        self._state = CallState(
            quality=self._opening.quality, participants=(Participant(id="you", name=name),)
        )
        self._changed = threading.Condition()
        self._callbacks: list[Callable[[Any], None]] = []
        self._callback_queue: queue.Queue[Phase | None] = queue.Queue(MAX_CALLBACKS)
        self._callback_thread: threading.Thread | None = None
        self._problems = Problems()
        self._recording: Recording | None = None
        self._samples = StatsStore()
        self._stats = CallStats(self._samples)
        self._bridge = Bridge.shared()
        self._effect = EffectRunner(self._bridge, self.id, self._effect_failed)
        self._is_closed = False
        close_earlier(self)
        super().__init__()
        # ipykernel 7.4 answers on the subshell of the comm's last publish, which makes clicks wait for the running cell;
        # each answer belongs on the subshell that asks
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda data, default: default
        self.on_msg(self._from_page)
        self._bridge.register(self)

    # --- verbs

    def join(self) -> None:
        """Ask the person, in the widget, for the click that starts the call. Returns at once; see `wait_for`."""
        self._request(Join())

    def leave(self) -> None:
        """Leave now: the page stops its devices. Another click may join again."""
        self._request(LeaveCall())

    def close(self, reason: str = "The call was closed in Python.") -> None:
        """End the call for good: camera off, recording finished, everything freed. Idempotent."""
        if self._is_closed:
            return
        self._is_closed = True
        self._effect.close()
        self._to_page(None, Bye(code="closed", reason=reason))
        self._bridge.unregister(self, reason)
        self._mirror(
            msgspec.structs.replace(
                self._state, phase="closed", reason=reason, revision=self._state.revision + 1_000_000
            )
        )
        self._enqueue(None)

    def wait_for(self, state: Phase = "connected", timeout_s: float = 60.0) -> "Call":
        """Block until the call is in `state`; clicks and media go on meanwhile.

        Raises
        ------
        TimeoutError
            If it is not within `timeout_s`, with where it stands.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.state in (state, "closed"), timeout_s):
                raise TimeoutError(f"After {timeout_s:g} s the call is still {poster.sentence(self._state)}.")
        if self.state != state:
            raise CallError(f"The call is {poster.sentence(self._state)}.")
        return self

    # --- state

    @property
    def state(self) -> Phase:
        """``idle``, ``connecting``, ``connected``, ``reconnecting``, ``failed`` or ``closed``."""
        return self._state.phase

    @property
    def reason(self) -> str:
        """Why the call is in this state, as a sentence; empty where there is nothing to say."""
        return self._state.reason

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Who is in the call; Python is one of them, since it receives the video."""
        return self._state.participants

    @property
    def errors(self) -> list[CallProblem]:
        """What went wrong so far, oldest first; the same error counts up."""
        return self._problems.items()

    @property
    def stats(self) -> CallStats:
        """Statistics of the call, one sample a second."""
        return self._stats

    def on_state_change(self, callback: Callable[[Phase], None]) -> Callable[[], None]:
        """Call `callback(state)` on each change, on a thread of the call's own; returns a function that stops it."""
        self._callbacks.append(callback)
        if self._callback_thread is None:
            self._callback_thread = threading.Thread(
                target=self._run_callbacks, name="nbrtc-callbacks", daemon=True
            )
            self._callback_thread.start()

        def stop() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return stop

    @property
    def is_camera_on(self) -> bool:
        """Whether the camera is sent. False switches it off at once, True asks for a click if it is not open."""
        return self._state.camera_on

    @is_camera_on.setter
    def is_camera_on(self, on: bool) -> None:
        self._request(Switch(camera_on=_boolean("is_camera_on", on)))

    @property
    def is_microphone_on(self) -> bool:
        """Whether the microphone is heard. False mutes at once, True asks for a click if it is not open."""
        return self._state.microphone_on

    @is_microphone_on.setter
    def is_microphone_on(self, on: bool) -> None:
        self._request(Switch(microphone_on=_boolean("is_microphone_on", on)))

    @property
    def quality(self) -> Quality:
        """What is asked of the camera; a name or `Quality` may be assigned, also during the call."""
        return self._state.quality

    @quality.setter
    def quality(self, value: str | Quality) -> None:
        quality = to_quality(value)
        self._opening = msgspec.structs.replace(self._opening, quality=quality)
        self._request(ChangeQuality(quality=quality))

    # --- frames

    def snapshot(self, timeout_s: float = 5.0) -> NDArray[np.uint8]:
        """The camera's picture now: (height, width, 3) uint8 RGB, before any video effect.

        Raises
        ------
        NotConnected
            If nobody is in the call, or the camera is off.
        TimeoutError
            If no picture came within `timeout_s` seconds.
        """
        self._require_camera()
        port = FramePort(self._bridge, self.id)
        try:
            deadline_s = time.monotonic() + timeout_s
            while (remaining_s := deadline_s - time.monotonic()) > 0:
                if (frame := port.receive(min(0.1, remaining_s))) is not None:
                    return frame.to_ndarray()
                self._require_camera()
        finally:
            port.close()
        raise TimeoutError(
            f"No picture came within {timeout_s:g} s; the call is {poster.sentence(self._state)}."
        )

    def frames(self) -> Frames:
        """The camera's frames, for ``for`` and ``async for``; the newest one each time, until the call ends.

        Raises
        ------
        NotConnected
            If nobody is in the call.
        """
        if self.state not in ("connecting", "connected", "reconnecting"):
            raise NotConnected(f"No frames yet: the call is {poster.sentence(self._state)}.")
        return Frames(
            self._bridge, self.id, lambda: self.state in ("connecting", "connected", "reconnecting")
        )

    def video_effect(self, function: Function) -> Function:
        """Decorator: send `function(frame)` back instead of the camera's picture, and return it unchanged.

        The function takes and returns an ndarray (height, width, 3) uint8 RGB, a PIL image, or an `av.VideoFrame`,
        by the annotation of its parameter; it may be a coroutine function. It runs in the kernel on a thread of
        its own; the newest frame wins. If it raises, the last good picture stays and `errors` says why. Defining it
        again swaps it live.
        """
        form_of(function)
        self._effect.use(function)
        self._opening = msgspec.structs.replace(self._opening, video_effect=describe(function))
        self._request(SetVideoEffect(name=describe(function)))
        return function

    def clear_video_effect(self) -> None:
        """Send the camera's own picture back again."""
        self._effect.use(None)
        self._opening = msgspec.structs.replace(self._opening, video_effect=None)
        self._request(SetVideoEffect(name=None))

    # --- recording

    def record(self, path: str | Path) -> Recording:
        """Record camera and microphone into `path` (``.mkv`` or ``.webm``) until the recording is stopped.

        Nothing is transcoded: the file has what the browser sent. A relative path is below the notebook's folder.

        Raises
        ------
        RecordingError
            If the path cannot be used, or a recording is going on.
        NotConnected
            If nobody is in the call.
        """
        value = self._request(Record(path=str(path)))
        status = msgspec.msgpack.decode(value, type=RecordingStatus)
        self._recording = Recording(status, self._stop_recording)
        return self._recording

    def _stop_recording(self, identity: str) -> RecordingStatus:
        try:
            value = self._request(StopRecord(recording=identity), timeout_s=30)
        except EngineError as error:
            raise RecordingError(f"The recording could not be finished: {error}") from error
        return msgspec.msgpack.decode(value, type=RecordingStatus)

    # --- the bridge's side; called on its thread

    def opening(self, epoch: int) -> OpenCall:
        """What a new engine must know (see `nbrtc.bridge.Client`)."""
        return msgspec.structs.replace(self._opening, epoch=epoch)

    def on_notification(self, notification: Notification) -> None:
        """The engine says something about this call."""
        match notification:
            case StateChanged():
                self._mirror(notification.state)
            case PageMessage():
                self.send({"to": notification.page, "body": notification.body})
            case StatsArrived():
                self._samples.append(notification.sample)
            case Problem():
                self._problems.add(notification.code, notification.message)

    def on_engine_lost(self, reason: str) -> None:
        """The engine went: say so everywhere; a page that was connected connects again by itself."""
        self._problems.add("engine", reason)
        if self._recording is not None:
            self._recording.lose(reason)
        lost = msgspec.structs.replace(
            self._state,
            phase="failed",
            reason=reason,
            owner=None,
            recording=None,
            camera_on=False,
            microphone_on=False,
            revision=self._state.revision + 1,
        )
        self._mirror(lost)
        self._to_page(None, Bye(code="lost", reason=reason, recover=True))
        self._to_page(None, lost)

    # --- small print

    def _request(self, verb: Verb, timeout_s: float = 10.0) -> msgspec.Raw:
        if self._is_closed:
            raise CallError(f"The call is closed ({self._state.reason}): make a new Call().")
        return self._bridge.request(self.id, verb, timeout_s)

    def engine_status(self) -> dict[str, Any]:
        """The engine's own figures about this call: frames, delays in s, bitrates in bit/s."""
        return cast(dict[str, Any], msgspec.msgpack.decode(self._request(EngineStatus())))

    def _require_camera(self) -> None:
        if self.state not in ("connected", "reconnecting"):
            raise NotConnected(f"There is no picture: the call is {poster.sentence(self._state)}.")
        if not self._state.camera_on:
            raise NotConnected("There is no picture: the camera is off.")

    def _from_page(self, _widget: object, content: object, _buffers: object) -> None:
        """A page's message came over the comm, on whichever thread the kernel uses: hand it on and return."""
        if not isinstance(content, dict) or self._is_closed:
            return
        page, body = content.get("page"), content.get("body")
        if isinstance(page, str) and isinstance(body, str) and len(page) <= 64:
            try:
                self._bridge.from_page(self.id, page, body)
            except EngineError as error:
                self._to_page(page, Notice(key="engine", level="error", text=str(error)))

    def _to_page(self, page: str | None, event: Event) -> None:
        self.send({"to": page, "body": encode_json(event).decode()})

    def _mirror(self, state: CallState) -> None:
        with self._changed:
            if (state.epoch, state.revision) <= (self._state.epoch, self._state.revision):
                return
            before, self._state = self._state.phase, state
            self._changed.notify_all()
        if self._recording is not None and state.recording is not None:
            self._recording.update(state.recording)
        if state.phase != before:
            self._enqueue(state.phase)

    def _enqueue(self, phase: Phase | None) -> None:
        while True:
            try:
                return self._callback_queue.put_nowait(phase)
            except queue.Full:
                self._callback_queue.get_nowait()

    def _run_callbacks(self) -> None:
        while (phase := self._callback_queue.get()) is not None:
            for callback in list(self._callbacks):
                try:
                    callback(phase)
                except Exception as error:  # a failing callback keeps the call
                    logger.exception("A state callback failed")
                    self._problems.add("state-callback", f"{describe(callback)} raised {error!r}")

    def _effect_failed(self, function: Callable[..., Any], error: Exception, trace: str) -> None:
        message = f"{describe(function)} raised {type(error).__name__}: {error}"
        if self._problems.add("video-effect", message, trace):
            text = f"{message}. The last good picture stays; see call.errors."
            self._bridge.send(self.id, Report(notice=Notice(key="video-effect", level="error", text=text)))

    def __repr__(self) -> str:
        return f"<nbrtc.Call {poster.sentence(self._state)}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self)
            data["text/html"] = poster.html(self._state)
        return bundle


def _boolean(name: str, value: object) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} is True or False, not {value!r}.")
    return bool(value)
