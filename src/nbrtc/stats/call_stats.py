"""`call.stats`: what a person asks of the statistics of a call, live or loaded from a dump."""

from collections.abc import Mapping, Sequence, Sized
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from nbrtc.messages import Finding, StatsSample
from nbrtc.stats.row import Direction, Kind, StatsRow
from nbrtc.stats.source import StatsSource

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from nbrtc.stats.expectations.report import Report
    from nbrtc.stats.scores.quality import Scores

Shape = Literal["tidy", "wide"]
PathLike = str | Path


class CallStats:
    """Statistics of one call, measured in the browser and in Python, for any thread to read.

    `nbrtc.load_dump` makes one of a dump: everything here works on both. Of a live call each method sees what
    has come until then; only `expect` waits. What is unknown is NaN, never 0; docs/statistics.md has the
    formula of every column.

    Examples
    --------
    >>> call.stats.to_frame(kind="video").groupby("direction").bitrate_bps.mean()  # doctest: +SKIP
    >>> call.stats.latest["python", "send", "video"].fps  # doctest: +SKIP
    >>> call.stats.plot(["rtt_s", "jitter_s"])  # doctest: +SKIP
    >>> call.stats.findings()  # doctest: +SKIP

    Parameters
    ----------
    source
        Where the samples and events are.
    """

    def __init__(self, source: StatsSource) -> None:
        self._source = source

    @property
    def source(self) -> StatsSource:
        """Where the samples and events are."""
        return self._source

    @property
    def info(self) -> Mapping[str, Any]:
        """Where the statistics come from; of a dump also its browser, and each connection's configuration."""
        return self._source.info

    # --- as data

    def to_frame(
        self, kind: str | None = None, participant: str | None = None, *, shape: Shape = "tidy"
    ) -> "pd.DataFrame":
        """Everything measured so far.

        Parameters
        ----------
        kind
            ``"video"`` or ``"audio"``, None for both: the metrics of `StatsRow`. A type of webrtc-stats, such
            as ``"inbound-rtp"`` or ``"candidate-pair"``: the members of these objects, verbatim.
        participant
            Whose connection, ``"python"`` for the link as the page sees it, ``"you"`` for the link as Python
            sees it; None for all. Without samples the frame is empty.
        shape
            ``"tidy"``: a line per poll, participant, direction and kind (or per poll and object).
            ``"wide"``: a line per time, the columns in levels (participant, direction, kind, metric); polls
            of different connections that belong to one interval share a line.

        Returns
        -------
        pandas.DataFrame
            UTC index ``time``, units in the names of metrics, NaN where nothing is known.

        Raises
        ------
        ValueError
            If `kind` or `shape` is unknown; it names the known ones.
        """
        from nbrtc.stats.frames.frame import to_frame

        return to_frame(self._source, kind, participant, shape)

    def derived(self, kind: Kind | None = None, participant: str | None = None) -> "pd.DataFrame":
        """The derived metrics of each RTP stream (``inbound-rtp`` and ``outbound-rtp``) and poll.

        Where `to_frame` adds up what goes one way, this tells streams apart: simulcast layers, camera and
        screen, each SSRC. Differences are taken within one stream of one connection, never across a reset.

        Parameters
        ----------
        kind
            ``"video"`` or ``"audio"``, None for both.
        participant
            Whose connection, as for `to_frame`; None for all.

        Returns
        -------
        pandas.DataFrame
            Tidy, UTC index ``time``; the columns of `nbrtc.stats.StreamRow`, units in their names, NaN for
            what is missing.

        Raises
        ------
        ValueError
            If `kind` is unknown.
        """
        from nbrtc.stats.frames.frame import derived

        return derived(self._source, kind, participant)

    def events(self, participant: str | None = None) -> "pd.DataFrame":
        """What happened: states of ICE, DTLS, signaling and connection, candidates, negotiation, and so on.

        Parameters
        ----------
        participant
            Whose; ``""`` for what concerns the whole call, None for all.

        Returns
        -------
        pandas.DataFrame
            In the order of time, UTC index ``time``; columns ``participant``, ``generation``, ``name``,
            ``value``, the last two as text. A dump's events have the names and values that they have there.
        """
        from nbrtc.stats.frames.frame import events

        return events(self._source, participant)

    @property
    def latest(self) -> dict[tuple[str, Direction, Kind], StatsRow]:
        """The newest row of each stream by (participant, direction, kind), also of those who left."""
        from nbrtc.stats.derive import derive_rows

        found = {}
        for participant in self._source.participants():
            samples = self._source.samples(participant, newest=2)
            for row in derive_rows(samples[0] if len(samples) == 2 else None, samples[-1]):
                found[row.participant, row.direction, row.kind] = row
        return found

    def raw(self) -> list[StatsSample]:
        """The samples themselves, oldest first: getStats verbatim (webrtc-stats), without what is nested.

        Hours of ten connections are gigabytes as objects; `to_frame` reads them one by one.
        """
        return self._source.samples()

    # --- out of the notebook

    def to_csv(self, path: PathLike, *, kind: str | None = None, participant: str | None = None) -> Path:
        """Write `to_frame(kind, participant)` as CSV with a header; returns the path.

        An existing file is replaced.

        Raises
        ------
        ValueError
            If `kind` is unknown.
        FileNotFoundError
            If the folder does not exist.
        """
        from nbrtc.stats.files.export import to_csv

        return to_csv(self.to_frame(kind, participant), path)

    def to_parquet(self, path: PathLike, *, kind: str | None = None, participant: str | None = None) -> Path:
        """Write `to_frame(kind, participant)` as Parquet; returns the path. An existing file is replaced.

        Raises
        ------
        ImportError
            If pyarrow is not installed (``pip install nbrtc[parquet]``).
        ValueError
            If `kind` is unknown.
        FileNotFoundError
            If the folder does not exist.
        """
        from nbrtc.stats.files.export import to_parquet

        return to_parquet(self.to_frame(kind, participant), path)

    def to_json(self, path: PathLike, *, kind: str | None = None, participant: str | None = None) -> Path:
        """Write `to_frame(kind, participant)` as JSON, records with ISO 8601 times; returns the path.

        An existing file is replaced.

        Raises
        ------
        ValueError
            If `kind` is unknown.
        FileNotFoundError
            If the folder does not exist.
        """
        from nbrtc.stats.files.export import to_json

        return to_json(self.to_frame(kind, participant), path)

    def spill(self, folder: PathLike) -> Path:
        """Write everything, what is here and what comes, to Parquet files in `folder`; returns the folder.

        The memory of a live call is a ring of hours; the folder keeps all. A file is finished every ten
        minutes and when the call is closed. `nbrtc.load_dump(folder)` reads it.

        Of a live call this returns at once: a thread writes, and a disk that fails later ends the writing
        with a warning in the log. Of a dump all is written when it returns.

        Raises
        ------
        ImportError
            If pyarrow is not installed (``pip install nbrtc[parquet]``).
        FileExistsError
            If the folder has statistics already, or is a file.
        OSError
            If the folder cannot be made or written to.
        """
        from nbrtc.stats.files.spill import spill

        return spill(self._source, folder)

    def save_dump(self, path: PathLike, *, redact: bool = False) -> Path:
        """Write a dump like those of chrome://webrtc-internals, for its viewers and for colleagues.

        Parameters
        ----------
        path
            ``.json``, or ``.gz`` to compress it. An existing file is not overwritten. Only its owner may read
            the new one, unless it is redacted.
        redact
            Remove what tells who and where: addresses, ICE user fragments and passwords, device and track
            labels, tokens, URLs. Numbers and times stay; see `nbrtc.stats.dumps.redact`.

        Raises
        ------
        FileExistsError
            If the file exists.
        FileNotFoundError
            If its folder does not exist.
        """
        from nbrtc.stats.dumps.write import save_dump

        return save_dump(self._source, path, redact=redact)

    def join(self, other: "CallStats | None" = None, participant: str | None = None) -> "pd.DataFrame":
        """Both ends of a connection side by side: what one sent against what the other received.

        Streams are matched by SSRC, connections by the fingerprints of their certificates, and the offset
        between the two clocks is estimated from the RTCP sender reports.

        Parameters
        ----------
        other
            The other end's statistics; None joins the two ends of this call's link: the page's (participant
            ``"python"``) and Python's own (``"you"``).
        participant
            Which of this side's connections; None takes all that match.

        Returns
        -------
        pandas.DataFrame
            See `nbrtc.stats.ends.join`; the offset stands in ``frame.attrs``.

        Raises
        ------
        ValueError
            If no stream of one side is one of the other.
        TypeError
            If `other` is no `CallStats`.
        """
        from nbrtc.stats.ends.join import join

        if other is not None and not isinstance(other, CallStats):
            raise TypeError(
                f"join() takes the other side's statistics, a call's `stats` or nbrtc.load_dump(path), "
                f"not {other!r}."
            )
        return join(self._source, self._source if other is None else other.source, participant)

    # --- as pictures

    def plot(
        self,
        metrics: str | Sequence[str] | None = None,
        participant: str | None = None,
        *,
        events: bool = True,
    ) -> "Figure":
        """Draw metrics over time, one panel each, sent and received apart.

        Parameters
        ----------
        metrics
            Columns of `to_frame`, one or several; None draws bitrate, frame rate, round trip and loss.
        participant
            Whose connection; None draws all but ``"you"``, which shows the link of ``"python"`` once more.
        events
            Mark what happened, and shade freezes and the times in which CPU or bandwidth limited the picture.

        Returns
        -------
        matplotlib.figure.Figure
            Not registered with pyplot, so nothing has to be closed. Without samples it says so in words.

        Raises
        ------
        ValueError
            For an unknown metric; it lists the known ones.
        """
        from nbrtc.stats.plots.plot import plot

        return plot(self._source, metrics, participant, events=events)

    # --- judged

    def quality(self, participant: str | None = None, last_s: float | None = None) -> "Scores":
        """How good the call is, as a mean opinion score from 1 to 5 for each direction and kind, explained.

        Sound is judged by the E-model (ITU-T G.107), the picture by a documented formula: see
        `nbrtc.stats.scores.quality`. A score is NaN where what it needs is unknown.

        Parameters
        ----------
        participant
            Whose connection; None for all but ``"you"``.
        last_s
            Judge the last so many seconds; None judges everything.

        Raises
        ------
        ValueError
            If `last_s` is not above 0, or nothing was ever told of `participant` and nothing more can come:
            silence about a name that is spelled wrong would read like praise.
        TypeError
            If `last_s` is not a number.
        """
        from nbrtc.stats.scores.quality import judge

        self._check(participant, last_s)
        return judge(self._source, participant, last_s)

    def findings(self, participant: str | None = None, last_s: float | None = None) -> list[Finding]:
        """Problems in words, with evidence and advice, the worst first; docs/quality.md has the rules.

        Each tells from when to when it was, also if it is over by now. One that goes on in a live call has no
        end (`Finding.ended_at_s` is None).

        Parameters
        ----------
        participant
            Whose connection; None for all but ``"you"``.
        last_s
            Look at the last so many seconds; None looks at everything.

        Raises
        ------
        ValueError
            If `last_s` is not above 0, or nothing was ever told of `participant` and nothing more can come:
            silence about a name that is spelled wrong would read like praise.
        TypeError
            If `last_s` is not a number.
        """
        from nbrtc.stats.findings.find import find

        self._check(participant, last_s)
        return find(self._source, participant, last_s)

    def expect(
        self,
        *,
        within_s: float = 10.0,
        for_s: float = 0.0,
        participant: str | None = None,
        direction: Direction | None = None,
        kind: Kind | None = None,
        **conditions: float,
    ) -> "Report":
        """Wait until all conditions hold in one poll, and then for `for_s`; returns what was measured.

        It blocks only the calling thread. Of a live call polls count that arrive from now on, but with
        ``within_s=0`` the newest that are there; a dump is walked through from its first poll.

        >>> call.stats.expect(fps__gt=24, loss_fraction__lt=0.02, within_s=10)  # doctest: +SKIP

        Parameters
        ----------
        within_s
            Wait so long at most. In a dump: from its first poll.
        for_s
            The conditions have to hold so long without a break.
        participant, direction, kind
            Look only at these rows of `to_frame`.
        **conditions
            A metric of `to_frame`, two underscores, and ``gt``, ``ge``, ``lt``, ``le``, ``eq`` or ``ne``.
            Every row that knows the metric has to meet it, and one row at least has to know it.

        Raises
        ------
        ExpectationNotMet
            If they do not in time, with what was measured instead. It is an AssertionError, too.
        TypeError, ValueError
            For an unknown metric or comparison; it names the known ones.
        """
        from nbrtc.stats.expectations.expect import expect

        return expect(
            self._source,
            conditions,
            within_s=within_s,
            for_s=for_s,
            participant=participant,
            direction=direction,
            kind=kind,
        )

    def _check(self, participant: str | None, last_s: object) -> None:
        """Refuse what would be answered with nothing, which reads like "nothing is wrong"."""
        if last_s is not None:
            if isinstance(last_s, bool) or not isinstance(last_s, Real):
                raise TypeError(f"last_s={last_s!r} is not a number of seconds.")
            if not float(last_s) > 0:
                raise ValueError(f"last_s={last_s}: give more than 0 seconds, or None for everything.")
        if participant is None or self._source.is_live:
            return
        known = dict.fromkeys(
            [*self._source.participants(), *(event.peer for event in self._source.events() if event.peer)]
        )
        if known and participant not in known:
            raise ValueError(
                f"There are no statistics of {participant!r}: choose one of {', '.join(map(repr, known))}."
            )

    # --- small print

    def __len__(self) -> int:
        # A live source keeps its samples packed: counting shall not unpack hours of them.
        return len(self._source) if isinstance(self._source, Sized) else len(self._source.samples())

    def __repr__(self) -> str:
        from nbrtc.stats.summary import sentence

        return f"<CallStats: {sentence(self._source)}>"

    def _repr_html_(self) -> str:
        from nbrtc.stats.summary import html

        return html(self._source, list(self.latest.values()))
