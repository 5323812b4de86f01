"""The kernel's mirror of the engine's state: for every thread to read and to wait for."""

import threading
import time
from collections.abc import Callable

import msgspec

from .errors import CallError
from .messages import CallState, Phase
from .poster import sentence

LIVE: tuple[Phase, ...] = ("connecting", "connected", "reconnecting")
RECOVERY_S = 15.0
"""After an engine was lost the page has this long to connect again before readers of frames are told the
end."""


class StateMirror:
    """Holds the newest `CallState` of one call.

    Thread-safe. A state counts only if its ``(epoch, revision)`` is newer; after `finish` none does.

    Parameters
    ----------
    state
        What is true before the engine speaks.
    on_phase
        Told each new phase, in order, on the thread that brought it, under the mirror's lock: it returns at
        once.
    """

    def __init__(self, state: CallState, on_phase: Callable[[Phase], None]) -> None:
        self._state = state
        self._on_phase = on_phase
        self._changed = threading.Condition()
        self._lost_s = float("-inf")

    @property
    def state(self) -> CallState:
        """The newest state."""
        return self._state

    @property
    def is_live(self) -> bool:
        """Whether frames come or will come without another click."""
        return self._state.phase in LIVE or self.is_recovering

    @property
    def is_recovering(self) -> bool:
        """Whether an engine was lost a moment ago, so that much of what was there will be there again."""
        return self._state.phase != "closed" and time.monotonic() - self._lost_s < RECOVERY_S

    def take(self, state: CallState) -> bool:
        """The engine's word. An older state than the present one is dropped, and False returned."""
        with self._changed:
            known = self._state
            if known.phase == "closed" or (state.epoch, state.revision) <= (known.epoch, known.revision):
                return False
            self._replace(state)
            return True

    def lose(self, reason: str) -> CallState:
        """The engine went; the next one's first state outranks this. Returns what is true now."""
        with self._changed:
            if self._state.phase in LIVE:
                self._lost_s = time.monotonic()
            return self._end("failed", reason)

    def finish(self, reason: str) -> CallState:
        """The call was closed: nothing comes after this. Returns what is true now."""
        with self._changed:
            return self._end("closed", reason)

    def wait_for(self, phase: Phase, timeout_s: float) -> None:
        """Block until the call is in `phase`.

        Raises
        ------
        TimeoutError
            If it is not within `timeout_s` seconds.
        CallError
            If the call is closed first.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._state.phase in (phase, "closed"), timeout_s):
                raise TimeoutError(f"After {timeout_s:g} s the call is still {sentence(self._state)}.")
            if self._state.phase != phase:
                raise CallError(f"The call is {sentence(self._state)}: make a new Call().")

    def _end(self, phase: Phase, reason: str) -> CallState:
        if self._state.phase != "closed":
            ended = msgspec.structs.replace(
                self._state,
                phase=phase,
                reason=reason,
                owner=None,
                recording=None,
                recorded=(),
                camera_on=False,
                microphone_on=False,
                screen_sharing=False,
                revision=self._state.revision + 1,
            )
            self._replace(ended)
        return self._state

    def _replace(self, state: CallState) -> None:
        before, self._state = self._state.phase, state
        self._changed.notify_all()
        if state.phase != before:
            self._on_phase(state.phase)
