"""Shorter turns of the interpreter while a video effect runs beside the user's own loops.

A thread that wants the interpreter waits for the switch interval, 5 ms by default, each time it was away: for
a frame, for the conversion of colours, for the socket. Beside a Python loop an effect pays that several times
a frame: 19 frames a second at 87 ms with 5 ms, 30 at 52 ms with 1 ms (benchmarks, identity callback).
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TURN_S = 0.001

_lock = threading.Lock()
_users = 0
_before_s = 0.0


@contextmanager
def quick_turns() -> Iterator[None]:
    """Set `sys.setswitchinterval` to `TURN_S` in the body; the last to leave puts the earlier value back."""
    global _users, _before_s
    with _lock:
        _users += 1
        if _users == 1:
            _before_s = sys.getswitchinterval()
            sys.setswitchinterval(min(TURN_S, _before_s))
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                sys.setswitchinterval(_before_s)
