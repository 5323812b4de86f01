"""Whether the engine lives, judged by its heartbeat. Pure: the caller has the clock and the pipe."""

from collections.abc import Callable

BEAT_S = 0.2
"""From an answered question to the next one."""
LOST_S = 2.0
"""An engine that owes an answer and does nothing for this long hangs. To end it costs its calls and
recordings, and to wait costs little: the page replaces Python's picture before, by itself."""
BUSY_LOST_S = 4.0
"""One that computes, or waits in vain for a core of an overloaded machine, gets so long: its recordings and
calls go on when its turn comes."""
DISK_LOST_S = 15.0
"""And one that waits for the disk so long: it cannot even be killed meanwhile, and the next one would wait
like it."""
SUSPECT_S = 0.5
"""After so much silence a look is taken whether it does anything."""
ACTIVE = 0.1
"""Share of the time that a process at work spends on a core, or in the queue for one."""
STARVED_S = 2 * BEAT_S
"""The bridge's thread looks more often than this, unless a C call held the whole interpreter up."""


class Pulse:
    """One question at a time, and how long its answer is overdue.

    A kernel whose threads could not run is not the engine's fault: after such a hole the engine gets its
    whole time again. All times are of `time.monotonic`.

    Parameters
    ----------
    activity_s
        Seconds that the engine's present threads have computed or waited for a core so far; None where the
        system does not say.
    waits_for_disk
        Whether it waits for the disk at this moment.
    """

    def __init__(
        self,
        now_s: float,
        activity_s: Callable[[], float | None] = lambda: None,
        waits_for_disk: Callable[[], bool] = lambda: False,
    ) -> None:
        self._asked = self._answered = 0
        self._asked_s = self._looked_s = now_s
        self._activity_s = activity_s
        self._waits_for_disk = waits_for_disk
        self._seen: tuple[float, float | None] | None = None  # when it was looked at last, and its activity
        # when it was last seen at work, and waiting for the disk
        self._worked_s = self._at_disk_s = now_s - LOST_S

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
        if not self._is_owed or silent_s <= SUSPECT_S:
            self._seen = None
            return None
        self._look(now_s)
        idle_s = min(silent_s, now_s - self._worked_s)
        limit_s = DISK_LOST_S if now_s - self._at_disk_s <= LOST_S else BUSY_LOST_S
        return silent_s if idle_s > LOST_S or silent_s > limit_s else None

    def wait_s(self, now_s: float) -> float:
        """How long to wait for the engine's next word before looking again; at most `BEAT_S`."""
        limits = (SUSPECT_S, LOST_S) if self._is_owed else (BEAT_S,)
        ahead_s = [self._asked_s + limit - now_s for limit in limits if self._asked_s + limit > now_s]
        return min(BEAT_S, *ahead_s, BEAT_S if self._is_owed or ahead_s else 0.0)

    def _look(self, now_s: float) -> None:
        """See whether it does anything, or waits for the disk."""
        if self._waits_for_disk():
            self._worked_s = self._at_disk_s = now_s
        if self._seen is None:
            self._seen = now_s, self._activity_s()
            return
        seen_s, before_s = self._seen
        if now_s - seen_s < BEAT_S / 2:
            return  # too early to tell
        after_s = self._activity_s()
        self._seen = now_s, after_s
        if before_s is None or after_s is None:
            return
        # a thread that ends takes its seconds away: that is something, too
        if after_s < before_s or after_s - before_s >= ACTIVE * (now_s - seen_s):
            self._worked_s = now_s

    @property
    def _is_owed(self) -> bool:
        return self._answered < self._asked
