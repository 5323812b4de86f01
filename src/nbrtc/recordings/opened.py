"""A recording, read back: people, pictures and sound as arrays, what happened, what was said, statistics."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from nbrtc.errors import RecordingError
from nbrtc.recordings import locks, manifest
from nbrtc.recordings.attendance import people_of
from nbrtc.recordings.manifest import Manifest, Moment, Said
from nbrtc.recordings.person import RATE, PersonRecording, Stretch
from nbrtc.recordings.player import Take, clock, megabytes, players
from nbrtc.recordings.regular import refusals
from nbrtc.recordings.vetting import FILMS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from nbrtc.stats import CallStats


def open_recording(path: str | PathLike[str]) -> "OpenRecording":
    """Open a recording for reading.

    >>> lesson = nbrtc.open_recording("lesson")                          # doctest: +SKIP
    >>> for frame in lesson["Bob"].frames(every_s=10, size=(320, 180)):  # doctest: +SKIP
    ...     print(frame.time_s, frame.to_ndarray().mean())

    Parameters
    ----------
    path
        The recording's folder, its manifest, or the one file that was asked for: then everybody in it is
        there. Any other file, such as one of `nbrtc.compose`, is one person that is called like the file.

    Raises
    ------
    RecordingError
        If it is no recording, or cannot be read; one that was cut off names `nbrtc.recover`.
    """
    given = Path(path).expanduser().absolute()
    with refusals(given):
        if given.is_dir() and not (given / manifest.NAME).is_file():
            cut = any(given.glob("*.partial")) or (given / manifest.JOURNAL).exists()
            hint = ": it was cut off, nbrtc.recover(folder) makes one" if cut else ""
            raise RecordingError(f"{str(given)!r} has no {manifest.NAME}{hint}")
        if given.suffix.lower() in FILMS and given.is_file():
            tracks = given.with_name(given.name + manifest.TRACKS_SUFFIX)
            return open_folder(tracks) if (tracks / manifest.NAME).is_file() else open_file(given.resolve())
        return open_folder(manifest.find(given).parent)


def open_folder(folder: Path) -> "OpenRecording":
    """Open the recording in a folder that has a manifest."""
    found = manifest.read(folder / manifest.NAME)
    return OpenRecording(folder, found, people_of(found, folder))


def open_file(path: Path) -> "OpenRecording":
    """Open one file by itself; a film of a recording that lies in its folder has that one's events, too."""
    from nbrtc.recordings.probe import probe

    seen = probe(path)
    duration_s = seen.duration_ms / 1000
    stretch = Stretch(path, 0.0, duration_s, bool(seen.video_codec), bool(seen.audio_codec))
    person = PersonRecording(("film",), path.stem, (stretch,), duration_s)
    known = _film_of(path)
    if known is None:
        known = Manifest(
            id="", started_at_s=path.stat().st_mtime - duration_s, name=path.stem, state="complete"
        )
    return OpenRecording(path, known, (person,), duration_s)


def _film_of(path: Path) -> Manifest | None:
    """The manifest of the folder where a film of it lies."""
    beside = path.parent / manifest.NAME
    if not beside.is_file():
        return None
    found = manifest.read(beside)
    return found if any(film.path == path.name for film in found.films) else None


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
        """The folder, or the one file that was opened."""
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

    def __iter__(self) -> Iterator[PersonRecording]:
        return iter(self._people)

    def __len__(self) -> int:
        return len(self._people)

    def audio(
        self, from_s: float = 0.0, to_s: float | None = None, rate: int = RATE
    ) -> "NDArray[np.float32]":
        """The sound of all, added up: (samples, 2) float32, cut off at -1 and 1.

        Parameters, memory and errors as in `PersonRecording.audio`.
        """
        import numpy as np

        end_s = self._duration_s if to_s is None else to_s
        heard = np.zeros((max(0, round((end_s - from_s) * rate)), 2), np.float32)
        for person in self._people:
            part = person.audio(from_s, end_s, rate)
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
        names = ", ".join(person.name for person in self._people)
        what = f"{clock(self._duration_s)} of {names or 'nobody'}{self._standing()}"
        return f"<nbrtc.OpenRecording {self._path.name}: {what}>"

    def _standing(self) -> str:
        if self.is_complete:
            return ""
        if locks.is_being_written(self.folder):
            return ", still being recorded"
        return ", cut off: nbrtc.recover() finishes it"

    def _repr_html_(self) -> str:
        takes = [
            Take(path, person.name if index == 0 else f"{person.name}, file {index + 1}")
            for person in self._people
            for index, path in enumerate(person.files)
        ]
        films = [Take(path, path.name) for path in self.films if path.is_file()]
        rows = "".join(
            f"<tr><td>{escape(person.name)}</td><td>{escape(_spans(person))}</td>"
            f"<td>{escape(_files(person))}</td></tr>"
            for person in self._people
        )
        began = f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC, {clock(self._duration_s)}{self._standing()}"
        return (
            f"<p><strong>{escape(self._path.name)}</strong>: {escape(began)}</p>{players(films or takes)}"
            "<table><thead><tr><th>name</th><th>in the call</th><th>files</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


def _spans(person: PersonRecording) -> str:
    return ", ".join(
        f"{clock(from_s)} to {'the end' if to_s is None else clock(to_s)}" for from_s, to_s in person.presence
    )


def _files(person: PersonRecording) -> str:
    if not person.files:
        return "left out"
    return ", ".join(
        f"{path.name} ({megabytes(path.stat().st_size)})" if path.is_file() else f"{path.name} (missing)"
        for path in person.files
    )
