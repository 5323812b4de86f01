"""The Parquet files of a folder of statistics: a row per poll, its reports as JSON, and a row per event."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nbrtc.errors import DumpError
from nbrtc.messages import StatsEvent, StatsSample

if TYPE_CHECKING:
    import pyarrow as pa

PARTIAL = ".partial"
"""What follows the name of a file that is not finished."""

SAMPLE_COLUMNS = ("time_s", "participant", "generation", "reports")
EVENT_COLUMNS = ("time_s", "participant", "generation", "name", "value")

Row = tuple[Any, ...]
_encode = msgspec.json.Encoder().encode
_decode_reports = msgspec.json.Decoder(tuple[dict[str, str | int | float | bool | None], ...]).decode


def row_of(what: StatsSample | StatsEvent) -> Row:
    """A sample or an event as its file has it."""
    if isinstance(what, StatsEvent):
        return what.time_s, what.peer, what.generation, what.name, what.value
    return what.time_s, what.peer, what.generation, _encode(what.reports).decode()


def size_of(row: Row) -> int:
    """About what a row takes in memory."""
    return 200 + sum(len(value) for value in row if isinstance(value, str))


def key_of(row: Row) -> Row:
    """What tells a row from others: a poll of a connection has one time, an event is all that it says."""
    return row[:3] if len(row) == len(SAMPLE_COLUMNS) else row


class Part:
    """One file that grows: a row group with each `write`, readable after `finish`.

    Parameters
    ----------
    path
        Its name in the end.
    columns
        `SAMPLE_COLUMNS` or `EVENT_COLUMNS`.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        from pyarrow import parquet

        self._path = path
        self._partial = path.with_name(path.name + PARTIAL)
        self._schema = _schema(columns)
        self._writer = parquet.ParquetWriter(str(self._partial), self._schema, compression="zstd")

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows; an OSError where the disk refuses."""
        import pyarrow as pa

        columns = dict(zip(self._schema.names, zip(*rows, strict=True), strict=True))
        self._writer.write_table(pa.table(columns, schema=self._schema))

    def finish(self) -> None:
        """Close the file and give it its name."""
        self._writer.close()
        self._partial.rename(self._path)

    def abandon(self) -> None:
        """Give up a file that cannot be finished: without its footer nobody can read it."""
        # The disk has failed already, and that was told.
        with contextlib.suppress(OSError):
            self._writer.close()
        with contextlib.suppress(OSError):
            self._partial.unlink()


class Series:
    """The numbered files of samples, or of events, one after another.

    Parameters
    ----------
    name
        What the files' names begin with.
    columns
        `SAMPLE_COLUMNS` or `EVENT_COLUMNS`.
    part_s
        A file is finished after so long.
    """

    def __init__(self, folder: Path, name: str, columns: Sequence[str], part_s: float) -> None:
        self._folder = folder
        self._name = name
        self._columns = columns
        self._part_s = part_s
        self._number = 0
        self._part: Part | None = None
        self._begun_s = 0.0

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows to the newest file, or to a new one where its time is over."""
        if self._part is not None and time.monotonic() - self._begun_s >= self._part_s:
            self.finish()
        if not rows:
            return
        if self._part is None:
            self._number += 1
            self._part = Part(self._folder / f"{self._name}-{self._number:05}.parquet", self._columns)
            self._begun_s = time.monotonic()
        self._part.write(rows)

    def finish(self) -> None:
        """Finish the newest file. Idempotent."""
        part, self._part = self._part, None
        if part is not None:
            part.finish()

    def abandon(self) -> None:
        """Give up the newest file. Idempotent."""
        part, self._part = self._part, None
        if part is not None:
            part.abandon()


def _schema(columns: Sequence[str]) -> "pa.Schema":
    import pyarrow as pa

    types = {"time_s": pa.float64(), "generation": pa.int64()}
    return pa.schema([(name, types.get(name, pa.string())) for name in columns])


def read_samples(path: Path) -> Iterator[StatsSample]:
    """The samples of a file.

    Raises
    ------
    DumpError
        If it is no such file.
    """
    for time_s, peer, generation, reports in _rows(path, SAMPLE_COLUMNS):
        try:
            decoded = _decode_reports(reports)
        except (msgspec.DecodeError, TypeError) as error:
            raise DumpError(
                f"{path} is damaged: the reports of {time_s!r} cannot be read ({error})."
            ) from error
        yield StatsSample(time_s=time_s, peer=peer, generation=generation, reports=decoded)


def read_events(path: Path) -> Iterator[StatsEvent]:
    """The events of a file.

    Raises
    ------
    DumpError
        If it is no such file.
    """
    for time_s, peer, generation, name, value in _rows(path, EVENT_COLUMNS):
        yield StatsEvent(time_s=time_s, peer=peer, name=name, value=value, generation=generation)


def unpacked_bytes(path: Path) -> int:
    """How large a file is without its compression, as it says itself; a DumpError where it is no Parquet."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        metadata = parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise DumpError(
            f"{path} cannot be read as Parquet: {error}. It may not have been finished."
        ) from error
    return sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))


def _rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            if not file.schema_arrow.equals(_schema(columns)):
                raise DumpError(
                    f"{path} has the columns {file.schema_arrow.names} instead of {list(columns)}: "
                    "it was not written by nbrtc, or by another version."
                )
            for batch in file.iter_batches(batch_size=500):
                lists = [column.to_pylist() for column in batch.columns]
                if any(None in values for values in lists):
                    raise DumpError(f"{path} is damaged: a value is missing.")
                yield from zip(*lists, strict=True)
    except (pa.ArrowException, OSError) as error:
        raise DumpError(
            f"{path} cannot be read as Parquet: {error}. It may not have been finished."
        ) from error
