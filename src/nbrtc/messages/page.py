"""The page and the engine: JSON. An `Intent` goes up, an `Event` comes down.

The bytes travel over the link's data channel once it is open, and over the widget's comm before that and
whenever the channel is silent.
"""

from typing import Literal

from .ice import (
    CheckName,
    CheckResult,
    IceConfiguration,
    IceRecord,
    IceServerEntry,
    NetworkInformation,
    ServerProbe,
)
from .nouns import (
    CallState,
    ChatMessage,
    Codec,
    Effect,
    Finding,
    PeerState,
    Quality,
    RecordingLayout,
    RecordingTracks,
    VideoSize,
)
from .wire import Wire

PROTOCOL = 6
"""Version of these messages; a page and an engine of different versions refuse each other in words."""

MAX_TRACE = 200
"""`IceRecord` in one message."""

RECORDING_CHUNK_BYTES = 96 * 1024
"""Fits into a message of the data channel as base64."""

# --- page -> engine: intents ----------------------------------------------------------------------------


class Hello(Wire, frozen=True, tag="hello"):
    """A view is there and the person can see it; answered by `Welcome`."""

    protocol: int


class Offer(Wire, frozen=True, tag="offer"):
    """The page asks to start, restart or take over the call (RFC 9429: the page is the only offerer)."""

    id: str
    generation: int
    sdp: str
    take_over: bool = False


class Candidate(Wire, frozen=True, tag="candidate"):
    """A trickled ICE candidate of the link (RFC 8838), up or down; an empty `candidate` ends them."""

    generation: int
    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


class MediaStatus(Wire, frozen=True, tag="media"):
    """What the page sends now. The page acts first and reports afterwards."""

    microphone_on: bool
    camera_on: bool
    camera: VideoSize | None = None
    screen_sharing: bool = False


class SetQuality(Wire, frozen=True, tag="set-quality"):
    """A quality chosen in the widget or by Python."""

    id: str
    quality: Quality


class SetCodec(Wire, frozen=True, tag="set-codec"):
    """A video codec chosen in the widget."""

    id: str
    codec: Codec


class SetEffect(Wire, frozen=True, tag="set-effect"):
    """An effect chosen in the widget."""

    id: str
    effect: Effect


class EnterRoom(Wire, frozen=True, tag="enter-room"):
    """Before the click: which room the call is in (None: solo), as whom, and with which passcode.

    Refused while somebody is in the call. An empty name stands for what one is called without: in a room the
    login name.
    """

    id: str
    room: str | None
    name: str
    passcode: str | None = None


class Enter(Wire, frozen=True, tag="enter"):
    """The click, on a page that has no Python and so makes no link (the guest page)."""

    id: str
    take_over: bool = False


class SessionDescription(Wire, frozen=True):
    """``RTCSessionDescriptionInit`` (webrtc-pc, section 4.7.2)."""

    type: Literal["offer", "answer"]
    sdp: str


class IceCandidate(Wire, frozen=True):
    """``RTCIceCandidateInit`` (webrtc-pc, section 4.8.1); an empty `candidate` ends them (RFC 8838)."""

    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None
    username_fragment: str | None = None


class PeerSignal(Wire, frozen=True, tag="peer-signal"):
    """A description or a candidate between this page and another participant: an intent up, an event down."""

    peer: str
    """Upwards whom it is for, downwards whom it is from."""
    generation: int | None = None
    """Counts the peer connections of this pair; None from a client of the tutorial protocol."""
    description: SessionDescription | None = None
    candidate: IceCandidate | None = None


class PeerStatus(Wire, frozen=True, tag="peer-status"):
    """How the page's connection to another participant stands."""

    peer: str
    state: PeerState
    reason: str = ""


class SendChat(Wire, frozen=True, tag="send-chat"):
    """A message that the person wrote; the reply says whether the room took it."""

    id: str
    text: str
    to: str | None = None


class Leave(Wire, frozen=True, tag="leave"):
    """The person left, or the last view went; the page has already stopped its devices."""

    reason: str = ""
    may_return: bool = False
    """The page went away, perhaps to be loaded again: what is recorded waits for it a while."""


class StartRecording(Wire, frozen=True, tag="start-recording"):
    """The record button; an empty path asks for a dated name in ``recordings/`` of the notebook's folder."""

    id: str
    path: str = ""
    tracks: RecordingTracks = "all"
    layout: RecordingLayout | None = None
    suffix: Literal["", ".mkv", ".webm", ".mp4"] = ".mkv"
    """Of the dated name; empty for a folder."""


class StopRecording(Wire, frozen=True, tag="stop-recording"):
    """The record button, again."""

    id: str


class RecordingsShown(Wire, frozen=True, tag="recordings-shown"):
    """The red badge of these recordings, one's own and others', stands in a view of this page now.

    Always the whole set; a page that shows none says so, too.
    """

    recordings: tuple[str, ...]


class ReadRecording(Wire, frozen=True, tag="read-recording"):
    """Asks for bytes of a recording's file; answered by `RecordingChunk`, or by a `Reply` that refuses."""

    id: str
    recording: str
    file: str
    """`RecordedFile.name`."""
    offset: int


class StatsSample(Wire, frozen=True, tag="stats"):
    """One `getStats` of one peer connection (webrtc-stats); values are copied verbatim."""

    time_s: float
    """Unix time of the poll, in seconds."""
    peer: str
    """Whose connection: ``"python"`` for the link, else a participant's id."""
    generation: int
    reports: tuple[dict[str, str | int | float | bool | None], ...]


class StatsEvent(Wire, frozen=True, tag="event"):
    """Something that happened in the call, for the timeline beside the statistics.

    Names are those of webrtc-pc's events and methods (``"connectionstatechange"``, ``"setLocalDescription"``,
    ``"icecandidate"``), as chrome://webrtc-internals has them, too; what is nbrtc's own (``"quality"``,
    ``"effect"``, ``"join"``) has a plain word. Never an address, a token or a whole description.
    """

    time_s: float
    """Unix time, in seconds."""
    peer: str
    """Whose connection or who; empty for what concerns the whole call."""
    name: str
    value: str = ""
    """The new state, verbatim where the standard has one."""
    generation: int = 0
    """Which of the peer's connections; 0 where it is about none."""


class Pong(Wire, frozen=True, tag="pong"):
    """Echo of a `Ping`: the page is alive, and the engine learns the round-trip time."""

    sent_s: float


class NetworkReport(Wire, frozen=True, tag="network"):
    """The browser's network, at the click and whenever it changed."""

    network: NetworkInformation


class ProbeReport(Wire, frozen=True, tag="probes"):
    """How the servers answered the page."""

    probes: tuple[ServerProbe, ...]


class IceTrace(Wire, frozen=True, tag="ice"):
    """What the page saw of its connections' ICE, in order; at most `MAX_TRACE` at once."""

    records: tuple[IceRecord, ...]


class RefreshIce(Wire, frozen=True, tag="refresh-ice"):
    """Before connections are made or restarted: `IceConfigured` comes, then the `Reply`."""

    id: str


class CheckOffer(Wire, frozen=True, tag="check-offer"):
    """A connection of its own that measures the path to the engine; answered by `CheckAnswer`.

    One unreliable, unordered data channel, negotiated with id 0: the engine sends back what it gets.
    """

    id: str
    sdp: str


class RunChecks(Wire, frozen=True, tag="run-checks"):
    """The page checks the connection and asks the engine for its part; answered by `Checked` events."""

    id: str


class CheckReport(Wire, frozen=True, tag="check-report"):
    """All results of a check, the engine's too: for the kernel."""

    checks: tuple[CheckResult, ...]


class PageProblem(Wire, frozen=True, tag="problem"):
    """Something that the page could not do, for `call.errors`."""

    code: str
    message: str


Intent = (
    Hello
    | Offer
    | Candidate
    | MediaStatus
    | SetQuality
    | SetCodec
    | SetEffect
    | EnterRoom
    | Enter
    | PeerSignal
    | PeerStatus
    | SendChat
    | Leave
    | StartRecording
    | StopRecording
    | RecordingsShown
    | ReadRecording
    | StatsSample
    | StatsEvent
    | Pong
    | NetworkReport
    | ProbeReport
    | IceTrace
    | RefreshIce
    | CheckOffer
    | RunChecks
    | CheckReport
    | PageProblem
)

# --- engine -> page: events -----------------------------------------------------------------------------


class Welcome(Wire, frozen=True, tag="welcome"):
    """Answer to `Hello`: a live kernel and engine stand behind this widget."""

    protocol: int
    state: CallState
    qualities: tuple[Quality, ...]
    ice: IceConfiguration = IceConfiguration()
    chat: tuple[ChatMessage, ...] = ()
    """What was written so far."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with the call now."""


class Answer(Wire, frozen=True, tag="answer"):
    """The engine's description for one generation of the link."""

    generation: int
    sdp: str


class Reply(Wire, frozen=True, tag="reply"):
    """Outcome of the intent with this id; a repeated id gets the same reply and is not carried out again."""

    id: str
    error_code: str | None = None
    error_message: str | None = None


class Ping(Wire, frozen=True, tag="ping"):
    """The engine's heartbeat, four a second on the data channel."""

    sent_s: float
    effect_delay_s: float | None = None
    """From its frame's arrival to the effect's last picture, in seconds; None without an effect."""
    sound_delay_s: float | None = None
    """From its packet's arrival to the sending of the audio effect's sound, in seconds; None without one."""


class IceConfigured(Wire, frozen=True, tag="ice-configured"):
    """From now on connections are made with this: other servers, or fresh credentials."""

    ice: IceConfiguration


class ProbeIce(Wire, frozen=True, tag="probe-ice"):
    """Probe these servers one by one and say `ProbeReport`; used or not, they are not configured by this."""

    ice_servers: tuple[IceServerEntry, ...]
    timeout_s: float = 5.0


class CheckAnswer(Wire, frozen=True, tag="check-answer"):
    """The engine's description for `CheckOffer`."""

    id: str
    sdp: str


class Checked(Wire, frozen=True, tag="checked"):
    """Results of the engine's part of a check, as they come."""

    id: str
    """Of the `RunChecks`."""
    checks: tuple[CheckResult, ...]
    done: bool = False
    planned: tuple[CheckName, ...] = ()
    """With the first of them: what will be looked at."""


class SwitchMedia(Wire, frozen=True, tag="switch-media"):
    """Python switches a device: off acts at once, on asks for a click where the device is not open."""

    microphone_on: bool | None = None
    camera_on: bool | None = None
    screen_on: bool | None = None


class ApplyQuality(Wire, frozen=True, tag="apply-quality"):
    """Apply this quality to the live track."""

    quality: Quality


class Chat(Wire, frozen=True, tag="chat"):
    """New messages, one's own too; a page drops those whose id it has."""

    messages: tuple[ChatMessage, ...]


class Bye(Wire, frozen=True, tag="bye"):
    """The link ends. The page stops its devices unless `recover` says that a new offer is welcome."""

    code: Literal["taken-over", "closed", "kernel-gone", "left", "lost"]
    reason: str
    recover: bool = False


class Notice(Wire, frozen=True, tag="notice"):
    """A notification in the widget; the same key replaces an earlier one, and no text takes it away."""

    key: str
    level: Literal["info", "warning", "error"]
    text: str


class Findings(Wire, frozen=True, tag="findings"):
    """What is wrong with the call now, the worst first; empty where all is well."""

    findings: tuple[Finding, ...] = ()


class RecordingChunk(Wire, frozen=True, tag="recording-chunk"):
    """Bytes of a recording's file, at most `RECORDING_CHUNK_BYTES`."""

    id: str
    """Of the `ReadRecording`."""
    size_bytes: int
    """Of the whole file."""
    data: str
    """Base64; empty at the file's end."""


Event = (
    Welcome
    | Answer
    | Candidate
    | Reply
    | Ping
    | IceConfigured
    | ProbeIce
    | CheckAnswer
    | Checked
    | SwitchMedia
    | ApplyQuality
    | PeerSignal
    | Chat
    | Bye
    | Notice
    | Findings
    | RecordingChunk
    | CallState
)
