"""What Chromium itself derived from its statistics, beside what nbrtc derives from the same numbers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan

from nbrtc.messages import StatsSample
from nbrtc.stats.dumps.internals import chrome_series
from nbrtc.stats.interval import Interval
from nbrtc.stats.stream_row import StreamRow
from nbrtc.stats.streams import derive_streams

Point = tuple[str, float, str, str]
"""Connection, Unix time of the poll, stats id, and Chromium's name of what it derived."""

_RATIO = re.compile(r"\[(\w+)/(\w+?)(_in_ms)?\]")

OF_STREAMS: Mapping[str, tuple[Callable[[StreamRow], float], float]] = {
    "[bytesSent_in_bits/s]": (lambda row: row.bitrate_bps, 0.5),
    "[bytesReceived_in_bits/s]": (lambda row: row.bitrate_bps, 0.5),
    "[framesDecoded/s]": (lambda row: row.fps, 1e-6),
    "[framesEncoded/s]": (lambda row: row.fps, 1e-6),
    "[keyFramesDecoded/s]": (lambda row: row.keyframes_per_s, 1e-6),
    "[keyFramesEncoded/s]": (lambda row: row.keyframes_per_s, 1e-6),
    "[totalDecodeTime/framesDecoded_in_ms]": (lambda row: 1000 * row.decode_s, 1e-6),
    "[totalEncodeTime/framesEncoded_in_ms]": (lambda row: 1000 * row.encode_s, 1e-6),
    "[totalInterFrameDelay/framesDecoded_in_ms]": (lambda row: 1000 * row.inter_frame_s, 1e-6),
    "[interFrameDelayStDev_in_ms]": (lambda row: 1000 * row.inter_frame_stdev_s, 1e-6),
    "[totalProcessingDelay/jitterBufferEmittedCount_in_ms]": (lambda row: 1000 * row.processing_s, 1e-6),
    "[jitterBufferDelay/jitterBufferEmittedCount_in_ms]": (lambda row: 1000 * row.jitter_buffer_s, 1e-6),
    "[qpSum/framesDecoded]": (lambda row: row.qp, 1e-6),
    "[qpSum/framesEncoded]": (lambda row: row.qp, 1e-6),
    "[concealedSamples/totalSamplesReceived]": (lambda row: row.concealed_fraction, 1e-9),
    "[Audio_Level_in_RMS]": (lambda row: row.audio_level, 1e-6),
}
"""By Chromium's name: the same of a `StreamRow`, and how far apart they may be (bit rates are rounded)."""


@dataclass
class Comparison:
    """How many values agree, by Chromium's name, and which do not."""

    agree: Counter[str]
    differ: list[tuple[Point, float, float]]


def compare(theirs: Mapping[Point, float], ours: Iterator[tuple[Point, float, float]]) -> Comparison:
    """Compare where both know something; `ours` has the tolerance last."""
    comparison = Comparison(Counter(), [])
    for point, value, tolerance in ours:
        said = theirs.get(point)
        if said is None:
            continue
        if abs(value - said) <= tolerance:
            comparison.agree[point[3]] += 1
        else:
            comparison.differ.append((point, said, value))
    return comparison


def by_stream(samples: Iterable[StatsSample]) -> Iterator[tuple[Point, float, float]]:
    """What `derive_streams` says of each stream."""
    for row in derive_streams(samples):
        for name, (metric, tolerance) in OF_STREAMS.items():
            if _fits(name, row):
                yield (row.participant, row.time_s, row.id, name), metric(row), tolerance


def by_object(samples: Iterable[StatsSample], names: Iterable[str]) -> Iterator[tuple[Point, float, float]]:
    """What the intervals of any object say, for each of Chromium's names that is a rate or a ratio."""
    formulas = {name: formula for name in names if (formula := _formula(name)) is not None}
    before: dict[tuple[str, object], Mapping[str, object]] = {}
    for sample in samples:
        for report in sample.reports:
            key = sample.peer, report["id"]
            interval = Interval(report, before.get(key))  # type: ignore[arg-type]
            before[key] = report
            for name, formula in formulas.items():
                value = formula(interval)
                if not isnan(value):
                    tolerance = 0.5 if "bits" in name else 1e-6
                    yield (sample.peer, sample.time_s, str(report["id"]), name), value, tolerance


def _fits(name: str, row: StreamRow) -> bool:
    """Whether a name of both directions is meant."""
    sent = "Sent" in name or "Encode" in name
    received = "Received" in name or "Decode" in name
    return (sent and row.direction == "send") or (received and row.direction == "receive") or sent == received


def _formula(name: str) -> Callable[[Interval], float] | None:
    if name.endswith("_in_bits/s]"):
        counter = name[1 : -len("_in_bits/s]")]
        return lambda interval: 8 * interval.rate(counter)
    found = _RATIO.fullmatch(name)
    if found is None:
        return None
    top, bottom, in_ms = found.groups()
    if bottom == "s":
        return lambda interval: interval.rate(top)
    factor = 1000 if in_ms else 1
    return lambda interval: factor * _over(interval.grown(top), interval.grown(bottom))


def _over(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0 else nan


def said_in_internals(data: bytes) -> dict[Point, float]:
    """Chromium's values in a webrtc-internals dump, of those series whose polls are known."""
    return {
        (connection, time_s, id_, name): value
        for (connection, id_, name), points in chrome_series(data, "the dump").items()
        for time_s, value in points
    }


def said_in_rtcstats(data: bytes) -> dict[Point, float]:
    """Chromium's values in the rtcstats dump of its page, which has them in each poll."""
    found = {}
    for row in map(json.loads, data.splitlines()[2:]):
        if row[0] == "getStats":
            polled = [part["timestamp"] for part in row[2].values() if not part["type"].startswith("remote-")]
            for id_, part in row[2].items():
                for name, value in part.items():
                    if name.startswith("[") and type(value) in (int, float):
                        found[row[1], max(polled) / 1000, id_, name] = value
    return found
