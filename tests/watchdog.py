"""Ends a process of tests in which nothing goes on any more, and says where every thread stood.

pytest-timeout raises in the main thread, once: that ends neither a C function that keeps the interpreter, nor
what waits again while the exception passes (`subprocess.Popen.__exit__`, the end of an event loop, teardown);
and once a test has failed, its teardown is not watched. faulthandler's thread needs nothing from Python.
Under xdist the test is said to have crashed, and the others go on in a new process.
"""

import faulthandler
import os
import sys
from collections.abc import Generator

import pytest

MARGIN_S = 120.0
"""After its timeout a test may take so long to fail by itself and to clean up; the guards wait, too."""


class Watchdog:
    """A plugin: arms faulthandler around each test, and once more for its teardown.

    Raises
    ------
    OSError
        If the process has no standard error.
    """

    def __init__(self) -> None:
        assert sys.__stderr__ is not None
        self._stderr = os.dup(
            sys.__stderr__.fileno()
        )  # before pytest puts a file there for the test's output
        self._is_off = False

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._arm(item)
        try:
            return (yield)
        finally:
            faulthandler.cancel_dump_traceback_later()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        self._arm(item)  # there is one timer, and pytest's own plugin cancels it when a test fails
        return (yield)

    def pytest_enter_pdb(self) -> None:
        """A person takes over."""
        self._is_off = True
        faulthandler.cancel_dump_traceback_later()

    def pytest_unconfigure(self) -> None:
        os.close(self._stderr)

    def _arm(self, item: pytest.Item) -> None:
        timeout_s = timeout_of(item)
        if timeout_s and not self._is_off and not item.config.getoption("usepdb"):
            faulthandler.dump_traceback_later(timeout_s + MARGIN_S, file=self._stderr, exit=True)


def timeout_of(item: pytest.Item) -> float:
    """Seconds until pytest-timeout interrupts it, as a marker, the command or the settings say; 0: never."""
    if marker := item.get_closest_marker("timeout"):
        return float(marker.args[0] if marker.args else marker.kwargs["timeout"])
    option = item.config.getoption("timeout")
    return float(option if option is not None else item.config.getini("timeout") or 0)
