"""How good the picture of a call is: a documented formula of nbrtc's own, and the two models it is made from.

No public model covers what browsers do (retransmission, changing sizes, freezes), so ours takes the rate term
of rtcscore and the loss factor of ITU-T G.1070, and multiplies what a person sees: every factor is between 0
and 1 and falls with its fault, so that the score stays within 1..5 and falls with each of them. It is a
heuristic, fitted to nobody's eyes; docs/quality.md has its derivation.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isnan, log, nan

from nbrtc.stats.scores.emodel import clamp

FULL_FPS = 30.0
"""A picture of this rate loses nothing to its rate."""
FPS_EXPONENT = 0.6
"""Half the rate costs a third; at a fixed bitrate part of it comes back, as each frame then has more bits."""
DELAY_SCALE_S = 1.5
"""Tangent to rtcscore's 0.002 a millisecond for a good picture (start value 4)."""
LOSS_SCALE_PERCENT = 14.42
"""G.1070's factor Dp at its most tolerant, v10 + v12 less a rounding: browsers repair most losses by
retransmission. A constant, because with G.1070's own a higher bitrate could give a lower score."""
FREEZE_EXPONENT = 2.0
RESOLUTION_EXPONENT = 0.25
"""Of the share of the asked pixels: half of the height and width cost 29 %."""

CODEC_FACTORS: Mapping[str, float] = {"vp9": 1.2, "av1": 1.4, "h265": 1.4}
"""How many bits of VP8 or H.264 one bit is worth: VP9 as in rtcscore, the others are estimates."""

LEAST = 1e-9
"""Bits per pixel, far below what gives the lowest score: a logarithm needs some."""

FACTORS = ("resolution", "frame_rate", "loss", "freezes", "delay")
"""In the order in which they are taken off."""


@dataclass(frozen=True, slots=True)
class VideoScore:
    """``1 + (start - 1) * resolution * frame_rate * loss * freezes * delay``."""

    start: float
    """What bits per pixel and codec allow, 1 to 5."""
    resolution: float
    frame_rate: float
    loss: float
    freezes: float
    delay: float
    """These five are factors, 0 to 1."""

    @property
    def mos(self) -> float:
        """1 to 5; NaN where bitrate, size, frame rate, loss or delay is unknown."""
        factor = self.resolution * self.frame_rate * self.loss * self.freezes * self.delay
        return 1.0 + (self.start - 1.0) * factor

    def terms(self) -> dict[str, float]:
        """The start value, and what each factor takes off in its turn (zero or less); their sum is `mos`."""
        found = {"start": self.start}
        so_far = self.start - 1.0
        for name in FACTORS:
            factor: float = getattr(self, name)
            found[name] = so_far * factor - so_far
            so_far *= factor
        return found


UNKNOWN = VideoScore(nan, nan, nan, nan, nan, nan)


def score(
    *,
    bitrate_bps: float = nan,
    pixels: float = nan,
    fps: float = nan,
    loss_fraction: float = nan,
    delay_s: float = nan,
    freeze_fraction: float = nan,
    codec: str | None = None,
    asked_pixels: float = nan,
) -> VideoScore:
    """Judge a moving picture; `UNKNOWN` where bitrate, size, frame rate, loss or delay is.

    Parameters
    ----------
    pixels
        Width times height.
    delay_s
        One way: half the round trip, and the jitter buffer.
    freeze_fraction
        Share of the time that the picture stood still; unknown where no picture is received, and then 0.
    asked_pixels
        Pixels of what the camera gives; unknown where the sender does not say, and then what is sent.
    """
    needed = bitrate_bps + pixels + fps + loss_fraction + delay_s
    if isnan(needed) or pixels <= 0.0:
        return UNKNOWN
    return VideoScore(
        start=start_value(bitrate_bps, pixels, fps, codec),
        resolution=_power(pixels / asked_pixels, RESOLUTION_EXPONENT) if asked_pixels > 0.0 else 1.0,
        frame_rate=_power(fps / FULL_FPS, FPS_EXPONENT),
        loss=exp(-100.0 * clamp(loss_fraction, 0.0, 1.0) / LOSS_SCALE_PERCENT),
        freezes=1.0 if isnan(freeze_fraction) else _power(1.0 - freeze_fraction, FREEZE_EXPONENT),
        delay=exp(-max(0.0, delay_s) / DELAY_SCALE_S),
    )


def start_value(bitrate_bps: float, pixels: float, fps: float, codec: str | None = None) -> float:
    """The best that so many bits per pixel can look, 1 to 5: the rate term of rtcscore."""
    if bitrate_bps <= 0.0 or fps <= 0.0:
        return 1.0
    worth = CODEC_FACTORS.get(codec.lower(), 1.0) if codec else 1.0
    bits_per_pixel = max(LEAST, worth * bitrate_bps / pixels / fps)
    return clamp(0.56 * log(bits_per_pixel) + 5.36, 1.0, 5.0)


def rtcscore(
    *,
    bitrate_bps: float,
    pixels: float,
    fps: float,
    delay_s: float,
    asked_fps: float,
    codec: str | None = None,
) -> float:
    """The score of rtcscore (Gustavo Garcia, MIT licence), brought into 1..5, for comparison."""
    start = start_value(bitrate_bps, pixels, fps, codec)
    rate = 1.9 * log(asked_fps / fps) if fps > 0.0 else 4.0
    return clamp(start - rate - 2.0 * delay_s, 1.0, 5.0)


V = (5.517, 0.0129, 3.459, 178.53, 1.02, 1.15, 3.55e-4, 0.114, 513.77, 0.736, -6.451, 13.684)
"""Coefficients v1 to v12 of G.1070 as the community uses them; the standard has tables for few formats."""


def g1070(*, fps: float, bitrate_bps: float, loss_fraction: float) -> float:
    """The video quality of ITU-T G.1070, 1 to 5, for comparison: without repair, delay and size.

    Raises
    ------
    ValueError
        If the frame rate is not above 0.
    """
    if fps <= 0.0:
        raise ValueError(f"G.1070 has no quality for {fps} frames per second.")
    v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12 = V
    kbps = max(0.0, bitrate_bps) / 1000.0
    best_fps = v1 + v2 * kbps
    best = v3 - v3 / (1.0 + math.pow(kbps / v4, v5))
    width = v6 + v7 * kbps
    robustness = v10 + v11 * exp(-fps / v8) + v12 * exp(-kbps / v9)
    coded = best * exp(-((log(fps) - log(best_fps)) ** 2) / (2.0 * width**2))
    return 1.0 + coded * exp(-100.0 * clamp(loss_fraction, 0.0, 1.0) / robustness)


def _power(share: float, exponent: float) -> float:
    return math.pow(clamp(share, 0.0, 1.0), exponent)
