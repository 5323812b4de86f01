"""A row's mean opinion score: which of its figures go into which model, and when nothing is to be judged."""

from math import isnan, nan

from nbrtc.stats.row import StatsRow
from nbrtc.stats.scores import sound_score, video_score
from nbrtc.stats.scores.sound_score import SILENCE, SoundScore
from nbrtc.stats.scores.video_score import VideoScore


def mos(row: StatsRow, audible_concealment: float | None = None) -> float:
    """How good it is, 1 to 5 (sound at most 4.41); NaN where that is unknown or nothing is to be judged.

    Nothing is to be judged of what is switched off: no packets, a camera that gives no frames, a microphone
    that is muted. A received picture that stands still while packets arrive is bad, and not off.

    Parameters
    ----------
    audible_concealment
        Takes the place of the row's `concealed_fraction` (`Poll.audible_concealment`); NaN: the loss counts.
    """
    if is_idle(row):
        return nan
    return picture(row).mos if row.kind == "video" else sound(row, audible_concealment).mos


def is_idle(row: StatsRow) -> bool:
    """Whether nothing is to be seen or heard here because nothing is sent."""
    if row.packets == 0 or row.bitrate_bps == 0:
        return True
    if row.kind == "audio":
        return row.audio_level <= SILENCE
    return row.direction == "send" and row.fps == 0


def picture(row: StatsRow, *, pixels: float = nan, asked_pixels: float = nan) -> VideoScore:
    """The score of a row of video, with its factors.

    Parameters
    ----------
    pixels
        Instead of those of the row's size.
    asked_pixels
        What the camera gives, where that is known.
    """
    return video_score.score(
        bitrate_bps=row.bitrate_bps,
        pixels=row.frame_width * row.frame_height if isnan(pixels) else pixels,
        fps=row.fps,
        loss_fraction=row.loss_fraction,
        delay_s=row.rtt_s / 2 + (0.0 if isnan(row.jitter_buffer_s) else row.jitter_buffer_s),
        freeze_fraction=row.freeze_fraction,
        codec=row.codec,
        asked_pixels=asked_pixels,
    )


def sound(row: StatsRow, audible_concealment: float | None = None) -> SoundScore:
    """The score of a row of audio, with its impairments; `audible_concealment` as in `mos`."""
    return sound_score.score(
        codec=row.codec,
        bitrate_bps=row.bitrate_bps,
        loss_fraction=row.loss_fraction,
        concealed_fraction=row.concealed_fraction if audible_concealment is None else audible_concealment,
        rtt_s=row.rtt_s,
        jitter_buffer_s=row.jitter_buffer_s,
        jitter_s=row.jitter_s,
    )
