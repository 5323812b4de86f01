"""The E-model for narrowband telephony: ITU-T Recommendation G.107, clause 7.

It adds up what impairs a conversation on one scale, the rating R from 0 to 100, and turns R into a mean
opinion score. `nbrtc.stats.scores.sound_score` applies it to a call between browsers; docs/quality.md says
what it is not.
"""

import math
from dataclasses import dataclass
from math import exp, inf, isnan, log2, log10, sqrt

MAX_MOS = 4.5
"""The E-model's best score: R of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """A path of speech, mouth to ear; defaults and symbols are those of G.107, table 1."""

    slr: float = 8.0
    """Send loudness rating, dB."""
    rlr: float = 2.0
    """Receive loudness rating, dB."""
    stmr: float = 15.0
    """Sidetone masking rating, dB: how loudly one hears oneself."""
    ds: float = 3.0
    """D-value of the telephone, send side."""
    dr: float = 3.0
    """D-value of the telephone, receive side."""
    telr: float = 65.0
    """Talker echo loudness rating, dB."""
    wepl: float = 110.0
    """Weighted echo path loss, dB."""
    t_ms: float = 0.0
    """Mean one-way delay of the echo path (T)."""
    tr_ms: float = 0.0
    """Round-trip delay in the four-wire loop (Tr)."""
    ta_ms: float = 0.0
    """Absolute delay from mouth to ear (Ta)."""
    qdu: float = 1.0
    """Quantising distortion units."""
    ie: float = 0.0
    """Equipment impairment factor of the codec (ITU-T G.113, appendix I)."""
    bpl: float = 4.3
    """Packet-loss robustness factor of the codec (ITU-T G.113, appendix I)."""
    ppl_percent: float = 0.0
    """Random packet loss."""
    burst_r: float = 1.0
    """Burst ratio: mean length of the losses over that of random loss; 1 for random loss, more for bursts."""
    nc_dbm0p: float = -70.0
    """Circuit noise."""
    nfor_dbmp: float = -64.0
    """Noise floor at the receive side."""
    ps_dba: float = 35.0
    """Room noise at the send side."""
    pr_dba: float = 35.0
    """Room noise at the receive side."""
    advantage: float = 0.0
    """What people forgive for the sake of access (A): 0 for a wired telephone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """R and the parts that make it, by their symbols: Ro - Is - Idte - Idle - Idd - Ie,eff + A."""

    ro: float
    """Signal-to-noise ratio (Ro)."""
    simultaneous: float
    """Impairments that go with the voice: loudness, sidetone, quantising (Is)."""
    talker_echo: float
    """Idte."""
    listener_echo: float
    """Idle."""
    absolute_delay: float
    """Idd."""
    equipment: float
    """Codec and packet loss (Ie,eff)."""
    advantage: float
    """A."""
    r: float
    """0 to 100; NaN where an input is."""

    @property
    def mos(self) -> float:
        """The mean opinion score, 1 to 4.5."""
        return mos_of(self.r)


def rate(path: Transmission) -> Rating:
    """The rating of a path, by the whole model.

    Raises
    ------
    ValueError
        For a negative delay or loss, a loss above 100 %, or a burst ratio below 1.
    """
    if path.t_ms < 0 or path.tr_ms < 0 or path.ta_ms < 0:
        raise ValueError(
            f"Delays of T={path.t_ms}, Tr={path.tr_ms} and Ta={path.ta_ms} ms: none may be negative."
        )
    no, ro = _noise(path)
    sidetone = _sidetone(path)
    simultaneous = _loudness(path, no) + sidetone + _quantising(path, ro)
    talker = _talker_echo(path, no, sidetone)
    listener = _listener_echo(path, ro)
    absolute = delay_impairment(path.ta_ms)
    equipment = equipment_impairment(path.ppl_percent, ie=path.ie, bpl=path.bpl, burst_r=path.burst_r)
    return Rating(
        ro=ro,
        simultaneous=simultaneous,
        talker_echo=talker,
        listener_echo=listener,
        absolute_delay=absolute,
        equipment=equipment,
        advantage=path.advantage,
        r=clamp(ro - simultaneous - talker - listener - absolute - equipment + path.advantage, 0.0, 100.0),
    )


def mos_of(r: float) -> float:
    """The mean opinion score of a rating (annex B), 1 to 4.5; NaN of NaN.

    R is clamped first, because the cubic rises again outside of 0..100; the score too, because it falls
    below 1 for R under 6.5.
    """
    r = clamp(r, 0.0, 100.0)
    return clamp(1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r), 1.0, MAX_MOS)


def delay_impairment(ta_ms: float) -> float:
    """What an absolute delay costs by itself, however free of echo (Idd, clause 7.4)."""
    if isnan(ta_ms) or ta_ms <= 100.0:
        return ta_ms if isnan(ta_ms) else 0.0
    if ta_ms == inf:
        return 50.0
    x = log2(ta_ms / 100.0)
    return 25.0 * (math.pow(1.0 + x**6, 1 / 6) - 3.0 * math.pow(1.0 + (x / 3.0) ** 6, 1 / 6) + 2.0)


def equipment_impairment(
    ppl_percent: float, *, ie: float = 0.0, bpl: float = 4.3, burst_r: float = 1.0
) -> float:
    """What codec and packet loss cost (Ie,eff, clause 7.5).

    Raises
    ------
    ValueError
        For a loss outside of 0..100 % or a burst ratio below 1.
    """
    if not isnan(ppl_percent) and not 0.0 <= ppl_percent <= 100.0:
        raise ValueError(f"A packet loss of {ppl_percent} % is not between 0 and 100.")
    if burst_r < 1.0:
        raise ValueError(f"A burst ratio of {burst_r}: random loss has 1, bursts have more.")
    return ie + (95.0 - ie) * ppl_percent / (ppl_percent / burst_r + bpl)


def clamp(value: float, low: float, high: float) -> float:
    """`value` brought into low..high; NaN stays NaN, which `min` and `max` do not promise."""
    return value if isnan(value) else min(high, max(low, value))


def _noise(path: Transmission) -> tuple[float, float]:
    """No and Ro, clause 7.2."""
    olr = path.slr + path.rlr
    nos = path.ps_dba - path.slr - path.ds - 100.0 + 0.004 * (path.ps_dba - olr - path.ds - 14.0) ** 2
    lstr = path.stmr + path.dr
    pre = path.pr_dba + 10.0 * log10(1.0 + math.pow(10.0, (10.0 - lstr) / 10.0))
    nor = path.rlr - 121.0 + pre + 0.008 * (pre - 35.0) ** 2
    nfo = path.nfor_dbmp + path.rlr
    no = 10.0 * log10(sum(math.pow(10.0, level / 10.0) for level in (path.nc_dbm0p, nos, nor, nfo)))
    return no, 15.0 - 1.5 * (path.slr + no)


def _loudness(path: Transmission, no: float) -> float:
    """Too low an overall loudness rating (Iolr, clause 7.3)."""
    x = path.slr + path.rlr + 0.2 * (64.0 + no - path.rlr)
    return 20.0 * (math.pow(1.0 + (x / 8.0) ** 8, 1 / 8) - x / 8.0)


def _sidetone(path: Transmission) -> float:
    """Sidetone that is not optimum (Ist, clause 7.3)."""
    stmro = -10.0 * log10(
        math.pow(10.0, -path.stmr / 10.0) + exp(-path.t_ms / 4.0) * math.pow(10.0, -path.telr / 10.0)
    )
    return (
        12.0 * math.pow(1.0 + ((stmro - 13.0) / 6.0) ** 8, 1 / 8)
        - 28.0 * math.pow(1.0 + ((stmro + 1.0) / 19.4) ** 35, 1 / 35)
        - 13.0 * math.pow(1.0 + ((stmro - 3.0) / 33.0) ** 13, 1 / 13)
        + 29.0
    )


def _quantising(path: Transmission, ro: float) -> float:
    """Quantising distortion (Iq, clause 7.3)."""
    q = 37.0 - 15.0 * log10(path.qdu)
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    y = (ro - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0
    z = 46.0 / 30.0 - g / 40.0
    return 15.0 * log10(1.0 + math.pow(10.0, y) + math.pow(10.0, z))


def _talker_echo(path: Transmission, no: float, sidetone: float) -> float:
    """Hearing one's own voice come back (Idte, clause 7.4)."""
    if path.t_ms < 1.0:
        return 0.0
    t = path.t_ms
    terv = path.telr - 40.0 * log10((1.0 + t / 10.0) / (1.0 + t / 150.0)) + 6.0 * exp(-0.3 * t * t)
    if path.stmr < 9.0:
        terv += sidetone / 2.0
    roe = -1.5 * (no - path.rlr)
    re = 80.0 + 2.5 * (terv - 14.0)
    echo = ((roe - re) / 2.0 + sqrt((roe - re) ** 2 / 4.0 + 100.0) - 1.0) * (1.0 - exp(-t))
    return sqrt(echo * echo + sidetone * sidetone) if path.stmr > 20.0 else echo


def _listener_echo(path: Transmission, ro: float) -> float:
    """Hearing the other's voice twice (Idle, clause 7.4)."""
    rle = 10.5 * (path.wepl + 7.0) * math.pow(path.tr_ms + 1.0, -0.25)
    return (ro - rle) / 2.0 + sqrt((ro - rle) ** 2 / 4.0 + 169.0)
