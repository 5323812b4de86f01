"""Whether the engine lives, judged by its heartbeat. Pure: the caller has the clock and the pipe."""

BEAT_S = 0.2
"""From an answered question to the next one."""
LOST_S = 0.7
"""An engine that owes an answer for this long hangs: together with `BEAT_S`, it is noticed within a
second."""
STARVED_S = 2 * BEAT_S
"""The bridge's thread looks more often than this, unless a C call held the whole interpreter up."""


class Pulse:
    """One question at a time, and how long its answer is overdue.

    A kernel whose threads could not run is not the engine's fault: after such a hole the engine gets its
    whole time again. All times are of `time.monotonic`.
    """

    def __init__(self, now_s: float) -> None:
        self._asked = self._answered = 0
        self._asked_s = self._looked_s = now_s

    def answer(self, number: int) -> None:
        """The engine answered the question of this number."""
        self._answered = max(self._answered, number)

    def question(self, now_s: float) -> int | None:
        """The number of the question to send now; None while one is open or it is too early."""
        if self._is_owed or now_s - self._asked_s < BEAT_S:
            return None
        self._asked, self._asked_s = self._asked + 1, now_s
        return self._asked

    def overdue_s(self, now_s: float) -> float | None:
        """How long the engine has owed an answer, if that is too long. To be asked at each look."""
        if now_s - self._looked_s > STARVED_S:
            self._asked_s = now_s
        self._looked_s = now_s
        silent_s = now_s - self._asked_s
        return silent_s if self._is_owed and silent_s > LOST_S else None

    def wait_s(self, now_s: float) -> float:
        """How long to wait for the engine's next word before looking again; at most `BEAT_S`."""
        return min(BEAT_S, max(0.0, self._asked_s + (LOST_S if self._is_owed else BEAT_S) - now_s))

    @property
    def _is_owed(self) -> bool:
        return self._answered < self._asked
