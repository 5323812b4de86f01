"""When the pictures of a source are due: pure, on the caller's clock."""

import math

LEAD_S = 0.1
"""The next picture is asked for so long before it is due, or two pictures ahead where that is less: who is
quick has it there in time, and a slow rate shows no picture that was made long ago."""
ROOM = 2
"""Pictures that may wait for their time. No more are asked for."""


class Pace:
    """A grid of moments, `fps` a second, that never drifts and never makes up for what was missed.

    Parameters
    ----------
    fps
        Above 0.
    now_s
        The first picture is due at once.
    """

    def __init__(self, fps: float, now_s: float) -> None:
        self._step_s = 1 / fps
        self._lead_s = min(LEAD_S, ROOM * self._step_s)
        self.due_s = now_s
        """When the next picture is shown."""

    def ask_s(self, waiting: int) -> float:
        """When to ask for a picture that comes after `waiting` others; infinite where there is no room."""
        return self.due_s + waiting * self._step_s - self._lead_s if waiting < ROOM else math.inf

    def shown(self, now_s: float) -> None:
        """A picture was shown. One that came late is followed by the next at its time; what a pause left
        out stays out.
        """
        self.due_s += self._step_s
        if self.due_s < now_s:
            self.due_s += math.ceil((now_s - self.due_s) / self._step_s) * self._step_s
        if self.due_s - now_s < self._step_s / 2:  # no two at once
            self.due_s += self._step_s
