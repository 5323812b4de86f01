"""Guards around every test: nothing is left behind, and nothing is skipped unnoticed."""

import asyncio
import inspect
import os
import threading
import time
import uuid
from collections.abc import AsyncIterator, Generator, Iterator

import hypothesis
import pytest

from tests import processes
from tests.watchdog import Watchdog

GRACE_S = 30.0
"""How long things that are just ending may take. A test that leaves nothing behind never waits."""

os.environ[processes.MARK] = uuid.uuid4().hex
os.environ["NBRTC_ICE_HISTORY"] = "off"  # never the user's own; a test that needs one names a file

# A shared machine may stop for a while. Hypothesis' own profile for CI knows, and chooses nothing at random.
if "CI" not in os.environ:
    hypothesis.settings.register_profile("unhurried", deadline=None)
    hypothesis.settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watchdog())


@pytest.fixture(autouse=True)
def no_threads_or_processes_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves non-daemon threads or processes; `may_leave(reason)` opts out."""
    if request.node.get_closest_marker("may_leave"):
        yield
        return
    threads, children = set(threading.enumerate()), processes.started()
    yield
    deadline = time.monotonic() + GRACE_S
    left = [t for t in threading.enumerate() if t not in threads and not t.daemon]
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    problems = [f"thread {thread.name}" for thread in left if thread.is_alive()]
    problems += [f"process {text}" for text in processes.end(processes.started() - children, grace_s=GRACE_S)]
    if problems:
        pytest.fail("The test left running: " + "; ".join(problems))


@pytest.fixture(autouse=True)
def no_other_priority() -> Iterator[None]:
    """Fail a test after which this process has a real-time priority, and give it back the usual one.

    Such a process keeps the cores from whatever it waits for: a test run on a small machine never ends.
    """
    yield
    if hasattr(os, "sched_getscheduler") and (policy := os.sched_getscheduler(0)) != os.SCHED_OTHER:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        pytest.fail(f"The test left the scheduling policy {policy}; an encoder may have set it.")


@pytest.fixture(autouse=True)
def no_tasks_left(request: pytest.FixtureRequest, no_threads_or_processes_left: None) -> None:
    """Fail an async test that leaves tasks on its loop; set up first, so that it looks last."""
    if inspect.iscoroutinefunction(getattr(request.node, "obj", None)):
        request.getfixturevalue("_tasks_of_the_loop")


@pytest.fixture
async def _tasks_of_the_loop(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    earlier = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - earlier - {asyncio.current_task()}
    if not left or request.node.get_closest_marker("may_leave"):
        return
    _, pending = await asyncio.wait(left, timeout=GRACE_S)
    if pending:
        pytest.fail("The test left tasks: " + "; ".join(repr(task) for task in pending))


# --- skips: listed by -ra, and failures where everything must run ----------------------------------------

REQUIRE_ALL = os.environ.get("NBRTC_REQUIRE") == "all"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if REQUIRE_ALL and report.skipped:
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{reason} (a failure, because NBRTC_REQUIRE=all)"


# --- what was tried once more: its first failure is told, or nobody could mend it -------------------------


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"first failure of {report.nodeid}", sep="-")
        terminalreporter.write_line(report.longreprtext)
