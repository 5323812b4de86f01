"""What the live panel plots of a poll, as plain data: ``PlotPoint`` of js/src/contract.ts.

The page makes its points itself (js/src/stats/point.ts); these feed a `StatsView`. Both languages are tested
on the cases in tests/data/stats.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import isnan, nan

from nbrtc.messages import StatsSample
from nbrtc.stats.derive import derive_rows
from nbrtc.stats.interval import largest, total
from nbrtc.stats.row import Direction, Kind, StatsRow


def points(samples: Iterable[StatsSample]) -> Iterator[dict[str, float | None]]:
    """A point for each sample, derived with the one before it of the same participant.

    Parameters
    ----------
    samples
        In the order of time, the participants' samples interleaved as they came. They are read one by one, so
        that a live series can be put through.

    Yields
    ------
    dict
        The keys of ``PlotPoint``; None where nothing is known.
    """
    newest: dict[str, StatsSample] = {}
    for sample in samples:
        yield point(derive_rows(newest.get(sample.peer), sample), sample.time_s)
        newest[sample.peer] = sample


def point(rows: Sequence[StatsRow], time_s: float) -> dict[str, float | None]:
    """Fold the rows of one poll into what is plotted of it.

    Parameters
    ----------
    rows
        Of one poll, as `nbrtc.stats.derive.derive_rows` gives them.
    time_s
        Unix time of the poll, in seconds.
    """

    def worst(name: str, direction: Direction | None = None, kind: Kind | None = None) -> float:
        return largest(
            getattr(row, name)
            for row in rows
            if direction in (None, row.direction) and kind in (None, row.kind)
        )

    def bitrate(direction: Direction) -> float:
        return total(row.bitrate_bps for row in rows if row.direction == direction)

    values = {
        "time_s": time_s,
        "sendBitrate_bps": bitrate("send"),
        "receiveBitrate_bps": bitrate("receive"),
        "sendFps": worst("fps", "send", "video"),
        "receiveFps": worst("fps", "receive", "video"),
        "sendHeight": worst("frame_height", "send", "video"),
        "receiveHeight": worst("frame_height", "receive", "video"),
        "rtt_s": next((row.rtt_s for row in rows), nan),
        "lossFraction": worst("loss_fraction"),
        "sendLossFraction": worst("loss_fraction", "send"),
        "receiveLossFraction": worst("loss_fraction", "receive"),
        "sendJitter_s": worst("jitter_s", "send"),
        "receiveJitter_s": worst("jitter_s", "receive"),
        "available_bps": worst("available_bitrate_bps", "send"),
        "encode_s": worst("encode_s", "send", "video"),
        "decode_s": worst("decode_s", "receive", "video"),
        "jitterBuffer_s": worst("jitter_buffer_s", "receive"),
        "freezeFraction": worst("freeze_fraction", "receive", "video"),
        "concealedFraction": worst("concealed_fraction", "receive", "audio"),
        "sendAudioLevel": worst("audio_level", "send", "audio"),
        "receiveAudioLevel": worst("audio_level", "receive", "audio"),
    }
    return {name: None if isnan(value) else value for name, value in values.items()}
