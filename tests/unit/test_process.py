"""What the system says of a running engine."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nbrtc.process import EngineProcess

PATIENCE_S = 30.0

# glibc's posix_spawn() sleeps like somebody who waits for the disk until its child has begun, and this child
# begins when somebody opens the other end of a pipe.
SPAWN = """
import os, sys
opens = [(os.POSIX_SPAWN_OPEN, 0, sys.argv[1], os.O_RDONLY, 0)]
os.posix_spawn("/bin/true", ["true"], {}, file_actions=opens)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc to look into")
def test_uninterruptible_sleep_is_seen_while_it_lasts(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    engine = EngineProcess()
    assert not engine.waits_for_disk(), "not started yet"

    engine._process = subprocess.Popen([sys.executable, "-c", SPAWN, str(pipe)], stdin=subprocess.PIPE)
    try:
        wait_until_it_is(True, engine)
        pipe.open("w").close()
        wait_until_it_is(False, engine)
    finally:
        engine.kill()
    assert not engine.waits_for_disk(), "ended"


def wait_until_it_is(wanted: bool, engine: EngineProcess) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while engine.waits_for_disk() != wanted:
        assert time.monotonic() < deadline_s, "in vain"
        time.sleep(0.005)
