"""Statistics on disk: what a call remembers and all that comes, in a folder of Parquet files."""

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from nbrtc.errors import DumpError
from nbrtc.messages import StatsEvent, StatsSample
from nbrtc.stats.files.export import require_pyarrow
from nbrtc.stats.files.parts import (
    EVENT_COLUMNS,
    PARTIAL,
    SAMPLE_COLUMNS,
    Row,
    Series,
    key_of,
    read_events,
    read_samples,
    row_of,
    size_of,
    unpacked_bytes,
)
from nbrtc.stats.files.spill_folder import claimed, info_of
from nbrtc.stats.source import StatsSource
from nbrtc.stats.store import each_sample

logger = logging.getLogger(__name__)

PART_S = 600.0
"""A file is finished after so long: what a crash can cost."""
GROUP_S = 30.0
GROUP_BYTES = 2 * 2**20
"""Rows are written when they have waited so long, or are so many."""
MAX_WAITING_BYTES = 16 * 2**20
"""Rows that wait for a slow disk. Beyond it, what comes is dropped and counted: the waiting rows are a series
without a hole, and the ring in memory has the others."""
LOOK_S = 0.5
"""How often the thread looks whether it shall end."""
MAX_BYTES = 2**30
GIVE_UP_S = 10.0
"""How long the end of the interpreter waits for the disk."""

_running: "dict[Path, Spill]" = {}
_running_lock = threading.Lock()


def spill(source: StatsSource, folder: str | Path) -> Path:
    """Write everything, what is here and what comes, to Parquet files in `folder`; see `CallStats.spill`.

    A live source is written by a thread of its own, until the source ends or the interpreter does. A disk
    that fails ends the writing with one warning in the log, and nothing else. Of a dump all is written when
    this returns.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    FileExistsError
        If the folder has statistics already.
    OSError
        If the folder cannot be made or written to.
    """
    require_pyarrow()
    path = Path(folder).absolute()
    writing = Spill(source, claimed(path, source.info))
    if source.is_live:
        writing.start()
    else:
        writing.write_all()
    return Path(folder)


def read_spill(
    folder: str | Path, *, max_bytes: int = MAX_BYTES
) -> tuple[list[StatsSample], list[StatsEvent], dict[str, Any]]:
    """Samples, events and info of a folder that `spill` wrote; of one still written, what is finished.

    ``info["truncated"]`` is true where a file was not finished: the call goes on, or its process died.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    DumpError
        If the folder is not one of statistics, is damaged, or larger than `max_bytes` (unpacked).
    """
    require_pyarrow()
    path = Path(folder).absolute()
    with _running_lock:
        writing = _running.get(path)
    if writing is not None and not writing.is_wanted:
        # The call was closed a moment ago.
        writing.end()
    info = info_of(path)
    sample_files = sorted(path.glob("samples-*.parquet"))
    event_files = sorted(path.glob("events-*.parquet"))
    size = sum(unpacked_bytes(each) for each in (*sample_files, *event_files))
    if size > max_bytes:
        raise DumpError(
            f"The statistics in {str(folder)!r} are {size:,} bytes unpacked, more than "
            f"max_bytes={max_bytes:,}: give a larger max_bytes, or move some of its files away."
        )
    samples = [sample for each in sample_files for sample in read_samples(each)]
    events = [event for each in event_files for event in read_events(each)]
    return samples, events, {**info, "truncated": any(path.glob(f"*{PARTIAL}"))}


class Spill:
    """Writes a source to a folder; owns the thread that does, and ends with the source.

    Parameters
    ----------
    folder
        Marked already (`spill_folder.claimed`).
    part_s
        A file is finished after so long.
    group_s
        Rows wait so long at most until they are written.
    """

    def __init__(
        self, source: StatsSource, folder: Path, *, part_s: float = PART_S, group_s: float = GROUP_S
    ) -> None:
        self._source = source
        self._folder = folder
        self._group_s = group_s
        self._inbox = _Inbox()
        self._samples = Series(folder, "samples", SAMPLE_COLUMNS, part_s)
        self._events = Series(folder, "events", EVENT_COLUMNS, part_s)
        self._past: set[Row] = set()
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nbrtc-spill", daemon=True)
        self._written_s = time.monotonic()

    @property
    def is_wanted(self) -> bool:
        """Whether more may come."""
        return self._source.is_live and not self._is_ending.is_set()

    def start(self) -> None:
        """Begin, in a thread."""
        # pyarrow imports it with the first table, and at the end of the interpreter that is too late.
        import_module("pandas")
        with _running_lock:
            if not _running:
                # Not at the import: what is registered last is called first, so that pyarrow still works.
                atexit.unregister(_end_all)
                atexit.register(_end_all)
            _running[self._folder] = self
        self._thread.start()

    def end(self) -> None:
        """Write what waits, finish the files and wait for that. Idempotent, from any thread."""
        self._is_ending.set()
        self._thread.join(GIVE_UP_S)

    def write_all(self) -> None:
        """Write what the source has now, and finish the files, on this thread."""
        try:
            self._write_past()
            self._finish()
        except BaseException:
            self._abandon()
            raise

    def _run(self) -> None:
        stop = self._source.listen(self._inbox.put)
        try:
            self._write_past()
            while self.is_wanted:
                # It also returns when the source ends, so that its files are finished at once.
                self._source.wait(self._source.version, LOOK_S)
                if self._inbox.size >= GROUP_BYTES or time.monotonic() - self._written_s >= self._group_s:
                    self._write_waiting()
            self._write_waiting()
            self._finish()
        except Exception as error:
            logger.warning(
                "The statistics in %s are not written any more: %s. The call goes on, and its memory keeps "
                "the newest hours.",
                self._folder,
                error,
                exc_info=not isinstance(error, OSError),
            )
            self._abandon()
        finally:
            stop()
            with _running_lock:
                _running.pop(self._folder, None)

    def _write_past(self) -> None:
        # The listener is there already, so the newest of the past may wait in the inbox, too.
        newest: deque[Row] = deque(maxlen=1000)
        rows = [row_of(event) for event in self._source.events()]
        newest_events = rows[-1000:]
        size = 0
        for sample in each_sample(self._source):
            rows.append(row_of(sample))
            size += size_of(rows[-1])
            newest.append(key_of(rows[-1]))
            if size >= GROUP_BYTES:
                self._write(rows)
                rows, size = [], 0
        self._write(rows)
        self._past = {*newest, *map(key_of, newest_events)}

    def _write_waiting(self) -> None:
        rows, dropped = self._inbox.take()
        if dropped:
            logger.warning(
                "The disk of %s is too slow: %d samples and events are missing there.", self._folder, dropped
            )
        self._write([row for row in rows if key_of(row) not in self._past])

    def _write(self, rows: Sequence[Row]) -> None:
        self._samples.write([row for row in rows if len(row) == len(SAMPLE_COLUMNS)])
        self._events.write([row for row in rows if len(row) == len(EVENT_COLUMNS)])
        self._written_s = time.monotonic()

    def _finish(self) -> None:
        self._samples.finish()
        self._events.finish()

    def _abandon(self) -> None:
        self._samples.abandon()
        self._events.abandon()


class _Inbox:
    """Rows that wait to be written; see `MAX_WAITING_BYTES` for the policy of its bound."""

    def __init__(self) -> None:
        self.size = 0
        self._rows: list[Row] = []
        self._dropped = 0
        self._lock = threading.Lock()

    def put(self, what: StatsSample | StatsEvent) -> None:
        """Called on the thread that brings the statistics."""
        row = row_of(what)
        size = size_of(row)
        with self._lock:
            if self.size + size > MAX_WAITING_BYTES:
                self._dropped += 1
                return
            self._rows.append(row)
            self.size += size

    def take(self) -> tuple[list[Row], int]:
        """The rows, and how many were dropped since the last time."""
        with self._lock:
            rows, dropped = self._rows, self._dropped
            self._rows, self._dropped, self.size = [], 0, 0
        return rows, dropped


def _end_all() -> None:
    """At the end of the interpreter."""
    with _running_lock:
        writing = list(_running.values())
    for each in writing:
        each.end()
