"""What went wrong during a call, for `call.errors`."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

MAX_PROBLEMS = 200
"""The oldest are forgotten beyond this."""


@dataclass
class CallProblem:
    """One kind of error and how often it came."""

    code: str
    message: str
    traceback: str = ""
    count: int = 1
    first: datetime = field(default_factory=lambda: datetime.now(UTC))
    last: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        times = "" if self.count == 1 else f" ({self.count} times)"
        return f"{self.first:%H:%M:%S} {self.code}: {self.message}{times}"


class Problems:
    """Bounded and ordered by first appearance; the same message counts up. Thread-safe."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], CallProblem] = {}
        self._lock = threading.Lock()

    def add(self, code: str, message: str, traceback: str = "") -> bool:
        """Note a problem; True if it is new."""
        with self._lock:
            known = self._items.get((code, message))
            if known is not None:
                known.count += 1
                known.last = datetime.now(UTC)
                return False
            self._items[code, message] = CallProblem(code, message, traceback)
            while len(self._items) > MAX_PROBLEMS:
                self._items.pop(next(iter(self._items)))
            return True

    def items(self) -> list[CallProblem]:
        """A copy, oldest first."""
        with self._lock:
            return list(self._items.values())
