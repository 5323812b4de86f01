"""The series in brackets that Chrome computes for its own plots, which most viewers of dumps plot, too.

The names say the formulas: ``[bytesSent_in_bits/s]``, ``[framesDecoded/s]``, ``[qpSum/framesDecoded]``.
Its date strings (``[lastPacketReceivedTimestamp]``) are left out: they are in the time zone of who saves.
"""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, sqrt
from typing import Any

Column = Sequence[Any]
Columns = Mapping[str, Column]

_RATES = {
    "inbound-rtp": ("framesReceived", "framesDecoded", "keyFramesDecoded", "totalSamplesReceived",
                    "concealedSamples", "silentConcealedSamples", "insertedSamplesForDeceleration",
                    "removedSamplesForAcceleration"),
    "outbound-rtp": ("framesEncoded", "framesSent"),
    "data-channel": ("messagesSent", "messagesReceived"),
}  # fmt: skip
_BITS = {
    "inbound-rtp": ("bytesReceived", "headerBytesReceived", "retransmittedBytesReceived", "fecBytesReceived"),
    "outbound-rtp": ("bytesSent", "headerBytesSent", "retransmittedBytesSent", "totalEncodedBytesTarget"),
    "candidate-pair": ("bytesSent", "bytesReceived"),
    "transport": ("bytesSent", "bytesReceived"),
    "data-channel": ("bytesSent", "bytesReceived"),
}
_MEANS_MS = {
    "inbound-rtp": (
        ("totalDecodeTime", "framesDecoded"),
        ("totalInterFrameDelay", "framesDecoded"),
        ("totalAssemblyTime", "framesAssembledFromMultiplePackets"),
        ("jitterBufferDelay", "jitterBufferEmittedCount"),
        ("jitterBufferTargetDelay", "jitterBufferEmittedCount"),
        ("jitterBufferMinimumDelay", "jitterBufferEmittedCount"),
        ("totalProcessingDelay", "jitterBufferEmittedCount"),
    ),
    "outbound-rtp": (("totalPacketSendDelay", "packetsSent"), ("totalEncodeTime", "framesEncoded")),
}
_MEANS = {
    "inbound-rtp": (("qpSum", "framesDecoded"), ("concealedSamples", "totalSamplesReceived")),
    "media-playout": (("totalPlayoutDelay", "totalSamplesCount"),),
    "outbound-rtp": (("qpSum", "framesEncoded"),),
    "candidate-pair": (("totalRoundTripTime", "responsesReceived"),),
    "remote-inbound-rtp": (("totalRoundTripTime", "roundTripTimeMeasurements"),),
    "remote-outbound-rtp": (("totalRoundTripTime", "roundTripTimeMeasurements"),),
}
_BACKLOG = ("framesReceived", "framesDecoded", "framesDropped")


def chrome_derived(type_: str, columns: Columns) -> dict[str, list[Any]]:
    """Chrome's own series of one stats object, as long as its columns; None where there is nothing to say.

    Parameters
    ----------
    type_
        The type of the object (webrtc-stats).
    columns
        Its members, ``timestamp`` (ms) among them, one value a poll, all equally long.
    """
    found: dict[str, list[Any]] = {}
    growth = _Growth(columns)
    for name in _BITS.get(type_, ()):
        found[f"[{name}_in_bits/s]"] = growth.of(lambda d, s: round(8 * d[0] / s), name)
    for name in _RATES.get(type_, ()):
        found[f"[{name}/s]"] = growth.of(lambda d, s: d[0] / s, name)
    for top, bottom in _MEANS_MS.get(type_, ()):
        found[f"[{top}/{bottom}_in_ms]"] = growth.of(lambda d, _: _ratio(1000 * d[0], d[1]), top, bottom)
    for top, bottom in _MEANS.get(type_, ()):
        found[f"[{top}/{bottom}]"] = growth.of(lambda d, _: _ratio(d[0], d[1]), top, bottom)
    if type_ in ("inbound-rtp", "media-source"):
        found["[Audio_Level_in_RMS]"] = growth.of(_rms, "totalAudioEnergy", "totalSamplesDuration")
    if type_ == "inbound-rtp":
        found["[interFrameDelayStDev_in_ms]"] = growth.of(
            _deviation_ms, "totalInterFrameDelay", "totalSquaredInterFrameDelay", "framesDecoded"
        )
        found[f"[{'-'.join(_BACKLOG)}]"] = _backlog(columns)
    return {name: values for name, values in found.items() if any(value is not None for value in values)}


class _Growth:
    """How far members grew from poll to poll, by the object's own timestamps."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._times = columns.get("timestamp", ())

    def of(self, formula: Callable[[list[float], float], float | None], *names: str) -> list[Any]:
        columns = [self._columns.get(name) for name in names]
        values: list[Any] = [None] * len(self._times)
        if not all(columns):
            return values
        for index in range(1, len(values)):
            seconds = _growth(self._times, index)
            growths = [_growth(column, index) for column in columns if column is not None]
            if seconds is not None and seconds > 0 and all(growth is not None for growth in growths):
                value = formula([growth for growth in growths if growth is not None], seconds / 1000)
                values[index] = value if value is not None and isfinite(value) else None
        return values


def _growth(column: Column, index: int) -> float | None:
    """None where a value is missing, is no number, or fell: a counter that was reset."""
    before, now = column[index - 1], column[index]
    if type(before) not in (int, float) or type(now) not in (int, float) or now < before:
        return None
    return float(now - before)


def _ratio(top: float, bottom: float) -> float | None:
    return top / bottom if bottom > 0 else None


def _rms(growths: list[float], _seconds: float) -> float | None:
    energy, duration = growths
    return sqrt(energy / duration) if duration > 0 else None


def _deviation_ms(growths: list[float], _seconds: float) -> float | None:
    total, squares, frames = growths
    # Rounding may leave the variance of equal delays a hair below 0.
    return 1000 * sqrt(max(0.0, squares - total**2 / frames) / frames) if frames > 0 else None


def _backlog(columns: Columns) -> list[Any]:
    """Frames that are between arrival and the screen."""
    members = [columns.get(name) for name in _BACKLOG]
    size = len(columns.get("timestamp", ()))
    if not all(members):
        return [None] * size
    rows = zip(*(member for member in members if member is not None), strict=True)
    return [
        row[0] - row[1] - row[2] if all(type(value) in (int, float) for value in row) else None
        for row in rows
    ]
