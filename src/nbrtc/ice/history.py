"""How this user's connections went, in a small SQLite file: written by engines, read by engines and kernels.

Several processes use it at once. There is no write-ahead log, because home folders may be on a network.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from .outcome import Outcome

T = TypeVar("T")

VARIABLE = "NBRTC_ICE_HISTORY"
"""Environment variable that names another file, or switches the history off (``off``)."""
MAGIC = b"SQLite format 3\0"
"""At the beginning of every database of SQLite."""
SCHEMA = 1
MAX_ROWS = 5000
"""The oldest are forgotten beyond this."""
BUSY_S = 2.0
"""How long another process may hold the file."""
COLUMNS = (
    "started_s", "success", "connect_s", "peer", "local_type", "remote_type", "relay_protocol", "server",
    "answered", "silent", "network",
)  # fmt: skip
CREATE = """
CREATE TABLE IF NOT EXISTS outcomes (
    id INTEGER PRIMARY KEY,
    started_s REAL NOT NULL,
    success INTEGER NOT NULL,
    connect_s REAL,
    peer TEXT NOT NULL,
    local_type TEXT,
    remote_type TEXT,
    relay_protocol TEXT,
    server TEXT NOT NULL,
    answered TEXT NOT NULL,
    silent TEXT NOT NULL,
    network TEXT NOT NULL
)
"""


def history_path() -> Path | None:
    """Where the history is; None if it is switched off."""
    named = os.environ.get(VARIABLE, "").strip()
    if named.lower() == "off":
        return None
    if named:
        return Path(named).expanduser()
    return platformdirs.user_state_path("nbrtc") / "ice-history.sqlite"


class History:
    """The file. Every method opens it, and blocks: not for an event loop.

    Parameters
    ----------
    path
        None: nothing is kept and nothing is known.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Keep these.

        Raises
        ------
        OSError
            If the file cannot be written, or a newer nbrtc made it; the sentence names it. A database
            that is damaged is put aside as ``….broken``, and a new one begun.
        """
        if self._path is None:
            return
        rows = [_row(outcome) for outcome in outcomes]
        marks = ", ".join("?" * len(COLUMNS))

        def insert(database: sqlite3.Connection) -> None:
            with database:
                database.executemany(f"INSERT INTO outcomes ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
                database.execute(
                    "DELETE FROM outcomes WHERE id <= (SELECT max(id) FROM outcomes) - ?", (MAX_ROWS,)
                )

        self._use(insert, "written")

    def read(self, limit: int = MAX_ROWS) -> list[Outcome]:
        """The newest `limit`, the oldest of them first; none if there is no file.

        Raises
        ------
        OSError
            If the file cannot be read.
        """
        if self._path is None or not self._path.exists():
            return []

        def select(database: sqlite3.Connection) -> list[Outcome]:
            rows = database.execute(
                f"SELECT {', '.join(COLUMNS)} FROM outcomes ORDER BY id DESC LIMIT ?", (limit,)
            ).fetchall()
            return [_outcome(row) for row in reversed(rows)]

        return self._use(select, "read")

    def forget(self) -> int:
        """Forget everything, in the file and in one put aside; returns how many outcomes that were.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        if self._path is None:
            return 0

        def delete(database: sqlite3.Connection) -> int:
            with database:
                number = database.execute("DELETE FROM outcomes").rowcount
            database.execute("VACUUM")  # else the rows stay readable in free pages
            return int(number)

        number = self._use(delete, "emptied") if self._path.exists() else 0
        self._aside(self._path).unlink(missing_ok=True)
        return number

    def _use(self, work: Callable[[sqlite3.Connection], T], verb: str) -> T:
        """Work with a file that is sound: a broken one is put aside, once. `verb` is for the sentence."""
        assert self._path is not None
        try:
            try:
                with closing(self._connect()) as database:
                    return work(database)
            except sqlite3.DatabaseError as error:
                if type(error) is not sqlite3.DatabaseError:  # busy, full, no permission: it may be sound
                    raise
            self._require_own()
            self._path.replace(self._aside(self._path))
            with closing(self._connect()) as database:
                return work(database)
        except (sqlite3.Error, OSError, msgspec.ValidationError) as error:
            raise OSError(f"The history of connections {self._path} cannot be {verb}: {error}") from error

    def _require_own(self) -> None:
        """Refuse to put a file aside that never was a database: `VARIABLE` may name one of the user's."""
        assert self._path is not None
        with self._path.open("rb") as file:
            start = file.read(len(MAGIC))
        if start != MAGIC and any(start):  # zeros are what a power cut leaves
            raise OSError(f"it is another file; let {VARIABLE} name one of its own")

    @staticmethod
    def _aside(path: Path) -> Path:
        return path.with_name(f"{path.name}.broken")

    def _connect(self) -> sqlite3.Connection:
        assert self._path is not None
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):  # for this user only, from the beginning
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        database = sqlite3.connect(self._path, timeout=BUSY_S)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA:
                raise OSError(f"a newer nbrtc made it (version {version}, this one knows {SCHEMA})")
            if version < SCHEMA:
                with database:
                    database.execute(CREATE)
                    database.execute(f"PRAGMA user_version = {SCHEMA}")
        except BaseException:
            database.close()
            raise
        return database


def _row(outcome: Outcome) -> tuple[object, ...]:
    values = msgspec.structs.asdict(outcome)
    lists = {name: " ".join(values[name]) for name in ("answered", "silent")}  # a URL has no blanks
    return tuple({**values, **lists}[name] for name in COLUMNS)


def _outcome(row: tuple[object, ...]) -> Outcome:
    values = dict(zip(COLUMNS, row, strict=True))
    lists = {name: str(values[name]).split() for name in ("answered", "silent")}
    return msgspec.convert({**values, **lists, "success": bool(values["success"])}, Outcome)
