"""The kernel's mirror of the state: the newest wins, and waiting ends with it."""

import threading
from typing import Any

import pytest

from nbrtc.errors import CallError
from nbrtc.messages import CallState, Phase, Quality
from nbrtc.mirror import RECOVERY_S, StateMirror

QUALITY = Quality(640, 480, 15)


def state(revision: int, phase: Phase = "idle", epoch: int = 0, **fields: Any) -> CallState:
    return CallState(quality=QUALITY, revision=revision, phase=phase, epoch=epoch, **fields)


class Heard(list[Phase]):
    """The phases that a mirror announced."""


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def mirror(heard: Heard) -> StateMirror:
    return StateMirror(state(0), heard.append)


def test_the_newest_state_wins_and_a_new_engine_outranks_the_old(mirror: StateMirror, heard: Heard) -> None:
    for news in (
        state(5, "connected"),
        state(4, "connecting"),
        state(5, "reconnecting"),
        state(1, "idle", epoch=1),
        state(9, "connected", epoch=0),
    ):
        mirror.take(news)

    assert mirror.state == state(1, "idle", epoch=1)
    assert heard == ["connected", "idle"]


def test_a_change_within_a_phase_is_taken_but_not_announced(mirror: StateMirror, heard: Heard) -> None:
    mirror.take(state(1, "connected", camera_on=True))
    mirror.take(state(2, "connected", camera_on=False))

    assert not mirror.state.camera_on
    assert heard == ["connected"]


def test_a_lost_engine_fails_the_call_until_the_next_one_speaks(mirror: StateMirror) -> None:
    mirror.take(state(7, "connected", owner="page", camera_on=True, microphone_on=True))

    lost = mirror.lose("The engine was killed.")

    assert lost is mirror.state
    assert (lost.phase, lost.reason, lost.owner) == ("failed", "The engine was killed.", None)
    assert (lost.camera_on, lost.microphone_on) == (False, False)
    mirror.take(state(1, "idle", epoch=1))
    assert mirror.state.phase == "idle"


def test_closed_is_final(mirror: StateMirror, heard: Heard) -> None:
    mirror.finish("The cell was run again.")

    mirror.take(state(1, "connected", epoch=1))
    mirror.lose("The engine was killed.")
    mirror.finish("again")

    assert (mirror.state.phase, mirror.state.reason) == ("closed", "The cell was run again.")
    assert heard == ["closed"]


def test_readers_wait_for_the_page_after_a_crash_but_not_after_leaving(
    mirror: StateMirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([100.0, 100.0, 100.0 + RECOVERY_S])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    mirror.take(state(1, "connected"))
    assert mirror.is_live

    mirror.lose("crash")
    mirror.take(state(1, "idle", epoch=1))
    assert mirror.is_live
    assert not mirror.is_live, "the page did not come back"


def test_readers_do_not_wait_after_leaving(mirror: StateMirror) -> None:
    mirror.take(state(1, "connected"))
    mirror.take(state(2, "idle"))

    assert not mirror.is_live


def test_an_idle_call_does_not_wait_for_anybody_after_a_crash(mirror: StateMirror) -> None:
    mirror.lose("crash")

    assert not mirror.is_live


def test_waiting_ends_with_the_phase(mirror: StateMirror) -> None:
    threading.Timer(0.05, mirror.take, [state(1, "connected")]).start()

    mirror.wait_for("connected", 20)

    mirror.wait_for("connected", 0)


def test_waiting_says_where_the_call_stands(mirror: StateMirror) -> None:
    with pytest.raises(TimeoutError, match=r"After 0 s the call is still not started: click"):
        mirror.wait_for("connected", 0)


def test_waiting_ends_when_the_call_is_closed(mirror: StateMirror) -> None:
    threading.Timer(0.05, mirror.finish, ["The cell was run again."]).start()

    with pytest.raises(CallError, match=r"closed \(The cell was run again.\): make a new Call"):
        mirror.wait_for("connected", 20)
    mirror.wait_for("closed", 0)
