"""All that crosses a boundary: the page's JSON and the kernel's MessagePack.

Two conversations use these types, and both ends decode strictly (an unknown field or tag is refused):

* **page <-> engine**, JSON. `Intent` goes up, `Event` comes down. The bytes travel over the link's data
  channel once it is open, and over the widget's comm before that and whenever the channel is silent.
* **kernel <-> engine**, MessagePack over the bridge. `Request` goes down, `Notification` comes up; the kernel
  relays the page's comm traffic as `PageMessage` without looking inside.

Keys are camelCase on the page's wire (`rename="camel"`), because JavaScript reads them; W3C values such as
``"connected"`` are verbatim. `js/src/messages.ts` is generated from this file by ``python js/generate_messages.py``.
"""

from typing import Literal

import msgspec
from msgspec import Struct, field

PROTOCOL = 1
"""Version of this file; a page and an engine of different versions refuse each other in words."""

Phase = Literal["idle", "connecting", "connected", "reconnecting", "failed", "closed"]
"""Where a call stands. ``idle`` waits for a click; ``closed`` is final."""


class Wire(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of everything that the page sees or says."""


# --- nouns -------------------------------------------------------------------------------------------


class Quality(Wire, frozen=True):
    """The size and frame rate asked of the camera."""

    width: int
    """Pixels, 16 to 3840."""
    height: int
    """Pixels, 16 to 2160."""
    fps: float
    """Frames per second, 1 to 60."""
    name: str | None = None
    """``"low"``, ``"medium"``, ``"high"``, or None for one of the user's own."""
    bitrate_bps: int = 0
    """Video bitrate that fits this quality; the engine fills it in."""

    def __post_init__(self) -> None:
        for value, low, high, what in (
            (self.width, 16, 3840, "width in pixels"),
            (self.height, 16, 2160, "height in pixels"),
            (self.fps, 1, 60, "frame rate per second"),
        ):
            if not low <= value <= high:
                raise ValueError(f"The {what} must be between {low} and {high}, not {value!r}.")


class IceServerEntry(Wire, frozen=True):
    """One entry of ``RTCConfiguration.iceServers`` (webrtc-pc, section 4.2.4)."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = None


class VideoSize(Wire, frozen=True):
    """Pixels of a picture as the camera delivers it."""

    width: int
    height: int
    fps: float | None = None


class Participant(Wire, frozen=True):
    """Somebody in the call; Python is one of them, because it receives the video."""

    id: str
    name: str
    is_python: bool = False
    receives_video: bool = False


class RecordingStatus(Wire, frozen=True):
    """A recording as every view shows it."""

    id: str
    path: str
    state: Literal["recording", "stopped", "failed"]
    started_at_s: float
    """Unix time of the start, in seconds."""
    duration_s: float = 0.0
    size_bytes: int = 0
    error: str | None = None


class CallState(Wire, frozen=True, tag="state"):
    """The engine's view of one call, whole; page and kernel mirror the newest `(epoch, revision)`."""

    quality: Quality
    epoch: int = 0
    """Counts the engines of this kernel, so that a new engine's first state outranks an old one's last."""
    revision: int = 0
    phase: Phase = "idle"
    reason: str = ""
    """Why the call failed, reconnects or ended, as a sentence for a person."""
    owner: str | None = None
    """Id of the page that owns the call; other pages mirror it and can take it over."""
    join_requested: bool = False
    """Python asked for the click."""
    camera_requested: bool = False
    microphone_requested: bool = False
    camera_on: bool = False
    microphone_on: bool = False
    camera: VideoSize | None = None
    video_effect: str | None = None
    """Name of the Python function that changes the picture, or None."""
    recording: RecordingStatus | None = None
    participants: tuple[Participant, ...] = ()


# --- page -> engine: intents ----------------------------------------------------------------------


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
    """A trickled ICE candidate (RFC 8838); an empty `candidate` ends them."""

    generation: int
    candidate: str
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


class MediaStatus(Wire, frozen=True, tag="media"):
    """What the page sends now. The page acts first and reports afterwards."""

    microphone_on: bool
    camera_on: bool
    camera: VideoSize | None = None


class SetQuality(Wire, frozen=True, tag="set-quality"):
    """A quality chosen in the widget or by Python."""

    id: str
    quality: Quality


class Leave(Wire, frozen=True, tag="leave"):
    """The person left, or the last view went; the page has already stopped its devices."""

    reason: str = ""


class StartRecording(Wire, frozen=True, tag="start-recording"):
    """The record button; an empty path asks for a dated name below the notebook's folder."""

    id: str
    path: str = ""


class StopRecording(Wire, frozen=True, tag="stop-recording"):
    """The record button, again."""

    id: str


class StatsSample(Wire, frozen=True, tag="stats"):
    """One `getStats` of one peer connection (webrtc-stats); values are copied verbatim."""

    time_s: float
    """Unix time of the poll, in seconds."""
    peer: str
    """Whose connection: ``"python"`` for the link."""
    generation: int
    reports: tuple[dict[str, str | int | float | bool | None], ...]


class Pong(Wire, frozen=True, tag="pong"):
    """Echo of a `Ping`: the page is alive, and the engine learns the round-trip time."""

    sent_s: float


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
    | Leave
    | StartRecording
    | StopRecording
    | StatsSample
    | Pong
    | PageProblem
)

# --- engine -> page: events -----------------------------------------------------------------------


class Welcome(Wire, frozen=True, tag="welcome"):
    """Answer to `Hello`: a live kernel and engine stand behind this widget."""

    protocol: int
    state: CallState
    qualities: tuple[Quality, ...]
    ice_servers: tuple[IceServerEntry, ...] = ()


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


class SwitchMedia(Wire, frozen=True, tag="switch-media"):
    """Python switches a device: off acts at once, on asks for a click where the device is not open."""

    microphone_on: bool | None = None
    camera_on: bool | None = None


class ApplyQuality(Wire, frozen=True, tag="apply-quality"):
    """Apply this quality to the live track."""

    quality: Quality


class Bye(Wire, frozen=True, tag="bye"):
    """The link ends. The page stops its devices unless `recover` says that a new offer is welcome."""

    code: Literal["taken-over", "closed", "kernel-gone", "left", "lost"]
    reason: str
    recover: bool = False


class Notice(Wire, frozen=True, tag="notice"):
    """A notification in the widget; the same key replaces an earlier one."""

    key: str
    level: Literal["info", "warning", "error"]
    text: str


Event = Welcome | Answer | Reply | Ping | SwitchMedia | ApplyQuality | Bye | Notice | CallState

# --- kernel -> engine -----------------------------------------------------------------------------


class KernelWire(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the bridge's messages; both ends are the same installed version."""


class OpenCall(KernelWire, frozen=True, tag="open-call"):
    """A Call exists; everything about it comes after this."""

    call: str
    name: str
    quality: Quality
    folder: str
    """Folder that relative recording paths are below."""
    epoch: int
    """Counts the engines of this kernel: 0 for the first, more after a crash."""
    ice_servers: tuple[IceServerEntry, ...] = ()
    video_effect: str | None = None


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


class ChangeQuality(KernelWire, frozen=True, tag="quality"):
    """Ask the page for another size, rate and bitrate."""

    quality: Quality


class SetVideoEffect(KernelWire, frozen=True, tag="video-effect"):
    """From now on the picture that goes back is the kernel's (a name) or the camera's own (None)."""

    name: str | None


class Record(KernelWire, frozen=True, tag="record"):
    """Start recording into `path` (absolute; its folder exists)."""

    path: str


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
    | ChangeQuality
    | SetVideoEffect
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


Request = OpenCall | CloseCall | PageMessage | CallRequest | KernelBeat

# --- engine -> kernel -----------------------------------------------------------------------------


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
    """A sample of the page's statistics."""

    call: str
    sample: StatsSample


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


Notification = Ready | EngineBeat | StateChanged | StatsArrived | Outcome | Problem | PageMessage

# --- frames: kernel <-> engine over ports of their own ----------------------------------------------


class FrameCredit(KernelWire, frozen=True, tag="credit"):
    """The kernel's subscriber is ready for one frame newer than `after`.

    An effect's result rides on the same message as extra parts: the header below and its planes.
    """

    call: str
    after: int = -1
    result: "FrameHeader | None" = None


class FrameHeader(KernelWire, frozen=True, tag="frame"):
    """Describes the yuv420p planes that follow as one message part: Y, U, V, rows packed without padding."""

    number: int
    """Counts the decoded frames of the call."""
    width: int
    height: int
    timestamp: int
    """RTP timestamp, unwrapped, in 1/90000 s."""
    arrived_s: float
    """`time.monotonic` of the machine when the frame's last packet arrived."""
    time_s: float
    """Media time of the call in seconds; goes on over reconnections."""
    skipped: int = 0
    """Frames decoded since this subscriber's last one that it was too late for."""


class FrameStop(KernelWire, frozen=True, tag="stop"):
    """No more frames: the call was left or closed, or the subscriber went."""

    call: str
    reason: str = ""


FrameMessage = FrameCredit | FrameHeader | FrameStop

encode_json = msgspec.json.Encoder().encode
decode_intent = msgspec.json.Decoder(Intent).decode
decode_event = msgspec.json.Decoder(Event).decode
encode_bridge = msgspec.msgpack.Encoder().encode
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_notification = msgspec.msgpack.Decoder(Notification).decode
decode_frame_message = msgspec.msgpack.Decoder(FrameMessage).decode
