"""A recording, read back: people, pictures and sound as arrays, what happened, what was said, statistics."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nbrtc.errors import RecordingError
from nbrtc.recordings import manifest, opened_card
from nbrtc.recordings.manifest import Manifest, Moment, Said
from nbrtc.recordings.person import RATE, PersonRecording, check_span

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from nbrtc.stats import CallStats


class OpenRecording:
    """A recording on disk. Any thread may read; no file stays open between two readings.

    Made by `open_recording`. Times are seconds since the recording began.

    Parameters
    ----------
    path
        Of the folder, or of the one file.
    found
        What the manifest says.
    people
        Who is in it.
    duration_s
        None: as the manifest says.
    """

    def __init__(
        self,
        path: Path,
        found: Manifest,
        people: tuple[PersonRecording, ...],
        duration_s: float | None = None,
    ) -> None:
        self._path = path
        self._manifest = found
        self._people = people
        self._duration_s = found.duration_ms / 1000 if duration_s is None else duration_s
        self._journal: tuple[tuple[Moment, ...], tuple[Said, ...]] | None = None
        self._stats: CallStats | None = None

    @property
    def path(self) -> Path:
        """The folder, or the one file that was opened; of a guest's downloads the manifest."""
        return self._path

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._path if self._path.is_dir() else self._path.parent

    @property
    def manifest(self) -> Manifest:
        """What the recording says about itself, as a whole."""
        return self._manifest

    @property
    def is_complete(self) -> bool:
        """False while it is being written, and where it was cut off: see `nbrtc.recover`."""
        return self._manifest.state != "recording"

    @property
    def duration_s(self) -> float:
        """How long it is, in seconds."""
        return self._duration_s

    @property
    def started_at(self) -> datetime:
        """When it began, in UTC by the clock of whoever recorded."""
        return datetime.fromtimestamp(self._manifest.started_at_s, UTC)

    @property
    def people(self) -> tuple[PersonRecording, ...]:
        """Who was there, in the order of joining; who was left out has no files."""
        return self._people

    @property
    def films(self) -> list[Path]:
        """The complete files with everybody in one picture, and the one file that was asked for."""
        films = (film for film in self._manifest.films if film.state == "complete")
        return [manifest.film_file(self.folder, film) for film in films]

    def __getitem__(self, key: str) -> PersonRecording:
        """Somebody by id, or by a name that only one of them has.

        Raises
        ------
        KeyError
            If nobody, or more than one, is called so; the message lists who is there.
        """
        found = [person for person in self._people if key in person.ids]
        found = found or [person for person in self._people if person.name == key]
        if len(found) != 1:
            why = f"{len(found)} people are called {key!r}" if found else f"Nobody is {key!r}"
            listed = ", ".join(f"{person.id!r} ({person.name})" for person in found or self._people)
            raise KeyError(f"{why}; by id there are: {listed or 'none'}.")
        return found[0]

    def __contains__(self, key: object) -> bool:
        """Whether somebody is recorded under this id or name; or this `PersonRecording`."""
        return any(key == person or key == person.name or key in person.ids for person in self._people)

    def __iter__(self) -> Iterator[PersonRecording]:
        return iter(self._people)

    def __len__(self) -> int:
        return len(self._people)

    def audio(
        self, from_s: float = 0.0, to_s: float | None = None, rate: int = RATE
    ) -> "NDArray[np.float32]":
        """The sound of all, added up: (samples, 2) float32, cut off at -1 and 1.

        Parameters, memory and errors as in `PersonRecording.audio`; but where somebody's file is missing or
        cannot be read, a warning says so, and the others are heard.
        """
        import numpy as np

        check_span(from_s, to_s)
        end_s = max(from_s, self._duration_s) if to_s is None else to_s
        heard = np.zeros((max(0, round((end_s - from_s) * rate)), 2), np.float32)
        refused = []
        for person in self._people:
            try:
                part = person.audio(from_s, end_s, rate)
            except RecordingError as error:
                refused.append(error)
                if len(refused) == len(self._people):
                    raise
                warnings.warn(f"{person.name} is not heard: {error}", stacklevel=2)
                continue
            heard[: len(part)] += part[: len(heard)]
        return np.clip(heard, -1.0, 1.0, out=heard)

    # --- what happened

    def to_frame(self) -> "pd.DataFrame":
        """What happened: who came and went, cameras, microphones and screens, effects, who was recorded.

        Returns
        -------
        pandas.DataFrame
            In the order of time, UTC index ``time``; columns ``time_s`` (since the recording began),
            ``participant`` (the name; empty for the call as a whole), ``id``, ``name`` and ``value``.
        """
        moments, _ = self._happened()
        names = self._names()
        return self._table(
            [moment.time_ms for moment in moments],
            participant=[names.get(moment.peer, moment.peer) for moment in moments],
            id=[moment.peer for moment in moments],
            name=[moment.name for moment in moments],
            value=[moment.value for moment in moments],
        )

    def chat(self) -> "pd.DataFrame":
        """What was written to everybody.

        Returns
        -------
        pandas.DataFrame
            In the order of time, UTC index ``time``; columns ``time_s``, ``participant`` (the name), ``id``
            and ``text``.
        """
        _, said = self._happened()
        return self._table(
            [message.time_ms for message in said],
            participant=[message.sender_name for message in said],
            id=[message.sender for message in said],
            text=[message.text for message in said],
        )

    @property
    def stats(self) -> "CallStats":
        """The statistics of its time, as of a call: tables, plots, findings; empty where none were kept."""
        if self._stats is None:
            from nbrtc.messages import StatsEvent
            from nbrtc.recordings.journal import read_statistics
            from nbrtc.stats import CallStats
            from nbrtc.stats.loaded import LoadedStats

            began_s = self._manifest.started_at_s
            path = self.folder / manifest.STATISTICS
            samples = read_statistics(path) if path.exists() else []
            events = [
                StatsEvent(began_s + moment.time_ms / 1000, moment.peer, moment.name, moment.value)
                for moment in self._happened()[0]
            ]
            info = {"format": "nbrtc", "truncated": self._manifest.state == "recording"}
            self._stats = CallStats(LoadedStats(samples, events, info))
        return self._stats

    def _happened(self) -> tuple[tuple[Moment, ...], tuple[Said, ...]]:
        """Events and chat: of a recording that goes on, or was cut off, those of the journal."""
        if self._journal is not None:
            return self._journal
        events, chat = self._manifest.events, self._manifest.chat
        path = self.folder / manifest.JOURNAL
        if self._manifest.state != "recording" or not path.exists():
            self._journal = events, chat
            return self._journal
        from nbrtc.recordings.journal import read_journal

        moments, said = read_journal(path)
        return tuple(moments), tuple(said)  # it may grow: not kept

    def _names(self) -> dict[str, str]:
        return {person.id: person.name for person in self._manifest.people}

    def _table(self, times_ms: list[float], **columns: list[str]) -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        from nbrtc.stats.frames.index import time_index

        index = time_index([self._manifest.started_at_s + time_ms / 1000 for time_ms in times_ms])
        table = pd.DataFrame({"time_s": np.array(times_ms, dtype=np.float64) / 1000}, index=index)
        for name, values in columns.items():
            table[name] = pd.Series(values, index=index, dtype="str")
        return table

    # --- in a cell

    def __repr__(self) -> str:
        return opened_card.line(self._path.name, self._duration_s, self._people, self._standing())

    def _repr_html_(self) -> str:
        began_at = self.started_at if self._manifest.id else None  # of a file by itself it is a guess
        return opened_card.html(
            self._path.name, began_at, self._duration_s, self._people, self.films, self._standing()
        )

    def _standing(self) -> str:
        return opened_card.standing(self.folder, is_complete=self.is_complete)
