"""One row of the tidy statistics: what one participant sent or received of one kind between two polls."""

from dataclasses import dataclass, fields
from math import nan
from typing import Literal

Direction = Literal["send", "receive"]
Kind = Literal["video", "audio"]
DIRECTIONS: tuple[Direction, ...] = ("send", "receive")
KINDS: tuple[Kind, ...] = ("video", "audio")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsRow:
    """Derived metrics of a poll (webrtc-stats gives the counters); NaN or None where the browser did not say.

    A rate, a ratio or a count covers the time since the previous poll of the same connection. It is NaN in
    the first poll of a connection and across a reset.
    """

    time_s: float
    """Unix time of the poll, in seconds."""
    participant: str
    """Whose connection: ``"python"`` for the link."""
    generation: int
    """Which of the participant's connections, counted by the page."""
    direction: Direction
    """Seen from the page: ``"send"`` leaves the browser, ``"receive"`` arrives there."""
    kind: Kind
    bitrate_bps: float = nan
    """Payload bits per second, without RTP headers, retransmissions included."""
    packets: float = nan
    """RTP packets since the previous poll."""
    packets_lost: float = nan
    """Packets lost since the previous poll; 0 where late packets brought the total down."""
    loss_fraction: float = nan
    """0..1; in the direction ``"send"`` as the other side reported it over RTCP within the last 5 s."""
    jitter_s: float = nan
    """Interarrival jitter (RFC 3550, section 6.4.1), measured by the receiver."""
    rtt_s: float = nan
    """Round trip to the other end: STUN's, else RTCP's. The same in every row of a poll."""
    available_bitrate_bps: float = nan
    """What congestion control believes the path can carry away from the browser; only for ``"send"``."""
    fps: float = nan
    """Frames encoded or decoded per second; sent or received where that end forwards and codes none."""
    frame_width: float = nan
    """Pixels of the newest frame, the largest where there are several streams."""
    frame_height: float = nan
    keyframes: float = nan
    """Keyframes encoded or decoded since the previous poll."""
    frames_dropped: float = nan
    """Frames that arrived since the previous poll and were not shown."""
    qp: float = nan
    """Mean quantiser of the frames since the previous poll, in the codec's own scale: smaller is finer."""
    encode_s: float = nan
    """Mean time to encode one frame."""
    decode_s: float = nan
    """Mean time to decode one frame."""
    jitter_buffer_s: float = nan
    """Mean time that a frame or a sample waited in the jitter buffer."""
    freeze_fraction: float = nan
    """Share of the time that the picture stood still, 0..1; a freeze counts where it ends."""
    concealed_fraction: float = nan
    """Share of the played audio samples that were made up, 0..1."""
    audio_level: float = nan
    """Root mean square of the sound, 0..1 of full scale."""
    nack: float = nan
    """Negative acknowledgements since the previous poll (RFC 4585, section 6.2.1), sent by the receiver."""
    pli: float = nan
    """Picture loss indications since the previous poll (RFC 4585, section 6.3.1), sent by the receiver."""
    mos: float = nan
    """Mean opinion score, 1 to 5 (see `nbrtc.stats.scores.quality`); NaN of what is off or muted."""
    limitation: str | None = None
    """``qualityLimitationReason``, verbatim: ``"none"``, ``"cpu"``, ``"bandwidth"`` or ``"other"``."""
    codec: str | None = None
    """``"VP8"``, ``"opus"``, ...: the MIME type without its kind."""


COLUMNS = tuple(field.name for field in fields(StatsRow))
METRICS = tuple(field.name for field in fields(StatsRow) if field.type is float and field.name != "time_s")
"""The columns that hold measured numbers."""
