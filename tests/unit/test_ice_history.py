"""The history of connections: a file that several processes share, and its table."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nbrtc
from nbrtc.ice.history import MAX_ROWS, History, history_path
from nbrtc.ice.history_table import to_frame, to_outcomes
from nbrtc.ice.outcome import Outcome

T = 1_700_000_000.0
TURN = "turn:t:3478?transport=udp"
RELAYED = Outcome(
    T,
    True,
    0.25,
    "participant",
    "relay",
    "srflx",
    "tls",
    TURN,
    (TURN, "stun:s:3478"),
    ("stun:d:3478",),
    "wifi",
)
FAILED = Outcome(T + 5, False, peer="python")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "new" / "history.sqlite"
    monkeypatch.setenv("NBRTC_ICE_HISTORY", str(path))
    return path


def test_what_was_added_is_read_again(path: Path) -> None:
    history = History(history_path())
    assert history.read() == []
    history.add([RELAYED, FAILED])
    assert History(path).read() == [RELAYED, FAILED]
    assert history.read(1) == [FAILED]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBRTC_ICE_HISTORY", "off")
    assert history_path() is None
    history = History(None)
    history.add([RELAYED])
    assert history.read() == []
    assert nbrtc.forget_ice_history() == 0
    assert len(nbrtc.ice_history()) == 0


def test_the_users_own_place_is_the_usual_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NBRTC_ICE_HISTORY")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    place = history_path()
    assert place is not None
    assert place.parts[-2:] == ("nbrtc", "ice-history.sqlite")


def test_the_oldest_are_forgotten(path: Path) -> None:
    history = History(path)
    history.add(Outcome(T + number, True) for number in range(MAX_ROWS + 10))
    kept = history.read()
    assert len(kept) == MAX_ROWS
    assert kept[0].started_s == T + 10


def test_several_processes_write_at_once(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from nbrtc.ice.history import History; "
        "from nbrtc.ice.outcome import Outcome\n"
        "for number in range(10): History(Path(sys.argv[1])).add([Outcome(float(number), True)])"
    )
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert len(History(path).read()) == 30


def test_what_a_power_cut_left_is_put_aside(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(bytes(8192))
    history = History(path)
    history.add([RELAYED])
    assert history.read() == [RELAYED]
    assert path.with_name("history.sqlite.broken").read_bytes() == bytes(8192)


def test_somebodys_other_file_is_left_alone(path: Path) -> None:
    """The variable may name it by mistake."""
    path.parent.mkdir()
    path.write_text("a,b\n1,2\n" * 500)
    history = History(path)
    works: list[Callable[[], object]] = [lambda: history.add([RELAYED]), history.read, history.forget]
    for work in works:
        with pytest.raises(OSError, match="it is another file; let NBRTC_ICE_HISTORY name one of its own"):
            work()
    assert path.read_text() == "a,b\n1,2\n" * 500
    assert list(path.parent.iterdir()) == [path]


def test_the_variable_is_read_as_a_person_means_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/homes/ada")
    for said, meant in ((" off", None), ("~/ice.sqlite", Path("/homes/ada/ice.sqlite"))):
        monkeypatch.setenv("NBRTC_ICE_HISTORY", said)
        assert history_path() == meant


@pytest.mark.usefixtures("path")
def test_a_table_of_no_attempts_has_its_columns() -> None:
    table = nbrtc.ice_history(servers="turn:a.example")
    assert len(table) == 0
    assert list(table.columns) == list(nbrtc.ice_history().columns)
    assert "success" in table


def test_a_file_that_is_damaged_further_on_is_put_aside_too(path: Path) -> None:
    history = History(path)
    history.add([RELAYED] * 500)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    history.add([FAILED])
    assert history.read() == [FAILED]
    assert path.with_name("history.sqlite.broken").exists()


def test_forgetting_forgets_what_was_put_aside_too(path: Path) -> None:
    History(path).add([RELAYED])
    aside = path.with_name("history.sqlite.broken")
    path.rename(aside)
    assert nbrtc.forget_ice_history() == 0
    assert not aside.exists()


def test_a_file_of_a_newer_version_is_left_alone(path: Path) -> None:
    History(path).add([RELAYED])
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    for use in (lambda: History(path).add([FAILED]), History(path).read, History(path).forget):
        with pytest.raises(OSError, match="a newer nbrtc made it"):
            use()
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM outcomes").fetchone() == (1,)
    database.close()


def test_a_place_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"history of connections .*file/x\.sqlite cannot be written"):
        History(tmp_path / "file" / "x.sqlite").add([RELAYED])


def test_forgetting_empties_the_file_itself(path: Path) -> None:
    History(path).add([RELAYED] * 50)
    assert b"turn:t" in path.read_bytes()
    assert nbrtc.forget_ice_history() == 50
    assert b"turn:t" not in path.read_bytes()
    assert nbrtc.forget_ice_history() == 0


def test_the_table_has_a_row_for_each_attempt(path: Path) -> None:
    History(path).add([RELAYED, FAILED])
    frame = nbrtc.ice_history()

    assert list(frame.columns) == [
        "success", "connect_s", "peer", "local_type", "remote_type", "relay_protocol", "server", "answered",
        "silent", "network",
    ]  # fmt: skip
    assert frame.index.name == "started"
    assert str(frame.index.tz) == "UTC"
    assert frame["success"].tolist() == [True, False]
    assert frame["connect_s"].isna().tolist() == [False, True]
    assert to_outcomes(frame) == (RELAYED, FAILED)
    assert to_outcomes([RELAYED]) == (RELAYED,)
    assert list(to_frame([]).columns) == list(frame.columns)


def test_it_is_narrowed_by_server_and_time(path: Path) -> None:
    now = pd.Timestamp.now("UTC").timestamp()
    recent = Outcome(now - 60, True)
    History(path).add([RELAYED, FAILED, recent])

    def times(**which: Any) -> list[float]:
        return [moment.timestamp() for moment in nbrtc.ice_history(**which).index]

    assert times(servers="turn:T?transport=udp") == [T]
    assert times(servers=["stun:d", "stun:x"]) == [T]
    assert times(servers="stun:x") == []
    assert times(since=timedelta(hours=1)) == pytest.approx([recent.started_s])
    assert times(since="2023-11-14T22:13:23") == pytest.approx([FAILED.started_s, recent.started_s])
    with pytest.raises(ValueError, match="must begin with"):
        nbrtc.ice_history(servers="t.example")


@pytest.mark.parametrize("history", [[1], pd.DataFrame({"success": [True]})])
def test_another_table_is_no_history(history: Any) -> None:
    with pytest.raises(TypeError, match=r"as nbrtc\.ice_history"):
        to_outcomes(history)
