"""`Call`: the widget, its properties and verbs. No protocol logic, no media."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

import anywidget
import msgspec

from . import poster
from .arguments import check_assignment, to_boolean, to_name, to_number, unknown_keywords
from .assets import AssetError
from .bridge import Bridge
from .cells import close_earlier
from .doctoring.checks import Checks
from .ice.policy import IcePolicy, to_options
from .ice.servers import AnyServer, to_sources
from .kernel_side import KernelSide
from .messages import (
    AskForCheck,
    CallState,
    Codec,
    EngineStatus,
    Join,
    LeaveCall,
    OpenCall,
    Phase,
    Quality,
    RecordingLayout,
    RecordingTracks,
    RoomSettings,
    ShareScreen,
    Switch,
)
from .own_ice import OwnIce
from .own_picture import OwnPicture
from .own_sound import OwnSound
from .page_effect import PageEffect
from .problems import CallProblem
from .quality import to_quality
from .recording import Recording
from .room import InRoom
from .rooms.login import own_name
from .stats import CallStats
from .ticket import to_ticket

if TYPE_CHECKING:
    from .stats.expectations.report import Report
    from .stats.row import Direction, Kind

Function = TypeVar("Function", bound=Callable[..., Any])

STATIC = Path(__file__).parent / "static"
KEYWORDS = (
    "room", "name", "server", "passcode", "token", "capacity", "settings", "quality", "codec",
    "ice_servers", "ice_policy",
)  # fmt: skip
STATS_INTERVALS_S = (0.1, 5.0)
CODECS: tuple[Codec, ...] = get_args(Codec)

if not (STATIC / "widget.js").exists():
    raise ImportError(
        f"The widget's bundle is missing at {STATIC / 'widget.js'}: install nbrtc from a wheel, or run "
        "`npm ci && npm run build` in js/."
    )


class Call(InRoom, OwnPicture, OwnSound, OwnIce, PageEffect, anywidget.AnyWidget):
    """A video call between this notebook's page, Python, and in a room everybody else there.

    Nothing starts, no camera and no network, until a person clicks "Start camera" in the widget.

    Parameters
    ----------
    room
        A room's id (1 to 64 of A-Z, a-z, 0-9, - and _), which is joined or made at the click, or an invite
        link. None, the default, is a solo call: this page and Python.
    name
        How the person is called in the call. By default "You" in a solo call, in a room the login name.
    server
        URL of an ``nbrtc serve``. Without one the room is for all kernels of this user on this machine.
    passcode
        What the room asks for; whoever makes the room sets it.
    token
        A signed room token, where the server wants one. An invite link brings its own.
    capacity
        How many fit in, if this call makes the room.
    settings
        An `nbrtc.RoomSettings`, what is allowed in the room if this call makes it:
        ``RoomSettings(recording=False)`` forbids recording to everybody. A room that was there before stays
        as its creator wanted it; `errors` says so.
    quality
        ``"auto"`` (the default: up to 1280x720 at 30/s, as network, CPU and the number of people allow),
        ``"low"`` (640x480 at 15/s), ``"medium"`` (1280x720 at 30/s), ``"high"`` (1920x1080 at 30/s), or
        ``nbrtc.Quality(width, height, fps)`` with up to 60/s.
    codec
        The video codec preferred between browsers: ``"auto"``, ``"vp8"``, ``"vp9"``, ``"av1"`` or ``"h264"``.
    ice_servers
        STUN and TURN servers, as URLs, as `nbrtc.IceServer`, or as dictionaries like ``RTCIceServer``
        (webrtc-pc, section 4.2.4). None by default: then only direct paths are tried, and no server is
        contacted but those that the room's server issues. May be assigned later, like `ice_policy`.
    ice_policy
        An `nbrtc.IcePolicy`: relays only, low latency, ...; see there.

    Raises
    ------
    TypeError, ValueError
        For an unknown keyword or value; the message names the valid ones.
    EngineError
        If there is no room for an engine's folder.

    Notes
    -----
    Everything may be used from any thread. Media and its timing never depend on the kernel: a busy cell
    does not disturb the call.
    """

    _side: KernelSide

    _esm = STATIC / "widget.js"
    _css = STATIC / "widget.css"

    def __init__(
        self,
        *,
        room: str | None = None,
        name: str | None = None,
        server: str | None = None,
        passcode: str | None = None,
        token: str | None = None,
        capacity: int | None = None,
        settings: RoomSettings | None = None,
        quality: str | Quality = "auto",
        codec: Codec = "auto",
        ice_servers: Iterable[AnyServer] = (),
        ice_policy: IcePolicy | None = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise unknown_keywords("Call()", unknown, KEYWORDS)
        ticket = to_ticket(
            room, server=server, passcode=passcode, token=token, capacity=capacity, settings=settings
        )
        sources = to_sources(ice_servers)
        if name is None:
            name = "You" if ticket is None else own_name()
        opening = OpenCall(
            call=uuid.uuid4().hex,
            name=to_name(name),
            quality=to_quality(quality),
            folder=str(Path.cwd()),
            epoch=0,
            ice_servers=sources,
            ice_options=to_options(ice_policy, sources, in_room=ticket is not None),
            ticket=ticket,
            codec=_codec(codec),
        )
        self._side = KernelSide(
            Bridge.shared(), opening, lambda page, body: self.send({"to": page, "body": body})
        )
        self._stats = CallStats(self._side.samples)
        close_earlier(self)
        super().__init__()
        # ipykernel 7.4 answers on the subshell of the comm's last publish, which makes clicks wait for the
        # running cell; each answer belongs on the subshell that asks
        if hasattr(self.comm, "_reply_subshell_for"):
            self.comm._reply_subshell_for = lambda _data, default: default
        self.on_msg(self._hear)
        self._side.open()

    # --- verbs

    def join(self) -> None:
        """Ask the person, in the widget, for the click that starts the call. Returns at once; see `wait_for`.

        Raises
        ------
        CallError
            If the call was closed; so do all verbs.
        EngineError
            If the engine does not answer; so do all verbs.
        """
        self._side.request(Join())

    def leave(self) -> None:
        """Leave now: the page stops its devices. Another click may join again."""
        self._side.request(LeaveCall())

    def close(self, reason: str = "The call was closed in Python.") -> None:
        """End the call for good: camera off, recording finished, everything freed. Idempotent."""
        side: KernelSide | None = self.__dict__.get("_side")
        if side is not None:  # ipywidgets closes a call whose keywords were refused, too
            side.close(reason)

    def wait_for(self, state: Phase = "connected", timeout_s: float = 60.0) -> "Call":
        """Block until the call is in `state`; returns the call. Media goes on meanwhile.

        In JupyterLab with ipykernel 7 or newer the click is heard meanwhile, too. Elsewhere a running cell
        holds the page's messages up: there use ``await call.until("connected")``.

        Raises
        ------
        TimeoutError
            If it is not within `timeout_s` seconds, with where it stands.
        CallError
            If the call is closed first.
        """
        self._side.mirror.wait_for(_phase(state), timeout_s)
        return self

    def check(self) -> None:
        """Have the connection checked by the page that shows the call; returns at once.

        Browser, network, every configured STUN and TURN server, the path to Python and the room's server
        are looked at, which takes some 8 s. No device is opened. What was found is in `checks`.
        """
        self._side.checks.begin()
        self._side.request(AskForCheck())

    # --- state

    @property
    def checks(self) -> Checks:
        """What the newest check of the connection found, by `check` or by a click; see `Checks`."""
        return self._side.checks

    @property
    def id(self) -> str:
        """The call's name between kernel and engine."""
        return self._side.id

    @property
    def state(self) -> Phase:
        """``idle``, ``connecting``, ``connected``, ``reconnecting``, ``failed`` or ``closed``."""
        return self._call_state.phase

    @property
    def reason(self) -> str:
        """Why the call is in this state, as a sentence; empty where there is nothing to say."""
        return self._call_state.reason

    @property
    def errors(self) -> list[CallProblem]:
        """What went wrong so far, oldest first; the same error counts up."""
        return self._side.problems.items()

    @property
    def stats(self) -> CallStats:
        """Statistics of the last hours: what the page measures of every connection, what Python measures of
        its end of the link, and what happened. They can still be read when the call is closed.
        """
        return self._stats

    @property
    def stats_interval_s(self) -> float:
        """Seconds between two polls of the statistics: 0.1 to 5, 1 by default; may be assigned at any time.

        Assigning raises ValueError for any other number.
        """
        return self._call_state.stats_interval_s

    @stats_interval_s.setter
    def stats_interval_s(self, interval_s: float) -> None:
        self._side.change_stats_interval(to_number("stats_interval_s", interval_s, STATS_INTERVALS_S))

    def expect(
        self,
        *,
        within_s: float = 10.0,
        for_s: float = 0.0,
        participant: str | None = None,
        direction: "Direction | None" = None,
        kind: "Kind | None" = None,
        **conditions: float,
    ) -> "Report":
        """Wait until all conditions hold in one poll, and go on for `for_s`; returns what was measured.

        >>> call.expect(fps__gt=24, loss_fraction__lt=0.02, within_s=10)  # doctest: +SKIP

        Parameters
        ----------
        within_s
            Wait so long at most.
        for_s
            The conditions have to hold so long without a break.
        participant, direction, kind
            Look only at these rows of `CallStats.to_frame`.
        **conditions
            A metric of `CallStats.to_frame`, two underscores, and ``gt``, ``ge``, ``lt``, ``le``, ``eq`` or
            ``ne``. Every row that knows the metric has to meet it, and one row at least has to know it.

        Raises
        ------
        ExpectationNotMet
            If they do not in time, with what was measured instead. It is an AssertionError, too.
        TypeError, ValueError
            For an unknown metric or comparison; it names the known ones.
        """
        return self._stats.expect(
            within_s=within_s,
            for_s=for_s,
            participant=participant,
            direction=direction,
            kind=kind,
            **conditions,
        )

    def on_state_change(self, callback: Callable[[Phase], object]) -> Callable[[], None]:
        """Call `callback(state)` on each change; returns a function that ends this.

        The callbacks of a call run one after the other on a thread of their own, each state in order. One
        that raises is noted in `errors` and keeps being called, like the others.
        """
        return self._side.callbacks.add("state", callback)

    @property
    def is_camera_on(self) -> bool:
        """Whether the camera is sent. False switches it off at once, True asks for a click if it is not open.

        Assigning raises NotConnected if nobody is in the call.
        """
        return self._call_state.camera_on

    @is_camera_on.setter
    def is_camera_on(self, on: bool) -> None:
        self._side.request(Switch(camera_on=to_boolean("is_camera_on", on)))

    @property
    def is_microphone_on(self) -> bool:
        """Whether the microphone is heard. False mutes at once, True asks for a click if it is not open.

        Assigning raises NotConnected if nobody is in the call.
        """
        return self._call_state.microphone_on

    @is_microphone_on.setter
    def is_microphone_on(self, on: bool) -> None:
        self._side.request(Switch(microphone_on=to_boolean("is_microphone_on", on)))

    @property
    def quality(self) -> Quality:
        """What is asked of the camera; a name or `Quality` may be assigned, also during the call."""
        return self._call_state.quality

    @quality.setter
    def quality(self, value: str | Quality) -> None:
        self._side.change_quality(to_quality(value))

    @property
    def codec(self) -> Codec:
        """The video codec preferred between browsers: auto, vp8, vp9, av1 or h264; may be assigned.

        Where another side lacks it, one that both have is used. Between this page and Python it
        is VP8, or H.264 where that is chosen before the click and this browser has it.
        """
        return self._call_state.codec

    @codec.setter
    def codec(self, value: Codec) -> None:
        self._side.change_codec(_codec(value))

    @property
    def is_screen_sharing(self) -> bool:
        """Whether this page shares its screen; see `share_screen`."""
        return self._call_state.screen_sharing

    def share_screen(self) -> None:
        """Ask the person, in the widget, for the click that shares the screen. Returns at once.

        Raises
        ------
        NotConnected
            If nobody is in the call.
        """
        self._side.request(ShareScreen(on=True))

    def stop_sharing(self) -> None:
        """End the screen share; the camera is sent again. Nothing happens if none is shared.

        Raises
        ------
        NotConnected
            If nobody is in the call.
        """
        self._side.request(ShareScreen(on=False))

    def engine_status(self) -> dict[str, Any]:
        """The engine's own figures: frames, delays in s, bitrates in bit/s; empty with nobody in the call."""
        return cast("dict[str, Any]", msgspec.msgpack.decode(self._side.request(EngineStatus())))

    # --- recording

    def record(
        self,
        path: str | PathLike[str],
        tracks: RecordingTracks | Sequence[str] = "all",
        layout: RecordingLayout | None = None,
    ) -> Recording:
        """Record everybody who agrees, until the recording is stopped. ``with call.record(path):`` stops.

        Everybody is recorded in a file of their own, with camera or screen and microphone, as they were
        sent. Every page shows a red badge, and nobody is written before theirs does; who has not confirmed
        within 2 s is left out until then. What was recorded until a second before a crash survives it (see
        `nbrtc.recover`). Free space is watched, and no file is ever overwritten.

        >>> with call.record("lesson.mkv", layout="grid") as recording:  # doctest: +SKIP
        ...     call.wait_for("closed", timeout_s=3600)
        >>> recording.wait()                                             # doctest: +SKIP

        Parameters
        ----------
        path
            Without suffix a new folder for the files of all. With ``.mkv``, ``.webm`` or ``.mp4`` one file,
            which is made of them when the recording stops; they stay in ``<path>.tracks``. A relative path is
            below the notebook's folder.
        tracks
            ``"all"``: everybody, also who joins later. ``"local"``: only this participant. Or the names or
            ids of participants.
        layout
            How the one file shows them. ``"separate"``: one person's file as it was sent; ``"pip"``: the
            other large, this participant in a corner; ``"grid"``: all alike; ``"speaker"``: whoever speaks
            large. None takes what fits: one person's file is not encoded again, of two is made ``"pip"``, of
            more ``"grid"``. `nbrtc.compose` makes any of them afterwards.

        Raises
        ------
        RecordingError
            If the path cannot be used, the room forbids recording, or one is going on.
        NotConnected
            If nobody is in the call.
        TypeError, ValueError
            For tracks or a layout that do not exist; the message names those that do.
        """
        return self._side.record(path, tracks, layout)

    @property
    def recording(self) -> Recording | None:
        """The recording that began last, also with the widget's record button; None before the first.

        It may be over: see its `state`. ``call.recording.stop()`` ends it, ``call.recording.open()`` reads it
        back.
        """
        return self._side.recordings.newest

    # --- small print

    def _hear(self, _widget: object, content: object, _buffers: object) -> None:
        """A message of a page, on the thread that reads comms: for a part of the page, or for the engine."""
        match content:
            case {"page": str(page), "asset": {"id": str(request), "name": str(name), "offset": int(offset)}}:
                answer: dict[str, object] = {"id": request, "name": name, "offset": offset}
                try:
                    piece, total, packed = self._side.assets.read(name, offset)
                except (AssetError, OSError) as error:
                    piece, answer["error"] = b"", str(error)
                else:
                    answer |= {"total": total, "packed": packed, "error": ""}
                self.send({"to": page, "asset": answer}, [piece])
            case _:
                self._side.from_page(content)

    @property
    def _call_state(self) -> CallState:
        return self._side.mirror.state

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(Call, name, InRoom, OwnPicture, OwnSound, OwnIce, PageEffect)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<nbrtc.Call {poster.sentence(self._call_state)}>"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = repr(self)
            data["text/html"] = poster.html(self._call_state)
        return bundle


def _codec(value: object) -> Codec:
    if value not in CODECS:
        raise ValueError(f"There is no codec {value!r}; use {', '.join(map(repr, CODECS))}.")
    return value


def _phase(value: object) -> Phase:
    if value not in poster.PHASES:
        raise ValueError(f"There is no state {value!r}; a call is {', '.join(poster.PHASES)}.")
    return cast("Phase", value)
