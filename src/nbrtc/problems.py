"""What went wrong during a call, for `call.errors`."""

import threading
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from .errors import FrameError, SoundError

MAX_PROBLEMS = 200
"""The oldest are forgotten beyond this."""


@dataclass
class CallProblem:
    """One kind of error and how often it came."""

    code: str
    """The kind of error, as in `nbrtc.NbrtcError.code`; ``"video-effect"`` and others for the user's code."""
    message: str
    """A sentence: what happened, with which value, what to do. The latest one, if they differ."""
    traceback: str = ""
    """Where the user's code raised."""
    count: int = 1
    first: datetime = field(default_factory=lambda: datetime.now(UTC))
    last: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        times = "" if self.count == 1 else f" ({self.count} times)"
        return f"{self.first:%H:%M:%S} {self.code}: {self.message}{times}"


class Problems:
    """Bounded and ordered by first appearance; the same problem counts up. Thread-safe."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, object], CallProblem] = {}
        self._lock = threading.Lock()

    def add(
        self, code: str, message: str, traceback: str = "", key: object = None, *, times: int = 1
    ) -> bool:
        """Note a problem; True if it is new. Without a traceback an earlier one stays.

        Parameters
        ----------
        key
            What makes it the same as an earlier one; by default its message.
        times
            How often it came.
        """
        with self._lock:
            place = (code, message if key is None else key)
            if (known := self._items.get(place)) is not None:
                known.count += times
                known.message, known.last = message, datetime.now(UTC)
                known.traceback = traceback or known.traceback
                return False
            self._items[place] = CallProblem(code, message, traceback, times)
            while len(self._items) > MAX_PROBLEMS:
                self._items.pop(next(iter(self._items)))
            return True

    def items(self) -> list[CallProblem]:
        """Copies, oldest first."""
        with self._lock:
            return [replace(problem) for problem in self._items.values()]


def worded(error: BaseException) -> str:
    """``"ValueError: what it says"``, whatever the error of the user's code does when it is asked."""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  a `__str__` of the user's
        said = "(its message cannot be read)"
    return f"{type(error).__name__}: {said}".encode(errors="replace").decode()  # no lone surrogates


def blamed(who: str, error: BaseException) -> str:
    """``"f() raised ValueError: what it says"``; of a value that cannot be sent, what is wrong with it."""
    if isinstance(error, FrameError | SoundError) and str(error).startswith(who):
        return str(error)
    return f"{who} raised {worded(error)}"
