"""The user's callbacks: each hears its kind of news, in order, on a thread of their own, and fails alone."""

import threading

import pytest

from nbrtc.callbacks import MAX_WAITING, Callbacks
from nbrtc.messages import Phase


class Heard(list[Phase]):
    """The phases that a callback heard."""


class Recorded(Callbacks):
    """With the errors kept, and a way to wait for the thread's end."""

    def __init__(self) -> None:
        self.errors: list[tuple[object, BaseException]] = []
        super().__init__(lambda callback, error: self.errors.append((callback, error)))

    def finish(self) -> None:
        self.put("state", "closed")
        self.join()

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join(20)
            assert not self._thread.is_alive()


def test_callbacks_hear_every_phase_in_order_on_their_own_thread() -> None:
    callbacks, first, second, threads = Recorded(), Heard(), Heard(), set()
    callbacks.add("state", first.append)
    callbacks.add("state", second.append)
    callbacks.add("state", lambda _: threads.add(threading.current_thread().name))

    for phase in ("connecting", "connected", "reconnecting", "connected", "idle"):
        callbacks.put("state", phase)
    callbacks.finish()

    assert first == second == ["connecting", "connected", "reconnecting", "connected", "idle", "closed"]
    assert threads == {"nbrtc-callbacks"}


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_failing_callback_is_reported_and_keeps_the_others(error: type[BaseException]) -> None:
    callbacks, heard = Recorded(), Heard()

    def fail(_: Phase) -> None:
        raise error("no")

    callbacks.add("state", fail)
    callbacks.add("state", heard.append)
    callbacks.put("state", "connecting")
    callbacks.finish()

    assert heard == ["connecting", "closed"]
    assert [(one, type(what)) for one, what in callbacks.errors] == [(fail, error)] * 2


def test_each_registration_is_stopped_by_its_own_function() -> None:
    callbacks, heard = Recorded(), Heard()
    stop_first = callbacks.add("state", heard.append)
    callbacks.add("state", heard.append)
    stop_first()
    stop_first()

    callbacks.put("state", "connecting")
    callbacks.finish()

    assert heard == ["connecting", "closed"]


def test_a_callback_may_stop_another_and_itself() -> None:
    callbacks, heard = Recorded(), Heard()

    def once(phase: Phase) -> None:
        heard.append(phase)
        stop_once()
        stop_other()

    stop_once = callbacks.add("state", once)
    stop_other = callbacks.add("state", heard.append)
    callbacks.put("state", "connecting")
    callbacks.finish()

    assert heard == ["connecting"]


def test_phases_before_a_callback_was_added_are_not_told() -> None:
    callbacks, heard = Recorded(), Heard()
    callbacks.put("state", "connecting")
    callbacks.add("state", heard.append)
    callbacks.finish()

    assert heard == ["closed"]


def test_a_stuck_callback_costs_the_oldest_phases_only() -> None:
    callbacks, heard = Recorded(), Heard()
    entered, go_on = threading.Event(), threading.Event()

    def stuck(phase: Phase) -> None:
        heard.append(phase)
        entered.set()
        assert go_on.wait(20)

    callbacks.add("state", stuck)
    callbacks.put("state", "connecting")
    assert entered.wait(20)
    for _ in range(MAX_WAITING + 10):
        callbacks.put("state", "connected")
    callbacks.put("state", "closed")
    go_on.set()
    callbacks.join()

    assert heard[:2] == ["connecting", "connected"]
    assert heard[-1] == "closed"
    assert len(heard) == 1 + MAX_WAITING


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="a function of the new state, not 'print'"):
        Recorded().add("state", "print")  # type: ignore[arg-type]  # that is what is tried


def test_each_kind_of_news_has_its_own_callbacks_in_one_order() -> None:
    callbacks, order = Recorded(), list[tuple[str, object]]()
    callbacks.add("chat", lambda value: order.append(("chat", value)))
    callbacks.add("joined", lambda value: order.append(("joined", value)))
    callbacks.add("left", lambda value: order.append(("left", value)))

    callbacks.put("joined", "Bob")
    callbacks.put("chat", "hello")
    callbacks.put("state", "connected")
    callbacks.put("left", "Bob")
    callbacks.finish()

    assert order == [("joined", "Bob"), ("chat", "hello"), ("left", "Bob")]


def test_nothing_comes_after_the_end() -> None:
    callbacks, heard = Recorded(), Heard()
    callbacks.add("state", heard.append)
    callbacks.finish()
    callbacks.put("state", "connected")

    assert heard == ["closed"]
    assert callbacks._waiting.empty()
