"""The page and the engine: JSON. An `Intent` goes up, an `Event` comes down.

The bytes travel over the link's data channel once it is open, and over the widget's comm before that and
whenever the channel is silent.
"""

from typing import Literal

from .nouns import CallState, IceServerEntry, Quality, VideoSize, Wire

PROTOCOL = 1
"""Version of these messages; a page and an engine of different versions refuse each other in words."""

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

# --- engine -> page: events -----------------------------------------------------------------------------


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
