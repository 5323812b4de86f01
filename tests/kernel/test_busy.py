"""A busy cell holds up neither the page's clicks nor the heartbeat: subshells, C calls, forks."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nbrtc.pulse import BEAT_S, LOST_S
from tests.kernel.kernel import Cell, Kernel, Page


@contextmanager
def busy(kernel: Kernel, release: Path) -> Iterator[Cell]:
    """The main shell is in a cell until the block ends."""
    # it publishes over the widgets' comms, as cells do, which moves what their pages say to this shell
    publish = "for widget in list(ipywidgets.widgets.widget._instances.values()): widget.send_state()"
    wait = f"while not pathlib.Path({str(release)!r}).exists(): time.sleep(0.02)"
    cell = kernel.start(f"import ipywidgets, pathlib, time\n{publish}\nprint('busy')\n{wait}")
    kernel.read_until(lambda: "busy" in cell.text, "the busy cell")
    yield cell
    assert not cell.is_done
    release.touch()
    kernel.finish(cell)


def test_a_page_is_answered_while_a_cell_runs(shared_kernel: Kernel, tmp_path: Path) -> None:
    page = Page(shared_kernel, subshell=shared_kernel.subshell())
    page.hello()
    page.count("welcome", 1)

    with busy(shared_kernel, tmp_path / "release"):
        # the answers are published, and it is publishing that moves the next message to another subshell
        for count in range(2, 5):
            page.send({"type": "hello", "protocol": 1})
            page.count("welcome", count)


def test_ipykernel_by_itself_would_make_the_page_wait(shared_kernel: Kernel, tmp_path: Path) -> None:
    if not shared_kernel.value("hasattr(type(call.comm), '_reply_subshell_for')"):
        pytest.skip("this ipykernel answers on the subshell that asks: Call.__init__ need not help any more")
    shared_kernel.run("stock = nbrtc.Call(); del stock.comm._reply_subshell_for")
    subshell = shared_kernel.subshell()
    stock, ours = Page(shared_kernel, "stock", subshell), Page(shared_kernel, "call", subshell)

    with busy(shared_kernel, tmp_path / "release"):
        stock.send({"type": "hello", "protocol": 1})
        ours.hello()
        assert not stock.events("welcome"), "sent first, and still waiting for the cell"

    assert stock.next("welcome")
    shared_kernel.run("stock.close()")


def test_a_cell_waits_for_what_the_page_does(shared_kernel: Kernel) -> None:
    shared_kernel.run("meeting = nbrtc.Call()")
    page = Page(shared_kernel, "meeting", subshell=shared_kernel.subshell())
    page.hello()

    cell = shared_kernel.start("print('waiting'); meeting.wait_for('failed', 25); print(meeting.reason)")
    shared_kernel.read_until(lambda: "waiting" in cell.text, "the waiting cell")
    page.send({"type": "offer", "id": "1", "generation": 1, "sdp": "not SDP", "takeOver": False})

    assert "instead of v=0" in shared_kernel.finish(cell).text
    assert page.next("reply")["errorCode"] == "negotiation"
    shared_kernel.run("meeting.close()")


def test_a_c_call_that_holds_the_interpreter_does_not_look_like_a_lost_engine(shared_kernel: Kernel) -> None:
    engine = shared_kernel.engine()

    # a C call by PyDLL keeps the interpreter's lock, as one of a busy library does
    shared_kernel.run("import ctypes, time")
    held_s = shared_kernel.value(
        "(began_s := time.monotonic(), ctypes.PyDLL(None).sleep(3), time.monotonic() - began_s)[-1]"
    )

    assert held_s > BEAT_S + LOST_S, "shorter than the heartbeat's patience: this proves nothing"
    assert shared_kernel.engine() == engine
    assert shared_kernel.value("[problem for problem in call.errors if problem.code == 'engine']") == []


def test_a_forked_child_leaves_the_engine_alone(shared_kernel: Kernel) -> None:
    engine = shared_kernel.engine()

    shared_kernel.run(
        "import multiprocessing\n"
        "def child(pipe):\n"
        "    try: call.leave()\n"
        "    except nbrtc.EngineError as error: pipe.send(str(error))\n"
        "    call.close()\n"
        "    nbrtc.bridge.Bridge.forget_shared()\n"
        "context = multiprocessing.get_context('fork')\n"
        "ours, theirs = context.Pipe()\n"
        "process = context.Process(target=child, args=(theirs,)); process.start(); process.join(30)"
    )

    assert "of which this one was forked" in shared_kernel.value("ours.recv()")
    assert shared_kernel.value("process.exitcode") == 0
    assert shared_kernel.engine() == engine
    assert Page(shared_kernel).hello()["state"]["phase"] == "idle"
