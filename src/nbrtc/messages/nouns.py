"""The nouns of a call, as the page, the kernel and the engine all know them."""

from typing import Literal

from msgspec import Struct

Phase = Literal["idle", "connecting", "connected", "reconnecting", "failed", "closed"]
"""Where a call stands. ``idle`` waits for a click; ``closed`` is final."""


class Wire(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Base of everything that the page sees or says."""


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


QUALITIES = {
    "low": Quality(640, 480, 15, name="low"),
    "medium": Quality(1280, 720, 30, name="medium"),
    "high": Quality(1920, 1080, 30, name="high"),
}
"""The qualities that have names, and stand in the widget's menu."""


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
