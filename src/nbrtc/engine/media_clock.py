"""What ties one feed's RTP time to the time of the file that it is written into."""

import math
from dataclasses import dataclass

from nbrtc.engine.feed import EncodedFrame, SenderReport

WINDOW_S = 10.0
"""The smallest delay is taken over so long; a track's beginning is provisional for so long, too."""
PROVISIONAL_FRAMES = 1000
"""Fewer than `MatroskaWriter.move` can move."""
STALL_S = 1.0
"""A frame so much later than the one before it shows that RTP time stood still, or a burst follows."""
LEAP_S = 3.0
"""Media that runs ahead of arrival by more than this between two frames shows that RTP time leapt."""
QUIET_S = 30.0
"""After such a silence nothing that was learned about delays holds."""


@dataclass(slots=True)
class MediaClock:
    """Ties one feed's RTP time to the file, as long as it runs without a leap: file time = media + offset."""

    offset_s: float
    media_s: float
    arrived_s: float
    began_s: float
    since_ms: int
    """Its first frame in the file."""
    floor_ms: int | None
    """Its track's last frame before that."""
    low_s: float
    """The smallest delay while it is provisional: arrival, counted as file time, minus file time."""
    frames: int = 0
    told_s: float | None = None
    """Capture time minus media time as it was told last."""
    capture_s: float | None = None
    """The same, without the steps of a clock that was set; None while nobody tells, or nobody is believed."""
    owed_s: float = 0.0
    """What the track has to move yet, where arrival stands for its capture clock."""

    @property
    def provisional(self) -> bool:
        """Whether its beginning may still be moved."""
        return self.frames <= PROVISIONAL_FRAMES and self.arrived_s - self.began_s <= WINDOW_S

    def leaps(self, media_s: float, arrived_s: float) -> bool:
        """Whether RTP time, with this frame, has to be tied anew."""
        passed_s, waited_s = media_s - self.media_s, arrived_s - self.arrived_s
        return passed_s < 0 or waited_s > QUIET_S or not -LEAP_S <= waited_s - passed_s <= STALL_S


@dataclass(slots=True)
class DelayWindow:
    """The smallest delay of a track within a while."""

    since_s: float
    low_s: float = math.inf
    frames: int = 0


def told_capture_s(frame: EncodedFrame, media_s: float, report: SenderReport | None) -> float | None:
    """Capture time minus media time, as the frame or the newest report tells it."""
    told_s = None
    if frame.captured_s is not None:
        told_s = frame.captured_s - media_s
    elif report is not None:
        told_s = report.ntp_s - report.timestamp / frame.clock_rate
    # What is no number would never leave the sums that it got into.
    return told_s if told_s is not None and math.isfinite(told_s) else None
