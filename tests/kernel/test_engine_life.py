"""The engine lives as long as its kernel, and a lost one is replaced. Times are printed (-s)."""

import signal
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from nbrtc.bridge import RESTARTS
from nbrtc.pulse import DISK_LOST_S
from tests.kernel.kernel import PATIENCE_S, Kernel, Message, Page, wait_for_end

NOTICED_S = {signal.SIGKILL: 5.0, signal.SIGSTOP: DISK_LOST_S}
"""The aim is 1 s for a crash and `LOST_S` for a hang, and the figures are printed; a loaded machine is given
more."""


def report(figure: str) -> None:
    """Put a measured figure where ``pytest -s`` and a failure show it."""
    sys.stdout.write(f"\n{figure}\n")


def is_of(epoch: int, state: Message) -> bool:
    """Whether the engine of this number says so."""
    return bool(state["epoch"] == epoch)


def folder_of(engine: psutil.Process) -> Path:
    """Where the bridge's sockets are."""
    return Path(engine.cmdline()[-1])


def test_a_call_is_there_at_once_and_its_engine_is_warm_soon_after(kernel: Kernel) -> None:
    made_s, warm_s = kernel.value(
        "(clock := __import__('time').monotonic, nbrtc.Call, began := clock(), call := nbrtc.Call(), "
        "made := clock(), call.engine_status(), (made - began, clock() - began))[-1]"
    )

    report(f"Call() took {1000 * made_s:.0f} ms; its engine answered after {warm_s:.2f} s")
    assert made_s < warm_s


def test_an_interrupt_of_the_cell_does_not_reach_the_engine(kernel: Kernel) -> None:
    kernel.run("import time; call = nbrtc.Call()")
    engine = kernel.engine()
    cell = kernel.start("print('sleeping'); time.sleep(60)")
    kernel.read_until(lambda: "sleeping" in cell.text, "the sleeping cell")

    kernel.manager.interrupt_kernel()  # SIGINT to the kernel's process group

    kernel.read_until(lambda: cell.is_done, "the interrupted cell's end")
    assert "KeyboardInterrupt" in cell.error
    assert kernel.engine() == engine
    assert kernel.value("call.errors") == []


@pytest.mark.parametrize(
    ("how", "said"),
    [(signal.SIGKILL, "was killed by SIGKILL"), (signal.SIGSTOP, "has not answered")],
    ids=["crash", "hang"],
)
def test_a_lost_engine_is_noticed_said_and_replaced(kernel: Kernel, how: signal.Signals, said: str) -> None:
    kernel.run("call = nbrtc.Call()")
    kernel.run("@call.video_effect\ndef negative(frame): return 255 - frame")
    kernel.run("call.stats_interval_s = 0.25; call.quality = 'low'")
    kernel.run("phases = []; stop = call.on_state_change(phases.append)")
    page = Page(kernel)
    page.hello()
    engine = kernel.engine()
    folder = folder_of(engine)

    began_s = time.monotonic()
    engine.send_signal(how)
    bye = page.next("bye")
    noticed_s = time.monotonic() - began_s
    state = page.next("state", partial(is_of, 1))
    told_s = time.monotonic() - began_s

    report(f"{how.name}: the page heard of it after {noticed_s:.2f} s, of the next one after {told_s:.2f} s")
    assert noticed_s < NOTICED_S[how]
    assert (bye["code"], bye["recover"]) == ("lost", True)
    assert said in bye["reason"]
    assert said in kernel.value("[problem.message for problem in call.errors if problem.code == 'engine'][0]")
    assert state["videoEffect"] == "negative()", "the new engine was told everything again"
    assert state["quality"]["name"] == "low"
    assert state["statsIntervalS"] == 0.25
    assert said in kernel.value(
        "[one.value for one in call.stats.source.events() if one.name == 'engine'][0]"
    )
    assert kernel.engine() != engine
    assert kernel.value("phases[:2]") == ["failed", "idle"]
    assert not engine.is_running()
    assert not folder.exists()


def test_engines_that_keep_crashing_are_not_started_for_ever(kernel: Kernel) -> None:
    kernel.run("call = nbrtc.Call()")
    page = Page(kernel)
    page.hello()
    lost = 0
    for epoch in range(RESTARTS + 1):
        page.next("state", partial(is_of, epoch))
        psutil.Process(kernel.value("nbrtc.bridge.Bridge.shared().engine_pid")).kill()
        lost += 1
        page.count("bye", lost)

    assert kernel.value("nbrtc.bridge.Bridge.shared().engine_pid") is None, "given up"
    assert kernel.value("call.state, 'SIGKILL' in call.reason, call.errors[0].count") == (
        "failed",
        True,
        lost,
    )

    kernel.run("call.join()")  # a request brings a new one
    assert kernel.engine().is_running()
    psutil.Process(kernel.value("nbrtc.bridge.Bridge.shared().engine_pid")).kill()
    page.count("bye", lost + 1)
    assert page.hello()["state"]["phase"] == "idle", "and so does a click in the page"


@pytest.mark.parametrize("end", ["shutdown", "restart", "kill", "kill while the engine starts"])
def test_nothing_is_left_when_the_kernel_ends(kernel: Kernel, end: str) -> None:
    kernel.run("call = nbrtc.Call()")
    if end == "kill while the engine starts":
        kernel.run("while (pid := nbrtc.bridge.Bridge.shared().engine_pid) is None: pass")
        engine = psutil.Process(kernel.value("pid"))
    else:
        kernel.run("@call.video_effect\ndef negative(frame): return 255 - frame")
        engine = kernel.engine()
    folder = folder_of(engine)

    began_s = time.monotonic()
    match end:
        case "shutdown":
            kernel.shut_down()
        case "restart":
            kernel.manager.restart_kernel()
            kernel.client.wait_for_ready(timeout=PATIENCE_S)
        case _:
            kernel.process.kill()
    wait_for_end(engine)

    report(f"{end}: the engine was gone after {time.monotonic() - began_s:.2f} s")
    assert not folder.exists()


def test_an_idle_call_delays_the_kernels_end_by_little(kernel: Kernel) -> None:
    """Even beside a forked child that lives on: it would hold the engine's pipe open if it did not let go."""
    kernel.run("import os, time; call = nbrtc.Call()")
    kernel.engine()
    kernel.run("bridge = nbrtc.bridge.Bridge.shared(); process = bridge._process._process")
    kernel.run("child = os.fork() or (time.sleep(60), os._exit(0))")

    took_s = kernel.value("(began := time.monotonic(), bridge.close(), time.monotonic() - began)[-1]")
    kernel.run("os.kill(child, 9); os.waitpid(child, 0)")

    report(f"closing the bridge of an idle call took {1000 * took_s:.0f} ms")
    assert kernel.value("process.returncode") == 0, "it ended by itself and was not killed"


def test_a_closed_bridge_leaves_no_thread_and_the_next_call_has_a_new_one(kernel: Kernel) -> None:
    kernel.run("import threading; call = nbrtc.Call(); call.on_state_change(print); call.engine_status()")
    kernel.run("@call.video_effect\ndef negative(frame): return 255 - frame")
    kernel.run("call.close()")
    kernel.run("ours = [t for t in threading.enumerate() if t.name.startswith('nbrtc')]")
    assert "nbrtc-bridge" in kernel.value("[thread.name for thread in ours]")

    kernel.run("nbrtc.bridge.Bridge.shared().close()")
    kernel.run("for thread in ours: thread.join(30)")

    assert kernel.value("[t.name for t in threading.enumerate() if t.name.startswith('nbrtc')]") == []
    kernel.run("call = nbrtc.Call()")
    assert kernel.engine().is_running()
