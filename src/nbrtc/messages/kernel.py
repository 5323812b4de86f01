"""The kernel and the engine: MessagePack over the bridge. A `Request` goes down, a `Notification` comes up.

The kernel relays the page's comm traffic as `PageMessage` without looking inside.
"""

import msgspec
from msgspec import Struct, field

from .ice import CheckResult, IceOptions, IceRecord, ServerProbe
from .nouns import (
    CallState,
    ChatMessage,
    Codec,
    Effect,
    OnLate,
    Quality,
    RecordingLayout,
    RecordingTracks,
    RoomSettings,
)
from .page import PROTOCOL, Notice, StatsEvent, StatsSample

# --- kernel -> engine -----------------------------------------------------------------------------------


class KernelWire(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the bridge's messages; both ends are the same installed version."""


class RoomTicket(KernelWire, frozen=True):
    """The room of a call, and what lets its participant in. Never shown, logged or synced."""

    room: str
    server: str | None = None
    """URL of an ``nbrtc serve``; None for the one of this user on this machine."""
    passcode: str | None = None
    token: str | None = None
    """A signed room token (JWT)."""
    capacity: int | None = None
    settings: RoomSettings | None = None
    """Both count only for whoever creates the room; `rooms.wishes` says what a joined one is instead."""
    must_exist: bool = False
    """An invitation: a room that is gone is an error, and is not created anew."""
    participant: str | None = None
    resume_token: str | None = None
    """The seat of an engine that went: the next one takes it again instead of joining as somebody new."""
    page: str | None = None
    """Whose seat that is: the page that has the connections to the others. Any other one joins anew."""
    left_s: float | None = None
    """When the room was left last, of `time.monotonic`, which all processes of a machine share. Whoever was
    in it a moment ago waits for it after its server was restarted, under the next engine too."""

    def __repr__(self) -> str:
        return f"RoomTicket(room={self.room!r}, server={self.server!r}, ...)"  # logs have no secrets


class IceServerSource(KernelWire, frozen=True):
    """A server as the user configured it. With a secret the engine makes credentials that expire."""

    urls: tuple[str, ...]
    username: str | None = None
    """With a secret: the part after the time in the username that is made."""
    credential: str | None = None
    secret: str | None = None
    """Shared with the TURN server (coturn's ``static-auth-secret``); it never goes to a page."""
    ttl_s: float = 3600.0
    """How long a credential that is made of it is good for."""

    def __repr__(self) -> str:
        return f"IceServerSource(urls={self.urls!r}, ...)"  # logs have no secrets


class OpenCall(KernelWire, frozen=True, tag="open-call"):
    """A Call exists; everything about it comes after this."""

    call: str
    name: str
    quality: Quality
    folder: str
    """Folder that relative recording paths are below."""
    epoch: int
    """Counts the engines of this kernel: 0 for the first, more after a crash."""
    ice_servers: tuple[IceServerSource, ...] = ()
    ice_options: IceOptions = IceOptions()
    effect: Effect = Effect()
    background: str = ""
    video_effect: "SetVideoEffect | None" = None
    video_source: "SetVideoSource | None" = None
    audio_effect: "SetAudioEffect | None" = None
    ticket: RoomTicket | None = None
    """None for a solo call."""
    codec: Codec = "auto"
    stats_interval_s: float = 1.0


class OpenBot(KernelWire, frozen=True, tag="open-bot"):
    """A participant of Python's own, without a page. Its state is a `CallState`, too."""

    call: str
    name: str
    ticket: RoomTicket
    epoch: int
    fps: float
    """How often the kernel sends pictures, or the file's own rate where this is 0."""
    video: str | None = None
    """Path of a video file to play in a loop; empty where the kernel sends pictures; None without video."""
    audio: str | None = None
    """Path of a sound file to play in a loop; None without sound."""
    size: tuple[int, int] | None = None
    """(width, height) that a file's pictures are scaled to; None for its own."""
    ice_servers: tuple[IceServerSource, ...] = ()
    ice_options: IceOptions = IceOptions()


class CloseCall(KernelWire, frozen=True, tag="close-call"):
    """The Call was closed in Python; its page is told why."""

    call: str
    reason: str


class PageMessage(KernelWire, frozen=True, tag="page-message"):
    """The page's JSON, carried over the comm: an intent upwards (`page` says whose), an event downwards.

    Downwards `page` None means every page that shows the call.
    """

    call: str
    page: str | None
    body: str


class CallRequest(KernelWire, frozen=True, tag="request"):
    """A verb of the Call; answered by `Outcome` with the same id."""

    id: int
    call: str
    verb: "Verb"


class Join(KernelWire, frozen=True, tag="join"):
    """Ask in the widget for the click."""


class LeaveCall(KernelWire, frozen=True, tag="leave"):
    """Leave now; the page stops its devices."""


class Switch(KernelWire, frozen=True, tag="switch"):
    """Switch devices of the page."""

    microphone_on: bool | None = None
    camera_on: bool | None = None


class ShareScreen(KernelWire, frozen=True, tag="share-screen"):
    """Ask for the click that shares the screen, or end the sharing at once."""

    on: bool


class ChangeCodec(KernelWire, frozen=True, tag="codec"):
    """Prefer another video codec between browsers."""

    codec: Codec


class Say(KernelWire, frozen=True, tag="say"):
    """Send a chat message; the outcome is the `ChatMessage` as the room got it."""

    text: str
    to: str | None = None


class ChangeQuality(KernelWire, frozen=True, tag="quality"):
    """Ask the page for another size, rate and bitrate."""

    quality: Quality


class ChangeIce(KernelWire, frozen=True, tag="change-ice"):
    """Other servers or another policy, for connections that are made from now on."""

    ice_servers: tuple[IceServerSource, ...]
    ice_options: IceOptions = IceOptions()


class ProbeServers(KernelWire, frozen=True, tag="probe-servers"):
    """Probe all servers anew, from the engine and from the page; the outcome is a list of `ServerProbe`."""

    timeout_s: float = 5.0


class AskForCheck(KernelWire, frozen=True, tag="check"):
    """Ask the page to check the connection; the result comes as `ChecksArrived`."""


class ChangeStatsInterval(KernelWire, frozen=True, tag="stats-interval"):
    """Poll the statistics more or less often."""

    interval_s: float


class ChangeEffect(KernelWire, frozen=True, tag="effect"):
    """Ask the page for another effect of its own, and name the picture for the effect "background"."""

    effect: Effect
    background: str = ""


class SetVideoEffect(KernelWire, frozen=True, tag="video-effect"):
    """From now on the picture that goes back is a Python function's (a name) or the camera's own (None)."""

    name: str | None
    on_late: OnLate = "hold"
    code: bytes | None = None
    """The pickled function, where it runs in a process beside the engine; None if it runs in the kernel."""
    form: str = "ndarray"
    """What it takes (see `nbrtc.effect.Form`)."""
    path: tuple[str, ...] = ()
    """The kernel's ``sys.path``, where `code` imports from."""
    queued: bool = False
    """Policy "block": it gets every frame in order, within the bound of `FrameCredit.queued`."""
    size: tuple[int, int] | None = None
    """Width and height that frames are scaled to before it gets them; None for as they are."""
    number: int = 0
    """Counts the definitions: a result of an earlier one, still on its way, is not shown as this one's."""


class SetVideoSource(KernelWire, frozen=True, tag="video-source"):
    """From now on pictures of Python's take the camera's place (a name), or no longer (None)."""

    name: str | None
    fps: float = 30.0
    """How often a picture is shown; 0 for a file's own rate."""
    file: str | None = None
    """Path of a video file that the engine plays in a loop; None where the kernel sends the pictures."""
    size: tuple[int, int] | None = None
    """Width and height to scale to; None for as they are."""


class SetAudioEffect(KernelWire, frozen=True, tag="audio-effect"):
    """From now on the sound that goes back is the kernel's function's (a name), or none (None)."""

    name: str | None
    channels: int = 1
    """1 or 2, of the samples that it gets."""


class PlaySound(KernelWire, frozen=True, tag="play"):
    """Play a sound file into the call; the outcome is its length in s, None where the file does not say."""

    sound: str
    """Names it for `StopSound`."""
    path: str
    keep: bool = False
    """The file is the user's; any other is removed by the engine afterwards."""


class StopSound(KernelWire, frozen=True, tag="stop-sound"):
    """End a sound that plays; None ends all."""

    sound: str | None


class Record(KernelWire, frozen=True, tag="record"):
    """Start recording into `path` (absolute; its parent exists): a new folder, or with a suffix a file."""

    path: str
    tracks: RecordingTracks = "all"
    layout: RecordingLayout | None = None


class StopRecord(KernelWire, frozen=True, tag="stop-record"):
    """Stop the recording with this id and finish its file."""

    recording: str


class Impair(KernelWire, frozen=True, tag="impair"):
    """Put the seeded transport shim on the link, or take it off (None)."""

    impairment: "Impairment | None"


class ReadLedger(KernelWire, frozen=True, tag="ledger"):
    """Ask for the shim's ledger."""


class EngineStatus(KernelWire, frozen=True, tag="status"):
    """Ask for the engine's own figures about a call: counters, delays, bitrates."""


class Report(KernelWire, frozen=True, tag="report"):
    """Show an error of the kernel's side (a failing callback) in the widget."""

    notice: Notice


class Impairment(KernelWire, frozen=True):
    """What the transport shim does to datagrams, the same in both directions."""

    seed: int = 0
    loss_fraction: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_bps: float | None = None


Verb = (
    Join
    | LeaveCall
    | Switch
    | ShareScreen
    | ChangeCodec
    | Say
    | ChangeQuality
    | ChangeStatsInterval
    | ChangeIce
    | ProbeServers
    | AskForCheck
    | ChangeEffect
    | SetVideoEffect
    | SetVideoSource
    | SetAudioEffect
    | PlaySound
    | StopSound
    | Record
    | StopRecord
    | Impair
    | ReadLedger
    | EngineStatus
    | Report
)


class KernelBeat(KernelWire, frozen=True, tag="beat"):
    """Asks the engine's loop for a sign of life."""

    number: int


Request = OpenCall | OpenBot | CloseCall | PageMessage | CallRequest | KernelBeat

# --- engine -> kernel -----------------------------------------------------------------------------------


class Ready(KernelWire, frozen=True, tag="ready"):
    """The engine listens."""

    pid: int
    protocol: int = PROTOCOL


class EngineBeat(KernelWire, frozen=True, tag="beat"):
    """Answer to `KernelBeat`."""

    number: int


class StateChanged(KernelWire, frozen=True, tag="state-changed"):
    """A call's new state."""

    call: str
    state: CallState


class StatsArrived(KernelWire, frozen=True, tag="stats-arrived"):
    """A sample of the statistics: the page's, or (peer ``"you"``) the engine's own of its end of the link."""

    call: str
    sample: StatsSample


class EventArrived(KernelWire, frozen=True, tag="event-arrived"):
    """Something happened in the call: the page or the engine says so."""

    call: str
    event: StatsEvent


class IceArrived(KernelWire, frozen=True, tag="ice-arrived"):
    """What page or engine saw of ICE, in order."""

    call: str
    records: tuple[IceRecord, ...]


class ProbesArrived(KernelWire, frozen=True, tag="probes-arrived"):
    """How servers answered the page or the engine."""

    call: str
    probes: tuple[ServerProbe, ...]


class ChecksArrived(KernelWire, frozen=True, tag="checks-arrived"):
    """The whole result of a check of the connection."""

    call: str
    checks: tuple[CheckResult, ...]


class ChatArrived(KernelWire, frozen=True, tag="chat-arrived"):
    """New messages of the room, one's own too."""

    call: str
    messages: tuple[ChatMessage, ...]


class TicketChanged(KernelWire, frozen=True, tag="ticket-changed"):
    """What the next engine must be told of this call: a room or name chosen in the widget, a new seat."""

    call: str
    name: str
    ticket: RoomTicket | None


class EffectOrder(KernelWire, frozen=True):
    """The engine to the process of a video effect: the first and only thing on its standard input."""

    folder: str
    """Where the engine's sockets are."""
    identity: bytes
    """Of its frames socket, as the engine's ROUTER knows it."""
    call: str
    verb: SetVideoEffect


class EffectNews(KernelWire, frozen=True, tag="effect-news"):
    """What a video effect beside the engine did; goes on to the kernel."""

    call: str
    effect: int = 0
    """Which one (see `SetVideoEffect.number`); the engine fills it in."""
    rows: tuple[tuple[int, float, float, float | None, int, bool, int], ...] = ()
    """As `nbrtc.video_effect_stats.EffectRow`."""
    sent: tuple[tuple[int, float], ...] = ()
    """Of rows that were told without ``sent_s``: their ``timestamp`` and what it is."""
    error: str = ""
    """Why it failed, as a sentence: the same for each failure of a kind."""
    times: int = 1
    """How often since that was told last."""
    traceback: str = ""
    printed: str = ""
    """What it printed meanwhile, with what was left out of it in words (see `nbrtc.engine.prints`)."""
    is_unusable: bool = False
    """Its function cannot be loaded: another process would fail, too."""
    is_over: bool = False
    """It was taken off, its process has ended, and nothing follows."""


class SoundEnded(KernelWire, frozen=True, tag="sound-ended"):
    """A sound of `PlaySound` was played to its end, was stopped, or could not be played (`error`)."""

    call: str
    sound: str
    error: str = ""


class AudioEffectBehind(KernelWire, frozen=True, tag="audio-effect-behind"):
    """What the next `AudioHeader` would have told: there is none, for the function has not returned."""

    call: str
    late: int
    dropped: int


class Outcome(KernelWire, frozen=True, tag="outcome"):
    """Answer to a `CallRequest`."""

    id: int
    error_code: str | None = None
    error_message: str | None = None
    value: msgspec.Raw = field(default_factory=lambda: msgspec.Raw(b"\xc0"))


class Problem(KernelWire, frozen=True, tag="problem"):
    """An error for `call.errors`."""

    call: str
    code: str
    message: str


Notification = (
    Ready
    | EngineBeat
    | StateChanged
    | StatsArrived
    | EventArrived
    | IceArrived
    | ProbesArrived
    | ChecksArrived
    | ChatArrived
    | TicketChanged
    | EffectNews
    | SoundEnded
    | AudioEffectBehind
    | Outcome
    | Problem
    | PageMessage
)
