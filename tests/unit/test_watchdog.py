"""The end of tests that hang, tried on small test suites that do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PATIENCE_S = 100.0
OPTIONS = ("-v", "-p", "no:cacheprovider", "-p", "no:asyncio")
STUCK_IN_C = """
    import ctypes
    c, mutex = ctypes.PyDLL(None), ctypes.create_string_buffer(128)
    def test_stuck():  # keeps the interpreter, and no signal ends it
        c.pthread_mutex_init(mutex, None)
        c.pthread_mutex_lock(mutex)
        c.pthread_mutex_lock(mutex)
"""
STUCK_AFTER_ITS_TIMEOUT = """
    import threading
    def test_stuck():
        never = threading.Event()
        try:
            never.wait()
        finally:
            never.wait()
"""
STUCK_IN_TEARDOWN_OF_A_FAILURE = """
    import pytest, threading
    @pytest.fixture
    def stuck():
        yield
        threading.Event().wait()
    def test_stuck(stuck): assert False
"""
OTHERS = """
    def test_before(): pass
    def test_after(): pass
"""


def run_suite(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run tests under the real watchdog, its patience shortened."""
    (folder / "conftest.py").write_text(
        "from tests import watchdog\n"
        "watchdog.MARGIN_S = 1.0\n"
        "def pytest_configure(config): config.pluginmanager.register(watchdog.Watchdog())\n"
    )
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {REPOSITORY}\ntimeout = 1\n")
    (folder / "test_suite.py").write_text("\n".join(line[4:] for line in source.splitlines()))
    return subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, *options, str(folder)],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.mark.parametrize(
    ("source", "where"),
    [(STUCK_AFTER_ITS_TIMEOUT, "in test_stuck"), (STUCK_IN_TEARDOWN_OF_A_FAILURE, "in stuck")],
    ids=["after its timeout", "in the teardown of a failure"],
)
def test_a_test_that_hangs_ends_and_says_where(tmp_path: Path, source: str, where: str) -> None:
    result = run_suite(tmp_path, source)

    assert result.returncode == 1
    assert "Timeout (0:00:02)!" in result.stderr
    assert where in result.stderr


def test_one_that_keeps_the_interpreter_is_said_to_have_crashed_and_the_others_go_on(tmp_path: Path) -> None:
    result = run_suite(tmp_path, STUCK_IN_C + OTHERS, "-n", "1")

    assert result.returncode == 1
    assert "in test_stuck" in result.stderr
    assert "crashed while running 'test_suite.py::test_stuck'" in result.stdout
    assert "1 failed, 2 passed" in result.stdout
