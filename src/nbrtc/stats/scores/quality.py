"""How good a call was over a while, as mean opinion scores that say what they are made of.

Sound: the E-model of ITU-T G.107 (`nbrtc.stats.scores.sound_score`); picture: a formula of nbrtc's own
(`nbrtc.stats.scores.video_score`). docs/quality.md has both, with their sources and what they are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import isnan, nan
from typing import TYPE_CHECKING, overload

from nbrtc.messages import StatsSample
from nbrtc.stats.row import Direction, Kind, StatsRow
from nbrtc.stats.scores.emodel import mos_of
from nbrtc.stats.scores.opinion import mos, picture, sound
from nbrtc.stats.scores.sound_score import BASE_R, SoundScore
from nbrtc.stats.scores.tally import Tally, tallies
from nbrtc.stats.scores.video_score import VideoScore
from nbrtc.stats.source import StatsSource

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TERMS", "Score", "Scores", "judge", "mos"]

OWN_END = "you"
"""The link as Python measures it: judged only where asked for, because the page measures the same link."""

TERMS = ("start", "codec", "resolution", "frame_rate", "loss", "freezes", "delay")
"""What scores are made of, in the order in which it is taken off."""


@dataclass(frozen=True, slots=True)
class Score:
    """How good one participant's sound or picture was in one direction."""

    participant: str
    direction: Direction
    kind: Kind
    value: float
    """Mean opinion score, 1 to 5 (sound at most 4.41); NaN where unknown or nothing was sent."""
    model: str
    """Which model judged, and whether its constants are published."""
    terms: dict[str, float]
    """Points of the score: ``start``, and what each cause takes off (zero or less). Their sum is `value`;
    empty where that is NaN."""
    text: str
    """The same as a sentence, or why there is no score."""


class Scores(Sequence[Score]):
    """The scores of a call: a list, a DataFrame, and a table in a notebook."""

    def __init__(self, scores: Iterable[Score]) -> None:
        self._scores = tuple(scores)

    @property
    def worst(self) -> Score | None:
        """The lowest one; None where none is known."""
        known = [score for score in self._scores if not isnan(score.value)]
        return min(known, key=lambda score: score.value, default=None)

    def to_frame(self) -> "pd.DataFrame":
        """A line a score, its terms as columns.

        Returns
        -------
        pandas.DataFrame
            Columns ``participant``, ``direction``, ``kind``, ``mos``, ``model``, each of `TERMS`, ``text``; a
            term that the model has not, or that is unknown, is NaN.
        """
        import pandas as pd

        columns = ["participant", "direction", "kind", "mos", "model", *TERMS, "text"]
        lines = [
            (
                score.participant,
                score.direction,
                score.kind,
                score.value,
                score.model,
                *(score.terms.get(name, nan) for name in TERMS),
                score.text,
            )
            for score in self._scores
        ]
        return pd.DataFrame(lines, columns=columns).astype(dict.fromkeys(("mos", *TERMS), "float64"))

    @overload
    def __getitem__(self, index: int) -> Score: ...
    @overload
    def __getitem__(self, index: slice) -> "Scores": ...
    def __getitem__(self, index: int | slice) -> "Score | Scores":
        return Scores(self._scores[index]) if isinstance(index, slice) else self._scores[index]

    def __len__(self) -> int:
        return len(self._scores)

    def __repr__(self) -> str:
        return "\n".join(["<Scores", *(f"  {score.text}" for score in self._scores)]) + ">"

    def _repr_html_(self) -> str:
        if not self._scores:
            return "<p>No statistics to judge yet.</p>"
        used = [name for name in TERMS if any(name in score.terms for score in self._scores)]
        heads = ["", "participant", "direction", "kind", "MOS", *(name.replace("_", " ") for name in used)]
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
        worst = self.worst if len(self._scores) > 1 else None
        lines = "".join(_line(score, used, score is worst) for score in self._scores)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _line(score: Score, terms: Sequence[str], is_worst: bool) -> str:
    cells = ["worst" if is_worst else "", score.participant, score.direction, score.kind]
    cells += [_points(score.value), *(_points(score.terms.get(name, nan)) for name in terms)]
    style = ' style="font-weight:bold;outline:1px solid currentcolor"' if is_worst else ""
    body = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr title="{escape(score.text)}"{style}>{body}</tr>'


def _points(value: float) -> str:
    return "" if isnan(value) else f"{value:.2f}".replace("-", "−")


def judge(source: StatsSource, participant: str | None = None, last_s: float | None = None) -> Scores:
    """The scores of what the source has; see `CallStats.quality`.

    Figures are means over the time in which something was sent: ratios of sums, not means of ratios, so that
    a short poll counts less than a long one.
    """
    return Scores(_score(tally) for tally in tallies(_samples(source, participant, last_s)))


def _samples(source: StatsSource, participant: str | None, last_s: float | None) -> list[StatsSample]:
    since_s = None
    if last_s is not None:
        newest = source.samples(participant, newest=1)
        since_s = newest[-1].time_s - last_s if newest else None
    samples = source.samples(participant, since_s=since_s)
    return [sample for sample in samples if participant is not None or sample.peer != OWN_END]


def _score(tally: Tally) -> Score:
    participant, direction, kind = tally.key
    what = "Picture" if kind == "video" else "Sound"
    whose = f"{what} sent to {participant}" if direction == "send" else f"{what} received from {participant}"
    row = tally.row
    if row is None:
        why = "nothing was sent in this time" if tally.idle_s > 0.0 else "only one poll so far"
        return Score(participant, direction, kind, nan, "", {}, f"{whose}: {why}.")
    if tally.is_screen:
        why = "a shared screen, which a model of moving pictures does not fit"
        return Score(participant, direction, kind, nan, "", {}, f"{whose}: {why}.")
    if kind == "video":
        seen = picture(row, pixels=tally.value("pixels"), asked_pixels=tally.value("asked_pixels"))
        value, terms, model = seen.mos, seen.terms(), "nbrtc picture (heuristic)"
        text = _picture_text(seen, row, tally.value("pixels"))
    else:
        heard = sound(row)
        value, terms = heard.mos, _sound_terms(heard)
        constants = "published constants" if heard.model.is_published else "heuristic constants"
        model = f"G.107 with {constants} of {heard.model.name}"
        text = _sound_text(heard)
    if isnan(value):
        text = f"not to be judged, {_missing(row, tally)} is unknown"
        return Score(participant, direction, kind, nan, model, {}, f"{whose}: {text}.")
    return Score(participant, direction, kind, value, model, terms, f"{whose}: {text}.")


def _sound_terms(heard: SoundScore) -> dict[str, float]:
    """Impairments as points of the score, each taken off where the one before it left R."""
    terms = {"start": mos_of(BASE_R)}
    r = BASE_R
    for name in ("codec", "loss", "delay"):
        impairment: float = getattr(heard, name)
        terms[name] = mos_of(r - impairment) - mos_of(r)
        r -= impairment
    return terms


def _sound_text(heard: SoundScore) -> str:
    steps = "".join(f" − {name} {getattr(heard, name):.1f}" for name in ("codec", "loss", "delay"))
    return (
        f"MOS {heard.mos:.2f}, R = {BASE_R:.1f}{steps}, with {1000 * heard.delay_s:.0f} ms from mouth to ear"
    )


def _picture_text(seen: VideoScore, row: StatsRow, pixels: float) -> str:
    steps = "".join(
        f" − {name.replace('_', ' ')} {-points:.2f}"
        for name, points in seen.terms().items()
        if name != "start" and points < -0.005
    )
    figures = f"{row.bitrate_bps / 1000:.0f} kbit/s for {pixels / 1e6:.2f} megapixels at {row.fps:.0f} fps"
    return f"MOS {seen.mos:.2f} = {seen.start:.2f}{steps}, with {figures}"


def _missing(row: StatsRow, tally: Tally) -> str:
    needed = {"the round trip": row.rtt_s, "the loss": row.loss_fraction}
    if row.kind == "video":
        needed |= {
            "the bitrate": row.bitrate_bps,
            "the frame rate": row.fps,
            "the size": tally.value("pixels"),
        }
    else:
        needed["the loss"] = row.concealed_fraction if isnan(row.loss_fraction) else row.loss_fraction
    return next((name for name, value in needed.items() if isnan(value)), f"the codec {row.codec}")
