"""One row of the derived statistics: one RTP stream between two polls."""

from dataclasses import dataclass
from math import nan

from nbrtc.stats.row import Direction, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """Metrics of one ``inbound-rtp`` or ``outbound-rtp`` object (webrtc-stats) in one poll.

    A rate, a mean, a share or a count covers the `interval_s` since the stream's previous poll. It is NaN in
    the stream's first poll and across a reset: another SSRC, another generation, a counter that fell. NaN or
    None is also what the browser did not say; it is never 0.
    """

    time_s: float
    """Unix time of the poll, in seconds."""
    participant: str
    generation: int
    direction: Direction
    """``"send"`` is ``outbound-rtp``."""
    kind: Kind
    id: str
    """The object's id in getStats, opaque."""
    ssrc: int | None = None
    mid: str | None = None
    rid: str | None = None
    """The simulcast layer."""
    track: str | None = None
    """``trackIdentifier``: of a sent stream that of its media source."""
    codec: str | None = None
    """``"VP8"``, ``"opus"``, ...: the MIME type without its kind. A change of codec is not a reset."""
    implementation: str | None = None
    """``encoderImplementation`` or ``decoderImplementation``."""
    interval_s: float = nan
    """Since the stream's previous poll, by its own timestamps."""

    bitrate_bps: float = nan
    """Payload bits per second, retransmissions included, RTP headers not."""
    target_bitrate_bps: float = nan
    """What the encoder was told to produce."""
    available_bitrate_bps: float = nan
    """What congestion control believes the path can carry away from here; only for ``"send"``."""
    header_fraction: float = nan
    """Share of RTP headers and padding in all bytes."""
    packets: float = nan
    packets_lost: float = nan
    """0 where late packets brought the total down; for ``"send"`` as the receiver reported it."""
    loss_fraction: float = nan
    """0..1; for ``"send"`` the receiver's ``fractionLost``, else its lost packets of those sent."""
    packets_discarded: float = nan
    """Arrived too late or too early to be played."""
    retransmitted_fraction: float = nan
    """Share of the packets that were retransmissions."""
    jitter_s: float = nan
    """Interarrival jitter (RFC 3550, section 6.4.1), measured by the receiver."""
    rtt_s: float = nan
    """Round trip by STUN of the stream's candidate pair; the latest where none was measured."""
    rtcp_rtt_s: float = nan
    """Round trip by RTCP: the mean of what was measured, else the latest of a report that is not too old."""
    report_age_s: float = nan
    """How long before the poll the other side's RTCP report arrived."""
    is_stale: bool | None = None
    """No report came since the previous poll: what it says is repeated, and left out when older than 5 s."""

    fps: float = nan
    """Frames encoded or decoded per second; sent or received where that end forwards and codes none."""
    frames: float = nan
    """Those that `fps` counts."""
    frame_width: float = nan
    """Pixels of the newest frame."""
    frame_height: float = nan
    frames_dropped: float = nan
    """Arrived and were not shown."""
    drop_fraction: float = nan
    """Share of the received frames that were dropped."""
    keyframes_per_s: float = nan
    nack_per_s: float = nan
    """Negative acknowledgements (RFC 4585, section 6.2.1), sent by the receiver."""
    pli_per_s: float = nan
    """Picture loss indications (RFC 4585, section 6.3.1), sent by the receiver."""
    fir_per_s: float = nan
    """Full intra requests (RFC 5104, section 4.3.1), sent by the receiver."""
    qp: float = nan
    """Mean quantiser of a frame, in the codec's own scale: smaller is finer."""
    encode_s: float = nan
    """Mean time to encode one frame."""
    pacer_delay_s: float = nan
    """Mean time that a packet waited to be sent."""
    decode_s: float = nan
    """Mean time to decode one frame."""
    assembly_s: float = nan
    """Mean time from a frame's first packet to its last, of frames of several packets."""
    processing_s: float = nan
    """Mean time from a frame's (or sample's) first packet until it was decoded."""
    jitter_buffer_s: float = nan
    """Mean time that a frame or a sample waited in the jitter buffer."""
    jitter_buffer_target_s: float = nan
    """The mean that the jitter buffer aimed at."""
    jitter_buffer_minimum_s: float = nan
    """The mean that the network alone would have needed."""
    inter_frame_s: float = nan
    """Mean time between two frames."""
    inter_frame_stdev_s: float = nan
    """Standard deviation of the time between two frames."""
    freeze_count: float = nan
    freeze_fraction: float = nan
    """Share of the time that the picture stood still, 0..1; a freeze counts where it ends."""
    pause_fraction: float = nan
    """Share of the time without any frame for more than 5 s, 0..1."""
    corruption_probability: float = nan
    """Mean probability, 0..1, that a frame was decoded wrongly, where the sender lets it be measured."""
    limitation: str | None = None
    """``qualityLimitationReason``, verbatim: ``"none"``, ``"cpu"``, ``"bandwidth"`` or ``"other"``."""
    limitation_none_fraction: float = nan
    """Share of the time in which nothing limited the picture."""
    limitation_cpu_fraction: float = nan
    limitation_bandwidth_fraction: float = nan
    limitation_other_fraction: float = nan

    concealed_fraction: float = nan
    """Share of the played samples that were made up."""
    silent_concealed_fraction: float = nan
    """Share of the played samples that were made up as silence."""
    stretched_fraction: float = nan
    """Share of the played samples that were inserted or removed to slow down or speed up."""
    audio_level: float = nan
    """Root mean square of the sound, 0..1 of full scale."""
