"""How good the sound of a call is: the E-model with what getStats knows of codec, loss and delay.

Constants for G.711 are published; those for Opus and G.722 are heuristics of nbrtc's own and say so. The
scale is the E-model's narrowband one, on which nothing is better than 4.41: Opus gets no credit for its band.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, log2, nan

from nbrtc.stats.scores.emodel import (
    Transmission,
    clamp,
    delay_impairment,
    equipment_impairment,
    mos_of,
    rate,
)

BASE_R = rate(Transmission()).r
"""A faultless path: 93.2. Echo counts as cancelled, as browsers do, so that of all delay only Idd remains."""


@dataclass(frozen=True, slots=True)
class SoundCodec:
    """What the E-model has to know of a codec."""

    name: str
    coding_s: float
    """One frame of 20 ms, and what the codec looks ahead."""
    loss_bpl: float
    """Robustness against packets lost on the network, before repair."""
    concealed_bpl: float
    """Robustness against what could not be repaired and was made up."""
    is_published: bool


OPUS = SoundCodec("Opus", 0.0265, loss_bpl=30.0, concealed_bpl=20.0, is_published=False)
"""Heuristics: no Ie and Bpl of Opus are published. In-band FEC (RFC 6716, section 2.1), which browsers switch
on, repairs single losses, so that a lost packet costs less than a concealed one."""
G711 = SoundCodec("G.711", 0.020, loss_bpl=25.1, concealed_bpl=25.1, is_published=True)
"""ITU-T G.113, appendix I: Ie 0, Bpl 25.1 with packet loss concealment, which every browser has."""
G722 = SoundCodec("G.722", 0.022, loss_bpl=20.0, concealed_bpl=20.0, is_published=False)

CODECS: Mapping[str | None, SoundCodec] = {
    "opus": OPUS,
    "red": OPUS,
    None: OPUS,
    "pcmu": G711,
    "pcma": G711,
    "g722": G722,
}
"""By the MIME type in small letters. Where none is said (Firefox), it is Opus unless somebody changed it."""

OPUS_IE = ((6_000.0, 20.0), (8_000.0, 12.0), (12_000.0, 6.0), (16_000.0, 3.0), (24_000.0, 0.0))
"""Heuristic Ie of Opus by its bitrate, straight between the points over the logarithm of the bitrate."""
OPUS_SPEECH_BPS = 6_000.0
"""RFC 6716, section 2.1: speech takes no less. What is below pauses (DTX), and tells nothing of the codec."""

DEVICES_S = 0.020
"""Capture and playout buffers; an estimate, because getStats does not know them."""
UNKNOWN_BUFFER_S = 0.020
"""The far end's jitter buffer, which only the far end measures: this much, and twice the jitter."""
SILENCE = 5e-5
"""Digital silence, as a muted track sends it: below one step of 16 bits and a half."""


@dataclass(frozen=True, slots=True)
class SoundScore:
    """R and the impairments that make it: ``BASE_R - codec - loss - delay``, brought into 0..100."""

    r: float
    codec: float
    loss: float
    delay: float
    delay_s: float
    """The estimate of mouth to ear that was used."""
    model: SoundCodec

    @property
    def mos(self) -> float:
        """1 to 4.41; NaN where loss or delay is unknown."""
        return mos_of(self.r)


UNKNOWN = SoundScore(nan, nan, nan, nan, nan, OPUS)


def score(
    *,
    codec: str | None = None,
    bitrate_bps: float = nan,
    loss_fraction: float = nan,
    concealed_fraction: float = nan,
    rtt_s: float = nan,
    jitter_buffer_s: float = nan,
    jitter_s: float = nan,
) -> SoundScore:
    """Judge sound; `UNKNOWN` where loss or round trip is, or the codec is none that it has constants for.

    Parameters
    ----------
    loss_fraction
        Packets lost on the network, before any repair.
    concealed_fraction
        Share of the samples that were made up; where known it takes the place of the loss, because it is what
        the person hears.
    jitter_buffer_s
        The receiver's; where unknown (sending) it is estimated from the jitter.
    """
    model = CODECS.get(codec.lower() if codec else None)
    if model is None:
        return UNKNOWN
    heard = not isnan(concealed_fraction)
    lost = clamp(concealed_fraction if heard else loss_fraction, 0.0, 1.0)
    delay_s = mouth_to_ear_s(model, rtt_s, jitter_buffer_s, jitter_s)
    if isnan(lost) or isnan(delay_s):
        return UNKNOWN
    ie = opus_ie(bitrate_bps) if model is OPUS else 0.0
    bpl = model.concealed_bpl if heard else model.loss_bpl
    equipment = equipment_impairment(100.0 * lost, ie=ie, bpl=bpl)
    delay = delay_impairment(1000.0 * delay_s)
    r = clamp(BASE_R - equipment - delay, 0.0, 100.0)
    return SoundScore(r, ie, equipment - ie, delay, delay_s, model)


def mouth_to_ear_s(model: SoundCodec, rtt_s: float, jitter_buffer_s: float, jitter_s: float) -> float:
    """Half the round trip, the jitter buffer, the codec and the devices; NaN where the round trip is."""
    buffer_s = jitter_buffer_s
    if isnan(buffer_s):
        buffer_s = UNKNOWN_BUFFER_S + (0.0 if isnan(jitter_s) else 2.0 * jitter_s)
    return max(0.0, rtt_s) / 2.0 + buffer_s + model.coding_s + DEVICES_S if not isnan(rtt_s) else nan


def opus_ie(bitrate_bps: float) -> float:
    """Heuristic Ie of Opus; 0 where the bitrate is unknown or that of a pause."""
    if isnan(bitrate_bps) or bitrate_bps < OPUS_SPEECH_BPS:
        return 0.0
    for (low, above), (high, below) in pairwise(OPUS_IE):
        if bitrate_bps < high:
            return above + (below - above) * log2(bitrate_bps / low) / log2(high / low)
    return 0.0
