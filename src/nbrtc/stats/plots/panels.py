"""How each metric is drawn: its name for a person, its unit, and how several values become one."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal


@dataclass(frozen=True, slots=True)
class Panel:
    """How one metric is drawn."""

    label: str
    unit: str = ""
    scale: float = 1.0
    """Multiplies the column's unit into the panel's."""
    fold: Literal["sum", "max", "min"] = "max"
    """How video and audio of one poll become one value: bitrates add up, of losses the worse one counts."""
    both_ways: bool = False
    """Describes the path, not a direction."""
    better: Literal["more", "less"] | None = None
    """Which of two calls is the better one; None where neither is."""

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.label} ({self.unit})" if self.unit else self.label


PANELS = {
    "bitrate_bps": Panel("Bitrate", "kbit/s", 1e-3, fold="sum", better="more"),
    "packets": Panel("Packets", fold="sum"),
    "packets_lost": Panel("Packets lost", fold="sum", better="less"),
    "loss_fraction": Panel("Loss", "%", 100, better="less"),
    "jitter_s": Panel("Jitter", "ms", 1000, better="less"),
    "rtt_s": Panel("Round trip", "ms", 1000, both_ways=True, better="less"),
    "available_bitrate_bps": Panel("Available", "kbit/s", 1e-3, better="more"),
    "fps": Panel("Frame rate", "fps", better="more"),
    "frame_width": Panel("Width", "px", better="more"),
    "frame_height": Panel("Height", "px", better="more"),
    "keyframes": Panel("Keyframes", fold="sum"),
    "frames_dropped": Panel("Frames dropped", fold="sum", better="less"),
    "qp": Panel("QP"),
    "encode_s": Panel("Encoding", "ms", 1000, better="less"),
    "decode_s": Panel("Decoding", "ms", 1000, better="less"),
    "jitter_buffer_s": Panel("Jitter buffer", "ms", 1000, better="less"),
    "freeze_fraction": Panel("Frozen", "%", 100, better="less"),
    "concealed_fraction": Panel("Concealed", "%", 100, better="less"),
    "audio_level": Panel("Audio level", "of full scale"),
    "nack": Panel("NACK", fold="sum", better="less"),
    "pli": Panel("PLI", fold="sum", better="less"),
    "mos": Panel("MOS", "1 to 5", fold="min", better="more"),
}
DEFAULT_METRICS = ("bitrate_bps", "fps", "rtt_s", "loss_fraction")


def checked_metrics(metrics: str | Sequence[str] | None) -> tuple[str, ...]:
    """The metrics to draw; a name that no panel has is a ValueError that lists those that exist."""
    if metrics is None:
        return DEFAULT_METRICS
    chosen = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    unknown = [name for name in chosen if name not in PANELS]
    if unknown or not chosen:
        what = f"Unknown metrics {unknown}" if unknown else "No metrics were given"
        raise ValueError(f"{what}: choose from {', '.join(PANELS)}.{did_you_mean(unknown)}")
    return chosen


def did_you_mean(names: Sequence[object]) -> str:
    """A hint at metrics that are spelled nearly like these; empty where none is."""
    near = [match for name in names for match in get_close_matches(str(name), PANELS, n=2, cutoff=0.6)]
    return f" Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
