"""The nouns of a call, as the page, the kernel and the engine all know them."""

from numbers import Real
from typing import Literal

from msgspec import field
from msgspec.structs import force_setattr

from .ice import IceDecision
from .wire import Wire

Phase = Literal["idle", "connecting", "connected", "reconnecting", "failed", "closed"]
"""Where a call stands. ``idle`` waits for a click; ``closed`` is final."""

RoomPhase = Literal["outside", "joining", "joined", "reconnecting", "refused"]
"""Where a participant stands with its room. ``outside`` waits for the click."""

PeerState = Literal["new", "connecting", "connected", "reconnecting", "failed"]
"""The connection to one other participant, over all attempts to mend it."""

Codec = Literal["auto", "vp8", "vp9", "av1", "h264"]
"""The video codec that is preferred between browsers; where the other side lacks it, another one is used."""


RecordingLayout = Literal["separate", "pip", "grid", "speaker"]
"""How a recording shows people: each in a file of their own, or all in one picture. ``"pip"``: the other
large, oneself in a corner; ``"grid"``: all alike; ``"speaker"``: whoever speaks large, the others small."""

RecordingTracks = Literal["all", "local"] | tuple[str, ...]
"""Who is recorded: everybody, oneself, or those with these names or ids."""


EffectName = Literal[
    "none", "blur", "background", "grayscale", "sepia", "invert", "brightness", "contrast", "pixelate",
    "edge", "mirror",
]  # fmt: skip
"""What the page does to the camera's picture before anybody else gets it, Python too."""

OnLate = Literal["hold", "pass"]
"""What the others see while a Python function is late or fails: its last picture, or the camera's."""


class EffectRange(Wire, frozen=True):
    """How strong an effect can be."""

    title: str
    """For people."""
    low: float
    high: float
    """Where both are the same, the effect has no strength to choose."""
    usual: float


EFFECTS: dict[EffectName, EffectRange] = {
    "none": EffectRange("No effect", 0, 0, 0),
    "blur": EffectRange("Blur background", 0.05, 1, 0.5),
    "background": EffectRange("Background picture", 0, 0, 0),
    "grayscale": EffectRange("Grayscale", 0, 1, 1),
    "sepia": EffectRange("Sepia", 0, 1, 1),
    "invert": EffectRange("Invert", 0, 0, 0),
    "brightness": EffectRange("Brightness", -1, 1, 0.3),
    "contrast": EffectRange("Contrast", -1, 1, 0.3),
    "pixelate": EffectRange("Pixelate", 0.05, 1, 0.5),
    "edge": EffectRange("Edges", 0, 1, 1),
    "mirror": EffectRange("Mirror", 0, 0, 0),
}
"""In the order of the menu. Blur and pixelate: a share of the strongest; grayscale, sepia and edge: how much
of the picture is replaced (Filter Effects, section 8.1); brightness and contrast: 0 changes nothing, -1 is
black or gray, 1 doubles."""


class Effect(Wire, frozen=True):
    """An effect that the page puts on the camera's picture. A shared screen stays as it is."""

    name: EffectName = "none"
    strength: float | None = None
    """Within the effect's `EFFECTS`; None for the usual one."""

    def __post_init__(self) -> None:
        reach = EFFECTS.get(self.name)
        if reach is None:
            raise ValueError(f"There is no effect {self.name!r}; use {', '.join(map(repr, EFFECTS))}.")
        if self.strength is None:
            return
        given: object = self.strength
        if isinstance(given, bool) or not isinstance(given, Real):
            raise TypeError(f"The strength of an effect is a number, not {self.strength!r}.")
        if reach.low == reach.high:
            raise ValueError(f"The effect {self.name!r} has no strength.")
        if not reach.low <= self.strength <= reach.high:
            raise ValueError(
                f"The strength of {self.name!r} is {reach.low:g} to {reach.high:g}, not {self.strength!r}."
            )
        force_setattr(self, "strength", float(self.strength))  # NumPy's numbers are taken


class Quality(Wire, frozen=True):
    """The size and frame rate asked of the camera."""

    width: int
    """Pixels, 16 to 3840."""
    height: int
    """Pixels, 16 to 2160."""
    fps: float
    """Frames per second, 1 to 60."""
    name: str | None = None
    """``"auto"``, ``"low"``, ``"medium"``, ``"high"``, or None for one of the user's own.
    Auto is the most that is sent: the page steps down from it, and up again, as network, CPU and the number
    of people ask."""
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


QUALITIES = {
    "auto": Quality(1280, 720, 30, name="auto"),
    "low": Quality(640, 480, 15, name="low"),
    "medium": Quality(1280, 720, 30, name="medium"),
    "high": Quality(1920, 1080, 30, name="high"),
}
"""The qualities that have names, and stand in the widget's menu."""


class VideoSize(Wire, frozen=True):
    """Pixels of a picture as the camera delivers it."""

    width: int
    height: int
    fps: float | None = None


class ParticipantStatus(Wire, frozen=True):
    """What a participant says of itself to the others in the room."""

    muted: bool = False
    video_off: bool = False
    screen_sharing: bool = False
    recording: bool = False
    receives: tuple[str, ...] = ()
    """Ids of those whose picture or sound this one's Python receives."""
    recording_id: str = ""
    """Which recording this one makes now; empty where `recording` is False."""
    acknowledges: tuple[str, ...] = ()
    """Ids of the recordings whose red badge this one's views show now. Nobody is written before."""


class Participant(Wire, frozen=True):
    """Somebody in the call. In a solo call Python is one of them, because it receives the video."""

    id: str
    """Unique for each join of a room: whoever reloads and joins again is somebody new."""
    name: str
    is_python: bool = False
    """A `Bot`, or in a solo call the kernel's Python."""
    receives_video: bool = False
    is_you: bool = False
    is_creator: bool = False
    order: int = 0
    """Counts the joins of the room. Of two browsers the later joiner is the polite one."""
    protocol: int = 1
    """0 for a client of the plain tutorial protocol, which knows no generation and seldom offers."""
    joined_at_s: float = 0.0
    """Unix time in seconds, by the server's clock."""
    is_connected: bool = True
    """False while the seat is held for somebody whose signaling was lost."""
    connection: PeerState = "new"
    """How this page's own connection to the participant stands."""
    status: ParticipantStatus = ParticipantStatus()


class RoomSettings(Wire, frozen=True):
    """What is allowed in a room; its creator decides."""

    chat: bool = True
    recording: bool = True
    listed: bool = False
    """Whether strangers see the room in ``GET /api/rooms``."""


class RoomInfo(Wire, frozen=True):
    """The room of a call, as this participant sees it."""

    id: str
    name: str
    me: str = ""
    """Own participant id; empty until joined."""
    phase: RoomPhase = "outside"
    reason: str = ""
    """Why the room is out of reach or was refused, as a sentence for a person."""
    code: str = ""
    """The refusal's code (see `messages.signaling.ErrorCode`); with ``"wrong-passcode"`` the card asks."""
    capacity: int = 0
    settings: RoomSettings = RoomSettings()
    invite_url: str = ""
    server: str = ""
    """Where the room is, as a URL; empty before the first join."""


class ChatMessage(Wire, frozen=True):
    """A message that somebody wrote. Text, never HTML."""

    id: str
    sender: str
    """Participant id."""
    sender_name: str
    text: str
    time_s: float
    """Unix time in seconds, by the server's clock."""
    to: str | None = None
    """Only this participant got it; None: everybody."""


class RecordedPerson(Wire, frozen=True):
    """Somebody in a recording, or left out of it."""

    id: str
    """Participant id; ``"you"`` is the recorder's own camera and microphone."""
    name: str
    state: Literal["asked", "recorded", "left-out", "gone"] = "asked"
    """``asked``: the badge is not confirmed yet. ``left-out``: it was not within `CONSENT_S`; a later
    confirmation takes them in from then on. ``gone``: left the call or was never recorded at its end."""


class RecordedFile(Wire, frozen=True):
    """A file that a recording made."""

    name: str
    """The file's own name: what `ReadRecording` asks for."""
    path: str
    """Absolute."""
    size_bytes: int
    person: str = ""
    """Whose it is, as an id; empty for a composed file."""


class RecordingStatus(Wire, frozen=True):
    """A recording as every view shows it."""

    id: str
    path: str
    """What was asked for: the folder, or the one file."""
    state: Literal["recording", "composing", "stopped", "failed"]
    """``composing``: nothing is recorded any more, the separate files are complete, and the one file that
    was asked for is being made of them."""
    started_at_s: float
    """Unix time of the start, in seconds."""
    duration_s: float = 0.0
    size_bytes: int = 0
    error: str | None = None
    folder: str = ""
    """Absolute path of the folder with the separate files and the manifest."""
    layout: RecordingLayout | None = None
    """None: chosen when it stops, by how many people are in it."""
    people: tuple[RecordedPerson, ...] = ()
    files: tuple[RecordedFile, ...] = ()
    """Complete files only, the composed one first."""
    composed_fraction: float = 0.0
    """While ``composing``: how much is done, 0 to 1."""
    note: str = ""
    """What was done otherwise than asked, or is about to go wrong (little space), as a sentence."""


CONSENT_S = 2.0
"""Who has not confirmed the badge so long after being asked is left out of a recording."""


class Finding(Wire, frozen=True):
    """A problem that the statistics show: what, whose, the evidence, and what can be done."""

    code: str
    """``"network-loss"``, ``"cpu-encoder"``, ...: see `nbrtc.stats.findings`."""
    level: Literal["info", "warning", "error"]
    participant: str
    text: str
    """One sentence for a person, with the figure that matters."""
    advice: str
    """What can be done about it, as a sentence."""
    direction: Literal["send", "receive"] | None = None
    """Seen from the page; None where it concerns the path or the whole connection."""
    kind: Literal["video", "audio"] | None = None
    evidence: dict[str, str | float | None] = field(default_factory=dict)
    """Measured figures, units in the names; None where unknown."""
    started_at_s: float = 0.0
    """Unix time of the first poll that shows it, in seconds."""
    ended_at_s: float | None = None
    """Unix time of the last poll that shows it; None while it goes on."""


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
    effect: Effect = Effect()
    """What the page does to the camera's picture."""
    background: str = ""
    """Names the picture that Python gave for the effect "background": an asset (see `nbrtc.assets`). Empty
    without one; the page may have one of its own."""
    video_effect: str | None = None
    """Name of the Python function that changes the picture, or None."""
    video_source: str | None = None
    """What Python sends in the place of the camera, for people; None for the camera."""
    audio_effect: str | None = None
    """Name of the Python function that changes the sound, or None. The others then get its sound only."""
    playing: bool = False
    """Python plays a sound into the call: it comes down the link, beside an audio effect's."""
    recording: RecordingStatus | None = None
    """The one that runs, or the newest."""
    recordings: tuple[RecordingStatus, ...] = ()
    """Earlier ones of this call, the newest first, at most five."""
    recorded: tuple[str, ...] = ()
    """Whose frames are recorded, as in `wanted`: the tap drops nothing of theirs that its buffer can hold."""
    participants: tuple[Participant, ...] = ()
    room: RoomInfo | None = None
    """None for a solo call."""
    codec: Codec = "auto"
    screen_sharing: bool = False
    screen_requested: bool = False
    """Python asked for the click that shares the screen."""
    wanted: tuple[str, ...] = ()
    """Whose encoded frames Python wants now: ids of participants, ``"you"`` for this page's own camera."""
    stats_interval_s: float = 1.0
    """Seconds between two polls of the statistics, 0.1 to 5."""
    ice: IceDecision = IceDecision()
    """How the page's connections are made, and why; without credentials."""
    check_requested: bool = False
    """Python asked for a check of the connection."""
