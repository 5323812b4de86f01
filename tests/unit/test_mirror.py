"""The kernel's mirror of the state: the newest wins, waiting ends with it, callbacks hear every phase."""

import threading
from typing import Any

import pytest

from nbrtc.callbacks import MAX_WAITING, PhaseCallbacks
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


# --- callbacks


class Callbacks(PhaseCallbacks):
    """With the errors kept, and a way to wait for the thread's end."""

    def __init__(self) -> None:
        self.errors: list[tuple[object, BaseException]] = []
        super().__init__(lambda callback, error: self.errors.append((callback, error)))

    def finish(self) -> None:
        self.put("closed")
        self.join()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(20)
            assert not self._thread.is_alive()


def test_callbacks_hear_every_phase_in_order_on_their_own_thread() -> None:
    callbacks, first, second, threads = Callbacks(), Heard(), Heard(), set()
    callbacks.add(first.append)
    callbacks.add(second.append)
    callbacks.add(lambda _: threads.add(threading.current_thread().name))

    for phase in ("connecting", "connected", "reconnecting", "connected", "idle"):
        callbacks.put(phase)
    callbacks.finish()

    assert first == second == ["connecting", "connected", "reconnecting", "connected", "idle", "closed"]
    assert threads == {"nbrtc-callbacks"}


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_failing_callback_is_reported_and_keeps_the_others(error: type[BaseException]) -> None:
    callbacks, heard = Callbacks(), Heard()

    def fail(_: Phase) -> None:
        raise error("no")

    callbacks.add(fail)
    callbacks.add(heard.append)
    callbacks.put("connecting")
    callbacks.finish()

    assert heard == ["connecting", "closed"]
    assert [(one, type(what)) for one, what in callbacks.errors] == [(fail, error)] * 2


def test_each_registration_is_stopped_by_its_own_function() -> None:
    callbacks, heard = Callbacks(), Heard()
    stop_first = callbacks.add(heard.append)
    callbacks.add(heard.append)
    stop_first()
    stop_first()

    callbacks.put("connecting")
    callbacks.finish()

    assert heard == ["connecting", "closed"]


def test_a_callback_may_stop_another_and_itself() -> None:
    callbacks, heard = Callbacks(), Heard()

    def once(phase: Phase) -> None:
        heard.append(phase)
        stop_once()
        stop_other()

    stop_once = callbacks.add(once)
    stop_other = callbacks.add(heard.append)
    callbacks.put("connecting")
    callbacks.finish()

    assert heard == ["connecting"]


def test_phases_before_a_callback_was_added_are_not_told() -> None:
    callbacks, heard = Callbacks(), Heard()
    callbacks.put("connecting")
    callbacks.add(heard.append)
    callbacks.finish()

    assert heard == ["closed"]


def test_a_stuck_callback_costs_the_oldest_phases_only() -> None:
    callbacks, heard = Callbacks(), Heard()
    entered, go_on = threading.Event(), threading.Event()

    def stuck(phase: Phase) -> None:
        heard.append(phase)
        entered.set()
        assert go_on.wait(20)

    callbacks.add(stuck)
    callbacks.put("connecting")
    assert entered.wait(20)
    for _ in range(MAX_WAITING + 10):
        callbacks.put("connected")
    callbacks.put("closed")
    go_on.set()
    callbacks.join()

    assert heard[:2] == ["connecting", "connected"]
    assert heard[-1] == "closed"
    assert len(heard) == 1 + MAX_WAITING


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="a function of the new state, not 'print'"):
        Callbacks().add("print")  # type: ignore[arg-type]  # that is what is tried
