"""The guards of conftest.py, tried on small test suites that break the rules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LEAVES_THREAD = """
    import threading
    release = threading.Event()
    def test_it(): threading.Thread(target=release.wait, args=(20,), name="forgotten").start()
    def teardown_module(): release.set()
"""
LEAVES_TASK = """
    import asyncio
    async def test_it(): globals()["kept"] = asyncio.create_task(asyncio.Event().wait(), name="forgotten")
"""
LEAVES_PROCESS = """
    import subprocess
    def test_it(): globals()["kept"] = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
"""
LEAVES_ORPHAN = """
    import subprocess, sys
    CHILD = "import subprocess; subprocess.Popen(['tail', '-f', '/dev/null'])"
    def test_it(): subprocess.run([sys.executable, "-c", CHILD], check=True)
"""
LEAVES_ON_PURPOSE = """
    import pytest, subprocess
    @pytest.mark.may_leave("the suite ends it")
    def test_it(): globals()["kept"] = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    def teardown_module(): kept.communicate(b"")
"""
SKIPS = """
    import pytest
    def test_it(): pytest.skip("no camera")
"""
TIDY = """
    import asyncio, subprocess, sys, threading
    async def test_it():
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", ""], check=True)
        asyncio.create_task(asyncio.sleep(0))
        threading.Thread(target=threading.Event().wait, args=(0.01,)).start()
"""


def run_suite(folder: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one test under a copy of the real conftest, its patience shortened."""
    conftest = (REPOSITORY / "tests/conftest.py").read_text().replace("GRACE_S = 30.0", "GRACE_S = 0.5")
    (folder / "conftest.py").write_text(conftest)
    (folder / "pytest.ini").write_text(f"[pytest]\nasyncio_mode = auto\npythonpath = {REPOSITORY}\n")
    (folder / "test_suite.py").write_text("\n".join(line[4:] for line in source.splitlines()))
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-ra", str(folder)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (LEAVES_THREAD, "thread forgotten"),
        (LEAVES_TASK, "The test left tasks: <Task pending name='forgotten'"),
        (LEAVES_PROCESS, "process "),
        (LEAVES_ORPHAN, "tail -f /dev/null"),
    ],
    ids=["thread", "task", "process", "orphan"],
)
def test_what_a_test_leaves_behind_fails_it(tmp_path: Path, source: str, complaint: str) -> None:
    result = run_suite(tmp_path, source)

    assert result.returncode == 1, result.stdout
    assert complaint in result.stdout


def test_a_test_that_leaves_things_on_purpose_says_why(tmp_path: Path) -> None:
    result = run_suite(tmp_path, LEAVES_ON_PURPOSE)

    assert result.returncode == 0, result.stdout


def test_things_that_are_just_ending_are_waited_for(tmp_path: Path) -> None:
    result = run_suite(tmp_path, TIDY)

    assert result.returncode == 0, result.stdout


def test_a_skip_is_listed_and_fails_where_everything_is_required(tmp_path: Path) -> None:
    allowed = run_suite(tmp_path, SKIPS, NBRTC_REQUIRE="")
    refused = run_suite(tmp_path, SKIPS, NBRTC_REQUIRE="all")

    assert allowed.returncode == 0
    assert "SKIPPED [1]" in allowed.stdout
    assert "no camera" in allowed.stdout
    assert refused.returncode == 1
    assert "no camera (a failure, because NBRTC_REQUIRE=all)" in refused.stdout
