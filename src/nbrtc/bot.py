"""`Bot`: a participant of a room in Python, without a browser."""

import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, cast

import msgspec

from .arguments import check_assignment, to_fps, to_name, to_size, unknown_keywords
from .bot_side import BotSide
from .bridge import Bridge
from .cells import close_earlier
from .errors import CallError, RoomError
from .ice.policy import IcePolicy, to_options
from .ice.servers import AnyServer, to_sources
from .messages import EngineStatus, Join, LeaveCall, OpenBot, Phase, RoomSettings
from .own_ice import OwnIce
from .paths import expanded
from .problems import CallProblem, worded
from .room import InRoom
from .sound import write_wave
from .stats import CallStats
from .supplier import Supplier, VideoStatus
from .ticket import to_ticket
from .video_source import USUAL_FPS, open_source

KEYWORDS = (
    "room", "name", "server", "passcode", "token", "settings", "video", "audio", "fps", "size",
    "ice_servers", "ice_policy",
)  # fmt: skip
STATES: dict[Phase, str] = {
    "idle": "outside",
    "connecting": "joining",
    "connected": "in",
    "reconnecting": "reconnecting to",
    "failed": "not in",
    "closed": "closed, was in",
}
LOOK_S = 0.1


class Bot(InRoom, OwnIce):
    """A participant that others see and hear, and that receives, without camera, page or click.

    It joins its room at once, and makes it if it is not there. Works in a notebook and in a plain script.

    >>> def picture():                                              # doctest: +SKIP
    ...     return numpy.random.randint(0, 255, (240, 320, 3), numpy.uint8)
    >>> bot = nbrtc.Bot(room="physics-101", name="Noise", video=picture, fps=15)    # doctest: +SKIP

    Parameters
    ----------
    room
        A room's id, or an invite link.
    name
        How the others see it called.
    server, passcode, token, settings
        As for `Call`.
    video
        None for no picture, or what `Call.video_source` takes: the path of a film, which is played in a
        loop, or of a picture; a matplotlib figure, drawn again and again; what gives pictures: a generator,
        an iterable, a function without arguments; one picture that stays; or a `VideoSource`. A picture is
        an ndarray (height, width, 3) uint8 RGB, a PIL image or an `av.VideoFrame`. They are asked for on a
        thread of the kernel while the Bot is in the room, each one when the engine took the one before.
    audio
        None for silence; the path of a file, which is played in a loop; or ``(samples, rate)`` with an
        ndarray (n,) or (n, channels) of float (-1 to 1) or int16, which is, too.
    fps
        Pictures a second, at most: 30 by default, of a figure 10; a film's own rate unless it is given.
    size
        (width, height) to which pictures are scaled.
    ice_servers, ice_policy
        As for `Call`.

    Raises
    ------
    TypeError, ValueError
        For an unknown keyword or value; the message names the valid ones.
    FileNotFoundError
        If there is no such file.
    EngineError
        If there is no room for an engine's folder.

    Notes
    -----
    Clips begin when the first other participant is connected, and stop when nobody is. A Bot stays in its
    room until it is closed, the kernel ends, or its cell runs again: keep it in a variable, or use ``with``.

    A Bot has no view that could show who records, so it lets everybody record it at once;
    ``bot.participants[...].is_recording`` says who does.
    """

    _side: BotSide

    def __init__(
        self,
        *,
        room: str,
        name: str = "Bot",
        server: str | None = None,
        passcode: str | None = None,
        token: str | None = None,
        settings: RoomSettings | None = None,
        video: object = None,
        audio: object = None,
        fps: float | None = None,
        size: tuple[int, int] | None = None,
        ice_servers: Iterable[AnyServer] = (),
        ice_policy: IcePolicy | None = None,
        **unknown: Any,
    ) -> None:
        if unknown:
            raise unknown_keywords("Bot()", unknown, KEYWORDS)
        ticket = to_ticket(room, server=server, passcode=passcode, token=token, settings=settings)
        if ticket is None:
            raise TypeError("A Bot needs a room: Bot(room=...).")
        rate, pixels = to_fps(fps), to_size(size)
        sources = to_sources(ice_servers)
        source = None if video is None else open_source(video, Path.cwd(), "video")
        if source is not None:
            rate = source.verb.fps if rate is None else rate
            pixels = pixels or source.verb.size
        sound, folder = _to_audio(audio)
        opening = OpenBot(
            call=uuid.uuid4().hex,
            name=to_name(name),
            ticket=ticket,
            epoch=0,
            fps=USUAL_FPS if rate is None else rate,
            video=None if source is None else source.verb.file or "",
            audio=sound,
            size=pixels,
            ice_servers=sources,
            ice_options=to_options(ice_policy, sources, in_room=True),
        )
        self._side = BotSide(Bridge.shared(), opening, folder)
        self._stats = CallStats(self._side.samples)
        self._supplier: Supplier | None = None
        if source is not None and source.make is not None:
            self._supplier = Supplier(
                self._side.bridge,
                opening.call,
                source.make,
                source.who,
                fps=opening.fps,
                size=pixels,
                is_live=lambda: self._side.mirror.state.phase in ("connected", "reconnecting"),
                on_error=self._video_failed,
            )
        close_earlier(self)
        self._side.open()
        if self._supplier is not None:
            self._supplier.start()

    # --- verbs

    def join(self) -> None:
        """Join again after `leave`, or after a refusal. Returns at once; see `wait_for`.

        Raises
        ------
        CallError
            If the Bot was closed; so do all verbs.
        EngineError
            If the engine does not answer; so do all verbs.
        """
        self._side.request(Join())

    def leave(self) -> None:
        """Leave the room; `join` may follow."""
        self._side.request(LeaveCall())

    def close(self, reason: str = "The Bot was closed in Python.") -> None:
        """Leave for good and free everything. Idempotent."""
        if self._supplier is not None:
            self._supplier.close()
        self._side.close(reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait_for(self, state: Phase = "connected", timeout_s: float = 60.0) -> Self:
        """Block until the Bot is in `state`; returns the Bot. ``"connected"`` means: in the room.

        Raises
        ------
        RoomError
            If the room refuses it, or its server is out of reach.
        TimeoutError
            If it is not within `timeout_s` seconds, with where it stands.
        CallError
            If the Bot is closed first.
        """
        if state not in STATES:
            raise ValueError(f"There is no state {state!r}; a Bot is {', '.join(STATES)}.")
        deadline_s = time.monotonic() + timeout_s
        while True:
            remaining_s = max(0.0, deadline_s - time.monotonic())
            try:
                self._side.mirror.wait_for(state, min(LOOK_S, remaining_s))
            except TimeoutError:
                self._raise_refusal()
                if remaining_s == 0:
                    raise TimeoutError(f"After {timeout_s:g} s {self._words}.") from None
            except CallError:
                raise CallError(f"The Bot is closed ({self.reason}): make a new Bot().") from None
            else:
                return self

    # --- state

    @property
    def id(self) -> str:
        """The Bot's name between kernel and engine."""
        return self._side.id

    @property
    def name(self) -> str:
        """How the others see it called."""
        return self._side.name

    @property
    def state(self) -> Phase:
        """``connecting``, ``connected`` (in the room), ``reconnecting``, ``failed``, ``idle``, ``closed``."""
        return self._side.mirror.state.phase

    @property
    def reason(self) -> str:
        """Why the Bot is in this state, as a sentence; empty where there is nothing to say."""
        return self._side.mirror.state.reason

    @property
    def errors(self) -> list[CallProblem]:
        """What went wrong so far, oldest first; the same error counts up."""
        return self._side.problems.items()

    @property
    def stats(self) -> CallStats:
        """What the Bot measures of its connections, one poll a second of each, and what happened to it.

        Directions are seen from the Bot: ``"send"`` is what it sends. It can still be read when the Bot is
        closed.
        """
        return self._stats

    @property
    def video_status(self) -> VideoStatus | None:
        """How many pictures it made, how many failed, whether they are over; None if Python makes none."""
        return None if self._supplier is None else self._supplier.status

    def on_state_change(self, callback: Callable[[Phase], object]) -> Callable[[], None]:
        """Call `callback(state)` on each change; returns a function that ends this (see `Call`)."""
        return self._side.callbacks.add("state", callback)

    def engine_status(self) -> dict[str, Any]:
        """The engine's own figures: what each connection sends and receives, and how it is encoded."""
        return cast("dict[str, Any]", msgspec.msgpack.decode(self._side.request(EngineStatus())))

    # --- small print

    @property
    def _words(self) -> str:
        state = self._side.mirror.state
        room = "" if state.room is None else f" room {state.room.id!r}"
        others = len(state.participants) - 1
        company = f" with {others} other{'' if others == 1 else 's'}" if state.phase == "connected" else ""
        over = "; its pictures are over" if self._supplier and self._supplier.status.is_over else ""
        return f"{self.name!r} is {STATES[state.phase]}{room}{company}{over}" + (
            f" ({state.reason})" if state.reason else ""
        )

    def _raise_refusal(self) -> None:
        state = self._side.mirror.state
        if state.phase == "failed" and state.room is not None and state.room.phase == "refused":
            raise RoomError(state.room.reason, state.room.code)

    def _video_failed(self, error: BaseException, trace: str) -> None:
        who = "" if self._supplier is None else f"{self._supplier.who} raised "
        message = f"{who}{worded(error)}"
        self._side.problems.add("video", message, trace, (type(error), str(error)))

    def __setattr__(self, name: str, value: Any) -> None:
        check_assignment(Bot, name, InRoom, OwnIce)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"<nbrtc.Bot {self._words}>"


def _to_sound_file(value: object) -> str:
    path = expanded(str(value)).absolute()
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {str(path)!r} for audio=.")
    return str(path)


def _to_audio(audio: object) -> "tuple[str | None, TemporaryDirectory[str] | None]":
    """The path of a sound, and the folder that was made for it."""
    if audio is None:
        return None, None
    if isinstance(audio, (str, Path)):
        return _to_sound_file(audio), None
    if not (isinstance(audio, tuple) and len(audio) == 2):
        raise TypeError(f"audio is a file's path or (samples, rate), not {type(audio).__name__}.")
    folder = TemporaryDirectory(prefix="nbrtc-")  # mode 0700: for this user only
    path = Path(folder.name) / "sound.wav"
    try:
        write_wave(path, audio)
    except BaseException:
        folder.cleanup()
        raise
    return str(path), folder
